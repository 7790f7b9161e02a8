use quick_junit::{Report, TestCaseStatus};

use super::*;
use crate::outcome::{Gate, Turn};

fn xml(summary: &RunSummary) -> String {
    let all = in_parts(summary, LexCases::Set);
    assert_eq!(all.len(), 1);
    all.into_iter().next().unwrap()
}

#[test]
fn a_run_that_holds_everything_looks_like_this() {
    insta::assert_snapshot!(xml(&friendly()));
}

#[test]
fn trouble_of_the_run_is_a_case_of_its_own() {
    let mut summary = run(Vec::new());
    let details = "suite.yaml:1:1\nhint: look".to_owned();
    summary.errors = vec![RunError::new("the suite is invalid", details)];
    insta::assert_snapshot!(xml(&summary));
}

#[test]
fn failures_and_errors_are_there_if_and_only_if_the_build_fails() {
    for fail_on_flaky in [false, true] {
        for only in 0..friendly().suites[0].tests.len() {
            let mut summary = friendly();
            summary.fail_on_flaky = fail_on_flaky;
            summary.suites[0].tests = vec![summary.suites[0].tests.swap_remove(only)];
            let report = Report::deserialize_from_str(&xml(&summary)).unwrap();
            let gate = summary.gate(&summary.suites[0].tests[0]);
            let name = &summary.suites[0].tests[0].name;
            assert_eq!(report.failures, usize::from(gate == Gate::Fails), "{name}");
            let not_run = name == "not run";
            assert_eq!(report.errors, usize::from(gate == Gate::NoVerdict && !not_run), "{name}");
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let xml = xml(&hostile());
    let report = Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (2, 1, 1));
    for bad in ['\u{ffff}', '\u{fffe}', '\u{0}', '\u{1b}', '\u{202e}', '\t', '\r'] {
        assert!(!xml.contains(bad), "{bad:?}");
    }
    assert!(!xml.contains("<b>"));
    let case = &report.test_suites[1].test_cases[0];
    assert_eq!(case.name.as_str(), "<b>&\"' ]]> ::error::##vso[x]|`*_[a](b) @all");
}

#[test]
fn an_empty_suite_has_one_skipped_case() {
    let report = Report::deserialize_from_str(&xml(&run(Vec::new()))).unwrap();
    assert_eq!((report.tests, report.skipped), (1, 1));
}

#[test]
fn dots_in_a_suites_name_do_not_split_the_class() {
    let xml = xml(&friendly());
    assert!(xml.contains("classname=\"connect.Contact v1_2\""), "{xml}");
}

/// The cases of a test's turns, by name, each with what it is.
fn turns(summary: &RunSummary, lex: LexCases, test: &str) -> Vec<String> {
    let parts = in_parts(summary, lex);
    let class = format!("lex.Contact v1_2.{test}");
    let reports = parts.iter().map(|part| Report::deserialize_from_str(part).unwrap());
    reports
        .flat_map(|report| report.test_suites)
        .flat_map(|suite| suite.test_cases)
        .filter(|case| case.classname.as_ref().is_some_and(|of| of.as_str() == class))
        .map(|case| {
            let (word, message) = match &case.status {
                TestCaseStatus::Success { .. } => ("success", None),
                TestCaseStatus::Skipped { message, .. } => ("skipped", message.as_ref()),
                TestCaseStatus::NonSuccess { message, .. } => ("failure", message.as_ref()),
            };
            let message = message.map(|message| message.as_str()).unwrap_or_default();
            format!("{}: {word} {message}", case.name.as_str()).trim().to_owned()
        })
        .collect()
}

#[test]
fn each_mismatch_of_a_set_is_a_case_where_that_is_asked_for() {
    let summary = friendly();
    assert_eq!(turns(&summary, LexCases::Set, "bot below"), [""; 0]);
    assert_eq!(
        turns(&summary, LexCases::Mismatches, "bot below"),
        [
            "#1 cancel my order: failure intent: expected CancelOrder, got BookHotel",
            "#2 a room in Lisbon: failure \
             slot: expected BookHotel (City=Lisbon), got BookHotel (City=Boston)",
            "#3 two nights: failure \
             could not be run: DependencyFailedException: The bot's Lambda function did not answer.",
            "#5 For which city?: failure \
             prompt: expected \"For which city?\", got FallbackIntent \"Sorry?\" \
             (in conversation-00001)",
        ]
    );
    let all = turns(&summary, LexCases::All, "bot below");
    assert_eq!(all.len(), 5);
    assert_eq!(all[4], "#7 hello: success");
}

#[test]
fn a_mismatch_that_fails_no_build_is_skipped() {
    let summary = friendly();
    let within = turns(&summary, LexCases::Mismatches, "bot within");
    assert!(
        within[0].starts_with("#1 cancel my order: skipped mismatched (within what is"),
        "{within:?}"
    );
    assert!(within[2].starts_with("#3 two nights: skipped execution error"), "{within:?}");
    let ignored = turns(&summary, LexCases::All, "bot below, does not block");
    assert!(ignored[0].contains("skipped mismatched (does not block)"), "{ignored:?}");
    assert_eq!(ignored[4], "#7 hello: success");
}

/// A run of `tests` Connect tests and one set of `turns` turns.
fn large(tests: usize, turns: u64) -> RunSummary {
    let mut summary = friendly();
    let all = &mut summary.suites[0].tests;
    let mut set = all.iter().find(|test| test.name == "bot within").unwrap().clone();
    let results = set.outcome.attempts[0].details.results.as_mut().unwrap();
    let turn = results.turns[0].clone();
    results.turns = (1..=turns).map(|record| Turn { record, ..turn.clone() }).collect();
    let test = all[0].clone();
    *all = (0..tests).map(|i| TestResult { name: format!("t{i}"), ..test.clone() }).collect();
    // First in the file, and its turns come after every test's own case all the same.
    all.insert(0, set);
    summary
}

#[test]
fn many_cases_come_in_parts_and_the_first_holds_every_tests_own() {
    let sizes = |tests, turns| -> Vec<usize> {
        let parts = in_parts(&large(tests, turns), LexCases::All);
        parts.iter().map(|part| Report::deserialize_from_str(part).unwrap().tests).collect()
    };
    assert_eq!(sizes(99, 4900), [5000]);
    assert_eq!(sizes(99, 4901), [5000, 1]);
    assert_eq!(sizes(9, 12_345), [5000, 5000, 2355]);
    assert_eq!(sizes(5999, 10), [6000, 10]);
    let parts = in_parts(&large(2, 6000), LexCases::All);
    let first = Report::deserialize_from_str(&parts[0]).unwrap();
    let names: Vec<&str> =
        first.test_suites[0].test_cases.iter().map(|case| case.name.as_str()).take(4).collect();
    assert_eq!(names, ["bot within", "t0", "t1", "#1 cancel my order"]);
}

#[test]
fn what_aws_recorded_stands_with_what_did_not_pass_and_with_nothing_else() {
    let report = Report::deserialize_from_str(&xml(&friendly())).unwrap();
    let told = |name: &str| {
        let case = report.test_suites[0].test_cases.iter().find(|case| case.name.as_str() == name);
        case.unwrap().system_out.as_ref().map(|out| out.as_str().to_owned())
    };
    let out = told("failed").unwrap();
    assert!(out.starts_with("attempt 1: AWS's records\n{\"Type\":"), "{out}");
    assert_eq!(told("flaky"), None);
    assert!(told("failed, does not block").is_some());
    let mut summary = friendly();
    summary.suites[0].tests[1].outcome.attempts[0].details.records = vec!["x".repeat(100_000)];
    assert!(xml(&summary).len() < 100_000, "what AWS recorded is cut");
}
