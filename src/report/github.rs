//! GitHub's annotations: workflow commands on stdout that put each failure at its line of the
//! suite, in the diff and on the page of the run.
//!
//! ```text
//! ::error file=suites/contact.yaml,line=7,title=FAILED: Main menu::menu: expected …, heard …
//! ```
//!
//! And the outputs of a step, by which the later steps of a job know what came of it.
//!
//! GitHub shows ten errors and ten warnings a step (REPORTING-FACTS.md): nine of each are told one
//! by one, and the last says how many more there are.

use super::headline::{self, Total};
use super::text::one_line;
use crate::outcome::{Gate, Place, RunError, RunSummary, SuiteResult, TestResult, Verdict};

/// So many annotations of a level are told one by one.
const MOST: usize = 9;

/// So many lines are told of trouble of the run itself, such as an invalid suite.
const MOST_LINES: usize = 12;

/// A message is at most so long, in characters: GitHub cuts at 4,096.
const MOST_CHARS: usize = 2000;

/// The names of tests take so many bytes of an output: all outputs of a job share 1 MB
/// (REPORTING-FACTS.md).
const MOST_NAMED: usize = 100_000;

/// The annotations, a line each; empty where everything passed. `place` says what the repository
/// calls a suite's file.
pub fn annotations(summary: &RunSummary, place: impl Fn(&str) -> String) -> String {
    let all: Vec<(&SuiteResult, &TestResult)> = summary.placed().collect();
    let is_error = |test: &TestResult| headline::makes_red(summary, test);
    let is_warning = |test: &TestResult| {
        let worth_it = !test.outcome.verdict.is_pass() || test.outcome.flaky;
        !is_error(test) && worth_it && test.outcome.verdict != Verdict::NotRun
    };
    let of_run = summary.errors.iter().flat_map(|error| {
        let lines = std::iter::once(error.message.as_str()).chain(error.details.lines());
        let lines: Vec<String> = lines.take(MOST_LINES).map(data).collect();
        // An escaped line break: GitHub shows the lines.
        let nowhere = format!("::error::{}", lines.join("%0A"));
        let nowhere = error.places.is_empty().then_some(nowhere);
        at_places(error, &place).chain(nowhere).collect::<Vec<String>>()
    });
    let of = |level: &'static str, wanted: &dyn Fn(&TestResult) -> bool| -> Vec<String> {
        let mut told: Vec<_> = all.iter().filter(|(_, test)| wanted(test)).collect();
        // Verdicts come first: what is over the most is not told.
        told.sort_by_key(|(_, test)| summary.gate(test) != Gate::Fails);
        told.into_iter()
            .map(|(suite, test)| annotation(summary, level, &place(&suite.file), test))
            .collect()
    };
    let errors: Vec<String> = of_run.chain(of("error", &is_error)).collect();
    let lines =
        capped("error", errors).into_iter().chain(capped("warning", of("warning", &is_warning)));
    lines.map(|line| line + "\n").collect()
}

/// The annotations of what an error says to be wrong in suites.
pub fn places(error: &RunError, place: impl Fn(&str) -> String) -> String {
    capped("error", at_places(error, place).collect())
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

fn at_places(error: &RunError, place: impl Fn(&str) -> String) -> impl Iterator<Item = String> {
    let title = format!("callcheck: {}", error.message);
    error
        .places
        .iter()
        .map(move |at: &Place| command("error", &place(&at.file), at.line, &title, &at.message))
}

/// The outputs of the step, in the form of the file that GitHub reads them from. `reports` are the
/// names and the paths of reports, several paths a line each. No value may hold `delimiter`: it is
/// what a value ends with, so nobody may be able to foresee it.
pub fn outputs(summary: &RunSummary, reports: &[(&str, String)], delimiter: &str) -> String {
    let totals = headline::totals(summary);
    let count = |wanted: Total| {
        let found = totals.iter().find(|(_, total)| *total == wanted);
        found.map_or(0, |(count, _)| *count).to_string()
    };
    let red = summary.tests().filter(|test| headline::makes_red(summary, test));
    let mut room = MOST_NAMED;
    let names: Vec<&str> = red
        .map(|test| test.name.as_str())
        .take_while(|name| {
            room = room.saturating_sub(name.len() + 3);
            room > 0
        })
        .collect();
    let values = [
        ("conclusion", summary.conclusion.to_string()),
        ("run-id", summary.run_id.clone()),
        ("total", summary.tests().count().to_string()),
        ("passed", count(Total::Passed)),
        ("failed", count(Total::Failed)),
        ("errors", count(Total::NoVerdict)),
        ("not-run", count(Total::NotRun)),
        ("flaky", count(Total::Flaky)),
        ("failed-tests", serde_json::json!(names).to_string()),
    ];
    let values = values.iter().chain(reports);
    values.map(|(name, value)| format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")).collect()
}

fn capped(level: &str, mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MOST + 1 {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("::{level}::{more} more: see the reports"));
    }
    lines
}

fn annotation(summary: &RunSummary, level: &str, file: &str, test: &TestResult) -> String {
    let title = format!("{}: {}", headline::word(summary, test), test.name);
    command(level, file, test.line, &title, &headline::message(&test.outcome))
}

fn command(level: &str, file: &str, line: usize, title: &str, message: &str) -> String {
    let (file, title) = (property(file), property(title));
    format!("::{level} file={file},line={line},title={title}::{}", data(message))
}

/// Text as the message of a workflow command: on one line, with GitHub's own escapes.
fn data(text: &str) -> String {
    let line: String = one_line(text).chars().take(MOST_CHARS).collect();
    line.replace('%', "%25")
}

/// Text as a property of a workflow command, which more would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
