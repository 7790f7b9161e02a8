//! The items of ListTestExecutionResultItems as rows: one of five types fills a page.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_lexmodelsv2::types::{
    AgentTurnResult, ConversationLevelTestResultItem, ExecutionErrorDetails,
    IntentClassificationTestResultItem, IntentLevelSlotResolutionTestResultItem,
    OverallTestResultItem, TestExecutionResultItems, TestResultMatchStatus,
    UserTurnOutputSpecification, UserTurnResult, UserTurnSlotOutput, UtteranceInputSpecification,
    UtteranceLevelTestResultItem,
};

use crate::outcome::{Conversation, Counts, Match, Said, Speaker, Turn};
use crate::service::Row;

/// The rows of a page.
pub(super) fn read(page: TestExecutionResultItems) -> Vec<Row> {
    let overall = page.overall_test_results.map(|all| all.items).unwrap_or_default();
    let intents = page.intent_classification_test_results.map(|all| all.items);
    let slots = page.intent_level_slot_resolution_test_results.map(|all| all.items);
    let conversations = page.conversation_level_test_results.map(|all| all.items);
    let turns = page.utterance_level_test_results.map(|all| all.items);
    overall
        .into_iter()
        .flat_map(overall_rows)
        .chain(intents.unwrap_or_default().into_iter().map(intent_row))
        .chain(slots.unwrap_or_default().into_iter().flat_map(slot_rows))
        .chain(conversations.unwrap_or_default().into_iter().filter_map(conversation_row))
        .chain(turns.unwrap_or_default().into_iter().filter_map(turn_row))
        .collect()
}

fn overall_rows(item: OverallTestResultItem) -> impl Iterator<Item = Row> {
    let counts = tally(item.total_result_count, &item.end_to_end_result_counts);
    let speech = item.speech_transcription_result_counts;
    let speech = speech.map(|counts| Row::Speech(tally(item.total_result_count, &counts)));
    let end_to_end = Row::EndToEnd { counts, multi_turn: item.multi_turn_conversation };
    std::iter::once(end_to_end).chain(speech)
}

fn intent_row(item: IntentClassificationTestResultItem) -> Row {
    let counts = item.result_counts.map_or_else(Counts::default, |counts| {
        tally(counts.total_result_count, &counts.intent_match_result_counts)
    });
    Row::Intent(item.intent_name, counts)
}

fn slot_rows(item: IntentLevelSlotResolutionTestResultItem) -> impl Iterator<Item = Row> {
    let intent = item.intent_name;
    item.slot_resolution_results.into_iter().map(move |slot| {
        let counts = slot.result_counts.map_or_else(Counts::default, |counts| {
            tally(counts.total_result_count, &counts.slot_match_result_counts)
        });
        Row::Slot(format!("{intent}.{}", slot.slot_name), counts)
    })
}

/// A count map may leave out a status, which is then 0; a status not known yet does not match.
fn tally(total: i32, counts: &HashMap<TestResultMatchStatus, i32>) -> Counts {
    let count = |value: i32| u64::try_from(value).unwrap_or(0);
    let of = |status| counts.get(&status).copied().map_or(0, count);
    let sum = counts.values().copied().map(count).sum();
    Counts {
        matched: of(TestResultMatchStatus::Matched),
        mismatched: of(TestResultMatchStatus::Mismatched),
        execution_errors: of(TestResultMatchStatus::ExecutionError),
        total: count(total).max(sum),
    }
}

fn result(status: &TestResultMatchStatus) -> Match {
    match status {
        TestResultMatchStatus::Matched => Match::Matched,
        TestResultMatchStatus::ExecutionError => Match::ExecutionError,
        _ => Match::Mismatched,
    }
}

/// A conversation that did not match; what of it did not, by name.
fn conversation_row(item: ConversationLevelTestResultItem) -> Option<Row> {
    let end_to_end = result(&item.end_to_end_result);
    if end_to_end == Match::Matched {
        return None;
    }
    let missed = |status: &TestResultMatchStatus| result(status) != Match::Matched;
    let intents = item.intent_classification_results.into_iter();
    let intents = intents.filter(|it| missed(&it.match_result));
    let slots = item.slot_resolution_results.into_iter().filter(|it| missed(&it.match_result));
    let speech = item.speech_transcription_result.filter(|status| missed(status));
    let mismatches = intents
        .map(|it| format!("intent {}", it.intent_name))
        .chain(slots.map(|it| format!("slot {}.{}", it.intent_name, it.slot_name)))
        .chain(speech.map(|_| "speech".to_owned()));
    Some(Row::Conversation(Conversation {
        id: item.conversation_id,
        result: end_to_end,
        mismatches: mismatches.collect(),
    }))
}

fn turn_row(item: UtteranceLevelTestResultItem) -> Option<Row> {
    let turn = item.turn_result?;
    let record = u64::try_from(item.record_number).unwrap_or(0);
    let conversation_id = item.conversation_id;
    let user = turn.user.map(|user| user_turn(record, conversation_id.clone(), user));
    let agent = || turn.agent.map(|agent| agent_turn(record, conversation_id, agent));
    user.or_else(agent).map(Row::Turn)
}

fn user_turn(record: u64, conversation_id: Option<String>, turn: UserTurnResult) -> Turn {
    // A turn that could not be run has no result of its own.
    let own = turn.end_to_end_result.as_ref().map(result);
    let result_of_turn = own.unwrap_or(match turn.error_details {
        Some(_) => Match::ExecutionError,
        None => Match::Mismatched,
    });
    let text = turn.input.and_then(|input| input.utterance_input).map(said).unwrap_or_default();
    let mut row = Turn {
        record,
        conversation_id,
        speaker: Speaker::User,
        result: result_of_turn,
        text,
        mismatches: Vec::new(),
        expected: Said::default(),
        actual: Said::default(),
        error: turn.error_details.map(error),
    };
    if result_of_turn == Match::Matched {
        let intent = turn.expected_output.and_then(|output| output.intent);
        row.expected.intent = intent.map(|intent| intent.name);
        return row;
    }
    let parts = [
        ("intent", turn.intent_match_result),
        ("slot", turn.slot_match_result),
        ("speech", turn.speech_transcription_result),
    ];
    let missed = parts.into_iter().filter(|(_, status)| {
        status.as_ref().is_some_and(|status| result(status) != Match::Matched)
    });
    row.mismatches = missed.map(|(part, _)| part.to_owned()).collect();
    row.expected = turn.expected_output.map(output).unwrap_or_default();
    row.actual = turn.actual_output.map(output).unwrap_or_default();
    row
}

/// AWS gives turns of the agent no result: one whose prompt is not the expected one has mismatched.
fn agent_turn(record: u64, conversation_id: Option<String>, turn: AgentTurnResult) -> Turn {
    let expected = turn.expected_agent_prompt;
    // Silence is not what is expected, either.
    let other = turn.actual_agent_prompt.as_ref() != Some(&expected);
    let result = match (&turn.error_details, other) {
        (Some(_), _) => Match::ExecutionError,
        (None, true) => Match::Mismatched,
        (None, false) => Match::Matched,
    };
    let prompted = (result != Match::Matched).then(|| expected.clone());
    let actual = Said {
        intent: turn.actual_intent,
        slots: turn
            .actual_elicited_slot
            .map(|slot| ("elicited".to_owned(), slot))
            .into_iter()
            .collect(),
        prompt: turn.actual_agent_prompt,
        transcript: None,
    };
    Turn {
        record,
        conversation_id,
        speaker: Speaker::Agent,
        result,
        text: expected,
        mismatches: if other { vec!["prompt".to_owned()] } else { Vec::new() },
        expected: Said { prompt: prompted, ..Said::default() },
        actual: if result == Match::Matched { Said::default() } else { actual },
        error: turn.error_details.map(error),
    }
}

/// What was said; of audio, where it lies.
fn said(input: UtteranceInputSpecification) -> String {
    let audio = input.audio_input.map(|audio| audio.audio_file_s3_location);
    input.text_input.or(audio).unwrap_or_default()
}

fn error(details: ExecutionErrorDetails) -> String {
    format!("{}: {}", details.error_code, details.error_message)
}

fn output(output: UserTurnOutputSpecification) -> Said {
    let (intent, slots) = match output.intent {
        Some(intent) => (Some(intent.name), intent.slots.unwrap_or_default()),
        None => (None, HashMap::new()),
    };
    let mut values = BTreeMap::new();
    for (name, slot) in slots {
        slot_values(&mut values, name, slot);
    }
    Said { intent, slots: values, prompt: None, transcript: output.transcript }
}

/// The values of a slot: of a list, one after the other; of a composite slot, under their own
/// names.
fn slot_values(into: &mut BTreeMap<String, String>, name: String, slot: UserTurnSlotOutput) {
    let listed = slot.values.unwrap_or_default().into_iter().filter_map(|value| value.value);
    let values: Vec<String> = slot.value.into_iter().chain(listed).collect();
    for (sub_name, sub_slot) in slot.sub_slots.unwrap_or_default() {
        slot_values(into, format!("{name}.{sub_name}"), sub_slot);
    }
    if !values.is_empty() {
        into.insert(name, values.join(" + "));
    }
}

#[cfg(test)]
mod tests;
