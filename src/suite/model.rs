//! A suite as its author wrote it: typed, inheritance resolved, places kept, defaults not yet
//! filled in (that is [`crate::plan`]'s).

use std::collections::BTreeMap;
use std::time::Duration;

use super::source::{Position, Source, Spanned};
use super::value::{InstanceId, Share};
use crate::outcome::ServiceName;

/// One suite file.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The file.
    pub source: Source,
    /// Its name; unique among the suites of a run.
    pub name: Spanned<String>,
    /// The Region of all its tests.
    pub region: Option<Spanned<String>>,
    /// How long the whole run may take.
    pub timeout: Option<Duration>,
    /// After so many failures nothing new is started.
    pub max_failures: Option<u32>,
    /// What may be asked of Amazon Connect.
    pub connect_limits: Limits,
    /// What may be asked of Lex.
    pub lex_limits: Limits,
    /// Its tests: those of `connect` and then those of `lex`, each in the order of the file.
    pub tests: Vec<Test>,
}

impl Suite {
    /// The limits written for a service.
    pub fn limits(&self, service: ServiceName) -> Limits {
        match service {
            ServiceName::Connect => self.connect_limits,
            ServiceName::Lex => self.lex_limits,
        }
    }
}

/// Limits as far as they were written.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// API calls a second.
    pub requests_per_second: Option<f64>,
    /// AWS's burst, in calls.
    pub burst: Option<u32>,
    /// Executions begun and not ended, at most.
    pub in_flight: Option<u32>,
}

/// Between what bounds polls of one execution are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// The first and shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

/// After what a new attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOn {
    /// After a verdict against the test.
    pub failed: bool,
    /// After an attempt without a verdict.
    pub error: bool,
}

/// What any test can say, and its section for it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Tags, the section's first.
    pub tags: Vec<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What else its author says of it, by name.
    pub meta: BTreeMap<String, String>,
    /// One execution, from leaving AWS's queue.
    pub timeout: Option<Duration>,
    /// From an accepted start to leaving AWS's queue.
    pub queue_timeout: Option<Duration>,
    /// New attempts after a failed one.
    pub retries: Option<u32>,
    /// After what a new attempt is made.
    pub retry_on: Option<RetryOn>,
    /// The spacing of polls.
    pub poll: Option<Poll>,
    /// Whether a failure fails the build.
    pub blocking: Option<bool>,
}

impl Settings {
    /// A test's settings over its section's, or a section's over its suite's.
    pub(super) fn over(self, section: &Settings) -> Settings {
        let mut meta = section.meta.clone();
        meta.extend(self.meta);
        let mut tags = section.tags.clone();
        tags.extend(self.tags.into_iter().filter(|tag| !section.tags.contains(tag)));
        Settings {
            tags,
            owner: self.owner.or_else(|| section.owner.clone()),
            meta,
            timeout: self.timeout.or(section.timeout),
            queue_timeout: self.queue_timeout.or(section.queue_timeout),
            retries: self.retries.or(section.retries),
            retry_on: self.retry_on.or(section.retry_on),
            poll: self.poll.or(section.poll),
            blocking: self.blocking.or(section.blocking),
        }
    }
}

/// One test.
#[derive(Debug, Clone)]
pub struct Test {
    /// Where its entry begins.
    pub position: Position,
    /// Its name; unique in the suite.
    pub name: Spanned<String>,
    /// Its stable identity: `id`, else the name; unique in the suite.
    pub id: String,
    /// Its settings, with those of its section.
    pub settings: Settings,
    /// What it runs.
    pub target: Target,
}

/// What a test runs on AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An Amazon Connect test case.
    Connect(ConnectTarget),
    /// A Lex V2 test set against a bot alias.
    Lex(LexTarget),
}

impl Target {
    /// The service that it belongs to.
    pub fn service(&self) -> ServiceName {
        match self {
            Self::Connect(_) => ServiceName::Connect,
            Self::Lex(_) => ServiceName::Lex,
        }
    }
}

/// A test case of an Amazon Connect instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTarget {
    /// The instance.
    pub instance: InstanceId,
    /// The test case.
    pub test_case_id: String,
    /// A pass that has observed less is none.
    pub min_observations: Option<u32>,
}

/// A Lex V2 test set, and the bot alias that it is run against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexTarget {
    /// The test set.
    pub test_set_id: String,
    /// The bot.
    pub bot_id: String,
    /// Its alias.
    pub bot_alias_id: String,
    /// The locale, such as `en_US`.
    pub locale_id: String,
    /// How the bot is called.
    pub api_mode: ApiMode,
    /// Text or audio; where none is given, AWS decides by the set.
    pub modality: Option<Modality>,
    /// What must match.
    pub expect: Expect,
}

/// How Lex calls the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiMode {
    /// One request an utterance.
    NonStreaming,
    /// A stream.
    Streaming,
}

/// What a test set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality {
    /// Text utterances.
    Text,
    /// Recordings.
    Audio,
}

/// What a Lex test expects beyond the status Completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expect {
    /// The smallest share right from end to end.
    pub end_to_end: Option<Share>,
    /// The smallest share of intents.
    pub intent: Option<Share>,
    /// The smallest share of slots.
    pub slot: Option<Share>,
    /// The smallest share of transcriptions.
    pub speech: Option<Share>,
    /// The smallest share of single intents, by name: a mean hides the one that matters.
    pub intents: BTreeMap<String, Share>,
    /// So many results there must be: a set imported anew with a few rows is not "100 %".
    pub min_results: Option<u32>,
}
