//! JUnit XML, through quick-junit.
//!
//! | what happened | element |
//! | --- | --- |
//! | a gating test has a verdict against it | `<failure>` |
//! | a gating test has no verdict | `<error>` |
//! | a test does not gate, or was not run | `<skipped>`, the true verdict in its message |
//! | an attempt that did not decide | `<flakyFailure>`, `<rerunFailure>`, `…Error` |
//! | trouble of the run itself | `<error>` in a case `callcheck.run` |
//! | what AWS's records say of a test that did not pass | `<system-out>` |
//! | the transcript of a test that did not pass | the body |
//! | that of a test that passed, where details of all were asked for | `<system-out>` |
//!
//! ```xml
//! <testsuite name="Contact centre" file="suite.yaml" …>
//!   <testcase name="Main menu" classname="connect.Contact centre" file="suite.yaml" line="9" …>
//!     <failure message="menu: expected …, heard … (step 2 of 3); …" type="ObservationFailed">…</failure>
//! ```
//!
//! Suites are flat, since dorny/test-reporter ignores nested ones; an empty one gets one skipped
//! case, since Jenkins drops it otherwise; dots in class names split them for Jenkins and
//! mikepenz/action-junit-report (REPORTING-FACTS.md).
//!
//! A report of more than 5,000 cases comes in parts, since Buildkite takes no more in a file; the
//! first holds every test's own case.

mod turns;

use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::headline::{self, Room};
use super::look_up;
use super::text::{cut, one_line, xml_body};
use super::transcript;
use crate::outcome::{
    Attempt, ErrorKind, Gate, RunSummary, ServiceName, SuiteResult, TestResult, Turn, Verdict,
};

/// A file holds at most so many cases (REPORTING-FACTS.md: Buildkite).
pub const MOST_CASES: usize = 5000;

/// A body is at most so long, in characters: GitLab takes 30 MB a file.
const MOST_BODY: usize = 32 * 1024;

/// A message is at most so long, in characters: it is read at a glance, and the body says more.
const MOST_MESSAGE: usize = 2000;

/// Records are told of as long as those of a file are no longer than this, in bytes; the JSON
/// report holds all of them. GitLab takes 30 MB a file.
const MOST_RECORDS: usize = 12_000_000;

/// What stands in the body of a case: below its longest, with room for what else there is to say.
const ROOM: Room = Room { mismatches: 50, transcript: MOST_BODY * 3 / 4 };

/// What the report holds of a Lex test set beside its own case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LexCases {
    /// Nothing: the worst mismatches stand in the body of its case.
    #[default]
    Set,
    /// A case for each turn that did not match.
    Mismatches,
    /// A case for each turn.
    All,
}

/// A part of the report, to be written.
pub struct Part(Report);

impl Part {
    /// Writes it as XML.
    ///
    /// # Errors
    ///
    /// Those of `to`.
    pub fn write(&self, to: impl Write) -> std::io::Result<()> {
        self.0.serialize(to).map_err(|error| {
            // What the disk says lies behind it.
            let causes = std::iter::successors(std::error::Error::source(&error), |it| it.source());
            let cause = causes.last().map(ToString::to_string);
            std::io::Error::other(cause.unwrap_or_else(|| error.to_string()))
        })
    }
}

/// The report in parts of at most `most` cases; but the first holds every test's own case.
pub fn parts(summary: &RunSummary, lex: LexCases, most: usize) -> impl Iterator<Item = Part> {
    let turns: Vec<TurnOf<'_>> = summary
        .placed()
        .flat_map(|(suite, test)| {
            let any = turns::of(test, lex).next().is_some();
            let class = if any { turns::class(suite, test) } else { String::new() };
            let class: Rc<str> = class.into();
            turns::of(test, lex).map(move |turn| (suite, test, Rc::clone(&class), turn))
        })
        .collect();
    let empty = summary.suites.iter().filter(|suite| suite.tests.is_empty()).count();
    let own = summary.tests().count() + empty + usize::from(!summary.errors.is_empty());
    let room = most.saturating_sub(own).min(turns.len());
    let mut rest = Some(turns);
    let mut first = true;
    std::iter::from_fn(move || {
        let mut turns = rest.take()?;
        let size = if first { room } else { most.min(turns.len()) };
        let later = turns.split_off(size);
        rest = (!later.is_empty()).then_some(later);
        let own_cases = std::mem::take(&mut first);
        Some(part(summary, own_cases, &turns))
    })
}

/// A turn, of which test of which suite, and the class of its case.
type TurnOf<'a> = (&'a SuiteResult, &'a TestResult, Rc<str>, &'a Turn);

/// A part with the cases of `turns` and, of the first one, every test's own case.
fn part(summary: &RunSummary, own_cases: bool, turns: &[TurnOf<'_>]) -> Part {
    let mut report = Report::new("callcheck");
    report.set_timestamp(summary.started_at).set_time(seconds(summary.seconds));
    if own_cases && !summary.errors.is_empty() {
        report.add_test_suite(run_trouble(summary));
    }
    let mut turns = turns.iter().peekable();
    let mut records_left = MOST_RECORDS;
    for suite in &summary.suites {
        let own: &[TestResult] = if own_cases { &suite.tests } else { &[] };
        let mut element = test_suite(summary, suite, own, &mut records_left);
        while let Some((_, test, class, turn)) = turns.next_if(|(of, ..)| std::ptr::eq(*of, suite))
        {
            element.add_test_case(turns::case(summary, suite, test, class, turn));
        }
        if own_cases && element.test_cases.is_empty() {
            element.add_test_case(no_test(suite));
        }
        if !element.test_cases.is_empty() {
            report.add_test_suite(element);
        }
    }
    Part(report)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn run_trouble(summary: &RunSummary) -> TestSuite {
    let mut suite = TestSuite::new("callcheck");
    suite.set_timestamp(summary.started_at).set_time(seconds(summary.seconds));
    // One element a case: a reader that shows only the first error would lose the others.
    let messages: Vec<String> = summary.errors.iter().map(|e| one_line(&e.message)).collect();
    let bodies: Vec<String> = summary
        .errors
        .iter()
        .map(|error| format!("{}\n{}", error.message, error.details))
        .collect();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status
        .set_type("RunError")
        .set_message(messages.join("; "))
        .set_description(xml_body(&bodies.join("\n\n")));
    let mut case = TestCase::new("callcheck.run", status);
    case.set_classname("callcheck.run").set_time(Duration::ZERO);
    suite.add_test_case(case);
    suite
}

/// The element of a suite with the own cases of `tests`, and their records while there is room.
fn test_suite(
    summary: &RunSummary,
    suite: &SuiteResult,
    tests: &[TestResult],
    records_left: &mut usize,
) -> TestSuite {
    let mut element = TestSuite::new(one_line(&suite.name));
    element.extra.insert("file".into(), one_line(&suite.file).into());
    element.set_timestamp(summary.started_at);
    element.add_property(("run_id", one_line(&summary.run_id).as_str()));
    if let Some(at) = summary.first_started_at {
        element.add_property(("first_started_at", at.to_rfc3339().as_str()));
    }
    let mut time = 0.0;
    for test in tests {
        time += test.outcome.seconds;
        let mut case = test_case(summary, suite, test);
        let green = test.outcome.verdict.is_pass() && summary.gate(test) != Gate::Fails;
        if let Some(records) = records(test).filter(|_| !green) {
            *records_left = records_left.saturating_sub(records.len());
            let told = if *records_left > 0 { records } else { "see the JSON report".to_owned() };
            case.set_system_out(told);
        } else if let Some(transcript) = transcript_of_pass(test).filter(|_| green) {
            case.set_system_out(transcript);
        }
        element.add_test_case(case);
    }
    // quick-junit adds counts up, but not times.
    element.set_time(seconds(time));
    element
}

/// The case of a suite that has none.
fn no_test(suite: &SuiteResult) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message("no test of this suite was selected");
    let mut case = TestCase::new("(no test)", status);
    case.set_classname(format!("callcheck.{}", class_part(&suite.name)));
    case.set_time(Duration::ZERO);
    case
}

fn class_part(text: &str) -> String {
    one_line(text).replace('.', "_")
}

fn test_case(summary: &RunSummary, suite: &SuiteResult, test: &TestResult) -> TestCase {
    let mut case = TestCase::new(one_line(&test.name), status(summary, suite, test));
    case.set_classname(format!("{}.{}", test.service, class_part(&suite.name)));
    case.set_time(seconds(test.outcome.seconds));
    let deciding = test.outcome.deciding();
    let observed = deciding.and_then(|attempt| attempt.details.observations);
    if let Some(total) = observed.and_then(|observed| usize::try_from(observed.total).ok()) {
        case.set_assertions(total);
    }
    case.extra.insert("file".into(), one_line(&suite.file).into());
    case.extra.insert("line".into(), test.line.to_string().into());
    case.add_properties(properties(test));
    case
}

fn properties(test: &TestResult) -> Vec<Property> {
    // What passed has no other place for its message.
    let mut pairs = vec![
        ("verdict".to_owned(), test.outcome.verdict.to_string()),
        ("message".to_owned(), cut(&headline::message(&test.outcome), MOST_MESSAGE)),
    ];
    let mut add = |name: &str, value: Option<String>| {
        pairs.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("id", (test.id != test.name).then(|| test.id.clone()));
    add("region", test.region.clone());
    add("blocking", (!test.blocking).then(|| "false".to_owned()));
    add("flaky", test.outcome.flaky.then(|| "true".to_owned()));
    add("recovered", test.outcome.recovered.then(|| "true".to_owned()));
    add("attempts", Some(test.outcome.attempts.len().to_string()));
    add("tags", (!test.tags.is_empty()).then(|| test.tags.join(",")));
    add("owner", test.owner.clone());
    for (name, value) in &test.meta {
        add(&format!("meta.{name}"), Some(value.clone()));
    }
    for (name, value) in &test.target {
        add(name, Some(value.clone()));
    }
    let deciding = test.outcome.deciding();
    add("execution_id", test.outcome.execution_id().map(str::to_owned));
    let notes = deciding.map(|attempt| attempt.details.notes.join("; "));
    add("note", notes.filter(|notes| !notes.is_empty()));
    add("look_up", Some(look_up::command(test)));
    let property =
        |(name, value): (String, String)| Property::new(one_line(&name), one_line(&value));
    pairs.into_iter().map(property).collect()
}

fn status(summary: &RunSummary, suite: &SuiteResult, test: &TestResult) -> TestCaseStatus {
    let gate = summary.gate(test);
    let body = body(suite, test);
    let message = cut(&one_line(&headline::message(&test.outcome)), MOST_MESSAGE);
    let kind = match gate {
        Gate::Passes => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(reruns(test));
            return status;
        }
        Gate::NoVerdict if test.outcome.verdict == Verdict::NotRun => None,
        Gate::Ignored => None,
        Gate::Fails => Some(NonSuccessKind::Failure),
        Gate::NoVerdict => Some(NonSuccessKind::Error),
    };
    let Some(kind) = kind else {
        let mut status = TestCaseStatus::skipped();
        let verdict = test.outcome.verdict;
        let why = if gate == Gate::Ignored { " (does not block)" } else { "" };
        // The message of an error begins with its kind, and that of a test not run says so.
        let message = match verdict {
            Verdict::Error(_) => format!("error{why}: {message}"),
            Verdict::NotRun => message,
            _ => format!("{verdict}{why}: {message}"),
        };
        status.set_message(message).set_description(body);
        return status;
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(kind_name(test)).set_message(message).set_description(body);
    status.add_reruns(reruns(test));
    status
}

/// The type of a failure or an error. GitLab casts or chokes on types that are YAML's own words,
/// such as `symbol`; none of these is.
fn kind_name(test: &TestResult) -> &'static str {
    match (test.outcome.verdict, test.service) {
        (Verdict::Passed | Verdict::NotRun, _) => "Flaky",
        (Verdict::Failed, ServiceName::Connect) => "ObservationFailed",
        (Verdict::Failed, ServiceName::Lex) => "BelowExpectation",
        (Verdict::Error(kind), _) => match kind {
            ErrorKind::StartRejected => "StartRejected",
            ErrorKind::StartUnknown => "StartUnknown",
            ErrorKind::NotStarted => "NotStarted",
            ErrorKind::Throttled => "Throttled",
            ErrorKind::QueuedOut => "QueuedOut",
            ErrorKind::Poll => "PollFailed",
            ErrorKind::TimedOut => "TimedOut",
            ErrorKind::Stopped => "Stopped",
            ErrorKind::ResultsUnavailable => "ResultsUnavailable",
            ErrorKind::Credentials => "CredentialsError",
            ErrorKind::Cancelled => "Cancelled",
            ErrorKind::NotFinished => "NotFinished",
        },
    }
}

/// The attempts that did not decide.
fn reruns(test: &TestResult) -> Vec<TestRerun> {
    let deciding = test.outcome.deciding().map(|attempt| attempt.number);
    let others = test.outcome.attempts.iter().filter(|attempt| Some(attempt.number) != deciding);
    let rerun = |attempt: &Attempt| {
        let kind = match attempt.verdict {
            Verdict::Error(_) => NonSuccessKind::Error,
            _ => NonSuccessKind::Failure,
        };
        let mut rerun = TestRerun::new(kind);
        let text = headline::attempt(attempt, ROOM).join("\n");
        let text = cut(&xml_body(&text), MOST_BODY);
        rerun
            .set_type(match kind {
                NonSuccessKind::Failure => "AttemptFailed",
                NonSuccessKind::Error => "AttemptWithoutVerdict",
            })
            .set_message(cut(&one_line(&attempt.message), MOST_MESSAGE))
            .set_timestamp(attempt.started_at)
            .set_time(seconds(attempt.seconds))
            // Jenkins reads `<stackTrace>` and no other text of a rerun.
            .set_stack_trace(text);
        rerun
    };
    others.map(rerun).collect()
}

/// What happened in a test that passed, where its records were asked for: its case has no body.
fn transcript_of_pass(test: &TestResult) -> Option<String> {
    let lines = transcript::all(&test.outcome.deciding()?.details, ROOM.transcript);
    (!lines.is_empty()).then(|| cut(&xml_body(&lines.join("\n")), MOST_BODY))
}

/// What AWS's records say of each attempt, as it gave them.
fn records(test: &TestResult) -> Option<String> {
    let told = test.outcome.attempts.iter().filter(|attempt| !attempt.details.records.is_empty());
    let texts: Vec<String> = told
        .map(|attempt| {
            let records = attempt.details.records.join("\n");
            format!("attempt {}: AWS's records\n{records}", attempt.number)
        })
        .collect();
    (!texts.is_empty()).then(|| cut(&xml_body(&texts.join("\n\n")), MOST_BODY))
}

/// All that is known.
fn body(suite: &SuiteResult, test: &TestResult) -> String {
    cut(&xml_body(&headline::all(suite, test, ROOM).join("\n")), MOST_BODY)
}
