//! Attempts: the executions that could give a verdict, and what is known of each.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LexResults, Transcript, Verdict};

/// An error as AWS gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AwsError {
    /// The operation that was called, in AWS's words.
    pub operation: String,
    /// AWS's error code, where a reply could be read.
    pub code: Option<String>,
    /// AWS's message, or what went wrong on the way.
    pub message: String,
    /// The HTTP status, where there was a reply.
    pub status: Option<u16>,
    /// AWS's request id, for a support case.
    pub request_id: Option<String>,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        match (&self.code, self.status) {
            (Some(code), _) => write!(f, "{code}: {}", self.message)?,
            (None, Some(status)) => write!(f, "HTTP {status}: {}", self.message)?,
            (None, None) => f.write_str(&self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

/// One execution that was begun for an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Start {
    /// The id AWS gave it; none where the reply never came.
    pub execution_id: Option<String>,
    /// Whether it was found by looking it up rather than by the reply to its start.
    pub adopted: bool,
}

/// The observations of an Amazon Connect execution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observations {
    /// All of them.
    pub total: u64,
    /// Those that passed.
    pub passed: u64,
    /// Those that failed.
    pub failed: u64,
}

/// An observation of Amazon Connect that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedObservation {
    /// Its id in the test case.
    pub id: String,
    /// What it was to observe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What there was to observe in its place, where the record tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

impl fmt::Display for FailedObservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if let Some(expected) = &self.expected {
            write!(f, ": expected \"{expected}\"")?;
        }
        match &self.seen {
            Some(seen) => write!(f, ", seen \"{seen}\""),
            None => Ok(()),
        }
    }
}

/// What came out of an attempt beyond its verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Details {
    /// Connect: the observation counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observations: Option<Observations>,
    /// Connect: what happened, step by step, as far as the records tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Transcript>,
    /// Connect: the failed observations, in short, as far as the records tell. See `transcript` for
    /// details.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_observations: Vec<FailedObservation>,
    /// Connect: the records as AWS gave them, whose form it does not document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<String>,
    /// Connect: the ids of the contacts that the records name. Personal: kept from every report.
    #[serde(skip)]
    pub contact_ids: Vec<String>,
    /// AWS's reasons: `failureReasons` of Lex, `CompletionReason` of Connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_reasons: Vec<String>,
    /// Lex: the counts that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<LexResults>,
    /// Every share asked for, met or not, with the figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// What else a reader should know, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The error that ended the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AwsError>,
}

/// One of the executions that could give a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// The executions begun for it; a start that came to nothing is followed by another.
    pub starts: Vec<Start>,
    /// Its verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// One line that says why.
    pub message: String,
    /// The last status AWS gave, in AWS's word.
    pub status: Option<String>,
    /// When its first start was sent.
    pub started_at: DateTime<Utc>,
    /// When its end was seen.
    pub ended_at: DateTime<Utc>,
    /// How long it took: by AWS's own clock where it gave both ends, else as seen from here.
    pub seconds: f64,
    /// How long it ran, in seconds, as far as is known: without the time in AWS's queue. What is
    /// known of that is pieced together, and no report tells it.
    #[serde(skip)]
    pub ran: Option<f64>,
    /// The rest.
    #[serde(flatten)]
    pub details: Details,
}

impl Attempt {
    /// The execution that the attempt stands for: the last one begun.
    pub fn execution_id(&self) -> Option<&str> {
        self.starts.last()?.execution_id.as_deref()
    }
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestOutcome {
    /// The verdict over all attempts.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// One line that says why: the deciding attempt's.
    pub message: String,
    /// It passed, after an attempt that failed.
    pub flaky: bool,
    /// It passed, after attempts that came to no verdict, none of which failed.
    pub recovered: bool,
    /// From its first start to its end, in seconds.
    pub seconds: f64,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
}

impl TestOutcome {
    /// The outcome over `attempts`, of which the last ended with `verdict`: any pass, else any
    /// failure, else the last. Took `seconds`.
    pub fn over(attempts: Vec<Attempt>, verdict: Verdict, message: String, seconds: f64) -> Self {
        let failed_before = attempts.iter().any(|attempt| attempt.verdict == Verdict::Failed);
        let last = |wanted: fn(Verdict) -> bool| {
            let found = attempts.iter().rev().find(|attempt| wanted(attempt.verdict));
            found.map(|attempt| (attempt.verdict, attempt.message.clone()))
        };
        let (verdict, message) = match verdict {
            Verdict::Passed => (verdict, message),
            // What was tried and came to nothing was run, whether it was to be tried again or not.
            Verdict::NotRun => last(|verdict| verdict == Verdict::Failed)
                .or_else(|| last(|verdict| matches!(verdict, Verdict::Error(_))))
                .unwrap_or((verdict, message)),
            _ => last(|verdict| verdict == Verdict::Failed).unwrap_or((verdict, message)),
        };
        let flaky = verdict.is_pass() && failed_before;
        let recovered = verdict.is_pass() && !flaky && attempts.len() > 1;
        Self { verdict, message, flaky, recovered, seconds, attempts }
    }

    /// The outcome of a test that has come to no attempt.
    pub fn without_attempt(verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            verdict,
            message: message.into(),
            flaky: false,
            recovered: false,
            seconds: 0.0,
            attempts: Vec::new(),
        }
    }

    /// The execution of the attempt that decided.
    pub fn execution_id(&self) -> Option<&str> {
        self.deciding()?.execution_id()
    }

    /// The Lex results of the attempt that decided, where they were read.
    pub fn results(&self) -> Option<&LexResults> {
        self.deciding()?.details.results.as_ref()
    }

    /// The attempt that decided: the one that passed, else the last with the final verdict.
    pub fn deciding(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|attempt| attempt.verdict == self.verdict)
    }
}
