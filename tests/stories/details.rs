//! What the reports say beyond the verdicts: utterances, observations, people, and all of it again
//! from the JSON report.

use std::fs;
use std::process::Output;

use quick_junit::{Report, TestCaseStatus};

use crate::harness::{Outcome, Story, callcheck};

/// A set of 40 utterances and 4 conversations of which some did not match.
fn bot() -> Story {
    Story::new()
        .lex(&[
            "{name: Below, test_set_id: TESTSET001, expect: {end_to_end: 95%}}",
            "{name: Within, test_set_id: TESTSET001, expect: {end_to_end: 50%}}",
        ])
        .services(
            "{}",
            "{TESTSET001: {runs: [{status: Completed, after: 1s, results: {
                utterances: 40, matched: 34, execution_errors: 1,
                intents: {Book: {total: 30, matched: 29}, Cancel: {total: 10, matched: 6}},
                slots: {Book: {City: {total: 10, matched: 9}}},
                multi_turn: {total: 4, matched: 3}, texts: [a room please, cancel it]}}]}}",
            "[]",
        )
}

/// The cases of a test's utterances in a report, each with its first word: success, skipped …
fn utterances(outcome: &Outcome, file: &str, test: &str) -> Vec<(String, &'static str)> {
    let xml = fs::read_to_string(outcome.file(file)).unwrap();
    let report = Report::deserialize_from_str(&xml).unwrap();
    let class = format!("lex.Story.{test}");
    let cases = report.test_suites.into_iter().flat_map(|suite| suite.test_cases);
    cases
        .filter(|case| case.classname.as_ref().is_some_and(|of| of.as_str() == class))
        .map(|case| {
            let word = match case.status {
                TestCaseStatus::Success { .. } => "success",
                TestCaseStatus::Skipped { .. } => "skipped",
                TestCaseStatus::NonSuccess { .. } => "failure",
            };
            (case.name.as_str().to_owned(), word)
        })
        .collect()
}

fn count(cases: &[(String, &str)], wanted: &str) -> usize {
    cases.iter().filter(|(_, word)| *word == wanted).count()
}

#[test]
fn the_body_of_a_set_says_what_was_misunderstood_and_how() {
    let outcome = bot().run();
    outcome.exits(1);
    let TestCaseStatus::NonSuccess { description, .. } = outcome.case("Below").status else {
        panic!("it has not failed")
    };
    let body = description.unwrap().as_str().to_owned();
    for expected in [
        "intent: Cancel: 6 of 10 matched",
        "\": intent: expected Cancel, got Book",
        "slot: expected Book (City=Lisbon), got Book (City=Boston)",
        "DependencyFailedException",
        "conversation: conversation-00001: mismatched: intent",
    ] {
        assert!(body.contains(expected), "{expected} in:\n{body}");
    }
    let results = &outcome.result("Below")["attempts"][0]["results"];
    assert_eq!(results["end_to_end"]["total"], 44);
    assert_eq!(results["conversations"]["matched"], 3);
    assert!(results["turns"].as_array().unwrap().len() > 6, "{results}");
    // What passed is counted by intent, too, and its utterances are not asked for.
    let results = &outcome.result("Within")["attempts"][0]["results"];
    assert_eq!(results["intents"]["Cancel"]["matched"], 6);
    assert_eq!(results["turns"], serde_json::Value::Null);
    assert!(utterances(&outcome, "junit.xml", "Below").is_empty());
}

#[test]
fn each_utterance_is_a_case_where_that_is_asked_for() {
    let outcome = bot().args(&["--junit-lex", "all"]).run();
    outcome.exits(1);
    let below = utterances(&outcome, "junit.xml", "Below");
    // 40 single turns and three turns of each of 4 conversations.
    assert_eq!(below.len(), 52);
    assert_eq!(count(&below, "skipped"), 0);
    assert!(count(&below, "failure") >= 6, "{below:?}");
    assert!(below.iter().any(|(name, _)| name == "#2 cancel it"), "{below:?}");
    let within = utterances(&outcome, "junit.xml", "Within");
    assert_eq!(count(&within, "failure"), 0, "within what is expected nothing is red");
    assert_eq!(count(&within, "skipped"), count(&below, "failure"));

    let outcome = bot().args(&["--junit-lex", "mismatches"]).run();
    let below = utterances(&outcome, "junit.xml", "Below");
    assert_eq!(count(&below, "failure"), below.len());
    assert!(below.len() >= 6, "{below:?}");
}

#[test]
fn a_large_set_comes_in_parts_and_parts_of_an_earlier_run_go() {
    let story = Story::new()
        .lex(&["{name: Large, test_set_id: TESTSET001, expect: {end_to_end: 1%}}"])
        .services(
            "{}",
            "{TESTSET001: {runs: [{status: Completed, after: 1s,
                results: {utterances: 6000, matched: 5990}}]}}",
            "[]",
        )
        .args(&["--junit-lex", "all"]);
    for stale in ["junit.part2.xml", "junit.part9.xml", "junit.part.xml", "other.part3.xml"] {
        fs::write(story.path().join(stale), "old").unwrap();
    }
    let outcome = story.run();
    outcome.exits(0);
    assert_eq!(utterances(&outcome, "junit.xml", "Large").len(), 4999);
    assert_eq!(utterances(&outcome, "junit.part2.xml", "Large").len(), 1001);
    assert!(!outcome.file("junit.part9.xml").exists());
    assert!(outcome.file("junit.part.xml").exists() && outcome.file("other.part3.xml").exists());
    assert_eq!(outcome.says("Large"), "success");
}

/// A failing test whose contact says what a customer is told, and a passing one that was cut off.
fn observing() -> Story {
    Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Cut, test_case_id: c2}"])
        .services(
            "{c1: {runs: [{status: FAILED, after: 1s, observations: [
                {id: menu, status: FAILED, text: Press 1., seen: All lines are busy.}]}]},
              c2: {runs: [{status: PASSED, after: 1s, completion: {type: TIMEOUT}}]}}",
            "{}",
            "[]",
        )
}

#[test]
fn a_failed_observation_says_what_was_expected_and_seen() {
    let outcome = observing().run();
    assert_eq!(
        outcome.says("Menu"),
        "failure ObservationFailed: menu: expected \"[-Press 1-].\", \
         heard \"{+All lines are busy+}.\" (step 1 of 1); 1 of 1 observations failed; OBSERVE_EVENT"
    );
    assert_eq!(outcome.result("Menu")["attempts"][0]["failed_observations"][0]["id"], "menu");
    let out = outcome.case("Menu").system_out.unwrap();
    assert!(out.as_str().contains("\"Type\":\"OBSERVATION\""), "{out:?}");
    assert_eq!(outcome.calls("ListTestCaseExecutionRecords"), 1, "of what failed only");
    assert_eq!(outcome.case("Cut").system_out, None, "what passed has nothing to look into");
}

#[test]
fn details_of_all_tests_say_that_a_pass_ended_by_timeout() {
    let outcome = observing().args(&["--details", "always"]).run();
    assert_eq!(outcome.calls("ListTestCaseExecutionRecords"), 2);
    let note = "AWS ended it by TIMEOUT";
    assert_eq!(outcome.result("Cut")["attempts"][0]["notes"][0], note);
    assert_eq!(outcome.says("Cut"), "success");
    let properties = outcome.case("Cut").properties;
    assert!(properties.iter().any(|property| property.value.as_str() == note), "{properties:?}");
    assert!(outcome.stdout.contains(note), "{}", outcome.stdout);
    // What passed has no body: its transcript was asked for, and stands beside it.
    let out = outcome.case("Cut").system_out.unwrap();
    assert!(out.as_str().contains("step 2 of 2: menu: PASSED"), "{out:?}");
}

#[test]
fn the_id_of_a_contact_stands_in_no_output_unless_it_is_asked_for() {
    let outputs = |outcome: &Outcome| {
        let junit = fs::read_to_string(outcome.file("junit.xml")).unwrap();
        (junit, outcome.json().to_string())
    };
    let shown = outputs(&observing().args(&["--show-sensitive"]).run());
    let record = shown.1.split("ContactId\\\":\\\"").nth(1).unwrap();
    let contact = record.split('\\').next().unwrap();
    assert!(contact.len() > 30, "{contact}");
    let outcome = observing().run();
    let hidden = outputs(&outcome);
    for text in [&hidden.0, &hidden.1, &outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(contact), "{text}");
    }
    assert!(hidden.0.contains("[contact]") && hidden.1.contains("[contact]"));
    // The id of the execution is the key to look things up by.
    assert!(hidden.0.contains(&outcome.ledger.executions[0].execution_id));
}

#[test]
fn owner_and_meta_are_in_every_report() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1, owner: team-billing, \
                    meta: {runbook: 'https://wiki.example.com/menu'}}"])
        .services("{c1: {runs: [{status: FAILED, after: 1s}]}}", "{}", "[]")
        .args(&["--summary", "summary.md"])
        .run();
    let result = outcome.result("Menu");
    assert_eq!(result["owner"], "team-billing");
    assert_eq!(result["meta"]["runbook"], "https://wiki.example.com/menu");
    let properties = outcome.case("Menu").properties;
    let property = |name: &str| {
        let found = properties.iter().find(|property| property.name.as_str() == name);
        found.map(|property| property.value.as_str().to_owned())
    };
    assert_eq!(property("owner").as_deref(), Some("team-billing"));
    assert_eq!(property("meta.runbook").as_deref(), Some("https://wiki.example.com/menu"));
    let summary = fs::read_to_string(outcome.file("summary.md")).unwrap();
    for text in [&outcome.stdout, &summary] {
        assert!(text.contains("team-billing"), "{text}");
        assert!(text.contains("https://wiki.example.com/menu"), "{text}");
    }
}

fn render(outcome: &Outcome, args: &[&str]) -> Output {
    let folder = outcome.file("report.json").parent().unwrap().to_owned();
    callcheck(&folder).arg("render").args(args).output().unwrap()
}

#[test]
fn render_makes_the_same_reports_again_without_aws() {
    let outcome = bot().args(&["--junit-lex", "all", "--summary", "summary.md"]).run();
    let again = ["--junit", "again.xml", "--junit-lex", "all", "--summary", "again.md"];
    let output = render(&outcome, &[&["report.json"], &again[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = |name: &str| fs::read_to_string(outcome.file(name)).unwrap();
    assert_eq!(text("again.xml"), text("junit.xml"));
    assert_eq!(text("again.md"), text("summary.md"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), outcome.stdout);
    assert_eq!(output.stderr, b"", "the report holds all that was asked for");
}

#[test]
fn render_says_what_a_report_does_not_hold() {
    let outcome = bot().run();
    let output = render(&outcome, &["report.json", "--junit", "a.xml", "--junit-lex", "all"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("warning: the report does not hold every such utterance of Within"));
    assert!(outcome.file("a.xml").exists());
}

#[test]
fn render_refuses_what_is_no_report() {
    let outcome = bot().run();
    fs::write(outcome.file("other.json"), "{\"version\": 2}").unwrap();
    for (file, expected) in [
        ("missing.json", "failed to read the report missing.json: No such file"),
        ("suite.yaml", "it is no JSON report of callcheck"),
        ("other.json", "it is a report of version 2; this callcheck reads version 1"),
    ] {
        let output = render(&outcome, &[file, "--junit", "new.xml"]);
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected) && stderr.contains("hint:"), "{stderr}");
        assert!(!outcome.file("new.xml").exists());
    }
    let output = render(&outcome, &["report.json", "--junit", "report.json"]);
    assert_eq!(output.status.code(), Some(2), "no report takes the place of what it is made from");
    assert_eq!(outcome.json()["version"], 1);
}
