//! What came of a Lex test execution, in the words of ListTestExecutionResultItems.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether something matched what its test set expects (AWS: `TestResultMatchStatus`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// It could not be run: it does not match, and is told apart.
    ExecutionError,
    /// It does not match; a status that is not known yet does not, either.
    Mismatched,
    /// It matches.
    Matched,
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ExecutionError => "execution error",
            Self::Mismatched => "mismatched",
            Self::Matched => "matched",
        })
    }
}

/// How many of something matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Those that matched.
    pub matched: u64,
    /// Those that did not.
    pub mismatched: u64,
    /// Those that could not be run; they do not match.
    pub execution_errors: u64,
    /// The denominator: the larger of the total AWS states and the sum of its counts.
    pub total: u64,
}

impl Counts {
    /// Adds the counts of another row; totals add up row by row.
    pub fn add(&mut self, other: Counts) {
        self.matched += other.matched;
        self.mismatched += other.mismatched;
        self.execution_errors += other.execution_errors;
        self.total += other.total;
    }

    /// Counts one more.
    pub fn count(&mut self, result: Match) {
        self.total += 1;
        match result {
            Match::Matched => self.matched += 1,
            Match::Mismatched => self.mismatched += 1,
            Match::ExecutionError => self.execution_errors += 1,
        }
    }

    /// Those that did not match, for whatever reason.
    pub fn missed(&self) -> u64 {
        self.total.saturating_sub(self.matched)
    }

    /// The share in per cent, rounded down, so that a share that is missed never reads as if met.
    pub fn percent(&self) -> String {
        let tenths = u128::from(self.matched) * 1000 / u128::from(self.total.max(1));
        match (tenths / 10, tenths % 10) {
            (whole, 0) => format!("{whole} %"),
            (whole, tenth) => format!("{whole}.{tenth} %"),
        }
    }

    /// The share that matched, from 0 to 1, for putting things in order; 1 where there is nothing.
    /// What must be exact compares the counts.
    pub fn share(&self) -> f64 {
        if self.total == 0 { 1.0 } else { self.matched as f64 / self.total as f64 }
    }
}

/// The sum of named counts.
pub fn sum(named: &BTreeMap<String, Counts>) -> Counts {
    let mut total = Counts::default();
    named.values().for_each(|counts| total.add(*counts));
    total
}

/// The results of a Lex test execution: the counts of all five result types, and what did not
/// match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LexResults {
    /// Utterances and conversations right from end to end (OverallTestResults).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_to_end: Option<Counts>,
    /// Transcriptions of speech (OverallTestResults, Audio only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<Counts>,
    /// Intents (IntentClassificationTestResults) by name.
    #[serde(default)]
    pub intents: BTreeMap<String, Counts>,
    /// Slots (SlotResolutionTestResults), named `Intent.Slot`.
    #[serde(default)]
    pub slots: BTreeMap<String, Counts>,
    /// Conversations (ConversationLevelTestResults).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversations: Option<Counts>,
    /// What the user says, turn by turn (UtteranceLevelResults).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utterances: Option<Counts>,
    /// Conversations that did not match, the first ones where there are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatched_conversations: Vec<Conversation>,
    /// Turns: the worst of those that did not match; all of those, or all turns at all, where
    /// the run was asked for them by `--junit-lex`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
}

impl LexResults {
    /// The intents of which something did not match, the worst understood first.
    pub fn worst_intents(&self) -> Vec<(&String, &Counts)> {
        let mut missed: Vec<_> = self.intents.iter().filter(|(_, c)| c.missed() > 0).collect();
        missed.sort_by(|a, b| a.1.share().total_cmp(&b.1.share()));
        missed
    }

    /// The turns that did not match, those of the intents that were understood worst first.
    pub fn worst_turns(&self) -> Vec<&Turn> {
        let share = |turn: &Turn| {
            let counts = turn.expected.intent.as_ref().and_then(|intent| self.intents.get(intent));
            counts.map_or(1.0, Counts::share)
        };
        let mut missed: Vec<&Turn> =
            self.turns.iter().filter(|turn| turn.result != Match::Matched).collect();
        missed.sort_by(|a, b| share(a).total_cmp(&share(b)).then(a.record.cmp(&b.record)));
        missed
    }

    /// How many of the user's turns did not match and are not among `turns`.
    pub fn left_out(&self) -> u64 {
        let missed = self.utterances.unwrap_or_default().missed();
        let told = |turn: &&Turn| turn.speaker == Speaker::User && turn.result != Match::Matched;
        missed.saturating_sub(self.turns.iter().filter(told).count() as u64)
    }
}

/// A conversation of several turns that did not match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// Its id in the test set.
    pub id: String,
    /// What came of it from end to end.
    pub result: Match,
    /// What of it did not match: intents, slots, speech.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<String>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// Who calls: what is said is an utterance.
    User,
    /// The bot.
    Agent,
}

/// One record of a test set and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// The number of the record in the test set, from 1.
    pub record: u64,
    /// The conversation that it is a turn of, where that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// Who speaks.
    pub speaker: Speaker,
    /// What came of it. AWS judges turns of the user; a turn of the agent has mismatched where
    /// the prompt is not the expected one.
    pub result: Match,
    /// What was said; of audio, where it lies; of the agent, the prompt that is expected.
    pub text: String,
    /// What of it did not match: `intent`, `slot`, `speech`, `prompt`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<String>,
    /// What the test set expects. Of turns that matched, only the intent is kept.
    #[serde(default, skip_serializing_if = "Said::is_empty")]
    pub expected: Said,
    /// What the bot made of it.
    #[serde(default, skip_serializing_if = "Said::is_empty")]
    pub actual: Said,
    /// Why it could not be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One side of a turn: expected, or actual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// The intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Slots by name, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, String>,
    /// What the agent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

impl Said {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots: Vec<String> = self.slots.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let slots = (!slots.is_empty()).then(|| format!("({})", slots.join(", ")));
        let parts = [
            self.intent.clone(),
            slots,
            self.prompt.as_ref().map(|prompt| format!("\"{prompt}\"")),
            self.transcript.as_ref().map(|heard| format!("heard \"{heard}\"")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(if parts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&parts.join(" "))
    }
}
