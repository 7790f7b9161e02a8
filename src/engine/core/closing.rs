//! How a run comes to its end before all of its tests have: its time, a signal, a lane that leads nowhere,
//! too many failures.

use std::time::Duration;

use super::replies::PATIENCE;
use super::test_run::State;
use super::{Closing, Core, GRACE, TWICE, Timer};
use crate::engine::journal::record::Overdue;
use crate::event::EventKind;
use crate::outcome::{ErrorKind, Signal, Verdict};
use crate::plan::TestIndex;
use crate::service::{CallError, End, Phase};

impl Core {
    /// The run's time is up.
    pub(super) fn time_up(&mut self, now: Duration) {
        if self.unfinished == 0 || matches!(self.closing, Some(Closing::Signal(_))) {
            return;
        }
        self.closing = Some(Closing::TimeUp);
        self.resume(now);
        self.emit(now, EventKind::TimeUp);
        self.end_all_unstarted(now);
        for test in 0..self.tests.len() {
            self.last_look(now, test, Overdue::Run);
            self.hurry(now, test);
            let run = &mut self.tests[test];
            if run.judged.is_some() && matches!(run.state, State::Reading(..)) {
                self.unreadable(now, test, "the run's timeout was up");
            } else if matches!(run.state, State::Reading(..)) {
                // What has ended is still read, for as long as a call is tried again.
                run.deadline += 1;
                self.timers.set(now + PATIENCE, Timer::Deadline(test, run.deadline));
            }
        }
    }

    /// A signal has come: the first begins to tidy up, the second leaves.
    pub(super) fn interrupt(&mut self, now: Duration, signal: Signal) {
        if matches!(self.closing, Some(Closing::Signal(_))) {
            // One request to end may come as two: GNU timeout signals the process and its group.
            if now.saturating_sub(self.signalled_at) >= TWICE {
                self.leave(now);
            }
            return;
        }
        self.closing = Some(Closing::Signal(signal));
        self.left_open = true;
        self.signalled_at = now;
        self.resume(now);
        // The event comes before any stop, so that the reports are written while those are made.
        self.emit(now, EventKind::Interrupted { signal });
        self.timers.set(now + GRACE, Timer::GraceOver);
        self.end_all_unstarted(now);
        let mut running: Vec<(bool, Duration, TestIndex)> = Vec::new();
        for test in 0..self.tests.len() {
            match &self.tests[test].state {
                State::LookingUp(_) => self.hurry(now, test),
                // What AWS has refused to stop is being looked at once more.
                State::Polling(execution) if execution.stop_refused.is_none() => {
                    let queued = execution.status.phase == Phase::Queued;
                    running.push((queued, execution.accepted_at, test));
                }
                State::Reading(_, reading) if reading.end == End::Failed => {
                    self.judge_unread(now, test, true)
                }
                State::Reading(_, reading) if reading.judged.is_some() => {
                    self.unreadable(now, test, "the run was interrupted");
                }
                State::Reading(..) => {
                    let message = "it was run, but interrupted before its results were read";
                    let cancelled = Verdict::Error(ErrorKind::Cancelled);
                    self.finish(now, test, (cancelled, message.to_owned()));
                }
                _ => {}
            }
        }
        // What is queued goes first, the newest first: stopping one that runs would let the next
        // in the queue begin.
        running.sort_by(|a, b| b.cmp(a));
        for (_, _, test) in running {
            self.cancel_running(now, test);
        }
    }

    pub(super) fn cancel_running(&mut self, now: Duration, test: TestIndex) {
        let run = &self.tests[test];
        let word = run.running().map_or("", |running| &running.status.word);
        let message = format!("interrupted while it was {word}");
        let judgement = (Verdict::Error(ErrorKind::Cancelled), message);
        // One that another process has seen to be over does not run.
        if run.standing.is_some() {
            return self.finish(now, test, judgement);
        }
        self.stop(now, test, judgement);
    }

    /// Leaves at once; what may still run is named.
    pub(super) fn leave(&mut self, now: Duration) {
        for test in 0..self.tests.len() {
            // Attempts that another process has made may follow.
            while !matches!(self.tests[test].state, State::Done) {
                self.leave_test(now, test);
            }
        }
    }

    fn leave_test(&mut self, now: Duration, test: TestIndex) {
        let run = &self.tests[test];
        let may_run = match &run.state {
            State::Done => return,
            State::Reading(_, reading) if reading.end == End::Failed => {
                return self.judge_unread(now, test, true);
            }
            State::Reading(_, reading) if reading.judged.is_some() => {
                return self.unreadable(now, test, "the run was interrupted");
            }
            State::Reading(..) => false,
            State::LookingUp(_) | State::Waiting => run.may_have_started(),
            State::Starting => run.on_the_wire || run.may_have_started(),
            State::Polling(_) | State::Stopping(..) => run.standing.is_none(),
        };
        if may_run {
            self.leave_running(now, test, "the run left before it was stopped");
        }
        let interrupted = (Verdict::Error(ErrorKind::Cancelled), "interrupted".to_owned());
        let judgement = self.standing_judgement(test).unwrap_or(interrupted);
        self.finish(now, test, judgement);
    }

    /// A lane leads nowhere, be it for its credentials: nothing more can be seen through it.
    pub(super) fn close_lane(
        &mut self,
        now: Duration,
        lane: usize,
        kind: ErrorKind,
        error: CallError,
    ) {
        let why = match kind {
            ErrorKind::Credentials => "the AWS credentials are no good",
            _ => "AWS could not be reached",
        };
        let message = format!("{why}: {}", error.error);
        // With other credentials it can be taken up.
        self.left_open |= kind == ErrorKind::Credentials;
        for other in 0..self.tests.len() {
            let run = &mut self.tests[other];
            // A start on the wire is waited for: it has a reply of its own.
            let starting = matches!(run.state, State::Starting) && run.on_the_wire;
            if self.plan.lane(other) != lane || matches!(run.state, State::Done) || starting {
                continue;
            }
            run.trouble = Some(error.clone());
            let ended = matches!(run.state, State::Reading(..));
            if run.running().is_some() && !ended && run.standing.is_none() {
                self.leave_running(now, other, why);
            }
            match &self.tests[other].state {
                // AWS has said that it failed, or the verdict stands, whatever else is not read.
                State::Reading(_, reading)
                    if reading.end == End::Failed || reading.judged.is_some() =>
                {
                    self.unreadable(now, other, &message);
                    continue;
                }
                _ => {}
            }
            if let Some(judgement) = self.standing_judgement(other) {
                self.finish(now, other, judgement);
                continue;
            }
            match &self.tests[other].state {
                _ if self.tests[other].may_have_started() => {
                    self.end_unknown(now, other, &message);
                }
                _ => self.finish(now, other, (Verdict::Error(kind), message.clone())),
            }
        }
    }

    pub(super) fn end_all_unstarted(&mut self, now: Duration) {
        for test in 0..self.tests.len() {
            let run = &self.tests[test];
            let unstarted = match &run.state {
                State::Waiting => true,
                State::Starting => !run.on_the_wire,
                State::LookingUp(look_up) => !look_up.of_start,
                _ => false,
            };
            if unstarted {
                self.end_unstarted(now, test);
            }
        }
    }

    pub(super) fn check_failures(&mut self, now: Duration) {
        let reached = self.plan.max_failures.is_some_and(|most| self.failures >= most);
        if reached && self.closing.is_none() {
            self.closing = Some(Closing::Failures);
            self.emit(now, EventKind::TooManyFailures { failures: self.failures });
            self.end_all_unstarted(now);
        }
    }
}
