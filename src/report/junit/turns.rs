//! The turns of a Lex test set as cases of their own, where `--junit-lex` asks for them.
//!
//! | turn | element |
//! | --- | --- |
//! | it matched | nothing |
//! | it did not, and its test has failed for it | `<failure>` |
//! | it did not, within what its test expects, or where that does not gate | `<skipped>` |

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus};

use super::{LexCases, class_part};
use crate::outcome::{Gate, Match, RunSummary, SuiteResult, TestResult, Turn, Verdict};
use crate::report::headline;
use crate::report::text::{cut, one_line, xml_body};

/// A name is at most so long, in characters: what is said may be a thousand.
const MOST_NAME: usize = 200;

/// The turns of a test that have a case of their own: those of the attempt that decided.
pub(super) fn of(test: &TestResult, wanted: LexCases) -> impl Iterator<Item = &Turn> {
    let results = test.outcome.deciding().and_then(|attempt| attempt.details.results.as_ref());
    let turns = results.map(|results| results.turns.as_slice()).unwrap_or_default();
    turns.iter().filter(move |turn| match wanted {
        LexCases::Set => false,
        LexCases::Mismatches => turn.result != Match::Matched,
        LexCases::All => true,
    })
}

/// The case of a turn.
pub(super) fn case(
    summary: &RunSummary,
    suite: &SuiteResult,
    test: &TestResult,
    turn: &Turn,
) -> TestCase {
    let name = format!("#{} {}", turn.record, one_line(&turn.text));
    let mut case = TestCase::new(cut(&name, MOST_NAME), status(summary, suite, test, turn));
    let (of_suite, of_test) = (class_part(&suite.name), class_part(&test.name));
    case.set_classname(format!("{}.{of_suite}.{of_test}", test.service));
    case.set_time(Duration::ZERO);
    case.extra.insert("file".into(), one_line(&suite.file).into());
    case.extra.insert("line".into(), test.line.to_string().into());
    case
}

fn status(
    summary: &RunSummary,
    suite: &SuiteResult,
    test: &TestResult,
    turn: &Turn,
) -> TestCaseStatus {
    let kind = match turn.result {
        Match::Matched => return TestCaseStatus::success(),
        Match::Mismatched => "Mismatched",
        Match::ExecutionError => "ExecutionError",
    };
    let why = one_line(&headline::mismatch(turn));
    let gate = summary.gate(test);
    let excuse = match (gate, test.outcome.verdict) {
        (Gate::Fails, Verdict::Failed) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let lines = [
                format!("#{} \"{}\"", turn.record, turn.text),
                why.clone(),
                format!("suite: {}:{}", suite.file, test.line),
            ];
            let body = xml_body(&lines.join("\n"));
            status.set_type(kind).set_message(why).set_description(body);
            return status;
        }
        (Gate::Ignored, _) => "does not block",
        (Gate::NoVerdict, _) => "the test has no verdict",
        _ => "within what is expected",
    };
    let mut status = TestCaseStatus::skipped();
    status.set_type(kind).set_message(format!("{} ({excuse}): {why}", turn.result));
    status
}
