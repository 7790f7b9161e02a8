//! What a run will cost, and how long it takes at least and at most. Arithmetic on a plan.

use std::time::Duration;

use super::{Plan, TestIndex};
use crate::outcome::ServiceName;

/// A chat test that passes takes so long on Connect, and a voice test up to twice as long
/// (AWS-FACTS.md, seen live). It stands in where nothing is known of a Connect test.
const CHAT: Duration = Duration::from_secs(9);

/// Calls of a test that passes: its start and the look that sees its end; of Lex also the first page
/// of each kind of results that is read of every set.
const CALLS: (u64, u64) = (2, 5);

/// What is known of a run before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Calls to AWS, at least.
    pub calls: u64,
    /// Looks at what is under way come on top: about so many, if it takes the least time.
    pub looks: u64,
    /// The run cannot be over sooner, if each test takes what is expected of it.
    pub least: Duration,
    /// The run is over by then if every attempt of every test takes all of its `timeout`, and AWS
    /// has room.
    pub most: Duration,
    /// Tests that have run before, so that it is known what they take.
    pub known: usize,
    /// Connect tests that have not, and are taken for chat tests.
    pub assumed: usize,
    /// Lex tests that have not: nothing can be said of how long they take.
    pub unknown: usize,
}

impl Plan {
    /// What is known of the run before it begins.
    pub fn forecast(&self) -> Forecast {
        let took = |test: TestIndex| match (self.past[test], self.tests[test].target.service()) {
            (Some(past), _) => past.took,
            (None, ServiceName::Connect) => CHAT,
            (None, ServiceName::Lex) => Duration::ZERO,
        };
        let longest = |test: TestIndex| {
            let planned = &self.tests[test];
            planned.timeout.saturating_mul(planned.retries.saturating_add(1))
        };
        let mut forecast = Forecast {
            calls: 0,
            looks: 0,
            least: Duration::ZERO,
            most: Duration::ZERO,
            known: self.past.iter().flatten().count(),
            assumed: 0,
            unknown: 0,
        };
        let mut calls_of = vec![0; self.lanes.len()];
        for (test, planned) in self.tests.iter().enumerate() {
            let (calls, unknown) = match planned.target.service() {
                ServiceName::Connect => (CALLS.0, &mut forecast.assumed),
                ServiceName::Lex => (CALLS.1, &mut forecast.unknown),
            };
            *unknown += usize::from(self.past[test].is_none());
            calls_of[self.lane(test)] += calls;
        }
        for (lane, calls) in self.lanes.iter().zip(&calls_of) {
            let paced =
                calls.saturating_sub(u64::from(lane.burst)) as f64 / lane.requests_per_second;
            forecast.calls += calls;
            forecast.least = forecast.least.max(seconds(paced));
            forecast.most = forecast.most.max(seconds(paced));
        }
        for (index, window) in self.windows.iter().enumerate() {
            let tests = || (0..self.tests.len()).filter(|test| self.tests[*test].window == index);
            let slots = self.slots(index).unwrap_or(window.in_flight).min(window.in_flight);
            let least = makespan(tests().map(took), slots);
            let most = makespan(tests().map(longest), slots);
            let looks = u64::try_from(self.looks(index, least.0, took)).unwrap_or(u64::MAX);
            forecast.looks = forecast.looks.saturating_add(looks);
            forecast.least = forecast.least.max(least.0);
            forecast.most = forecast.most.max(most.1);
        }
        forecast
    }

    /// About how many lists, or looks that show no end, it takes to look at what runs in a window
    /// for `time`, where each test takes what `took` says: one every `poll.min`, or, where all take
    /// the same within that, and so are looked at when they are due, one every `poll.max`.
    fn looks(&self, window: usize, time: Duration, took: impl Fn(TestIndex) -> Duration) -> u128 {
        let tests = (0..self.tests.len()).filter(|test| self.tests[*test].window == window);
        let (mut shortest, mut longest) = (Duration::MAX, Duration::ZERO);
        let (mut min, mut max) = (Duration::MAX, Duration::MAX);
        for test in tests {
            let poll = self.tests[test].poll;
            (min, max) = (min.min(poll.min), max.min(poll.max));
            (shortest, longest) = (shortest.min(took(test)), longest.max(took(test)));
        }
        let every = if longest.saturating_sub(shortest) <= min { max } else { min };
        // Until the first have ended, nothing is known of this run.
        let first = shortest.min(longest).as_millis() / min.as_millis().max(1);
        first.max(1) + time.as_millis() / every.as_millis().max(1)
    }
}

/// How long it takes at least and at most to do things in so many slots, whatever their order, if no
/// slot is idle while something waits.
fn makespan(each: impl Iterator<Item = Duration>, slots: u32) -> (Duration, Duration) {
    let (mut count, mut total, mut longest) = (0, Duration::ZERO, Duration::ZERO);
    for took in each {
        count += 1;
        total = total.saturating_add(took);
        longest = longest.max(took);
    }
    let least = (total / slots.max(1)).max(longest);
    if count <= slots {
        return (least, longest);
    }
    // The last begins when all others together have filled the slots, or before.
    let most = (total.saturating_sub(longest) / slots.max(1)).saturating_add(longest);
    (least, most)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
