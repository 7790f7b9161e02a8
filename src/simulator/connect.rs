//! The model of Amazon Connect's testing and simulation: instances, their queues, executions and records.
//!
//! Sans-IO: each call brings the time (epoch ms) and the Region. Where AWS documents nothing the choice made
//! is marked as a guess; a client should not lean on those.

mod records;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::api::{ApiError, Ids, Page, PageRequest};
use super::ledger::ExecutionEntry;
use super::queue::{Queue, Stage};
use super::scenario::{ConnectRun, ConnectScenario, FullQueue, TestCase, Unknown};

use records::Telling;
pub use records::{Record, Tally};

/// The statuses that the API knows (service model, `TestCaseExecutionStatus`).
pub const STATUSES: [&str; 5] = ["INITIATED", "PASSED", "FAILED", "IN_PROGRESS", "STOPPED"];

/// Amazon Connect in one account, all Regions.
#[derive(Debug)]
pub struct Connect {
    scenario: ConnectScenario,
    ids: Ids,
    instances: BTreeMap<(String, String), Instance>,
}

#[derive(Debug)]
struct Instance {
    queue: Queue,
    /// By their number in the queue.
    executions: Vec<Execution>,
    by_id: HashMap<String, usize>,
    by_token: HashMap<String, usize>,
    starts: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Execution {
    id: String,
    test_case_id: String,
    client_token: Option<String>,
    stop_token: Option<String>,
    run: ConnectRun,
    /// It was cut at the longest duration.
    cut: bool,
}

/// Where a call goes: a Region and an instance of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    region: String,
    instance: String,
}

/// What a start gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The execution; the same one when the client token was known.
    pub execution_id: String,
    /// Its test case.
    pub test_case_id: String,
    /// Its status.
    pub status: String,
}

/// An execution as the summary and the lists show it. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its id.
    pub execution_id: String,
    /// Its test case.
    pub test_case_id: String,
    /// When it was started; a guess that this is the moment the start was accepted, not that of leaving the queue.
    pub start: u64,
    /// When it ended.
    pub end: Option<u64>,
    /// Its status.
    pub status: String,
    /// Its observations, once it has ended.
    pub observations: Option<Tally>,
}

/// Filters of ListTestCaseExecutions. Times are epoch milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this test case.
    pub test_case_id: Option<String>,
    /// Only test cases of this name.
    pub test_case_name: Option<String>,
    /// Only what was started at or after this time.
    pub start: Option<u64>,
    /// Only what was started before this time ("started before", says the model of `EndTime`).
    pub end: Option<u64>,
    /// Only this status.
    pub status: Option<String>,
}

/// A test case, as ListTestCases shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCaseSummary {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// PUBLISHED rather than SAVED.
    pub published: bool,
}

impl Place {
    /// The instance that `instance` (an id or an ARN of 1 to 100 characters, as the model says) means in `region`.
    ///
    /// # Errors
    /// InvalidParameterException, or ResourceNotFoundException for an ARN of another Region.
    pub fn new(region: &str, instance: &str) -> Result<Place, ApiError> {
        let wrong = || {
            ApiError::invalid_parameter(format!("InstanceId is not valid: {}", shorten(instance)))
        };
        if instance.is_empty() || instance.chars().count() > 100 {
            return Err(wrong());
        }
        let id = if instance.starts_with("arn:") {
            let parts: Vec<&str> = instance.splitn(6, ':').collect();
            let [_, _, "connect", of, _, resource] = parts[..] else {
                return Err(wrong());
            };
            let id = resource
                .strip_prefix("instance/")
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .ok_or_else(wrong)?;
            if of != region {
                return Err(ApiError::not_found(format!("Instance {instance} is not in {region}")));
            }
            id
        } else {
            instance
        };
        Ok(Place { region: region.to_owned(), instance: id.to_owned() })
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The instance's id.
    pub fn instance(&self) -> &str {
        &self.instance
    }
}

impl Connect {
    /// The service of a scenario, with nothing started yet.
    pub fn new(scenario: ConnectScenario, ids: Ids) -> Connect {
        Connect { scenario, ids, instances: BTreeMap::new() }
    }

    /// StartTestCaseExecution. A client token that is known gives the execution that it began.
    ///
    /// # Errors
    /// ResourceNotFound, AccessDenied, InvalidRequest for a test case not published, InvalidParameter for a token
    /// of another test case (a guess: AWS documents no answer), ServiceQuotaExceeded when the queue is full.
    pub fn start(
        &mut self,
        now: u64,
        place: &Place,
        test_case_id: &str,
        client_token: Option<&str>,
    ) -> Result<Started, ApiError> {
        let case = test_case(&self.scenario, "StartTestCaseExecution", test_case_id)?;
        let client_token = token(client_token)?;
        if case.is_some_and(|case| !case.published) {
            return Err(ApiError::invalid_request(format!(
                "Test case {test_case_id} is not published"
            )));
        }
        let runs = case.map_or(&[][..], |case| &case.runs[..]);
        let limits = &self.scenario.limits;
        let instance = self
            .instances
            .entry((place.region.clone(), place.instance.clone()))
            .or_insert_with(|| Instance::new(limits.concurrent));
        instance.queue.advance(now);

        let known = client_token.as_ref().and_then(|token| instance.by_token.get(token));
        if let Some(&number) = known {
            let execution = &instance.executions[number];
            if execution.test_case_id != test_case_id {
                return Err(ApiError::invalid_parameter(
                    "ClientToken was used for another test case",
                ));
            }
            return Ok(Started {
                execution_id: execution.id.clone(),
                test_case_id: test_case_id.to_owned(),
                status: instance.status(now, number),
            });
        }
        if instance.queue.active() >= limits.queue as usize {
            let message = format!(
                "The limit of {} queued and running test case executions has been reached",
                limits.queue
            );
            return Err(match self.scenario.full_queue {
                FullQueue::Quota => ApiError::quota(message),
                FullQueue::Limit => ApiError::limit(message),
            });
        }

        let nth = instance.starts.entry(test_case_id.to_owned()).or_insert(0);
        let run = runs.get(*nth).or(runs.last()).unwrap_or(&self.scenario.default).clone();
        *nth += 1;
        let parts = ["execution", &place.region, &place.instance, test_case_id, &nth.to_string()];
        let id = self.ids.uuid(&parts);
        let mut plan = run.plan.clone();
        let cut = plan.length().is_some_and(|length| length > limits.max_duration.0);
        if cut {
            cut_at(&mut plan.steps, limits.max_duration.0);
        }
        let number = instance.queue.push(now, plan);
        instance.by_id.insert(id.clone(), number);
        if let Some(token) = &client_token {
            instance.by_token.insert(token.clone(), number);
        }
        instance.executions.push(Execution {
            id: id.clone(),
            test_case_id: test_case_id.to_owned(),
            client_token,
            stop_token: None,
            run,
            cut,
        });
        Ok(Started {
            execution_id: id,
            test_case_id: test_case_id.to_owned(),
            status: "INITIATED".to_owned(),
        })
    }

    /// GetTestCaseExecutionSummary.
    ///
    /// # Errors
    /// ResourceNotFound, AccessDenied, InvalidParameter.
    pub fn summary(
        &mut self,
        now: u64,
        place: &Place,
        test_case_id: &str,
        execution_id: &str,
    ) -> Result<Summary, ApiError> {
        let (instance, number) =
            self.find("GetTestCaseExecutionSummary", now, place, test_case_id, execution_id)?;
        Ok(instance.summary(now, number))
    }

    /// ListTestCaseExecutionRecords, in the order of time; `status` keeps only records of that status.
    ///
    /// # Errors
    /// ResourceNotFound, AccessDenied, InvalidParameter.
    pub fn records(
        &mut self,
        now: u64,
        place: &Place,
        test_case_id: &str,
        execution_id: &str,
        status: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<Record>, ApiError> {
        let ids = self.ids;
        let operation = "ListTestCaseExecutionRecords";
        let telling =
            Telling { form: self.scenario.record_form, stopped: self.scenario.stopped_type };
        let (instance, number) = self.find(operation, now, place, test_case_id, execution_id)?;
        check_status(status)?;
        let all = instance.records(now, number, &ids, telling);
        let shown = all
            .iter()
            .enumerate()
            .filter(|(_, record)| status.is_none() || record.status.as_deref() == status)
            .map(|(place, _)| place as u64);
        Ok(Page::cut(page, shown, |place| all[place as usize].clone()))
    }

    /// ListTestCaseExecutions, newest first (AWS promises no order).
    ///
    /// # Errors
    /// InvalidParameter.
    pub fn executions(
        &mut self,
        now: u64,
        place: &Place,
        filter: &Filter,
        page: PageRequest,
    ) -> Result<Page<Summary>, ApiError> {
        check_status(filter.status.as_deref())?;
        let names = &self.scenario.test_cases;
        let lag = self.scenario.list_lag.0;
        let Some(instance) =
            self.instances.get_mut(&(place.region.clone(), place.instance.clone()))
        else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        instance.queue.advance(now);
        let instance = &*instance;
        let fits = |number: &u64| {
            let number = *number as usize;
            let execution = &instance.executions[number];
            let start = instance.queue.created(number);
            let test_case_id = &execution.test_case_id;
            start.saturating_add(lag) <= now
                && filter.test_case_id.as_ref().is_none_or(|id| id == test_case_id)
                && filter
                    .test_case_name
                    .as_ref()
                    .is_none_or(|name| *name == name_of(test_case_id, names.get(test_case_id)))
                && filter.end.is_none_or(|to| start < to)
                && filter
                    .status
                    .as_ref()
                    .is_none_or(|status| *status == instance.status(now, number))
        };
        // The cursor counts down from the newest, whatever its status is by now: filters must not lose the place.
        let newest = instance.executions.len() as u64;
        let from = page.cursor.map_or(newest, |cursor| cursor.min(newest));
        let page = PageRequest { cursor: None, ..page };
        // They are numbered in the order of their starts, so that what is too old ends the search.
        let recent = |number: &u64| {
            filter.start.is_none_or(|from| from <= instance.queue.created(*number as usize))
        };
        let shown = (0..from).rev().take_while(recent).filter(fits);
        Ok(Page::cut(page, shown, |number| instance.summary(now, number as usize)))
    }

    /// StopTestCaseExecution, for one that waits or runs.
    ///
    /// # Errors
    /// ResourceNotFound, AccessDenied, InvalidParameter; InvalidRequest for one that has ended, since a caller
    /// should learn that its stop changed nothing (a guess: AWS documents no answer). The same client token
    /// twice is one stop.
    pub fn stop(
        &mut self,
        now: u64,
        place: &Place,
        test_case_id: &str,
        execution_id: &str,
        client_token: Option<&str>,
    ) -> Result<(), ApiError> {
        let client_token = token(client_token)?;
        let operation = "StopTestCaseExecution";
        let (instance, number) = self.find(operation, now, place, test_case_id, execution_id)?;
        let stopped_by = &instance.executions[number].stop_token;
        if client_token.is_some() && *stopped_by == client_token {
            return Ok(());
        }
        if !instance.queue.stop(now, number) {
            return Err(ApiError::invalid_request(format!(
                "Test case execution {execution_id} has ended already: {}",
                instance.status(now, number)
            )));
        }
        instance.executions[number].stop_token = client_token;
        Ok(())
    }

    /// ListTestCases: those that the scenario names, and those that were started.
    pub fn test_cases(&self, place: &Place, page: PageRequest) -> Page<TestCaseSummary> {
        let named = self.scenario.test_cases.iter();
        let mut all: BTreeSet<&String> =
            named.filter(|(_, case)| !case.missing).map(|(id, _)| id).collect();
        let key = (place.region.clone(), place.instance.clone());
        all.extend(self.instances.get(&key).into_iter().flat_map(|it| it.starts.keys()));
        let all: Vec<&String> = all.into_iter().collect();
        Page::cut(page, 0..all.len() as u64, |number| {
            let id = all[number as usize];
            let case = self.scenario.test_cases.get(id);
            TestCaseSummary {
                id: id.clone(),
                name: name_of(id, case),
                published: case.is_none_or(|case| case.published),
            }
        })
    }

    /// All executions as of `now`, for the ledger; its times count from `begun`.
    pub fn ledger(&mut self, now: u64, begun: u64) -> Vec<ExecutionEntry> {
        let mut entries = Vec::new();
        for ((region, _), instance) in &mut self.instances {
            instance.queue.advance(now);
            for (number, execution) in instance.executions.iter().enumerate() {
                let since = |at: u64| at.saturating_sub(begun);
                entries.push(ExecutionEntry {
                    service: "connect",
                    region: region.clone(),
                    execution_id: execution.id.clone(),
                    test_case_id: Some(execution.test_case_id.clone()),
                    test_set_id: None,
                    client_token: execution.client_token.clone(),
                    created_ms: since(instance.queue.created(number)),
                    started_ms: instance
                        .queue
                        .running_at(now, number)
                        .filter(|_| !execution.run.initialization_failure)
                        .map(since),
                    ended_ms: instance.queue.ended(number).map(since),
                    status: instance.status(now, number),
                });
            }
        }
        entries
    }

    fn find(
        &mut self,
        operation: &str,
        now: u64,
        place: &Place,
        test_case_id: &str,
        execution_id: &str,
    ) -> Result<(&mut Instance, usize), ApiError> {
        test_case(&self.scenario, operation, test_case_id)?;
        if execution_id.is_empty() || execution_id.chars().count() > 500 {
            return Err(ApiError::invalid_parameter(format!(
                "TestCaseExecutionId is not valid: {}",
                shorten(execution_id)
            )));
        }
        let missing =
            || ApiError::not_found(format!("Test case execution {execution_id} not found"));
        let instance = self
            .instances
            .get_mut(&(place.region.clone(), place.instance.clone()))
            .ok_or_else(missing)?;
        instance.queue.advance(now);
        let number = *instance.by_id.get(execution_id).ok_or_else(missing)?;
        if instance.executions[number].test_case_id != test_case_id {
            return Err(missing());
        }
        Ok((instance, number))
    }
}

impl Instance {
    fn new(slots: u32) -> Instance {
        Instance {
            queue: Queue::new(slots as usize),
            executions: Vec::new(),
            by_id: HashMap::new(),
            by_token: HashMap::new(),
            starts: BTreeMap::new(),
        }
    }

    fn status(&self, now: u64, number: usize) -> String {
        match self.queue.stage(now, number) {
            Stage::Waiting | Stage::Held => "INITIATED".to_owned(),
            Stage::Running => "IN_PROGRESS".to_owned(),
            Stage::Shown(status) => status.to_owned(),
            Stage::Stopped => "STOPPED".to_owned(),
        }
    }

    fn summary(&self, now: u64, number: usize) -> Summary {
        let execution = &self.executions[number];
        let end = self.queue.ended(number);
        Summary {
            execution_id: execution.id.clone(),
            test_case_id: execution.test_case_id.clone(),
            start: self.queue.created(number),
            end,
            status: self.status(now, number),
            observations: end.map(|_| self.tally(now, number)),
        }
    }
}

/// What the scenario says of a test case; `None` when it does not name it and any id will do.
fn test_case<'a>(
    scenario: &'a ConnectScenario,
    operation: &str,
    id: &str,
) -> Result<Option<&'a TestCase>, ApiError> {
    if id.is_empty() || id.chars().count() > 500 {
        return Err(ApiError::invalid_parameter(format!(
            "TestCaseId is not valid: {}",
            shorten(id)
        )));
    }
    let case = scenario.test_cases.get(id);
    if case.is_some_and(|case| case.denied) {
        return Err(ApiError::denied(&format!("connect:{operation}"), id));
    }
    let missing = match case {
        Some(case) => case.missing,
        None => scenario.unknown_test_cases == Unknown::Missing,
    };
    if missing {
        return Err(ApiError::not_found(format!("Test case {id} not found")));
    }
    Ok(case)
}

/// Cuts a plan at `length`, where it ends FAILED.
fn cut_at(steps: &mut Vec<super::queue::Step>, length: u64) {
    let mut left = length;
    let within = steps
        .iter()
        .take_while(|step| match left.checked_sub(step.after) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        })
        .count();
    steps.truncate(within);
    steps.push(super::queue::Step { after: left, status: "FAILED".to_owned() });
}

/// The name of a test case, made up from its id where the scenario gives none.
fn name_of(id: &str, case: Option<&TestCase>) -> String {
    match case.and_then(|case| case.name.as_ref()) {
        Some(name) => name.clone(),
        None => format!("Test case {id}"),
    }
}

fn check_status(status: Option<&str>) -> Result<(), ApiError> {
    match status {
        Some(status) if !STATUSES.contains(&status) => {
            Err(ApiError::invalid_parameter(format!("Status is not valid: {}", shorten(status))))
        }
        _ => Ok(()),
    }
}

/// An empty token is none. The model's bound is 500 characters.
fn token(token: Option<&str>) -> Result<Option<String>, ApiError> {
    match token {
        Some(token) if token.chars().count() > 500 => {
            Err(ApiError::invalid_parameter("ClientToken is longer than 500 characters"))
        }
        Some(token) if !token.is_empty() => Ok(Some(token.to_owned())),
        _ => Ok(None),
    }
}

/// What a client sent, fit for a message.
fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests;
