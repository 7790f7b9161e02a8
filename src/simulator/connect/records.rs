//! What an execution observed, as records and as counts.
//!
//! The text of a record is a JSON string that AWS does not document; the shapes are those seen on real accounts.

use serde_json::{Value, json};

use super::Instance;
use crate::simulator::api::Ids;
use crate::simulator::scenario::Observation;

/// One execution record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The id of the record: that of its observation, where it is one.
    pub observation_id: String,
    /// PASSED, FAILED, IN_PROGRESS or STOPPED.
    pub status: String,
    /// Epoch milliseconds.
    pub at: u64,
    /// JSON, as text.
    pub record: String,
}

/// Observations counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All that were made.
    pub total: u32,
    /// Those PASSED.
    pub passed: u32,
    /// Those FAILED.
    pub failed: u32,
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
        tally
    }

    /// All records up to `now`, in the order of time.
    pub(super) fn records(&self, now: u64, number: usize, ids: &Ids) -> Vec<Record> {
        let execution = &self.executions[number];
        let made = |kind: &str, status: &str, at: u64, record: Value| Record {
            observation_id: ids.uuid(&[kind, &execution.id]),
            status: status.to_owned(),
            at,
            record: record.to_string(),
        };
        let mut records = Vec::new();
        let began = self.queue.running_at(now, number);
        if !execution.run.initialization_failure {
            let at = self.queue.created(number);
            let text = json!({"Type": "INITIATION", "TestCaseId": execution.test_case_id});
            records.push(made("initiation", "IN_PROGRESS", at, text));
            if let Some(at) = began {
                let contact = ids.uuid(&["contact", &execution.id]);
                let text = json!({"Type": "EXECUTION_START", "ContactId": contact});
                records.push(made("execution-start", "IN_PROGRESS", at, text));
            }
        }
        for (at, observation) in self.observed(now, number) {
            let mut text = json!({
                "Type": "OBSERVATION",
                "Identifier": observation.id,
                "Status": observation.status,
            });
            if let Some(said) = observation.text {
                text["Event"] = json!({"Type": "MESSAGE_RECEIVED", "Properties": {"Text": said}});
            }
            if let Some(seen) = observation.seen {
                text["ActualEvent"] =
                    json!({"Type": "MESSAGE_RECEIVED", "Properties": {"Text": seen}});
            }
            records.push(Record {
                observation_id: observation.id,
                status: observation.status,
                at,
                record: text.to_string(),
            });
        }
        if let Some(at) = self.queue.ended(number) {
            let mut text =
                json!({"Type": "COMPLETION", "CompletionReason": self.reason(now, number)});
            if let Some(began) = began.filter(|_| !execution.run.initialization_failure) {
                text["ExecutionDurationMs"] = json!(at.saturating_sub(began));
            }
            records.push(made("completion", &self.status(now, number), at, text));
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
    fn reason(&self, now: u64, number: usize) -> Value {
        let execution = &self.executions[number];
        let stated = &execution.run.completion;
        let status = self.status(now, number);
        let stopped = self.queue.stage(now, number) == super::Stage::Stopped;
        let (kind, reasons, message) = if execution.run.initialization_failure {
            let message = "Failed to start execution of test case due to limit reached.";
            (None, vec!["INITIALIZATION_FAILURE"], Some(message))
        } else if stopped || status == "STOPPED" {
            (Some("STOPPED"), vec![], None)
        } else if execution.cut {
            let message = "The simulation reached the longest duration.";
            (Some("TIMEOUT"), vec!["OBSERVE_EVENT"], Some(message))
        } else if status == "FAILED" {
            (None, vec!["OBSERVE_EVENT"], None)
        } else {
            (Some("COMPLETED"), vec![], None)
        };
        // What the scenario states is the reason of the end that it states, not of a stop or of a cut.
        let stated = Some(stated).filter(|_| !stopped && !execution.cut);
        let kind = stated.and_then(|it| it.kind.as_deref()).or(kind);
        let message = stated.and_then(|it| it.message.as_deref()).or(message);
        let reasons = match stated.and_then(|it| it.failure_reasons.as_ref()) {
            Some(reasons) => reasons.iter().map(String::as_str).collect(),
            None => reasons,
        };
        let mut reason = json!({});
        if let Some(kind) = kind {
            reason["Type"] = json!(kind);
        }
        if !reasons.is_empty() {
            reason["FailureReasons"] = json!(reasons);
        }
        if let Some(message) = message {
            reason["Message"] = json!(message);
        }
        reason
    }
}

/// Observations that fit a status, for a run that states none.
fn usual(status: &str) -> Vec<Observation> {
    let observation = |id: &str, status: &str, text: &str| Observation {
        id: id.to_owned(),
        status: status.to_owned(),
        text: Some(text.to_owned()),
        seen: None,
    };
    let greeting = observation("greeting", "PASSED", "Thank you for calling Example Corp.");
    match status {
        "PASSED" => vec![greeting, observation("menu", "PASSED", "For billing, press 1.")],
        "FAILED" => vec![greeting, observation("menu", "FAILED", "Sorry, I did not get that.")],
        _ => vec![greeting],
    }
}
