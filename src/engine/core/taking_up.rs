//! Taking up what another process of the run has left, by its journal.
//!
//! What has passed stays passed and what has failed stays failed. AWS's words are in no journal, so
//! that what is over is read once more for the reports, unless the counts say all. One that runs is looked at, one
//! that a cancel has stopped starts again, and a start without an answer is sent again where AWS knows
//! its client token, and else looked up.

use std::time::Duration;

use chrono::TimeDelta;

use super::intents::REMEMBERED;
use super::judge::Judgement;
use super::looking_up::Lost;
use super::own::Sent;
use super::replies::ADOPTED;
use super::test_run::{Reading, Running, State};
use super::{Closing, Core};
use crate::engine::journal::known::{KnownAttempt, KnownRun, KnownStart, KnownStop};
use crate::engine::journal::record::{Overdue, Record};
use crate::event::{EventKind, KnownBy, Why};
use crate::outcome::{Details, ErrorKind, ServiceName, Start, Verdict};
use crate::plan::TestIndex;
use crate::service::{End, Phase, Status, has_client_tokens};

impl Core {
    /// Takes up every test that something is known of.
    pub(super) fn take_up_all(&mut self, now: Duration, known: &KnownRun) {
        self.executions.extend(known.executions().map(str::to_owned));
        for test in self.plan.order.clone() {
            let attempts = known.of(&self.plan.identity(test));
            if let Some(last) = attempts.last() {
                // It counts once it was read again, and nothing is started before.
                let fails = match last.verdict {
                    Some(Verdict::Failed | Verdict::Error(ErrorKind::Stopped)) => true,
                    Some(Verdict::Passed) => self.plan.fail_on_flaky && attempts.len() > 1,
                    _ => false,
                };
                if fails && self.plan.tests[test].blocking {
                    self.uncounted.insert(test);
                }
                let run = &mut self.tests[test];
                run.known = attempts.into();
                let place = (0, run.rank, test);
                self.windows[self.plan.tests[test].window].waiting.remove(&place);
                self.take_up(now, test);
            }
        }
    }

    /// Goes on with a test's attempt where another process has left it; begins it where that knew
    /// nothing of it.
    pub(super) fn take_up(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        let Some(mut known) = run.known.pop_front() else { return self.wait_for_place(now, test) };
        let was_tried_again = !run.known.is_empty();
        run.first_sent_at = Some(now);
        run.begun_at.get_or_insert(now);
        // An error is no verdict: there may be one now, unless it was tried again after it.
        run.standing = known.verdict.filter(|verdict| match verdict {
            Verdict::Passed | Verdict::Failed | Verdict::Error(ErrorKind::Stopped) => true,
            Verdict::Error(_) | Verdict::NotRun => was_tried_again,
        });
        run.recorded = run.standing.is_some();
        let last = known.starts.pop();
        run.starts.extend(known.starts.iter().map(begun));
        match last {
            Some(start) if start.execution.is_some() => {
                run.starts.push(begun(&start));
                self.take_up_execution(now, test, &known, start);
            }
            _ if run.standing.is_some() => self.finish(now, test, not_told()),
            // Whatever AWS has said to it, it was no reply that was lost.
            Some(start) if known.verdict.is_none_or(|known| known == UNKNOWN) => {
                self.take_up_lost(now, test, start);
            }
            _ => self.wait_for_place(now, test),
        }
    }

    /// An execution was begun, and may be over.
    fn take_up_execution(
        &mut self,
        now: Duration,
        test: TestIndex,
        known: &KnownAttempt,
        start: KnownStart,
    ) {
        let Some((execution_id, adopted)) = start.execution else { return };
        let planned = &self.plan.tests[test];
        let is_connect = planned.target.service() == ServiceName::Connect;
        let status = Status { word: "taken up".to_owned(), phase: Phase::Queued };
        let mut running = Running::new(planned, execution_id.clone(), status.clone(), now);
        running.why = Why::TakenUp;
        let run = &mut self.tests[test];
        if adopted {
            run.details.notes.push(ADOPTED.to_owned());
        }
        run.stopped_as = start.stopping;
        let standing = run.standing;
        self.emit(
            now,
            EventKind::Started {
                test,
                attempt: self.tests[test].attempt,
                execution_id,
                status: status.word,
                known: KnownBy::Journal { adopted },
            },
        );
        let run = &mut self.tests[test];
        if standing == Some(Verdict::Passed)
            && is_connect
            && known.observations.is_some()
            && !self.plan.detail.always
        {
            // Its report hangs on nothing but the counts.
            run.details.observations = known.observations;
            running.status = Status { word: "PASSED".to_owned(), phase: Phase::Ended(End::Passed) };
            running.took = known.took;
            run.state = State::Reading(Box::new(running), Reading::after(End::Passed));
            return self.conclude(now, test, false);
        }
        run.state = State::Polling(Box::new(running));
        if standing.is_none() {
            self.windows[self.plan.tests[test].window].open.push(test);
            self.set_deadline(test);
        }
        match self.closing {
            Some(Closing::Signal(_)) => self.cancel_running(now, test),
            Some(Closing::TimeUp) => self.last_look(now, test, Overdue::Run),
            _ => self.want(now, test, now),
        }
    }

    /// A start was meant, and it is not known what came of it.
    fn take_up_lost(&mut self, now: Duration, test: TestIndex, start: KnownStart) {
        let age = (self.started_at + now - start.first.here).to_std();
        let within = TimeDelta::from_std(self.grace(test)).unwrap_or(TimeDelta::MAX);
        let run = &mut self.tests[test];
        run.lost = Some(Lost {
            sent: Sent { first: start.first, last: start.last, within },
            before: start.before,
            // A clock that was set back tells nothing.
            remembered_until: now + REMEMBERED.saturating_sub(age.unwrap_or(REMEMBERED)),
            refused: None,
            error: None,
        });
        if has_client_tokens(self.plan.tests[test].target.service()) && !self.is_hurried() {
            return self.wait_for_place(now, test);
        }
        self.windows[self.plan.tests[test].window].open.push(test);
        self.look_up(now, test);
    }

    /// An execution that is taken up was stopped: by the process before, as its journal says, or by
    /// others. Gives what was judged of it then, and tells of it as it was; none where others have.
    pub(super) fn take_up_stop(&mut self, test: TestIndex) -> Option<Judgement> {
        let run = &mut self.tests[test];
        let KnownStop { verdict, overdue, status } = run.stopped_as.clone()?;
        // It is told of as it was then: what came after is the stop's doing.
        run.details.observations = None;
        let word = status.unwrap_or_else(|| "under way".to_owned());
        if let State::Polling(running) = &mut run.state {
            running.status.word.clone_from(&word);
        }
        Some(match (verdict, overdue) {
            (Verdict::Error(ErrorKind::QueuedOut), _) => {
                self.is_overdue(test, Overdue::Queue, &word)
            }
            (Verdict::Error(ErrorKind::TimedOut), overdue) => {
                self.is_overdue(test, overdue.unwrap_or(Overdue::Timeout), &word)
            }
            _ => (verdict, "its status could not be read".to_owned()),
        })
    }

    /// An execution was stopped by the cancel that ended the process before: the test starts again,
    /// with another start of the same attempt.
    pub(super) fn start_over(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        run.stopped_as = None;
        run.intent = None;
        run.came_to_nothing = Some("an interrupt stopped it".to_owned());
        run.details = Details::default();
        self.give_place_back(now, test, Duration::ZERO);
    }

    /// What a judgement comes to: one that another process has made stands.
    pub(super) fn as_it_stands(&self, test: TestIndex, judgement: Judgement) -> Judgement {
        match self.tests[test].standing {
            Some(standing) if standing != judgement.0 => {
                let message = match standing {
                    Verdict::Passed | Verdict::Failed => {
                        format!(
                            "{standing} when it was first seen; read once more: {}",
                            judgement.1
                        )
                    }
                    _ => judgement.1,
                };
                (standing, message)
            }
            _ => judgement,
        }
    }

    /// Writes an attempt's verdict down, unless another process is to come to one.
    pub(super) fn record(&mut self, test: TestIndex, verdict: Verdict) {
        let open = [ErrorKind::Cancelled, ErrorKind::Credentials, ErrorKind::NotFinished];
        let open = open.map(Verdict::Error);
        let run = &mut self.tests[test];
        if open.contains(&verdict) || verdict == Verdict::NotRun || run.recorded {
            return;
        }
        run.recorded = true;
        let observations = run.details.observations;
        let took = run.running().and_then(|running| running.took);
        let took_ms = took.and_then(|took| u64::try_from(took.as_millis()).ok());
        let attempt = run.attempt;
        self.persist(Record::Judged { test, attempt, verdict, observations, took_ms });
    }
}

const UNKNOWN: Verdict = Verdict::Error(ErrorKind::StartUnknown);

fn not_told() -> Judgement {
    (UNKNOWN, "it came to no execution; AWS's words for it are not kept".to_owned())
}

fn begun(start: &KnownStart) -> Start {
    let (execution_id, adopted) = match &start.execution {
        Some((id, adopted)) => (Some(id.clone()), *adopted),
        None => (None, false),
    };
    Start { execution_id, adopted }
}
