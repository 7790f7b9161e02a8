//! The `connect` section.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{EndToken, Millis, Then, Unknown, at_least_one, plan, rate};
use crate::simulator::queue::Plan;

/// The statuses that end an execution.
const ENDS: [&str; 3] = ["PASSED", "FAILED", "STOPPED"];
/// How long a run lasts that does not say.
const USUAL_MS: u64 = 3_000;

/// Amazon Connect's side of a scenario.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectScenario {
    /// Quotas.
    pub limits: ConnectLimits,
    /// The unit in which times come back.
    pub timestamps: Timestamps,
    /// How lists end.
    pub end_token: EndToken,
    /// How long after its start an execution appears in lists; AWS promises nothing.
    pub list_lag: Millis,
    /// What a test case does that does not say.
    pub default: ConnectRun,
    /// What ids do that are not named.
    pub unknown_test_cases: Unknown,
    /// The test cases by id.
    pub test_cases: BTreeMap<String, TestCase>,
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
    /// What its last record says.
    pub completion: Completion,
    /// It never began, for want of room in the service.
    pub initialization_failure: bool,
}

impl Default for ConnectRun {
    fn default() -> ConnectRun {
        let step = crate::simulator::queue::Step { after: USUAL_MS, status: "PASSED".to_owned() };
        ConnectRun {
            plan: Plan { held: 0, steps: vec![step], ends: true },
            observations: None,
            completion: Completion::default(),
            initialization_failure: false,
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
    /// What it is to observe: what the contact should hear or read.
    #[serde(default)]
    pub text: Option<String>,
    /// What there was in its place. AWS does not document how its records tell this: the key
    /// `ActualEvent` that it makes is a guess.
    #[serde(default)]
    pub seen: Option<String>,
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
    completion: Completion,
    #[serde(default)]
    initialization_failure: bool,
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
            completion,
            initialization_failure,
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
            completion,
            initialization_failure,
        })
    }
}
