//! The turns of a Lex test set as cases of their own, where `--junit-lex` asks for them.
//!
//! | turn | element |
//! | --- | --- |
//! | it matched | nothing |
//! | it did not, and its test has failed for it | `<failure>` |
//! | it did not, within what its test expects, or where that does not gate | `<skipped>` |

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus};

use super::{LexCases, MOST_MESSAGE, class_part};
use crate::outcome::{Gate, Match, RunSummary, SuiteResult, TestResult, Turn, Verdict};
use crate::report::text::{cut, one_line, xml_body};
use crate::report::{headline, look_up};

/// A name is at most so long, in characters: what is said may be a thousand.
const MOST_NAME: usize = 200;

/// The turns of a test that have a case of their own: those of the attempt that decided.
pub(super) fn of(test: &TestResult, wanted: LexCases) -> impl Iterator<Item = &Turn> {
    let turns = test.outcome.results().map(|results| results.turns.as_slice()).unwrap_or_default();
    turns.iter().filter(move |turn| match wanted {
        LexCases::Set => false,
        LexCases::Mismatches => turn.result != Match::Matched,
        LexCases::All => true,
    })
}

/// The class of the cases of a test's turns: `lex.SUITE.TEST`. Names that differ in dots only are
/// told apart by their lines: readers keep one case of a class and a name.
pub(super) fn class(suite: &SuiteResult, test: &TestResult) -> String {
    let part = class_part(&test.name);
    let others = suite.tests.iter().filter(|other| !std::ptr::eq(*other, test));
    // Names are unique, so that only one with a dot, or with what a dot becomes, can coincide.
    let mut others = others.filter(|_| part.contains('_'));
    let line = if others.any(|other| class_part(&other.name) == part) {
        format!(" (line {})", test.line)
    } else {
        String::new()
    };
    format!("{}.{}.{part}{line}", test.service, class_part(&suite.name))
}

/// The case of a turn.
pub(super) fn case(
    summary: &RunSummary,
    suite: &SuiteResult,
    test: &TestResult,
    class: &str,
    turn: &Turn,
) -> TestCase {
    let name = format!("#{} {}", turn.record, one_line(&turn.text));
    let mut case = TestCase::new(cut(&name, MOST_NAME), status(summary, suite, test, turn));
    case.set_classname(class);
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
    let why = cut(&one_line(&headline::mismatch(turn)), MOST_MESSAGE);
    let mut lines = vec![
        format!("#{} \"{}\"", turn.record, turn.text),
        why.clone(),
        format!("suite: {}:{}", suite.file, test.line),
    ];
    lines.extend(headline::people(test));
    lines.extend(test.outcome.execution_id().map(|id| format!("execution: {id}")));
    lines.push(format!("look up: {}", look_up::command(test)));
    let body: Vec<String> = lines.iter().map(|line| one_line(line)).collect();
    let body = xml_body(&body.join("\n"));
    let gate = summary.gate(test);
    let excuse = match (gate, test.outcome.verdict) {
        (Gate::Fails, Verdict::Failed) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(kind).set_message(why.as_str()).set_description(body);
            return status;
        }
        (Gate::Ignored, _) => "does not block",
        (Gate::NoVerdict, _) => "the test has no verdict",
        _ => "within what is expected",
    };
    let mut status = TestCaseStatus::skipped();
    status.set_type(kind).set_message(format!("{} ({excuse}): {why}", turn.result));
    status.set_description(body);
    status
}
