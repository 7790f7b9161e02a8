//! Where calls go: a lane makes those that it has tokens for, the worthiest first, and pauses when
//! AWS throttles.

use std::time::Duration;

use super::budget::Budget;
use super::queue::{Ready, Timer, Want, Worth};
use super::spacing::Spacing;
use super::test_run::{State, TestRun};
use super::watch::Ahead;
use super::windows::Window;
use super::{Action, Call, Core, OnTheWire};
use crate::event::{EventKind, Waited};
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
    /// How long the last look has waited for its token.
    pub(super) looks_wait: Duration,
    /// When the last pause was over, or will be.
    resumed_at: Duration,
    /// How far AWS's clock is ahead of the run's.
    pub(super) ahead: Ahead,
    /// When the last reply came before any that shows that AWS is reached.
    pub(super) opened_at: Duration,
    /// When the first call was sent that had no reply, while none has had any.
    pub(super) unreached_since: Option<Duration>,
    /// Calls on the wire.
    pub(super) on_the_wire: u32,
    /// Whether any call has had a reply.
    pub(super) reached: bool,
    /// Whether it has been told that none has.
    pub(super) told: bool,
    /// Whether it has been told that AWS gives no list of executions.
    pub(super) told_of_lists: bool,
}

impl Lane {
    pub(super) fn new(lane: &plan::Lane) -> Self {
        Self {
            budget: Budget::new(lane.requests_per_second, lane.burst),
            ready: Ready::default(),
            pauses: Spacing::new(PAUSE.0, PAUSE.1),
            paused_until: Duration::ZERO,
            looks_wait: Duration::ZERO,
            resumed_at: Duration::ZERO,
            opened_at: Duration::ZERO,
            unreached_since: None,
            on_the_wire: 0,
            ahead: Ahead::default(),
            reached: false,
            told: false,
            told_of_lists: false,
        }
    }

    /// Whether its first call is on the way. The others wait for its reply: fetching credentials and
    /// opening a connection take a while, and calls that have waited for that together would
    /// arrive as a burst that no bucket allows.
    fn is_opening(&self) -> bool {
        !self.reached && self.on_the_wire > 0
    }

    /// What a call has waited for that was due `since` then and is made now.
    fn waited(&self, since: Duration, now: Duration) -> Waited {
        let resumed = self.resumed_at.clamp(since, now);
        let rate = now - resumed.max(self.opened_at).min(now);
        Waited { rate, pause: resumed - since }
    }
}

impl Core {
    /// Makes the calls for which there are tokens, the worthiest first.
    pub(super) fn dispatch(&mut self, now: Duration) {
        for lane in 0..self.lanes.len() {
            while let Some((want, since)) = self.first_ready(lane) {
                if self.lanes[lane].budget.next(now) > now || self.lanes[lane].is_opening() {
                    break;
                }
                self.lanes[lane].ready.pop();
                let waited = self.lanes[lane].waited(since, now);
                let call = match want {
                    Want::Test(test, _) => self.test_call(now, lane, test, waited),
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
        self.lanes[lane].ready.first(|want| is_current(tests, windows, want))
    }

    /// When a lane can make its next call; none where it has none to make, or waits for a reply.
    pub(super) fn next_call_at(&mut self, now: Duration, lane: usize) -> Option<Duration> {
        self.first_ready(lane)?;
        let lane = &self.lanes[lane];
        (!lane.is_opening()).then(|| lane.budget.next(now))
    }

    /// Lets a call wait for a token, `since` when it is wanted. What is worth little and has waited
    /// for the longest time between looks is worth as much as an end that is known of: else it
    /// would never be made where starts and ends take all tokens.
    pub(super) fn push(&mut self, since: Duration, lane: usize, worth: Worth, want: Want) {
        let order = match (want, worth) {
            // Starts are made in the order of the plan, also those that are made once more.
            (Want::Test(test, _), Worth::Start | Worth::Refill) => {
                Some(self.tests[test].rank as u64)
            }
            // Details are read test by test, not a page of each: so most tests are over soon.
            (Want::Test(test, _), Worth::Detail) => self.tests[test].judged.map(|(_, order)| order),
            _ => None,
        };
        self.lanes[lane].ready.push(worth, order, want, since);
        if matches!(worth, Worth::Refill | Worth::Poll | Worth::Sweep) {
            let longest = match want {
                Want::Test(test, _) => self.plan.tests[test].poll.max,
                Want::Sweep(window, _) => self.longest_wait(window),
            };
            self.timers.set(since + longest, Timer::Starved(want));
        }
    }

    /// A call that is worth little has waited for long.
    pub(super) fn starved(&mut self, now: Duration, want: Want) {
        if !is_current(&self.tests, &self.windows, want) {
            return;
        }
        match want {
            Want::Test(test, _) if !self.tests[test].on_the_wire => {
                let run = &mut self.tests[test];
                run.generation += 1;
                let want = Want::Test(test, run.generation);
                let since = now.saturating_sub(self.plan.tests[test].poll.max);
                self.push(since, self.plan.lane(test), Worth::Confirm, want);
            }
            Want::Sweep(window, _) if !self.windows[window].sweep.on_the_wire => {
                let since = now.saturating_sub(self.longest_wait(window));
                self.push_sweep(since, window, Worth::Confirm);
            }
            Want::Test(..) | Want::Sweep(..) => {}
        }
    }

    /// Lets the call that a test wants wait for a token.
    pub(super) fn make_ready(&mut self, now: Duration, test: TestIndex) {
        let run = &self.tests[test];
        let worth = match &run.state {
            State::Starting if self.has_slot_for(test) => Worth::Start,
            State::Starting => Worth::Refill,
            State::Polling(running) if running.is_to_be_confirmed() => Worth::Confirm,
            State::Polling(_) => Worth::Poll,
            State::Reading(_, reading) if reading.judged.is_some() => Worth::Detail,
            State::Reading(..) => Worth::Confirm,
            State::Stopping(..) => Worth::Stop,
            State::LookingUp(look_up) if look_up.of_start => Worth::LookUp,
            State::LookingUp(_) => Worth::Start,
            State::Waiting | State::Done => return,
        };
        let want = Want::Test(test, run.generation);
        self.push(now, self.plan.lane(test), worth, want);
    }

    /// The call that a test's state asks for, which has `waited` for its token.
    fn test_call(
        &mut self,
        now: Duration,
        lane: usize,
        test: TestIndex,
        waited: Waited,
    ) -> Option<Call> {
        // A test is woken by its own timers and by others, such as whoever is before it: what it
        // wants may be on the wire already.
        if self.tests[test].on_the_wire {
            return None;
        }
        if matches!(self.tests[test].state, State::Starting) && !self.has_intent(now, test) {
            // It has waited for so long that its intent does not say any more when it is sent.
            self.want(now, test, now);
            return None;
        }
        let planned = &self.plan.tests[test];
        let call = match &self.tests[test].state {
            State::Starting => Call::Start(planned.target.clone(), self.token("start", test)),
            State::LookingUp(_) => self.look_up_call(test)?,
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
        if !matches!(run.state, State::LookingUp(_)) {
            run.first_sent_at.get_or_insert(now);
            run.begun_at.get_or_insert(now);
        }
        run.on_the_wire = true;
        run.left_to_sweep = false;
        let why = run.why();
        let again = run.trouble.is_some();
        if matches!(call, Call::Poll(_)) {
            self.lanes[lane].looks_wait = waited.rate;
        }
        let operation = call.operation();
        self.emit(now, EventKind::Calling { test, operation, why, again, waited });
        Some(call)
    }

    fn send(&mut self, now: Duration, lane: usize, want: Want, call: Call) {
        let id = self.next_call;
        self.next_call += 1;
        self.lanes[lane].on_the_wire += 1;
        let of = match want {
            Want::Test(test, _) => self.tests[test].start_of(),
            Want::Sweep(..) => (0, 0),
        };
        self.calls.insert(id, OnTheWire { want, lane, sent_at: now, of });
        self.actions.push(Action::Call { id, lane, call });
    }

    /// Lets paused lanes make calls again: the run is to be over soon.
    pub(super) fn resume(&mut self, now: Duration) {
        for lane in &mut self.lanes {
            lane.paused_until = lane.paused_until.min(now);
            lane.resumed_at = lane.resumed_at.min(now);
            lane.budget.resume(now);
        }
    }

    /// How long calls pause still, where any do.
    pub(super) fn paused(&self, now: Duration) -> Option<Duration> {
        let pauses = self.lanes.iter().map(|lane| lane.paused_until.saturating_sub(now));
        pauses.max().filter(|pause| !pause.is_zero())
    }

    /// Makes no call of a lane for a while. Calls of one burst are throttled together: only the
    /// first of them lets the pauses grow.
    pub(super) fn pause(&mut self, now: Duration, index: usize, retry_after: Option<Duration>) {
        let hurry = self.is_hurried();
        let lane = &mut self.lanes[index];
        // What is to be over soon cannot wait for long: a call that is throttled costs nothing.
        let retry_after = if hurry { None } else { retry_after };
        let fresh = now >= lane.paused_until;
        let pause = if !fresh {
            retry_after.unwrap_or_default()
        } else {
            let pause = lane.pauses.next(&mut self.chance).max(retry_after.unwrap_or_default());
            if hurry { pause.min(PAUSE.0) } else { pause }
        };
        lane.paused_until = lane.paused_until.max(now + pause);
        lane.resumed_at = lane.paused_until;
        lane.budget.pause(lane.paused_until);
        if fresh {
            lane.budget.slow_down();
        }
        if !pause.is_zero() {
            let planned = &self.plan.lanes[index];
            let (service, region) = (planned.service, planned.region.clone());
            let rate = self.lanes[index].budget.requests_per_second();
            self.emit(now, EventKind::Paused { service, region, pause, rate });
        }
    }
}

/// Whether a want is what a test or a sweep still wants.
pub(super) fn is_current(tests: &[TestRun], windows: &[Window], want: Want) -> bool {
    match want {
        Want::Test(test, generation) => tests[test].generation == generation,
        Want::Sweep(window, generation) => windows[window].sweep.generation == generation,
    }
}
