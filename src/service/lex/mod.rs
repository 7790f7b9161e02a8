//! The Lex V2 Test Workbench over the real SDK.

mod rows;

use aws_config::SdkConfig;
use aws_sdk_lexmodelsv2::Client;
use aws_sdk_lexmodelsv2::config::Builder;
use aws_sdk_lexmodelsv2::types::{
    BotAliasTestExecutionTarget, SortOrder, TestExecutionApiMode, TestExecutionModality,
    TestExecutionResultFilterBy, TestExecutionSortAttribute, TestExecutionSortBy,
    TestExecutionStatus, TestExecutionSummary, TestExecutionTarget, TestResultTypeFilter,
};
use aws_smithy_types::error::operation::BuildError;
use chrono::{DateTime, Utc};

use super::error::{misdirected, own_error, read, unreadable};
use super::reply::{Bounded, DateOf};
use super::time::{took, utc};
use super::{
    CallError, End, ErrorClass, Execution, Found, FoundExecution, ListRequest, Listing, Page,
    PageRequest, Pending, Phase, ResultKind, Service, Snapshot, Started, Status,
};
use crate::plan::{ApiMode, LexTarget, Modality, Target};

/// The largest page of ListTestExecutionResultItems (service model).
const PAGE_SIZE: i32 = 1000;

/// A page of ListTestExecutions, newest first: what is under way stands at its beginning. (The
/// model allows 1000; the list has no filter and grows with every run of the account.)
const LIST_SIZE: i32 = 100;

pub(super) struct Lex {
    client: Client,
}

impl Lex {
    pub(super) fn new(config: &SdkConfig) -> Self {
        let config = Builder::from(config).interceptor(Bounded).build();
        Self { client: Client::from_conf(config) }
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
                .api_mode(api_mode(target.api_mode))
                .set_test_execution_modality(target.modality.map(modality))
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
                ended_at: reply.last_updated_date_time.as_ref().and_then(utc),
                failure_reasons: reply.failure_reasons.unwrap_or_default(),
                took,
            })
        })
    }

    fn list(&self, request: ListRequest) -> Pending<Listing> {
        let client = self.client.clone();
        Box::pin(async move {
            let (listed, next_token, _) = list(client, &request).await?;
            let executions = listed.into_iter().filter_map(|listed| {
                Some((listed.test_execution_id?, status(&listed.test_execution_status?)))
            });
            Ok(Listing { executions: executions.collect(), next_token })
        })
    }

    fn look_up(&self, request: ListRequest) -> Pending<Found> {
        let client = self.client.clone();
        Box::pin(async move {
            let Target::Lex(target) = &request.target else {
                return Err(misdirected(LIST));
            };
            let (listed, next_token, date) = list(client, &request).await?;
            let listed = listed.into_iter().filter(|listed| is_of(listed, target));
            let executions = listed.filter_map(|listed| {
                Some(FoundExecution {
                    created_at: listed.creation_date_time.as_ref().and_then(utc),
                    id: listed.test_execution_id?,
                    // One without a status is one all the same.
                    status: status(
                        &listed.test_execution_status.unwrap_or(TestExecutionStatus::Pending),
                    ),
                })
            });
            Ok(Found { executions: executions.collect(), next_token, date })
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
                ResultKind::Conversations => TestResultTypeFilter::ConversationLevelTestResults,
                ResultKind::Turns => TestResultTypeFilter::UtteranceLevelResults,
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
                rows: reply.test_execution_results.map(rows::read).unwrap_or_default(),
                next_token: reply.next_token.filter(|token| !token.is_empty()),
            })
        })
    }
}

const LIST: &str = "ListTestExecutions";

/// One page of all executions, newest first, where the next begins, and AWS's clock. Pages after
/// the first that holds what began before `since` are left out: what they hold is older still.
async fn list(
    client: Client,
    request: &ListRequest,
) -> Result<(Vec<TestExecutionSummary>, Option<String>, Option<DateTime<Utc>>), CallError> {
    let newest_first = TestExecutionSortBy::builder()
        .attribute(TestExecutionSortAttribute::CreationDateTime)
        .order(SortOrder::Descending)
        .build()
        .map_err(|error| unbuilt(LIST, &error))?;
    let date = DateOf::default();
    let reply = client
        .list_test_executions()
        .sort_by(newest_first)
        .max_results(LIST_SIZE)
        .set_next_token(request.next_token.clone())
        .customize()
        .interceptor(date.clone())
        .send()
        .await
        .map_err(|error| read(LIST, &error, Utc::now()))?;
    let listed = reply.test_executions.unwrap_or_default();
    let created = listed.iter().filter_map(|listed| utc(listed.creation_date_time.as_ref()?));
    let older = created.min().is_some_and(|oldest| oldest < request.since);
    let next_token = reply.next_token.filter(|token| !token.is_empty() && !older);
    Ok((listed, next_token, date.get()))
}

/// Whether an execution could be one of a target. What AWS does not say of it does not tell them
/// apart.
fn is_of(listed: &TestExecutionSummary, target: &LexTarget) -> bool {
    let alias = listed.target.as_ref().and_then(|target| target.bot_alias_target.as_ref());
    let same = |known: Option<&str>, wanted: &str| known.is_none_or(|known| known == wanted);
    same(listed.test_set_id.as_deref(), &target.test_set_id)
        && same(alias.map(|alias| alias.bot_id.as_str()), &target.bot_id)
        && same(alias.map(|alias| alias.bot_alias_id.as_str()), &target.bot_alias_id)
        && same(alias.map(|alias| alias.locale_id.as_str()), &target.locale_id)
        && listed.api_mode.as_ref().is_none_or(|mode| *mode == api_mode(target.api_mode))
        && match (&listed.test_execution_modality, target.modality) {
            (Some(known), Some(wanted)) => *known == modality(wanted),
            _ => true,
        }
}

fn api_mode(mode: ApiMode) -> TestExecutionApiMode {
    match mode {
        ApiMode::NonStreaming => TestExecutionApiMode::NonStreaming,
        ApiMode::Streaming => TestExecutionApiMode::Streaming,
    }
}

fn modality(modality: Modality) -> TestExecutionModality {
    match modality {
        Modality::Text => TestExecutionModality::Text,
        Modality::Audio => TestExecutionModality::Audio,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_not_known_yet_is_no_end() {
        let phase = |known| status(&known).phase;
        assert_eq!(phase(TestExecutionStatus::from("Archiving")), Phase::Running);
        assert_eq!(phase(TestExecutionStatus::Waiting), Phase::Queued);
        assert_eq!(phase(TestExecutionStatus::Stopping), Phase::Running);
    }
}
