//! What holds of every report, whatever AWS and authors say and however attempts end.

use fastrand::Rng;
use quick_junit::Report;
use serde_json::Value;

use super::html::check_html;
use super::*;
use crate::exit;
use crate::outcome::{ErrorKind, Gate};
use crate::report::github::annotations;
use crate::report::host::defuse;
use crate::report::{markdown, terminal};

/// What any text may hold: the marks of every format, and what steers terminals and hosts.
const FRAGMENTS: &[&str] = &[
    "<",
    ">",
    "&",
    "\"",
    "'",
    "]]>",
    "<!--",
    "-->",
    "<script>",
    "</pre>",
    "</details>",
    "&lt;",
    "|",
    "`",
    "```",
    "*",
    "_",
    "[x](y)",
    "![i](u)",
    "#",
    "@all",
    "$x$",
    "www.x.y",
    "~~",
    "\\",
    "{{",
    "}}",
    "::",
    "::error::",
    "::set-output name=x::",
    "##[",
    "##[group]",
    "##vso[x]",
    "##teamcity[x]",
    "---",
    "+++",
    "%",
    "%0A",
    "%25",
    ",",
    ":",
    "=",
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "\u{1b}[31m",
    "\u{1b}]0;t\u{7}",
    "\u{1b}",
    "\u{0}",
    "\u{8}",
    "\u{7f}",
    "\u{85}",
    "\u{9b}",
    "\u{2028}",
    "\u{202e}",
    "\u{2066}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "é",
    "👋",
    "a",
    "7",
    "error: x",
];

fn text(rng: &mut Rng) -> String {
    (0..rng.usize(0..9)).map(|_| FRAGMENTS[rng.usize(..FRAGMENTS.len())]).collect()
}

/// Keys whose values are callcheck's own words, numbers or times.
const OWN: &[&str] = &[
    "verdict",
    "kind",
    "service",
    "conclusion",
    "result",
    "speaker",
    "started_at",
    "ended_at",
    "at",
    "type",
];

/// Puts any text in the place of every other, names of maps among them.
fn scramble(value: &mut Value, rng: &mut Rng) {
    match value {
        Value::String(found) => *found = text(rng),
        Value::Array(items) => items.iter_mut().for_each(|item| scramble(item, rng)),
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut().filter(|(key, _)| !OWN.contains(&key.as_str())) {
                if ["target", "meta", "intents", "slots", "parameters"].contains(&key.as_str()) {
                    let named = value.as_object_mut().into_iter().flat_map(std::mem::take);
                    *value = named.map(|(_, value)| (text(rng), value)).collect();
                }
                scramble(value, rng);
            }
        }
        _ => {}
    }
}

fn scrambled(seed: u64) -> RunSummary {
    let mut rng = Rng::with_seed(seed);
    let mut report: Value = serde_json::from_str(REPORT).unwrap();
    scramble(&mut report, &mut rng);
    let error = serde_json::json!({"message": text(&mut rng), "details": text(&mut rng)});
    report["errors"] = Value::Array(vec![error]);
    json::read(report.to_string().as_bytes()).unwrap()
}

#[test]
fn any_text_in_any_field_gives_well_formed_reports() {
    for seed in 0..80 {
        let summary = scrambled(seed);
        let rendered = json_bytes(&summary);
        assert_eq!(json::read(&rendered).unwrap(), summary, "seed {seed}");
        for part in in_parts(&summary, LexCases::All) {
            check_xml(&part, seed);
        }
        check_markdown(&markdown::render(&summary, 0), seed);
        check_html(&super::html::page(&summary), seed);
        check_annotations(&annotations(&summary, str::to_owned), seed);
        check_log(&defuse(&terminal::report(&summary)), seed);
    }
}

fn check_xml(xml: &str, seed: u64) {
    Report::deserialize_from_str(xml).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    // XML 1.0, production 2; and nothing that steers who looks at the file.
    let forbidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}')
    };
    let line = xml.lines().find(|line| line.contains(forbidden));
    assert_eq!(line, None, "seed {seed}");
}

fn check_markdown(text: &str, seed: u64) {
    let mut rest = text.to_owned();
    for tag in ["<!-- -->", "<details>", "</details>", "<summary>", "</summary>", "<pre>", "</pre>"]
    {
        rest = rest.replace(tag, "");
    }
    assert!(!rest.contains(['<', '>']), "seed {seed}: a tag in:\n{rest}");
    assert_eq!(text.matches("<pre>").count(), text.matches("</pre>").count(), "seed {seed}");
    for bad in ["](", "@", "```", "::"] {
        assert!(!text.contains(bad), "seed {seed}: {bad} in:\n{text}");
    }
    let mut columns = 0;
    for line in text.lines() {
        assert!(!line.chars().any(char::is_control), "seed {seed}: {line:?}");
        let bars = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        if line.starts_with("| ---") {
            columns = bars;
        } else if line.starts_with("| ") && columns > 0 {
            assert_eq!(bars, columns, "seed {seed}: {line}");
            // Within `<pre>` nothing is made a link.
            assert!(!line.contains("www."), "seed {seed}: {line}");
        } else if line.is_empty() {
            columns = 0;
        }
    }
}

fn check_annotations(text: &str, seed: u64) {
    assert!(text.lines().count() <= 20, "seed {seed}");
    for line in text.lines() {
        assert!(!line.chars().any(char::is_control), "seed {seed}: {line:?}");
        let command = line.strip_prefix("::").and_then(|rest| rest.split_once("::")).unwrap().0;
        let (level, properties) = command.split_once(' ').unwrap_or((command, ""));
        assert!(["error", "warning"].contains(&level), "seed {seed}: {line}");
        let names: Vec<&str> = properties
            .split(',')
            .filter(|property| !property.is_empty())
            .map(|property| property.split_once('=').unwrap().0)
            .collect();
        let placed = names == ["file", "line", "title"];
        assert!(placed || names.is_empty(), "seed {seed}: {line}");
        // GitHub reads `%` as the begin of an escape.
        let escapes = line.split('%').skip(1);
        let known = ["25", "3A", "2C", "0A"];
        assert!(escapes.clone().all(|rest| known.iter().any(|it| rest.starts_with(it))), "{line}");
    }
}

fn check_log(text: &str, seed: u64) {
    let plain = anstream::adapter::strip_str(text).to_string();
    for line in plain.lines() {
        assert!(!line.chars().any(char::is_control), "seed {seed}: {line:?}");
        assert!(!line.trim_start().starts_with("::"), "seed {seed}: {line}");
        for bad in ["##[", "##vso[", "##teamcity["] {
            assert!(!line.contains(bad), "seed {seed}: {line}");
        }
        for bad in ["---", "+++"] {
            assert!(!line.starts_with(bad), "seed {seed}: {line}");
        }
    }
}

const ERRORS: &[ErrorKind] = &[
    ErrorKind::Stopped,
    ErrorKind::TimedOut,
    ErrorKind::ResultsUnavailable,
    ErrorKind::NotFinished,
];

/// A test whose attempts end in any way; the last one passes, or there are no more.
fn any_test(rng: &mut Rng, number: usize) -> TestResult {
    let mut attempts = Vec::new();
    for number in 1..=rng.u32(1..5) {
        let verdict = match rng.u8(..4) {
            0 => Verdict::Passed,
            1 | 2 => Verdict::Failed,
            _ => Verdict::Error(ERRORS[rng.usize(..ERRORS.len())]),
        };
        attempts.push(attempt(number, verdict, "as it went"));
        if verdict.is_pass() {
            break;
        }
    }
    let verdict = attempts.last().unwrap().verdict;
    let outcome = TestOutcome::over(attempts, verdict, "as it went".to_owned(), 1.0);
    let blocking = rng.u8(..3) > 0;
    TestResult { blocking, outcome, ..test(&format!("t{number}"), Vec::new()) }
}

#[test]
fn any_mix_of_attempts_has_one_verdict_and_every_report_agrees_on_it() {
    for seed in 0..2000 {
        let mut rng = Rng::with_seed(seed);
        let tests = (0..rng.usize(1..5)).map(|number| any_test(&mut rng, number)).collect();
        let mut summary = run(tests);
        summary.fail_on_flaky = rng.bool();
        summary.conclusion = summary.conclude();
        summary.exit_code = exit::code(summary.conclusion, None);
        for test in summary.tests() {
            let ends: Vec<Verdict> = test.outcome.attempts.iter().map(|it| it.verdict).collect();
            let expected =
                [Verdict::Passed, Verdict::Failed].into_iter().find(|v| ends.contains(v));
            let verdict = test.outcome.verdict;
            assert_eq!(verdict, expected.unwrap_or(*ends.last().unwrap()), "seed {seed}: {ends:?}");
            let failed = ends.contains(&Verdict::Failed);
            assert_eq!(test.outcome.flaky, verdict.is_pass() && failed, "seed {seed}");
            let recovered = verdict.is_pass() && !failed && ends.len() > 1;
            assert_eq!(test.outcome.recovered, recovered, "seed {seed}");
        }
        let of = |wanted: Gate| summary.tests().filter(|test| summary.gate(test) == wanted).count();
        let (fails, no_verdict) = (of(Gate::Fails), of(Gate::NoVerdict));
        let code = match (fails, no_verdict) {
            (0, 0) => exit::PASSED,
            (0, _) => exit::INCOMPLETE,
            _ => exit::FAILED,
        };
        assert_eq!(summary.exit_code, code, "seed {seed}");
        let xml = &in_parts(&summary, LexCases::All)[0];
        let xml = Report::deserialize_from_str(xml).unwrap();
        assert_eq!((xml.failures, xml.errors), (fails, no_verdict), "seed {seed}");
        let again = json::read(&json_bytes(&summary)).unwrap();
        assert_eq!(again.conclude(), summary.conclusion, "seed {seed}");
        let first = markdown::render(&summary, 0);
        assert_eq!(first.starts_with("✅"), code == exit::PASSED, "seed {seed}");
        let errors = annotations(&summary, str::to_owned).matches("::error").count();
        assert_eq!(errors > 0, code != exit::PASSED, "seed {seed}");
    }
}
