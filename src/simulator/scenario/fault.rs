//! The `faults` section: what goes wrong on the wire.

use serde::Deserialize;

use super::Millis;
use crate::simulator::OPERATIONS;

/// AWS's code for a quota that comes with 429, like a throttle.
const LIMIT_CODE: &str = "LimitExceededException";

/// One fault, and the calls that meet it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawFault")]
pub struct Fault {
    /// The operation, such as `StartTestCaseExecution`.
    pub operation: String,
    /// Only calls on this test case, execution or test set.
    pub target: Option<String>,
    /// Which of those calls.
    pub when: When,
    /// What happens to them.
    pub kind: FaultKind,
    /// Model time that the answer is held back, beside all else.
    pub delay: Millis,
}

/// Which calls meet a fault; a call is one on the wire, a retry another.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// These, counted from 1.
    Calls(Vec<u64>),
    /// All.
    Every,
    /// Each with this chance, 0 to 1, drawn from the seed.
    Rate(f64),
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// An error reply.
    Error {
        /// HTTP status.
        status: u16,
        /// AWS's code; `None`: what the service says for that status.
        code: Option<String>,
        /// Its message.
        message: Option<String>,
        /// Seconds, as the `Retry-After` header.
        retry_after: Option<u64>,
        /// Whether the service acted all the same.
        acts: bool,
    },
    /// The connection is closed without an answer.
    Reset {
        /// Whether the service acted before.
        acts: bool,
    },
    /// There is no answer until the client gives up.
    Hang {
        /// Whether the service acted.
        acts: bool,
    },
    /// There is no answer, and the service acts only after the delay.
    Late,
    /// 200 with a body that is no JSON.
    Garbage {
        /// Whether the service acted.
        acts: bool,
    },
    /// 502 with an HTML page, as a proxy sends it.
    Html {
        /// Whether the service acted.
        acts: bool,
    },
    /// The right answer; with a delay, late.
    Delay,
    /// A list answers with no items, and a token that leads to the same place.
    EmptyPage,
    /// A list answers with a token that leads to the same page again.
    RepeatPage,
}

impl FaultKind {
    /// Whether the service acts on a call that meets this.
    pub fn acts(&self) -> bool {
        match self {
            FaultKind::Error { acts, .. }
            | FaultKind::Reset { acts }
            | FaultKind::Hang { acts }
            | FaultKind::Garbage { acts }
            | FaultKind::Html { acts } => *acts,
            FaultKind::Late => false,
            FaultKind::Delay | FaultKind::EmptyPage | FaultKind::RepeatPage => true,
        }
    }

    /// Its name, for the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Error { code: Some(code), .. } if code == LIMIT_CODE => "limit",
            FaultKind::Error { status: 429, .. } => "throttle",
            FaultKind::Error { .. } => "error",
            FaultKind::Reset { acts: false } => "reset_before",
            FaultKind::Reset { acts: true } => "reset_after",
            FaultKind::Hang { acts: false } => "hang",
            FaultKind::Hang { acts: true } => "hang_after",
            FaultKind::Late => "late",
            FaultKind::Garbage { .. } => "garbage",
            FaultKind::Html { .. } => "html",
            FaultKind::Delay => "delay",
            FaultKind::EmptyPage => "empty_page",
            FaultKind::RepeatPage => "repeat_page",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Throttle,
    Error,
    Quota,
    Limit,
    ResetBefore,
    ResetAfter,
    Hang,
    HangAfter,
    Late,
    Garbage,
    Html,
    Delay,
    EmptyPage,
    RepeatPage,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFault {
    operation: String,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    calls: Option<Vec<u64>>,
    #[serde(default)]
    every: Option<bool>,
    #[serde(default)]
    rate: Option<f64>,
    #[serde(default)]
    fault: Option<Name>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    retry_after: Option<u64>,
    #[serde(default)]
    acts: Option<bool>,
    #[serde(default)]
    delay: Option<Millis>,
}

impl TryFrom<RawFault> for Fault {
    type Error = String;

    fn try_from(raw: RawFault) -> Result<Fault, String> {
        if !OPERATIONS.contains(&raw.operation.as_str()) {
            return Err(format!(
                "unknown operation `{}`; it is one of {}",
                raw.operation,
                OPERATIONS.join(", ")
            ));
        }
        Ok(Fault {
            when: raw.when()?,
            kind: raw.kind()?,
            operation: raw.operation,
            target: raw.target,
            delay: raw.delay.unwrap_or_default(),
        })
    }
}

impl RawFault {
    fn when(&self) -> Result<When, String> {
        match (&self.calls, self.every, self.rate) {
            (Some(calls), None | Some(false), None) => match calls.contains(&0) {
                true => Err("`calls` are counted from 1".to_owned()),
                false => Ok(When::Calls(calls.clone())),
            },
            (None, Some(true), None) => Ok(When::Every),
            (None, None | Some(false), Some(rate)) if (0.0..=1.0).contains(&rate) => {
                Ok(When::Rate(rate))
            }
            (None, None | Some(false), Some(_)) => Err("`rate` goes from 0 to 1".to_owned()),
            _ => {
                Err("a fault has one of `calls: [1, 2]`, `every: true` and `rate: 0.1`".to_owned())
            }
        }
    }

    fn kind(&self) -> Result<FaultKind, String> {
        let Some(name) = self.fault.or(self.delay.map(|_| Name::Delay)) else {
            return Err("a fault names what happens: `fault: reset_after`, or a `delay`".to_owned());
        };
        let is_error = matches!(name, Name::Throttle | Name::Error | Name::Quota | Name::Limit);
        if !is_error && (self.code.is_some() || self.message.is_some() || self.status.is_some()) {
            return Err("only an error has `status`, `code` and `message`".to_owned());
        }
        if !is_error && self.retry_after.is_some() {
            return Err("only an error has `retry_after`".to_owned());
        }
        if !is_error && self.acts.is_some() && !matches!(name, Name::Garbage | Name::Html) {
            return Err(
                "whether the service `acts` is settled by the kind of this fault".to_owned()
            );
        }
        if matches!(name, Name::Late | Name::Delay) && self.delay.is_none() {
            return Err("this fault wants a `delay`".to_owned());
        }
        if matches!(name, Name::EmptyPage | Name::RepeatPage) && !self.operation.starts_with("List")
        {
            return Err(format!("{} has no pages", self.operation));
        }
        let error = |status: u16, code: Option<&str>| -> Result<FaultKind, String> {
            let status = self.status.unwrap_or(status);
            if !(400..=599).contains(&status) {
                return Err("the `status` of an error goes from 400 to 599".to_owned());
            }
            for text in [&self.code, &self.message].into_iter().flatten() {
                if text.is_empty() || text.chars().any(char::is_control) {
                    return Err("`code` and `message` are plain text".to_owned());
                }
            }
            if self.code.as_ref().is_some_and(|code| !code.is_ascii()) {
                return Err("`code` is plain ASCII".to_owned());
            }
            Ok(FaultKind::Error {
                status,
                code: self.code.clone().or_else(|| code.map(str::to_owned)),
                message: self.message.clone(),
                retry_after: self.retry_after,
                acts: self.acts.unwrap_or(false),
            })
        };
        Ok(match name {
            Name::Throttle => error(429, None)?,
            Name::Error => error(500, None)?,
            Name::Quota => error(402, None)?,
            Name::Limit => error(429, Some(LIMIT_CODE))?,
            Name::ResetBefore => FaultKind::Reset { acts: false },
            Name::ResetAfter => FaultKind::Reset { acts: true },
            Name::Hang => FaultKind::Hang { acts: false },
            Name::HangAfter => FaultKind::Hang { acts: true },
            Name::Late => FaultKind::Late,
            Name::Garbage => FaultKind::Garbage { acts: self.acts.unwrap_or(true) },
            Name::Html => FaultKind::Html { acts: self.acts.unwrap_or(false) },
            Name::Delay => FaultKind::Delay,
            Name::EmptyPage => FaultKind::EmptyPage,
            Name::RepeatPage => FaultKind::RepeatPage,
        })
    }
}
