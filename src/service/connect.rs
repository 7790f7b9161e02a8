//! Amazon Connect's testing API over the real SDK.

use aws_config::SdkConfig;
use aws_sdk_connect::Client;
use aws_sdk_connect::config::Builder;
use aws_sdk_connect::types::{ExecutionRecord, ObservationSummary, TestCaseExecutionStatus};
use chrono::Utc;

use super::error::{misdirected, read, unreadable};
use super::reply::{Bounded, DateOf};
use super::time::{took, utc};
use super::{
    CallError, End, Execution, Found, FoundExecution, ListRequest, Listing, Page, PageRequest,
    Pending, Phase, Row, Service, Snapshot, Started, Status, records,
};
use crate::outcome::Observations;
use crate::plan::{ConnectTarget, Target};

/// The largest page of ListTestCaseExecutions and ListTestCaseExecutionRecords (service model).
const PAGE_SIZE: i32 = 100;

pub(super) struct Connect {
    client: Client,
}

impl Connect {
    pub(super) fn new(config: &SdkConfig) -> Self {
        let config = Builder::from(config).interceptor(Bounded).build();
        Self { client: Client::from_conf(config) }
    }
}

impl Service for Connect {
    fn start(&self, target: Target, client_token: String) -> Pending<Started> {
        const OPERATION: &str = "StartTestCaseExecution";
        let client = self.client.clone();
        Box::pin(async move {
            let target = connect_target(&target, OPERATION)?;
            let reply = client
                .start_test_case_execution()
                .instance_id(&target.instance.id)
                .test_case_id(&target.test_case_id)
                .client_token(client_token)
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            let execution_id = reply
                .test_case_execution_id
                .filter(|id| !id.is_empty())
                .ok_or_else(|| unreadable(OPERATION, "TestCaseExecutionId"))?;
            Ok(Started { execution_id, status: status(reply.status) })
        })
    }

    fn poll(&self, execution: Execution) -> Pending<Snapshot> {
        const OPERATION: &str = "GetTestCaseExecutionSummary";
        let client = self.client.clone();
        Box::pin(async move {
            let target = connect_target(&execution.target, OPERATION)?;
            let reply = client
                .get_test_case_execution_summary()
                .instance_id(&target.instance.id)
                .test_case_id(&target.test_case_id)
                .test_case_execution_id(&execution.id)
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            if reply.status.is_none() {
                return Err(unreadable(OPERATION, "Status"));
            }
            Ok(Snapshot {
                status: status(reply.status),
                observations: reply.observation_summary.as_ref().map(observations),
                failure_reasons: Vec::new(),
                took: took(reply.start_time.as_ref(), reply.end_time.as_ref()),
                ended_at: reply.end_time.as_ref().and_then(utc),
            })
        })
    }

    fn list(&self, request: ListRequest) -> Pending<Listing> {
        const OPERATION: &str = "ListTestCaseExecutions";
        let client = self.client.clone();
        Box::pin(async move {
            let target = connect_target(&request.target, OPERATION)?;
            // AWS runs five at a time, so that a list of those is one page however long the run is.
            let reply = client
                .list_test_case_executions()
                .instance_id(&target.instance.id)
                .status(TestCaseExecutionStatus::InProgress)
                .start_time(request.since.timestamp_millis())
                .max_results(PAGE_SIZE)
                .set_next_token(request.next_token)
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            let listed = reply.test_case_executions.unwrap_or_default().into_iter();
            let executions = listed.filter_map(|listed| {
                let known = Some(listed.test_case_execution_status?);
                Some((listed.test_case_execution_id?, status(known)))
            });
            Ok(Listing {
                executions: executions.collect(),
                next_token: reply.next_token.filter(|token| !token.is_empty()),
            })
        })
    }

    fn look_up(&self, request: ListRequest) -> Pending<Found> {
        const OPERATION: &str = "ListTestCaseExecutions";
        let client = self.client.clone();
        Box::pin(async move {
            let target = connect_target(&request.target, OPERATION)?;
            let date = DateOf::default();
            let reply = client
                .list_test_case_executions()
                .instance_id(&target.instance.id)
                .test_case_id(&target.test_case_id)
                .start_time(request.since.timestamp_millis())
                .max_results(PAGE_SIZE)
                .set_next_token(request.next_token)
                .customize()
                .interceptor(date.clone())
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            // AWS filters by test case. An execution of another one must not be taken for this one's.
            let same = |case: &Option<String>| {
                case.as_ref().is_none_or(|case| is_same_test_case(case, &target.test_case_id))
            };
            let listed = reply.test_case_executions.unwrap_or_default().into_iter();
            let executions =
                listed.filter(|listed| same(&listed.test_case_id)).filter_map(|listed| {
                    Some(FoundExecution {
                        id: listed.test_case_execution_id?,
                        created_at: listed.start_time.as_ref().and_then(utc),
                        status: status(listed.test_case_execution_status),
                    })
                });
            Ok(Found {
                executions: executions.collect(),
                next_token: reply.next_token.filter(|token| !token.is_empty()),
                date: date.get(),
            })
        })
    }

    fn stop(&self, execution: Execution, client_token: String) -> Pending<()> {
        const OPERATION: &str = "StopTestCaseExecution";
        let client = self.client.clone();
        Box::pin(async move {
            let target = connect_target(&execution.target, OPERATION)?;
            client
                .stop_test_case_execution()
                .instance_id(&target.instance.id)
                .test_case_id(&target.test_case_id)
                .test_case_execution_id(&execution.id)
                .client_token(client_token)
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            Ok(())
        })
    }

    fn results(&self, execution: Execution, page: PageRequest) -> Pending<Page> {
        const OPERATION: &str = "ListTestCaseExecutionRecords";
        let client = self.client.clone();
        Box::pin(async move {
            let target = connect_target(&execution.target, OPERATION)?;
            let reply = client
                .list_test_case_execution_records()
                .instance_id(&target.instance.id)
                .test_case_id(&target.test_case_id)
                .test_case_execution_id(&execution.id)
                .max_results(PAGE_SIZE)
                .set_next_token(page.next_token)
                .send()
                .await
                .map_err(|error| read(OPERATION, &error, Utc::now()))?;
            let rows = reply.execution_records.unwrap_or_default().into_iter().map(record);
            Ok(Page {
                rows: rows.collect(),
                next_token: reply.next_token.filter(|t| !t.is_empty()),
            })
        })
    }
}

fn connect_target<'t>(
    target: &'t Target,
    operation: &'static str,
) -> Result<&'t ConnectTarget, CallError> {
    match target {
        Target::Connect(target) => Ok(target),
        Target::Lex(_) => Err(misdirected(operation)),
    }
}

/// Whether AWS means the test case `id`, which it names by its id or by its ARN (AWS-FACTS.md).
fn is_same_test_case(named: &str, id: &str) -> bool {
    named.rsplit('/').next() == Some(id)
}

fn status(status: Option<TestCaseExecutionStatus>) -> Status {
    let word = status.as_ref().map_or("(no status)", TestCaseExecutionStatus::as_str).to_owned();
    let phase = match status {
        Some(TestCaseExecutionStatus::Initiated) | None => Phase::Queued,
        Some(TestCaseExecutionStatus::Passed) => Phase::Ended(End::Passed),
        Some(TestCaseExecutionStatus::Failed) => Phase::Ended(End::Failed),
        Some(TestCaseExecutionStatus::Stopped) => Phase::Ended(End::Stopped),
        Some(_) => Phase::Running,
    };
    Status { word, phase }
}

fn observations(summary: &ObservationSummary) -> Observations {
    let count = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
    Observations {
        total: count(summary.total_observations),
        passed: count(summary.observations_passed),
        failed: count(summary.observations_failed),
    }
}

fn record(record: ExecutionRecord) -> Row {
    Row::Record(records::read(records::Item {
        observation_id: record.observation_id.as_deref(),
        status: record.status.as_ref().map(|status| status.as_str()),
        at: record.timestamp.as_ref().and_then(utc),
        record: record.record.as_deref(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_the_test_case_of_its_last_segment() {
        let arn = "arn:aws:connect:us-east-1:111122223333:instance/i-1/test-case/c-1";
        assert!(is_same_test_case(arn, "c-1") && is_same_test_case("c-1", "c-1"));
        for other in ["i-1", "1", "test-case/c-1", ""] {
            assert!(!is_same_test_case(arn, other), "{other}");
        }
    }

    #[test]
    fn a_status_not_known_yet_is_no_end() {
        let unknown = status(Some(TestCaseExecutionStatus::from("REHEARSING")));
        assert_eq!(unknown, Status { word: "REHEARSING".into(), phase: Phase::Running });
        assert_eq!(status(Some(TestCaseExecutionStatus::Initiated)).phase, Phase::Queued);
    }
}
