//! The services that all strategies meet: the simulator's models under AWS's documented limits,
//! in virtual time, and a network whose latency jitters.

use std::collections::HashMap;

use callcheck::engine::core::{Call, Reply};
use callcheck::outcome::{AwsError, Counts, Observations};
use callcheck::plan::Target;
use callcheck::service::{
    CallError, End, ErrorClass, Execution, ListRequest, Listing, Page, Phase, ResultKind, Row,
    Snapshot, Started, Status,
};
use callcheck::simulator::Scenario;
use callcheck::simulator::api::{ApiError, Ids, PageRequest};
use callcheck::simulator::connect::{Connect, Filter, Place, Summary};
use callcheck::simulator::lex::{Lex, Start};
use callcheck::simulator::limits::Bucket;
use chrono::{DateTime, Utc};
use fastrand::Rng;

/// When all runs begin, in epoch milliseconds.
pub(crate) const BEGUN: u64 = 1_800_000_000_000;

/// AWS's default limits: requests a second and burst, of an account and Region.
const RATE: (f64, u32) = (2.0, 5);

/// One way of a call takes so long, in milliseconds.
const LATENCY: std::ops::Range<u64> = 20..60;

/// The services and the network to them. Times are milliseconds since the run began.
pub(crate) struct World {
    connect: Connect,
    lex: Lex,
    buckets: HashMap<(bool, String), Bucket>,
    rng: Rng,
    /// Executions begun and not known to have ended.
    open: Vec<Execution>,
    /// Executions by id, with their Region.
    begun: HashMap<String, (String, Execution)>,
    /// Calls on the wire.
    pub(crate) calls: u64,
    /// Calls that were throttled.
    pub(crate) throttled: u64,
    /// The most executions that were begun and had not ended.
    pub(crate) most_open: usize,
}

impl World {
    /// The services of `scenario`.
    pub(crate) fn new(scenario: Scenario) -> Self {
        let ids = Ids::new(1);
        Self {
            connect: Connect::new(scenario.connect, ids),
            lex: Lex::new(scenario.lex, ids, BEGUN),
            buckets: HashMap::new(),
            rng: Rng::with_seed(7),
            open: Vec::new(),
            begun: HashMap::new(),
            calls: 0,
            throttled: 0,
            most_open: 0,
        }
    }

    /// How long one way takes this time.
    pub(crate) fn latency(&mut self) -> u64 {
        self.rng.u64(LATENCY)
    }

    /// A call that arrives at `now` in a Region.
    pub(crate) fn answer(&mut self, now: u64, region: &str, call: &Call) -> Reply {
        let connect = matches!(target(call), Target::Connect(_));
        if self.throttles(now, connect, region) {
            let error = ApiError::new(429, "ThrottlingException", "Rate exceeded");
            return call.failed(failed(ErrorClass::Throttled { retry_after: None }, &error));
        }
        self.act(BEGUN + now, region, call).unwrap_or_else(|error| {
            let class = match error.status {
                402 => ErrorClass::Full { retry_after: None },
                _ => ErrorClass::Rejected,
            };
            call.failed(failed(class, &error))
        })
    }

    /// Counts a call that arrives at `now`, and says whether it is throttled.
    fn throttles(&mut self, now: u64, connect: bool, region: &str) -> bool {
        self.calls += 1;
        let full = || Bucket::new(BEGUN, RATE.0, RATE.1);
        let bucket = self.buckets.entry((connect, region.to_owned())).or_insert_with(full);
        let throttled = bucket.take(BEGUN + now).is_err();
        self.throttled += u64::from(throttled);
        throttled
    }

    fn act(&mut self, now: u64, region: &str, call: &Call) -> Result<Reply, ApiError> {
        Ok(match call {
            Call::Start(of, token) => {
                let (execution_id, word) = match of {
                    Target::Connect(of) => {
                        let place = Place::new(region, &of.instance.id)?;
                        let token = Some(token.as_str());
                        let started = self.connect.start(now, &place, &of.test_case_id, token)?;
                        (started.execution_id, started.status)
                    }
                    Target::Lex(of) => {
                        let start = Start {
                            test_set_id: of.test_set_id.clone(),
                            bot_id: of.bot_id.clone(),
                            bot_alias_id: of.bot_alias_id.clone(),
                            locale_id: of.locale_id.clone(),
                            api_mode: "NonStreaming".to_owned(),
                            modality: None,
                        };
                        (self.lex.start(now, region, start)?.execution_id, "Pending".to_owned())
                    }
                };
                let execution = Execution { target: of.clone(), id: execution_id.clone() };
                self.note(now, region, execution);
                Reply::Start(Ok(Started { execution_id, status: status(&word) }))
            }
            Call::Poll(execution) => {
                let (word, ended, observations) = self.look(now, region, execution)?;
                Reply::Poll(Ok(Snapshot {
                    status: status(&word),
                    observations,
                    failure_reasons: Vec::new(),
                    took: None,
                    ended_at: ended.and_then(utc),
                }))
            }
            Call::List(request) => Reply::List(Ok(self.list(now, region, request)?)),
            // Nothing is there before, and no reply is lost.
            Call::LookUp(_) => Reply::LookUp(Ok(Default::default())),
            Call::Stop(..) => Reply::Stop(Ok(())),
            Call::Results(_, page) => {
                let counts = Counts { matched: 20, total: 20, ..Counts::default() };
                let rows = match page.kind {
                    ResultKind::Overall => vec![Row::EndToEnd { counts, multi_turn: false }],
                    _ => Vec::new(),
                };
                Reply::Results(Ok(Page { rows, next_token: None }))
            }
        })
    }

    fn look(
        &mut self,
        now: u64,
        region: &str,
        Execution { target, id }: &Execution,
    ) -> Result<(String, Option<u64>, Option<Observations>), ApiError> {
        Ok(match target {
            Target::Connect(of) => {
                let place = Place::new(region, &of.instance.id)?;
                let summary = self.connect.summary(now, &place, &of.test_case_id, id)?;
                let counts =
                    summary.observations.map(|_| Observations { total: 3, passed: 3, failed: 0 });
                (summary.status, summary.end, counts)
            }
            Target::Lex(_) => {
                let shown = self.lex.describe(now, region, id)?;
                let over = ["Completed", "Failed", "Stopped"].contains(&shown.status.as_str());
                (shown.status, over.then_some(shown.updated), None)
            }
        })
    }

    fn list(&mut self, now: u64, region: &str, request: &ListRequest) -> Result<Listing, ApiError> {
        let all = PageRequest { cursor: None, max: 100 };
        let executions = match &request.target {
            Target::Connect(of) => {
                let place = Place::new(region, &of.instance.id)?;
                let filter = Filter {
                    start: u64::try_from(request.since.timestamp_millis()).ok(),
                    status: Some("IN_PROGRESS".to_owned()),
                    ..Filter::default()
                };
                let page = self.connect.executions(now, &place, &filter, all)?;
                let item = |item: Summary| (item.execution_id, status(&item.status));
                page.items.into_iter().map(item).collect()
            }
            Target::Lex(_) => {
                let page = self.lex.executions(now, region, None, all);
                let items = page.items.into_iter();
                items.map(|item| (item.execution_id, status(&item.status))).collect()
            }
        };
        Ok(Listing { executions, next_token: None })
    }

    /// All executions of an instance that began at `since` or later, whatever their status: id,
    /// and whether it has ended. As a call on the wire; none where it is throttled.
    pub(crate) fn list_all(
        &mut self,
        now: u64,
        region: &str,
        instance: &str,
        since: u64,
    ) -> Option<Vec<(String, bool)>> {
        if self.throttles(now, true, region) {
            return None;
        }
        let filter = Filter { start: Some(BEGUN + since), ..Filter::default() };
        let place = Place::new(region, instance).ok()?;
        let all = PageRequest { cursor: None, max: 100 };
        let page = self.connect.executions(BEGUN + now, &place, &filter, all).ok()?;
        Some(page.items.into_iter().map(|item| (item.execution_id, item.end.is_some())).collect())
    }

    fn note(&mut self, now: u64, region: &str, execution: Execution) {
        let known = (region.to_owned(), execution.clone());
        if self.begun.insert(execution.id.clone(), known).is_none() {
            self.open.push(execution);
        }
        let mut open = std::mem::take(&mut self.open);
        open.retain(|execution| {
            let region = self.begun[&execution.id].0.clone();
            self.look(now, &region, execution).is_ok_and(|(_, ended, _)| ended.is_none())
        });
        self.most_open = self.most_open.max(open.len());
        self.open = open;
    }

    /// When an execution ended, as of `now`.
    pub(crate) fn ended(&mut self, now: u64, id: &str) -> Option<u64> {
        let (region, execution) = self.begun.get(id)?.clone();
        let (_, ended, _) = self.look(BEGUN + now, &region, &execution).ok()?;
        Some(ended? - BEGUN)
    }
}

fn target(call: &Call) -> &Target {
    match call {
        Call::Start(target, _) => target,
        Call::List(request) | Call::LookUp(request) => &request.target,
        Call::Poll(execution) | Call::Stop(execution, _) | Call::Results(execution, _) => {
            &execution.target
        }
    }
}

fn status(word: &str) -> Status {
    let phase = match word {
        "INITIATED" | "Pending" | "Waiting" => Phase::Queued,
        "PASSED" => Phase::Ended(End::Passed),
        "FAILED" | "Failed" => Phase::Ended(End::Failed),
        "Completed" => Phase::Ended(End::Completed),
        "STOPPED" | "Stopped" => Phase::Ended(End::Stopped),
        _ => Phase::Running,
    };
    Status { word: word.to_owned(), phase }
}

fn utc(epoch_ms: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(epoch_ms).ok()?)
}

fn failed(class: ErrorClass, error: &ApiError) -> CallError {
    let error = Box::new(AwsError {
        operation: "(call)".to_owned(),
        code: Some(error.code.clone().into_owned()),
        message: error.message.clone(),
        status: Some(error.status),
        request_id: None,
    });
    CallError { class, error }
}
