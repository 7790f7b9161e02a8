//! Sweeps: one list of what runs stands for many looks.
//!
//! A list is a hint and never a verdict. It may lag, leave out, repeat or reorder (AWS promises
//! nothing of it): an end that it shows is asked for by name, and so is what it does not show any
//! more. What it is silent about is looked at by name from time to time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::TimeDelta;

use super::queue::{Want, Worth};
use super::test_run::State;
use super::watch::UNNAMED;
use super::{Call, Core};
use crate::event::{EventKind, Waited, Why};
use crate::outcome::ErrorKind;
use crate::plan::TestIndex;
use crate::service::{
    CallError, ErrorClass, ListRequest, Listing, Phase, Status, lists_running_only,
};

/// From so many executions on, a sweep is cheaper than a look at each.
const FEW: usize = 3;

/// A list of what runs now is shorter; what is longer holds too much of others to be worth it.
const LONGEST_LIST: usize = 5;

/// What has begun is expected in the list so many of the shortest waits between looks later.
const SETTLING: u32 = 2;

/// After so many sweeps that were of no use, and none that was, there is none for a while, and for
/// so long.
const MOST_USELESS: u32 = 3;
const OFF: Duration = Duration::from_secs(300);

/// Executions that began so long before the oldest of this run's cannot be of interest, even if
/// the clocks differ by as much as AWS lets them (5 minutes), and that is not known yet.
const MARGIN: TimeDelta = TimeDelta::minutes(10);

/// The sweep of a window.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// When the one before was sent.
    last_at: Option<Duration>,
    /// Counts what was wanted, as with tests.
    pub(super) generation: u32,
    /// Whether one is wanted or on the wire.
    under_way: bool,
    /// Whether a call of it is.
    pub(super) on_the_wire: bool,
    /// No sweep before: AWS does not let us list, or what it lists is of no use.
    off_until: Duration,
    /// So many sweeps were of no use since one has shown what runs, or an end.
    useless: u32,
    /// Whether the last one has been counted among them.
    counted: bool,
    /// What its first page was asked for with, and when.
    first: Option<(Duration, ListRequest)>,
    /// Whether it has been throttled.
    throttled: bool,
    /// What has been listed so far.
    listed: HashMap<String, Status>,
    next_token: Option<String>,
    /// The tokens of its pages so far.
    seen: HashSet<String>,
}

impl Sweep {
    /// Ends the sweep. Gives what it has listed, and when it was sent.
    fn end(&mut self) -> (HashMap<String, Status>, Duration) {
        let Self { generation, off_until, useless, .. } = *self;
        let last_at = self.first.as_ref().map(|(sent_at, _)| *sent_at).or(self.last_at);
        let generation = generation + 1;
        let over = Self { generation, off_until, useless, last_at, ..Self::default() };
        let ended = std::mem::replace(self, over);
        (ended.listed, ended.first.map(|(sent_at, _)| sent_at).unwrap_or_default())
    }
}

impl Core {
    /// Whether the executions of a window are looked at by sweeps.
    pub(super) fn can_sweep(&self, now: Duration, window: usize) -> bool {
        let window = &self.windows[window];
        let polled = |test: &&TestIndex| match &self.tests[**test].state {
            State::Polling(running) => running.overdue.is_none(),
            _ => false,
        };
        now >= window.sweep.off_until && window.open.iter().filter(polled).count() >= FEW
    }

    /// Whether the look that a test wants now can be left to a sweep.
    pub(super) fn is_swept(&self, now: Duration, test: TestIndex) -> bool {
        let planned = &self.plan.tests[test];
        let State::Polling(running) = &self.tests[test].state else { return false };
        let named_lately = now.saturating_sub(running.asked_at) < UNNAMED * planned.poll.max;
        running.overdue.is_none()
            && matches!(running.why, Why::Spacing(_))
            && self.tests[test].trouble.is_none()
            && named_lately
            && !self.sweep_hangs(now, planned.window)
            && self.can_sweep(now, planned.window)
    }

    /// Whether the sweep that is under way takes longer than the longest time between looks.
    fn sweep_hangs(&self, now: Duration, window: usize) -> bool {
        let first = &self.windows[window].sweep.first;
        let since = first.as_ref().map(|(sent_at, _)| now.saturating_sub(*sent_at));
        since.is_some_and(|since| since >= self.longest_wait(window))
    }

    /// Lets a window want a sweep, if none is under way.
    pub(super) fn want_sweep(&mut self, now: Duration, window: usize) {
        let sweep = &mut self.windows[window].sweep;
        if !std::mem::replace(&mut sweep.under_way, true) {
            self.push_sweep(now, window, Worth::Sweep);
        }
    }

    pub(super) fn push_sweep(&mut self, since: Duration, window: usize, worth: Worth) {
        let sweep = &mut self.windows[window].sweep;
        sweep.generation += 1;
        sweep.on_the_wire = false;
        let want = Want::Sweep(window, sweep.generation);
        let lane = self.plan.windows[window].lane;
        self.push(since, lane, worth, want);
    }

    /// The longest time between looks of the executions of a window.
    pub(super) fn longest_wait(&self, window: usize) -> Duration {
        let open = self.windows[window].open.iter();
        open.map(|test| self.plan.tests[*test].poll.max).min().unwrap_or_default()
    }

    /// The call for the next page of a sweep; none where nothing is left to look at.
    pub(super) fn sweep_call(
        &mut self,
        now: Duration,
        window: usize,
        waited: Waited,
    ) -> Option<Call> {
        let open = &self.windows[window].open;
        let accepted = open.iter().filter_map(|test| match &self.tests[*test].state {
            State::Polling(running) if running.overdue.is_none() => {
                Some((running.accepted_at, *test))
            }
            _ => None,
        });
        let executions = accepted.clone().count();
        let Some((oldest, test)) = accepted.min() else {
            self.windows[window].sweep.end();
            return None;
        };
        let target = &self.plan.tests[test].target;
        let ahead = self.lanes[self.plan.windows[window].lane].ahead.by();
        let since = self.started_at + oldest + ahead - MARGIN;
        let sweep = &mut self.windows[window].sweep;
        sweep.on_the_wire = true;
        // All pages are asked for alike: a token belongs to its request.
        let (_, request) = sweep.first.get_or_insert_with(|| {
            (now, ListRequest { target: target.clone(), since, next_token: None })
        });
        let next_token = sweep.next_token.clone();
        let request = ListRequest { next_token, ..request.clone() };
        let (service, place) = self.plan.place(window);
        let after = self.windows[window].sweep.last_at.map(|last| now.saturating_sub(last));
        let why = after.map_or(Why::Next, Why::Spacing);
        self.emit(now, EventKind::Sweeping { service, place, executions, why, waited });
        Some(Call::List(request))
    }

    /// A page of a sweep has come.
    pub(super) fn swept(&mut self, now: Duration, window: usize, listing: Listing) {
        let sweep = &mut self.windows[window].sweep;
        sweep.listed.extend(listing.executions);
        sweep.next_token.clone_from(&listing.next_token);
        let whole = match listing.next_token {
            None => true,
            Some(token) if sweep.seen.len() < LONGEST_LIST && sweep.seen.insert(token.clone()) => {
                return self.push_sweep(now, window, Worth::Sweep);
            }
            // What comes round again, or has no end, tells nothing by what it leaves out.
            Some(_) => false,
        };
        let (listed, sent_at) = sweep.end();
        let shows = |test: &TestIndex| {
            let running = self.tests[*test].running();
            running.is_some_and(|running| listed.contains_key(&running.execution_id))
        };
        if !whole {
            self.useless_sweep(now, window, "its pages have no end".to_owned());
        } else if self.windows[window].open.iter().any(shows) {
            self.windows[window].sweep.useless = 0;
        }
        for test in self.windows[window].open.clone() {
            self.seen_by_sweep(now, test, sent_at, &listed, whole);
        }
    }

    /// What a sweep that was sent at `sent_at` says of one test.
    fn seen_by_sweep(
        &mut self,
        now: Duration,
        test: TestIndex,
        sent_at: Duration,
        listed: &HashMap<String, Status>,
        whole: bool,
    ) {
        let planned = &self.plan.tests[test];
        let (service, settling) = (planned.target.service(), planned.poll.min * SETTLING);
        let run = &mut self.tests[test];
        let State::Polling(running) = &mut run.state else { return };
        // One that is in trouble has a time of its own for its next look.
        if run.on_the_wire || running.overdue.is_some() || run.trouble.is_some() {
            return;
        }
        if running.looked_at >= sent_at {
            return self.left_over(now, test);
        }
        let settled = running.left_queue_at.is_some()
            || running.begun.is_some_and(|begun| now >= begun.to + settling);
        let doubted = now < running.doubted_until;
        let over = match listed.get(&running.execution_id) {
            Some(Status { phase: Phase::Ended(_), .. }) => true,
            // A list that lags behind what was seen by name says nothing new.
            Some(status) if status.phase == Phase::Queued && running.left_queue_at.is_some() => {
                false
            }
            Some(status) => {
                let status = status.clone();
                return self.not_over(now, test, sent_at, status);
            }
            None if !whole || !lists_running_only(service) => return self.look_by_name(now, test),
            None if running.begun.is_some() => settled,
            // It is taken to be in the queue still.
            None => {
                running.looked_at = sent_at;
                false
            }
        };
        if over && !doubted {
            running.why = Why::Swept;
            self.want(now, test, now);
        } else if running.due_at <= now || matches!(running.why, Why::Spacing(_)) {
            self.look_later(now, test);
        }
    }

    /// A sweep did not work. What was left to it is looked at by name, this time or from now on.
    pub(super) fn sweep_failed(&mut self, now: Duration, window: usize, error: CallError) {
        let lane = self.plan.windows[window].lane;
        match error.class {
            ErrorClass::Credentials => {
                self.windows[window].sweep.end();
                return self.close_lane(now, lane, ErrorKind::Credentials, error);
            }
            ErrorClass::Throttled { retry_after } => {
                // Of how much room there is for executions it says nothing.
                self.pause(now, lane, retry_after);
                let sweep = &mut self.windows[window].sweep;
                if !std::mem::replace(&mut sweep.throttled, true) {
                    sweep.first = sweep.first.take().filter(|_| sweep.next_token.is_some());
                    return self.push_sweep(now, window, Worth::Sweep);
                }
                // Lists may have a rate of their own.
                self.useless_sweep(now, window, error.error.to_string());
            }
            ErrorClass::Rejected if error.error.status == Some(403) => {
                self.turn_off_sweeps(now, window, None, error.error.to_string());
            }
            ErrorClass::Rejected | ErrorClass::ClockSkew { denied: true } => {
                self.turn_off_sweeps(now, window, Some(OFF), error.error.to_string());
            }
            _ => self.useless_sweep(now, window, error.error.to_string()),
        }
        self.windows[window].sweep.end();
        for test in self.windows[window].open.clone() {
            self.look_by_name(now, test);
        }
    }

    /// An execution that a sweep has shown to be over was looked at by name: it was, or it was not.
    pub(super) fn sweep_was_right(&mut self, now: Duration, window: usize, right: bool) {
        let sweep = &mut self.windows[window].sweep;
        if right {
            sweep.useless = 0;
        } else if !std::mem::replace(&mut sweep.counted, true) {
            self.useless_sweep(now, window, "it left out what runs".to_owned());
        }
    }

    /// A sweep was of no use. After a few of them there is none for a while.
    fn useless_sweep(&mut self, now: Duration, window: usize, why: String) {
        let sweep = &mut self.windows[window].sweep;
        sweep.useless += 1;
        if sweep.useless >= MOST_USELESS {
            sweep.useless = 0;
            self.turn_off_sweeps(now, window, Some(OFF), why);
        }
    }

    /// Makes no sweep of a window for so long, or, without a time, ever.
    fn turn_off_sweeps(
        &mut self,
        now: Duration,
        window: usize,
        off: Option<Duration>,
        why: String,
    ) {
        self.windows[window].sweep.off_until = off.map_or(Duration::MAX, |off| now + off);
        let (service, place) = self.plan.place(window);
        self.emit(now, EventKind::SweepsOff { service, place, off, why });
    }

    /// An execution that came due while a sweep was under way, which said nothing new of it.
    fn left_over(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        if std::mem::take(&mut run.left_to_sweep) {
            run.generation += 1;
            self.due(now, test);
        }
    }

    /// Looks at an execution by name that a sweep was to look at, and did not.
    fn look_by_name(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        if std::mem::take(&mut run.left_to_sweep) {
            run.generation += 1;
            self.make_ready(now, test);
        }
    }
}
