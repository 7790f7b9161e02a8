//! Where calls go: a lane makes those that it has tokens for, the worthiest first, and pauses when
//! AWS throttles.

use std::time::Duration;

use super::budget::Budget;
use super::queue::{Ready, Want, Worth};
use super::spacing::Spacing;
use super::test_run::State;
use super::watch::Ahead;
use super::{Action, Call, Core, OnTheWire};
use crate::event::EventKind;
use crate::plan::{self, TestIndex};
use crate::service::Execution;

/// The pause of a lane after AWS has throttled it, where AWS names none: the first and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));

/// A lane of the plan under way.
pub(super) struct Lane {
    pub(super) budget: Budget,
    pub(super) ready: Ready,
    /// Pauses that grow while AWS goes on throttling.
    pub(super) pauses: Spacing,
    /// No call before.
    pub(super) paused_until: Duration,
    /// How far AWS's clock is ahead of the run's.
    pub(super) ahead: Ahead,
    /// Whether any call has had a reply.
    pub(super) reached: bool,
    /// Whether it has been told that none has.
    pub(super) told: bool,
}

impl Lane {
    pub(super) fn new(lane: &plan::Lane) -> Self {
        Self {
            budget: Budget::new(lane.requests_per_second, lane.burst),
            ready: Ready::default(),
            pauses: Spacing::new(PAUSE.0, PAUSE.1),
            paused_until: Duration::ZERO,
            ahead: Ahead::default(),
            reached: false,
            told: false,
        }
    }
}

impl Core {
    /// Makes the calls for which there are tokens, the worthiest first.
    pub(super) fn dispatch(&mut self, now: Duration) {
        for lane in 0..self.lanes.len() {
            while let Some((want, since)) = self.first_ready(lane) {
                if self.lanes[lane].budget.next(now) > now {
                    break;
                }
                self.lanes[lane].ready.pop();
                let waited = now.saturating_sub(since);
                let call = match want {
                    Want::Test(test, _) => self.test_call(now, test, waited),
                    Want::Sweep(window, _) => self.sweep_call(now, window, waited),
                };
                if let Some(call) = call {
                    self.lanes[lane].budget.take(now);
                    self.send(now, lane, want, call);
                }
            }
        }
    }

    /// The worthiest call that a lane could make, and since when it waits.
    pub(super) fn first_ready(&mut self, lane: usize) -> Option<(Want, Duration)> {
        let (tests, windows) = (&self.tests, &self.windows);
        self.lanes[lane].ready.first(|want| match want {
            Want::Test(test, generation) => tests[test].generation == generation,
            Want::Sweep(window, generation) => windows[window].sweep.generation == generation,
        })
    }

    /// Lets the call that a test wants wait for a token.
    pub(super) fn make_ready(&mut self, now: Duration, test: TestIndex) {
        let run = &self.tests[test];
        let worth = match &run.state {
            State::Starting if self.has_free_slot(self.plan.tests[test].window) => Worth::Start,
            State::Starting => Worth::Refill,
            State::Polling(running) if running.is_to_be_confirmed() => Worth::Confirm,
            State::Polling(_) => Worth::Poll,
            State::Reading(_, reading) if reading.judged.is_some() => Worth::Detail,
            State::Reading(..) => Worth::Confirm,
            State::Stopping(..) => Worth::Stop,
            State::Waiting | State::Done => return,
        };
        let lane = self.plan.lane(test);
        // Details are read test by test, not a page of each: so most tests are over soon.
        let order = run.judged.map(|(_, order)| order);
        let want = Want::Test(test, run.generation);
        self.lanes[lane].ready.push(worth, order, want, now);
    }

    /// The call that a test's state asks for, which has `waited` for its token.
    fn test_call(&mut self, now: Duration, test: TestIndex, waited: Duration) -> Option<Call> {
        let planned = &self.plan.tests[test];
        let call = match &self.tests[test].state {
            State::Starting => Call::Start(planned.target.clone(), self.token("start", test)),
            State::Polling(running) => Call::Poll(Execution::of(planned, &running.execution_id)),
            State::Reading(running, reading) => match reading.request() {
                Some(page) => Call::Results(Execution::of(planned, &running.execution_id), page),
                None => return None,
            },
            State::Stopping(running, ..) => {
                let execution = Execution::of(planned, &running.execution_id);
                Call::Stop(execution, self.token("stop", test))
            }
            State::Waiting | State::Done => return None,
        };
        let run = &mut self.tests[test];
        run.first_sent_at.get_or_insert(now);
        run.begun_at.get_or_insert(now);
        run.on_the_wire = true;
        let why = run.why();
        self.emit(now, EventKind::Calling { test, operation: call.operation(), why, waited });
        Some(call)
    }

    fn send(&mut self, now: Duration, lane: usize, want: Want, call: Call) {
        let id = self.next_call;
        self.next_call += 1;
        self.calls.insert(id, OnTheWire { want, sent_at: now });
        self.actions.push(Action::Call { id, lane, call });
    }

    /// Makes no call of a lane for a while. Calls of one burst are throttled together: only the
    /// first of them lets the pauses grow.
    pub(super) fn pause(&mut self, now: Duration, index: usize, retry_after: Option<Duration>) {
        let lane = &mut self.lanes[index];
        let pause = if now < lane.paused_until {
            retry_after.unwrap_or_default()
        } else {
            lane.pauses.next(&mut self.chance).max(retry_after.unwrap_or_default())
        };
        lane.paused_until = lane.paused_until.max(now + pause);
        lane.budget.pause(lane.paused_until);
        if !pause.is_zero() {
            let planned = &self.plan.lanes[index];
            let (service, region) = (planned.service, planned.region.clone());
            self.emit(now, EventKind::Paused { service, region, pause });
        }
    }
}
