//! How what came out of an execution is read, page by page, and judged.
//!
//! First what the verdict hangs on; then, once that stands, what a reader of the reports wants to
//! know beside it. The latter is worth the least of all calls, and what of it cannot be read is a
//! note: it takes no verdict back.

use std::time::Duration;

use super::judge::{self, Judgement};
use super::replies::PATIENCE;
use super::test_run::{Reading, State};
use super::{Closing, Core, Timer};
use crate::event::{Backpressure, EventKind};
use crate::outcome::{Details, ErrorKind, ServiceName, TestOutcome, Verdict};
use crate::plan::TestIndex;
use crate::service::{CallError, End, ErrorClass, Page, ResultKind};

/// So many pages of one kind of results are read, beyond any that AWS gives: a set of 200,000
/// records, the model's bound, has 200 pages.
const MOST_PAGES: usize = 2000;

/// What comes round again is read so often from its first page on.
const MOST_ANEW: u32 = 3;

impl Core {
    /// An execution has ended.
    pub(super) fn ended(&mut self, now: Duration, test: TestIndex, end: End) {
        let failed = match end {
            End::Stopped => {
                // A stop that was refused may be one that had worked, its reply lost.
                let own = self.standing_judgement(test);
                let run = &self.tests[test];
                let stopped_as = run.stopped_as.as_ref().map(|stop| stop.verdict);
                let cancelled = stopped_as == Some(Verdict::Error(ErrorKind::Cancelled));
                if own.is_none() && cancelled && run.standing.is_none() {
                    return self.start_over(now, test);
                }
                let own = own.or_else(|| self.take_up_stop(test));
                let own = own.map(|(verdict, message)| (verdict, format!("{message}; stopped")));
                let other = "somebody else stopped it".to_owned();
                let other = (Verdict::Error(ErrorKind::Stopped), other);
                return self.end_with_records(now, test, own.unwrap_or(other));
            }
            End::Failed => true,
            End::Passed | End::Completed => false,
        };
        let kinds = judge::needed(&self.plan.tests[test].target, failed);
        let run = &mut self.tests[test];
        let State::Polling(running) = std::mem::replace(&mut run.state, State::Done) else {
            return;
        };
        run.deadline += 1;
        run.details.error = None;
        if self.closing == Some(Closing::TimeUp) {
            self.timers.set(now + PATIENCE, Timer::Deadline(test, run.deadline));
        }
        let reading = Reading { kinds, ..Reading::after(end) };
        run.state = State::Reading(running, reading);
        match self.closing {
            Some(Closing::Signal(_)) if failed => self.judge_unread(now, test, true),
            _ => self.read_on(now, test),
        }
    }

    /// Asks for the next page, or judges when all has been read.
    fn read_on(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        let State::Reading(_, reading) = &mut run.state else { return };
        // Only of the next one is it known: it hangs on what has been read before.
        while reading.kinds.first().is_some_and(|kind| judge::is_empty(*kind, &run.details)) {
            reading.kinds.remove(0);
        }
        if reading.kinds.is_empty() {
            return self.all_read(now, test);
        }
        self.want(now, test, now);
    }

    /// All that was asked for has been read: the verdict stands, and more may be asked for.
    fn all_read(&mut self, now: Duration, test: TestIndex) {
        let State::Reading(_, reading) = &self.tests[test].state else { return };
        let failed = reading.end == End::Failed;
        let judgement = self.judgement(test, failed);
        let open = !matches!(self.closing, Some(Closing::Signal(_)));
        let detail = self.plan.detail;
        let target = &self.plan.tests[test].target;
        let State::Reading(_, reading) = &self.tests[test].state else { return };
        if judgement.0 == Verdict::Error(ErrorKind::NotStarted) && self.may_start_anew(test) {
            return self.start_anew(now, test, judgement.1);
        }
        let further = match reading.judged {
            None if open && self.closing != Some(Closing::TimeUp) => {
                judge::further(target, failed, judgement.0, detail)
            }
            _ => Vec::new(),
        };
        // What is tried again is not looked into: another attempt is worth more, and sooner.
        if further.is_empty() || self.is_tried_again(test, judgement.0) {
            return self.conclude(now, test, failed);
        }
        if let State::Reading(_, reading) = &mut self.tests[test].state {
            reading.kinds = further;
            reading.judged = Some(judgement.clone());
        }
        self.judged(now, test, judgement);
        self.read_on(now, test);
    }

    /// The verdict of a test stands, while details are still to be read: it counts from now on.
    fn judged(&mut self, now: Duration, test: TestIndex, (verdict, message): Judgement) {
        self.judged_tests += 1;
        let verdict = self.tests[test].standing.unwrap_or(verdict);
        self.record(test, verdict);
        let run = &mut self.tests[test];
        run.judged = Some((now, self.judged_tests));
        let begun_at = run.begun_at.unwrap_or(now);
        let took = now.saturating_sub(begun_at).as_secs_f64();
        let outcome = TestOutcome::over(run.attempts.clone(), verdict, message, took);
        let fails = self.fails_build(test, &outcome);
        self.emit(now, EventKind::Judged { test, outcome: Box::new(outcome) });
        self.uncounted.remove(&test);
        // Nothing runs on AWS any more, so that the next may.
        self.free_place(test);
        self.count_failure(now, fails);
    }

    /// Ends a test whose execution was stopped: what it had observed until then is the clue, where
    /// there is one.
    pub(super) fn end_with_records(
        &mut self,
        now: Duration,
        test: TestIndex,
        judgement: Judgement,
    ) {
        let connect = self.plan.tests[test].target.service() == ServiceName::Connect;
        let open = matches!(self.closing, None | Some(Closing::Failures));
        let worth_it = connect && open && !self.is_tried_again(test, judgement.0);
        let run = &mut self.tests[test];
        let state = std::mem::replace(&mut run.state, State::Done);
        let running = match state {
            State::Polling(running) | State::Stopping(running, ..) if worth_it => running,
            state => {
                run.state = state;
                return self.finish(now, test, judgement);
            }
        };
        run.deadline += 1;
        let reading = Reading {
            kinds: vec![ResultKind::Records],
            judged: Some(judgement.clone()),
            ..Reading::after(End::Stopped)
        };
        run.state = State::Reading(running, reading);
        self.judged(now, test, judgement);
        self.read_on(now, test);
    }

    /// The judgement by what has been read so far.
    fn judgement(&mut self, test: TestIndex, failed: bool) -> Judgement {
        let target = &self.plan.tests[test].target;
        let details = &mut self.tests[test].details;
        if failed {
            judge::failed(target.service(), details)
        } else {
            judge::passed(target, details)
        }
    }

    /// Ends a test by what has been read of it. What was read after its verdict stood makes the
    /// message say more, and changes no verdict.
    pub(super) fn conclude(&mut self, now: Duration, test: TestIndex, failed: bool) {
        let (end, judged) = match &self.tests[test].state {
            State::Reading(_, reading) => (reading.end, reading.judged.clone()),
            _ => (if failed { End::Failed } else { End::Passed }, None),
        };
        judge::settle(&mut self.tests[test].details, end, self.plan.detail.turns);
        let judgement = self.judgement(test, failed);
        let standing = judged.filter(|(verdict, _)| *verdict != judgement.0);
        self.finish(now, test, standing.unwrap_or(judgement));
    }

    /// Judges by what is known, since there is no time to read more.
    pub(super) fn judge_unread(&mut self, now: Duration, test: TestIndex, failed: bool) {
        if failed {
            let note = "its records were not read: the run was interrupted";
            self.tests[test].details.notes.push(note.to_owned());
            judge::forget(&mut self.tests[test].details, ResultKind::Records);
        }
        // It may say that it never ran: whoever takes the run up reads it.
        self.tests[test].recorded = true;
        self.conclude(now, test, failed);
    }

    /// Whether another start may follow one that came to nothing: not where a verdict stands already.
    fn may_start_anew(&self, test: TestIndex) -> bool {
        self.closing.is_none() && self.tests[test].standing.is_none()
    }

    /// A start came to nothing, which is no verdict: another follows, with a token of its own, in
    /// the same attempt. Until then its place is free.
    fn start_anew(&mut self, now: Duration, test: TestIndex, reason: String) {
        let window = self.plan.tests[test].window;
        let run = &mut self.tests[test];
        let accepted_at = run.running().map_or(now, |running| running.accepted_at);
        // What happens to a test again and again may be its own affair.
        if run.came_to_nothing.is_none() {
            self.shrink(now, window, accepted_at, Backpressure::NeverRun);
        }
        let run = &mut self.tests[test];
        let contact_ids = std::mem::take(&mut run.details.contact_ids);
        run.details = Details { contact_ids, ..Details::default() };
        let after = run.anew.next(&mut self.chance);
        run.came_to_nothing = Some(reason.clone());
        self.emit(now, EventKind::StartingAnew { test, reason, after });
        self.give_place_back(now, test, after);
    }

    /// A page has come.
    pub(super) fn read(&mut self, now: Duration, test: TestIndex, page: Page) {
        let turns = self.plan.detail.turns;
        let run = &mut self.tests[test];
        let State::Reading(_, reading) = &mut run.state else { return };
        for row in page.rows {
            judge::fold(&mut run.details, row, turns);
        }
        match &page.next_token {
            Some(token) if !reading.seen.insert(token.clone()) => {
                return self.read_anew(now, test);
            }
            Some(_) if reading.seen.len() > MOST_PAGES => {
                let why = format!("AWS has more than {MOST_PAGES} pages of them");
                return self.unreadable(now, test, &why);
            }
            Some(_) => {}
            None => {
                reading.kinds.remove(0);
                reading.seen.clear();
            }
        }
        reading.next_token = page.next_token;
        self.read_on(now, test);
    }

    /// The pages of what is being read came round again: it is read from the first one on, a few
    /// times.
    fn read_anew(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        let State::Reading(_, reading) = &mut run.state else { return };
        reading.times_anew += 1;
        if reading.times_anew >= MOST_ANEW {
            return self.unreadable(now, test, "AWS sent the same page token twice");
        }
        if let Some(kind) = reading.kinds.first() {
            judge::clear(&mut run.details, *kind);
        }
        reading.next_token = None;
        reading.seen.clear();
        self.want(now, test, now);
    }

    pub(super) fn reading_failed(&mut self, now: Duration, test: TestIndex, error: CallError) {
        let waited = self.tests[test].troubled_for(now);
        if error.class == ErrorClass::Rejected || waited >= PATIENCE {
            let why = error.error.to_string();
            self.tests[test].note_trouble(now, error);
            self.unreadable(now, test, &why);
        } else {
            self.want_again(now, test, error);
        }
    }

    /// Ends a test whose results cannot be read any further: what stands or was said to have failed
    /// stays so, what is seen to be below its expectation has failed, and what was only run has no
    /// verdict.
    pub(super) fn unreadable(&mut self, now: Duration, test: TestIndex, why: &str) {
        let run = &mut self.tests[test];
        let State::Reading(_, reading) = &run.state else { return };
        let (failed, judged) = (reading.end == End::Failed, reading.judged.is_some());
        let what = if failed { "its records" } else { "its details" };
        if let Some(kind) = reading.kinds.first() {
            judge::forget(&mut run.details, *kind);
        }
        run.details.notes.push(format!("{what} could not be read: {why}"));
        if failed && !judged && self.may_start_anew(test) {
            // What could be read may say that it never ran.
            let judgement = self.judgement(test, failed);
            if judgement.0 == Verdict::Error(ErrorKind::NotStarted) {
                return self.start_anew(now, test, judgement.1);
            }
        }
        if failed || judged || self.judgement(test, failed).0 == Verdict::Failed {
            return self.conclude(now, test, failed);
        }
        self.tests[test].details.notes.pop();
        let message = format!("it was run, but its results could not be read: {why}");
        self.finish(now, test, (Verdict::Error(ErrorKind::ResultsUnavailable), message));
    }
}
