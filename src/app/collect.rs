//! A plan and the events of its run to a summary: at any moment a whole one, in which what has
//! not ended counts as an error, so that no report is ever green too early.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::event::{Event, EventKind};
use crate::exit;
use crate::outcome::{
    Attempt, Conclusion, Details, ErrorKind, Gate, REPORT_VERSION, RunError, RunSummary, Signal,
    Start, SuiteResult, TestOutcome, TestResult, Verdict, gate,
};
use crate::plan::{Plan, Target, TestIndex};
use crate::report::progress::Progress;

/// Keeps the summary of a run up to date.
pub(super) struct Collector {
    summary: RunSummary,
    /// Where each test of the plan stands in the summary: its suite, and its place there.
    places: Vec<(usize, usize)>,
    ended: usize,
    keeps_journal: bool,
}

/// What a run says whose journal cannot be written.
pub(super) fn journal_broken(why: &str) -> String {
    format!("the journal could not be written: {why}")
}

impl Collector {
    /// The summary of a run of `plan` in which nothing has ended yet.
    pub(super) fn new(plan: &Plan, run_id: String, started_at: DateTime<Utc>) -> Self {
        let fail_on_flaky = plan.fail_on_flaky;
        let mut summary = RunSummary {
            suites: plan
                .suites
                .iter()
                .map(|suite| SuiteResult {
                    name: suite.name.clone(),
                    file: suite.file.clone(),
                    tests: Vec::new(),
                })
                .collect(),
            fail_on_flaky,
            ..without_tests(run_id, started_at, Conclusion::Incomplete, Vec::new())
        };
        let mut places = Vec::with_capacity(plan.tests.len());
        for (index, planned) in plan.tests.iter().enumerate() {
            let tests = &mut summary.suites[planned.suite].tests;
            places.push((planned.suite, tests.len()));
            tests.push(unfinished(plan, index, fail_on_flaky));
        }
        Self { summary, places, ended: 0, keeps_journal: false }
    }

    /// Takes note of an event.
    pub(super) fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Ended { test, outcome } => {
                let fail_on_flaky = self.summary.fail_on_flaky;
                let (suite, place) = self.places[*test];
                let result = &mut self.summary.suites[suite].tests[place];
                result.outcome = outcome.clone();
                result.gates = gates(result.blocking, outcome, fail_on_flaky);
                self.ended += 1;
            }
            EventKind::Started { test, attempt, execution_id, status, known } => {
                let begun_at = self.summary.started_at + event.at;
                let (suite, place) = self.places[*test];
                let outcome = &mut self.summary.suites[suite].tests[place].outcome;
                // The id is the key to look things up by: it outlives a run that is killed.
                let adopted = known.is_adopted();
                let start = Start { execution_id: Some(execution_id.clone()), adopted };
                match outcome.attempts.last_mut().filter(|last| last.number == *attempt) {
                    Some(last) => last.starts.push(start),
                    None => outcome.attempts.push(Attempt {
                        number: *attempt,
                        starts: vec![start],
                        verdict: outcome.verdict,
                        message: outcome.message.clone(),
                        status: Some(status.clone()),
                        started_at: begun_at,
                        ended_at: begun_at,
                        seconds: 0.0,
                        ran: None,
                        details: Details::default(),
                    }),
                }
            }
            // A pass counts once it is over: no report is ever green too early.
            EventKind::Judged { test, outcome } if !outcome.verdict.is_pass() => {
                let (suite, place) = self.places[*test];
                let result = &mut self.summary.suites[suite].tests[place];
                (result.outcome.verdict, result.outcome.message) =
                    (outcome.verdict, outcome.message.clone());
                if let Some(last) = result.outcome.attempts.last_mut() {
                    (last.verdict, last.message) = (outcome.verdict, outcome.message.clone());
                }
            }
            EventKind::AttemptEnded { test, attempt } => {
                let (suite, place) = self.places[*test];
                let attempts = &mut self.summary.suites[suite].tests[place].outcome.attempts;
                attempts.retain(|known| known.number != attempt.number);
                attempts.push(Attempt::clone(attempt));
            }
            EventKind::JournalBroken { why } => {
                let details = "nothing was started after that";
                self.trouble(RunError::new(journal_broken(why), details));
            }
            EventKind::Interrupted { signal } => self.interrupted(*signal),
            _ => {}
        }
        self.summary.seconds = event.at.as_secs_f64();
    }

    /// Takes note of whether the run has a journal by which it can be taken up, and of when it began,
    /// where it was.
    pub(super) fn keeps_journal(&mut self, keeps: bool, began_at: Option<DateTime<Utc>>) {
        self.keeps_journal = keeps;
        self.summary.first_started_at = began_at;
    }

    /// Takes note of a signal that has broken the run off: it is no green one, even if all of it had passed by
    /// then.
    pub(super) fn interrupted(&mut self, signal: Signal) {
        self.summary.signal = Some(signal);
        let message = format!("the run was interrupted by {signal}");
        let run_id = &self.summary.run_id;
        let details = match self.keeps_journal {
            true => format!("--run-id {run_id} takes it up, and so does --resume"),
            false => String::new(),
        };
        self.trouble(RunError::new(message, details));
    }

    /// Takes note of trouble of the run itself.
    pub(super) fn trouble(&mut self, error: RunError) {
        self.summary.errors.push(error);
    }

    pub(super) fn summary(&self) -> &RunSummary {
        &self.summary
    }

    /// How far the run is.
    pub(super) fn progress(&self) -> Progress {
        Progress { ended: self.ended, total: self.places.len() }
    }

    /// A test by its place in the plan.
    pub(super) fn test(&self, test: TestIndex) -> &TestResult {
        let (suite, place) = self.places[test];
        &self.summary.suites[suite].tests[place]
    }

    /// The summary with its conclusion and exit code brought up to date. It walks through all
    /// tests, so only a report that is about to be made asks for it.
    pub(super) fn concluded(&mut self) -> &RunSummary {
        self.summary.conclusion = self.summary.conclude();
        self.summary.exit_code = exit::code(self.summary.conclusion, self.summary.signal);
        &self.summary
    }
}

/// The summary of a run that came to no tests.
pub(super) fn without_tests(
    run_id: String,
    started_at: DateTime<Utc>,
    conclusion: Conclusion,
    errors: Vec<RunError>,
) -> RunSummary {
    RunSummary {
        version: REPORT_VERSION,
        run_id,
        conclusion,
        exit_code: exit::code(conclusion, None),
        started_at,
        first_started_at: None,
        seconds: 0.0,
        fail_on_flaky: false,
        signal: None,
        errors,
        suites: Vec::new(),
    }
}

fn gates(blocking: bool, outcome: &TestOutcome, fail_on_flaky: bool) -> bool {
    gate(blocking, outcome, fail_on_flaky) != Gate::Ignored
}

fn unfinished(plan: &Plan, index: TestIndex, fail_on_flaky: bool) -> TestResult {
    let planned = &plan.tests[index];
    let verdict = Verdict::Error(ErrorKind::NotFinished);
    let outcome = TestOutcome::without_attempt(verdict, "the run has not come to its end");
    TestResult {
        service: planned.target.service(),
        id: planned.id.clone(),
        name: planned.name.clone(),
        line: planned.position.line,
        tags: planned.tags.clone(),
        owner: planned.owner.clone(),
        meta: planned.meta.clone(),
        blocking: planned.blocking,
        gates: gates(planned.blocking, &outcome, fail_on_flaky),
        region: plan.region(index).map(str::to_owned),
        target: ids(&planned.target),
        outcome,
    }
}

fn ids(target: &Target) -> BTreeMap<String, String> {
    let ids = match target {
        Target::Connect(target) => {
            vec![("instance_id", &target.instance.id), ("test_case_id", &target.test_case_id)]
        }
        Target::Lex(target) => vec![
            ("test_set_id", &target.test_set_id),
            ("bot_id", &target.bot_id),
            ("bot_alias_id", &target.bot_alias_id),
            ("locale_id", &target.locale_id),
        ],
    };
    ids.into_iter().map(|(name, id)| (name.to_owned(), id.clone())).collect()
}
