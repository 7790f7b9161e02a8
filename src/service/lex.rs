//! The Lex V2 Test Workbench over the real SDK.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_lexmodelsv2::Client;
use aws_sdk_lexmodelsv2::types::{
    BotAliasTestExecutionTarget, IntentLevelSlotResolutionTestResultItem, OverallTestResultItem,
    TestExecutionApiMode, TestExecutionModality, TestExecutionResultFilterBy,
    TestExecutionResultItems, TestExecutionStatus, TestExecutionTarget, TestResultMatchStatus,
    TestResultTypeFilter,
};
use aws_smithy_types::error::operation::BuildError;
use chrono::Utc;

use super::error::{misdirected, own_error, read, unreadable};
use super::time::took;
use super::{
    CallError, End, ErrorClass, Execution, Page, PageRequest, Pending, Phase, ResultKind, Row,
    Service, Snapshot, Started, Status,
};
use crate::outcome::Counts;
use crate::plan::{ApiMode, LexTarget, Modality, Target};

/// The largest page of ListTestExecutionResultItems (service model).
const PAGE_SIZE: i32 = 1000;

pub(super) struct Lex {
    client: Client,
}

impl Lex {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl Service for Lex {
    fn start(&self, target: Target, _client_token: String) -> Pending<Started> {
        const OPERATION: &str = "StartTestExecution";
        let client = self.client.clone();
        Box::pin(async move {
            let Target::Lex(target) = target else {
                return Err(misdirected(OPERATION));
            };
            let alias = bot_alias(&target).map_err(|error| unbuilt(OPERATION, &error))?;
            let reply = client
                .start_test_execution()
                .test_set_id(&target.test_set_id)
                .target(TestExecutionTarget::builder().bot_alias_target(alias).build())
                .api_mode(match target.api_mode {
                    ApiMode::NonStreaming => TestExecutionApiMode::NonStreaming,
                    ApiMode::Streaming => TestExecutionApiMode::Streaming,
                })
                .set_test_execution_modality(target.modality.map(|modality| match modality {
                    Modality::Text => TestExecutionModality::Text,
                    Modality::Audio => TestExecutionModality::Audio,
                }))
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            let execution_id = reply
                .test_execution_id
                .filter(|id| !id.is_empty())
                .ok_or_else(|| unreadable(OPERATION, "testExecutionId"))?;
            // The reply has no status; an execution begins as Pending.
            Ok(Started { execution_id, status: status(&TestExecutionStatus::Pending) })
        })
    }

    fn poll(&self, execution: Execution) -> Pending<Snapshot> {
        const OPERATION: &str = "DescribeTestExecution";
        let client = self.client.clone();
        Box::pin(async move {
            let reply = client
                .describe_test_execution()
                .test_execution_id(&execution.id)
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            let known = reply
                .test_execution_status
                .ok_or_else(|| unreadable(OPERATION, "testExecutionStatus"))?;
            let took =
                took(reply.creation_date_time.as_ref(), reply.last_updated_date_time.as_ref());
            Ok(Snapshot {
                status: status(&known),
                observations: None,
                failure_reasons: reply.failure_reasons.unwrap_or_default(),
                took,
            })
        })
    }

    fn stop(&self, _execution: Execution, _client_token: String) -> Pending<()> {
        Box::pin(async {
            Err(CallError {
                class: ErrorClass::Rejected,
                error: own_error("StopTestExecution", "Lex has no operation that stops one"),
            })
        })
    }

    fn results(&self, execution: Execution, page: PageRequest) -> Pending<Page> {
        const OPERATION: &str = "ListTestExecutionResultItems";
        let client = self.client.clone();
        Box::pin(async move {
            let filter = match page.kind {
                ResultKind::Overall => TestResultTypeFilter::OverallTestResults,
                ResultKind::Intents => TestResultTypeFilter::IntentClassificationTestResults,
                ResultKind::Slots => TestResultTypeFilter::SlotResolutionTestResults,
                ResultKind::Records => return Err(misdirected(OPERATION)),
            };
            let filter = TestExecutionResultFilterBy::builder()
                .result_type_filter(filter)
                .build()
                .map_err(|error| unbuilt(OPERATION, &error))?;
            let reply = client
                .list_test_execution_result_items()
                .test_execution_id(&execution.id)
                .result_filter_by(filter)
                .max_results(PAGE_SIZE)
                .set_next_token(page.next_token)
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            Ok(Page {
                rows: reply.test_execution_results.map(rows).unwrap_or_default(),
                next_token: reply.next_token.filter(|token| !token.is_empty()),
            })
        })
    }
}

fn bot_alias(target: &LexTarget) -> Result<BotAliasTestExecutionTarget, BuildError> {
    BotAliasTestExecutionTarget::builder()
        .bot_id(&target.bot_id)
        .bot_alias_id(&target.bot_alias_id)
        .locale_id(&target.locale_id)
        .build()
}

fn unbuilt(operation: &str, error: &BuildError) -> CallError {
    CallError { class: ErrorClass::Rejected, error: own_error(operation, &error.to_string()) }
}

fn status(status: &TestExecutionStatus) -> Status {
    let phase = match status {
        TestExecutionStatus::Pending | TestExecutionStatus::Waiting => Phase::Queued,
        TestExecutionStatus::Completed => Phase::Ended(End::Completed),
        TestExecutionStatus::Failed => Phase::Ended(End::Failed),
        TestExecutionStatus::Stopped => Phase::Ended(End::Stopped),
        _ => Phase::Running,
    };
    Status { word: status.as_str().to_owned(), phase }
}

fn rows(results: TestExecutionResultItems) -> Vec<Row> {
    let overall = results.overall_test_results.map(|all| all.items).unwrap_or_default();
    let intents = results.intent_classification_test_results.map(|all| all.items);
    let slots = results.intent_level_slot_resolution_test_results.map(|all| all.items);
    let intents = intents.unwrap_or_default().into_iter().map(|item| {
        let counts = item.result_counts.map_or_else(Counts::default, |counts| {
            tally(counts.total_result_count, &counts.intent_match_result_counts)
        });
        Row::Intent(item.intent_name, counts)
    });
    overall
        .into_iter()
        .flat_map(overall_rows)
        .chain(intents)
        .chain(slots.unwrap_or_default().into_iter().flat_map(slot_rows))
        .collect()
}

fn overall_rows(item: OverallTestResultItem) -> impl Iterator<Item = Row> {
    let end_to_end = tally(item.total_result_count, &item.end_to_end_result_counts);
    let speech = item.speech_transcription_result_counts;
    let speech = speech.map(|counts| Row::Speech(tally(item.total_result_count, &counts)));
    std::iter::once(Row::EndToEnd(end_to_end)).chain(speech)
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

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_status_not_known_yet_is_no_end() {
        assert_eq!(status(&TestExecutionStatus::from("Archiving")).phase, Phase::Running);
        assert_eq!(status(&TestExecutionStatus::Waiting).phase, Phase::Queued);
        assert_eq!(status(&TestExecutionStatus::Stopping).phase, Phase::Running);
    }
}
