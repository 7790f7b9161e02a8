//! How what is under way is watched: when each execution is looked at next, and what has been
//! learned from those that have ended.
//!
//! What is assumed here decides when AWS is asked, and nothing else: what an execution is and how
//! it ended is only what AWS has said of it by name.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Core;
use super::test_run::{Running, State, Within};
use crate::event::Why;
use crate::plan::{Past, TestIndex};
use crate::service::{End, Phase, Snapshot};

/// So many of the last executions are kept in mind: a run may change its kind of tests midway.
const REMEMBERED: usize = 20;

/// From fewer executions nothing is learned.
const ENOUGH: usize = 3;

/// A look that is to see an end comes this part of `poll.min` after the time when it is expected:
/// no two executions take the same to the moment.
const SLACK: u32 = 8;

/// Among many, what runs is looked at by a list after so many of the shortest waits at the latest.
/// Three lists for every ten tests of 9 s: what that costs is within the goal.
const UNSEEN: u32 = 3;

/// So many of the longest waits between looks an execution may be left to sweeps.
pub(super) const UNNAMED: u32 = 6;

/// The times that the last executions of a window have taken.
#[derive(Debug, Default)]
pub(super) struct Taken(VecDeque<Duration>);

/// What those times say of the next execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// They lie so close together that one look, shortly after so long, sees nearly every end.
    After(Duration),
    /// They lie anywhere between these.
    Between(Duration, Duration),
}

impl Taken {
    /// Takes note of one. Gives whether they are enough now, and were not before.
    pub(super) fn note(&mut self, took: Duration) -> bool {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(took);
        self.0.len() == ENOUGH
    }

    /// What is to be expected, where times that differ by no more than `close` are as good as
    /// equal. Of twenty, the two shortest and the two longest are let out of account for that: one
    /// test that hangs is not to hide what all others have in common.
    pub(super) fn expected(&self, close: Duration) -> Option<Expected> {
        if self.0.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<Duration> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let (first, last) = (0, sorted.len() - 1);
        let outliers = sorted.len() / 10;
        let (low, high) = (sorted[first + outliers], sorted[last - outliers]);
        if high - low <= close {
            Some(Expected::After(high))
        } else {
            Some(Expected::Between(sorted[first] * 7 / 8, sorted[last]))
        }
    }
}

/// Clocks do not differ by more. (AWS refuses what is signed 5 minutes off; the SDK corrects that.)
const FARTHEST: Duration = Duration::from_secs(24 * 3600);

/// How far AWS's clock is ahead of the run's, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    millis: i64,
}

impl Ahead {
    /// By how much, as far as is known.
    pub(super) fn by(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.millis)
    }

    /// When something ended that AWS says to have ended at `at`, in the time of a run that began
    /// at `began`. It was seen not to have ended at `after`, and to have ended at `by`: where
    /// AWS's time does not lie between, the clocks differ, by at least that much, and it is not
    /// known when it was.
    fn place(
        &mut self,
        at: Option<DateTime<Utc>>,
        began: DateTime<Utc>,
        after: Duration,
        by: Duration,
    ) -> Option<Duration> {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let at = (at? - began).num_milliseconds();
        let (least, most) = (at.saturating_sub(millis(by)), at.saturating_sub(millis(after)));
        let before = self.millis;
        let millis = before.clamp(least, most.max(least));
        // No clock is that far off: it is no time.
        if millis.unsigned_abs() > FARTHEST.as_millis() as u64 {
            return None;
        }
        self.millis = millis;
        let at = u64::try_from(at.saturating_sub(self.millis)).ok()?;
        (self.millis == before).then(|| Duration::from_millis(at).clamp(after, by.max(after)))
    }
}

impl Core {
    /// Takes a new execution to have begun while its start was on the wire, where a slot must be
    /// free for it by what is known of the others.
    pub(super) fn assume_begun(&mut self, test: TestIndex, start: Within) {
        let window = self.plan.tests[test].window;
        let running = self.count_begun(window);
        let begins = self.plan.slots(window).is_none_or(|slots| running < slots as usize);
        if let State::Polling(running) = &mut self.tests[test].state {
            running.begun = begins.then_some(start);
        }
    }

    /// Executions of a window that are taken to run.
    fn count_begun(&self, window: usize) -> usize {
        let runs = |test: &&TestIndex| match &self.tests[**test].state {
            State::Polling(running) => running.begun.is_some(),
            _ => false,
        };
        self.windows[window].open.iter().filter(runs).count()
    }

    /// Whether AWS would run a test at once that is to be started, by what is known of this run's:
    /// of what runs, and of what is being started beside it.
    pub(super) fn has_slot_for(&self, test: TestIndex) -> bool {
        let window = self.plan.tests[test].window;
        let starts = |other: &&TestIndex| {
            **other != test && matches!(self.tests[**other].state, State::Starting)
        };
        let starting = self.windows[window].open.iter().filter(starts).count();
        let taken = self.count_begun(window) + starting;
        // A start that has failed is to keep nobody from looking at what runs.
        self.tests[test].trouble.is_none()
            && self.plan.slots(window).is_none_or(|slots| taken < slots as usize)
    }

    /// Learns from an execution that has ended by itself, and takes the next in AWS's queue to have
    /// begun at that moment: AWS's slots are filled in the order of the starts, as far as is known.
    pub(super) fn learn(&mut self, now: Duration, test: TestIndex, snapshot: &Snapshot) {
        let planned = &self.plan.tests[test];
        let (lane, index) = (self.plan.lane(test), planned.window);
        let State::Polling(running) = &self.tests[test].state else { return };
        let Some(begun) = running.begun else { return };
        // A list may lag: only what was said by name bounds AWS's clock.
        let (looked_at, asked_at) = (running.looked_at, running.asked_at);
        let ahead = &mut self.lanes[lane].ahead;
        let by_aws = ahead.place(snapshot.ended_at, self.started_at, asked_at, now);
        let window = &mut self.windows[index];
        let ended = match (by_aws, window.taken.expected(planned.poll.min)) {
            (Some(at), _) => Within::at(at),
            // The next in the queue is expected all the later where this one was seen late.
            (None, Some(Expected::After(took))) => {
                Within::at((begun.middle() + took).clamp(looked_at, now))
            }
            (None, _) => Within { from: looked_at, to: now },
        };
        // A guess that came of what was learned is not learned from: it would feed on itself.
        let known = by_aws.is_some() || ended.width() > Duration::ZERO;
        let ran = ended.middle().saturating_sub(begun.middle());
        let close = begun.width() + ended.width() <= planned.poll.min * 3 / 2;
        // What has observed nothing may never have run.
        let has_run = snapshot.status.phase != Phase::Ended(End::Failed)
            || snapshot.observations.is_some_and(|observations| observations.total > 0);
        let enough = known && close && has_run && window.taken.note(ran);
        if let State::Polling(running) = &mut self.tests[test].state {
            running.ran = (known && close && has_run).then_some(ran);
        }
        if self.plan.slots(index).is_some() {
            self.assume_next_begun(now, index, test, ended);
        }
        // Looks that were planned while nothing was known are planned anew.
        if enough {
            for other in self.windows[index].open.clone() {
                self.look_again_later(now, other);
            }
        }
    }

    /// Plans the next look at an execution anew, unless one is on the wire or has better reasons.
    fn look_again_later(&mut self, now: Duration, test: TestIndex) {
        let run = &self.tests[test];
        let State::Polling(running) = &run.state else { return };
        if !run.on_the_wire && running.overdue.is_none() && running.why != Why::Swept {
            self.look_later(now, test);
        }
    }

    fn assume_next_begun(&mut self, now: Duration, window: usize, over: TestIndex, ended: Within) {
        let at = ended.middle();
        // The first that is not known to have begun at another time.
        let next = |test: TestIndex| match &self.tests[test].state {
            State::Polling(running) if running.overdue.is_none() && test != over => {
                // One that was seen to run has begun at some end before: at this one, if it fits.
                let seen = running.left_queue_at.is_some() && !running.follows_end;
                let fits = |begun: Within| seen && begun.contains(at);
                running.begun.is_none_or(fits).then_some((running.accepted_at, test))
            }
            _ => None,
        };
        let open = &self.windows[window].open;
        let Some((_, next)) = open.iter().filter_map(|test| next(*test)).min() else { return };
        if let State::Polling(running) = &mut self.tests[next].state {
            let after = running.accepted_at;
            running.begun = Some(Within { from: ended.from.max(after), to: ended.to.max(after) });
            running.follows_end = true;
        }
        self.look_again_later(now, next);
    }

    /// Takes note at `now` of what is known of an execution's begin, once its status was seen by a
    /// look that was sent at `sent_at`.
    pub(super) fn note_begun(
        running: &mut Running,
        phase: Phase,
        sent_at: Duration,
        now: Duration,
    ) {
        match phase {
            Phase::Queued => running.begun = None,
            Phase::Running if running.begun.is_none() => {
                running.begun = Some(Within { from: running.looked_at, to: now });
            }
            Phase::Running | Phase::Ended(_) => {}
        }
        running.looked_at = sent_at;
    }

    /// Plans the next look at an execution that has not ended.
    ///
    /// Alone, an execution is looked at with growing waits; among many, one sweep looks at all, so
    /// that it may come soon. Where it is known what executions take, the look is made then, and
    /// before only for as long as nobody knows better.
    pub(super) fn look_later(&mut self, now: Duration, test: TestIndex) {
        let planned = &self.plan.tests[test];
        let (min, max) = (planned.poll.min, planned.poll.max);
        let many = self.can_sweep(now, planned.window);
        // Where requests are short, looks that may show nothing cost the starts of others.
        let short = self.lanes[self.plan.lane(test)].looks_wait > min;
        let close = if short { max } else { min };
        let learned = self.windows[planned.window].taken.expected(close);
        let State::Polling(running) = &mut self.tests[test].state else { return };
        let expected = own_past(self.plan.past[test], running, learned, min).or(learned);
        let mut spaced = |running: &mut Running| now + running.spacing.next(&mut self.chance);
        // Late rather than early, within reason: a look that comes too early costs another.
        let begun = running.begun.map(|begun| begun.middle() + (begun.width() / 2).min(min));
        let expected_at = match (begun, expected) {
            (Some(begun), Some(Expected::After(took))) if begun + took > running.looked_at => {
                Some(((begun + took + min / SLACK).max(now), Why::Expected(took)))
            }
            _ => None,
        };
        let spaced_at = match (begun, expected) {
            _ if expected_at.is_some() => now + max,
            (Some(begun), Some(Expected::Between(least, most))) if now < begun + most => {
                let soon = if many { now + min } else { spaced(running) };
                soon.max(begun + least)
            }
            (Some(_), None) if many => now + min,
            (None, _) if many => now + max,
            _ => spaced(running),
        };
        // It may be otherwise than was assumed, and than a list shows. While others wait for its
        // place, what has begun is not left to expectations for long.
        let most = if many && running.begun.is_some() { max.min(min * UNSEEN) } else { max };
        let latest = (running.asked_at + UNNAMED * max).clamp(now, now + most);
        let spaced_at = spaced_at.min(latest);
        let spaced = (spaced_at, Why::Spacing(spaced_at.saturating_sub(running.looked_at)));
        let (at, why) = expected_at.filter(|(at, _)| *at <= latest).unwrap_or(spaced);
        (running.due_at, running.why) = (at, why);
        self.want(now, test, at);
    }
}

/// What a test itself took the last time, where that says more than what others have taken: tests that
/// take longest are started first, so that those before it are no measure. Not once that time is
/// over, and not where all take something else today.
fn own_past(
    past: Option<Past>,
    running: &Running,
    learned: Option<Expected>,
    min: Duration,
) -> Option<Expected> {
    let took = past.filter(|past| past.passed && past.took >= min)?.took;
    let is_open = running.begun.is_some_and(|begun| begun.middle() + took > running.looked_at);
    let fits = match learned {
        Some(Expected::After(learned)) => learned.abs_diff(took) <= min,
        Some(Expected::Between(least, most)) => (least..=most).contains(&took),
        None => true,
    };
    (is_open && fits).then_some(Expected::After(took))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(seconds: &[f64]) -> Taken {
        let mut taken = Taken::default();
        for took in seconds {
            taken.note(Duration::from_secs_f64(*took));
        }
        taken
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn times_that_are_alike_say_when_to_look_and_others_from_when_on() {
        let close = Duration::from_secs(2);
        assert_eq!(taken(&[9.0, 9.0]).expected(close), None, "two are not enough");
        assert_eq!(taken(&[9.0, 8.0, 10.0]).expected(close), Some(Expected::After(ms(10_000))));
        let between = Some(Expected::Between(ms(7_000), ms(300_000)));
        assert_eq!(taken(&[8.0, 60.0, 300.0]).expected(close), between);
    }

    #[test]
    fn one_that_hangs_among_many_hides_nothing_and_old_times_are_forgotten() {
        let close = Duration::from_secs(2);
        let mut times = vec![9.0; 9];
        times.push(300.0);
        assert_eq!(taken(&times).expected(close), Some(Expected::After(ms(9_000))));
        times.extend([15.0; REMEMBERED]);
        assert_eq!(taken(&times).expected(close), Some(Expected::After(ms(15_000))));
    }

    #[test]
    fn an_end_by_awss_clock_is_taken_where_it_can_have_been() {
        let began = DateTime::UNIX_EPOCH;
        let at = |seconds: i64| Some(began + chrono::TimeDelta::seconds(seconds));
        let second = Duration::from_secs;
        let mut ahead = Ahead::default();
        let mut place = |aws, after, by| ahead.place(at(aws), began, second(after), second(by));
        assert_eq!(place(9, 8, 10), Some(second(9)), "the clocks agree");
        // AWS's clock is seen to be an hour ahead: by 3600 to 3602 s.
        assert_eq!(place(3620, 18, 20), None);
        assert_eq!(place(3629, 28, 30), Some(second(29)), "and that is kept");
        assert_eq!(Ahead::default().place(None, began, second(1), second(2)), None);
        // What is no time at all is not believed, and what was known stays.
        for absurd in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(ahead.place(Some(absurd), began, second(38), second(40)), None);
            assert_eq!(ahead.by(), TimeDelta::seconds(3600));
        }
    }
}
