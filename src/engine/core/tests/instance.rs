//! One Connect instance to the letter of AWS's documented limits: five slots filled in the order of
//! the starts, a queue, a request rate, and lists that may be trusted as little as AWS's.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};

use super::player::World;
use super::{accepted, error, seconds, snapshot, status};
use crate::engine::core::{Call, Reply};
use crate::plan::Target;
use crate::service::{ErrorClass, ListRequest, Listing, Snapshot, Status};

/// How the list of what runs behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// It shows what runs, now.
    Right,
    /// It shows what ran a while ago.
    Lags,
    /// It leaves out the first, sometimes another.
    DropsOne,
    /// It has a page for each, in any order, and gives the same token again and again.
    RepeatsToken,
    /// It shows everything, also what is over and what is not ours.
    ShowsAll,
    /// It is empty.
    Empty,
    /// It breaks.
    Breaks,
    /// It is throttled, and nothing else is.
    Throttled,
    /// It takes its time.
    Slow,
    /// Nobody may list.
    Denied,
}

pub(super) struct Instance {
    /// How long each test takes, by its number: test case `c3` is the fourth.
    lengths: Vec<Duration>,
    pub(super) list: List,
    /// So many wait or run, at most; one more start is refused.
    pub(super) capacity: usize,
    /// Slots that others have taken for good.
    pub(super) others: usize,
    /// What AWS's clock is ahead; none where AWS tells no time.
    pub(super) ahead: Option<TimeDelta>,
    /// How long a call takes.
    pub(super) latency: Duration,
    /// Tokens a second, tokens, and when they were counted.
    pub(super) rate: f64,
    tokens: (f64, Duration),
    /// Begun executions, by when they were accepted, begun and over.
    pub(super) executions: Vec<[Option<Duration>; 3]>,
    tests: Vec<usize>,
    pub(super) throttled: usize,
    pub(super) refused: usize,
}

const SLOTS: usize = 5;

impl Instance {
    pub(super) fn new(lengths: impl IntoIterator<Item = f64>) -> Self {
        Self {
            lengths: lengths.into_iter().map(seconds).collect(),
            list: List::Right,
            capacity: 100,
            others: 0,
            ahead: Some(TimeDelta::zero()),
            latency: seconds(0.05),
            rate: 2.0,
            tokens: (5.0, Duration::ZERO),
            executions: Vec::new(),
            tests: Vec::new(),
            throttled: 0,
            refused: 0,
        }
    }

    /// When an execution of this number ended.
    pub(super) fn ended(&self, number: usize) -> Option<Duration> {
        self.executions[number][2]
    }

    /// The time in which a slot was free, while tests had not been accepted yet, after `from`.
    pub(super) fn idle(&self, from: Duration) -> Duration {
        let last = self.executions.iter().filter_map(|times| times[0]).max().unwrap_or_default();
        let mut edges: Vec<(Duration, i32)> = Vec::new();
        for [_, begun, ended] in &self.executions {
            edges.extend(begun.map(|at| (at, 1)));
            edges.extend(ended.map(|at| (at, -1)));
        }
        edges.sort_unstable();
        edges.push((last, 0));
        let (mut idle, mut running, mut before) = (Duration::ZERO, 0, Duration::ZERO);
        for (at, change) in edges {
            let (from, to) = (before.max(from), at.min(last));
            idle += to.saturating_sub(from) * (SLOTS as i32 - running).unsigned_abs();
            (running, before) = (running + change, at);
        }
        idle
    }

    /// What has happened by `now`: each end gives its slot to the first that waits.
    fn advance(&mut self, now: Duration) {
        loop {
            let running = |times: &&[Option<Duration>; 3]| times[1].is_some() && times[2].is_none();
            let free = SLOTS - self.others > self.executions.iter().filter(running).count();
            let waits = |times: &[Option<Duration>; 3]| times[1].is_none();
            let next = self.executions.iter().position(waits).filter(|_| free);
            if let Some(next) = next {
                // It began when its slot became free, or was free already.
                let freed = self.executions.iter().filter_map(|times| times[2]).max();
                let accepted = self.executions[next][0].unwrap_or_default();
                let all_taken = next >= SLOTS - self.others;
                let at = freed.filter(|_| all_taken).map_or(accepted, |freed| freed.max(accepted));
                self.executions[next][1] = Some(at);
                continue;
            }
            let end = |number: usize| {
                let [_, begun, ended] = self.executions[number];
                let end = begun.filter(|_| ended.is_none())? + self.lengths[self.tests[number]];
                (end <= now).then_some((end, number))
            };
            let Some((at, number)) = (0..self.executions.len()).filter_map(end).min() else {
                return;
            };
            self.executions[number][2] = Some(at);
        }
    }

    fn word(&self, number: usize) -> &'static str {
        match self.executions[number] {
            [_, _, Some(_)] => "PASSED",
            [_, Some(_), None] => "IN_PROGRESS",
            [..] => "INITIATED",
        }
    }

    fn throttles(&mut self, now: Duration) -> bool {
        let (tokens, counted) = self.tokens;
        let tokens = (tokens + (now - counted).as_secs_f64() * self.rate).min(5.0);
        let throttled = tokens < 1.0;
        self.throttled += usize::from(throttled);
        self.tokens = (if throttled { tokens } else { tokens - 1.0 }, now);
        throttled
    }

    fn listed(&mut self, now: Duration, request: &ListRequest) -> Result<Listing, ErrorClass> {
        let token = request.next_token.as_deref();
        match self.list {
            List::Denied => return Err(ErrorClass::Rejected),
            List::Breaks => return Err(ErrorClass::Ambiguous),
            List::Throttled => return Err(ErrorClass::Throttled { retry_after: None }),
            List::Empty => return Ok(Listing::default()),
            _ => {}
        }
        // What began before is left out, by AWS's clock.
        let ahead = self.ahead.unwrap_or_default();
        let new = |number: &usize| {
            let accepted = self.executions[*number][0].unwrap_or_default();
            DateTime::UNIX_EPOCH + accepted + ahead >= request.since
        };
        let at = if self.list == List::Lags { now.saturating_sub(seconds(4.0)) } else { now };
        let runs = |number: &usize| {
            let [_, begun, ended] = self.executions[*number];
            begun.is_some_and(|begun| begun <= at)
                && ended.is_none_or(|ended| ended > at)
                && new(number)
        };
        let shown =
            (0..self.executions.len()).filter(|number| self.list == List::ShowsAll || runs(number));
        let item = |number: usize| (format!("e-{number}"), status("IN_PROGRESS"));
        let mut executions: Vec<(String, Status)> = match self.list {
            List::ShowsAll => shown.map(|it| (format!("e-{it}"), status(self.word(it)))).collect(),
            _ => shown.map(item).collect(),
        };
        let mut next_token = None;
        match self.list {
            List::DropsOne if !executions.is_empty() => drop(executions.remove(0)),
            List::RepeatsToken => {
                executions.truncate(1);
                next_token = Some(token.unwrap_or("again").to_owned());
            }
            List::ShowsAll => executions.push(("of-others".to_owned(), status("IN_PROGRESS"))),
            _ => {}
        }
        Ok(Listing { executions, next_token })
    }

    fn act(&mut self, now: Duration, call: &Call) -> Reply {
        match call {
            Call::Start(Target::Connect(target), _) => {
                let open = self.executions.iter().filter(|times| times[2].is_none()).count();
                if open + self.others >= self.capacity {
                    self.refused += 1;
                    return Reply::Start(Err(error(ErrorClass::Full { retry_after: None })));
                }
                let number = target.test_case_id[1..].parse().expect("c and a number");
                self.tests.push(number);
                self.executions.push([Some(now), None, None]);
                self.advance(now);
                Reply::Start(Ok(accepted(&format!("e-{}", self.executions.len() - 1))))
            }
            Call::Poll(execution) => {
                let number = execution.id[2..].parse().expect("e- and a number");
                let aws = |at: Duration| Some(DateTime::UNIX_EPOCH + at + self.ahead?);
                let ended_at = self.ended(number).and_then(aws);
                Reply::Poll(Ok(Snapshot { ended_at, ..snapshot(self.word(number)) }))
            }
            Call::List(request) => Reply::List(self.listed(now, request).map_err(error)),
            other => panic!("unexpected: {other:?}"),
        }
    }
}

impl World for Instance {
    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        // It arrives half of the latency later; nothing is sent in between that would come before.
        let now = now + self.latency / 2;
        self.advance(now);
        let throttled = error(ErrorClass::Throttled { retry_after: None });
        let reply = if self.throttles(now) { call.failed(throttled) } else { self.act(now, call) };
        let slow = self.list == List::Slow && matches!(call, Call::List(_));
        (if slow { seconds(7.0) } else { self.latency }, reply)
    }
}
