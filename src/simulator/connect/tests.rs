//! Amazon Connect in numbers: every call brings its time in milliseconds, and nothing sleeps.

use serde_json::{Value, json};

use super::*;
use crate::simulator::Scenario;

const REGION: &str = "eu-central-1";
const ALL: PageRequest = PageRequest { cursor: None, max: 100 };

/// The service of a `connect` section, and an instance of it.
fn connect(section: &str) -> (Connect, Place) {
    let scenario = Scenario::from_yaml(&format!("connect: {section}")).expect(section);
    (Connect::new(scenario.connect, Ids::new(1)), Place::new(REGION, "instance-1").unwrap())
}

/// A service whose test case `a` does `runs`.
fn that_runs(runs: &str) -> (Connect, Place) {
    connect(&format!("{{test_cases: {{a: {{runs: {runs}}}}}}}"))
}

/// Starts test case `case` without a token and gives the execution's id.
fn start(connect: &mut Connect, now: u64, place: &Place, case: &str) -> String {
    connect.start(now, place, case, None).unwrap().execution_id
}

fn status(connect: &mut Connect, now: u64, place: &Place, id: &str) -> String {
    connect.summary(now, place, "a", id).unwrap().status
}

/// The texts of all records, as JSON.
fn records(connect: &mut Connect, now: u64, place: &Place, id: &str) -> Vec<Value> {
    let page = connect.records(now, place, "a", id, None, ALL).unwrap();
    page.items.iter().map(|record| serde_json::from_str(&record.record).unwrap()).collect()
}

/// HTTP status and code, as a client sees an error.
fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (u16, String) {
    let error = result.unwrap_err();
    (error.status, error.code.into_owned())
}

#[test]
fn five_are_in_progress_and_the_sixth_stays_initiated_until_one_ends() {
    let (mut connect, place) = that_runs("[{status: PASSED, after: 10s}]");
    let ids: Vec<String> =
        (0..6).map(|nth| start(&mut connect, nth * 1_000, &place, "a")).collect();
    for id in &ids[..5] {
        assert_eq!(status(&mut connect, 9_999, &place, id), "IN_PROGRESS");
    }
    assert_eq!(status(&mut connect, 9_999, &place, &ids[5]), "INITIATED");
    assert_eq!(status(&mut connect, 10_000, &place, &ids[0]), "PASSED");
    assert_eq!(status(&mut connect, 10_000, &place, &ids[5]), "IN_PROGRESS");
    let sixth = connect.summary(20_000, &place, "a", &ids[5]).unwrap();
    assert_eq!((sixth.start, sixth.end), (5_000, Some(20_000)));
}

#[test]
fn the_queue_takes_100_with_those_that_run_and_the_101st_is_refused() {
    let (mut connect, place) = that_runs("[{status: PASSED, after: 10s}]");
    for _ in 0..100 {
        start(&mut connect, 0, &place, "a");
    }
    let full = (402, "ServiceQuotaExceededException".to_owned());
    assert_eq!(refusal(connect.start(9_999, &place, "a", None)), full);
    // The refused one left nothing behind, and five ends make room for five.
    let started = (0..6).filter(|_| connect.start(10_000, &place, "a", None).is_ok()).count();
    assert_eq!(started, 5);
    assert_eq!(connect.ledger(10_000, 0).len(), 105);
}

#[test]
fn each_instance_and_region_has_a_queue_of_its_own() {
    let (mut connect, place) = connect("{limits: {queue: 1}, default: {status: IN_PROGRESS}}");
    start(&mut connect, 0, &place, "a");
    assert!(connect.start(0, &place, "a", None).is_err());
    for (region, instance) in [(REGION, "instance-2"), ("us-east-1", "instance-1")] {
        let other = Place::new(region, instance).unwrap();
        assert!(connect.start(0, &other, "a", None).is_ok(), "{region} {instance}");
    }
}

#[test]
fn an_arn_and_its_id_are_one_instance() {
    let (mut connect, place) = connect("{}");
    let arn = format!("arn:aws:connect:{REGION}:111122223333:instance/instance-1");
    let by_arn = Place::new(REGION, &arn).unwrap();
    let id = start(&mut connect, 0, &by_arn, "a");
    assert_eq!(status(&mut connect, 0, &place, &id), "IN_PROGRESS");
    assert_eq!(refusal(Place::new("us-east-1", &arn)).0, 404);
    let long = "x".repeat(101);
    for wrong in ["", &long, "arn:aws:lex:eu-central-1:1:instance/a", "arn:aws:connect"] {
        assert_eq!(refusal(Place::new(REGION, wrong)).1, "InvalidParameterException", "{wrong}");
    }
}

#[test]
fn a_stop_ends_what_waits_and_what_runs_but_not_what_has_ended() {
    let (mut connect, place) =
        connect("{limits: {concurrent: 1}, default: {status: PASSED, after: 10s}}");
    let [runs, waits, next] = [0, 0, 0].map(|now| start(&mut connect, now, &place, "a"));
    connect.stop(1_000, &place, "a", &waits, None).unwrap();
    connect.stop(2_000, &place, "a", &runs, None).unwrap();
    for (id, end) in [(&runs, 2_000), (&waits, 1_000)] {
        let summary = connect.summary(2_000, &place, "a", id).unwrap();
        assert_eq!((summary.status.as_str(), summary.end), ("STOPPED", Some(end)));
    }
    assert_eq!(status(&mut connect, 2_000, &place, &next), "IN_PROGRESS");
    let ended = (400, "InvalidRequestException".to_owned());
    assert_eq!(refusal(connect.stop(3_000, &place, "a", &runs, None)), ended);
    assert_eq!(refusal(connect.stop(12_000, &place, "a", &next, None)), ended);
    assert_eq!(status(&mut connect, 12_000, &place, &next), "PASSED");
    let last = records(&mut connect, 12_000, &place, &runs).pop().unwrap();
    let message = "Test case execution stopped by user request";
    assert_eq!(last["CompletionReason"], json!({"Type": "TIMEOUT", "Message": message}));
}

#[test]
fn a_stop_with_the_same_token_is_one_stop() {
    let (mut connect, place) = connect("{}");
    let id = start(&mut connect, 0, &place, "a");
    connect.stop(100, &place, "a", &id, Some("token")).unwrap();
    connect.stop(200, &place, "a", &id, Some("token")).unwrap();
    assert!(connect.stop(300, &place, "a", &id, Some("another")).is_err());
    assert_eq!(connect.summary(300, &place, "a", &id).unwrap().end, Some(100));
}

#[test]
fn a_client_token_used_twice_gives_the_execution_that_it_began() {
    let (mut connect, place) = that_runs("[{status: FAILED, after: 1s}, {status: PASSED}]");
    let first = connect.start(0, &place, "a", Some("token")).unwrap();
    assert_eq!(first.status, "INITIATED");
    let again = connect.start(1_000, &place, "a", Some("token")).unwrap();
    assert_eq!((&again.execution_id, again.status.as_str()), (&first.execution_id, "FAILED"));
    assert_eq!(connect.ledger(1_000, 0).len(), 1);
    let other = connect.start(1_000, &place, "a", Some("other")).unwrap();
    assert_ne!(other.execution_id, first.execution_id);
    // No token, and an empty one, promise nothing.
    assert_ne!(start(&mut connect, 1_000, &place, "a"), start(&mut connect, 1_000, &place, "a"));
    let empty = [1, 2].map(|_| connect.start(1_000, &place, "a", Some("")).unwrap().execution_id);
    assert_ne!(empty[0], empty[1]);
}

#[test]
fn a_known_client_token_is_answered_even_when_the_queue_is_full() {
    let (mut connect, place) = connect("{limits: {queue: 1}}");
    let first = connect.start(0, &place, "a", Some("token")).unwrap();
    let again = connect.start(1, &place, "a", Some("token")).unwrap();
    assert_eq!(again.execution_id, first.execution_id);
}

#[test]
fn a_client_token_of_another_test_case_or_too_long_is_an_invalid_parameter() {
    let (mut connect, place) = connect("{}");
    connect.start(0, &place, "a", Some("token")).unwrap();
    let invalid = (400, "InvalidParameterException".to_owned());
    assert_eq!(refusal(connect.start(0, &place, "b", Some("token"))), invalid);
    let long = "t".repeat(501);
    assert_eq!(refusal(connect.start(0, &place, "a", Some(&long))), invalid);
    assert!(connect.start(0, &place, "a", Some(&long[..500])).is_ok());
}

#[test]
fn what_is_unpublished_missing_or_denied_is_not_started() {
    let (mut connect, place) =
        connect("{test_cases: {u: {published: false}, m: {missing: true}, d: {denied: true}}}");
    for (case, status, code) in [
        ("u", 400, "InvalidRequestException"),
        ("m", 404, "ResourceNotFoundException"),
        ("d", 403, "AccessDeniedException"),
        ("", 400, "InvalidParameterException"),
    ] {
        assert_eq!(refusal(connect.start(0, &place, case, None)), (status, code.into()), "{case}");
    }
    assert!(connect.ledger(0, 0).is_empty());
    let cases = connect.test_cases(&place, ALL).items;
    let shown: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.published)).collect();
    assert_eq!(shown, [("d", true), ("u", false)]);
}

#[test]
fn ids_that_are_not_named_exist_unless_the_scenario_says_otherwise() {
    let (mut lenient, place) = connect("{}");
    let id = start(&mut lenient, 0, &place, "anything");
    assert_eq!(lenient.summary(3_000, &place, "anything", &id).unwrap().status, "PASSED");
    let (mut strict, place) = connect("{unknown_test_cases: missing, test_cases: {a: {}}}");
    assert_eq!(refusal(strict.start(0, &place, "anything", None)).0, 404);
    assert!(strict.start(0, &place, "a", None).is_ok());
}

#[test]
fn the_nth_start_does_the_nth_run_and_the_last_one_repeats() {
    let (mut connect, place) =
        that_runs("[{status: FAILED, after: 1s}, {status: STOPPED, after: 1s}, {status: PASSED}]");
    let ids: Vec<String> = (0..5).map(|_| start(&mut connect, 0, &place, "a")).collect();
    let seen: Vec<String> = ids.iter().map(|id| status(&mut connect, 9_000, &place, id)).collect();
    assert_eq!(seen, ["FAILED", "STOPPED", "PASSED", "PASSED", "PASSED"]);
}

#[test]
fn a_status_that_no_sdk_knows_is_shown_and_then_the_end() {
    let (mut connect, place) =
        that_runs("[{status: EVALUATING, after: 2s, then: {status: PASSED, after: 3s}}]");
    let id = start(&mut connect, 0, &place, "a");
    for (now, shown) in [(0, "IN_PROGRESS"), (2_000, "EVALUATING"), (5_000, "PASSED")] {
        let summary = connect.summary(now, &place, "a", &id).unwrap();
        assert_eq!(summary.status, shown);
        assert_eq!(summary.end.is_some(), shown == "PASSED");
    }
}

#[test]
fn an_observation_shows_what_the_flow_and_the_customer_did_and_what_an_assert_found() {
    let (mut connect, place) = that_runs(
        "[{status: FAILED, after: 1s, not_reached: 2, observations: [\
         {id: menu, status: PASSED, text: press 1, seen: press one, actions: [\
         {press: '1'}, {say: hello}, {hang_up: true}]}, \
         {id: queue, status: FAILED, flow_action: {type: TransferContactToQueue, \
         parameters: {QueueId: q-1}}, actions: [{status: FAILED, assert: $.Queue.Name, \
         operand: Billing, actual: Sales}]}]}]",
    );
    let id = start(&mut connect, 0, &place, "a");
    let texts = records(&mut connect, 1_000, &place, &id);
    let message = json!({"ExpectedText": "press 1", "Text": "press one"});
    assert_eq!(texts[2]["Event"]["Properties"], message);
    let kinds: Vec<&Value> = texts[2]["Actions"].as_array().unwrap().iter().collect();
    let instructed =
        kinds.iter().map(|action| &action["ExpectedParameters"]["Instruction"]["Type"]);
    assert_eq!(instructed.collect::<Vec<_>>(), ["DtmfInput", "Utterance", "Disconnect"]);
    let flow = &texts[3]["Event"]["Properties"];
    assert_eq!(flow["ActionParameters"], json!({"QueueId": "q-1"}));
    let assert = &texts[3]["Actions"][0];
    assert_eq!(assert["ExpectedParameters"]["Namespace"], "$.Queue.Name");
    assert_eq!(assert["ActualParameters"]["Namespace"], "Sales", "the value itself");
    // As on a real account, the two counts disagree.
    assert_eq!(texts[4]["ExecutionSummary"]["FailedObservations"], 0);
    assert_eq!(texts[4]["CompletionReason"]["FailureReasons"], json!(["ASSERT_DATA"]));
    let tally = connect.summary(1_000, &place, "a", &id).unwrap().observations;
    assert_eq!(tally, Some(Tally { total: 4, passed: 1, failed: 1 }));
}

#[test]
fn each_form_of_records_can_be_had() {
    let observations = "[{id: a, status: FAILED, text: Hi., seen: Bye.}]";
    let run = format!("default: {{status: FAILED, after: 1s, observations: {observations}}}");
    let (mut plain, place) =
        connect(&format!("{{record_form: plain, stopped_type: STOPPED, {run}}}"));
    let id = start(&mut plain, 0, &place, "a");
    let text = records(&mut plain, 1_000, &place, &id).remove(2);
    assert_eq!(text["Event"]["Properties"], json!({"Text": "Hi."}));
    assert_eq!(text["ActualEvent"]["Properties"], json!({"Text": "Bye."}));
    let stopped = start(&mut plain, 1_000, &place, "a");
    plain.stop(1_100, &place, "a", &stopped, None).unwrap();
    let last = records(&mut plain, 1_200, &place, &stopped).pop().unwrap();
    assert_eq!(last["CompletionReason"]["Type"], "STOPPED");

    let raw = "[{ObservationId: o-1, Status: FAILED, Record: {Type: ODD}}, {Record: no JSON}]";
    let (mut raw, place) = that_runs(&format!("[{{status: FAILED, after: 1s, records: {raw}}}]"));
    let id = start(&mut raw, 0, &place, "a");
    let page = raw.records(1_000, &place, "a", &id, None, ALL).unwrap();
    let [first, second] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!((first.status.as_deref(), &*first.record), (Some("FAILED"), "{\"Type\":\"ODD\"}"));
    assert_eq!((&second.observation_id, &*second.record), (&None, "no JSON"));
}

#[test]
fn a_full_queue_may_be_a_limit_that_is_no_throttle() {
    let (mut connect, place) = connect("{full_queue: limit, limits: {queue: 1}}");
    start(&mut connect, 0, &place, "a");
    let full = (429, "LimitExceededException".to_owned());
    assert_eq!(refusal(connect.start(0, &place, "a", None)), full);
}

#[test]
fn a_run_that_hangs_is_not_cut_and_keeps_its_slot_until_it_is_stopped() {
    let (mut connect, place) = connect(
        "{limits: {concurrent: 1}, \
         test_cases: {a: {runs: [{status: IN_PROGRESS}, {status: PASSED}]}}}",
    );
    let hangs = start(&mut connect, 0, &place, "a");
    let behind = start(&mut connect, 0, &place, "a");
    let day = 86_400_000;
    assert_eq!(status(&mut connect, day, &place, &hangs), "IN_PROGRESS");
    assert_eq!(status(&mut connect, day, &place, &behind), "INITIATED");
    connect.stop(day, &place, "a", &hangs, None).unwrap();
    assert_eq!(status(&mut connect, day, &place, &behind), "IN_PROGRESS");
}

#[test]
fn an_initialization_failure_is_failed_without_observations_and_says_so_in_its_record() {
    let (mut connect, place) =
        that_runs("[{status: FAILED, initialization_failure: true, after: 2s}]");
    let id = start(&mut connect, 0, &place, "a");
    assert_eq!(status(&mut connect, 1_999, &place, &id), "INITIATED");
    let summary = connect.summary(2_000, &place, "a", &id).unwrap();
    assert_eq!(summary.status, "FAILED");
    assert_eq!(summary.observations, Some(Tally::default()));
    // Word for word what was seen on a real account.
    let message = "Failed to start execution of test case due to limit reached.";
    assert_eq!(
        records(&mut connect, 2_000, &place, &id),
        [json!({
            "Type": "COMPLETION",
            "CompletionReason": {
                "Type": "FAILURE",
                "FailureReasons": ["INITIALIZATION_FAILURE"],
                "Message": message,
            },
        })]
    );
    assert_eq!(connect.ledger(2_000, 0)[0].started_ms, None);
}

#[test]
fn a_simulation_is_cut_after_five_minutes_and_is_then_failed() {
    let (mut connect, place) = that_runs(
        "[{initiated_for: 1s, status: EVALUATING, after: 4m, then: {status: PASSED, after: 2m}}, \
         {status: PASSED, after: 5m}]",
    );
    let long = start(&mut connect, 0, &place, "a");
    let just = start(&mut connect, 0, &place, "a");
    assert_eq!(status(&mut connect, 300_999, &place, &long), "EVALUATING");
    assert_eq!(connect.summary(301_000, &place, "a", &long).unwrap().end, Some(301_000));
    assert_eq!(status(&mut connect, 301_000, &place, &long), "FAILED");
    assert_eq!(status(&mut connect, 301_000, &place, &just), "PASSED");
    let last = records(&mut connect, 301_000, &place, &long).pop().unwrap();
    assert_eq!(last["CompletionReason"]["Type"], "TIMEOUT");
}

#[test]
fn the_records_tell_the_run_in_its_order_and_agree_with_the_summary() {
    let (mut connect, place) = that_runs(
        "[{initiated_for: 1s, status: FAILED, after: 3s, observations: [\
         {id: hello, status: PASSED, text: Hi.}, {id: bye, status: FAILED}]}]",
    );
    let id = start(&mut connect, 0, &place, "a");
    assert_eq!(connect.summary(2_000, &place, "a", &id).unwrap().observations, None);
    let page = connect.records(4_000, &place, "a", &id, None, ALL).unwrap();
    let times: Vec<u64> = page.items.iter().map(|record| record.at).collect();
    assert_eq!(times, [0, 1_000, 2_000, 3_000, 4_000]);
    let texts = records(&mut connect, 4_000, &place, &id);
    let kinds: Vec<&str> = texts.iter().map(|text| text["Type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["INITIATION", "EXECUTION_START", "OBSERVATION", "OBSERVATION", "COMPLETION"]
    );
    let heard = json!({"ExpectedText": "Hi.", "Text": "Hi."});
    assert_eq!(texts[2]["Event"]["Properties"], heard);
    let summary = json!({"ExecutionDurationMs": 3_000, "FailedObservations": 1});
    assert_eq!(texts[4]["ExecutionSummary"], summary);
    let reason = json!({"Type": "FAILURE", "FailureReasons": ["OBSERVE_EVENT"]});
    assert_eq!(texts[4]["CompletionReason"], reason);
    let tally = connect.summary(4_000, &place, "a", &id).unwrap().observations;
    assert_eq!(tally, Some(Tally { total: 2, passed: 1, failed: 1 }));
    let failed = connect.records(4_000, &place, "a", &id, Some("FAILED"), ALL).unwrap();
    assert_eq!(failed.items.len(), 2, "the observation and the completion");
    assert_eq!(refusal(connect.records(0, &place, "a", &id, Some("RED"), ALL)).0, 400);
}

#[test]
fn records_come_up_to_the_moment_of_the_call_and_none_after_a_stop() {
    let (mut connect, place) = that_runs("[{status: PASSED, after: 9s}]");
    let id = start(&mut connect, 0, &place, "a");
    assert_eq!(records(&mut connect, 3_500, &place, &id).len(), 3, "one of two observations");
    connect.stop(4_000, &place, "a", &id, None).unwrap();
    let texts = records(&mut connect, 9_000, &place, &id);
    assert_eq!(texts.len(), 4);
    assert_eq!(texts[3]["Type"], "COMPLETION");
    let tally = connect.summary(9_000, &place, "a", &id).unwrap().observations;
    assert_eq!(tally, Some(Tally { total: 1, passed: 1, failed: 0 }));
}

#[test]
fn what_the_scenario_says_of_the_completion_is_what_the_record_says() {
    let (mut connect, place) = that_runs(
        "[{status: PASSED, after: 1s, \
         completion: {type: TIMEOUT, failure_reasons: [ODD], message: All the same.}}]",
    );
    let id = start(&mut connect, 0, &place, "a");
    let last = records(&mut connect, 1_000, &place, &id).pop().unwrap();
    assert_eq!(
        last["CompletionReason"],
        json!({"Type": "TIMEOUT", "FailureReasons": ["ODD"], "Message": "All the same."})
    );
}

#[test]
fn an_execution_is_found_only_under_its_own_test_case_and_instance() {
    let (mut connect, place) = connect("{}");
    let id = start(&mut connect, 0, &place, "a");
    let elsewhere = Place::new(REGION, "instance-2").unwrap();
    assert_eq!(refusal(connect.summary(0, &place, "b", &id)).0, 404);
    assert_eq!(refusal(connect.summary(0, &elsewhere, "a", &id)).0, 404);
    assert_eq!(refusal(connect.summary(0, &place, "a", "no-such-id")).0, 404);
    assert_eq!(refusal(connect.stop(0, &elsewhere, "a", &id, None)).0, 404);
    assert_eq!(status(&mut connect, 0, &place, &id), "IN_PROGRESS");
}

/// The ids that a filter finds at `now`.
fn found(connect: &mut Connect, now: u64, place: &Place, filter: Filter) -> Vec<String> {
    let page = connect.executions(now, place, &filter, ALL).unwrap();
    page.items.into_iter().map(|summary| summary.execution_id).collect()
}

#[test]
fn the_list_shows_the_newest_first_and_keeps_to_its_filters() {
    let (mut connect, place) =
        connect("{test_cases: {b: {name: Bee, runs: [{status: FAILED, after: 1s}]}}}");
    let ids = [(0, "a"), (1_000, "b"), (2_000, "a")]
        .map(|(now, case)| start(&mut connect, now, &place, case));
    let [first, second, third] = ids;
    let mut list = |filter| found(&mut connect, 2_500, &place, filter);
    let text = |value: &str| Some(value.to_owned());
    assert_eq!(list(Filter::default()), [&*third, &*second, &*first]);
    let filter = Filter { test_case_id: text("a"), ..Filter::default() };
    assert_eq!(list(filter), [&*third, &*first]);
    let filter = Filter { test_case_name: text("Bee"), ..Filter::default() };
    assert_eq!(list(filter), [&*second]);
    let filter = Filter { status: text("FAILED"), ..Filter::default() };
    assert_eq!(list(filter), [&*second]);
    let filter = Filter { start: Some(1_000), end: Some(2_000), ..Filter::default() };
    assert_eq!(list(filter), [&*second], "from the start on, and before the end");
    let filter = Filter { test_case_id: text("a"), status: text("FAILED"), ..Filter::default() };
    assert_eq!(list(filter), [""; 0]);
    let filter = Filter { status: text("QUEUED"), ..Filter::default() };
    assert_eq!(refusal(connect.executions(0, &place, &filter, ALL)).0, 400);
}

#[test]
fn pages_neither_lose_nor_repeat_an_execution_though_the_list_grows_and_statuses_move() {
    let (mut connect, place) = connect("{limits: {concurrent: 50}}");
    let mut want: Vec<String> = (0..10).map(|_| start(&mut connect, 0, &place, "a")).collect();
    want.reverse();
    let filter = Filter { status: Some("IN_PROGRESS".into()), ..Filter::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    for nth in 1..=4 {
        let page = PageRequest { cursor, max: 3 };
        let page = connect.executions(100, &place, &filter, page).unwrap();
        seen.extend(page.items.into_iter().map(|summary| summary.execution_id));
        cursor = page.next;
        assert_eq!(cursor.is_some(), nth < 4, "page {nth}");
        // Between two pages one more comes, and the one that the token names leaves the filter.
        start(&mut connect, 100, &place, "a");
        connect.stop(100, &place, "a", seen.last().unwrap(), None).unwrap();
    }
    assert_eq!(seen, want);
}

#[test]
fn an_execution_appears_in_the_list_only_after_the_lag() {
    let (mut connect, place) = connect("{list_lag: 2s}");
    let id = start(&mut connect, 1_000, &place, "a");
    assert_eq!(found(&mut connect, 2_999, &place, Filter::default()), [""; 0]);
    assert_eq!(found(&mut connect, 3_000, &place, Filter::default()), [&*id]);
    assert_eq!(status(&mut connect, 1_000, &place, &id), "IN_PROGRESS", "its summary has no lag");
}
