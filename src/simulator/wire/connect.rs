//! Amazon Connect's operations: members in, members out, as the service model spells them.

use serde_json::{Value, json};

use super::http::{self, Asked};
use super::state::Done;
use crate::simulator::api::{ApiError, Page, PageRequest};
use crate::simulator::connect::{Connect, Filter, Place, Record, Summary, TestCaseSummary};
use crate::simulator::scenario::{ConnectScenario, EndToken, NamedBy, Timestamps};

/// The largest page of a list, but for test cases (service model).
const PAGE: usize = 100;

/// The largest page of test cases (service model).
const PAGE_OF_CASES: usize = 1000;

/// How this service writes what services have been seen to write in more than one way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    timestamps: Timestamps,
    end_token: EndToken,
    named_by: NamedBy,
    record_type: bool,
}

impl Form {
    pub(super) fn of(scenario: &ConnectScenario) -> Self {
        Self {
            timestamps: scenario.timestamps,
            end_token: scenario.end_token,
            named_by: scenario.test_cases_named_by,
            record_type: scenario.record_type,
        }
    }

    /// What a reply calls a test case.
    fn test_case(self, place: &Place, id: &str) -> String {
        match self.named_by {
            NamedBy::Arn => arn(place, id),
            NamedBy::Id => id.to_owned(),
        }
    }

    /// A time: epoch seconds with decimals, or the milliseconds that have come in their place.
    fn time(self, epoch_ms: u64) -> Value {
        match self.timestamps {
            Timestamps::Seconds => json!(epoch_ms as f64 / 1000.0),
            Timestamps::Milliseconds => json!(epoch_ms),
        }
    }

    fn page<T>(self, member: &str, page: Page<T>, item: impl Fn(T) -> Value) -> Done {
        let next = page.next;
        let items: Vec<Value> = page.items.into_iter().map(item).collect();
        let mut body = json!({ member: items });
        match (next, self.end_token) {
            (Some(cursor), _) => body["NextToken"] = json!(http::token(cursor)),
            (None, EndToken::Empty) => body["NextToken"] = json!(""),
            (None, EndToken::ExplicitNull) => body["NextToken"] = Value::Null,
            (None, EndToken::Absent) => {}
        }
        Done { status: 200, body }
    }
}

/// Does what a request to Connect asks for.
pub(super) fn act(
    connect: &mut Connect,
    form: Form,
    now: u64,
    region: &str,
    asked: &Asked,
) -> Result<Done, ApiError> {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let place = |instance| Place::new(region, instance);
    let ok = |body| Ok(Done { status: 200, body });
    match path[..] {
        ["test-cases", instance, case, "start-execution"] => {
            let token = client_token(asked)?;
            let place = place(instance)?;
            let started = connect.start(now, &place, case, token.as_deref())?;
            ok(json!({
                "TestCaseExecutionId": started.execution_id,
                "TestCaseId": form.test_case(&place, &started.test_case_id),
                "Status": started.status,
            }))
        }
        ["test-cases", instance, case, execution, "summary"] => {
            let summary = connect.summary(now, &place(instance)?, case, execution)?;
            ok(summary_body(form, &summary))
        }
        ["test-cases", instance, case, execution, "records"] => {
            let status = asked.query("status");
            let page = page(asked, PAGE)?;
            let place = place(instance)?;
            let records = connect.records(now, &place, case, execution, status, page)?;
            Ok(form.page("ExecutionRecords", records, |record| record_body(form, record)))
        }
        ["test-cases", instance, case, execution, "stop-execution"] => {
            let token = client_token(asked)?;
            connect.stop(now, &place(instance)?, case, execution, token.as_deref())?;
            ok(json!({}))
        }
        ["test-case-executions", instance] => {
            let filter = filter(asked)?;
            let place = place(instance)?;
            let found = connect.executions(now, &place, &filter, page(asked, PAGE)?)?;
            Ok(form.page("TestCaseExecutions", found, |it| listed_body(form, &place, &it)))
        }
        ["test-cases-summary", instance] => {
            let place = place(instance)?;
            let cases = connect.test_cases(&place, page(asked, PAGE_OF_CASES)?);
            Ok(form.page("TestCaseSummaryList", cases, |case| case_body(&place, &case)))
        }
        _ => Err(ApiError::new(404, "UnknownOperationException", "no such operation")),
    }
}

fn client_token(asked: &Asked) -> Result<Option<String>, ApiError> {
    match &asked.body()?["ClientToken"] {
        Value::Null => Ok(None),
        Value::String(token) => Ok(Some(token.clone())),
        _ => Err(ApiError::new(400, "SerializationException", "ClientToken is a string")),
    }
}

fn page(asked: &Asked, most: usize) -> Result<PageRequest, ApiError> {
    http::page(asked.query("maxResults"), asked.query("nextToken"), most)
        .map_err(ApiError::invalid_parameter)
}

fn filter(asked: &Asked) -> Result<Filter, ApiError> {
    let text = |key| asked.query(key).filter(|value| !value.is_empty()).map(str::to_owned);
    let time = |key| match asked.query(key) {
        None | Some("") | Some("0") => Ok(None),
        Some(value) => value.parse().map(Some).map_err(|_| {
            ApiError::invalid_parameter(format!("{key} is a time in epoch milliseconds"))
        }),
    };
    Ok(Filter {
        test_case_id: text("testCaseId"),
        test_case_name: text("testCaseName"),
        start: time("startTime")?,
        end: time("endTime")?,
        status: text("status"),
    })
}

fn summary_body(form: Form, summary: &Summary) -> Value {
    let mut body = json!({"StartTime": form.time(summary.start), "Status": summary.status});
    if let Some(end) = summary.end {
        body["EndTime"] = form.time(end);
    }
    if let Some(tally) = summary.observations {
        body["ObservationSummary"] = json!({
            "TotalObservations": tally.total,
            "ObservationsPassed": tally.passed,
            "ObservationsFailed": tally.failed,
        });
    }
    body
}

fn listed_body(form: Form, place: &Place, summary: &Summary) -> Value {
    let mut body = json!({
        "TestCaseExecutionId": summary.execution_id,
        "TestCaseId": form.test_case(place, &summary.test_case_id),
        "TestCaseExecutionStatus": summary.status,
        "StartTime": form.time(summary.start),
        "Tags": {},
    });
    if let Some(end) = summary.end {
        body["EndTime"] = form.time(end);
    }
    body
}

fn record_body(form: Form, record: Record) -> Value {
    let mut body = json!({"Timestamp": form.time(record.at), "Record": record.record});
    let kind = record.kind.filter(|_| form.record_type);
    let others =
        [("ObservationId", record.observation_id), ("Status", record.status), ("RecordType", kind)];
    for (member, value) in others {
        if let Some(value) = value {
            body[member] = json!(value);
        }
    }
    body
}

fn arn(place: &Place, case: &str) -> String {
    let (region, instance) = (place.region(), place.instance());
    format!("arn:aws:connect:{region}:111122223333:instance/{instance}/test-case/{case}")
}

fn case_body(place: &Place, case: &TestCaseSummary) -> Value {
    json!({
        "Id": case.id,
        "Arn": arn(place, &case.id),
        "Name": case.name,
        "Status": if case.published { "PUBLISHED" } else { "SAVED" },
    })
}
