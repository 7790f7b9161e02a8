//! All that the simulator knows, and one call after another: signature, throttle, fault, act.

use std::collections::HashMap;

use fastrand::Rng;
use hyper::Method;
use serde_json::Value;

use super::http::{self, Asked, FIRST_PAGE, Scope};
use super::{Reply, connect, lex};
use crate::simulator::api::{ApiError, Ids};
use crate::simulator::connect::Connect;
use crate::simulator::ledger::{Call, Ledger};
use crate::simulator::lex::Lex;
use crate::simulator::limits::Bucket;
use crate::simulator::scenario::{Fault, FaultKind, Scenario, When};

/// One of the two services, as far as the wire tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Service {
    Connect,
    Lex,
}

impl Service {
    /// The member of an error's body that holds its message (service models).
    fn message_member(self) -> &'static str {
        match self {
            Service::Connect => "Message",
            Service::Lex => "message",
        }
    }

    /// The members of a reply that a list of this service pages with.
    fn token_member(self) -> &'static str {
        match self {
            Service::Connect => "NextToken",
            Service::Lex => "nextToken",
        }
    }

    /// What the service says of itself with a status.
    fn code(self, status: u16) -> &'static str {
        match (status, self) {
            (402, _) => "ServiceQuotaExceededException",
            (403, _) => "AccessDeniedException",
            (404, _) => "ResourceNotFoundException",
            (409, _) => "ConflictException",
            (429, _) => "ThrottlingException",
            (503, _) => "ServiceUnavailableException",
            (400..500, Service::Connect) => "InvalidRequestException",
            (400..500, Service::Lex) => "ValidationException",
            (_, Service::Connect) => "InternalServiceException",
            (_, Service::Lex) => "InternalServerException",
        }
    }
}

/// Where a request leads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) service: Service,
    pub(super) operation: &'static str,
    /// What it is about, for the ledger and for faults.
    pub(super) target: &'a str,
    /// The test case of an execution that it is about, where its path names one: for faults.
    pub(super) case: Option<&'a str>,
}

impl Route<'_> {
    fn is_about(&self, target: &str) -> bool {
        self.target == target || self.case == Some(target)
    }
}

/// The body of a reply before it is one: a fault may still change it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// What becomes of a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// A reply, after some model time.
    Reply { reply: Reply, after_ms: u64 },
    /// The connection is closed.
    Reset,
    /// There is no answer.
    Hang,
    /// There is no answer, and the service acts later.
    Late { after_ms: u64 },
}

#[derive(Debug)]
pub(super) struct State {
    scenario: Scenario,
    begun_ms: u64,
    ids: Ids,
    rng: Rng,
    connect: Connect,
    lex: Lex,
    buckets: HashMap<(Scope, Service), Bucket>,
    /// How many calls each fault's description has fitted.
    fitted: Vec<u64>,
    calls: Vec<Call>,
}

impl State {
    pub(super) fn new(scenario: Scenario, begun_ms: u64) -> Self {
        let ids = Ids::new(scenario.seed);
        Self {
            begun_ms,
            ids,
            rng: if scenario.seed == 0 { Rng::new() } else { Rng::with_seed(scenario.seed) },
            connect: Connect::new(scenario.connect.clone(), ids),
            lex: Lex::new(scenario.lex.clone(), ids, begun_ms),
            buckets: HashMap::new(),
            fitted: vec![0; scenario.faults.len()],
            calls: Vec::new(),
            scenario,
        }
    }

    pub(super) fn ledger(&mut self, now: u64) -> Ledger {
        let mut executions = self.connect.ledger(now, self.begun_ms);
        executions.extend(self.lex.ledger(now, self.begun_ms));
        Ledger { calls: self.calls.clone(), executions }
    }

    /// Takes a call at `now` (epoch ms of the model) and says what becomes of it.
    pub(super) fn handle(&mut self, now: u64, asked: &Asked, scope: Option<&Scope>) -> Answer {
        let request_id = self.ids.uuid(&["request", &self.calls.len().to_string()]);
        let route = route(asked);
        let mut call = Call {
            at_ms: now.saturating_sub(self.begun_ms),
            operation: route.map_or("Unknown", |route| route.operation),
            target: route.map_or("", |route| route.target).to_owned(),
            region: scope.map(|scope| scope.region.clone()).unwrap_or_default(),
            status: 0,
            code: None,
            fault: None,
            request_id: request_id.clone(),
        };
        let mut answer = self.answer(now, asked, route, scope, &mut call);
        if let Answer::Reply { reply, .. } = &mut answer {
            http::set(reply, "x-amzn-requestid", &request_id);
            call.status = reply.status().as_u16();
            let code = reply.headers().get("x-amzn-errortype");
            call.code = code.and_then(|code| code.to_str().ok()).map(str::to_owned);
        }
        self.calls.push(call);
        answer
    }

    fn answer(
        &mut self,
        now: u64,
        asked: &Asked,
        route: Option<Route<'_>>,
        scope: Option<&Scope>,
        call: &mut Call,
    ) -> Answer {
        let at_once = |reply| Answer::Reply { reply, after_ms: 0 };
        let Some(route) = route else {
            let what = format!("no operation at {} /{}", asked.method, asked.path.join("/"));
            let unknown = ApiError::new(404, "UnknownOperationException", what);
            return at_once(http::error(&unknown, "message"));
        };
        let Some(scope) = scope else {
            let unsigned = "Missing Authentication Token";
            let unsigned = ApiError::new(403, "MissingAuthenticationTokenException", unsigned);
            return at_once(http::error(&unsigned, route.service.message_member()));
        };
        // A fault that is due for a call happens to it, whether it would be throttled or not.
        let Some(fault) = self.fault(&route) else {
            return at_once(match self.throttle(now, scope, route.service) {
                Ok(()) => self.act(now, asked, scope, &route),
                Err(throttled) => http::error(&throttled, route.service.message_member()),
            });
        };
        call.fault = Some(fault.kind.name());
        self.meet(now, asked, scope, &route, &fault)
    }

    /// The fault that a call meets: the first that fits it. Every fault that fits counts it.
    fn fault(&mut self, route: &Route<'_>) -> Option<Fault> {
        let mut met = None;
        for (fault, fitted) in self.scenario.faults.iter().zip(&mut self.fitted) {
            let of_target = fault.target.as_deref().is_none_or(|target| route.is_about(target));
            if fault.operation != route.operation || !of_target {
                continue;
            }
            *fitted += 1;
            let acts = match &fault.when {
                When::Calls(calls) => calls.contains(fitted),
                When::Every => true,
                When::Rate(rate) => self.rng.f64() < *rate,
            };
            if acts && met.is_none() {
                met = Some(fault.clone());
            }
        }
        met
    }

    /// One budget for each caller, Region and service (AWS-FACTS.md).
    fn throttle(&mut self, now: u64, scope: &Scope, service: Service) -> Result<(), ApiError> {
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
        let bucket = self.buckets.entry((scope.clone(), service));
        let bucket = bucket.or_insert_with(|| Bucket::new(now, rate, burst));
        bucket.take(now).map_err(|wait_ms| {
            let mut error = ApiError::new(429, service.code(429), "Rate exceeded");
            // Lex names the seconds to wait; Connect's model has no such member.
            error.retry_after = (service == Service::Lex).then(|| wait_ms.div_ceil(1000));
            error
        })
    }

    fn act(&mut self, now: u64, asked: &Asked, scope: &Scope, route: &Route<'_>) -> Reply {
        match self.do_it(now, asked, scope, route) {
            Ok(done) => http::json(done.status, &done.body),
            Err(error) => http::error(&error, route.service.message_member()),
        }
    }

    fn do_it(
        &mut self,
        now: u64,
        asked: &Asked,
        scope: &Scope,
        route: &Route<'_>,
    ) -> Result<Done, ApiError> {
        match route.service {
            Service::Connect => {
                let form = connect::Form::of(&self.scenario.connect);
                connect::act(&mut self.connect, form, now, &scope.region, asked)
            }
            Service::Lex => {
                let empty = self.scenario.lex.end_token;
                lex::act(&mut self.lex, empty, now, &scope.region, asked)
            }
        }
    }

    /// Acts on a call whose client gets no answer.
    pub(super) fn act_late(&mut self, now: u64, asked: &Asked, scope: &Scope) {
        if let Some(route) = route(asked) {
            self.act(now, asked, scope, &route);
        }
    }

    fn meet(
        &mut self,
        now: u64,
        asked: &Asked,
        scope: &Scope,
        route: &Route<'_>,
        fault: &Fault,
    ) -> Answer {
        let after_ms = fault.delay.0;
        let done = fault.kind.acts().then(|| self.do_it(now, asked, scope, route));
        let reply = match &fault.kind {
            FaultKind::Reset { .. } => return Answer::Reset,
            FaultKind::Hang { .. } => return Answer::Hang,
            FaultKind::Late => return Answer::Late { after_ms },
            FaultKind::Error { status, code, message, retry_after, .. } => {
                let code = code.clone().unwrap_or_else(|| route.service.code(*status).to_owned());
                let message = message.clone().unwrap_or_else(|| "a fault of the scenario".into());
                let mut error = ApiError::new(*status, code, message);
                error.retry_after = *retry_after;
                http::error(&error, route.service.message_member())
            }
            FaultKind::Garbage { .. } => {
                http::body_of(200, "application/json", "{\"Status\": \u{fffd}…".to_owned())
            }
            FaultKind::Html { .. } => {
                let page = "<html><head><title>502 Bad Gateway</title></head></html>".to_owned();
                http::body_of(502, "text/html", page)
            }
            FaultKind::Delay | FaultKind::EmptyPage | FaultKind::RepeatPage => {
                let done = done.unwrap_or_else(|| self.do_it(now, asked, scope, route));
                match done.map(|done| in_a_circle(done, &fault.kind, route.service, asked)) {
                    Ok(done) => http::json(done.status, &done.body),
                    Err(error) => http::error(&error, route.service.message_member()),
                }
            }
        };
        Answer::Reply { reply, after_ms }
    }
}

/// Changes a page so that its token leads to the page itself.
fn in_a_circle(mut done: Done, kind: &FaultKind, service: Service, asked: &Asked) -> Done {
    if !matches!(kind, FaultKind::EmptyPage | FaultKind::RepeatPage) {
        return done;
    }
    let member = service.token_member();
    let body = asked.body().unwrap_or_default();
    let here = asked.query("nextToken").or_else(|| body[member].as_str()).unwrap_or(FIRST_PAGE);
    if *kind == FaultKind::EmptyPage {
        empty_lists(&mut done.body);
    }
    done.body[member] = here.into();
    done
}

fn empty_lists(value: &mut Value) {
    match value {
        Value::Array(items) => items.clear(),
        Value::Object(members) => members.values_mut().for_each(empty_lists),
        _ => {}
    }
}

/// Finds the operation of a request by its method and path, as the service models lay them out.
fn route(asked: &Asked) -> Option<Route<'_>> {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let (put, post, get) = (Method::PUT, Method::POST, Method::GET);
    let method = &asked.method;
    use Service::{Connect, Lex};
    let (service, operation, target) = match path[..] {
        ["test-cases", _, case, "start-execution"] if method == put => {
            (Connect, "StartTestCaseExecution", case)
        }
        ["test-cases", _, _, execution, "summary"] if method == get => {
            (Connect, "GetTestCaseExecutionSummary", execution)
        }
        ["test-cases", _, _, execution, "records"] if method == get => {
            (Connect, "ListTestCaseExecutionRecords", execution)
        }
        ["test-cases", _, _, execution, "stop-execution"] if method == post => {
            (Connect, "StopTestCaseExecution", execution)
        }
        ["test-case-executions", instance] if method == get => {
            let target = asked.query("testCaseId").unwrap_or(instance);
            (Connect, "ListTestCaseExecutions", target)
        }
        ["test-cases-summary", instance] if method == get => (Connect, "ListTestCases", instance),
        ["testsets", set, "testexecutions"] if method == post => (Lex, "StartTestExecution", set),
        ["testexecutions", execution] if method == get => (Lex, "DescribeTestExecution", execution),
        ["testexecutions"] if method == post => (Lex, "ListTestExecutions", ""),
        ["testexecutions", execution, "results"] if method == post => {
            (Lex, "ListTestExecutionResultItems", execution)
        }
        ["testsets"] if method == post => (Lex, "ListTestSets", ""),
        ["testsets", set] if method == get => (Lex, "DescribeTestSet", set),
        _ => return None,
    };
    let case = match path[..] {
        ["test-cases", _, case, _, _] => Some(case),
        _ => None,
    };
    Some(Route { service, operation, target, case })
}
