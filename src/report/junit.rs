//! JUnit XML, through quick-junit.
//!
//! | what happened | element |
//! | --- | --- |
//! | a gating test has a verdict against it | `<failure>` |
//! | a gating test has no verdict | `<error>` |
//! | a test does not gate, or was not run | `<skipped>`, the true verdict in its message |
//! | an attempt that did not decide | `<flakyFailure>`, `<rerunFailure>`, `…Error` |
//! | trouble of the run itself | `<error>` in a case `callcheck.run` |
//!
//! ```xml
//! <testsuite name="Contact centre" file="suite.yaml" …>
//!   <testcase name="Main menu" classname="connect.Contact centre" file="suite.yaml" line="9" …>
//!     <failure message="1 of 3 observations failed" type="ObservationFailed">…</failure>
//! ```
//!
//! Suites are flat, since dorny/test-reporter ignores nested ones; an empty one gets one skipped
//! case, since Jenkins drops it otherwise; dots in class names split them for Jenkins and
//! mikepenz/action-junit-report (REPORTING-FACTS.md).

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::headline;
use super::look_up;
use super::text::{one_line, xml_body};
use crate::outcome::{
    Attempt, ErrorKind, Gate, RunSummary, ServiceName, SuiteResult, TestResult, Verdict,
};

/// The report as XML.
///
/// # Errors
///
/// The XML cannot be written, which no summary of this crate brings about.
pub fn render(summary: &RunSummary) -> Result<Vec<u8>, String> {
    let mut report = Report::new("callcheck");
    report.set_timestamp(summary.started_at).set_time(seconds(summary.seconds));
    if !summary.errors.is_empty() {
        report.add_test_suite(run_trouble(summary));
    }
    report.add_test_suites(summary.suites.iter().map(|suite| test_suite(summary, suite)));
    let mut bytes = Vec::new();
    report.serialize(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
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

fn test_suite(summary: &RunSummary, suite: &SuiteResult) -> TestSuite {
    let mut element = TestSuite::new(one_line(&suite.name));
    element.extra.insert("file".into(), one_line(&suite.file).into());
    element.set_timestamp(summary.started_at);
    element.add_property(("run_id", summary.run_id.as_str()));
    let mut time = 0.0;
    for test in &suite.tests {
        time += test.outcome.seconds;
        element.add_test_case(test_case(summary, suite, test));
    }
    if suite.tests.is_empty() {
        let mut status = TestCaseStatus::skipped();
        status.set_message("no test of this suite was selected");
        let mut case = TestCase::new("(no test)", status);
        case.set_classname(format!("callcheck.{}", class_part(&suite.name)));
        case.set_time(Duration::ZERO);
        element.add_test_case(case);
    }
    // quick-junit adds counts up, but not times.
    element.set_time(seconds(time));
    element
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
    let mut pairs = vec![("verdict".to_owned(), test.outcome.verdict.to_string())];
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
    for (name, value) in &test.target {
        add(name, Some(value.clone()));
    }
    let deciding = test.outcome.deciding();
    add("execution_id", deciding.and_then(Attempt::execution_id).map(str::to_owned));
    add("look_up", look_up::command(test));
    let property = |(name, value): (String, String)| Property::new(name, one_line(&value));
    pairs.into_iter().map(property).collect()
}

fn status(summary: &RunSummary, suite: &SuiteResult, test: &TestResult) -> TestCaseStatus {
    let gate = summary.gate(test);
    let body = body(suite, test);
    let message = one_line(&headline::message(&test.outcome));
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
        status.set_message(format!("{verdict}{why}: {message}")).set_description(body);
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
        let text = xml_body(&attempt_text(attempt));
        rerun
            .set_type("AttemptFailed")
            .set_message(one_line(&attempt.message))
            .set_timestamp(attempt.started_at)
            .set_time(seconds(attempt.seconds))
            // Jenkins reads `<stackTrace>` and no other text of a rerun.
            .set_stack_trace(text);
        rerun
    };
    others.map(rerun).collect()
}

fn attempt_text(attempt: &Attempt) -> String {
    let mut text = format!("attempt {}: {}: {}", attempt.number, attempt.verdict, attempt.message);
    for start in &attempt.starts {
        let id = start.execution_id.as_deref().unwrap_or("unknown");
        text.push_str(&format!("\nexecution: {id}"));
    }
    for line in headline::lines(attempt) {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

/// All that is known, with the place in the suite first: GitLab drops the message where there is
/// a body.
fn body(suite: &SuiteResult, test: &TestResult) -> String {
    let mut lines =
        vec![headline::message(&test.outcome), format!("suite: {}:{}", suite.file, test.line)];
    lines.extend(test.region.iter().map(|region| format!("region: {region}")));
    lines.extend(test.outcome.attempts.iter().map(attempt_text));
    lines.extend(look_up::command(test).map(|command| format!("look up: {command}")));
    xml_body(&lines.join("\n"))
}
