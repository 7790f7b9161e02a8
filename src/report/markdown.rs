//! The Markdown summary, for the page that a CI host shows of a run: what happened in the first
//! line, then what did not pass, then how well each Lex set was understood.
//!
//! | what | where |
//! | --- | --- |
//! | conclusion and totals | the first line |
//! | each test that did not pass, with reason, suite line and execution | a table |
//! | all that is known of it, and what to look up | a block that unfolds |
//! | the shares of each Lex set and of its intents | tables |
//! | what passed | a table that unfolds |
//!
//! GitHub drops a step's summary whole when it is over 1 MiB (REPORTING-FACTS.md): this one stays
//! below, and says how much it has left out.

use std::fmt::Write;

use super::headline::{self, Room};
use super::text::{cut, one_line, xml_body};
use crate::outcome::{Counts, LexResults, RunSummary, SuiteResult, TestResult, Verdict, sum};

/// The file of a summary is at most so long, in bytes: below GitHub's 1 MiB, with room for what a job
/// writes there after it.
const MOST_BYTES: usize = 900 * 1024;

/// A cell is at most so long, in characters: a table is to be read at a glance.
const MOST_CELL: usize = 300;

/// A block is at most so long, in characters.
const MOST_BLOCK: usize = 8000;

/// What stands in a block: below its longest, with room for what else there is to say.
const ROOM: Room = Room { mismatches: 20, transcript: MOST_BLOCK * 3 / 4 };

/// So many intents of a Lex test set are told of, the worst understood first.
const MOST_INTENTS: usize = 30;

/// The summary as Markdown, with a final line break. `before` it, so many bytes stand in its file.
pub fn render(summary: &RunSummary, before: usize) -> String {
    let most = MOST_BYTES.saturating_sub(before);
    let mut text = first_line(summary);
    for error in &summary.errors {
        let _ = writeln!(text, "\n**{}**", cell(&error.message));
        if !error.details.is_empty() {
            let _ = writeln!(text, "\n{}", pre(&error.details));
        }
    }
    let all: Vec<TestOf<'_>> = summary.placed().collect();
    let (mut others, green): (Vec<TestOf<'_>>, Vec<TestOf<'_>>) =
        all.iter().partition(|(_, test)| headline::is_worth_telling(test));
    others.sort_by_key(|(_, test)| headline::rank(summary, test));
    let rows = |tests: &[TestOf<'_>]| -> Vec<String> {
        tests.iter().map(|(suite, test)| row(summary, suite, test)).collect()
    };
    // Half of the room is for what follows.
    table(&mut text, ROW_HEAD, "tests", most / 2, rows(&others));
    let told = others.iter().filter(|(_, test)| test.outcome.verdict != Verdict::NotRun);
    blocks(&mut text, most * 3 / 4, told.map(|(suite, test)| block(summary, suite, test)));
    let sets: Vec<_> =
        all.iter().filter_map(|(_, test)| Some((*test, test.outcome.results()?))).collect();
    table(
        &mut text,
        SET_HEAD,
        "sets",
        most,
        sets.iter().map(|(test, results)| set_row(test, results)),
    );
    let intents = sets.iter().flat_map(|(test, results)| intents(test, results));
    table(&mut text, INTENT_HEAD, "intents", most, intents);
    if !green.is_empty() {
        let _ = writeln!(text, "\n<details><summary>All that simply passed</summary>");
        table(&mut text, ROW_HEAD, "tests", most, rows(&green));
        let _ = writeln!(text, "\n</details>");
        let told = green.iter().filter(|(_, test)| headline::has_transcript(test));
        blocks(&mut text, most, told.map(|(suite, test)| block(summary, suite, test)));
    }
    text
}

type TestOf<'a> = (&'a SuiteResult, &'a TestResult);

const ROW_HEAD: &str = "| | test | why | where | owner | execution |\n\
                        | --- | --- | --- | --- | --- | --- |";
const SET_HEAD: &str = "| Lex test | end to end | intents | slots | execution errors |\n\
                        | --- | --- | --- | --- | --- |";
const INTENT_HEAD: &str = "| Lex test | intent | matched | share |\n| --- | --- | --- | --- |";

fn first_line(summary: &RunSummary) -> String {
    let mark = if summary.exit_code == 0 { "✅" } else { "❌" };
    let tests = headline::tally(summary);
    let (conclusion, exit) = (summary.conclusion, summary.exit_code);
    let run_id = cell(&summary.run_id);
    let begun =
        summary.first_started_at.map(|at| at.format(", begun %Y-%m-%d %H:%M UTC and taken up"));
    let begun = begun.map(|begun| begun.to_string()).unwrap_or_default();
    format!("{mark} **callcheck: {conclusion}**: {tests}; run {run_id}{begun}, exit {exit}\n")
}

/// Adds a table of `what`, up to `most` bytes of all; an empty one is left out.
fn table(
    text: &mut String,
    head: &str,
    what: &str,
    most: usize,
    rows: impl IntoIterator<Item = String>,
) {
    let mut left_out = 0;
    let mut begun = false;
    for row in rows {
        if text.len() + row.len() > most {
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
    tell_left_out(text, left_out, what);
}

/// Adds blocks, up to `most` bytes of all: tables follow.
fn blocks(text: &mut String, most: usize, blocks: impl Iterator<Item = String>) {
    let mut left_out = 0;
    for block in blocks {
        if text.len() + block.len() > most {
            left_out += 1;
        } else {
            text.push_str(&block);
        }
    }
    tell_left_out(text, left_out, "details of tests");
}

fn tell_left_out(text: &mut String, left_out: usize, what: &str) {
    if left_out > 0 {
        let _ = writeln!(text, "\n{left_out} more {what}: see the other reports");
    }
}

fn row(summary: &RunSummary, suite: &SuiteResult, test: &TestResult) -> String {
    let word = headline::word(summary, test);
    let blocking = headline::blocking(test);
    let execution = test.outcome.execution_id();
    format!(
        "| {word}{blocking} | {} | {} | {}:{} | {} | {} |",
        cell(&test.name),
        cell(&headline::message(&test.outcome)),
        cell(&suite.file),
        test.line,
        test.owner.as_deref().map(cell).unwrap_or_default(),
        execution.map(cell).unwrap_or_default(),
    )
}

/// All that is known of a test, to be unfolded.
fn block(summary: &RunSummary, suite: &SuiteResult, test: &TestResult) -> String {
    let blocking = headline::blocking(test);
    let title = format!("{}{blocking}: {}", headline::word(summary, test), one_line(&test.name));
    let lines = headline::all(suite, test, ROOM);
    format!(
        "\n<details><summary>{}</summary>\n\n{}\n\n</details>\n",
        html(&cut(&title, MOST_CELL)),
        pre(&lines.join("\n"))
    )
}

/// How well a Lex set was understood.
fn set_row(test: &TestResult, results: &LexResults) -> String {
    let overall = results.end_to_end.unwrap_or_default();
    let pass = if test.outcome.verdict == Verdict::Passed { "" } else { " ❌" };
    let errors = match overall.execution_errors {
        0 => String::new(),
        errors => errors.to_string(),
    };
    let [overall, intents, slots] =
        [overall, sum(&results.intents), sum(&results.slots)].map(headline::share);
    format!("| {}{pass} | {overall} | {intents} | {slots} | {errors} |", cell(&test.name))
}

/// The intents of a Lex set, the worst understood first.
fn intents(test: &TestResult, results: &LexResults) -> Vec<String> {
    let mut intents: Vec<(&String, &Counts)> = results.intents.iter().collect();
    intents.sort_by(|a, b| a.1.share().total_cmp(&b.1.share()));
    let name = cell(&test.name);
    let row = |(intent, counts): &(&String, &Counts)| {
        let Counts { matched, total, .. } = counts;
        format!("| {name} | {} | {matched} of {total} | {} |", cell(intent), counts.percent())
    };
    let left_out = intents.len().saturating_sub(MOST_INTENTS);
    let more = (left_out > 0).then(|| format!("| {name} | {left_out} more | | |"));
    intents.iter().take(MOST_INTENTS).map(row).chain(more).collect()
}

/// Text that is only text: nothing of Markdown's or HTML's means anything in it, and no `@name`
/// calls anybody.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for c in cut(&one_line(text), MOST_CELL).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // What stands in the middle keeps an address from being made a link.
            '@' => safe.push_str("&#64;<!-- -->"),
            '#' => safe.push_str("&#35;"),
            ':' => safe.push_str("&#58;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '~' | '!' | '$' | '{' | '}' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    // GitHub makes a link of it wherever it stands.
    safe.replace("www.", "www&#46;").replace("WWW.", "WWW&#46;")
}

/// Lines as they are: in an element whose content no Markdown reader looks into.
fn pre(text: &str) -> String {
    format!("<pre>\n{}\n</pre>", html(&cut(xml_body(text).trim_matches('\n'), MOST_BLOCK)))
}

/// Text that is only text between the tags of HTML, and in Markdown that looks into them.
fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '@' | '#' | '`' | '*' | '_' | '[' | ']' | '!' | '$' | '~' | '\\' => {
                let _ = write!(safe, "&#{};", u32::from(c));
            }
            _ => safe.push(c),
        }
    }
    // Who shows the file in a log must not give the host commands.
    safe.replace("::", "&#58;&#58;")
}
