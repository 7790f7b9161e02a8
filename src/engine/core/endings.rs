//! How tests end: by a deadline, stopped, unknown, not started; and whether another attempt follows.

use std::time::Duration;

use super::judge::Judgement;
use super::test_run::State;
use super::{Closing, Core};
use crate::duration::format_duration;
use crate::engine::journal::record::{Overdue, Record};
use crate::event::EventKind;
use crate::outcome::{Attempt, Details, ErrorKind, Gate, Start, TestOutcome, Verdict, gate};
use crate::plan::{RetryOn, TestIndex};
use crate::service::{ErrorClass, can_stop};

impl Core {
    /// A deadline of a test has passed: one last look, so that an end that came just before it is
    /// not missed.
    pub(super) fn overdue(&mut self, now: Duration, test: TestIndex) {
        match &self.tests[test].state {
            State::Polling(running) if running.left_queue_at.is_none() => {
                self.last_look(now, test, Overdue::Queue);
            }
            State::Polling(_) => self.last_look(now, test, Overdue::Timeout),
            State::Reading(..) => self.unreadable(now, test, "the run's timeout was up"),
            _ => {}
        }
    }

    pub(super) fn last_look(&mut self, now: Duration, test: TestIndex, overdue: Overdue) {
        let run = &mut self.tests[test];
        let State::Polling(running) = &mut run.state else { return };
        // A deadline that has passed already has its last look under way.
        if running.overdue.is_some() {
            return;
        }
        running.overdue = Some((overdue, now));
        run.retry.reset();
        // A look that is on the wire is the last one.
        if !run.on_the_wire {
            self.want(now, test, now);
        }
    }

    /// The last look has shown no end.
    pub(super) fn give_up(&mut self, now: Duration, test: TestIndex) {
        let run = &self.tests[test];
        let State::Polling(running) = &run.state else { return };
        if run.standing.is_some() {
            let trouble = run.trouble.as_ref().map(|error| error.error.to_string());
            let why =
                trouble.unwrap_or_else(|| format!("AWS says that it is {}", running.status.word));
            return self.finish(now, test, (Verdict::Error(ErrorKind::Poll), why));
        }
        if let Some((_, why)) = &running.stop_refused {
            let why = why.clone();
            return self.left_running(now, test, &why);
        }
        let status = &running.status.word;
        let overdue = running.overdue.map(|(overdue, _)| overdue);
        let trouble = run.trouble.as_ref().map(|error| error.error.clone());
        let judgement = match &trouble {
            Some(error) => {
                let message = format!("its status could not be read: {error}");
                (Verdict::Error(ErrorKind::Poll), message)
            }
            None => self.is_overdue(test, overdue.unwrap_or(Overdue::Timeout), status),
        };
        // What the stop says must not take the place of what went wrong.
        self.tests[test].details.error = trouble.map(|error| *error);
        self.stop(now, test, judgement);
    }

    /// What is judged of an execution that had the status `word` when a deadline was over.
    pub(super) fn is_overdue(&self, test: TestIndex, overdue: Overdue, word: &str) -> Judgement {
        let planned = &self.plan.tests[test];
        let (kind, when) = match overdue {
            Overdue::Queue => {
                let limit = format_duration(planned.queue_timeout);
                (ErrorKind::QueuedOut, format!("after its queue_timeout of {limit}"))
            }
            Overdue::Timeout => {
                let limit = format_duration(planned.timeout);
                (ErrorKind::TimedOut, format!("after its timeout of {limit}"))
            }
            Overdue::Run => {
                let limit = format_duration(self.plan.timeout);
                (ErrorKind::TimedOut, format!("when the run's timeout of {limit} was up"))
            }
        };
        (Verdict::Error(kind), format!("still {word} {when}"))
    }

    /// Stops the execution of a test that is polled, where that can be done; its judgement stands
    /// already. What cannot be stopped is named, and no longer takes a place in its window.
    pub(super) fn stop(&mut self, now: Duration, test: TestIndex, judgement: Judgement) {
        let run = &self.tests[test];
        let State::Polling(running) = &run.state else { return };
        let execution_id = running.execution_id.clone();
        if !can_stop(self.plan.tests[test].target.service()) {
            self.leave_running(now, test, "Lex has no operation that stops a test execution");
            return self.finish(now, test, judgement);
        }
        let reason = judgement.1.clone();
        // Whoever takes the run up is to know that nobody else has stopped it.
        let (attempt, start, verdict) = (run.attempt, run.starts.len(), judgement.0);
        // A status not known yet may be any text.
        let is_word = |word: &String| {
            word.len() < 40 && word.chars().all(|c| c == '_' || c.is_ascii_alphabetic())
        };
        let status = Some(running.status.word.clone()).filter(is_word);
        let overdue = running.overdue.map(|(overdue, _)| overdue);
        let record = Record::Stopping { test, attempt, start, verdict, overdue, status };
        let record = self.persist(record);
        let run = &mut self.tests[test];
        run.deadline += 1;
        if let State::Polling(running) = std::mem::replace(&mut run.state, State::Done) {
            run.state = State::Stopping(running, judgement, now, record);
        }
        self.emit(now, EventKind::Stopping { test, execution_id, reason });
        self.want(now, test, now);
    }

    /// Ends a test whose execution could not be stopped.
    pub(super) fn left_running(&mut self, now: Duration, test: TestIndex, why: &str) {
        let Some(judgement) = self.standing_judgement(test) else { return };
        self.leave_running(now, test, &format!("it could not be stopped: {why}"));
        self.finish(now, test, judgement);
    }

    /// What has been judged of a test already, while its execution is being stopped or its details
    /// are being read.
    pub(super) fn standing_judgement(&self, test: TestIndex) -> Option<Judgement> {
        match &self.tests[test].state {
            State::Stopping(_, judgement, ..) => Some(judgement.clone()),
            State::Polling(running) => Some(running.stop_refused.as_ref()?.0.clone()),
            State::Reading(_, reading) => reading.judged.clone(),
            _ => None,
        }
    }

    /// Tells, also in the reports, that something of a test may go on on AWS.
    pub(super) fn leave_running(&mut self, now: Duration, test: TestIndex, reason: &str) {
        let run = &mut self.tests[test];
        run.left_running = true;
        run.details.notes.push(format!("it may still run: {reason}"));
        let execution_id = run.running().map(|running| running.execution_id.clone());
        let reason = reason.to_owned();
        self.emit(now, EventKind::LeftRunning { test, execution_id, reason });
    }

    /// Ends a test whose start may have taken effect though no reply to it was seen, once that was
    /// looked up, where it can be.
    pub(super) fn end_lost(&mut self, now: Duration, test: TestIndex) {
        if self.can_look_up(test) {
            return self.look_up(now, test);
        }
        let why = match self.before.get(&self.tests[test].target) {
            Some(Err(error)) => format!("it cannot be looked up: {error}"),
            _ => "it cannot be looked up".to_owned(),
        };
        self.end_unknown(now, test, &why);
    }

    /// Ends a test of which it is not known what came of its start, and says why.
    pub(super) fn end_unknown(&mut self, now: Duration, test: TestIndex, why: &str) {
        let run = &mut self.tests[test];
        run.starts.push(Start { execution_id: None, adopted: false });
        run.first_sent_at.get_or_insert(now);
        let lost = run.lost.as_ref().and_then(|lost| lost.error.as_ref());
        let lost = lost.map(|error| format!("{error}; ")).unwrap_or_default();
        let message = format!("it is not known whether AWS started it: {lost}{why}");
        self.leave_running(now, test, &format!("no reply to its start was seen; {why}"));
        self.finish(now, test, (Verdict::Error(ErrorKind::StartUnknown), message));
    }

    /// Ends a test that has no execution and is to have none any more.
    pub(super) fn end_unstarted(&mut self, now: Duration, test: TestIndex) {
        if self.tests[test].may_have_started() {
            return self.end_lost(now, test);
        }
        if self.tests[test].standing.is_some() {
            let judgement = (Verdict::Error(ErrorKind::Cancelled), "not started".to_owned());
            return self.finish(now, test, judgement);
        }
        let run = &self.tests[test];
        let refusal = &self.windows[self.plan.tests[test].window].refusal;
        let refusal = refusal.as_ref().filter(|_| matches!(run.state, State::Waiting));
        let last = run.trouble.as_ref().map(|error| error.error.to_string());
        let last = last.or_else(|| run.came_to_nothing.clone());
        let last = last.or_else(|| refusal.map(ToString::to_string));
        let because = last.map(|last| format!("; the last try: {last}")).unwrap_or_default();
        let judgement = match (self.closing, run.trouble.as_ref().map(|error| error.class)) {
            // It was started, and nothing came of that.
            (Some(Closing::Failures), _) if !run.starts.is_empty() => (
                Verdict::Error(ErrorKind::NotStarted),
                format!("not started again: max_failures reached{because}"),
            ),
            (Some(Closing::Failures), _) => {
                let failures = self.failures;
                (Verdict::NotRun, format!("not run: max_failures reached ({failures} not passed)"))
            }
            (Some(Closing::JournalBroken), _) => (
                Verdict::Error(ErrorKind::NotFinished),
                "not started: the journal cannot be written any more".to_owned(),
            ),
            (Some(Closing::Signal(signal)), _) => (
                Verdict::Error(ErrorKind::Cancelled),
                format!("not started: the run was interrupted by {signal}"),
            ),
            (_, trouble) => {
                let kind = match (trouble, &run.came_to_nothing) {
                    (None, Some(_)) => ErrorKind::NotStarted,
                    // It is for those before it that there was no room.
                    (None, None) if refusal.is_some() => ErrorKind::Throttled,
                    (Some(ErrorClass::Throttled { .. } | ErrorClass::Full { .. }), _) => {
                        ErrorKind::Throttled
                    }
                    _ => ErrorKind::TimedOut,
                };
                let limit = format_duration(self.plan.timeout);
                let message = format!("not started within the run's timeout of {limit}{because}");
                (Verdict::Error(kind), message)
            }
        };
        self.finish(now, test, judgement);
    }

    /// Ends an attempt. Another follows where it failed and may be retried; else the test is over.
    pub(super) fn finish(&mut self, now: Duration, test: TestIndex, judgement: Judgement) {
        self.free_place(test);
        self.want_nothing(test);
        self.wake_behind(now, test);
        // Of attempts that another process has made, the last counts.
        if self.tests[test].known.is_empty() {
            self.uncounted.remove(&test);
        }
        let judgement = self.as_it_stands(test, judgement);
        self.end_attempt(now, test, judgement.clone());
        let (verdict, message) = judgement;
        let again = self.is_tried_again(test, verdict);
        let run = &mut self.tests[test];
        let over = run.attempts.last().filter(|_| again).cloned();
        if let Some(attempt) = over.map(Box::new) {
            run.begin_again();
            self.emit(now, EventKind::AttemptEnded { test, attempt });
            return self.take_up(now, test);
        }
        let attempts = std::mem::take(&mut run.attempts);
        let begun_at = run.begun_at.unwrap_or(now);
        run.state = State::Done;
        self.unfinished -= 1;
        let judged = run.judged;
        let ended_at = judged.map_or(now, |(at, _)| at);
        let took = ended_at.saturating_sub(begun_at).as_secs_f64();
        let outcome = TestOutcome::over(attempts, verdict, message, took);
        let fails = judged.is_none() && self.fails_build(test, &outcome);
        self.emit(now, EventKind::Ended { test, outcome });
        self.count_failure(now, fails);
    }

    /// Whether another attempt follows one that ends with `verdict` now. Never while the last one
    /// may still run: the set would run twice at once.
    pub(super) fn is_tried_again(&self, test: TestIndex, verdict: Verdict) -> bool {
        let (planned, run) = (&self.plan.tests[test], &self.tests[test]);
        let allowed = is_retried(planned.retry_on, verdict) && run.attempt <= planned.retries;
        // What another process has tried again was tried again.
        !run.known.is_empty() || allowed && !run.left_running && self.closing.is_none()
    }

    /// Whether the build does not pass with a test that was run.
    pub(super) fn fails_build(&self, test: TestIndex, outcome: &TestOutcome) -> bool {
        let gate = gate(self.plan.tests[test].blocking, outcome, self.plan.fail_on_flaky);
        outcome.verdict != Verdict::NotRun && matches!(gate, Gate::Fails | Gate::NoVerdict)
    }

    /// Counts a test that fails the build, once its verdict stands.
    pub(super) fn count_failure(&mut self, now: Duration, fails: bool) {
        if fails {
            self.failures += 1;
            self.check_failures(now);
        }
    }

    fn end_attempt(&mut self, now: Duration, test: TestIndex, (verdict, message): Judgement) {
        let Some(sent) = self.tests[test].first_sent_at else { return };
        self.record(test, verdict);
        let run = &mut self.tests[test];
        let running = run.running();
        let status = running.map(|running| running.status.word.clone());
        // AWS's clock says how long something took that has ended by itself.
        let ended = matches!(run.state, State::Reading(..));
        let took = running.and_then(|running| running.took).filter(|_| ended);
        let ran = running.and_then(|running| running.ran).map(|ran| ran.as_secs_f64());
        let ended_at = run.judged.map_or(now, |(at, _)| at);
        let no_verdict = matches!(verdict, Verdict::Error(_));
        let trouble = run.trouble.take().map(|error| *error.error).filter(|_| no_verdict);
        let error = run.details.error.take().or(trouble);
        run.attempts.push(Attempt {
            number: run.attempt,
            starts: std::mem::take(&mut run.starts),
            verdict,
            message,
            status,
            started_at: self.started_at + sent,
            ended_at: self.started_at + ended_at,
            seconds: took.unwrap_or(ended_at.saturating_sub(sent)).as_secs_f64(),
            ran,
            details: Details { error, ..std::mem::take(&mut run.details) },
        });
    }
}

/// Whether another attempt follows an attempt that ended so: not where it would end the same way.
fn is_retried(retry_on: RetryOn, verdict: Verdict) -> bool {
    match verdict {
        Verdict::Failed => retry_on.failed,
        Verdict::Error(kind) => {
            let pointless =
                [ErrorKind::StartRejected, ErrorKind::Credentials, ErrorKind::Cancelled];
            retry_on.error && !pointless.contains(&kind)
        }
        Verdict::Passed | Verdict::NotRun => false,
    }
}
