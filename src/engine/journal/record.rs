//! What a journal holds, line by line.
//!
//! Facts only: what was about to be started, the ids that AWS gave, verdicts and counts. No text of
//! AWS's stands in it, since CI hosts cache the folder that it lies in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::duration::format_duration;
use crate::outcome::{Conclusion, Observations, ServiceName, Verdict};
use crate::plan::{ApiMode, Expect, LexTarget, Modality, Plan, Target, TestIndex, identity};

/// The version of the journals that this build writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// Which deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overdue {
    /// The test's `queue_timeout`.
    Queue,
    /// The test's `timeout`.
    Timeout,
    /// The run's `timeout`.
    Run,
}

/// One line of a journal. A test is named by its place in the list of tests that came last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// The first line: a run begins. The list of its tests follows.
    Run {
        /// [`VERSION`].
        version: u32,
        /// What all client tokens of the run hang on.
        nonce: Uuid,
        /// The run.
        run_id: String,
        /// When it began, by this machine's clock.
        started_at: DateTime<Utc>,
        /// The host and port of what stands in for AWS, where something does.
        endpoint: Option<String>,
        /// So many tests.
        tests: usize,
    },
    /// A test of the list.
    Test(ListedTest),
    /// Another process goes on with the run. Where the suite has changed, a new list of tests
    /// follows, and takes the place of the one before.
    TakenUp {
        /// When, by this machine's clock.
        at: DateTime<Utc>,
        /// So many tests, or none where the list stays.
        tests: Option<usize>,
    },
    /// A start may be sent from now on. Written again before it is sent again much later.
    Intent {
        /// The test.
        test: TestIndex,
        /// The attempt, from 1.
        attempt: u32,
        /// The start, from 1 in each attempt.
        start: usize,
        /// When, by this machine's clock.
        at: DateTime<Utc>,
        /// The same by AWS's clock, or up to a second or two before, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aws_at: Option<DateTime<Utc>>,
        /// Whether it may have been sent before, and what came of that is not known.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
        /// Executions of the target that were there before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        before: Vec<String>,
    },
    /// AWS has begun an execution.
    Started {
        /// The test.
        test: TestIndex,
        /// The attempt.
        attempt: u32,
        /// The start.
        start: usize,
        /// The id AWS gave.
        execution_id: String,
        /// Whether it was found by looking it up.
        adopted: bool,
    },
    /// An execution is about to be stopped.
    Stopping {
        /// The test.
        test: TestIndex,
        /// The attempt.
        attempt: u32,
        /// The start.
        start: usize,
        /// What is judged of the attempt, unless it has ended by itself.
        verdict: Verdict,
        /// The deadline that has passed, if it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overdue: Option<Overdue>,
        /// The last status seen, where it is one of AWS's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<String>,
    },
    /// An attempt is over.
    Judged {
        /// The test.
        test: TestIndex,
        /// The attempt.
        attempt: u32,
        /// Its verdict.
        verdict: Verdict,
        /// Connect: the observation counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        observations: Option<Observations>,
        /// How long it took by AWS's clock, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        took_ms: Option<u64>,
    },
    /// The run is finished: nothing of it is left to be done.
    End {
        /// When, by this machine's clock.
        at: DateTime<Utc>,
        /// How it ended.
        conclusion: Conclusion,
    },
}

/// A test as a journal knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedTest {
    /// The name of its suite.
    pub suite: String,
    /// Its service.
    pub service: ServiceName,
    /// Its id in the suite.
    pub id: String,
    /// What is started, by AWS's names.
    pub target: BTreeMap<String, String>,
    /// What else its verdict hangs on, by the suite's keys.
    pub settings: BTreeMap<String, String>,
}

impl ListedTest {
    /// A test of a plan.
    pub fn of(plan: &Plan, test: TestIndex) -> Self {
        let planned = &plan.tests[test];
        let mut settings = BTreeMap::from([
            ("blocking".to_owned(), planned.blocking.to_string()),
            ("retries".to_owned(), planned.retries.to_string()),
            ("timeout".to_owned(), format_duration(planned.timeout)),
            ("queue_timeout".to_owned(), format_duration(planned.queue_timeout)),
        ]);
        let on = [(planned.retry_on.failed, "failed"), (planned.retry_on.error, "error")];
        let on: Vec<&str> = on.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
        settings.insert("retry_on".to_owned(), on.join(", "));
        match &planned.target {
            Target::Connect(target) => {
                let least = target.min_observations.map(|least| least.to_string());
                settings.extend(least.map(|least| ("min_observations".to_owned(), least)));
            }
            Target::Lex(target) => settings.extend(expectations(&target.expect)),
        }
        let mut target = target_of(plan, test);
        if let Target::Lex(LexTarget { modality: Some(modality), .. }) = &planned.target {
            let modality = match modality {
                Modality::Text => "Text",
                Modality::Audio => "Audio",
            };
            target.insert(MODALITY.to_owned(), modality.to_owned());
        }
        Self {
            suite: plan.suites[planned.suite].name.clone(),
            service: planned.target.service(),
            id: planned.id.clone(),
            target,
            settings,
        }
    }

    /// Its target as [`target_of`] gives it.
    pub fn told_apart_by(&self) -> BTreeMap<String, String> {
        let mut target = self.target.clone();
        target.remove(MODALITY);
        target
    }

    /// What it is in a run: equal in no other test of it.
    pub fn identity(&self) -> String {
        identity(&self.suite, self.service, &self.id)
    }
}

/// The key of Lex's modality in a target: of what is started it is a part, but a suite may leave it to
/// AWS, so that it tells no execution from another.
const MODALITY: &str = "modality";

/// What executions are told apart by: those of equal targets only by when they began.
pub fn target_of(plan: &Plan, test: TestIndex) -> BTreeMap<String, String> {
    let mut target = BTreeMap::new();
    let mut put = |name: &str, value: &str| target.insert(name.to_owned(), value.to_owned());
    put("region", plan.region(test).unwrap_or_default());
    match &plan.tests[test].target {
        Target::Connect(connect) => {
            put("instance_id", &connect.instance.id);
            put("test_case_id", &connect.test_case_id);
        }
        Target::Lex(lex) => {
            put("test_set_id", &lex.test_set_id);
            put("bot_id", &lex.bot_id);
            put("bot_alias_id", &lex.bot_alias_id);
            put("locale_id", &lex.locale_id);
            put(
                "api_mode",
                match lex.api_mode {
                    ApiMode::NonStreaming => "NonStreaming",
                    ApiMode::Streaming => "Streaming",
                },
            );
        }
    }
    target
}

fn expectations(expect: &Expect) -> BTreeMap<String, String> {
    let shares = [
        ("end_to_end", expect.end_to_end),
        ("intent", expect.intent),
        ("slot", expect.slot),
        ("speech", expect.speech),
    ];
    let shares = shares.into_iter().filter_map(|(name, share)| Some((name.to_owned(), share?)));
    let intents = expect.intents.iter().map(|(name, share)| (format!("intents.{name}"), *share));
    let shares = shares.chain(intents).map(|(name, share)| (name, share.to_string()));
    let least = expect.min_results.map(|least| ("min_results".to_owned(), least.to_string()));
    shares.chain(least).map(|(name, value)| (format!("expect.{name}"), value)).collect()
}
