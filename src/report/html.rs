//! The HTML report: one file that needs no other, for an artifact of a job.
//!
//! | what | where |
//! | --- | --- |
//! | conclusion, totals, run | at the top |
//! | trouble of the run itself | below |
//! | each test that did not pass, with all that is known of it | blocks; those that fail the build are open |
//! | the shares of each Lex set | a table |
//! | every test | a table a suite, which unfolds |
//!
//! Text from AWS and from suites is escaped, and the page forbids itself scripts and anything from
//! elsewhere, so that what slipped through could do nothing.

use std::io::{self, Write};

use super::headline::{self, Room};
use super::text::{cut, one_line, short, xml_body};
use crate::outcome::{Gate, LexResults, RunSummary, SuiteResult, TestResult, Verdict, sum};

/// What stands in a block.
const ROOM: Room = Room { mismatches: 20, transcript: 200_000 };

/// So many tests have a block of their own: a browser must be able to show the page.
const MOST_BLOCKS: usize = 500;

/// So many blocks are open: the first of them are what one came for.
const MOST_OPEN: usize = 10;

/// A line is at most so long, in characters.
const MOST_LINE: usize = 4000;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
"#;

const STYLE: &str = "<style>
:root { --red: #b3261e; --green: #146c2e; --amber: #8a5000; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --red: #ff8a80; --green: #81c995; --amber: #ffc46b; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .3rem 0; }
.fails, .no-verdict { color: var(--red); }
.passes { color: var(--green); }
.ignored, .noted { color: var(--amber); }
b.word { display: inline-block; min-width: 6rem; }
details { border-top: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 .5rem 1.2rem; font-size: 13px; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: .25rem .6rem .25rem 0; }
td, th { text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
.time { text-align: right; white-space: nowrap; }
</style>
";

/// Writes the report.
///
/// # Errors
///
/// It cannot be written.
pub fn write(summary: &RunSummary, mut to: &mut dyn Write) -> io::Result<()> {
    let (conclusion, run_id) = (summary.conclusion, text(&summary.run_id));
    to.write_all(HEAD.as_bytes())?;
    writeln!(to, "<title>callcheck: {conclusion}, run {run_id}</title>")?;
    writeln!(to, "{STYLE}</head>\n<body>")?;
    head(summary, &mut to)?;
    let all: Vec<TestOf<'_>> = summary.placed().collect();
    blocks(summary, &all, &mut to)?;
    sets(&all, &mut to)?;
    for suite in &summary.suites {
        tests(summary, suite, &mut to)?;
    }
    writeln!(to, "</body>\n</html>")
}

type TestOf<'a> = (&'a SuiteResult, &'a TestResult);

/// What came of the run.
fn head(summary: &RunSummary, to: &mut impl Write) -> io::Result<()> {
    let (conclusion, exit) = (summary.conclusion, summary.exit_code);
    let class = if exit == 0 { "passes" } else { "fails" };
    writeln!(to, "<h1>callcheck: <span class=\"{class}\">{conclusion}</span></h1>")?;
    writeln!(to, "<p>{}</p>", headline::tally(summary))?;
    let begun = summary.first_started_at.unwrap_or(summary.started_at).format("%Y-%m-%d %H:%M:%S");
    let taken_up = if summary.first_started_at.is_some() { ", and taken up since" } else { "" };
    let run_id = text(&summary.run_id);
    let took = short(summary.seconds);
    writeln!(
        to,
        "<p>run {run_id}, begun {begun} UTC{taken_up}; took {took}; exit code {exit}</p>"
    )?;
    for error in &summary.errors {
        writeln!(to, "<h2 class=\"fails\">{}</h2>", text(&error.message))?;
        if !error.details.is_empty() {
            writeln!(to, "<pre>{}</pre>", lines(&error.details))?;
        }
    }
    Ok(())
}

/// What there is to say of each test that did not simply pass, and then of those that did.
fn blocks(summary: &RunSummary, all: &[TestOf<'_>], to: &mut impl Write) -> io::Result<()> {
    let was_run = all.iter().filter(|(_, test)| test.outcome.verdict != Verdict::NotRun);
    let (mut told, passed): (Vec<&TestOf<'_>>, Vec<&TestOf<'_>>) =
        was_run.partition(|(_, test)| headline::is_worth_telling(test));
    told.sort_by_key(|(_, test)| headline::rank(summary, test));
    blocks_of(summary, "What there is to look at", &told, to)?;
    let transcripts = passed.into_iter().filter(|(_, test)| headline::has_transcript(test));
    blocks_of(summary, "Transcripts of passed tests", &transcripts.collect::<Vec<_>>(), to)
}

fn blocks_of(
    summary: &RunSummary,
    title: &str,
    told: &[&TestOf<'_>],
    to: &mut impl Write,
) -> io::Result<()> {
    if !told.is_empty() {
        writeln!(to, "<h2>{title}</h2>")?;
    }
    for (number, (suite, test)) in told.iter().take(MOST_BLOCKS).enumerate() {
        let opens = headline::makes_red(summary, test) && number < MOST_OPEN;
        let open = if opens { " open" } else { "" };
        let blocking = headline::blocking(test);
        let all = headline::all(suite, test, ROOM);
        writeln!(
            to,
            "<details{open}><summary>{} <b>{}</b>{blocking}</summary>\n<pre>{}</pre></details>",
            word(summary, test),
            text(&test.name),
            lines(&all.join("\n")),
        )?;
    }
    match told.len().saturating_sub(MOST_BLOCKS) {
        0 => Ok(()),
        more => writeln!(to, "<p>{more} more: see the table below, and the JSON report</p>"),
    }
}

/// How well each Lex set was understood.
fn sets(all: &[TestOf<'_>], to: &mut impl Write) -> io::Result<()> {
    let sets: Vec<(&TestResult, &LexResults)> =
        all.iter().filter_map(|(_, test)| Some((*test, test.outcome.results()?))).collect();
    if sets.is_empty() {
        return Ok(());
    }
    writeln!(
        to,
        "<h2>Lex test sets</h2>\n<table>\n<tr><th>test<th>end to end<th>intents<th>slots\
         <th>understood worst</tr>"
    )?;
    for (test, results) in sets {
        let worst = results.worst_intents().into_iter().take(3);
        let worst: Vec<String> =
            worst.map(|(name, counts)| format!("{} {}", text(name), counts.percent())).collect();
        writeln!(
            to,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            text(&test.name),
            headline::share(results.end_to_end.unwrap_or_default()),
            headline::share(sum(&results.intents)),
            headline::share(sum(&results.slots)),
            worst.join("<br>"),
        )?;
    }
    writeln!(to, "</table>")
}

/// All tests of a suite.
fn tests(summary: &RunSummary, suite: &SuiteResult, to: &mut impl Write) -> io::Result<()> {
    writeln!(
        to,
        "<h2>{} <small>{}</small></h2>\n<details><summary>All tests</summary>\n<table>",
        text(&suite.name),
        text(&suite.file),
    )?;
    for test in &suite.tests {
        writeln!(
            to,
            "<tr><td>{}<td>{}<td>line {}<td class=\"time\">{}<td>{}</tr>",
            word(summary, test),
            text(&test.name),
            test.line,
            short(test.outcome.seconds),
            test.outcome.execution_id().map(text).unwrap_or_default(),
        )?;
    }
    writeln!(to, "</table>\n</details>")
}

/// The word for a test's result; its colour says no more than it.
fn word(summary: &RunSummary, test: &TestResult) -> String {
    let class = match summary.gate(test) {
        Gate::Fails => "fails",
        Gate::NoVerdict if !headline::makes_red(summary, test) => "ignored",
        Gate::NoVerdict => "no-verdict",
        Gate::Ignored => "ignored",
        Gate::Passes if headline::is_worth_telling(test) => "noted",
        Gate::Passes => "passes",
    };
    format!("<b class=\"word {class}\">{}</b>", headline::word(summary, test))
}

/// Text that is only text, on one line.
fn text(text: &str) -> String {
    escaped(&cut(&one_line(text), MOST_LINE))
}

/// Text that is only text, its lines kept.
fn lines(text: &str) -> String {
    let lines: Vec<String> = xml_body(text).lines().map(|line| cut(line, MOST_LINE)).collect();
    escaped(&lines.join("\n"))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}
