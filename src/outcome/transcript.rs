//! What happened in an Amazon Connect execution, step by step, as far as AWS's records tell.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Observations;

/// The most steps that a transcript keeps: a test case of 5 minutes has some dozens.
const MAX_STEPS: usize = 1000;

/// A Connect execution, step by step. AWS does not document its records, so anything may be
/// missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// Every observation that AWS recorded, in order.
    pub steps: Vec<TranscriptStep>,
    /// Whether there are more steps, which were not read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partial: bool,
    /// The number of observations in AWS's summary. Absent if AWS gives no number, or one that does not
    /// fit the number of steps it recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The number of the step at which the execution stopped, from 1: the first that failed or did
    /// not finish. Absent if the execution passed, or if every recorded step did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<u64>,
    /// The number of steps that AWS counts but did not record, because the execution did not reach
    /// them. Absent if it passed or reached them all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_reached: u64,
    /// How long the execution took, in milliseconds, according to its completion record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// One observation of a test case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptStep {
    /// Its identifier in the test case. Absent if AWS gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// AWS's status, such as PASSED or FAILED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When AWS recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// What the test case waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<StepEvent>,
    /// What followed: what the simulated customer did, what was asserted, and so on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<StepAction>,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum StepEvent {
    /// A message to the customer (AWS: MessageReceived).
    Message(MessageEvent),
    /// A message to the customer of which AWS's record has one text, and does not say whether it was
    /// expected or heard.
    Text {
        /// The text.
        text: String,
    },
    /// An action of the flow (AWS: FlowActionStarted).
    FlowAction(FlowActionEvent),
    /// Anything else.
    Other {
        /// AWS's name for it, such as TestInitiated.
        name: String,
    },
}

/// A message that a step waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageEvent {
    /// What the test case expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What the customer heard or read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<String>,
}

/// An action of the flow that a step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowActionEvent {
    /// AWS's name for the action, such as TransferContactToQueue.
    pub action: String,
    /// The expected parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// What happens in a step after its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepAction {
    /// Its identifier in the test case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// AWS's status, such as PASSED or FAILED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub kind: ActionKind,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ActionKind {
    /// The customer presses keys.
    Press {
        /// The keys.
        keys: String,
    },
    /// The customer says or writes something.
    Say {
        /// The words.
        text: String,
    },
    /// The customer hangs up.
    HangUp,
    /// A value of the contact is checked.
    Assert(Assertion),
    /// Anything else.
    Other {
        /// AWS's name for it, such as OverrideSystemBehavior.
        name: String,
        /// Its parameters.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, String>,
    },
}

/// A check of a value of the contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assertion {
    /// Which value: a JSON path such as `$.Queue.Name`.
    pub namespace: String,
    /// AWS's name for the comparison, such as Equals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// What the value is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The actual value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
}

/// What made a step fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepFailure<'a> {
    /// Its event came, and then an action failed.
    Action(&'a StepAction),
    /// Its event did not come as expected.
    Event(&'a StepEvent),
    /// AWS's record does not say.
    Unknown,
}

/// For serde, which hands over a reference.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// For serde, which hands over a reference.
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whether AWS's status says that something failed.
fn is_failed(status: Option<&String>) -> bool {
    status.is_some_and(|status| status.eq_ignore_ascii_case("FAILED"))
}

impl StepAction {
    /// Whether AWS's record says that it failed.
    pub fn has_failed(&self) -> bool {
        is_failed(self.status.as_ref())
    }
}

impl TranscriptStep {
    /// What made it fail; none if AWS's record does not say that it failed, nor any of its actions.
    pub fn failure(&self) -> Option<StepFailure<'_>> {
        match (self.actions.iter().find(|action| action.has_failed()), &self.event) {
            (Some(action), _) => Some(StepFailure::Action(action)),
            (None, _) if !is_failed(self.status.as_ref()) => None,
            (None, Some(event)) => Some(StepFailure::Event(event)),
            (None, None) => Some(StepFailure::Unknown),
        }
    }

    fn forget_failures(&mut self) {
        let statuses = self.actions.iter_mut().map(|action| &mut action.status);
        for status in std::iter::once(&mut self.status).chain(statuses) {
            *status = status.take().filter(|status| !is_failed(Some(status)));
        }
    }

    /// Whether AWS's status is one that can still change.
    fn is_open(&self) -> bool {
        let open = |status: &String| !status.eq_ignore_ascii_case("PASSED");
        self.status.as_ref().is_some_and(open) && self.failure().is_none()
    }
}

impl Transcript {
    /// Adds what AWS has recorded of a step.
    pub fn add(&mut self, step: TranscriptStep) {
        // A page that comes round again says nothing new.
        if self.steps.contains(&step) {
            return;
        }
        if self.steps.len() < MAX_STEPS {
            self.steps.push(step);
            return;
        }
        self.partial = true;
        // What failed is what a reader looks for.
        let any_failed = self.steps.iter().any(|known| known.failure().is_some());
        if let Some(last) = self.steps.last_mut().filter(|_| !any_failed) {
            *last = step;
        }
    }

    /// Puts the steps in order and says where the execution stopped. `counts` are those of AWS's
    /// summary. `passed` says whether AWS says that the execution passed: then no step is said to have
    /// failed.
    pub fn close(&mut self, counts: Option<Observations>, passed: bool) {
        if passed {
            self.steps.iter_mut().for_each(TranscriptStep::forget_failures);
        }
        // AWS promises no order.
        if self.steps.iter().all(|step| step.at.is_some()) {
            self.steps.sort_by_key(|step| step.at);
        }
        self.merge_open_steps();
        let recorded = self.steps.len() as u64;
        let not_reached = counts.filter(|_| !passed && !self.partial).map_or(0, |counts| {
            // What AWS counts as passed or failed was reached, even if there is no record of it.
            let ended = counts.passed.saturating_add(counts.failed);
            counts.total.saturating_sub(recorded.max(ended))
        });
        let fits = |total: &u64| match (passed, self.partial) {
            (false, false) => *total == recorded + not_reached,
            _ => *total >= recorded,
        };
        self.total = counts.map(|counts| counts.total).filter(fits);
        self.not_reached = not_reached;
        if passed {
            return;
        }
        let failed = self.steps.iter().position(|step| step.failure().is_some());
        // What was not read may be where it stopped.
        let open = || self.steps.iter().position(TranscriptStep::is_open);
        let stopped = failed.or_else(|| if self.partial { None } else { open() });
        self.stopped_at = stopped.map(|index| index as u64 + 1);
    }

    /// AWS may record a step more than once while it is open: the record of its end counts, else the
    /// last one.
    fn merge_open_steps(&mut self) {
        let mut merged: Vec<TranscriptStep> = Vec::with_capacity(self.steps.len());
        for step in std::mem::take(&mut self.steps) {
            let is_same = |known: &&mut TranscriptStep| step.id.is_some() && known.id == step.id;
            match merged.iter_mut().rev().find(is_same) {
                Some(known) if known.is_open() => *known = step,
                Some(_) if step.is_open() => {}
                _ => merged.push(step),
            }
        }
        self.steps = merged;
    }

    /// The step at which the execution stopped, with its number.
    pub fn stop(&self) -> Option<(u64, &TranscriptStep)> {
        let number = self.stopped_at?;
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        Some((number, self.steps.get(index)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: &str, status: &str, at: i64) -> TranscriptStep {
        TranscriptStep {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            at: DateTime::from_timestamp(at, 0),
            ..TranscriptStep::default()
        }
    }

    fn transcript(steps: Vec<TranscriptStep>) -> Transcript {
        let mut transcript = Transcript::default();
        steps.into_iter().for_each(|step| transcript.add(step));
        transcript
    }

    fn counts(total: u64, passed: u64, failed: u64) -> Option<Observations> {
        Some(Observations { total, passed, failed })
    }

    #[test]
    fn steps_come_in_the_order_of_time_and_the_first_failure_is_where_it_stopped() {
        let mut told = transcript(vec![step("menu", "FAILED", 2), step("greeting", "PASSED", 1)]);
        told.close(counts(5, 1, 1), false);
        assert_eq!(told.steps[0].id.as_deref(), Some("greeting"));
        assert_eq!(told.stop().map(|(number, _)| number), Some(2));
        assert_eq!(told.not_reached, 3);
    }

    #[test]
    fn a_failed_action_makes_its_step_a_failed_one() {
        let mut queue = step("queue", "PASSED", 1);
        queue.actions.push(StepAction {
            id: None,
            status: Some("FAILED".to_owned()),
            kind: ActionKind::HangUp,
        });
        let mut told = transcript(vec![queue]);
        told.close(None, false);
        assert_eq!(told.stopped_at, Some(1));
    }

    #[test]
    fn a_step_that_is_recorded_again_while_it_is_open_is_one_step() {
        let closed = |steps: Vec<TranscriptStep>| {
            let mut told = transcript(steps);
            told.close(None, false);
            told.steps
        };
        let (open, ended) = (step("menu", "IN_PROGRESS", 1), step("menu", "PASSED", 2));
        for steps in [vec![open.clone(), ended.clone()], vec![ended.clone(), open]] {
            assert_eq!(closed(steps), std::slice::from_ref(&ended));
        }
        // What has ended is not replaced, and what comes again says nothing new.
        let failed = step("menu", "FAILED", 3);
        assert_eq!(closed(vec![ended.clone(), failed, ended]).len(), 2);
        // Steps without an id are not taken for one another.
        let unnamed = |at| TranscriptStep { id: None, ..step("", "IN_PROGRESS", at) };
        assert_eq!(closed(vec![unnamed(1), unnamed(2)]).len(), 2);
    }

    #[test]
    fn what_aws_counts_as_ended_was_reached_though_there_is_no_record_of_it() {
        let mut told = transcript(vec![step("menu", "FAILED", 1)]);
        told.close(counts(4, 2, 1), false);
        assert_eq!((told.not_reached, told.total), (1, None), "which of four it is, nobody knows");
    }

    #[test]
    fn a_step_without_a_status_is_not_where_it_stopped() {
        let unknown = TranscriptStep { status: None, ..step("menu", "", 1) };
        let mut told = transcript(vec![unknown]);
        told.close(None, false);
        assert_eq!(told.stopped_at, None);
    }

    #[test]
    fn the_summary_decides_how_many_steps_there_are_and_a_pass_has_stopped_nowhere() {
        let mut told = transcript(vec![step("menu", "FAILED", 1), step("hours", "FAILED", 2)]);
        told.close(counts(1, 1, 0), true);
        assert_eq!((told.total, told.stopped_at, told.not_reached), (None, None, 0));
        assert!(told.steps.iter().all(|step| step.status.is_none()), "nothing contradicts a pass");
    }

    #[test]
    fn a_step_that_did_not_end_is_where_a_stopped_execution_was() {
        let mut told = transcript(vec![step("menu", "PASSED", 1), step("hours", "IN_PROGRESS", 2)]);
        told.close(counts(2, 1, 0), false);
        assert_eq!(told.stopped_at, Some(2));
        let mut told = transcript(vec![step("menu", "PASSED", 1)]);
        told.close(counts(2, 1, 0), false);
        assert_eq!((told.stopped_at, told.not_reached), (None, 1));
    }

    #[test]
    fn what_was_not_read_is_not_said_to_be_not_reached() {
        let steps = (0..MAX_STEPS as i64 + 1).map(|at| step(&format!("s{at}"), "PASSED", at));
        let mut told = transcript(steps.collect());
        told.add(step("last", "FAILED", MAX_STEPS as i64 + 1));
        told.close(counts(5000, 4999, 1), false);
        assert_eq!((told.steps.len(), told.partial, told.not_reached), (MAX_STEPS, true, 0));
        assert_eq!(told.stopped_at, Some(MAX_STEPS as u64), "what failed is kept");
    }
}
