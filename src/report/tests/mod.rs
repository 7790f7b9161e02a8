//! Reports of a run that holds everything.

mod github;
mod html;
mod json_report;
mod junit;
mod markdown;
mod properties;
mod terminal;
mod writer;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};

use super::json;
use super::junit::{LexCases, MOST_CASES, Part, parts};
use crate::exit;
use crate::outcome::{
    Attempt, Conclusion, Details, REPORT_VERSION, RunError, RunSummary, ServiceName, Start,
    SuiteResult, TestOutcome, TestResult, Verdict,
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
        ran: None,
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

/// A run of `tests` in one suite.
fn run(tests: Vec<TestResult>) -> RunSummary {
    let mut summary = RunSummary {
        version: REPORT_VERSION,
        run_id: "run-1".to_owned(),
        conclusion: Conclusion::Incomplete,
        exit_code: 3,
        started_at: DateTime::UNIX_EPOCH,
        first_started_at: None,
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

/// A run that holds everything: each verdict and each kind of error, and hostile text in every
/// field. Readers of other programs are given the same one.
fn everything() -> RunSummary {
    json::read(REPORT.as_bytes()).unwrap()
}

const REPORT: &str = include_str!("../../../tests/data/report.json");

/// Its tests whose texts are as authors would have them.
fn friendly() -> RunSummary {
    let mut summary = everything();
    summary.suites.truncate(1);
    summary
}

/// Its test of which every text is hostile, and trouble of the run that is.
fn hostile() -> RunSummary {
    let mut summary = everything();
    summary.suites = vec![summary.suites.swap_remove(1)];
    let text = summary.suites[0].name.clone();
    summary.errors = vec![RunError::new(text.clone(), text)];
    summary
}

fn in_parts(summary: &RunSummary, lex: LexCases) -> Vec<String> {
    let xml = |part: Part| {
        let mut xml = Vec::new();
        part.write(&mut xml).unwrap();
        String::from_utf8(xml).unwrap()
    };
    parts(summary, lex, MOST_CASES).map(xml).collect()
}

fn json_bytes(summary: &RunSummary) -> Vec<u8> {
    let mut bytes = Vec::new();
    json::write(summary, &mut bytes).unwrap();
    bytes
}
