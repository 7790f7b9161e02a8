//! One call from its arrival to its answer: who signed it, which fault it meets, whether it is throttled, what the
//! model says, and a line in the ledger. Plain functions of the time and the request.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::json;

use super::reply::{PageFault, Reply, Service};
use super::request::{Arrival, Scope};
use super::{connect, lex};
use crate::simulator::api::{ApiError, Ids};
use crate::simulator::connect::Connect;
use crate::simulator::ledger::{Call, Ledger};
use crate::simulator::lex::Lex;
use crate::simulator::limits::Bucket;
use crate::simulator::scenario::{FaultKind, Scenario, When};

/// Both services, and what happened to them.
#[derive(Debug)]
pub struct World {
    scenario: Scenario,
    begun: u64,
    connect: Connect,
    lex: Lex,
    buckets: HashMap<Scope, Bucket>,
    /// By the place of the fault: how many calls fitted it so far.
    met: Vec<u64>,
    chances: fastrand::Rng,
    ids: Ids,
    calls: Vec<Call>,
    /// Calls that were taken and will be acted on later, by the time when.
    late: Vec<(u64, Arrival)>,
}

/// How a call ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// With a reply.
    Reply(Box<Reply>),
    /// The connection is closed.
    Close,
    /// Not at all.
    Hang,
}

/// A call of either service.
#[derive(Debug, Clone, Copy)]
enum Routed<'a> {
    Connect(connect::Call<'a>),
    Lex(lex::Call<'a>),
}

/// What the ledger needs to know of a call.
struct Met<'a> {
    operation: &'static str,
    target: &'a str,
    region: &'a str,
    fault: Option<&'static str>,
}

impl World {
    /// A world at `begun` (epoch ms), where nothing has happened yet.
    pub fn new(scenario: Scenario, begun: u64) -> World {
        let ids = Ids::new(scenario.seed);
        let chances = match scenario.seed {
            0 => fastrand::Rng::new(),
            seed => fastrand::Rng::with_seed(seed),
        };
        World {
            connect: Connect::new(scenario.connect.clone(), ids),
            lex: Lex::new(scenario.lex.clone(), ids, begun),
            buckets: HashMap::new(),
            met: vec![0; scenario.faults.len()],
            chances,
            ids,
            calls: Vec::new(),
            late: Vec::new(),
            scenario,
            begun,
        }
    }

    /// Takes a call at `now`. Gives its answer, and how long it is held back in model milliseconds.
    pub fn handle(&mut self, now: u64, arrival: &Arrival) -> (Answer, u64) {
        self.catch_up(now);
        let path: Vec<&str> = arrival.path.iter().map(String::as_str).collect();
        if arrival.method == hyper::Method::GET && path == ["_simulator", "ledger"] {
            let reply = Reply::json(200, &json!(self.ledger(now)));
            return (self.stamped(now, reply), 0);
        }
        let Some(routed) = Routed::find(arrival, &path) else {
            let error = ApiError::new(404, "UnknownOperationException", "Unknown operation");
            let met = Met {
                operation: "Unknown",
                target: "",
                region: "",
                fault: None,
            };
            // It belongs to neither service; both read the lower-case member.
            let reply = Reply::error(Service::Lex, &error);
            return (self.settle(now, &met, Answer::reply(reply)), 0);
        };
        let mut met = Met {
            operation: routed.operation(),
            target: routed.target(arrival),
            region: "",
            fault: None,
        };
        let service = routed.service();
        let scope = match scope_of(arrival, service) {
            Ok(scope) => scope,
            Err(error) => {
                let reply = Reply::error(service, &error);
                return (self.settle(now, &met, Answer::reply(reply)), 0);
            }
        };
        met.region = &scope.region;
        let allowed = self.allowance(now, scope, service);
        let Some(place) = self.fault(&routed, met.target) else {
            // A fault stands before the throttle: it comes on the call that the scenario says.
            let reply = match allowed {
                Ok(()) => self.act(now, &routed, scope, arrival, PageFault::None),
                Err(error) => Reply::error(service, &error),
            };
            return (self.settle(now, &met, Answer::reply(reply)), 0);
        };
        let fault = self.scenario.faults[place].clone();
        met.fault = Some(fault.kind.name());
        let page_fault = match fault.kind {
            FaultKind::EmptyPage => PageFault::Empty,
            FaultKind::RepeatPage => PageFault::Repeat,
            _ => PageFault::None,
        };
        let acted = fault
            .kind
            .acts()
            .then(|| self.act(now, &routed, scope, arrival, page_fault));
        if fault.kind == FaultKind::Late {
            self.late
                .push((now.saturating_add(fault.delay.0), arrival.clone()));
        }
        let answer = broken(service, &fault.kind, acted);
        // A late call has no answer to hold back.
        let delay = match answer {
            Answer::Hang => 0,
            _ => fault.delay.0,
        };
        (self.settle(now, &met, answer), delay)
    }

    /// The reply to a body that is longer than will be read.
    pub fn too_large(&mut self, now: u64) -> Reply {
        let error = ApiError::new(
            413,
            "RequestEntityTooLargeException",
            "The body is longer than 1 MiB",
        );
        let reply = Reply::error(Service::Lex, &error);
        self.stamp(now, reply)
    }

    /// What happened up to `now`.
    pub fn ledger(&mut self, now: u64) -> Ledger {
        self.catch_up(now);
        let mut executions = self.connect.ledger(now, self.begun);
        executions.extend(self.lex.ledger(now, self.begun));
        Ledger {
            calls: self.calls.clone(),
            executions,
        }
    }

    /// Acts on the late calls that are due, each at its own time.
    fn catch_up(&mut self, now: u64) {
        self.late.sort_by_key(|&(due, _)| due);
        let due = self.late.partition_point(|&(due, _)| due <= now);
        for (at, arrival) in self.late.drain(..due).collect::<Vec<_>>() {
            let path: Vec<&str> = arrival.path.iter().map(String::as_str).collect();
            if let (Some(routed), Ok(scope)) = (Routed::find(&arrival, &path), &arrival.scope) {
                self.act(at, &routed, scope, &arrival, PageFault::None);
            }
        }
    }

    /// Takes a token for a call, or gives the service's throttling error.
    fn allowance(&mut self, now: u64, scope: &Scope, service: Service) -> Result<(), ApiError> {
        let (rate, burst) = match service {
            Service::Connect => {
                let limits = &self.scenario.connect.limits;
                (limits.requests_per_second, limits.burst)
            }
            Service::Lex => {
                let limits = &self.scenario.lex.limits;
                (limits.requests_per_second, limits.burst)
            }
        };
        let bucket = self
            .buckets
            .entry(scope.clone())
            .or_insert_with(|| Bucket::new(now, rate, burst));
        bucket.take(now).map_err(|wait| ApiError {
            // Only Lex's model has the header. Clients wait by the wall, so it is a wall time, and whole seconds.
            retry_after: (service == Service::Lex).then(|| {
                ((wait as f64 / 1000.0 / self.scenario.speed).ceil() as u64).max(1)
            }),
            ..ApiError::new(429, "ThrottlingException", "Rate exceeded")
        })
    }

    /// The place of the fault that a call meets. All faults that it fits count it.
    fn fault(&mut self, routed: &Routed<'_>, target: &str) -> Option<usize> {
        let mut found = None;
        for (place, fault) in self.scenario.faults.iter().enumerate() {
            let other = fault.target.as_ref().is_some_and(|only| only != target);
            if fault.operation != routed.operation() || other {
                continue;
            }
            self.met[place] += 1;
            let meets = match &fault.when {
                When::Calls(calls) => calls.contains(&self.met[place]),
                When::Every => true,
                When::Rate(rate) => self.chances.f64() < *rate,
            };
            if meets && found.is_none() {
                found = Some(place);
            }
        }
        found
    }

    fn act(
        &mut self,
        now: u64,
        routed: &Routed<'_>,
        scope: &Scope,
        arrival: &Arrival,
        page_fault: PageFault,
    ) -> Reply {
        let service = routed.service();
        let done = match routed {
            Routed::Connect(call) => {
                let style = connect::Style {
                    timestamps: self.scenario.connect.timestamps,
                    end_token: self.scenario.connect.end_token,
                    page_fault,
                };
                call.answer(&mut self.connect, now, &scope.region, arrival, style)
            }
            Routed::Lex(call) => {
                let style = lex::Style {
                    end_token: self.scenario.lex.end_token,
                    page_fault,
                };
                call.answer(&mut self.lex, now, &scope.region, arrival, style)
            }
        };
        done.unwrap_or_else(|error| Reply::error(service, &error))
    }

    /// Gives the answer its request id, and writes the call down.
    fn settle(&mut self, now: u64, met: &Met<'_>, answer: Answer) -> Answer {
        let answer = match answer {
            Answer::Reply(reply) => self.stamped(now, *reply),
            silent => silent,
        };
        let (status, code, request_id) = match &answer {
            Answer::Reply(reply) => (reply.status, reply.code.clone(), reply.request_id.clone()),
            Answer::Close | Answer::Hang => (0, None, self.request_id()),
        };
        self.calls.push(Call {
            at_ms: now.saturating_sub(self.begun),
            operation: met.operation,
            target: met.target.to_owned(),
            region: met.region.to_owned(),
            status,
            code,
            fault: met.fault,
            request_id,
        });
        answer
    }

    fn stamped(&self, now: u64, reply: Reply) -> Answer {
        Answer::reply(self.stamp(now, reply))
    }

    fn stamp(&self, now: u64, reply: Reply) -> Reply {
        Reply {
            request_id: self.request_id(),
            date_ms: now,
            ..reply
        }
    }

    /// The id of the next call in the ledger.
    fn request_id(&self) -> String {
        self.ids.uuid(&["request", &self.calls.len().to_string()])
    }
}

impl Answer {
    fn reply(reply: Reply) -> Answer {
        Answer::Reply(Box::new(reply))
    }
}

impl<'a> Routed<'a> {
    fn find(arrival: &Arrival, path: &[&'a str]) -> Option<Routed<'a>> {
        let connect = connect::Call::route(&arrival.method, path).map(Routed::Connect);
        connect.or_else(|| lex::Call::route(&arrival.method, path).map(Routed::Lex))
    }

    fn service(&self) -> Service {
        match self {
            Routed::Connect(_) => Service::Connect,
            Routed::Lex(_) => Service::Lex,
        }
    }

    fn operation(&self) -> &'static str {
        match self {
            Routed::Connect(call) => call.operation(),
            Routed::Lex(call) => call.operation(),
        }
    }

    fn target(&self, arrival: &'a Arrival) -> &'a str {
        match self {
            Routed::Connect(call) => call.target(arrival),
            Routed::Lex(call) => call.target(),
        }
    }
}

/// The scope of a call, which must be for the service that it goes to.
fn scope_of(arrival: &Arrival, service: Service) -> Result<&Scope, ApiError> {
    let scope = arrival.scope.as_ref().map_err(Clone::clone)?;
    if scope.service != service.signing_name() {
        return Err(ApiError::new(
            403,
            "InvalidSignatureException",
            format!(
                "Credential should be scoped to correct service: '{}'",
                service.signing_name()
            ),
        ));
    }
    Ok(scope)
}

/// What a fault makes of a call. `acted` is the right reply, where the service acted.
fn broken(service: Service, kind: &FaultKind, acted: Option<Reply>) -> Answer {
    let page = |status: u16, content_type: &'static str, body: &'static str| {
        Answer::reply(Reply {
            content_type,
            body: Bytes::from_static(body.as_bytes()),
            ..Reply::json(status, &json!({}))
        })
    };
    match kind {
        FaultKind::Error {
            status,
            code,
            message,
            retry_after,
            ..
        } => {
            let code = match code {
                Some(code) => code.clone(),
                None => service.code_of(*status).to_owned(),
            };
            let usual = match status {
                429 => "Rate exceeded",
                402 => "The limit has been reached",
                500.. => "Internal failure",
                _ => "Refused by the scenario",
            };
            let message = message.as_deref().unwrap_or(usual);
            let error = ApiError {
                retry_after: *retry_after,
                ..ApiError::new(*status, code, message)
            };
            Answer::reply(Reply::error(service, &error))
        }
        FaultKind::Reset { .. } => Answer::Close,
        FaultKind::Hang { .. } | FaultKind::Late => Answer::Hang,
        FaultKind::Garbage { .. } => page(200, "application/json", "{\"Test\u{0}CaseExecut"),
        FaultKind::Html { .. } => page(
            502,
            "text/html",
            "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>",
        ),
        FaultKind::Delay | FaultKind::EmptyPage | FaultKind::RepeatPage => match acted {
            Some(reply) => Answer::reply(reply),
            None => Answer::Close,
        },
    }
}

#[cfg(test)]
mod tests;
