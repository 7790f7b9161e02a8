use aws_sdk_lexmodelsv2::types::{
    TestSetTurnResult, UserTurnInputSpecification, UserTurnIntentOutput,
};

use super::*;

#[test]
fn counts_left_out_are_zero_and_the_larger_total_is_taken() {
    use TestResultMatchStatus::{ExecutionError, Matched};
    let counts = HashMap::from([(Matched, 18)]);
    let expected = Counts { matched: 18, mismatched: 0, execution_errors: 0, total: 20 };
    assert_eq!(tally(20, &counts), expected);
    let counts = HashMap::from([
        (Matched, 18),
        (ExecutionError, 1),
        (TestResultMatchStatus::from("Skipped"), 5),
    ]);
    let expected = Counts { matched: 18, mismatched: 0, execution_errors: 1, total: 24 };
    assert_eq!(tally(0, &counts), expected);
}

fn intent(name: &str, slots: &[(&str, &str)]) -> UserTurnOutputSpecification {
    let slot = |value: &str| UserTurnSlotOutput::builder().value(value).build();
    let mut output = UserTurnIntentOutput::builder().name(name);
    for (name, value) in slots {
        output = output.slots(*name, slot(value));
    }
    UserTurnOutputSpecification::builder().intent(output.build().unwrap()).build()
}

fn row(turn: TestSetTurnResult) -> Turn {
    let item =
        UtteranceLevelTestResultItem::builder().record_number(7).turn_result(turn).build().unwrap();
    match turn_row(item) {
        Some(Row::Turn(turn)) => turn,
        other => panic!("{other:?}"),
    }
}

fn user(turn: aws_sdk_lexmodelsv2::types::builders::UserTurnResultBuilder) -> Turn {
    let input = UtteranceInputSpecification::builder().text_input("cancel it").build();
    let input = UserTurnInputSpecification::builder().utterance_input(input).build();
    row(TestSetTurnResult::builder().user(turn.input(input).build()).build())
}

#[test]
fn a_mismatch_says_what_was_expected_and_what_came() {
    let turn = user(
        UserTurnResult::builder()
            .end_to_end_result(TestResultMatchStatus::Mismatched)
            .intent_match_result(TestResultMatchStatus::Matched)
            .slot_match_result(TestResultMatchStatus::Mismatched)
            .expected_output(intent("Cancel", &[("City", "Lisbon"), ("Nights", "2")]))
            .actual_output(intent("Cancel", &[("City", "Boston")])),
    );
    assert_eq!((turn.record, turn.text.as_str()), (7, "cancel it"));
    assert_eq!(turn.result, Match::Mismatched);
    assert_eq!(turn.mismatches, ["slot"]);
    assert_eq!(turn.expected.to_string(), "Cancel (City=Lisbon, Nights=2)");
    assert_eq!(turn.actual.to_string(), "Cancel (City=Boston)");
}

#[test]
fn what_matched_keeps_its_intent_only() {
    let turn = user(
        UserTurnResult::builder()
            .end_to_end_result(TestResultMatchStatus::Matched)
            .expected_output(intent("Cancel", &[("City", "Lisbon")]))
            .actual_output(intent("Cancel", &[("City", "Lisbon")])),
    );
    assert_eq!(turn.expected.to_string(), "Cancel");
    assert!(turn.actual.is_empty());
}

#[test]
fn what_could_not_be_run_and_what_has_no_result_does_not_match() {
    let details = ExecutionErrorDetails::builder().error_code("E").error_message("m").build();
    let turn = user(UserTurnResult::builder().error_details(details.unwrap()));
    assert_eq!(turn.result, Match::ExecutionError);
    assert_eq!(turn.error.as_deref(), Some("E: m"));
    assert_eq!(user(UserTurnResult::builder()).result, Match::Mismatched);
    let unknown = TestResultMatchStatus::from("Skipped");
    assert_eq!(
        user(UserTurnResult::builder().end_to_end_result(unknown)).result,
        Match::Mismatched
    );
}

#[test]
fn a_turn_of_the_agent_matches_by_its_prompt() {
    let agent = |actual: Option<&str>| {
        let turn = AgentTurnResult::builder()
            .expected_agent_prompt("Which city?")
            .set_actual_agent_prompt(actual.map(str::to_owned))
            .build()
            .unwrap();
        row(TestSetTurnResult::builder().agent(turn).build())
    };
    assert_eq!(agent(Some("Which city?")).result, Match::Matched);
    assert_eq!(agent(None).result, Match::Mismatched, "it said nothing");
    let other = agent(Some("Sorry?"));
    assert_eq!((other.speaker, other.result), (Speaker::Agent, Match::Mismatched));
    assert_eq!(other.expected.to_string(), "\"Which city?\"");
    assert_eq!(other.actual.to_string(), "\"Sorry?\"");
}

#[test]
fn values_of_lists_and_of_composite_slots_are_all_there() {
    let value = |text: &str| UserTurnSlotOutput::builder().value(text).build();
    let list = UserTurnSlotOutput::builder().values(value("a")).values(value("b")).build();
    let composite = UserTurnSlotOutput::builder().sub_slots("Street", value("High St")).build();
    let mut values = BTreeMap::new();
    slot_values(&mut values, "Tags".to_owned(), list);
    slot_values(&mut values, "Address".to_owned(), composite);
    let expected = [("Address.Street", "High St"), ("Tags", "a + b")];
    assert!(values.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected));
}

#[test]
fn a_conversation_that_did_not_match_names_what_of_it_did_not() {
    use aws_sdk_lexmodelsv2::types::ConversationLevelIntentClassificationResultItem as Classified;
    let intent = |name: &str, status| {
        Classified::builder().intent_name(name).match_result(status).build().unwrap()
    };
    let item = |status| {
        ConversationLevelTestResultItem::builder()
            .conversation_id("c-1")
            .end_to_end_result(status)
            .intent_classification_results(intent("Book", TestResultMatchStatus::Mismatched))
            .intent_classification_results(intent("Greet", TestResultMatchStatus::Matched))
            .set_slot_resolution_results(Some(Vec::new()))
            .build()
            .unwrap()
    };
    let Some(Row::Conversation(row)) = conversation_row(item(TestResultMatchStatus::Mismatched))
    else {
        panic!("no conversation")
    };
    assert_eq!((row.id.as_str(), row.mismatches), ("c-1", vec!["intent Book".to_owned()]));
    assert_eq!(conversation_row(item(TestResultMatchStatus::Matched)), None);
}
