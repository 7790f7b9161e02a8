//! The `connect` section.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{EndToken, Millis, Then, Unknown, at_least_one, plan, rate};
use crate::simulator::queue::Plan;

/// The statuses that end an execution.
const ENDS: [&str; 3] = ["PASSED", "FAILED", "STOPPED"];
/// How long a run lasts that does not say.
const USUAL_MS: u64 = 3_000;

/// Amazon Connect's side of a scenario. What real accounts have been seen to do is the default, and can
/// be turned off (AWS-FACTS.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectScenario {
    /// Quotas.
    pub limits: ConnectLimits,
    /// The unit in which times come back.
    pub timestamps: Timestamps,
    /// How lists end.
    pub end_token: EndToken,
    /// How replies name a test case.
    pub test_cases_named_by: NamedBy,
    /// Whether records come with a `RecordType` beside them, which is not in the service model.
    pub record_type: bool,
    /// How records tell what was expected and heard.
    pub record_form: RecordForm,
    /// `CompletionReason.Type` of what was stopped.
    pub stopped_type: StoppedType,
    /// The error of a start for which the queue has no room.
    pub full_queue: FullQueue,
    /// How long after its start an execution appears in lists; AWS promises nothing.
    pub list_lag: Millis,
    /// What a test case does that does not say.
    pub default: ConnectRun,
    /// What ids do that are not named.
    pub unknown_test_cases: Unknown,
    /// The test cases by id.
    pub test_cases: BTreeMap<String, TestCase>,
}

impl Default for ConnectScenario {
    fn default() -> ConnectScenario {
        ConnectScenario {
            limits: ConnectLimits::default(),
            timestamps: Timestamps::default(),
            end_token: EndToken::ExplicitNull,
            test_cases_named_by: NamedBy::default(),
            record_type: true,
            record_form: RecordForm::default(),
            stopped_type: StoppedType::default(),
            full_queue: FullQueue::default(),
            list_lag: Millis::default(),
            default: ConnectRun::default(),
            unknown_test_cases: Unknown::default(),
            test_cases: BTreeMap::new(),
        }
    }
}

/// How the replies to starts and lists name a test case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedBy {
    /// By its full ARN.
    #[default]
    Arn,
    /// By its id, as the service model says.
    Id,
}

/// How records tell what was expected and heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordForm {
    /// `ExpectedText` beside `Text`, which is what was heard.
    #[default]
    Live,
    /// `Text` alone, and what was seen in its place under `ActualEvent`: what was thought before anybody
    /// had seen records.
    Plain,
}

/// `CompletionReason.Type` of an execution that was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StoppedType {
    /// The same as of one that reached its time limit.
    #[default]
    Timeout,
    /// A type of its own.
    Stopped,
}

impl StoppedType {
    /// The type as it stands in a record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "TIMEOUT",
            Self::Stopped => "STOPPED",
        }
    }
}

/// The error of a start for which the queue has no room: both are quotas, not throttles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FullQueue {
    /// 402 ServiceQuotaExceededException, which the model of the operation has.
    #[default]
    Quota,
    /// 429 LimitExceededException, which other operations of the service have.
    Limit,
}

/// Quotas of one instance, and of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectLimits {
    /// Executions that run at once on an instance. AWS: 5 (Amazon Connect administrator guide, testing and simulation).
    #[serde(deserialize_with = "at_least_one")]
    pub concurrent: u32,
    /// Executions that wait or run on an instance. AWS: 100, those that run included (the same page).
    #[serde(deserialize_with = "at_least_one")]
    pub queue: u32,
    /// The longest simulation. AWS: 5 minutes, then FAILED (the same page). A run with no end is not cut: it
    /// stands for a service that has lost it.
    pub max_duration: Millis,
    /// API requests a second per account and Region. AWS: 2 (Amazon Connect service quotas, API throttling).
    #[serde(deserialize_with = "rate")]
    pub requests_per_second: f64,
    /// API requests at once. AWS: 5 (the same page).
    #[serde(deserialize_with = "at_least_one")]
    pub burst: u32,
}

impl Default for ConnectLimits {
    fn default() -> ConnectLimits {
        ConnectLimits {
            concurrent: 5,
            queue: 100,
            max_duration: Millis(300_000),
            requests_per_second: 2.0,
            burst: 5,
        }
    }
}

/// The unit of times in replies. The protocol says seconds; milliseconds have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timestamps {
    /// Epoch seconds with a fraction, as restJson1 has them.
    #[default]
    Seconds,
    /// Epoch milliseconds.
    Milliseconds,
}

/// One test case.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestCase {
    /// Its name; one is made up from the id otherwise.
    pub name: Option<String>,
    /// Only published test cases can be started.
    pub published: bool,
    /// The id is not found.
    pub missing: bool,
    /// The caller may not use it.
    pub denied: bool,
    /// The nth execution does the nth; the last one repeats. None: `default`.
    pub runs: Vec<ConnectRun>,
}

impl Default for TestCase {
    fn default() -> TestCase {
        TestCase { name: None, published: true, missing: false, denied: false, runs: Vec::new() }
    }
}

/// What one execution does.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawRun")]
pub struct ConnectRun {
    /// Its statuses in time.
    pub plan: Plan,
    /// What it observes; `None`: what fits its status.
    pub observations: Option<Vec<Observation>>,
    /// Observations of the test case that it never came to: counted, and without a record.
    pub not_reached: u32,
    /// What its last record says.
    pub completion: Completion,
    /// It never began, for want of room in the service.
    pub initialization_failure: bool,
    /// The records as they are, in place of those made from all of the above.
    pub records: Option<Vec<RawRecord>>,
}

impl Default for ConnectRun {
    fn default() -> ConnectRun {
        let step = crate::simulator::queue::Step { after: USUAL_MS, status: "PASSED".to_owned() };
        ConnectRun {
            plan: Plan { held: 0, steps: vec![step], ends: true },
            observations: None,
            not_reached: 0,
            completion: Completion::default(),
            initialization_failure: false,
            records: None,
        }
    }
}

/// One observation of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Its identifier.
    pub id: String,
    /// PASSED, FAILED, …
    pub status: String,
    /// What the customer is expected to hear or read.
    #[serde(default)]
    pub text: Option<String>,
    /// What the customer heard or read. Where it passed and this is left out: what was expected.
    #[serde(default)]
    pub seen: Option<String>,
    /// What the flow is expected to do, rather than to say.
    #[serde(default)]
    pub flow_action: Option<FlowAction>,
    /// What follows.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// An action of the flow that an observation waits for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowAction {
    /// AWS's word, such as TransferContactToQueue.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// What an observation does once its event has come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawAction")]
pub struct Action {
    /// PASSED, FAILED, …
    pub status: String,
    /// What it does.
    pub act: Act,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The customer presses keys.
    Press(String),
    /// The customer says or writes something.
    Say(String),
    /// The customer hangs up.
    HangUp,
    /// A value is compared.
    Assert {
        /// The JSON path.
        namespace: String,
        /// AWS's word for the comparison.
        operator: String,
        /// What it is compared with.
        operand: String,
        /// The value that there was.
        actual: String,
    },
}

/// A record that is served as it is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRecord {
    /// The id of its observation.
    #[serde(default, rename = "ObservationId")]
    pub observation_id: Option<String>,
    /// Its status.
    #[serde(default, rename = "Status")]
    pub status: Option<String>,
    /// Its type, which is not in the service model.
    #[serde(default, rename = "RecordType")]
    pub record_type: Option<String>,
    /// When it was made, in epoch seconds. None: now.
    #[serde(default, rename = "Timestamp")]
    pub timestamp: Option<f64>,
    /// The record: a text is served as it is, anything else as JSON.
    #[serde(default, rename = "Record")]
    pub record: serde_json::Value,
}

/// The completion record of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Completion {
    /// `CompletionReason.Type`, such as TIMEOUT.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `CompletionReason.FailureReasons`.
    pub failure_reasons: Option<Vec<String>>,
    /// `CompletionReason.Message`.
    pub message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRun {
    status: String,
    #[serde(default)]
    after: Option<Millis>,
    #[serde(default)]
    then: Option<Box<Then>>,
    #[serde(default)]
    initiated_for: Millis,
    #[serde(default)]
    observations: Option<Vec<Observation>>,
    #[serde(default)]
    not_reached: u32,
    #[serde(default)]
    completion: Completion,
    #[serde(default)]
    initialization_failure: bool,
    #[serde(default)]
    records: Option<Vec<RawRecord>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAction {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    press: Option<String>,
    #[serde(default)]
    say: Option<String>,
    #[serde(default)]
    hang_up: bool,
    #[serde(default)]
    assert: Option<String>,
    #[serde(default)]
    operator: Option<String>,
    #[serde(default)]
    operand: Option<String>,
    #[serde(default)]
    actual: Option<String>,
}

impl TryFrom<RawAction> for Action {
    type Error = String;

    fn try_from(raw: RawAction) -> Result<Action, String> {
        let compares = raw.operator.is_some() || raw.operand.is_some() || raw.actual.is_some();
        let act = match (raw.press, raw.say, raw.hang_up, raw.assert) {
            (Some(keys), None, false, None) if !compares => Act::Press(keys),
            (None, Some(text), false, None) if !compares => Act::Say(text),
            (None, None, true, None) if !compares => Act::HangUp,
            (None, None, false, Some(namespace)) => {
                let wants = "an `assert` needs an `operand` and an `actual` value";
                Act::Assert {
                    namespace,
                    operator: raw.operator.unwrap_or_else(|| "Equals".to_owned()),
                    operand: raw.operand.ok_or(wants)?,
                    actual: raw.actual.ok_or(wants)?,
                }
            }
            _ => {
                return Err("an action needs exactly one of `press`, `say`, `hang_up: true` or \
                            `assert` (with `operand`, `actual` and an optional `operator`)"
                    .to_owned());
            }
        };
        Ok(Action { status: raw.status.unwrap_or_else(|| "PASSED".to_owned()), act })
    }
}

impl TryFrom<RawRun> for ConnectRun {
    type Error = String;

    fn try_from(raw: RawRun) -> Result<ConnectRun, String> {
        let RawRun {
            status,
            mut after,
            then,
            initiated_for,
            observations,
            not_reached,
            completion,
            initialization_failure,
            records,
        } = raw;
        let mut held = initiated_for;
        if initialization_failure {
            if status != "FAILED" || observations.as_ref().is_some_and(|list| !list.is_empty()) {
                return Err(
                    "an `initialization_failure` is FAILED and has no observations".to_owned()
                );
            }
            // It never leaves INITIATED before it ends, so all its time is time held.
            held = Millis(held.0.saturating_add(after.unwrap_or_default().0));
            after = Some(Millis(0));
        }
        let first = Then { status, after, then };
        Ok(ConnectRun {
            plan: plan(first, held, USUAL_MS, &ENDS)?,
            observations,
            not_reached,
            completion,
            initialization_failure,
            records,
        })
    }
}
