//! The Markdown summary, for the page that a CI host shows of a run: what happened in the first
//! line, then what did not pass, then how well each Lex set was understood.
//!
//! | what | where |
//! | --- | --- |
//! | conclusion and totals | the first line |
//! | each test that did not pass, with reason, suite line and execution | a table |
//! | the shares of each Lex set | a table |
//!
//! GitHub drops a step's summary whole when it is over 1 MiB (REPORTING-FACTS.md): this one stays
//! below, and says how many rows it has left out.

use std::fmt::Write;

use super::headline;
use super::text::one_line;
use crate::outcome::{Counts, Gate, RunSummary, SuiteResult, TestResult, Verdict};

/// The summary is at most so long, in bytes: below GitHub's 1 MiB, with room for what other steps
/// of a job have written.
const MOST_BYTES: usize = 900 * 1024;

/// A cell is at most so long, in characters: a table is to be read at a glance.
const MOST_CELL: usize = 300;

/// The summary as Markdown, with a final line break.
pub fn render(summary: &RunSummary) -> String {
    let mut text = first_line(summary);
    for error in &summary.errors {
        let _ = writeln!(text, "\n**{}**", cell(&error.message));
    }
    let all: Vec<(&SuiteResult, &TestResult)> = summary
        .suites
        .iter()
        .flat_map(|suite| suite.tests.iter().map(move |test| (suite, test)))
        .collect();
    let not_green = |test: &TestResult| !test.outcome.verdict.is_pass() || test.outcome.flaky;
    let mut rows: Vec<_> = all.iter().filter(|(_, test)| not_green(test)).collect();
    // What fails the build comes first: a table may be cut at its end.
    rows.sort_by_key(|(_, test)| match summary.gate(test) {
        Gate::Fails => 0,
        Gate::NoVerdict => 1,
        Gate::Ignored => 2,
        Gate::Passes => 3,
    });
    let rows = rows.into_iter().map(|(suite, test)| row(summary, suite, test));
    table(&mut text, "| | test | why | where | execution |\n| --- | --- | --- | --- | --- |", rows);
    let sets = all.iter().filter_map(|(_, test)| set_row(test));
    table(
        &mut text,
        "| Lex test | utterances | intents | slots |\n| --- | --- | --- | --- |",
        sets,
    );
    text
}

fn first_line(summary: &RunSummary) -> String {
    let tests = summary.tests().count();
    let count = |gate: Gate| summary.tests().filter(|test| summary.gate(test) == gate).count();
    let mark = if summary.exit_code == 0 { "✅" } else { "❌" };
    let mut line = format!(
        "{mark} **callcheck: {}**: {} of {tests} passed",
        summary.conclusion,
        summary.tests().filter(|test| test.outcome.verdict.is_pass()).count(),
    );
    for (count, word) in
        [(count(Gate::Fails), "failed"), (count(Gate::NoVerdict), "without verdict")]
    {
        if count > 0 {
            let _ = write!(line, ", {count} {word}");
        }
    }
    let _ = writeln!(line, "; run {}, exit {}", cell(&summary.run_id), summary.exit_code);
    line
}

/// Adds a table, as far as there is room; an empty one is left out.
fn table(text: &mut String, head: &str, rows: impl Iterator<Item = String>) {
    let mut left_out = 0;
    let mut begun = false;
    for row in rows {
        if text.len() + row.len() > MOST_BYTES {
            left_out += 1;
            continue;
        }
        if !begun {
            let _ = writeln!(text, "\n{head}");
            begun = true;
        }
        text.push_str(&row);
        text.push('\n');
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n{left_out} more: see the reports");
    }
}

fn row(summary: &RunSummary, suite: &SuiteResult, test: &TestResult) -> String {
    let word = headline::word(summary, test);
    let blocking = if test.blocking { "" } else { " (does not block)" };
    let execution = test.outcome.deciding().and_then(|attempt| attempt.execution_id());
    format!(
        "| {word}{blocking} | {} | {} | {}:{} | {} |",
        cell(&test.name),
        cell(&headline::message(&test.outcome)),
        cell(&suite.file),
        test.line,
        execution.map(cell).unwrap_or_default(),
    )
}

/// The row of a Lex test whose results were read.
fn set_row(test: &TestResult) -> Option<String> {
    let results = test.outcome.attempts.last()?.details.results.as_ref()?;
    let share = |counts: Option<Counts>| match counts {
        Some(Counts { matched, total, .. }) if total > 0 => format!("{matched} of {total}"),
        _ => String::new(),
    };
    let sum = |named: &std::collections::BTreeMap<String, Counts>| {
        let mut sum = Counts::default();
        named.values().for_each(|counts| sum.add(*counts));
        share(Some(sum))
    };
    let pass = if test.outcome.verdict == Verdict::Passed { "" } else { " ❌" };
    Some(format!(
        "| {}{pass} | {} | {} | {} |",
        cell(&test.name),
        share(results.end_to_end),
        sum(&results.intents),
        sum(&results.slots),
    ))
}

/// Text that is only text: nothing of Markdown's or HTML's means anything in it, and no `@name`
/// calls anybody.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    let line = one_line(text);
    for c in line.chars().take(MOST_CELL) {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            '#' => safe.push_str("&#35;"),
            ':' => safe.push_str("&#58;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '~' | '!' | '$' | '{' | '}' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    if line.chars().count() > MOST_CELL {
        safe.push('…');
    }
    safe
}
