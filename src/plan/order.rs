//! In what order tests are started, by what is known of earlier runs.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use super::{Plan, TestIndex};

/// How tests went the last time, by their [identity](Plan::identity).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History(HashMap<String, Past>);

/// How a test went the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// Whether it passed.
    pub passed: bool,
    /// How long its execution took.
    pub took: Duration,
}

impl History {
    /// What is known of a test.
    pub fn of(&self, identity: &str) -> Option<Past> {
        self.0.get(identity).copied()
    }
}

impl FromIterator<(String, Past)> for History {
    fn from_iter<I: IntoIterator<Item = (String, Past)>>(tests: I) -> Self {
        Self(tests.into_iter().collect())
    }
}

/// The order in which the tests of a plan are started: those tagged `smoke`, and of each kind what
/// did not pass the last time, what is new, and then what took longest, so that a run does not end
/// with all but one of AWS's slots idle. Otherwise that of the suites.
pub(super) fn order(plan: &Plan, past: &[Option<Past>]) -> Vec<TestIndex> {
    let mut order: Vec<TestIndex> = (0..plan.tests.len()).collect();
    order.sort_by_key(|test| {
        let smoke = plan.tests[*test].is_smoke();
        let (rank, took) = match past[*test] {
            Some(Past { passed: false, took }) => (0, took),
            None => (1, Duration::ZERO),
            Some(Past { passed: true, took }) => (2, took),
        };
        (!smoke, rank, Reverse(took))
    });
    order
}
