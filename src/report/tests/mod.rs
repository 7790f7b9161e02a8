//! Reports of a run that holds everything.

mod github;
mod junit;
mod markdown;
mod terminal;
mod writer;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};

use crate::exit;
use crate::outcome::{
    Attempt, AwsError, Conclusion, Details, ErrorKind, FailedObservation, Observations,
    REPORT_VERSION, RunError, RunSummary, ServiceName, Start, SuiteResult, TestOutcome, TestResult,
    Verdict,
};

fn attempt(number: u32, verdict: Verdict, message: &str) -> Attempt {
    Attempt {
        number,
        starts: vec![Start { execution_id: Some(format!("e-{number}")), adopted: false }],
        verdict,
        message: message.to_owned(),
        status: Some("FAILED".to_owned()),
        started_at: DateTime::UNIX_EPOCH,
        ended_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(9),
        seconds: 9.5,
        details: Details::default(),
    }
}

fn test(name: &str, attempts: Vec<Attempt>) -> TestResult {
    let last = attempts.last();
    let verdict = last.map_or(Verdict::NotRun, |attempt| attempt.verdict);
    let failed_before = attempts.iter().any(|attempt| attempt.verdict == Verdict::Failed);
    TestResult {
        service: ServiceName::Connect,
        id: name.to_owned(),
        name: name.to_owned(),
        line: 7,
        tags: vec!["voice".to_owned()],
        owner: None,
        meta: BTreeMap::new(),
        blocking: true,
        gates: true,
        region: Some("us-east-1".to_owned()),
        target: BTreeMap::from([
            ("instance_id".to_owned(), "i-1".to_owned()),
            ("test_case_id".to_owned(), "c-1".to_owned()),
        ]),
        outcome: TestOutcome {
            verdict,
            message: last.map_or_else(|| "not run".to_owned(), |last| last.message.clone()),
            flaky: verdict.is_pass() && failed_before,
            recovered: false,
            seconds: 10.0 * attempts.len() as f64,
            attempts,
        },
    }
}

fn observation(id: &str, expected: Option<&str>, seen: Option<&str>) -> FailedObservation {
    let text = |text: Option<&str>| text.map(str::to_owned);
    FailedObservation { id: id.to_owned(), expected: text(expected), seen: text(seen) }
}

/// A run of `tests` in one suite.
fn run(tests: Vec<TestResult>) -> RunSummary {
    let mut summary = RunSummary {
        version: REPORT_VERSION,
        run_id: "run-1".to_owned(),
        conclusion: Conclusion::Incomplete,
        exit_code: 3,
        started_at: DateTime::UNIX_EPOCH,
        seconds: 61.5,
        fail_on_flaky: false,
        signal: None,
        errors: Vec::new(),
        suites: vec![SuiteResult {
            name: "Contact v1.2".to_owned(),
            file: "suites/contact.yaml".to_owned(),
            tests,
        }],
    };
    summary.conclusion = summary.conclude();
    summary.exit_code = exit::code(summary.conclusion, None);
    summary
}

/// One test of each kind.
fn everything() -> RunSummary {
    let failed = || {
        let mut attempt = attempt(1, Verdict::Failed, "1 of 3 observations failed; menu: Welcome");
        attempt.details.observations = Some(Observations { total: 3, passed: 2, failed: 1 });
        attempt.details.failed_observations =
            vec![observation("menu", Some("Welcome"), Some("Goodbye"))];
        attempt.details.failure_reasons = vec!["OBSERVE_EVENT".to_owned()];
        attempt
    };
    let mut rejected = attempt(1, Verdict::Error(ErrorKind::StartRejected), "AWS did not start it");
    rejected.starts.clear();
    rejected.details.error = Some(AwsError {
        operation: "StartTestCaseExecution".to_owned(),
        code: Some("ResourceNotFoundException".to_owned()),
        message: "not found".to_owned(),
        status: Some(404),
        request_id: Some("r-1".to_owned()),
    });
    let mut known = test("known", vec![failed()]);
    known.blocking = false;
    known.gates = false;
    run(vec![
        test("passed", vec![attempt(1, Verdict::Passed, "3 of 3 observations passed")]),
        test("failed", vec![failed()]),
        test("rejected", vec![rejected]),
        test("flaky", vec![failed(), attempt(2, Verdict::Passed, "3 of 3 observations passed")]),
        test("failed twice", vec![failed(), attempt(2, Verdict::Failed, "again")]),
        known,
        test("not run", Vec::new()),
    ])
}

/// Text as AWS or a suite's author might send it on purpose.
const HOSTILE: &str = "<b>&\"'\u{1b}[31m\t]]>\r\n::error::\u{ffff}\u{fffe}\u{0}\u{202e}";

/// A run in which every text is hostile.
fn hostile() -> RunSummary {
    let mut bad = attempt(1, Verdict::Failed, HOSTILE);
    bad.status = Some(HOSTILE.to_owned());
    bad.starts = vec![Start { execution_id: Some(HOSTILE.to_owned()), adopted: false }];
    bad.details.failed_observations = vec![observation(HOSTILE, Some(HOSTILE), Some(HOSTILE))];
    bad.details.failure_reasons = vec![HOSTILE.to_owned()];
    bad.details.notes = vec![HOSTILE.to_owned()];
    let mut result = test(HOSTILE, vec![bad]);
    result.id = format!("id {HOSTILE}");
    result.tags = vec![HOSTILE.to_owned()];
    result.target.insert("instance_id".to_owned(), HOSTILE.to_owned());
    let mut summary = run(vec![result]);
    summary.suites[0].name = HOSTILE.to_owned();
    summary.suites[0].file = HOSTILE.to_owned();
    let error = RunError { message: HOSTILE.to_owned(), details: HOSTILE.to_owned() };
    summary.errors = vec![error];
    summary
}
