//! The scenario file: what the simulated services hold, how they behave, and what goes wrong.
//!
//! Every key may be left out; a key that is not known is an error. The commented example is
//! `examples/scenario.yaml`. Whatever can be checked is checked while the file is read, so that an error
//! names its line and column.

mod connect;
mod duration;
mod fault;
mod lex;

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

pub use connect::{
    Act, Action, Completion, ConnectLimits, ConnectRun, ConnectScenario, FlowAction, FullQueue,
    NamedBy, Observation, RawRecord, RecordForm, StoppedType, TestCase, Timestamps,
};
pub use duration::Millis;
pub use fault::{Fault, FaultKind, When};
pub use lex::{Counts, LexLimits, LexRun, LexScenario, Modality, MultiTurn, Results, TestSet};

use super::queue::{Plan, Step};

/// What the simulator serves. The default: every test exists and passes in a few seconds, under AWS's limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Version of the format; 1 is the only one.
    #[serde(deserialize_with = "version")]
    pub version: u32,
    /// Model seconds per wall second. Durations and request rates are in model time.
    #[serde(deserialize_with = "speed")]
    pub speed: f64,
    /// Ids and chances are drawn from it, so that two runs of a scenario look alike. 0: other ids in every run.
    pub seed: u64,
    /// Amazon Connect.
    pub connect: ConnectScenario,
    /// Amazon Lex V2.
    pub lex: LexScenario,
    /// What goes wrong on the wire. The first entry that fits a call is the one that acts.
    pub faults: Vec<Fault>,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            version: 1,
            speed: 1.0,
            seed: 1,
            connect: ConnectScenario::default(),
            lex: LexScenario::default(),
            faults: Vec::new(),
        }
    }
}

impl Scenario {
    /// Reads a scenario from YAML (so JSON will do too). An empty text is the default scenario.
    ///
    /// # Errors
    /// The first problem found, with its line, column and cause.
    pub fn from_yaml(text: &str) -> Result<Scenario, ScenarioError> {
        let scenario: Option<Scenario> = serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(|at| (at.line(), at.column()));
            let mut cause = error.without_snippet().to_string();
            // The reader ends its text with the place, which is kept apart here.
            if let Some((line, column)) = place {
                let text = format!(" at line {line}, column {column}");
                cause.truncate(cause.strip_suffix(&text).map_or(cause.len(), str::len));
            }
            ScenarioError { place, cause }
        })?;
        Ok(scenario.unwrap_or_default())
    }
}

/// A scenario file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    place: Option<(u64, u64)>,
    cause: String,
}

impl ScenarioError {
    /// Line and column, both counted from 1, where they are known.
    pub fn place(&self) -> Option<(u64, u64)> {
        self.place
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.cause),
            None => f.write_str(&self.cause),
        }
    }
}

impl std::error::Error for ScenarioError {}

/// What an id does that the scenario does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It exists and does what `default` says.
    #[default]
    Pass,
    /// It does not exist.
    Missing,
}

/// How the last page of a list says that it is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndToken {
    /// There is no token.
    #[default]
    Absent,
    /// The token is there and empty, as has been seen on Connect.
    Empty,
    /// The token is there and `null`, as has been seen on Connect.
    ExplicitNull,
}

/// The later part of a run: a status, and what comes after it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    status: String,
    #[serde(default)]
    after: Option<Millis>,
    #[serde(default)]
    then: Option<Box<Then>>,
}

/// Makes the plan of a run out of its keys. `ends` are the statuses that end an execution of the service.
fn plan(first: Then, held: Millis, usual: u64, ends: &[&str]) -> Result<Plan, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut next = Some(first);
    let mut over = false;
    while let Some(Then { status, after, then }) = next {
        over = ends.contains(&status.as_str());
        if over && then.is_some() {
            return Err(format!("{status} ends an execution: nothing can come `then`"));
        }
        if status.is_empty() {
            return Err("a status cannot be empty".to_owned());
        }
        // Without `after`, the first status is taken at once if more is to come, else after the usual time.
        let after = match after {
            Some(Millis(ms)) => ms,
            None if over && steps.is_empty() => usual,
            None => 0,
        };
        steps.push(Step { after, status });
        next = then.map(|then| *then);
    }
    Ok(Plan { held: held.0, steps, ends: over })
}

fn version<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        1 => Ok(1),
        other => Err(D::Error::custom(format!("version {other} is not known; 1 is the only one"))),
    }
}

fn speed<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let speed = f64::deserialize(from)?;
    if (0.001..=1_000_000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err(D::Error::custom("`speed` goes from 0.001 to 1000000 model seconds a second"))
    }
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(from)?;
    if rate > 0.0 && rate.is_finite() {
        Ok(rate)
    } else {
        Err(D::Error::custom("`requests_per_second` is above 0"))
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        0 => Err(D::Error::custom("this limit is at least 1")),
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests;
