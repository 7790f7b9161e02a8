//! What a run costs and why it waits, through the binary and a socket.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Outcome, Story, callcheck};

/// Twenty chat tests of 9 s under AWS's limits, twenty times as fast.
fn twenty(args: &[&str]) -> Outcome {
    let mut suite = String::from(
        "name: Story\nregion: us-east-1\nconnect:\n  instance_id: i-1\n  \
         poll: {min: 100ms, max: 500ms}\n  limits: {requests_per_second: 40}\n  test_cases:\n",
    );
    for number in 0..20 {
        suite.push_str(&format!("    - {{name: t{number}, test_case_id: c{number}}}\n"));
    }
    let scenario = "speed: 20\nconnect: {default: {status: PASSED, after: 9s}}";
    Story::new().suite(&suite).scenario(scenario).args(args).run()
}

#[test]
fn the_smallest_row_of_the_benchmark_goes_through_the_socket() {
    let outcome = twenty(&["-v"]);
    outcome.exits(0);
    let throttled = outcome.ledger.calls.iter().filter(|call| call.status == 429).count();
    assert_eq!(throttled, 0);
    assert_eq!(outcome.ledger.executions.len(), 20);
    assert_eq!(outcome.calls("StartTestCaseExecution"), 20);
    // Lists stand for looks: without them, each of ten in flight would be looked at.
    let (looks, lists) =
        (outcome.calls("GetTestCaseExecutionSummary"), outcome.calls("ListTestCaseExecutions"));
    assert!(lists > 0 && looks + lists <= 60, "{looks} looks and {lists} lists");
    let open_at = |at: u64| {
        let open = outcome.ledger.executions.iter().filter(|execution| {
            execution.created_ms <= at && execution.ended_ms.is_none_or(|ended| ended > at)
        });
        open.count()
    };
    let most =
        outcome.ledger.executions.iter().map(|execution| open_at(execution.created_ms)).max();
    assert!(most <= Some(10), "{most:?} in flight");
    // The log says of each wait why it was waited.
    for why in [
        r"start +t9 +waited \d+ms for the request rate",
        r"start +t1\d +waited [\d.]+\w+ for a place",
        r"list +what runs on instance i-1, in place of \d+ looks +\d+ms after the last",
        r"look +t\d+ +over, by the list of what runs",
    ] {
        let line = regex::Regex::new(why).unwrap();
        assert!(line.is_match(&outcome.stderr), "{why} in:\n{}", outcome.stderr);
    }
}

#[test]
fn without_permission_to_list_it_is_said_once_and_all_pass() {
    let tests =
        ["{name: a, test_case_id: a}", "{name: b, test_case_id: b}", "{name: c, test_case_id: c}"];
    let denied = "[{operation: ListTestCaseExecutions, every: true, fault: error, status: 403}]";
    let slow =
        "{a: {runs: [{status: PASSED, after: 10s}]}, b: {runs: [{status: PASSED, after: 10s}]}}";
    let outcome = Story::new().connect(&tests).services(slow, "{}", denied).run();
    outcome.exits(0);
    assert_eq!(outcome.calls("ListTestCaseExecutions"), 1);
    assert_eq!(outcome.stderr.matches("no list of what runs on instance i-1").count(), 1);
}

#[test]
fn what_failed_the_last_time_is_started_first_and_then_what_took_longest() {
    let suite = "name: Story\nregion: us-east-1\nconnect:\n  instance_id: i-1\n  \
                 poll: {min: 20ms, max: 50ms}\n  limits: {requests_per_second: 1000, burst: 2, in_flight: 1}\n  \
                 test_cases:\n    - {name: short, test_case_id: short}\n    - {name: long, test_case_id: long}\n    \
                 - {name: bad, test_case_id: bad}\n    - {name: smoke, test_case_id: smoke, tags: [smoke]}\n";
    let cases =
        "{long: {runs: [{status: PASSED, after: 5s}]}, bad: {runs: [{status: FAILED, after: 1s}]}}";
    let state = tempfile::tempdir().unwrap();
    let state = state.path().join("deep/state");
    let run = || {
        let args = ["--state-dir", state.to_str().unwrap()];
        Story::new().suite(suite).services(cases, "{}", "[]").args(&args).run()
    };
    let started = |outcome: &Outcome| -> Vec<String> {
        let executions = outcome.ledger.executions.iter();
        executions.filter_map(|execution| execution.test_case_id.clone()).collect()
    };
    let first = run();
    assert_eq!(started(first.exits(1)), ["smoke", "short", "long", "bad"]);
    let second = run();
    assert_eq!(started(second.exits(1)), ["smoke", "bad", "long", "short"]);
    // And the plan says why.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("suite.yaml"), suite).unwrap();
    let args = ["run", "suite.yaml", "--dry-run", "--state-dir", state.to_str().unwrap()];
    let plan = callcheck(folder.path()).args(args).output().unwrap();
    let plan = String::from_utf8(plan.stdout).unwrap();
    for line in [
        r"1  smoke .*smoke; passed in",
        r"2  bad .*  failed in .* the last time",
        r"\(4 as the last time\)",
    ] {
        assert!(regex::Regex::new(line).unwrap().is_match(&plan), "{line} in:\n{plan}");
    }
    // The reports keep the suite's order.
    let json = second.json();
    let names: Vec<&Value> =
        json["suites"][0]["tests"].as_array().unwrap().iter().map(|test| &test["name"]).collect();
    assert_eq!(names, ["short", "long", "bad", "smoke"]);
}

#[test]
fn history_that_cannot_be_read_is_told_and_hinders_nothing() {
    let story = Story::new().connect(&["{name: a, test_case_id: a}"]);
    std::fs::create_dir(story.path().join(".callcheck")).unwrap();
    std::fs::write(story.path().join(".callcheck/history.json"), "{").unwrap();
    let outcome = story.run();
    outcome.exits(0);
    assert!(outcome.stderr.contains("warning: failed to read .callcheck/history.json"));
}

fn dry_run(folder: &Path, suite: &str) -> (i32, String, String) {
    std::fs::write(folder.join("suite.yaml"), suite).unwrap();
    let output = callcheck(folder).args(["run", "suite.yaml", "--dry-run"]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_dry_run_tells_the_plan_and_what_it_costs_and_calls_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // No Region anywhere, and no credentials: it does not need them.
    let suite = "name: Dry\ntimeout: 10m\nconnect:\n  instance_id: i-1\n  test_cases:\n    \
                 - {name: a, test_case_id: a}\n    - {name: b, test_case_id: b, tags: [smoke]}\n";
    let (code, stdout, stderr) = dry_run(folder.path(), suite);
    assert_eq!(code, 0, "{stderr}");
    insta::assert_snapshot!(stdout);
    assert_eq!(stderr, "");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "it has written {left:?}");
}

#[test]
fn a_run_that_may_be_too_long_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let suite = "name: Dry\ntimeout: 10m\nconnect:\n  instance_id: i-1\n  retries: 1\n  test_cases:\n    \
                 - {name: a, test_case_id: a}\n";
    let (code, stdout, stderr) = dry_run(folder.path(), suite);
    assert_eq!(code, 0);
    assert!(stdout.contains("worst case   12m"), "{stdout}");
    assert!(stderr.contains("the run takes 12m, longer than its timeout of 10m"), "{stderr}");
}

#[test]
fn a_dry_run_of_nothing_or_of_a_suite_that_is_invalid_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, stderr) = dry_run(folder.path(), "name: Dry\nconnect: {}\n");
    assert_eq!(code, 2);
    assert!(stderr.contains("suite.yaml:2"), "{stderr}");
    let suite = "name: Dry\nconnect: {instance_id: i, test_cases: [{name: a, test_case_id: a}]}\n";
    std::fs::write(folder.path().join("suite.yaml"), suite).unwrap();
    let args = ["run", "suite.yaml", "--dry-run", "--tag", "none"];
    let output = callcheck(folder.path()).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none of 1 tests is selected"));
    assert!(!folder.path().join("junit.xml").exists());
}
