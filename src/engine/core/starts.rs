//! What the reply to a start means for its test.

use std::time::Duration;

use super::replies::{ADOPTED, PATIENCE};
use super::test_run::{Running, State, Within};
use super::{Closing, Core, Timer};
use crate::engine::journal::record::{Overdue, Record};
use crate::event::{EventKind, KnownBy, Why};
use crate::outcome::{ErrorKind, Start, Verdict};
use crate::plan::TestIndex;
use crate::service::{CallError, ErrorClass, Phase, Started, has_client_tokens};

/// A start is tried for so long while nothing of a lane has ever been reached: then it is the
/// network, the endpoint or the credentials' source, and it is so for every test.
const UNREACHED: Duration = Duration::from_secs(30);

impl Core {
    /// What comes before a start did not work: nothing was started.
    pub(super) fn look_before_failed(
        &mut self,
        now: Duration,
        test: TestIndex,
        sent_at: Duration,
        mut error: CallError,
    ) {
        let lane = &self.lanes[self.plan.lane(test)];
        let refused =
            matches!(error.class, ErrorClass::Rejected | ErrorClass::ClockSkew { denied: true });
        if refused || lane.reached && self.tests[test].troubled_for(now) >= PATIENCE {
            return self.go_without(now, test, error.error);
        }
        if error.class == ErrorClass::Ambiguous {
            error.class = ErrorClass::Unsent;
        }
        self.start_failed(now, test, sent_at, error);
    }

    pub(super) fn start_failed(
        &mut self,
        now: Duration,
        test: TestIndex,
        sent_at: Duration,
        error: CallError,
    ) {
        if error.class == ErrorClass::Ambiguous {
            self.note_lost(now, test, sent_at, &error);
        }
        let planned = &self.plan.tests[test];
        let lane = &self.lanes[self.plan.lane(test)];
        let reached = lane.reached;
        let unreached_for = lane.unreached_since.map(|since| now.saturating_sub(since));
        let sent_again = has_client_tokens(planned.target.service());
        if error.class == ErrorClass::Ambiguous && !sent_again && self.can_look_up(test) {
            let run = &mut self.tests[test];
            run.note_trouble(now, error);
            return self.look_up(now, test);
        }
        let run = &mut self.tests[test];
        let patience = match error.class {
            // The run's own time is the limit: others on the instance are normal.
            ErrorClass::Throttled { .. } | ErrorClass::Full { .. } => Duration::MAX,
            ErrorClass::Conflict => planned.queue_timeout,
            ErrorClass::Ambiguous if !sent_again => Duration::ZERO,
            ErrorClass::Unsent | ErrorClass::CredentialsSource | ErrorClass::Ambiguous
                if !reached =>
            {
                UNREACHED
            }
            ErrorClass::Unsent | ErrorClass::CredentialsSource | ErrorClass::Ambiguous => PATIENCE,
            ErrorClass::ClockSkew { .. } => PATIENCE,
            ErrorClass::Rejected | ErrorClass::Credentials => Duration::ZERO,
        };
        // What cannot be reached cannot be for any test: not each is to wait for it.
        let troubled_for = match unreached_for {
            Some(unreached_for) if patience == UNREACHED => unreached_for,
            _ => run.troubled_for(now),
        };
        if troubled_for < patience {
            if self.closing.is_none() {
                return match error.class {
                    ErrorClass::Full { retry_after } => {
                        self.no_room(now, test, error, retry_after);
                    }
                    _ => self.want_again(now, test, error),
                };
            }
            // Nothing is started any more, and sending a start again could do so.
            run.note_trouble(now, error);
            return self.end_unstarted(now, test);
        }
        if !reached && patience == UNREACHED {
            let kind = match error.class {
                ErrorClass::CredentialsSource => ErrorKind::Credentials,
                _ => ErrorKind::StartRejected,
            };
            return self.close_lane(now, self.plan.lane(test), kind, error);
        }
        let rejected = (
            Verdict::Error(ErrorKind::StartRejected),
            format!("AWS did not start it: {}", error.error),
        );
        if let Some(lost) = &mut run.lost {
            lost.refused =
                Some(error.error.clone()).filter(|_| error.class == ErrorClass::Rejected);
        }
        run.note_trouble(now, error);
        if run.may_have_started() {
            self.end_lost(now, test);
        } else {
            self.finish(now, test, rejected);
        }
    }

    /// AWS has begun an execution.
    pub(super) fn started(
        &mut self,
        now: Duration,
        test: TestIndex,
        sent_at: Duration,
        started: Started,
        known: KnownBy,
    ) {
        let Started { execution_id, status } = started;
        let run = &self.tests[test];
        let (attempt, start) = (run.attempt, run.starts.len() + 1);
        let adopted = known.is_adopted();
        self.executions.insert(execution_id.clone());
        let id = execution_id.clone();
        self.persist(Record::Started { test, attempt, start, execution_id: id, adopted });
        let event = EventKind::Started {
            test,
            attempt,
            execution_id: execution_id.clone(),
            status: status.word.clone(),
            known,
        };
        let planned = &self.plan.tests[test];
        let mut running = Running::new(planned, execution_id.clone(), status, now);
        running.looked_at = sent_at;
        let window = planned.window;
        let run = &mut self.tests[test];
        (run.lost, run.intent) = (None, None);
        (run.refused, run.why) = (0, Why::Next);
        run.starts.push(Start { execution_id: Some(execution_id), adopted });
        if adopted {
            run.details.notes.push(ADOPTED.to_owned());
        }
        if running.status.phase != Phase::Queued {
            running.left_queue_at = Some(now);
        }
        run.state = State::Polling(Box::new(running));
        self.has_room(now, window);
        self.emit(now, event);
        self.wake_behind(now, test);
        match self.closing {
            Some(Closing::Signal(_)) => self.cancel_running(now, test),
            Some(Closing::TimeUp) => self.last_look(now, test, Overdue::Run),
            Some(Closing::Failures | Closing::JournalBroken) | None => {
                self.set_deadline(test);
                self.assume_begun(test, Within { from: sent_at, to: now });
                self.look_later(now, test);
            }
        }
    }

    /// Sets the deadline that holds in the phase that a test's execution is in.
    pub(super) fn set_deadline(&mut self, test: TestIndex) {
        let planned = &self.plan.tests[test];
        let run = &mut self.tests[test];
        let State::Polling(running) = &run.state else { return };
        let at = match running.left_queue_at {
            Some(left) => left + planned.timeout,
            None => running.accepted_at + planned.queue_timeout,
        };
        run.deadline += 1;
        self.timers.set(at, Timer::Deadline(test, run.deadline));
    }
}
