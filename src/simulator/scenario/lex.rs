//! The `lex` section.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{EndToken, Millis, Then, Unknown, at_least_one, plan, rate};
use crate::simulator::queue::{Plan, Step};

/// The statuses that end an execution.
const ENDS: [&str; 3] = ["Completed", "Failed", "Stopped"];
/// How long a run lasts that does not say.
const USUAL_MS: u64 = 4_000;
/// The most records that a test set holds (the model's bound of `recordNumber`).
const MAX_RECORDS: u64 = 200_000;
/// Records of one multi-turn conversation: user, agent, user.
const TURNS: u64 = 3;

/// Amazon Lex V2's side of a scenario.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LexScenario {
    /// Quotas.
    pub limits: LexLimits,
    /// How lists end.
    pub end_token: EndToken,
    /// How long after its start an execution appears in lists; AWS promises nothing.
    pub list_lag: Millis,
    /// What a test set does that does not say.
    pub default: LexRun,
    /// What ids do that are not named.
    pub unknown_test_sets: Unknown,
    /// The test sets by id.
    pub test_sets: BTreeMap<String, TestSet>,
}

/// Quotas of one Region, and of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LexLimits {
    /// Executions that run at once; the others wait. AWS states no number: 5 is a guess.
    #[serde(deserialize_with = "at_least_one")]
    pub concurrent: u32,
    /// API requests a second. AWS states none for these operations: taken as for Connect.
    #[serde(deserialize_with = "rate")]
    pub requests_per_second: f64,
    /// API requests at once, likewise.
    #[serde(deserialize_with = "at_least_one")]
    pub burst: u32,
}

impl Default for LexLimits {
    fn default() -> LexLimits {
        LexLimits { concurrent: 5, requests_per_second: 2.0, burst: 5 }
    }
}

/// Text or audio, of test sets and executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Modality {
    /// Written utterances.
    #[default]
    Text,
    /// Recorded utterances.
    Audio,
}

/// One test set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestSet {
    /// Its name; one is made up from the id otherwise.
    pub name: Option<String>,
    /// What it holds.
    pub modality: Modality,
    /// The id is not found.
    pub missing: bool,
    /// The caller may not use it.
    pub denied: bool,
    /// It is still being imported: a start is a conflict.
    pub not_ready: bool,
    /// The nth execution does the nth; the last one repeats. None: `default`.
    pub runs: Vec<LexRun>,
}

/// What one execution does.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawRun")]
pub struct LexRun {
    /// Its statuses in time.
    pub plan: Plan,
    /// `failureReasons` of a Failed one; `None`: one is made up.
    pub failure_reasons: Option<Vec<String>>,
    /// What came of its utterances; `None`: those of `default`, where it is Completed.
    pub results: Option<Results>,
}

impl LexRun {
    /// Whether it ends Completed.
    pub fn completes(&self) -> bool {
        self.plan.steps.last().is_some_and(|step| step.status == "Completed")
    }
}

impl Default for LexRun {
    fn default() -> LexRun {
        let step = Step { after: USUAL_MS, status: "Completed".to_owned() };
        LexRun {
            plan: Plan { held: 0, steps: vec![step], ends: true },
            failure_reasons: None,
            results: Some(Results::default()),
        }
    }
}

/// How many of something matched. The rest mismatched, but for those that ended in an execution error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawCounts")]
pub struct Counts {
    /// All.
    pub total: u32,
    /// Those that matched.
    pub matched: u32,
    /// Those that could not be judged.
    pub execution_errors: u32,
}

impl Counts {
    /// Those that did not match though they could be judged.
    pub fn mismatched(&self) -> u32 {
        self.total.saturating_sub(self.matched).saturating_sub(self.execution_errors)
    }
}

/// The results of an execution, in counts from which the rows of all five result types are made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawResults")]
pub struct Results {
    /// Utterances of single-turn conversations, end to end.
    pub single: Counts,
    /// Conversations of several turns.
    pub multi_turn: Option<MultiTurn>,
    /// By intent; `None`: all utterances belong to one intent.
    pub intents: Option<BTreeMap<String, Counts>>,
    /// By intent and slot; `None`: one slot, resolved in half of the utterances that matched.
    pub slots: Option<BTreeMap<String, BTreeMap<String, Counts>>>,
    /// Speech transcription; `None`: all matched if the execution is of audio, else none.
    pub speech: Option<Counts>,
    /// What the utterances say, in turn.
    pub texts: Vec<String>,
    /// No items at all, of any type.
    pub empty: bool,
    /// Count maps leave out what was not seen.
    pub omit_zero_counts: bool,
}

/// Conversations of several turns, end to end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawMultiTurn")]
pub struct MultiTurn {
    /// Conversations.
    pub conversations: Counts,
    /// Their turns by intent; `None`: two turns each, of the first intent.
    pub intents: Option<BTreeMap<String, Counts>>,
}

impl Default for Results {
    fn default() -> Results {
        Results {
            single: Counts { total: 20, matched: 20, execution_errors: 0 },
            multi_turn: None,
            intents: None,
            slots: None,
            speech: None,
            texts: Vec::new(),
            empty: false,
            omit_zero_counts: false,
        }
    }
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
    pending_for: Millis,
    #[serde(default)]
    failure_reasons: Option<Vec<String>>,
    #[serde(default)]
    results: Option<Results>,
}

impl TryFrom<RawRun> for LexRun {
    type Error = String;

    fn try_from(raw: RawRun) -> Result<LexRun, String> {
        let first = Then { status: raw.status, after: raw.after, then: raw.then };
        Ok(LexRun {
            plan: plan(first, raw.pending_for, USUAL_MS, &ENDS)?,
            failure_reasons: raw.failure_reasons,
            results: raw.results,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCounts {
    total: u32,
    matched: u32,
    #[serde(default)]
    execution_errors: u32,
}

impl TryFrom<RawCounts> for Counts {
    type Error = String;

    fn try_from(raw: RawCounts) -> Result<Counts, String> {
        counts(raw.total, raw.matched, raw.execution_errors)
    }
}

fn counts(total: u32, matched: u32, execution_errors: u32) -> Result<Counts, String> {
    if u64::from(matched) + u64::from(execution_errors) > u64::from(total) {
        return Err(format!(
            "{matched} matched and {execution_errors} execution errors are more than {total} in all"
        ));
    }
    if u64::from(total) > MAX_RECORDS {
        return Err(format!("a test set holds at most {MAX_RECORDS} records"));
    }
    Ok(Counts { total, matched, execution_errors })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMultiTurn {
    total: u32,
    matched: u32,
    #[serde(default)]
    execution_errors: u32,
    #[serde(default)]
    intents: Option<BTreeMap<String, Counts>>,
}

impl TryFrom<RawMultiTurn> for MultiTurn {
    type Error = String;

    fn try_from(raw: RawMultiTurn) -> Result<MultiTurn, String> {
        Ok(MultiTurn {
            conversations: counts(raw.total, raw.matched, raw.execution_errors)?,
            intents: raw.intents,
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawResults {
    utterances: Option<u32>,
    matched: Option<u32>,
    execution_errors: u32,
    multi_turn: Option<MultiTurn>,
    intents: Option<BTreeMap<String, Counts>>,
    slots: Option<BTreeMap<String, BTreeMap<String, Counts>>>,
    speech: Option<Counts>,
    texts: Vec<String>,
    empty: bool,
    omit_zero_counts: bool,
}

impl TryFrom<RawResults> for Results {
    type Error = String;

    fn try_from(raw: RawResults) -> Result<Results, String> {
        let total = raw.utterances.unwrap_or(20);
        let matched = raw.matched.unwrap_or(total.saturating_sub(raw.execution_errors));
        let single = counts(total, matched, raw.execution_errors)?;
        let turns =
            raw.multi_turn.as_ref().map_or(0, |multi| u64::from(multi.conversations.total) * TURNS);
        if u64::from(total) + turns > MAX_RECORDS {
            return Err(format!(
                "{total} utterances and {turns} turns: a test set holds at most {MAX_RECORDS} records"
            ));
        }
        if raw.texts.iter().any(|text| text.is_empty()) {
            return Err("an utterance cannot be empty".to_owned());
        }
        Ok(Results {
            single,
            multi_turn: raw.multi_turn,
            intents: raw.intents,
            slots: raw.slots,
            speech: raw.speech,
            texts: raw.texts,
            empty: raw.empty,
            omit_zero_counts: raw.omit_zero_counts,
        })
    }
}
