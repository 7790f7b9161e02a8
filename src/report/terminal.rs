//! What a person reads: a line as each thing happens, and at the end what broke, why, where it
//! stands and what to look up.
//!
//! Pure text with colours in it; the stream that it is written to strips them where they are not
//! wanted. Nothing is said by colour alone.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::headline::{self, Total};
use super::look_up;
use super::text::{cut, one_line};
use crate::duration::format_duration;
use crate::event::{Event, EventKind};
use crate::outcome::{Gate, RunSummary, SuiteResult, TestResult, Verdict};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// So many tests of a kind are told of at the end; a log is read by a person.
const MOST_BLOCKS: usize = 50;

/// So many mismatches of a Lex test set are told of; the reports hold more.
const MOST_MISMATCHES: usize = 5;

/// A line of the log is at most so long, in characters; the reports hold more.
const MOST_LINE: usize = 2000;

/// So much is said while a run is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing but what a person must know at once, such as executions left running.
    Quiet,
    /// Each start, change and end.
    Normal,
    /// Also each call that failed, and each wait.
    Verbose,
}

/// How far a run is: tests that are over, of all.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Tests that are over.
    pub ended: usize,
    /// All tests.
    pub total: usize,
}

/// The line for an event, without a line break; none where it is not for this much detail.
/// `test` is the test that it is about.
pub fn event(
    event: &Event,
    test: Option<&TestResult>,
    progress: Progress,
    detail: Detail,
) -> Option<String> {
    if importance(&event.kind) > detail {
        return None;
    }
    let name = test.map(|test| one_line(&test.name)).unwrap_or_default();
    let wait = |wait: &Duration| format_duration(Duration::from_millis(wait.as_millis() as u64));
    let (style, word, text) = match &event.kind {
        EventKind::Started { attempt, execution_id, status, .. } => {
            let again = if *attempt > 1 { format!("  attempt {attempt}") } else { String::new() };
            let text = format!("{name}  {DIM}{}{DIM:#}{again}", one_line(execution_id));
            (DIM, one_line(status), text)
        }
        EventKind::Moved { status, .. } => (DIM, one_line(status), name),
        EventKind::Judged { outcome, .. } => {
            let (verdict, why) = (outcome.verdict, one_line(&outcome.message));
            (DIM, "reading".into(), format!("{name}  details; {verdict}: {why}"))
        }
        EventKind::Retrying { error, after, .. } => {
            let error = one_line(&error.to_string());
            (DIM, "retrying".into(), format!("{name}  in {}: {error}", wait(after)))
        }
        EventKind::StartingAnew { reason, after, .. } => {
            let text = format!("{name}  {}; another start in {}", one_line(reason), wait(after));
            (YELLOW, "waiting".into(), text)
        }
        EventKind::Unreached { service, region, error } => {
            let region = region.as_deref().unwrap_or("the default Region");
            let error = one_line(&error.to_string());
            let text = format!("no reply from {service} in {region} yet, trying on: {error}");
            (YELLOW, "waiting".into(), text)
        }
        EventKind::Paused { service, region, pause } => {
            let region = region.as_deref().unwrap_or("the default Region");
            let text = format!("AWS throttles {service} in {region}: no call for {}", wait(pause));
            (DIM, "waiting".into(), text)
        }
        EventKind::Stopping { reason, .. } => {
            (YELLOW, "stopping".into(), format!("{name}  {}", one_line(reason)))
        }
        EventKind::LeftRunning { execution_id, reason, .. } => {
            let id = execution_id.as_deref().map_or("an unknown execution".to_owned(), one_line);
            let text = format!("{name}  {id} may still run: {}", one_line(reason));
            (YELLOW, "warning".into(), text)
        }
        EventKind::AttemptEnded { attempt, .. } => {
            let (number, why) = (attempt.number, one_line(&attempt.message));
            let word = if attempt.verdict == Verdict::Failed { "failed" } else { "error" };
            (YELLOW, word.into(), format!("{name}  attempt {number}: {why}; once more"))
        }
        EventKind::Ended { outcome, .. } => {
            let (style, word) = match outcome.verdict {
                Verdict::Passed => (GREEN, "passed"),
                Verdict::Failed => (RED, "failed"),
                Verdict::Error(_) => (RED, "error"),
                Verdict::NotRun => (YELLOW, "not run"),
            };
            let why = one_line(&headline::message(outcome));
            let Progress { ended, total } = progress;
            let count = format!("{DIM}[{ended}/{total}]{DIM:#}");
            (style, word.into(), format!("{name}  {}  {why} {count}", short(outcome.seconds)))
        }
        EventKind::TooManyFailures { failures } => {
            let tests =
                if *failures == 1 { "1 test has" } else { &format!("{failures} tests have") };
            let text = format!("{tests} not passed: nothing new is started");
            (YELLOW, "stopping".into(), text)
        }
        EventKind::TimeUp => {
            let text = "the run's timeout is up: nothing new is started";
            (YELLOW, "stopping".into(), text.to_owned())
        }
        EventKind::Interrupted { signal } => {
            let text = format!("{signal}: stopping what runs; a second signal leaves at once");
            (YELLOW, "stopping".into(), text)
        }
    };
    let at = short(event.at.as_secs_f64());
    let text = cut(&text, MOST_LINE);
    Some(format!("{DIM}{at:>8}{DIM:#}  {style}{word:<11}{style:#}  {text}"))
}

/// How much detail it takes for an event to be shown.
fn importance(kind: &EventKind) -> Detail {
    match kind {
        EventKind::Started { .. }
        | EventKind::Moved { .. }
        | EventKind::AttemptEnded { .. }
        | EventKind::StartingAnew { .. }
        | EventKind::Unreached { .. }
        | EventKind::Ended { .. }
        | EventKind::Stopping { .. } => Detail::Normal,
        // What has passed is told in a moment.
        EventKind::Judged { outcome, .. } if !outcome.verdict.is_pass() => Detail::Normal,
        EventKind::Judged { .. } | EventKind::Retrying { .. } | EventKind::Paused { .. } => {
            Detail::Verbose
        }
        EventKind::LeftRunning { .. }
        | EventKind::TooManyFailures { .. }
        | EventKind::TimeUp
        | EventKind::Interrupted { .. } => Detail::Quiet,
    }
}

/// A time to a tenth of a second, or in minutes.
fn short(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.1}s")
    } else {
        let whole = seconds as u64;
        format!("{}m{:02}s", whole / 60, whole % 60)
    }
}

/// The report at the end: what did not pass, one block each, then the totals. Ends with a line
/// break.
pub fn report(summary: &RunSummary) -> String {
    let mut text = String::new();
    let all: Vec<(&SuiteResult, &TestResult)> = summary.placed().collect();
    // What fails the build comes last, right above the totals: that is where a reader of a log is.
    for gate in [Gate::Ignored, Gate::Passes, Gate::NoVerdict, Gate::Fails] {
        let told = |test: &TestResult| {
            let not_run = test.outcome.verdict == Verdict::NotRun;
            summary.gate(test) == gate && headline::is_worth_telling(test) && !not_run
        };
        let told: Vec<_> = all.iter().filter(|(_, test)| told(test)).collect();
        if let Some(more) = told.len().checked_sub(MOST_BLOCKS).filter(|more| *more > 0) {
            let _ = writeln!(text, "\n{more} more like these: see the reports");
        }
        for (suite, test) in told.into_iter().take(MOST_BLOCKS) {
            text.push('\n');
            text.push_str(&block(summary, suite, test));
        }
    }
    for error in &summary.errors {
        let _ = writeln!(text, "\n{RED}ERROR{RED:#}  {}", one_line(&error.message));
    }
    let _ = writeln!(text, "\n{}", totals(summary));
    text
}

fn block(summary: &RunSummary, suite: &SuiteResult, test: &TestResult) -> String {
    let mut text = String::new();
    let style = match summary.gate(test) {
        Gate::Passes if !test.outcome.flaky => GREEN,
        Gate::Fails | Gate::NoVerdict => RED,
        Gate::Passes | Gate::Ignored => YELLOW,
    };
    let word = headline::word(summary, test);
    let name = one_line(&test.name);
    let blocking = if test.blocking { "" } else { "  (does not block)" };
    let _ = writeln!(text, "{style}{word}{style:#}  {BOLD}{name}{BOLD:#}{blocking}");
    let mut line = |label: &str, value: &str| {
        let (label, value) = (one_line(label), cut(&one_line(value), MOST_LINE));
        let _ = writeln!(text, "  {DIM}{label:<12}{DIM:#} {value}");
    };
    line("why", &headline::message(&test.outcome));
    line("where", &format!("{}:{}", suite.file, test.line));
    for fact in headline::people(test) {
        let (label, value) = fact.split_once(": ").unwrap_or(("", &fact));
        line(label, value);
    }
    for attempt in &test.outcome.attempts {
        if test.outcome.attempts.len() > 1 {
            let text = format!("{}: {}: {}", attempt.number, attempt.verdict, attempt.message);
            line("attempt", &text);
        }
        for start in &attempt.starts {
            let id = start.execution_id.as_deref().unwrap_or("unknown");
            let region = test.region.as_deref().unwrap_or("unknown Region");
            line("execution", &format!("{id} ({region})"));
        }
        for detail in headline::lines(attempt, MOST_MISMATCHES) {
            let (label, value) = detail.split_once(": ").unwrap_or(("", &detail));
            line(label.split(' ').next_back().unwrap_or(label), value);
        }
    }
    line("look up", &look_up::command(test));
    text
}

fn totals(summary: &RunSummary) -> String {
    let part = |(count, total): (usize, Total)| {
        let style = match total {
            Total::Passed => GREEN,
            Total::Failed | Total::NoVerdict => RED,
            Total::NotRun | Total::Ignored | Total::Flaky => YELLOW,
        };
        format!("{style}{count} {}{style:#}", total.words())
    };
    let parts: Vec<String> = headline::totals(summary).into_iter().map(part).collect();
    let tests = summary.tests().count();
    let noun = if tests == 1 { "test" } else { "tests" };
    let took = short(summary.seconds);
    let (style, code) = match summary.exit_code {
        0 => (GREEN, String::new()),
        code => (RED, format!(" (exit {code})")),
    };
    let conclusion = summary.conclusion.to_string();
    let sums = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("{style}{conclusion}{style:#}{code}  {tests} {noun} in {took}{sums}")
}
