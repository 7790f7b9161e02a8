//! What a scenario file may say, and how it is refused.

use super::*;
use crate::simulator::OPERATIONS;

/// The message of a text that is no scenario.
fn refused(text: &str) -> String {
    Scenario::from_yaml(text).expect_err(text).to_string()
}

#[test]
fn the_example_is_a_scenario_and_shows_each_kind_of_outcome() {
    let example = include_str!("../../../examples/scenario.yaml");
    let scenario = Scenario::from_yaml(example).unwrap();
    let case = |number: u32| {
        &scenario.connect.test_cases[&format!("11111111-0000-4000-8000-{number:012}")]
    };
    let last = |run: &ConnectRun| run.plan.steps.last().unwrap().status.clone();
    let of = |number| case(number).runs.iter().map(last).collect::<Vec<_>>();
    assert_eq!(of(1), ["PASSED"]);
    assert_eq!(of(2), ["FAILED"]);
    assert_eq!(of(3), ["FAILED", "PASSED"]);
    assert_eq!(of(4), ["FAILED"]);
    let results = scenario.lex.test_sets["TESTSET001"].runs[0].results.as_ref().unwrap();
    assert_eq!((results.single.total, results.single.mismatched()), (500, 46));
    let worst = results.intents.as_ref().unwrap().iter().max_by_key(|(_, it)| it.mismatched());
    assert_eq!(worst.unwrap().0, "CancelOrder");
    assert!(scenario.lex.test_sets.contains_key("TESTSET002"));
}

#[test]
fn the_faults_that_the_example_comments_out_are_faults() {
    let example = include_str!("../../../examples/scenario.yaml");
    let faults: Vec<&str> =
        example.lines().filter_map(|line| line.strip_prefix("#  - {")).collect();
    assert!(faults.len() >= 6, "{faults:?}");
    for fault in faults {
        Scenario::from_yaml(&format!("faults: [{{{fault}]")).expect(fault);
    }
}

#[test]
fn an_empty_file_is_the_default_and_the_default_has_the_limits_of_aws() {
    let scenario = Scenario::from_yaml("# nothing\n").unwrap();
    let limits = &scenario.connect.limits;
    assert_eq!((limits.concurrent, limits.queue, limits.max_duration), (5, 100, Millis(300_000)));
    assert_eq!((limits.requests_per_second, limits.burst), (2.0, 5));
    assert_eq!((scenario.speed, scenario.seed), (1.0, 1));
    assert!(scenario.connect.default.plan.ends && scenario.lex.default.completes());
}

#[test]
fn an_error_names_line_column_and_cause_each_once() {
    let error = Scenario::from_yaml("version: 1\nconnect:\n  limit: {}\n").unwrap_err();
    assert_eq!(error.place(), Some((3, 3)));
    assert_eq!(
        error.to_string(),
        "line 3, column 3: unknown field `limit`, expected one of limits, timestamps, end_token, \
         test_cases_named_by, record_type, record_form, stopped_type, full_queue, list_lag, default, unknown_test_cases, test_cases"
    );
}

#[test]
fn keys_that_are_not_known_are_refused_wherever_they_stand() {
    for text in [
        "sped: 2",
        "connect: {cases: {}}",
        "connect: {limits: {parallel: 5}}",
        "connect: {default: {status: PASSED, afer: 1s}}",
        "connect: {default: {status: X, then: {status: PASSED, in: 1s}}}",
        "connect: {default: {status: PASSED, completion: {kind: TIMEOUT}}}",
        "connect: {default: {status: PASSED, observations: [{id: a, status: PASSED, said: b}]}}",
        "connect: {test_cases: {a: {publish: false}}}",
        "lex: {sets: {}}",
        "lex: {limits: {queue: 5}}",
        "lex: {default: {status: Completed, initiated_for: 1s}}",
        "lex: {default: {status: Completed, results: {total: 5}}}",
        "lex: {default: {status: Completed, results: {intents: {a: {total: 1, match: 1}}}}}",
        "lex: {test_sets: {a: {ready: false}}}",
        "faults: [{operation: ListTestSets, every: true, fault: hang, probability: 1}]",
    ] {
        let message = refused(text);
        assert!(message.contains("unknown field") && message.starts_with("line 1"), "{message}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_with_the_reason() {
    for (text, reason) in [
        ("version: 2", "version 2 is not known"),
        ("speed: 0", "`speed` goes from 0.001"),
        ("speed: .nan", "`speed` goes from 0.001"),
        ("connect: {limits: {queue: 0}}", "at least 1"),
        ("connect: {limits: {requests_per_second: 0}}", "above 0"),
        ("connect: {list_lag: 5}", "a duration such as 250ms"),
        ("connect: {default: {status: ''}}", "a status cannot be empty"),
        ("connect: {default: {status: FAILED, then: {status: PASSED}}}", "nothing can come `then`"),
        (
            "connect: {default: {status: PASSED, initialization_failure: true}}",
            "FAILED and has no observations",
        ),
        (
            "lex: {default: {status: Completed, results: {utterances: 5, matched: 6}}}",
            "more than 5",
        ),
        (
            "connect: {default: {status: PASSED, observations: \
             [{id: a, status: PASSED, actions: [{press: '1', say: hello}]}]}}",
            "an action needs exactly one of `press`",
        ),
        (
            "connect: {default: {status: PASSED, observations: \
             [{id: a, status: PASSED, actions: [{assert: $.Queue.Name, actual: Sales}]}]}}",
            "an `assert` needs an `operand`",
        ),
        ("lex: {default: {status: Completed, results: {utterances: 200001}}}", "at most 200000"),
        (
            "lex: {default: {status: Completed, results: \
             {utterances: 199999, multi_turn: {total: 1, matched: 1}}}}",
            "at most 200000",
        ),
        ("speed: 1\nspeed: 2", "line 2, column 1: duplicate"),
        ("connect: [", "line 1"),
        ("just text", "line 1"),
    ] {
        let message = refused(text);
        assert!(message.contains(reason), "{text}: {message}");
    }
}

#[test]
fn a_fault_says_when_and_what() {
    for (fault, reason) in [
        ("{operation: StartTest, every: true, fault: hang}", "unknown operation `StartTest`"),
        ("{operation: ListTestSets, fault: hang}", "a fault has one of"),
        ("{operation: ListTestSets, every: true, rate: 0.5, fault: hang}", "a fault has one of"),
        ("{operation: ListTestSets, calls: [0], fault: hang}", "counted from 1"),
        ("{operation: ListTestSets, rate: 1.5, fault: hang}", "from 0 to 1"),
        ("{operation: ListTestSets, every: true}", "names what happens"),
        ("{operation: ListTestSets, every: true, fault: late}", "wants a `delay`"),
        ("{operation: ListTestSets, every: true, fault: hang, code: X}", "only an error"),
        ("{operation: ListTestSets, every: true, fault: error, status: 200}", "from 400 to 599"),
        ("{operation: StopTestCaseExecution, every: true, fault: empty_page}", "has no pages"),
    ] {
        let message = refused(&format!("faults: [{fault}]"));
        assert!(message.contains(reason), "{fault}: {message}");
    }
    for operation in OPERATIONS {
        let fault = format!("faults: [{{operation: {operation}, calls: [1], fault: throttle}}]");
        let fault = Scenario::from_yaml(&fault).unwrap().faults.remove(0);
        assert_eq!(fault.kind.name(), "throttle");
        assert_eq!(fault.when, When::Calls(vec![1]));
    }
}

#[test]
fn an_end_without_a_time_takes_a_moment_and_a_later_status_follows_at_once() {
    let run = |text: &str| {
        let text = format!("connect: {{default: {text}}}");
        Scenario::from_yaml(&text).unwrap().connect.default.plan
    };
    assert_eq!(run("{status: PASSED}").length(), Some(3_000));
    assert_eq!(run("{status: EVALUATING, then: {status: PASSED}}").length(), Some(0));
    assert_eq!(run("{status: PASSED, after: 7s, initiated_for: 2s}").held, 2_000);
    assert_eq!(run("{status: IN_PROGRESS}").length(), None);
}
