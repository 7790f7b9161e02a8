//! What a reply means for its test.

use std::time::Duration;

use super::queue::Want;
use super::test_run::State;
use super::{CallId, Closing, Core, OnTheWire, Reply};
use crate::engine::journal::record::Overdue;
use crate::event::{Backpressure, EventKind, KnownBy, Why};
use crate::outcome::ErrorKind;
use crate::plan::TestIndex;
use crate::service::{CallError, End, ErrorClass, Phase, Snapshot, Status, has_queue};

/// A call that does not work is tried again for so long: AWS's blips are shorter, and what lasts
/// longer is better told than waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A last look that does not work is tried again for so long.
const LAST_LOOK: Duration = Duration::from_secs(15);

/// A status that AWS refuses to give is asked for again for so long after the start: nothing is
/// promised about how soon a new execution is found (AWS-FACTS.md).
const SETTLING: Duration = Duration::from_secs(30);

/// What every report says of an execution that was adopted.
pub(super) const ADOPTED: &str =
    "adopted: the reply to its start was lost, and it was found by looking it up";

/// A stop is tried again for so long.
const STOPPING: Duration = Duration::from_secs(30);

impl Core {
    pub(super) fn reply(&mut self, now: Duration, id: CallId, reply: Reply) {
        let Some(OnTheWire { want, lane, sent_at, of }) = self.calls.remove(&id) else { return };
        let lane = &mut self.lanes[lane];
        lane.on_the_wire -= 1;
        if !lane.reached {
            lane.budget.arrived(now);
            lane.opened_at = now;
        }
        let (test, generation) = match want {
            Want::Test(test, generation) => (test, generation),
            Want::Sweep(window, generation) => {
                return self.sweep_reply(now, window, generation, sent_at, reply);
            }
        };
        let current = generation == self.tests[test].generation;
        if current {
            self.tests[test].on_the_wire = false;
        }
        if reply.is_ok() {
            self.tests[test].no_trouble();
            self.worked(self.plan.lane(test), sent_at);
        }
        let error = match reply {
            Reply::Start(Ok(started)) if current => {
                return self.started(now, test, sent_at, started, KnownBy::Reply);
            }
            Reply::Poll(Ok(snapshot)) if current => {
                return self.polled(now, test, sent_at, snapshot);
            }
            Reply::Poll(Ok(snapshot)) if of == self.tests[test].start_of() => {
                return self.seen_late(now, test, snapshot);
            }
            Reply::Results(Ok(page)) if current => return self.read(now, test, page),
            Reply::LookUp(Ok((found, others))) if current => {
                return self.found(now, test, sent_at, found, &others);
            }
            Reply::Stop(Ok(())) if current => return self.stopped(now, test),
            Reply::Start(Err(error)) => error,
            Reply::Poll(Err(error)) => error,
            Reply::Stop(Err(error)) => error,
            Reply::Results(Err(error)) => error,
            Reply::LookUp(Err(error)) => error,
            Reply::List(_)
            | Reply::LookUp(Ok(_))
            | Reply::Poll(Ok(_))
            | Reply::Start(Ok(_))
            | Reply::Stop(Ok(()))
            | Reply::Results(Ok(_)) => return,
        };
        if current {
            self.failed(now, test, sent_at, error);
        }
    }

    fn sweep_reply(
        &mut self,
        now: Duration,
        window: usize,
        generation: u32,
        sent_at: Duration,
        reply: Reply,
    ) {
        let lane = self.plan.windows[window].lane;
        if reply.is_ok() {
            self.worked(lane, sent_at);
        }
        if generation != self.windows[window].sweep.generation {
            return;
        }
        match reply {
            Reply::List(Ok(listing)) => self.swept(now, window, listing),
            Reply::List(Err(error)) => self.sweep_failed(now, window, error),
            _ => {}
        }
    }

    /// What holds for an error of any call; the rest is for the state to say.
    fn failed(&mut self, now: Duration, test: TestIndex, sent_at: Duration, mut error: CallError) {
        let (lane, window) = (self.plan.lane(test), self.plan.tests[test].window);
        let has_queue = has_queue(self.plan.tests[test].target.service());
        if error.error.status.is_some() {
            self.lanes[lane].reached = true;
        } else if !self.lanes[lane].reached {
            self.lanes[lane].unreached_since.get_or_insert(sent_at);
        }
        if error.error.status.is_none()
            && error.class != ErrorClass::Credentials
            && !self.lanes[lane].reached
            && !std::mem::replace(&mut self.lanes[lane].told, true)
        {
            let planned = &self.plan.lanes[lane];
            let (service, region) = (planned.service, planned.region.clone());
            let error = error.error.clone();
            self.emit(now, EventKind::Unreached { service, region, error });
        }
        let twice = self.tests[test].trouble.as_ref().is_some_and(|last| last.class == error.class);
        match error.class {
            ErrorClass::Credentials => {
                return self.close_lane(now, lane, ErrorKind::Credentials, error);
            }
            // The SDK has corrected its clock by the first reply: once more, and once only.
            ErrorClass::ClockSkew { denied: false } if twice => {
                return self.close_lane(now, lane, ErrorKind::Credentials, error);
            }
            ErrorClass::ClockSkew { denied: true } if twice => error.class = ErrorClass::Rejected,
            ErrorClass::Throttled { .. } => {
                self.shrink(now, window, sent_at, Backpressure::Throttled)
            }
            ErrorClass::Full { .. } if has_queue => {
                self.shrink(now, window, sent_at, Backpressure::Full);
            }
            _ => {}
        }
        match &self.tests[test].state {
            State::Starting => self.start_failed(now, test, sent_at, error),
            State::LookingUp(look_up) if !look_up.of_start => {
                self.look_before_failed(now, test, sent_at, error);
            }
            State::LookingUp(_) => self.look_up_failed(now, test, error),
            State::Polling(_) => self.poll_failed(now, test, error),
            State::Reading(..) => self.reading_failed(now, test, error),
            State::Stopping(..) => self.stop_failed(now, test, error),
            State::Waiting | State::Done => {}
        }
    }

    fn polled(&mut self, now: Duration, test: TestIndex, sent_at: Duration, snapshot: Snapshot) {
        let State::Polling(running) = &self.tests[test].state else { return };
        // One that is in the queue was rightly not shown as running: it was taken to be.
        if running.why == Why::Swept && snapshot.status.phase != Phase::Queued {
            let right = snapshot.status.phase != Phase::Running;
            self.sweep_was_right(now, self.plan.tests[test].window, right);
        }
        if let Phase::Ended(end) = snapshot.status.phase {
            if end != End::Stopped {
                self.learn(now, test, &snapshot);
            }
            self.take_note(test, snapshot);
            return self.ended(now, test, end);
        }
        let status = snapshot.status.clone();
        self.take_note(test, snapshot);
        if let State::Polling(running) = &mut self.tests[test].state {
            running.asked_at = sent_at;
            if running.why == Why::Swept {
                running.doubted_until = now + running.spacing.next(&mut self.chance);
            }
        }
        self.not_over(now, test, sent_at, status);
    }

    /// A look that was sent at `sent_at` has shown that an execution is not over.
    pub(super) fn not_over(
        &mut self,
        now: Duration,
        test: TestIndex,
        sent_at: Duration,
        status: Status,
    ) {
        let State::Polling(running) = &mut self.tests[test].state else { return };
        Self::note_begun(running, status.phase, sent_at, now);
        let left_queue = running.left_queue_at.is_none() && status.phase != Phase::Queued;
        if left_queue {
            running.left_queue_at = Some(now);
        }
        let before = std::mem::replace(&mut running.status, status.clone());
        if before.word != status.word {
            running.spacing.reset();
            self.emit(now, EventKind::Moved { test, status: status.word });
        }
        if left_queue {
            self.set_deadline(test);
        }
        let on_time = !matches!(self.closing, Some(Closing::TimeUp | Closing::Signal(_)));
        let State::Polling(running) = &mut self.tests[test].state else { return };
        match running.overdue {
            // It left the queue just as its time there was up: it has its own time now.
            Some((Overdue::Queue, _)) if left_queue && on_time => {
                running.overdue = None;
                running.stop_refused = None;
            }
            Some(_) => return self.give_up(now, test),
            None => {}
        }
        self.look_later(now, test);
    }

    /// Writes down what a look by name has shown.
    fn take_note(&mut self, test: TestIndex, snapshot: Snapshot) {
        let run = &mut self.tests[test];
        let (State::Polling(running) | State::Stopping(running, ..)) = &mut run.state else {
            return;
        };
        run.details.observations = snapshot.observations.or(run.details.observations);
        run.details.failure_reasons = snapshot.failure_reasons;
        running.took = snapshot.took;
        // One that is not over is taken into account as that.
        if matches!(snapshot.status.phase, Phase::Ended(_)) {
            running.status = snapshot.status;
        }
    }

    fn poll_failed(&mut self, now: Duration, test: TestIndex, error: CallError) {
        let State::Polling(running) = &self.tests[test].state else { return };
        let refused = error.class == ErrorClass::Rejected
            && now.saturating_sub(running.accepted_at) >= SETTLING;
        let too_late =
            running.overdue.is_some_and(|(_, since)| now.saturating_sub(since) >= LAST_LOOK);
        // A verdict that stands hangs on no look, and others may wait for it to be counted.
        let run = &self.tests[test];
        let stands = run.standing.is_some() && run.troubled_for(now) >= PATIENCE;
        if refused || too_late || stands {
            self.tests[test].note_trouble(now, error);
            self.give_up(now, test);
        } else {
            self.want_again(now, test, error);
        }
    }

    /// A look that was sent before its execution was to be stopped: what it saw may still be an
    /// end that came by itself.
    fn seen_late(&mut self, now: Duration, test: TestIndex, snapshot: Snapshot) {
        if !matches!(self.tests[test].state, State::Stopping(..)) {
            return;
        }
        if matches!(snapshot.status.phase, Phase::Ended(End::Passed | End::Failed)) {
            let failed = snapshot.status.phase == Phase::Ended(End::Failed);
            self.take_note(test, snapshot);
            self.judge_unread(now, test, failed);
        }
    }

    fn stopped(&mut self, now: Duration, test: TestIndex) {
        if let State::Stopping(_, (verdict, message), ..) = &self.tests[test].state {
            let judgement = (*verdict, format!("{message}; stopped"));
            self.end_with_records(now, test, judgement);
        }
    }

    fn stop_failed(&mut self, now: Duration, test: TestIndex, error: CallError) {
        let run = &mut self.tests[test];
        let State::Stopping(_, _, since, _) = &run.state else { return };
        let waited = now.saturating_sub(*since);
        if error.class != ErrorClass::Rejected {
            if waited < STOPPING {
                return self.want_again(now, test, error);
            }
            let why = error.error.to_string();
            return self.left_running(now, test, &why);
        }
        // It may have ended by itself just before: one more look tells.
        let state = std::mem::replace(&mut run.state, State::Done);
        if let State::Stopping(mut running, judgement, ..) = state {
            let overdue = running.overdue.map_or(Overdue::Run, |(overdue, _)| overdue);
            running.overdue = Some((overdue, now));
            running.stop_refused = Some((judgement, error.error.to_string()));
            run.state = State::Polling(running);
            run.retry.reset();
        }
        self.want(now, test, now);
    }

    /// Takes note that a call that was sent at `sent_at` has worked. Only one that was sent after a
    /// pause says that the pause was long enough.
    fn worked(&mut self, lane: usize, sent_at: Duration) {
        let lane = &mut self.lanes[lane];
        lane.reached = true;
        lane.budget.speed_up();
        if !lane.paused_until.is_zero() && sent_at >= lane.paused_until {
            lane.paused_until = Duration::ZERO;
            lane.pauses.reset();
        }
    }
}
