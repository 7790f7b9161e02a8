//! Suites and a selection to a plan: what will be run, where, within what limits.
//!
//! Pure: no clock, no network, no environment. The engine carries a plan out and adds nothing to
//! it.

mod forecast;
mod order;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use globset::GlobSet;

use crate::outcome::ServiceName;
use crate::suite::{Position, Suite, defaults};

pub use self::forecast::Forecast;
pub use self::order::{History, Past};
pub use crate::suite::defaults::MIN_OBSERVATIONS;
pub use crate::suite::{
    ApiMode, ConnectTarget, Expect, LexTarget, Modality, Poll, RetryOn, Share, Target,
};

/// What the command line asks for beyond the suites.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Which tests to run.
    pub selection: Selection,
    /// In place of every test's `retries`.
    pub retries: Option<u32>,
    /// In place of the suites' `timeout`.
    pub timeout: Option<Duration>,
    /// In place of the suites' `max_failures`.
    pub max_failures: Option<u32>,
    /// Whether a flaky pass counts as failed.
    pub fail_on_flaky: bool,
    /// In place of the suites' `region`.
    pub region: Option<String>,
    /// Where neither the command line nor the suite nor an ARN names one.
    pub default_region: Option<String>,
    /// What is read beyond what the verdicts hang on.
    pub detail: Detail,
    /// How tests went the last time.
    pub history: History,
}

/// What is read of an execution beyond what its verdict hangs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Detail {
    /// Of every test, rather than of those that did not pass.
    pub always: bool,
    /// Which turns of a Lex test set are kept.
    pub turns: Turns,
}

/// Which turns of a Lex test set are kept for the reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Turns {
    /// The worst that did not match, of a test that did not pass.
    #[default]
    Worst,
    /// All that did not match, of every test.
    Mismatches,
    /// All, of every test.
    All,
}

/// Which tests to run: "or" within a field, "and" between fields; an empty field asks nothing.
#[derive(Debug, Default, Clone)]
pub struct Selection {
    /// A test has one of these tags.
    pub tags: Vec<String>,
    /// A test has none of these.
    pub not_tags: Vec<String>,
    /// A test's name matches one of these.
    pub names: GlobSet,
}

impl Selection {
    fn takes(&self, name: &str, tags: &[String]) -> bool {
        let tagged = |wanted: &[String]| wanted.iter().any(|tag| tags.contains(tag));
        (self.tags.is_empty() || tagged(&self.tags))
            && !tagged(&self.not_tags)
            && (self.names.is_empty() || self.names.is_match(name))
    }
}

/// Connect runs so many tests at once on an instance, and no more can be asked for (AWS-FACTS.md).
const CONNECT_SLOTS: u32 = 5;

/// The index of a test in [`Plan::tests`].
pub type TestIndex = usize;

/// What will be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The suites, in the order given.
    pub suites: Vec<PlannedSuite>,
    /// The selected tests, suite by suite.
    pub tests: Vec<PlannedTest>,
    /// Where calls go: each has a budget of its own.
    pub lanes: Vec<Lane>,
    /// What bounds the executions that are begun and not ended.
    pub windows: Vec<Window>,
    /// The whole run may take so long: the longest of the suites'.
    pub timeout: Duration,
    /// After so many failures nothing new is started: the smallest of the suites'.
    pub max_failures: Option<u32>,
    /// Whether a flaky pass counts as failed.
    pub fail_on_flaky: bool,
    /// What is read beyond what the verdicts hang on.
    pub detail: Detail,
    /// The order in which the tests are started.
    pub order: Vec<TestIndex>,
    /// How each test went the last time, where that is known.
    pub past: Vec<Option<Past>>,
}

/// A suite of the plan.
#[derive(Debug, Clone)]
pub struct PlannedSuite {
    /// Its name.
    pub name: String,
    /// Its path as it was given.
    pub file: String,
}

/// A test of the plan, with every default filled in.
#[derive(Debug, Clone)]
pub struct PlannedTest {
    /// Its suite, in [`Plan::suites`].
    pub suite: usize,
    /// Where it stands in the suite's file.
    pub position: Position,
    /// Its name.
    pub name: String,
    /// Its identity within the suite.
    pub id: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What else its author says of it, by name.
    pub meta: BTreeMap<String, String>,
    /// Whether its failure fails the build.
    pub blocking: bool,
    /// New attempts, at most.
    pub retries: u32,
    /// After what a new attempt is made.
    pub retry_on: RetryOn,
    /// One execution, from leaving AWS's queue.
    pub timeout: Duration,
    /// From an accepted start to leaving AWS's queue.
    pub queue_timeout: Duration,
    /// The spacing of polls.
    pub poll: Poll,
    /// What it runs.
    pub target: Target,
    /// Its window, in [`Plan::windows`].
    pub window: usize,
}

/// Tests with this tag are started before all others: what they say is wanted first.
const SMOKE: &str = "smoke";

impl PlannedTest {
    /// Whether it is started before all others.
    pub fn is_smoke(&self) -> bool {
        self.tags.iter().any(|tag| tag == SMOKE)
    }
}

/// Where calls go: one service in one Region, with the credentials of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// The service.
    pub service: ServiceName,
    /// The Region; none only in plans that are not carried out.
    pub region: Option<String>,
    /// Calls a second: the smallest that a suite allows.
    pub requests_per_second: f64,
    /// AWS's burst, in calls: the smallest that a suite allows.
    pub burst: u32,
}

/// What bounds the executions in flight: a Connect instance, or Lex in a Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its lane, in [`Plan::lanes`].
    pub lane: usize,
    /// The Connect instance.
    pub instance_id: Option<String>,
    /// Executions begun and not ended, at most: the smallest that a suite allows.
    pub in_flight: u32,
}

impl Plan {
    /// Plans the selected tests of `suites`.
    pub fn new(suites: &[Suite], options: &Options) -> Self {
        let mut planner = Planner::default();
        let mut tests = Vec::new();
        for (index, suite) in suites.iter().enumerate() {
            for test in &suite.tests {
                if options.selection.takes(&test.name.value, &test.settings.tags) {
                    tests.push(planner.test(index, suite, test, options));
                }
            }
        }
        let run_timeout = suites
            .iter()
            .map(|suite| suite.timeout.unwrap_or(defaults::RUN_TIMEOUT))
            .max()
            .unwrap_or(defaults::RUN_TIMEOUT);
        let max_failures = suites.iter().filter_map(|suite| suite.max_failures).min();
        let mut plan = Self {
            suites: suites
                .iter()
                .map(|suite| PlannedSuite {
                    name: suite.name.value.clone(),
                    file: suite.source.path().to_owned(),
                })
                .collect(),
            tests,
            lanes: planner.lanes,
            windows: planner.windows,
            timeout: options.timeout.unwrap_or(run_timeout),
            max_failures: options.max_failures.or(max_failures),
            fail_on_flaky: options.fail_on_flaky,
            detail: options.detail,
            order: Vec::new(),
            past: Vec::new(),
        };
        let past = |test| options.history.of(&plan.identity(test));
        plan.past = (0..plan.tests.len()).map(past).collect();
        plan.order = order::order(&plan, &plan.past);
        plan
    }

    /// How many executions AWS runs at once in a window, where that is known.
    pub fn slots(&self, window: usize) -> Option<u32> {
        match self.lanes[self.windows[window].lane].service {
            ServiceName::Connect => Some(CONNECT_SLOTS),
            ServiceName::Lex => None,
        }
    }

    /// The lane of a test.
    pub fn lane(&self, test: TestIndex) -> usize {
        self.windows[self.tests[test].window].lane
    }

    /// What a window is of, for people: the service, and the Connect instance or the Region.
    pub fn place(&self, window: usize) -> (ServiceName, String) {
        let Window { lane, instance_id, .. } = &self.windows[window];
        let Lane { service, region, .. } = &self.lanes[*lane];
        let place = instance_id.as_ref().or(region.as_ref());
        (*service, place.cloned().unwrap_or_default())
    }

    /// The Region of a test.
    pub fn region(&self, test: TestIndex) -> Option<&str> {
        self.lanes[self.lane(test)].region.as_deref()
    }

    /// What a test is in a run: equal in no other test, and the same in a later run.
    pub fn identity(&self, test: TestIndex) -> String {
        let test = &self.tests[test];
        identity(&self.suites[test.suite].name, test.target.service(), &test.id)
    }
}

/// What a test is, by its suite's name, its service and its id: equal in no other test of a run, and
/// the same in a later run.
pub fn identity(suite: &str, service: ServiceName, id: &str) -> String {
    // A NUL cannot stand in a name, so that no two pairs of names read alike.
    format!("{suite}\0{service}\0{id}")
}

#[derive(Default)]
struct Planner {
    lanes: Vec<Lane>,
    windows: Vec<Window>,
    lane_of: HashMap<(ServiceName, Option<String>), usize>,
    window_of: HashMap<(usize, Option<String>), usize>,
}

impl Planner {
    fn test(
        &mut self,
        index: usize,
        suite: &Suite,
        test: &crate::suite::Test,
        options: &Options,
    ) -> PlannedTest {
        let service = test.target.service();
        let settings = &test.settings;
        PlannedTest {
            suite: index,
            position: test.position,
            name: test.name.value.clone(),
            id: test.id.clone(),
            tags: settings.tags.clone(),
            owner: settings.owner.clone(),
            meta: settings.meta.clone(),
            blocking: settings.blocking.unwrap_or(true),
            retries: options.retries.or(settings.retries).unwrap_or(0),
            retry_on: settings.retry_on.unwrap_or(defaults::RETRY_ON),
            timeout: settings.timeout.unwrap_or(defaults::timeout(service)),
            queue_timeout: settings.queue_timeout.unwrap_or(defaults::QUEUE_TIMEOUT),
            poll: settings.poll.unwrap_or(defaults::poll(service)),
            window: self.window(suite, &test.target, options),
            target: test.target.clone(),
        }
    }

    fn window(&mut self, suite: &Suite, target: &Target, options: &Options) -> usize {
        let service = target.service();
        let instance = match target {
            Target::Connect(target) => Some(&target.instance),
            Target::Lex(_) => None,
        };
        let region = options
            .region
            .clone()
            .or_else(|| suite.region.as_ref().map(|region| region.value.clone()))
            .or_else(|| instance.and_then(|instance| instance.region.clone()))
            .or_else(|| options.default_region.clone());
        let limits = suite.limits(service);
        let rate = limits.requests_per_second.unwrap_or(defaults::REQUESTS_PER_SECOND);
        let burst = limits.burst.unwrap_or(defaults::BURST);
        let in_flight = limits.in_flight.unwrap_or(defaults::in_flight(service));
        let lane = *self.lane_of.entry((service, region.clone())).or_insert_with(|| {
            self.lanes.push(Lane { service, region, requests_per_second: rate, burst });
            self.lanes.len() - 1
        });
        let found = &mut self.lanes[lane];
        found.requests_per_second = found.requests_per_second.min(rate);
        found.burst = found.burst.min(burst);
        let instance_id = instance.map(|instance| instance.id.clone());
        let window = *self.window_of.entry((lane, instance_id.clone())).or_insert_with(|| {
            self.windows.push(Window { lane, instance_id, in_flight });
            self.windows.len() - 1
        });
        self.windows[window].in_flight = self.windows[window].in_flight.min(in_flight);
        window
    }
}

#[cfg(test)]
mod tests;
