//! A small model of both services for whole runs: slots, queues, throttling, client tokens and
//! faults, all drawn from a seed. It keeps its own ledger, which the properties are held against.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use fastrand::Rng;

use super::player::World;
use super::{accepted, error, seconds, snapshot, status};
use crate::engine::core::{Call, Reply};
use crate::engine::journal::known::Others;
use crate::outcome::{Counts, ErrorKind, ServiceName, Verdict};
use crate::plan::Target;
use crate::service::{
    ErrorClass, Found, FoundExecution, ListRequest, Listing, Page, ResultKind, Row, Snapshot,
    Status,
};

/// Slots of a Connect instance, and of Lex here.
const SLOTS: usize = 5;

/// What AWS answers: calls a second and burst of each service.
const RATE: (f64, f64) = (2.0, 5.0);

#[derive(Debug)]
pub(super) struct Execution {
    pub(super) target: String,
    pub(super) token: String,
    pub(super) service: ServiceName,
    /// How it will end.
    pub(super) end: &'static str,
    created: Duration,
    length: Option<Duration>,
    started: Option<Duration>,
    pub(super) ended: Option<Duration>,
    pub(super) stopped: bool,
}

impl Execution {
    /// What is to be judged of it.
    pub(super) fn verdict(&self) -> Verdict {
        match (self.stopped, self.end) {
            (false, "PASSED" | "Completed") => Verdict::Passed,
            (false, "FAILED" | "Failed") => Verdict::Failed,
            _ => Verdict::Error(ErrorKind::Stopped),
        }
    }
}

pub(super) struct Model {
    rng: Rng,
    /// The chance that something goes wrong with a call.
    faults: f64,
    pub(super) executions: Vec<Execution>,
    by_token: HashMap<String, usize>,
    buckets: HashMap<ServiceName, (f64, Duration)>,
    pub(super) throttled: usize,
    /// The most executions of Connect that were begun and not ended at once.
    pub(super) most_connect: usize,
    /// Ends that a look has been answered with, by execution.
    pub(super) told: HashMap<String, &'static str>,
    /// When the first of them was.
    pub(super) told_at: HashMap<String, Duration>,
    /// What the list showed the last time.
    listed_before: Vec<(String, Status)>,
    /// Whether listing is allowed.
    pub(super) lists: bool,
    /// While it lasts, Connect has no room.
    full_until: Duration,
    /// Starts that AWS acts on later.
    late: Vec<(Duration, Target, String)>,
    /// How far AWS's clock is ahead of the run's.
    pub(super) ahead: TimeDelta,
}

impl Model {
    pub(super) fn new(seed: u64, faults: f64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            faults,
            executions: Vec::new(),
            by_token: HashMap::new(),
            buckets: HashMap::new(),
            throttled: 0,
            most_connect: 0,
            told: HashMap::new(),
            told_at: HashMap::new(),
            listed_before: Vec::new(),
            lists: true,
            full_until: Duration::ZERO,
            late: Vec::new(),
            ahead: TimeDelta::zero(),
        }
    }

    pub(super) fn find(&self, id: &str) -> &Execution {
        &self.executions[index(id)]
    }

    /// What has happened by `now`: ends free slots, and the oldest that waits takes one.
    fn advance(&mut self, now: Duration) {
        let late = std::mem::take(&mut self.late);
        for (at, target, token) in late {
            if at <= now {
                self.start(at, &target, &token);
            } else {
                self.late.push((at, target, token));
            }
        }
        loop {
            let mut next: Option<(Duration, usize)> = None;
            for (index, execution) in self.executions.iter().enumerate() {
                let (None, Some(started), Some(length)) =
                    (execution.ended, execution.started, execution.length)
                else {
                    continue;
                };
                let end = started + length;
                if end <= now && next.is_none_or(|(earliest, _)| end < earliest) {
                    next = Some((end, index));
                }
            }
            let Some((end, index)) = next else { break };
            self.executions[index].ended = Some(end);
            self.fill(end);
        }
        self.fill(now);
    }

    fn fill(&mut self, now: Duration) {
        for service in [ServiceName::Connect, ServiceName::Lex] {
            let here = |execution: &&mut Execution| execution.service == service;
            let running = self
                .executions
                .iter_mut()
                .filter(here)
                .filter(|execution| execution.started.is_some() && execution.ended.is_none())
                .count();
            self.executions
                .iter_mut()
                .filter(here)
                .filter(|execution| execution.started.is_none() && execution.ended.is_none())
                .take(SLOTS.saturating_sub(running))
                .for_each(|execution| execution.started = Some(now));
        }
    }

    fn throttles(&mut self, now: Duration, service: ServiceName) -> bool {
        let (tokens, last) = self.buckets.entry(service).or_insert((RATE.1, Duration::ZERO));
        *tokens = (*tokens + (now - *last).as_secs_f64() * RATE.0).min(RATE.1);
        *last = now;
        if *tokens < 1.0 {
            return true;
        }
        *tokens -= 1.0;
        false
    }

    fn start(&mut self, now: Duration, target: &Target, token: &str) -> String {
        if target.service() == ServiceName::Connect
            && let Some(known) = self.by_token.get(token)
        {
            return format!("e-{known}");
        }
        let (service, target) = (target.service(), target_id(target));
        let ends: &[&str] = match service {
            ServiceName::Connect => &["PASSED", "PASSED", "PASSED", "FAILED", "STOPPED"],
            ServiceName::Lex => &["Completed", "Completed", "Completed", "Failed", "Stopped"],
        };
        let index = self.executions.len();
        let hangs = self.faults > 0.0 && self.rng.f64() < 0.03;
        self.executions.push(Execution {
            target,
            token: token.to_owned(),
            service,
            end: ends[self.rng.usize(..ends.len())],
            created: now,
            length: (!hangs).then(|| seconds(self.rng.f64() * 30.0)),
            started: None,
            ended: None,
            stopped: false,
        });
        self.by_token.insert(token.to_owned(), index);
        self.advance(now);
        let open = |execution: &&Execution| {
            execution.service == ServiceName::Connect && execution.ended.is_none()
        };
        self.most_connect = self.most_connect.max(self.executions.iter().filter(open).count());
        format!("e-{index}")
    }

    fn look(&self, id: &str) -> Snapshot {
        let execution = self.find(id);
        let queued = execution.service == ServiceName::Connect;
        let word = match (execution.ended, execution.started, execution.stopped) {
            (Some(_), _, true) => "STOPPED",
            (Some(_), _, false) => execution.end,
            (None, Some(_), _) => "IN_PROGRESS",
            (None, None, _) if queued => "INITIATED",
            (None, None, _) => "Pending",
        };
        snapshot(word)
    }

    /// Lists in pages of three, the newest first: of Connect what runs, of Lex everything. Under
    /// faults it leaves out, says what was a while ago, begins again, or is not allowed.
    fn list(&mut self, request: &ListRequest) -> Listing {
        let service = request.target.service();
        let connect = service == ServiceName::Connect;
        let faulty = self.rng.f64() < self.faults;
        let from = request.next_token.as_ref().map_or(0, |token| token.parse().expect("a token"));
        let mut all: Vec<(String, Status)> = (0..self.executions.len())
            .rev()
            .filter(|index| self.executions[*index].service == service)
            .map(|index| format!("e-{index}"))
            .map(|id| (id.clone(), self.look(&id).status))
            .filter(|(_, status)| !connect || status.word == "IN_PROGRESS")
            .collect();
        if faulty && self.rng.bool() {
            all = std::mem::take(&mut self.listed_before);
        } else {
            self.listed_before.clone_from(&all);
        }
        if faulty && self.rng.bool() {
            self.rng.shuffle(&mut all);
            all.pop();
        }
        let mut executions: Vec<(String, Status)> = all.into_iter().skip(from).collect();
        let more = executions.len() > 3;
        executions.truncate(3);
        let next = if faulty && self.rng.bool() { from } else { from + 3 };
        Listing { executions, next_token: more.then(|| next.to_string()) }
    }

    /// Lists the executions of a target in pages of three, the newest first. Under faults it lags.
    fn found(&mut self, now: Duration, request: &ListRequest) -> Found {
        let faulty = self.rng.f64() < self.faults;
        let at = if faulty { now.saturating_sub(seconds(self.rng.f64() * 10.0)) } else { now };
        let from = request.next_token.as_ref().map_or(0, |token| token.parse().expect("a token"));
        let wanted = target_id(&request.target);
        let clock = |at: Duration| DateTime::UNIX_EPOCH + at + self.ahead;
        let all = (0..self.executions.len()).rev().filter(|index| {
            let execution = &self.executions[*index];
            execution.target == wanted && execution.created <= at
        });
        let mut executions: Vec<FoundExecution> = all
            .skip(from)
            .map(|index| FoundExecution {
                id: format!("e-{index}"),
                status: self.look(&format!("e-{index}")).status,
                created_at: Some(clock(self.executions[index].created)),
            })
            .collect();
        let more = executions.len() > 3;
        executions.truncate(3);
        let date = clock(now).timestamp();
        let date = DateTime::from_timestamp(date, 0);
        Found { executions, next_token: more.then(|| (from + 3).to_string()), date }
    }

    /// Acts and answers as AWS would.
    fn act(&mut self, now: Duration, call: &Call) -> Reply {
        match call {
            Call::Start(target, token) => {
                let id = self.start(now, target, token);
                let mut started = accepted(&id);
                if target.service() == ServiceName::Lex {
                    started.status = status("Pending");
                }
                Reply::Start(Ok(started))
            }
            Call::Poll(execution) => {
                let snapshot = self.look(&execution.id);
                Reply::Poll(Ok(snapshot))
            }
            Call::List(request) => Reply::List(Ok(self.list(request))),
            Call::LookUp(request) => {
                Reply::LookUp(Ok((self.found(now, request), Others::default())))
            }
            Call::Stop(execution, _) => {
                let execution = &mut self.executions[index(&execution.id)];
                assert!(execution.created <= now);
                if execution.ended.is_none() {
                    execution.ended = Some(now);
                    execution.stopped = true;
                    Reply::Stop(Ok(()))
                } else {
                    Reply::Stop(Err(error(ErrorClass::Rejected)))
                }
            }
            Call::Results(_, page) => {
                let counts = Counts { matched: 9, mismatched: 1, execution_errors: 0, total: 10 };
                let rows = match page.kind {
                    ResultKind::Overall => vec![Row::EndToEnd { counts, multi_turn: false }],
                    _ => Vec::new(),
                };
                Reply::Results(Ok(Page { rows, next_token: None }))
            }
        }
    }
}

fn target_id(target: &Target) -> String {
    match target {
        Target::Connect(target) => target.test_case_id.clone(),
        Target::Lex(target) => target.test_set_id.clone(),
    }
}

fn index(id: &str) -> usize {
    id.strip_prefix("e-").and_then(|index| index.parse().ok()).expect("an id of this model")
}

impl World for Model {
    fn lists(&self) -> bool {
        true
    }

    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        self.advance(now);
        let service = match call {
            Call::Start(target, _) => target.service(),
            Call::List(request) | Call::LookUp(request) => request.target.service(),
            Call::Poll(execution) | Call::Stop(execution, _) | Call::Results(execution, _) => {
                execution.target.service()
            }
        };
        let latency = seconds(0.02 + self.rng.f64() * 0.2);
        if self.throttles(now, service) {
            self.throttled += 1;
            let throttled = ErrorClass::Throttled { retry_after: None };
            return (latency, call.failed(error(throttled)));
        }
        if matches!(call, Call::List(_) | Call::LookUp(_)) && !self.lists {
            return (latency, call.failed(error(ErrorClass::Rejected)));
        }
        let is_start = matches!(call, Call::Start(..));
        if is_start && service == ServiceName::Connect && now < self.full_until {
            return (latency, call.failed(error(ErrorClass::Full { retry_after: None })));
        }
        if self.rng.f64() >= self.faults {
            let reply = self.act(now, call);
            if let (Call::Poll(execution), Reply::Poll(Ok(snapshot))) = (call, &reply) {
                let end = self.find(&execution.id).end;
                if snapshot.status.word == end {
                    self.told.insert(execution.id.clone(), end);
                    self.told_at.entry(execution.id.clone()).or_insert(now);
                }
            }
            return (latency, reply);
        }
        match self.rng.u8(..6) {
            0 => (latency, call.failed(error(ErrorClass::Throttled { retry_after: None }))),
            1 => (latency, call.failed(error(ErrorClass::Unsent))),
            // Nothing done, and nobody can tell.
            2 => (latency, call.failed(error(ErrorClass::Ambiguous))),
            // Done, and the reply lost.
            3 => {
                self.act(now, call);
                (latency, call.failed(error(ErrorClass::Ambiguous)))
            }
            // The attempt's time is up, and only then AWS acts.
            4 if is_start && self.rng.bool() => {
                if let Call::Start(target, token) = call {
                    let at = now + seconds(15.0 + self.rng.f64() * 25.0);
                    self.late.push((at, target.clone(), token.clone()));
                }
                (seconds(15.0), call.failed(error(ErrorClass::Ambiguous)))
            }
            // The attempt's time is up before the reply comes.
            4 => {
                self.act(now, call);
                (seconds(15.0), call.failed(error(ErrorClass::Ambiguous)))
            }
            _ if is_start => {
                self.full_until = now + seconds(self.rng.f64() * 180.0);
                (latency, call.failed(error(ErrorClass::Full { retry_after: None })))
            }
            _ => (seconds(self.rng.f64() * 14.0), self.act(now, call)),
        }
    }
}
