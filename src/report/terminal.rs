//! What a person reads at the end of a run: what broke, why, where it stands and what to look up.
//! (While it is under way: `progress`.)
//!
//! Pure text with colours in it; the stream that it is written to strips them where they are not
//! wanted. Nothing is said by colour alone.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::headline::{self, Total};
use super::look_up;
use super::text::{cut, one_line, short};
use super::transcript::{self, Line};
use super::word_diff::{Mark, Words};
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
    let mut add = |line: String| text.push_str(&line);
    add(labelled("why", &headline::message(&test.outcome)));
    add(labelled("where", &format!("{}:{}", suite.file, test.line)));
    for fact in headline::people(test) {
        let (label, value) = fact.split_once(": ").unwrap_or(("", &fact));
        add(labelled(label, value));
    }
    for attempt in &test.outcome.attempts {
        if test.outcome.attempts.len() > 1 {
            let words = format!("{}: {}: {}", attempt.number, attempt.verdict, attempt.message);
            add(labelled("attempt", &words));
        }
        for start in &attempt.starts {
            let id = start.execution_id.as_deref().unwrap_or("unknown");
            let region = test.region.as_deref().unwrap_or("unknown Region");
            add(labelled("execution", &format!("{id} ({region})")));
        }
        for detail in headline::lines(attempt, MOST_MISMATCHES) {
            let (label, value) = detail.split_once(": ").unwrap_or(("", &detail));
            add(labelled(label.split(' ').next_back().unwrap_or(label), value));
        }
        for step in transcript::around_stop(attempt) {
            add(transcript_line(&step));
        }
    }
    add(labelled("look up", &look_up::command(test)));
    text
}

/// A line of a block: what it is about, then what there is to say, in one line.
fn labelled(label: &str, value: &str) -> String {
    let (label, value) = (one_line(label), cut(&one_line(value), MOST_LINE));
    format!("  {DIM}{label:<12}{DIM:#} {value}\n")
}

/// A line of a transcript, with the words that differ in color beside their marks.
fn transcript_line(line: &Line) -> String {
    let plain = line.text();
    let text = if plain.chars().count() > MOST_LINE {
        cut(&plain, MOST_LINE)
    } else {
        line.words.iter().map(colored).collect()
    };
    // What is in a step stands further in than its heading.
    let indent = if line.is_heading || text.is_empty() { "" } else { "  " };
    format!("  {DIM}{:<12}{DIM:#} {indent}{text}", line.label).trim_end().to_owned() + "\n"
}

fn colored(words: &Words) -> String {
    let text = words.plain();
    match words.mark {
        Mark::Same => text,
        Mark::Expected => format!("{GREEN}{text}{GREEN:#}"),
        Mark::Heard => format!("{RED}{text}{RED:#}"),
    }
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
