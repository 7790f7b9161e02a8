//! What an execution observed, as records and as counts.
//!
//! The text of a record is a JSON string that AWS does not document; the forms are those seen on real accounts
//! (AWS-FACTS.md).

use serde_json::{Value, json};

use super::Instance;
use crate::simulator::api::Ids;
use crate::simulator::scenario::{
    Act, Action, FlowAction, Observation, RawRecord, RecordForm, StoppedType,
};

/// One execution record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The id of the record: that of its observation, where it is one.
    pub observation_id: Option<String>,
    /// PASSED, FAILED, IN_PROGRESS or STOPPED.
    pub status: Option<String>,
    /// What it records, such as OBSERVATION. It is not in the service model.
    pub kind: Option<String>,
    /// Epoch milliseconds.
    pub at: u64,
    /// JSON, as text.
    pub record: String,
}

/// Observations counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All of the test case.
    pub total: u32,
    /// Those PASSED.
    pub passed: u32,
    /// Those FAILED.
    pub failed: u32,
}

/// How records tell what happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    pub(super) form: RecordForm,
    /// `CompletionReason.Type` of what was stopped.
    pub(super) stopped: StoppedType,
}

impl Instance {
    /// The observations of an ended execution, counted.
    pub(super) fn tally(&self, now: u64, number: usize) -> Tally {
        let mut tally = Tally::default();
        for (_, observation) in self.observed(now, number) {
            tally.total += 1;
            match observation.status.as_str() {
                "PASSED" => tally.passed += 1,
                "FAILED" => tally.failed += 1,
                _ => {}
            }
        }
        tally.total += self.executions[number].run.not_reached;
        tally
    }

    /// All records up to `now`, in the order of time.
    pub(super) fn records(
        &self,
        now: u64,
        number: usize,
        ids: &Ids,
        telling: Telling,
    ) -> Vec<Record> {
        let execution = &self.executions[number];
        if let Some(raw) = &execution.run.records {
            return raw.iter().map(|raw| served_as_it_is(raw, now)).collect();
        }
        let made = |kind: &str, status: &str, at: u64, mut record: Value| {
            record["Type"] = json!(kind);
            Record {
                observation_id: Some(ids.uuid(&[kind, &execution.id])),
                status: Some(status.to_owned()),
                kind: Some(kind.to_owned()),
                at,
                record: record.to_string(),
            }
        };
        let mut records = Vec::new();
        let began = self.queue.running_at(now, number);
        if !execution.run.initialization_failure {
            let at = self.queue.created(number);
            let text = json!({"TestCaseId": execution.test_case_id});
            records.push(made("INITIATION", "IN_PROGRESS", at, text));
            if let Some(at) = began {
                let contact = ids.uuid(&["contact", &execution.id]);
                let text = json!({"ContactId": contact});
                records.push(made("EXECUTION_START", "IN_PROGRESS", at, text));
            }
        }
        let observed = self.observed(now, number);
        let asserts = observed.iter().flat_map(|(_, it)| &it.actions).any(has_failed_assert);
        // AWS counts no failed observation here where an assert has failed, and one in its summary.
        let failed = observed.iter().filter(|(_, it)| it.status == "FAILED").count();
        let failed = if asserts { 0 } else { failed };
        for (at, observation) in observed {
            let text = observation_text(&observation, telling.form);
            records.push(Record {
                observation_id: Some(observation.id),
                ..made("OBSERVATION", &observation.status, at, text)
            });
        }
        if let Some(at) = self.queue.ended(number) {
            let mut text = json!({"CompletionReason": self.reason(now, number, asserts, telling)});
            if let Some(began) = began.filter(|_| !execution.run.initialization_failure) {
                let took = at.saturating_sub(began);
                text["ExecutionSummary"] =
                    json!({"ExecutionDurationMs": took, "FailedObservations": failed});
            }
            records.push(made("COMPLETION", &self.status(now, number), at, text));
        }
        records
    }

    /// The observations made up to `now`, with their times: spread over the run, or one a second where no end
    /// is in sight.
    fn observed(&self, now: u64, number: usize) -> Vec<(u64, Observation)> {
        let execution = &self.executions[number];
        let Some(began) = self.queue.running_at(now, number) else {
            return Vec::new();
        };
        if execution.run.initialization_failure {
            return Vec::new();
        }
        let all = match &execution.run.observations {
            Some(observations) => observations.clone(),
            None => usual(execution.run.plan.steps.last().map_or("", |last| &last.status)),
        };
        let length = execution.run.plan.length();
        let count = all.len() as u64;
        let last = self.queue.ended(number).unwrap_or(now).min(now);
        all.into_iter()
            .zip(1u64..)
            .map(|(observation, nth)| {
                let after = match length {
                    Some(length) => (u128::from(length) * u128::from(nth) / u128::from(count + 1))
                        .min(u128::from(u64::MAX)) as u64,
                    None => nth * 1_000,
                };
                (began.saturating_add(after), observation)
            })
            .filter(|&(at, _)| at <= last)
            .collect()
    }

    /// The reason in the last record.
    fn reason(&self, now: u64, number: usize, asserts: bool, telling: Telling) -> Value {
        let execution = &self.executions[number];
        let stated = &execution.run.completion;
        let status = self.status(now, number);
        let stopped = self.queue.stage(now, number) == super::Stage::Stopped;
        let (kind, reasons, message) = if execution.run.initialization_failure {
            let message = "Failed to start execution of test case due to limit reached.";
            ("FAILURE", vec!["INITIALIZATION_FAILURE"], Some(message))
        } else if stopped || status == "STOPPED" {
            let message = "Test case execution stopped by user request";
            (telling.stopped.as_str(), vec![], Some(message))
        } else if execution.cut {
            let message = "Test case execution exceeded time limit";
            ("TIMEOUT", vec!["OBSERVE_EVENT"], Some(message))
        } else if status == "FAILED" {
            ("FAILURE", vec![if asserts { "ASSERT_DATA" } else { "OBSERVE_EVENT" }], None)
        } else {
            ("SUCCESS", vec![], None)
        };
        // What the scenario states is the reason of the end that it states, not of a stop or of a cut.
        let stated = Some(stated).filter(|_| !stopped && !execution.cut);
        let kind = stated.and_then(|it| it.kind.as_deref()).unwrap_or(kind);
        let message = stated.and_then(|it| it.message.as_deref()).or(message);
        let reasons = match stated.and_then(|it| it.failure_reasons.as_ref()) {
            Some(reasons) => reasons.iter().map(String::as_str).collect(),
            None => reasons,
        };
        let mut reason = json!({"Type": kind});
        if !reasons.is_empty() {
            reason["FailureReasons"] = json!(reasons);
        }
        if let Some(message) = message {
            reason["Message"] = json!(message);
        }
        reason
    }
}

fn served_as_it_is(raw: &RawRecord, now: u64) -> Record {
    Record {
        observation_id: raw.observation_id.clone(),
        status: raw.status.clone(),
        kind: raw.record_type.clone(),
        at: raw.timestamp.map_or(now, |seconds| (seconds * 1000.0) as u64),
        record: match &raw.record {
            Value::String(text) => text.clone(),
            record => record.to_string(),
        },
    }
}

fn has_failed_assert(action: &Action) -> bool {
    action.status == "FAILED" && matches!(action.act, Act::Assert { .. })
}

/// The text of an observation's record.
fn observation_text(observation: &Observation, form: RecordForm) -> Value {
    let Observation { id, status, text, seen, flow_action, actions } = observation;
    let mut record = json!({"Identifier": id, "Status": status});
    let event = |kind: &str, properties: Value| {
        json!({
            "Identifier": format!("{id}-event"),
            "Type": kind,
            "Actor": "System",
            "Properties": properties,
        })
    };
    if let Some(FlowAction { kind, parameters }) = flow_action {
        let properties = json!({"ActionType": kind, "ActionParameters": parameters});
        record["Event"] = event("FlowActionStarted", properties);
    }
    match (form, text, seen) {
        (_, None, None) => {}
        (RecordForm::Live, expected, seen) => {
            // What passed was heard as it was expected, unless the scenario says otherwise.
            let heard = seen.as_ref().or(expected.as_ref().filter(|_| status == "PASSED"));
            let mut properties = json!({});
            for (member, value) in [("ExpectedText", expected.as_ref()), ("Text", heard)] {
                if let Some(value) = value {
                    properties[member] = json!(value);
                }
            }
            record["Event"] = event("MessageReceived", properties);
        }
        (RecordForm::Plain, expected, seen) => {
            let message = |text| json!({"Type": "MESSAGE_RECEIVED", "Properties": {"Text": text}});
            for (member, text) in [("Event", expected), ("ActualEvent", seen)] {
                if let Some(text) = text {
                    record[member] = message(text);
                }
            }
        }
    }
    if !actions.is_empty() {
        let actions = actions.iter().zip(1..).map(|(action, nth)| action_text(id, action, nth));
        record["Actions"] = actions.collect();
    }
    record
}

fn action_text(observation: &str, action: &Action, nth: u32) -> Value {
    let instruct = |kind: &str, properties: Value| {
        json!({
            "ActionType": "SendInstruction",
            "Actor": "Customer",
            "Instruction": {"Type": kind, "Properties": properties},
        })
    };
    let (kind, expected, actual) = match &action.act {
        Act::Press(keys) => {
            ("SendInstruction", instruct("DtmfInput", json!({"Value": keys})), None)
        }
        Act::Say(text) => ("SendInstruction", instruct("Utterance", json!({"Value": text})), None),
        Act::HangUp => ("SendInstruction", instruct("Disconnect", json!({})), None),
        Act::Assert { namespace, operator, operand, actual } => (
            "Assert",
            json!({"Namespace": namespace, "Operator": operator, "Operand": operand}),
            Some(json!({"Namespace": actual, "Operator": operator, "Operand": operand})),
        ),
    };
    json!({
        "Identifier": format!("{observation}-action-{nth}"),
        "Type": kind,
        "Status": action.status,
        "ExpectedParameters": expected,
        "ActualParameters": actual.unwrap_or_else(|| expected.clone()),
    })
}

/// Observations that fit a status, for a run that states none.
fn usual(status: &str) -> Vec<Observation> {
    let observation = |id: &str, status: &str, text: &str, seen: &str| Observation {
        id: id.to_owned(),
        status: status.to_owned(),
        text: Some(text.to_owned()),
        seen: Some(seen.to_owned()),
        flow_action: None,
        actions: Vec::new(),
    };
    let welcome = "Thank you for calling Example Corp.";
    let greeting = observation("greeting", "PASSED", welcome, welcome);
    // Prompts come back as speech transcripts.
    let menu = ("For billing, press 1.", "For billing, press one.");
    match status {
        "PASSED" => {
            let press = Action { status: "PASSED".to_owned(), act: Act::Press("1".to_owned()) };
            let menu = observation("menu", "PASSED", menu.0, menu.1);
            vec![greeting, Observation { actions: vec![press], ..menu }]
        }
        "FAILED" => {
            vec![greeting, observation("menu", "FAILED", menu.0, "Sorry, I did not get that.")]
        }
        _ => vec![greeting],
    }
}
