//! The model of Amazon Lex V2's Test Workbench: test sets, executions of them, and their results.
//!
//! Sans-IO: each call brings the time (epoch ms) and the Region. There is no client token and no operation that
//! stops an execution, as in the service. Where AWS documents nothing the choice made is marked as a guess.

mod results;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::api::{ApiError, Ids, Page, PageRequest};
use super::ledger::ExecutionEntry;
use super::queue::{Queue, Stage};
use super::scenario::{LexRun, LexScenario, Modality, Results, TestSet, Unknown};

pub use results::{Match, ResultType, Sheet};

/// How long an execution without a slot shows Pending before it shows Waiting; a guess, to show both.
const PENDING_MS: u64 = 1_000;

/// Lex in one account, all Regions.
#[derive(Debug)]
pub struct Lex {
    scenario: LexScenario,
    ids: Ids,
    begun: u64,
    regions: BTreeMap<String, Region>,
}

#[derive(Debug)]
struct Region {
    queue: Queue,
    /// By their number in the queue.
    executions: Vec<Execution>,
    by_id: HashMap<String, usize>,
    starts: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Execution {
    id: String,
    start: Start,
    run: LexRun,
    sheet: Option<Sheet>,
}

/// What an execution is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The test set.
    pub test_set_id: String,
    /// The bot.
    pub bot_id: String,
    /// Its alias.
    pub bot_alias_id: String,
    /// Its locale.
    pub locale_id: String,
    /// `Streaming` or `NonStreaming`.
    pub api_mode: String,
    /// Text or audio; left out: that of the set.
    pub modality: Option<Modality>,
}

/// An execution as Describe and the list show it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub execution_id: String,
    /// What it was started with; the modality is filled in.
    pub start: Start,
    /// The name of its test set.
    pub test_set_name: String,
    /// When it was started.
    pub created: u64,
    /// When its status last changed.
    pub updated: u64,
    /// Its status.
    pub status: String,
    /// Why it Failed; only Describe shows it.
    pub failure_reasons: Vec<String>,
}

/// How a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By the test set's name rather than by time.
    pub by_name: bool,
    /// From the last to the first.
    pub descending: bool,
}

/// A test set, as Describe and the list show it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSummary {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub modality: Modality,
    /// Ready or Importing.
    pub status: &'static str,
    /// How many turns it holds.
    pub turns: u64,
    /// When it was made.
    pub created: u64,
}

impl Lex {
    /// The service of a scenario at `begun`, with nothing started yet.
    pub fn new(scenario: LexScenario, ids: Ids, begun: u64) -> Lex {
        Lex { scenario, ids, begun, regions: BTreeMap::new() }
    }

    /// StartTestExecution. The same call twice runs the set twice: there is no client token.
    ///
    /// # Errors
    /// Validation, ResourceNotFound, AccessDenied, Conflict for a set that is not ready (a guess: AWS does not
    /// say what a conflict is).
    pub fn start(&mut self, now: u64, region: &str, mut start: Start) -> Result<Shown, ApiError> {
        check_id("testSetId", &start.test_set_id)?;
        check_id("botId", &start.bot_id)?;
        check_id("botAliasId", &start.bot_alias_id)?;
        if start.locale_id.is_empty() {
            return Err(ApiError::validation("localeId is required"));
        }
        if !["Streaming", "NonStreaming"].contains(&start.api_mode.as_str()) {
            return Err(ApiError::validation("apiMode must be one of Streaming, NonStreaming"));
        }
        let set = test_set(&self.scenario, "StartTestExecution", &start.test_set_id)?;
        if set.is_some_and(|set| set.not_ready) {
            let message = format!("Test set {} is not ready", start.test_set_id);
            return Err(ApiError::new(409, "ConflictException", message));
        }
        let modality = start.modality.unwrap_or(set.map_or(Modality::Text, |set| set.modality));
        start.modality = Some(modality);
        let runs = set.map_or(&[][..], |set| &set.runs[..]);
        let slots = self.scenario.limits.concurrent as usize;
        let here = self.regions.entry(region.to_owned()).or_insert_with(|| Region {
            queue: Queue::new(slots),
            executions: Vec::new(),
            by_id: HashMap::new(),
            starts: BTreeMap::new(),
        });
        let nth = here.starts.entry(start.test_set_id.clone()).or_insert(0);
        let run = runs.get(*nth).or(runs.last()).unwrap_or(&self.scenario.default).clone();
        *nth += 1;
        let mut id =
            self.ids.short(&["test execution", region, &start.test_set_id, &nth.to_string()]);
        // Ten characters can meet; UUIDs do not.
        while here.by_id.contains_key(&id) {
            id = self.ids.short(&["again", region, &id]);
        }
        let sheet = results_of(&self.scenario, &run).map(|results| Sheet::new(results, modality));
        let number = here.queue.push(now, run.plan.clone());
        here.by_id.insert(id.clone(), number);
        here.executions.push(Execution { id, start, run, sheet });
        Ok(here.shown(now, number, &self.scenario))
    }

    /// DescribeTestExecution.
    ///
    /// # Errors
    /// Validation, ResourceNotFound.
    pub fn describe(&mut self, now: u64, region: &str, id: &str) -> Result<Shown, ApiError> {
        let (here, number) = find(&mut self.regions, now, region, id)?;
        Ok(here.shown(now, number, &self.scenario))
    }

    /// ListTestExecutions; newest first unless sorted otherwise.
    pub fn executions(
        &mut self,
        now: u64,
        region: &str,
        sort: Option<Sort>,
        page: PageRequest,
    ) -> Page<Shown> {
        let sort = sort.unwrap_or(Sort { by_name: false, descending: true });
        let Some(here) = self.regions.get_mut(region) else {
            return Page { items: Vec::new(), next: None };
        };
        here.queue.advance(now);
        let here = &*here;
        let lag = self.scenario.list_lag.0;
        let mut numbers: Vec<u64> = (0..here.executions.len())
            .filter(|&number| here.queue.created(number).saturating_add(lag) <= now)
            .map(|number| number as u64)
            .collect();
        if sort.by_name {
            numbers.sort_by_key(|&number| {
                let id = &here.executions[number as usize].start.test_set_id;
                name_of(id, self.scenario.test_sets.get(id))
            });
        }
        if sort.descending {
            numbers.reverse();
        }
        Page::cut(page, numbers, |number| here.shown(now, number as usize, &self.scenario))
    }

    /// ListTestExecutionResultItems: the items of one type, as JSON. An execution that has not ended has none
    /// (a guess).
    ///
    /// # Errors
    /// Validation, ResourceNotFound.
    pub fn results(
        &mut self,
        now: u64,
        region: &str,
        id: &str,
        of: ResultType,
        only: Option<Match>,
        page: PageRequest,
    ) -> Result<Page<serde_json::Value>, ApiError> {
        let (here, number) = find(&mut self.regions, now, region, id)?;
        let ended = here.queue.ended(number).is_some();
        match here.executions[number].sheet.as_mut().filter(|_| ended) {
            Some(sheet) => Ok(sheet.page(of, only, page)),
            None => Ok(Page { items: Vec::new(), next: None }),
        }
    }

    /// ListTestSets: those that the scenario names, and those that were started.
    pub fn sets(&self, region: &str, sort: Option<Sort>, page: PageRequest) -> Page<SetSummary> {
        let named = self.scenario.test_sets.iter();
        let mut ids: BTreeSet<&String> =
            named.filter(|(_, set)| !set.missing).map(|(id, _)| id).collect();
        ids.extend(self.regions.get(region).into_iter().flat_map(|it| it.starts.keys()));
        let mut sets: Vec<SetSummary> = ids.into_iter().map(|id| self.summary_of(id)).collect();
        if sort.is_some_and(|sort| sort.by_name) {
            sets.sort_by(|one, other| one.name.cmp(&other.name));
        }
        if sort.is_some_and(|sort| sort.descending) {
            sets.reverse();
        }
        Page::cut(page, 0..sets.len() as u64, |number| sets[number as usize].clone())
    }

    /// DescribeTestSet.
    ///
    /// # Errors
    /// Validation, ResourceNotFound, AccessDenied.
    pub fn set(&self, id: &str) -> Result<SetSummary, ApiError> {
        check_id("testSetId", id)?;
        test_set(&self.scenario, "DescribeTestSet", id)?;
        Ok(self.summary_of(id))
    }

    /// All executions as of `now`, for the ledger; its times count from `begun`.
    pub fn ledger(&mut self, now: u64, begun: u64) -> Vec<ExecutionEntry> {
        let mut entries = Vec::new();
        for (region, here) in &mut self.regions {
            here.queue.advance(now);
            for (number, execution) in here.executions.iter().enumerate() {
                let since = |at: u64| at.saturating_sub(begun);
                entries.push(ExecutionEntry {
                    service: "lex",
                    region: region.clone(),
                    execution_id: execution.id.clone(),
                    test_case_id: None,
                    test_set_id: Some(execution.start.test_set_id.clone()),
                    client_token: None,
                    created_ms: since(here.queue.created(number)),
                    started_ms: here.queue.running_at(now, number).map(since),
                    ended_ms: here.queue.ended(number).map(since),
                    status: here.status(now, number),
                });
            }
        }
        entries
    }

    fn summary_of(&self, id: &str) -> SetSummary {
        let set = self.scenario.test_sets.get(id);
        let run = set.and_then(|set| set.runs.first()).unwrap_or(&self.scenario.default);
        let modality = set.map_or(Modality::Text, |set| set.modality);
        SetSummary {
            id: id.to_owned(),
            name: name_of(id, set),
            modality,
            status: match set.is_some_and(|set| set.not_ready) {
                true => "Importing",
                false => "Ready",
            },
            turns: results_of(&self.scenario, run)
                .map_or(0, |results| Sheet::new(results, modality).records()),
            // A set is older than the tests of it.
            created: self.begun.saturating_sub(86_400_000),
        }
    }
}

impl Region {
    fn status(&self, now: u64, number: usize) -> String {
        match self.queue.stage(now, number) {
            Stage::Waiting if now >= self.queue.created(number).saturating_add(PENDING_MS) => {
                "Waiting".to_owned()
            }
            Stage::Waiting | Stage::Held => "Pending".to_owned(),
            Stage::Running => "InProgress".to_owned(),
            Stage::Shown(status) => status.to_owned(),
            Stage::Stopped => "Stopped".to_owned(),
        }
    }

    fn shown(&self, now: u64, number: usize, scenario: &LexScenario) -> Shown {
        let execution = &self.executions[number];
        let status = self.status(now, number);
        let id = &execution.start.test_set_id;
        let failure_reasons = match &execution.run.failure_reasons {
            _ if status != "Failed" => Vec::new(),
            Some(reasons) => reasons.clone(),
            None => vec!["The bot alias could not be reached.".to_owned()],
        };
        Shown {
            execution_id: execution.id.clone(),
            start: execution.start.clone(),
            test_set_name: name_of(id, scenario.test_sets.get(id)),
            created: self.queue.created(number),
            updated: self.queue.moved_at(now, number),
            status,
            failure_reasons,
        }
    }
}

fn find<'a>(
    regions: &'a mut BTreeMap<String, Region>,
    now: u64,
    region: &str,
    id: &str,
) -> Result<(&'a mut Region, usize), ApiError> {
    check_id("testExecutionId", id)?;
    let missing = || ApiError::not_found(format!("Test execution {id} not found"));
    let here = regions.get_mut(region).ok_or_else(missing)?;
    here.queue.advance(now);
    let number = *here.by_id.get(id).ok_or_else(missing)?;
    Ok((here, number))
}

/// What the scenario says of a test set; `None` when it does not name it and any id will do.
fn test_set<'a>(
    scenario: &'a LexScenario,
    operation: &str,
    id: &str,
) -> Result<Option<&'a TestSet>, ApiError> {
    let set = scenario.test_sets.get(id);
    if set.is_some_and(|set| set.denied) {
        return Err(ApiError::denied(&format!("lex:{operation}"), id));
    }
    let missing = match set {
        Some(set) => set.missing,
        None => scenario.unknown_test_sets == Unknown::Missing,
    };
    if missing {
        return Err(ApiError::not_found(format!("Test set {id} not found")));
    }
    Ok(set)
}

/// The results of a run: its own, or where it is Completed those of `default`.
fn results_of(scenario: &LexScenario, run: &LexRun) -> Option<Results> {
    let inherited =
        || run.completes().then(|| scenario.default.results.clone().unwrap_or_default());
    run.results.clone().or_else(inherited)
}

/// Ids of Lex are exactly ten of [0-9a-zA-Z] (service model, `Id`).
fn check_id(member: &str, id: &str) -> Result<(), ApiError> {
    if id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: ^[0-9a-zA-Z]{{10}}$"
    )))
}

/// The name of a test set, made up from its id where the scenario gives none.
fn name_of(id: &str, set: Option<&TestSet>) -> String {
    match set.and_then(|set| set.name.as_ref()) {
        Some(name) => name.clone(),
        None => format!("Set-{id}"),
    }
}

#[cfg(test)]
mod tests;
