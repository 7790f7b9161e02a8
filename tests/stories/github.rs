//! What a job on GitHub and its later steps see: annotations, the job's summary, the outputs of the step.

use std::collections::HashMap;
use std::path::Path;

use crate::harness::{Outcome, Story, callcheck};
use crate::reports::failing;

#[test]
fn the_step_summary_of_a_job_gets_its_part() {
    let story = failing();
    let path = story.path().join("step.md");
    std::fs::write(&path, "before\n").unwrap();
    let outcome = story.env("GITHUB_STEP_SUMMARY", path.to_str().unwrap()).run();
    outcome.exits(1);
    let text = std::fs::read_to_string(outcome.file("step.md")).unwrap();
    assert!(text.starts_with("before\n\n\n❌ **callcheck: failed**: 1 test: 1 failed"), "{text}");
    assert!(text.contains("| FAILED | Menu |") && text.contains("suite.yaml:12"), "{text}");
    assert_eq!(text.matches("callcheck:").count(), 1, "once, at the end");
}

#[test]
fn on_github_each_failure_is_annotated_at_its_line() {
    let outcome = failing().env("GITHUB_ACTIONS", "true").run();
    let line = outcome.stdout.lines().last().unwrap();
    assert!(line.starts_with("::error file=suite.yaml,line=12,title=FAILED%3A Menu::"), "{line}");
    assert!(!failing().run().stdout.contains("::error"), "only where it is read");
}

#[test]
fn what_is_wrong_with_a_suite_or_the_command_line_is_annotated_too() {
    let broken = "name: S\nregion: us-east-1\nconnect:\n  test_cases: [{nam: Menu}]\n";
    let outcome = on_github(failing().suite(broken)).run();
    outcome.exits(2);
    let annotations: Vec<&str> =
        outcome.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
    assert!(!annotations.is_empty(), "{}", outcome.stdout);
    for line in &annotations {
        let title = "title=callcheck%3A the suite is invalid; nothing was started::";
        assert!(
            line.starts_with("::error file=suite.yaml,line=") && line.contains(title),
            "{line}"
        );
    }
    assert!(annotations.iter().any(|line| line.contains("line=4,") && line.contains("`nam`")));
    let folder = outcome.file(".");
    for args in [&["validate", "suite.yaml"][..], &["run", "suite.yaml", "--dry-run"]] {
        let output = callcheck(&folder).args(args).env("GITHUB_ACTIONS", "true").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("::error file=suite.yaml,line=4,"), "{args:?}: {said}");
    }
    let outcome = on_github(failing().args(&["--fail-fast=yes"])).run();
    outcome.exits(2);
    let said = outcome.stdout.lines().find(|line| line.starts_with("::error::"));
    assert!(said.is_some_and(|line| line.contains("--fail-fast")), "{}", outcome.stdout);
}

#[test]
fn an_annotation_names_the_file_as_the_repository_does() {
    let story = failing();
    let repository = story.path().parent().unwrap().to_str().unwrap().to_owned();
    let folder = story.path().file_name().unwrap().to_str().unwrap().to_owned();
    let outcome = story.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", &repository).run();
    let line = outcome.stdout.lines().last().unwrap();
    assert!(line.starts_with(&format!("::error file={folder}/suite.yaml,line=12,")), "{line}");
}

/// What the file for the outputs of a step holds, read as GitHub does: the last word counts.
fn outputs(file: &Path) -> HashMap<String, String> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let mut found = HashMap::new();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

/// A story whose folder is the job's workspace.
fn on_github(story: Story) -> Story {
    let folder = story.path().to_owned();
    story
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", folder.to_str().unwrap())
        .env("GITHUB_OUTPUT", folder.join("outputs").to_str().unwrap())
}

fn page(outcome: &Outcome) -> String {
    std::fs::read_to_string(outcome.file("page.html")).unwrap()
}

fn step_outputs(outcome: &Outcome) -> HashMap<String, String> {
    outputs(&outcome.file("outputs"))
}

#[test]
fn later_steps_know_what_came_of_it() {
    let tests = [
        "{name: Menu, test_case_id: c1}",
        "{name: 'Greeting \"<<x\"', test_case_id: c2}",
        "{name: Billing, test_case_id: c3, retries: 1}",
        "{name: Gone, test_case_id: c4}",
        "{name: Trial, test_case_id: c1, id: trial, blocking: false}",
        "{name: Passes, test_case_id: c5}",
    ];
    let failed = "{runs: [{status: FAILED, after: 1s}]}";
    let story = Story::new()
        .connect(&tests)
        .services(
            &format!(
                "{{c1: {failed}, c2: {failed}, c3: {{runs: [{{status: FAILED, after: 1s}}, \
                 {{status: PASSED, after: 1s}}]}}, c4: {{missing: true}}}}"
            ),
            "{}",
            "[]",
        )
        .args(&["--run-id", "nightly-1", "--junit", "reports/junit.xml", "--html", "page.html"]);
    let outcome = on_github(story).run();
    outcome.exits(1);
    let outputs = step_outputs(&outcome);
    for (name, expected) in [
        ("conclusion", "failed-incomplete"),
        ("run-id", "nightly-1"),
        ("total", "6"),
        ("passed", "2"),
        ("failed", "2"),
        ("errors", "1"),
        ("flaky", "1"),
        ("not-run", "0"),
        ("junit", "reports/junit.xml"),
        ("json", "report.json"),
        ("html", "page.html"),
        ("failed-tests", r#"["Menu","Greeting \"<<x\"","Gone"]"#),
    ] {
        assert_eq!(outputs.get(name).map(String::as_str), Some(expected), "{name}");
    }
    assert_eq!(outputs.len(), 12);
}

#[test]
fn later_steps_know_of_a_run_that_never_was() {
    let outcome = on_github(failing().suite("name: [")).run();
    outcome.exits(2);
    let outputs = step_outputs(&outcome);
    assert_eq!((&*outputs["conclusion"], &*outputs["total"]), ("invalid", "0"));
    assert_eq!((&*outputs["junit"], &*outputs["failed-tests"]), ("junit.xml", "[]"));
    let outcome = on_github(failing().args(&["--retries", "many", "--html", "page.html"])).run();
    outcome.exits(2);
    assert!(page(&outcome).contains("the command line is invalid"));
    assert_eq!(step_outputs(&outcome)["conclusion"], "invalid");
    let outcome = on_github(failing().args(&["--tag", "none"])).run();
    outcome.exits(4);
    assert_eq!(step_outputs(&outcome)["conclusion"], "empty");
}

#[test]
fn the_later_steps_of_a_job_that_is_killed_do_not_take_it_for_passed() {
    let story = failing().services("{c1: {runs: [{status: IN_PROGRESS}]}}", "{}", "[]");
    let running = on_github(story.args(&["--html", "page.html"])).begin();
    running.wait_for(|ledger| !ledger.calls.is_empty());
    running.signal("KILL");
    let outcome = running.wait();
    let outputs = step_outputs(&outcome);
    assert_eq!((&*outputs["conclusion"], &*outputs["errors"]), ("incomplete", "1"));
    assert!(page(&outcome).contains("not-finished"));
    assert_eq!(outputs["junit"], "junit.xml");
}

#[test]
fn all_parts_of_a_report_are_handed_on() {
    let lex = "{name: Bot, test_set_id: TESTSET001, expect: {end_to_end: 10%}}";
    let sets = "{TESTSET001: {runs: [{status: Completed, after: 1s, \
                results: {utterances: 6000, matched: 3000}}]}}";
    let story = Story::new().lex(&[lex]).services("{}", sets, "[]");
    let outcome = on_github(story.args(&["--junit-lex", "all"])).run();
    outcome.exits(0);
    assert_eq!(step_outputs(&outcome)["junit"], "junit.xml\njunit.part2.xml");
}

#[test]
fn a_report_that_would_take_the_place_of_a_suite_is_handed_on_as_invalid() {
    let outcome = on_github(failing().args(&["--html", "suite.yaml"])).run();
    outcome.exits(2);
    assert_eq!(step_outputs(&outcome)["conclusion"], "invalid");
    assert!(std::fs::read_to_string(outcome.file("suite.yaml")).unwrap().starts_with("name:"));
}

#[test]
fn the_summary_is_no_greener_than_what_later_steps_are_told() {
    // It can be written when the run begins, and not when it ends.
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]).services(
        "{c1: {runs: [{status: PASSED, after: 100s}]}}",
        "{}",
        "[]",
    );
    let folder = story.path().to_owned();
    let story =
        on_github(story).env("GITHUB_STEP_SUMMARY", folder.join("step.md").to_str().unwrap());
    let running = story.begin();
    running.wait_for(|ledger| !ledger.calls.is_empty());
    std::fs::remove_file(folder.join("outputs")).unwrap();
    std::fs::create_dir(folder.join("outputs")).unwrap();
    let outcome = running.wait();
    outcome.exits(3);
    let summary = std::fs::read_to_string(outcome.file("step.md")).unwrap();
    assert!(summary.starts_with("❌ **callcheck: incomplete**"), "{summary}");
}

#[test]
fn outputs_that_cannot_be_handed_on_are_no_pass() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let folder = story.path().to_str().unwrap().to_owned();
    let outcome = on_github(story).env("GITHUB_OUTPUT", &folder).run();
    outcome.exits(3);
    assert!(outcome.stderr.contains("the outputs of the step"), "{}", outcome.stderr);
    assert_eq!(outcome.calls("StartTestCaseExecution"), 0);
}
