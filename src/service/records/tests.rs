use serde_json::json;

use super::*;
use crate::outcome::StepFailure;

/// Reads a record of this JSON.
fn record(value: Value) -> Record {
    read(Item { record: Some(&value.to_string()), ..Item::default() })
}

/// The event of an observation with these properties.
fn message(properties: Value) -> Option<StepEvent> {
    let event = json!({"Type": "MessageReceived", "Properties": properties});
    record(json!({"Identifier": "a", "Event": event})).step.unwrap().event
}

fn said(expected: Option<&str>, heard: Option<&str>) -> Option<StepEvent> {
    let [expected, heard] = [expected, heard].map(|text| text.map(str::to_owned));
    Some(StepEvent::Message(MessageEvent { expected, heard }))
}

#[test]
fn what_was_expected_and_heard_are_told_apart_and_a_lone_text_is_neither() {
    let both = json!({"ExpectedText": "press 1", "Text": "press one"});
    assert_eq!(message(both), said(Some("press 1"), Some("press one")));
    assert_eq!(
        message(json!({"Text": "press one"})),
        Some(StepEvent::Text { text: "press one".to_owned() })
    );
    assert_eq!(message(json!({"ExpectedText": "press 1"})), said(Some("press 1"), None));
    let nothing = json!({"ExpectedText": "press 1", "Text": ""});
    assert_eq!(message(nothing), said(Some("press 1"), Some("")));
    let unexpected = json!({"ExpectedText": "", "Text": "hello"});
    assert_eq!(message(unexpected), said(Some(""), Some("hello")));
    let prompt = json!({"ExpectedPromptId": "p-1", "Text": "hello"});
    assert_eq!(message(prompt), said(Some("p-1"), Some("hello")));
    assert_eq!(message(json!({})), said(None, None));
}

#[test]
fn an_older_form_has_what_was_heard_under_a_key_of_its_own() {
    let older = record(json!({
        "Type": "OBSERVATION",
        "Event": {"Type": "MESSAGE_RECEIVED", "Properties": {"Text": "Welcome"}},
        "ActualEvent": {"Properties": {"Text": "Goodbye"}},
    }));
    assert_eq!(older.step.unwrap().event, said(Some("Welcome"), Some("Goodbye")));
    // No other key makes a claim of a lone text.
    let lone = record(json!({
        "Event": {"Type": "MessageReceived", "Properties": {"Text": "Welcome"}},
        "ReceivedBy": "agent-1", "ActualParameters": {"Text": "x"}, "ObservedText": "y",
    }));
    assert_eq!(lone.step.unwrap().event, Some(StepEvent::Text { text: "Welcome".to_owned() }));
}

#[test]
fn a_failed_assert_is_read_with_the_value_that_there_was() {
    let assert = |actual: Value| {
        let expected =
            json!({"Namespace": "$.Queue.Name", "Operator": "Equals", "Operand": "Billing"});
        let action = json!({
            "Identifier": "check", "Type": "Assert", "Status": "FAILED",
            "ExpectedParameters": expected, "ActualParameters": actual,
        });
        record(json!({"Event": {}, "Actions": [action]})).step.unwrap().actions.remove(0)
    };
    let kind = |actual: Option<&str>| {
        ActionKind::Assert(Assertion {
            namespace: "$.Queue.Name".to_owned(),
            operator: Some("Equals".to_owned()),
            expected: Some("Billing".to_owned()),
            actual: actual.map(str::to_owned),
        })
    };
    let failed = assert(json!({"Namespace": "Sales", "Operand": "Billing"}));
    assert!(failed.has_failed());
    assert_eq!(failed.kind, kind(Some("Sales")));
    assert_eq!(assert(json!({"Namespace": 7})).kind, kind(Some("7")));
    assert_eq!(assert(json!({"Namespace": "$.Queue.Name"})).kind, kind(None), "not resolved");
    assert_eq!(assert(Value::Null).kind, kind(None));
    assert_eq!(assert(json!({"Namespace": null})).kind, kind(Some("null")));
}

#[test]
fn what_the_customer_and_the_flow_do_is_read() {
    let instruct = |kind: &str, properties: Value| {
        json!({"Type": "SendInstruction", "ExpectedParameters": {
            "ActionType": "SendInstruction",
            "Instruction": {"Type": kind, "Properties": properties}}})
    };
    let flow = json!({
        "Type": "FlowActionStarted",
        "Properties": {
            "ActionType": "TransferContactToQueue",
            "ActionParameters": {"QueueId": "q-1", "LexV2Bot": {"AliasArn": "arn:x"}},
        },
    });
    let step = record(json!({"Event": flow, "Actions": [
        instruct("DtmfInput", json!({"Value": "1"})),
        instruct("Utterance", json!({"Value": "billing please"})),
        instruct("Disconnect", json!({})),
        {"Type": "TestControl", "Parameters": {"ActionType": "TestControl", "Command": {"Type": "EndTest"}}},
        "nonsense",
    ]}))
    .step
    .unwrap();
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(
        step.event,
        Some(StepEvent::FlowAction(FlowActionEvent {
            action: "TransferContactToQueue".to_owned(),
            parameters: pairs(&[("QueueId", "q-1"), ("LexV2Bot.AliasArn", "arn:x")]),
        }))
    );
    let kinds: Vec<ActionKind> = step.actions.into_iter().map(|action| action.kind).collect();
    assert_eq!(
        kinds,
        [
            ActionKind::Press { keys: "1".to_owned() },
            ActionKind::Say { text: "billing please".to_owned() },
            ActionKind::HangUp,
            ActionKind::Other {
                name: "TestControl".to_owned(),
                parameters: pairs(&[("Command.Type", "EndTest")]),
            },
        ]
    );
}

#[test]
fn a_completion_is_known_by_its_content_and_is_no_step() {
    let read = record(json!({
        "CompletionReason": {
            "Type": "FAILURE", "FailureReasons": ["ASSERT_DATA"], "Message": "no"},
        "ExecutionSummary": {"ExecutionDurationMs": 25000, "FailedObservations": 0},
    }));
    assert_eq!(read.step, None);
    let completion = read.completion.unwrap();
    assert_eq!(completion.kind.as_deref(), Some("FAILURE"));
    assert_eq!(completion.reasons, ["ASSERT_DATA"]);
    assert_eq!(completion.message.as_deref(), Some("no"));
    assert_eq!(completion.duration_ms, Some(25_000));
}

#[test]
fn what_cannot_be_read_is_known_by_the_fields_beside_it() {
    let item = Item { observation_id: Some("o-1"), status: Some("FAILED"), ..Item::default() };
    for json in [None, Some(""), Some("no JSON"), Some("{\"Event\":")] {
        let read = read(Item { record: json, ..item });
        let step = read.step.unwrap();
        assert_eq!((step.id.as_deref(), step.failure()), (Some("o-1"), Some(StepFailure::Unknown)));
        assert_eq!(read.raw.as_deref(), json, "the text is kept as it came");
        let passed = Item { record: json, status: Some("PASSED"), ..item };
        assert_eq!(super::read(passed).step, None, "nothing to show");
    }
}

#[test]
fn contact_ids_are_found_wherever_they_stand() {
    let mut found = record(json!({
        "ContactId": "c-1", "a": [{"initial_contact_id": "c-2"}],
        "ContactIds": ["c-3"], "OtherContactId": 7, "ContactIdType": "VOICE",
        "Contact": {"Id": "c-4"}, "ContactArn": "arn:x/contact/c-5",
        "Text": "{\"ContactId\":\"c-6\"}", "Id": "no",
    }))
    .contact_ids;
    found.sort();
    assert_eq!(found, ["c-1", "c-2", "c-3", "c-4", "c-5", "c-6"]);
}

#[test]
fn the_id_of_a_contact_is_found_in_every_form() {
    const ID: &str = "9d9f6f2a-1111-4000-8000-000000000001";
    let assert = json!({"Type": "Assert",
        "ExpectedParameters": {"Namespace": "$.ContactId"},
        "ActualParameters": {"Namespace": ID}});
    for value in [
        json!({"Event": {}, "Actions": [assert]}),
        json!({"Arn": format!("arn:aws:connect:us-east-1:1:instance/i/contact/{ID}")}),
        json!({"Attributes": [{"Name": "ContactId", "Value": ID}]}),
        json!({"Contact": ID}),
        json!({"Text": format!(" [{{\"ContactId\": \"{ID}\"}}]")}),
    ] {
        assert!(record(value.clone()).contact_ids.iter().any(|id| id == ID), "{value}");
    }
    // In what cannot be read, any id may be one.
    let cut = format!("{{\"ContactId\":\"{ID}");
    assert_eq!(read(Item { record: Some(&cut), ..Item::default() }).contact_ids, [ID]);
}

#[test]
fn half_a_character_and_escapes_are_read() {
    let json = r#"{"Event":{"Properties":{"ExpectedText":"a\u002db","Text":"hi \ud83d"}}}"#;
    let read = read(Item { record: Some(json), ..Item::default() });
    assert_eq!(read.step.unwrap().event, said(Some("a-b"), Some("hi \u{fffd}")));
    let raw = read.raw.unwrap();
    assert!(raw.contains("a-b") && !raw.contains("u002d"), "an escape hides nothing: {raw}");
}

#[test]
fn an_observation_is_known_by_the_little_that_it_says() {
    let item = Item { observation_id: Some("o-1"), status: Some("FAILED"), ..Item::default() };
    let step = |json: &str, item: Item<'_>| read(Item { record: Some(json), ..item }).step;
    assert_eq!(step(r#"{"Identifier":"m"}"#, item).unwrap().id.as_deref(), Some("m"));
    assert_eq!(step("{}", item).unwrap().id.as_deref(), Some("o-1"));
    assert_eq!(
        step(r#"{"Identifier":"m","Status":"PASSED"}"#, Item::default()).unwrap().id.as_deref(),
        Some("m")
    );
    for other in [
        r#"{"Type":"HEARTBEAT","Identifier":"m"}"#,
        r#"{"CompletionReason":{"Type":"FAILURE"},"Event":{}}"#,
        r#"{"CompletionReason":"#,
    ] {
        assert_eq!(step(other, item), None, "{other}");
    }
    let prompt = message(json!({"ExpectedMatchCriteria": "Similarity", "Text": "hello"}));
    assert_eq!(prompt, Some(StepEvent::Text { text: "hello".to_owned() }));
}

#[test]
fn what_is_of_another_shape_is_no_error() {
    for json in ["[]", "7", "null", r#"{"CompletionReason":[1]}"#, r#"{"Event":7,"Actions":{}}"#] {
        let raw = Some(json.to_owned());
        let read = read(Item { record: Some(json), ..Item::default() });
        assert!(read.completion.is_none() && read.step.is_none_or(|it| it.event.is_none()));
        assert_eq!(read.raw, raw);
    }
    let long = "x".repeat(MAX_RECORD_CHARS + 1);
    let read = read(Item { record: Some(&long), ..Item::default() });
    assert_eq!(read.raw.unwrap().len(), MAX_RECORD_CHARS);
}
