//! What AWS says, and what a build makes of it.

use crate::harness::Story;

#[test]
fn all_passed_is_green() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"])
        .lex(&["{name: Booking, test_set_id: TESTSET001, expect: {end_to_end: 95%}}"])
        .run();
    outcome.exits(0);
    let junit = outcome.junit();
    assert_eq!((junit.tests, junit.failures, junit.errors, junit.skipped), (3, 0, 0, 0));
    assert_eq!(outcome.json()["conclusion"], "passed");
    assert!(outcome.stdout.contains("3 tests"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("3 passed"), "{}", outcome.stdout);
}

#[test]
fn failed_on_either_service_fails_the_build_in_the_right_case() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"])
        .lex(&[
            "{name: Booking, test_set_id: TESTSET001, expect: {end_to_end: 95%}}",
            "{name: Billing, test_set_id: TESTSET002, expect: {end_to_end: 95%}}",
        ])
        .services(
            "{c2: {runs: [{status: FAILED, after: 1s, observations: [
                {id: greet, status: PASSED}, {id: menu, status: FAILED, text: Welcome}]}]}}",
            "{TESTSET002: {runs: [{status: Failed, after: 1s,
                failure_reasons: [The bot alias has no version]}]}}",
            "[]",
        )
        .run();
    outcome.exits(1);
    assert_eq!(outcome.says("Menu"), "success");
    assert_eq!(outcome.says("Booking"), "success");
    let hours = outcome.says("Hours");
    assert!(hours.starts_with("failure ObservationFailed: menu: expected \"Welcome\""), "{hours}");
    assert!(hours.contains("1 of 2 observations failed"), "{hours}");
    let billing = outcome.says("Billing");
    assert!(billing.contains("failure"), "{billing}");
    assert!(billing.contains("The bot alias has no version"), "{billing}");
    assert_eq!(outcome.junit().failures, 2);
    assert_eq!(outcome.json()["conclusion"], "failed");
}

#[test]
fn no_verdict_is_an_error_and_the_others_go_on() {
    let outcome = Story::new()
        .connect(&[
            "{name: Stopped, test_case_id: c1}",
            "{name: Missing, test_case_id: c2}",
            "{name: Unpublished, test_case_id: c3}",
            "{name: Denied, test_case_id: c4}",
            "{name: Hanging, test_case_id: c5, timeout: 200ms}",
            "{name: Good, test_case_id: c6}",
        ])
        .services(
            "{c1: {runs: [{status: STOPPED, after: 1s}]}, c2: {missing: true},
              c3: {published: false}, c4: {denied: true}, c5: {runs: [{status: IN_PROGRESS}]}}",
            "{}",
            "[]",
        )
        .run();
    outcome.exits(3);
    assert_eq!(outcome.says("Good"), "success");
    assert!(outcome.says("Stopped").starts_with("error Stopped: stopped:"));
    for (name, code) in [
        ("Missing", "ResourceNotFoundException"),
        ("Unpublished", "InvalidRequestException"),
        ("Denied", "AccessDeniedException"),
    ] {
        let says = outcome.says(name);
        assert!(says.starts_with("error StartRejected: start-rejected:"), "{says}");
        assert!(says.contains(code), "{says}");
        assert!(says.contains("request id"), "{says}");
    }
    let hanging = outcome.says("Hanging");
    assert!(hanging.starts_with("error TimedOut:"), "{hanging}");
    assert!(hanging.contains("still IN_PROGRESS after its timeout of 200ms"), "{hanging}");
    assert_eq!(outcome.calls("StopTestCaseExecution"), 1, "what hangs is stopped");
    let hung = outcome.ledger.executions.iter().find(|e| e.test_case_id.as_deref() == Some("c5"));
    assert_eq!(hung.unwrap().status, "STOPPED");
    assert_eq!(outcome.junit().errors, 5);
    assert_eq!(outcome.json()["conclusion"], "incomplete");
}

#[test]
fn completed_below_what_is_expected_is_failed() {
    let outcome = Story::new()
        .lex(&[
            "{name: Below, test_set_id: TESTSET001, expect: {end_to_end: 95%}}",
            "{name: Within, test_set_id: TESTSET001, expect: {end_to_end: 90.8%, intent: 1%}}",
            "{name: Slots, test_set_id: TESTSET002, expect: {slot: 90%}}",
            "{name: Status alone, test_set_id: TESTSET001, expect: none}",
        ])
        .services(
            "{}",
            "{TESTSET001: {runs: [{status: Completed, after: 1s,
                results: {utterances: 500, matched: 454}}]},
              TESTSET002: {runs: [{status: Completed, after: 1s, results: {utterances: 10,
                matched: 10, intents: {Book: {total: 10, matched: 10}},
                slots: {Book: {City: {total: 10, matched: 8}}}}}]}}",
            "[]",
        )
        .run();
    outcome.exits(1);
    assert_eq!(
        outcome.says("Below"),
        "failure BelowExpectation: 46 of 500 utterances did not match \
         (90.8 %, expected at least 95 %); worst intent: BookHotel 90.8 %"
    );
    assert_eq!(outcome.says("Within"), "success");
    assert_eq!(outcome.says("Status alone"), "success");
    let slots = outcome.says("Slots");
    assert!(slots.contains("2 of 10 slots did not match (80 %"), "{slots}");
}

#[test]
fn a_set_without_results_is_never_a_pass() {
    let outcome = Story::new()
        .lex(&["{name: Empty, test_set_id: TESTSET001, expect: {end_to_end: 0%}}"])
        .services(
            "{}",
            "{TESTSET001: {runs: [{status: Completed, after: 1s, results: {empty: true}}]}}",
            "[]",
        )
        .run();
    outcome.exits(3);
    assert!(outcome.says("Empty").starts_with("error ResultsUnavailable:"));
}

#[test]
fn failed_and_without_verdict_together_are_failed_incomplete() {
    let outcome = Story::new()
        .connect(&["{name: Bad, test_case_id: c1}", "{name: Gone, test_case_id: c2}"])
        .services("{c1: {runs: [{status: FAILED, after: 1s}]}, c2: {missing: true}}", "{}", "[]")
        .run();
    outcome.exits(1);
    assert_eq!(outcome.json()["conclusion"], "failed-incomplete");
}

#[test]
fn what_does_not_block_is_told_and_does_not_fail_the_build() {
    let outcome = Story::new()
        .connect(&[
            "{name: Good, test_case_id: c1}",
            "{name: Known, test_case_id: c2, blocking: false}",
        ])
        .services("{c2: {runs: [{status: FAILED, after: 1s}]}}", "{}", "[]")
        .run();
    outcome.exits(0);
    assert!(outcome.says("Known").starts_with("skipped: failed (does not block):"));
    assert_eq!(outcome.result("Known")["gates"], false);
    assert!(outcome.stdout.contains("does not block"), "{}", outcome.stdout);
}

#[test]
fn a_retry_that_passes_is_flaky_and_gates_only_if_asked_to() {
    let story = || {
        Story::new().connect(&["{name: Shaky, test_case_id: c1, retries: 1}"]).services(
            "{c1: {runs: [{status: FAILED, after: 1s}, {status: PASSED, after: 1s}]}}",
            "{}",
            "[]",
        )
    };
    let outcome = story().run();
    outcome.exits(0);
    assert_eq!(outcome.says("Shaky"), "success");
    assert_eq!(outcome.result("Shaky")["flaky"], true);
    assert_eq!(outcome.result("Shaky")["attempts"].as_array().unwrap().len(), 2);
    let xml = std::fs::read_to_string(outcome.file("junit.xml")).unwrap();
    assert!(xml.contains("<flakyFailure"), "{xml}");

    let outcome = story().args(&["--fail-on-flaky"]).run();
    outcome.exits(1);
    assert!(outcome.says("Shaky").starts_with("failure Flaky:"), "{}", outcome.says("Shaky"));
}

#[test]
fn after_the_first_failure_fail_fast_starts_nothing_new() {
    let suite = "name: Story\nregion: us-east-1\nconnect:\n  instance_id: i\n  \
                 poll: {min: 20ms, max: 50ms}\n  \
                 limits: {requests_per_second: 1000, burst: 100, in_flight: 1}\n  test_cases:\n  \
                 - {name: One, test_case_id: c1}\n  - {name: Two, test_case_id: c2}\n";
    let outcome = Story::new()
        .suite(suite)
        .services("{c1: {runs: [{status: FAILED, after: 1s}]}}", "{}", "[]")
        .args(&["--fail-fast"])
        .run();
    outcome.exits(1);
    assert_eq!(outcome.calls("StartTestCaseExecution"), 1);
    assert!(outcome.says("Two").starts_with("skipped: not run:"), "{}", outcome.says("Two"));
}

#[test]
fn a_status_that_is_new_to_us_is_waited_through() {
    let outcome = Story::new()
        .connect(&["{name: New, test_case_id: c1}"])
        .services(
            "{c1: {runs: [{status: REHEARSING, after: 1s, then: {status: PASSED, after: 2s}}]}}",
            "{}",
            "[]",
        )
        .run();
    outcome.exits(0);
    assert!(outcome.stderr.contains("REHEARSING"), "{}", outcome.stderr);
}
