//! What bounds the executions in flight: a window has places, and tests wait for them.
//!
//! AWS does not say how much room there is, and others use it too. So the places of a window halve
//! when AWS has no room, throttles, or accepts a start and never runs it, and grow again as starts
//! are accepted: the way TCP finds its share of a line that it does not know.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Core;
use super::queue::Timer;
use super::spacing::Spacing;
use super::sweep::Sweep;
use super::test_run::{RETRY, State};
use super::watch::Taken;
use crate::event::{Backpressure, EventKind, Why};
use crate::outcome::AwsError;
use crate::plan::TestIndex;
use crate::service::{CallError, has_queue};

/// A window of the plan under way.
pub(super) struct Window {
    /// Tests that wait for a place, in the order of the plan: first those that are to be tried for
    /// the first time, or were refused once or twice, then those that were more often.
    pub(super) waiting: BTreeSet<(u32, usize, TestIndex)>,
    /// Tests that have a place: what is being started, and what has not been seen to be over.
    pub(super) open: Vec<TestIndex>,
    /// How many places there are now.
    room: Room,
    /// The spacing of starts while AWS has no room.
    full: Spacing,
    /// No start before.
    closed_until: Duration,
    /// While there are fewer places than the suite gives, one more start is tried then.
    probe_at: Duration,
    /// What AWS has said to the last start that it had no room for, if none was accepted since.
    pub(super) refusal: Option<Box<AwsError>>,
    /// What its executions have taken.
    pub(super) taken: Taken,
    /// The sweep that looks at them.
    pub(super) sweep: Sweep,
}

impl Window {
    pub(super) fn new(in_flight: u32) -> Self {
        Self {
            waiting: BTreeSet::new(),
            open: Vec::new(),
            room: Room::new(in_flight),
            full: Spacing::new(RETRY.0, RETRY.1),
            closed_until: Duration::ZERO,
            probe_at: Duration::ZERO,
            refusal: None,
            taken: Taken::default(),
            sweep: Sweep::default(),
        }
    }

    /// Whether it has fewer places for now than the suite gives it.
    pub(super) fn is_crowded(&self) -> bool {
        self.room.places < self.room.most
    }
}

/// While there is less room than the suite asks for, a start is tried so often all the same.
const PROBE: Duration = Duration::from_secs(15);

/// A test that AWS has had no room for so often, for reasons of its own, still goes first.
const MOST_REFUSALS: u32 = 2;

/// The number of places, which follows what AWS has room for.
#[derive(Debug)]
struct Room {
    most: u32,
    places: u32,
    /// Starts accepted since it last grew.
    accepted: u32,
    /// When it last shrank: what was sent before then says nothing new.
    shrank_at: Option<Duration>,
}

impl Room {
    fn new(most: u32) -> Self {
        Self { most, places: most, accepted: 0, shrank_at: None }
    }

    /// Halves, but not below `least`, unless the call that says so was sent before the last time.
    /// Gives whether there are fewer places now.
    fn shrink(&mut self, now: Duration, sent_at: Duration, least: u32) -> bool {
        if self.shrank_at.is_some_and(|at| sent_at < at) {
            return false;
        }
        let before = self.places;
        self.shrank_at = Some(now);
        self.accepted = 0;
        self.places = (before / 2).max(least).clamp(1, before);
        self.places < before
    }

    /// Grows by a place for as many accepted starts as there are places, and at once to what AWS has
    /// shown to have room for. Gives whether it has grown.
    fn grow(&mut self, in_flight: u32) -> bool {
        let before = self.places;
        self.accepted += 1;
        if self.accepted >= self.places {
            self.accepted = 0;
            self.places += 1;
        }
        self.places = self.places.max(in_flight).min(self.most);
        self.places > before
    }
}

impl Core {
    /// Whether nothing is started for now: what another process has seen to fail may be the last that may.
    pub(super) fn waits_for_counts(&self) -> bool {
        self.plan.max_failures.is_some() && !self.uncounted.is_empty()
    }

    /// Gives free places to tests that wait.
    pub(super) fn fill_windows(&mut self, now: Duration) {
        if self.waits_for_counts() {
            return;
        }
        for index in 0..self.windows.len() {
            while let Some(test) = self.next_for_place(now, index) {
                self.windows[index].open.push(test);
                let run = &mut self.tests[test];
                let waited = now.saturating_sub(run.waiting_since.max(self.begun_at));
                (run.state, run.why) = (State::Starting, Why::Place(waited));
                self.want(now, test, now);
            }
        }
    }

    /// Takes the next test that waits out of the queue, if there is a place for it.
    fn next_for_place(&mut self, now: Duration, index: usize) -> Option<TestIndex> {
        let window = &mut self.windows[index];
        let full = window.open.len() >= window.room.places as usize;
        let probes = window.is_crowded() && now >= window.probe_at;
        let most = window.open.len() >= window.room.most as usize;
        if now < window.closed_until || most || full && !probes {
            return None;
        }
        // One that has ended while it waited is still in the queue.
        let tests = &self.tests;
        let waits = |test: &TestIndex| matches!(tests[*test].state, State::Waiting);
        let first = || window.waiting.pop_first().map(|(_, _, test)| test);
        let next = std::iter::from_fn(first).find(waits);
        if full && next.is_some() {
            self.probe_later(now, index);
        }
        next
    }

    /// Sees to it that a start is tried after a while although there is no place for it: what is in
    /// flight may run for long, and others may have left AWS's slots meanwhile.
    fn probe_later(&mut self, now: Duration, index: usize) {
        let window = &mut self.windows[index];
        window.probe_at = now + PROBE;
        self.timers.set(window.probe_at, Timer::Room);
    }

    /// Gives the place that a test has in its window, if it has one, to the next.
    pub(super) fn free_place(&mut self, test: TestIndex) {
        let open = &mut self.windows[self.plan.tests[test].window].open;
        if let Some(place) = open.iter().position(|other| *other == test) {
            open.swap_remove(place);
        }
    }

    /// AWS has accepted a start of a window: there is room.
    pub(super) fn has_room(&mut self, now: Duration, window: usize) {
        let state = &mut self.windows[window];
        state.full.reset();
        state.refusal = None;
        if state.room.grow(state.open.len() as u32) {
            let (places, of) = (state.room.places, state.room.most);
            let (service, place) = self.plan.place(window);
            self.emit(now, EventKind::Uncrowded { service, place, places, of });
        }
    }

    /// Halves the places of a window, for what came of a call that was sent at `sent_at`.
    pub(super) fn shrink(
        &mut self,
        now: Duration,
        index: usize,
        sent_at: Duration,
        because: Backpressure,
    ) {
        let open = &self.windows[index].open;
        let accepted = |test: &&TestIndex| self.tests[**test].running().is_some();
        let in_flight = open.iter().filter(accepted).count();
        // What AWS has accepted it has room for, unless that is what it says it has not.
        let least = if because == Backpressure::NeverRun { 0 } else { in_flight as u32 };
        let window = &mut self.windows[index];
        let before = window.room.places;
        if window.room.shrink(now, sent_at, least) {
            let places = window.room.places;
            let (service, place) = self.plan.place(index);
            let event = EventKind::Crowded { service, place, because, before, places, in_flight };
            self.emit(now, event);
            self.probe_later(now, index);
        }
    }

    /// Lets a test wait for a place in its window, in the order of the plan. One that was refused again
    /// and again, or has been run before, comes after the others: it is to keep nobody from starting.
    pub(super) fn wait_for_place(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        (run.state, run.waiting_since) = (State::Waiting, now);
        // Nothing is started any more.
        if self.closing.is_some() {
            return self.end_unstarted(now, test);
        }
        let run = &self.tests[test];
        let turn = run.attempt - 1 + run.refused.saturating_sub(MOST_REFUSALS);
        let place = (turn, run.rank, test);
        self.windows[self.plan.tests[test].window].waiting.insert(place);
    }

    /// Lets a test wait for a place again after `wait`; others may have its place meanwhile.
    pub(super) fn give_place_back(&mut self, now: Duration, test: TestIndex, wait: Duration) {
        self.free_place(test);
        self.want_nothing(test);
        self.wake_behind(now, test);
        // Time in the queue is no trouble.
        self.tests[test].trouble_since = None;
        if wait.is_zero() {
            return self.wait_for_place(now, test);
        }
        let run = &mut self.tests[test];
        run.state = State::Waiting;
        self.timers.set(now + wait, Timer::Due(test, run.generation));
    }

    /// AWS had no room for a start. Where that is a queue that all tests of the window share, nothing
    /// of it is started for a while; else it is the test's own affair.
    pub(super) fn no_room(
        &mut self,
        now: Duration,
        test: TestIndex,
        error: CallError,
        retry_after: Option<Duration>,
    ) {
        let planned = &self.plan.tests[test];
        let index = planned.window;
        let after = if has_queue(planned.target.service()) {
            self.close_window(now, index, test, retry_after)
        } else {
            self.tests[test].refused += 1;
            let wait = self.tests[test].retry.next(&mut self.chance);
            let wait = wait.max(retry_after.unwrap_or_default());
            self.give_place_back(now, test, wait);
            wait
        };
        let event = EventKind::Retrying { test, error: error.error.clone(), after };
        self.windows[index].refusal = Some(error.error.clone());
        self.tests[test].note_trouble(now, error);
        self.emit(now, event);
    }

    /// Starts nothing of a window for a while, which it gives: AWS has refused `test`. That gives its
    /// place back, as do those that were to be started next.
    fn close_window(
        &mut self,
        now: Duration,
        index: usize,
        test: TestIndex,
        retry_after: Option<Duration>,
    ) -> Duration {
        let gives_back = |other: &TestIndex| {
            let run = &self.tests[*other];
            let starting = matches!(run.state, State::Starting);
            *other == test || starting && !run.on_the_wire && !run.may_have_started()
        };
        let open = self.windows[index].open.iter().copied();
        for other in open.filter(gives_back).collect::<Vec<TestIndex>>() {
            self.give_place_back(now, other, Duration::ZERO);
        }
        let window = &mut self.windows[index];
        // The starts of one burst are refused together.
        let wait = if now < window.closed_until {
            Duration::ZERO
        } else {
            window.full.next(&mut self.chance)
        };
        let until = now + wait.max(retry_after.unwrap_or_default());
        window.closed_until = window.closed_until.max(until);
        self.timers.set(window.closed_until, Timer::Room);
        window.closed_until.saturating_sub(now)
    }
}
