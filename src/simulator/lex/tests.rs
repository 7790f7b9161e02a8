//! The Test Workbench in numbers: every call brings its time in milliseconds, and nothing sleeps.

use serde_json::{Value, json};

use super::*;
use crate::simulator::Scenario;

const REGION: &str = "eu-central-1";
const ALL: PageRequest = PageRequest { cursor: None, max: 1000 };
const TYPES: [ResultType; 5] = [
    ResultType::Overall,
    ResultType::Conversation,
    ResultType::Intent,
    ResultType::Slot,
    ResultType::Utterance,
];

/// The service of a `lex` section.
fn lex(section: &str) -> Lex {
    let scenario = Scenario::from_yaml(&format!("lex: {section}")).expect(section);
    Lex::new(scenario.lex, Ids::new(1), 0)
}

/// A call that runs `set`.
fn call(set: &str) -> Start {
    Start {
        test_set_id: set.to_owned(),
        bot_id: "BOT0000001".to_owned(),
        bot_alias_id: "TSTALIASID".to_owned(),
        locale_id: "en_US".to_owned(),
        api_mode: "NonStreaming".to_owned(),
        modality: None,
    }
}

/// Starts TESTSET001 and gives the execution's id.
fn start(lex: &mut Lex, now: u64) -> String {
    lex.start(now, REGION, call("TESTSET001")).unwrap().execution_id
}

fn status(lex: &mut Lex, now: u64, id: &str) -> String {
    lex.describe(now, REGION, id).unwrap().status
}

/// HTTP status and code, as a client sees an error.
fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (u16, String) {
    let error = result.unwrap_err();
    (error.status, error.code.into_owned())
}

/// A service with one execution that has ended with `results`, and its id.
fn with_results(results: &str) -> (Lex, String) {
    let mut lex = lex(&format!("{{default: {{status: Completed, results: {results}}}}}"));
    let id = start(&mut lex, 0);
    (lex, id)
}

/// All items of a type, over as many pages as it takes.
fn rows(lex: &mut Lex, id: &str, of: ResultType, only: Option<Match>) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), None);
    for _ in 0..100 {
        let page = PageRequest { cursor, max: 7 };
        let page = lex.results(9_000, REGION, id, of, only, page).unwrap();
        assert!(page.items.len() <= 7);
        rows.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return rows;
        }
    }
    panic!("the pages lead nowhere");
}

/// How many of `rows` have each result at `place`, as a count map without zeros.
fn counted(rows: &[&Value], place: &str) -> Value {
    let mut counts = json!({});
    for result in rows.iter().filter_map(|row| row.pointer(place)?.as_str()) {
        counts[result] = json!(counts[result].as_u64().unwrap_or(0) + 1);
    }
    counts
}

#[test]
fn the_same_start_twice_runs_the_set_twice() {
    let mut lex = lex("{}");
    let [one, other] = [start(&mut lex, 0), start(&mut lex, 0)];
    assert_ne!(one, other);
    assert_eq!(lex.ledger(0, 0).len(), 2);
    let regions: Vec<_> = lex.executions(0, "us-east-1", None, ALL).items;
    assert!(regions.is_empty(), "another Region knows nothing of them");
}

#[test]
fn an_execution_without_a_slot_is_pending_then_waiting_and_runs_when_one_ends() {
    let mut lex = lex("{limits: {concurrent: 1}, default: {status: Completed, after: 5s}}");
    let [first, second] = [start(&mut lex, 0), start(&mut lex, 0)];
    assert_eq!(status(&mut lex, 0, &first), "InProgress");
    for (now, shown) in [
        (0, "Pending"),
        (999, "Pending"),
        (1_000, "Waiting"),
        (4_999, "Waiting"),
        (5_000, "InProgress"),
        (10_000, "Completed"),
    ] {
        assert_eq!(status(&mut lex, now, &second), shown, "at {now}");
    }
    let shown = lex.describe(10_000, REGION, &second).unwrap();
    assert_eq!((shown.created, shown.updated), (0, 10_000));
}

#[test]
fn pending_for_is_time_before_in_progress() {
    let mut lex = lex("{default: {status: Completed, pending_for: 2s, after: 1s}}");
    let id = start(&mut lex, 0);
    for (now, shown) in [(1_999, "Pending"), (2_000, "InProgress"), (3_000, "Completed")] {
        assert_eq!(status(&mut lex, now, &id), shown);
    }
}

#[test]
fn failed_says_why_and_the_others_do_not() {
    let mut lex = lex("{test_sets: {TESTSET001: {runs: [\
                       {status: Failed, after: 1s, failure_reasons: [No such alias.]}, \
                       {status: Failed, after: 1s}, \
                       {status: Stopping, after: 1s, then: {status: Stopped, after: 1s}}]}}}");
    let [stated, made_up, stopped] = [0, 0, 0].map(|now| start(&mut lex, now));
    let mut reasons = |now, id: &str| lex.describe(now, REGION, id).unwrap().failure_reasons;
    assert_eq!(reasons(999, &stated), [""; 0]);
    assert_eq!(reasons(1_000, &stated), ["No such alias."]);
    assert_eq!(reasons(1_000, &made_up).len(), 1);
    assert_eq!(reasons(2_000, &stopped), [""; 0]);
    assert_eq!(status(&mut lex, 1_000, &stopped), "Stopping");
    assert_eq!(status(&mut lex, 2_000, &stopped), "Stopped");
}

#[test]
fn the_nth_start_does_the_nth_run_and_the_last_one_repeats() {
    let mut lex = lex("{test_sets: {TESTSET001: {runs: [{status: Failed}, {status: Completed}]}}}");
    let ids = [0, 0, 0].map(|now| start(&mut lex, now));
    let seen = ids.map(|id| status(&mut lex, 9_000, &id));
    assert_eq!(seen, ["Failed", "Completed", "Completed"]);
}

#[test]
fn a_set_that_is_not_ready_missing_or_denied_is_not_run() {
    let mut lex = lex("{test_sets: {NOTREADY01: {not_ready: true}, MISSING001: {missing: true}, \
                       DENIED0001: {denied: true}}}");
    for (set, status, code) in [
        ("NOTREADY01", 409, "ConflictException"),
        ("MISSING001", 404, "ResourceNotFoundException"),
        ("DENIED0001", 403, "AccessDeniedException"),
    ] {
        assert_eq!(refusal(lex.start(0, REGION, call(set))), (status, code.into()), "{set}");
    }
    assert!(lex.ledger(0, 0).is_empty());
    assert_eq!(lex.set("NOTREADY01").unwrap().status, "Importing");
    assert_eq!(lex.set("TESTSET001").unwrap().status, "Ready");
    assert_eq!(refusal(lex.set("MISSING001")).0, 404);
    let sets = lex.sets(REGION, None, ALL).items;
    let ids: Vec<&str> = sets.iter().map(|set| set.id.as_str()).collect();
    assert_eq!(ids, ["DENIED0001", "NOTREADY01"]);
}

#[test]
fn ids_are_ten_letters_or_digits_and_the_rest_of_a_start_is_checked_too() {
    let mut lex = lex("{}");
    let invalid = (400, "ValidationException".to_owned());
    for id in ["", "TESTSET01", "TESTSET0001", "TESTSET-01", "TESTSETé01"] {
        let starts = [
            call(id),
            Start { bot_id: id.into(), ..call("TESTSET001") },
            Start { bot_alias_id: id.into(), ..call("TESTSET001") },
        ];
        for start in starts {
            assert_eq!(refusal(lex.start(0, REGION, start)), invalid, "{id}");
        }
        assert_eq!(refusal(lex.describe(0, REGION, id)), invalid, "{id}");
        assert_eq!(refusal(lex.set(id)), invalid, "{id}");
    }
    for start in [
        Start { locale_id: String::new(), ..call("TESTSET001") },
        Start { api_mode: "Turbo".into(), ..call("TESTSET001") },
    ] {
        assert_eq!(refusal(lex.start(0, REGION, start)), invalid);
    }
    assert_eq!(refusal(lex.describe(0, REGION, "NOSUCHID01")).0, 404);
    assert!(lex.ledger(0, 0).is_empty());
}

#[test]
fn the_ids_of_executions_are_ids_of_lex_and_the_same_in_two_runs() {
    let ids = |count| {
        let mut lex = lex("{}");
        (0..count).map(|_| start(&mut lex, 0)).collect::<Vec<_>>()
    };
    assert_eq!(ids(50), ids(50));
    assert!(ids(50).iter().all(|id| check_id("id", id).is_ok()));
}

#[test]
fn the_list_is_newest_first_unless_sorted_and_does_not_shift_when_it_grows() {
    let mut lex = lex("{test_sets: {TESTSET001: {name: zebra}, TESTSET002: {name: ant}}}");
    let [first, second] = [start(&mut lex, 0), start(&mut lex, 1_000)];
    let third = lex.start(2_000, REGION, call("TESTSET002")).unwrap().execution_id;
    let mut list = |sort| -> Vec<String> {
        let page = lex.executions(2_000, REGION, sort, ALL);
        page.items.into_iter().map(|shown| shown.execution_id).collect()
    };
    assert_eq!(list(None), [&*third, &*second, &*first]);
    let by_time = Sort { by_name: false, descending: false };
    assert_eq!(list(Some(by_time)), [&*first, &*second, &*third]);
    let by_name = Sort { by_name: true, descending: false };
    assert_eq!(list(Some(by_name))[0], third);

    let one = PageRequest { cursor: None, max: 1 };
    let page = lex.executions(2_000, REGION, None, one);
    start(&mut lex, 3_000);
    let two = PageRequest { cursor: page.next, max: 2 };
    let page = lex.executions(3_000, REGION, None, two);
    let ids: Vec<&str> = page.items.iter().map(|shown| shown.execution_id.as_str()).collect();
    assert_eq!((ids, page.next), (vec![&*second, &*first], None));
}

#[test]
fn there_are_no_results_before_the_end_nor_where_it_failed() {
    let mut lex = lex("{test_sets: {TESTSET001: {runs: [\
                       {status: Completed, after: 4s}, {status: Failed, after: 4s}]}}}");
    let [completes, fails] = [start(&mut lex, 0), start(&mut lex, 0)];
    let mut count =
        |now, id: &str, of| lex.results(now, REGION, id, of, None, ALL).unwrap().items.len();
    for of in TYPES {
        assert_eq!(count(3_999, &completes, of), 0);
    }
    for of in TYPES {
        // There are no conversations in it.
        assert_eq!(count(4_000, &completes, of) > 0, of != ResultType::Conversation, "{of:?}");
        assert_eq!(count(4_000, &fails, of), 0);
    }
}

#[test]
fn the_overall_counts_are_those_of_the_scenario() {
    let (mut lex, id) = with_results(
        "{utterances: 500, matched: 454, execution_errors: 6, \
         multi_turn: {total: 10, matched: 7, execution_errors: 1}}",
    );
    assert_eq!(
        rows(&mut lex, &id, ResultType::Overall, None),
        [
            json!({
                "multiTurnConversation": false,
                "totalResultCount": 500,
                "endToEndResultCounts": {"Matched": 454, "Mismatched": 40, "ExecutionError": 6},
            }),
            json!({
                "multiTurnConversation": true,
                "totalResultCount": 10,
                "endToEndResultCounts": {"Matched": 7, "Mismatched": 2, "ExecutionError": 1},
            }),
        ]
    );
}

#[test]
fn counts_of_zero_are_left_out_when_asked_for() {
    let (mut lex, id) = with_results("{utterances: 5, omit_zero_counts: true}");
    let overall = rows(&mut lex, &id, ResultType::Overall, None);
    assert_eq!(overall[0]["endToEndResultCounts"], json!({"Matched": 5}));
    let (mut lex, id) = with_results("{utterances: 5}");
    let overall = rows(&mut lex, &id, ResultType::Overall, None);
    let counts = json!({"Matched": 5, "Mismatched": 0, "ExecutionError": 0});
    assert_eq!(overall[0]["endToEndResultCounts"], counts);
}

#[test]
fn the_rows_of_all_five_types_agree_with_the_counts() {
    let (mut lex, id) = with_results(
        "{utterances: 50, matched: 40, execution_errors: 2, omit_zero_counts: true, \
         intents: {Book: {total: 30, matched: 26, execution_errors: 2}, \
                   Cancel: {total: 20, matched: 18}}, \
         slots: {Book: {City: {total: 20, matched: 18}, Nights: {total: 10, matched: 9}}}, \
         multi_turn: {total: 8, matched: 5, execution_errors: 1}}",
    );
    let utterances = rows(&mut lex, &id, ResultType::Utterance, None);
    let numbers: Vec<u64> =
        utterances.iter().map(|row| row["recordNumber"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=50 + 8 * 3).collect::<Vec<u64>>());
    let (multi, single): (Vec<&Value>, Vec<&Value>) =
        utterances.iter().partition(|row| row.get("conversationId").is_some());

    let counts = json!({"Matched": 40, "Mismatched": 8, "ExecutionError": 2});
    assert_eq!(counted(&single, "/turnResult/user/endToEndResult"), counts);
    let overall = rows(&mut lex, &id, ResultType::Overall, None);
    assert_eq!(overall[0]["endToEndResultCounts"], counts);

    // By intent, of single turns and of conversations.
    for row in rows(&mut lex, &id, ResultType::Intent, None) {
        let of = if row["multiTurnConversation"] == true { &multi } else { &single };
        let name = &row["intentName"];
        let same = |row: &&&Value| {
            row.pointer("/turnResult/user/expectedOutput/intent/name") == Some(name)
        };
        let of: Vec<&Value> = of.iter().filter(same).copied().collect();
        let counts = &row["resultCounts"];
        assert_eq!(counts["totalResultCount"], of.len(), "{row}");
        let seen = counted(&of, "/turnResult/user/intentMatchResult");
        assert_eq!(counts["intentMatchResultCounts"], seen, "{row}");
    }

    // By slot: a slot resolved as expected where expected and actual values are the same.
    let slots = rows(&mut lex, &id, ResultType::Slot, None);
    assert_eq!(slots.len(), 1, "Cancel has no slots");
    for slot in slots[0]["slotResolutionResults"].as_array().unwrap() {
        let place = format!("intent/slots/{}", slot["slotName"].as_str().unwrap());
        let judged: Vec<bool> = single
            .iter()
            .filter_map(|row| {
                let value = |of: &str| row.pointer(&format!("/turnResult/user/{of}/{place}"));
                Some(Some(value("expectedOutput")?) == value("actualOutput"))
            })
            .collect();
        let matched = judged.iter().filter(|&&it| it).count();
        assert_eq!(slot["resultCounts"]["totalResultCount"], judged.len(), "{slot}");
        assert_eq!(slot["resultCounts"]["slotMatchResultCounts"]["Matched"], matched, "{slot}");
    }

    // By conversation, all and filtered.
    let conversations = rows(&mut lex, &id, ResultType::Conversation, None);
    let all: Vec<&Value> = conversations.iter().collect();
    let counts = json!({"Matched": 5, "Mismatched": 2, "ExecutionError": 1});
    assert_eq!(counted(&all, "/endToEndResult"), counts);
    assert_eq!(overall[1]["endToEndResultCounts"], counts);
    for only in [Match::Matched, Match::Mismatched, Match::ExecutionError] {
        let kept = rows(&mut lex, &id, ResultType::Conversation, Some(only));
        assert_eq!(counts[only.name()], kept.len());
        assert!(kept.iter().all(|row| row["endToEndResult"] == only.name()));
    }
    for (conversation, turns) in conversations.iter().zip(multi.chunks(3)) {
        let of_turn = "/turnResult/user/conversationLevelResult/endToEndResult";
        for turn in turns {
            assert_eq!(turn["conversationId"], conversation["conversationId"]);
        }
        assert_eq!(turns[0].pointer(of_turn), Some(&conversation["endToEndResult"]));
    }
}

#[test]
fn audio_has_transcription_results_and_text_has_none() {
    let mut lex = lex("{test_sets: {TESTSET001: {modality: Audio, runs: [{status: Completed, \
                       results: {utterances: 4, speech: {total: 4, matched: 3}}}]}}}");
    let id = start(&mut lex, 0);
    assert_eq!(lex.describe(0, REGION, &id).unwrap().start.modality, Some(Modality::Audio));
    let overall = rows(&mut lex, &id, ResultType::Overall, None);
    assert_eq!(overall[0]["speechTranscriptionResultCounts"]["Mismatched"], 1);
    let utterances = rows(&mut lex, &id, ResultType::Utterance, None);
    let all: Vec<&Value> = utterances.iter().collect();
    let heard = counted(&all, "/turnResult/user/speechTranscriptionResult");
    assert_eq!(heard, json!({"Matched": 3, "Mismatched": 1}));
    assert!(all[0].pointer("/turnResult/user/input/utteranceInput/audioInput").is_some());
    let (mut lex, id) = with_results("{utterances: 4}");
    let overall = rows(&mut lex, &id, ResultType::Overall, None);
    assert_eq!(overall[0].get("speechTranscriptionResultCounts"), None);
}

#[test]
fn empty_results_have_no_items_of_any_type() {
    let (mut lex, id) = with_results("{empty: true, multi_turn: {total: 5, matched: 5}}");
    for of in TYPES {
        assert!(rows(&mut lex, &id, of, None).is_empty(), "{of:?}");
    }
}

#[test]
fn the_last_page_of_200000_utterances_holds_the_last_ones() {
    let (mut lex, id) = with_results("{utterances: 200000, matched: 150000}");
    let mut page = |cursor| {
        let page = PageRequest { cursor, max: 1000 };
        lex.results(9_000, REGION, &id, ResultType::Utterance, None, page).unwrap()
    };
    assert_eq!(page(None).next, Some(1_000));
    let last = page(Some(199_000));
    assert_eq!((last.items.len(), last.next), (1_000, None));
    assert_eq!(last.items[999]["recordNumber"], 200_000);
}
