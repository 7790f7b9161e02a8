use quick_junit::Report;

use super::*;
use crate::outcome::Gate;
use crate::report::junit::render;

fn xml(summary: &RunSummary) -> String {
    String::from_utf8(render(summary).unwrap()).unwrap()
}

#[test]
fn a_run_that_holds_everything_looks_like_this() {
    insta::assert_snapshot!(xml(&everything()));
}

#[test]
fn trouble_of_the_run_is_a_case_of_its_own() {
    let mut summary = run(Vec::new());
    let details = "suite.yaml:1:1\nhint: look".to_owned();
    summary.errors = vec![RunError { message: "the suite is invalid".to_owned(), details }];
    insta::assert_snapshot!(xml(&summary));
}

#[test]
fn failures_and_errors_are_there_if_and_only_if_the_build_fails() {
    for fail_on_flaky in [false, true] {
        for only in 0..7 {
            let mut summary = everything();
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
    assert_eq!(case.name.as_str(), "<b>&\"'  ]]> ::error::".replace("  ", " "));
}

#[test]
fn an_empty_suite_has_one_skipped_case() {
    let report = Report::deserialize_from_str(&xml(&run(Vec::new()))).unwrap();
    assert_eq!((report.tests, report.skipped), (1, 1));
}

#[test]
fn dots_in_a_suites_name_do_not_split_the_class() {
    let xml = xml(&everything());
    assert!(xml.contains("classname=\"connect.Contact v1_2\""), "{xml}");
}
