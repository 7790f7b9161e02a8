//! The smallest load through the real SDK, a socket and the simulator, in scaled time: the wire
//! changes nothing.

use std::sync::Arc;
use std::time::Duration;

use callcheck::engine::core::Core;
use callcheck::engine::driver;
use callcheck::engine::journal::writer::Journal;
use callcheck::engine::signals::Signals;
use callcheck::event::EventKind;
use callcheck::plan::Target;
use callcheck::service::{
    self, Access, Execution, Found, ListRequest, Listing, Page, PageRequest, Pending, Service,
    Snapshot, Started,
};
use callcheck::simulator::Simulator;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Failure, Row, Run, load, prepare};

/// Model seconds a second.
const SPEED: f64 = 20.0;

/// Runs it and prints its row. Times are model times.
pub(crate) fn row() -> Result<Vec<String>, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<Vec<String>, Failure> {
    let millis = load("20 of 9 s");
    // What is two a second of the model's is forty a second here.
    let settings = "  poll: { min: 100ms, max: 500ms }\n  \
                    limits: { requests_per_second: 40, burst: 5, in_flight: 10 }\n";
    let (plan, mut scenario) = prepare(&millis, settings)?;
    scenario.speed = SPEED;
    let simulator = Simulator::start(scenario, 0).await?;
    let served = Instant::now();
    let access = Access { profile: None, endpoint_url: Some(simulator.url()), simulated: true };
    let services = service::reach(&plan, &access, service::Fetch::Ahead).await.services;
    let (began, instant) = (Utc::now(), Instant::now());
    let scaled = |inner| Arc::new(Scaled { inner, began }) as Arc<dyn Service>;
    let services = services.into_iter().map(scaled).collect();
    let mut random = fastrand::Rng::new();
    let chance = Box::new(move || random.f64());
    let core = Core::new(Arc::clone(&plan), began, Uuid::new_v4(), chance);
    let (sender, mut events) = unbounded_channel();
    driver::run(core, instant, services, Signals::none(), sender, Journal::nowhere()).await;
    let ledger = simulator.ledger();
    // The ledger counts from when the simulator began, the run from when it did.
    let before = model_millis(instant - served);
    let mut run = Run::default();
    while let Some(event) = events.recv().await {
        let EventKind::Ended { outcome, .. } = event.kind else { continue };
        let id = outcome.attempts.last().and_then(|attempt| attempt.execution_id());
        let ended = ledger.executions.iter().find(|known| Some(known.execution_id.as_str()) == id);
        let ended = ended.and_then(|known| known.ended_ms).map(|at| at.saturating_sub(before));
        run.over(model_millis(event.at), outcome.verdict.is_pass(), ended);
    }
    let throttled = ledger.calls.iter().filter(|call| call.status == 429).count() as u64;
    let calls = ledger.calls.len() as u64;
    let mut row = Row::new("20 of 9 s: callcheck, by socket", &millis, run, calls, throttled);
    row.most_open = most_open(&ledger.executions);
    row.print()?;
    // Of time there is only told: a machine that is busy is late, and the SDK's first call is slow.
    let lost = row.throttled > 0 || row.lost > 0;
    Ok(if lost { vec!["by socket: throttled or lost".to_owned()] } else { Vec::new() })
}

fn model_millis(wall: Duration) -> u64 {
    (wall.as_secs_f64() * SPEED * 1000.0) as u64
}

fn most_open(executions: &[callcheck::simulator::ExecutionEntry]) -> usize {
    let open_at = |at: u64| {
        let open = executions.iter().filter(|execution| {
            execution.created_ms <= at && execution.ended_ms.is_none_or(|ended| ended > at)
        });
        open.count()
    };
    executions.iter().map(|execution| open_at(execution.created_ms)).max().unwrap_or(0)
}

/// A service whose clock goes as fast as this machine's: the model's goes faster by its speed.
struct Scaled {
    inner: Arc<dyn Service>,
    began: DateTime<Utc>,
}

impl Service for Scaled {
    fn start(&self, target: Target, client_token: String) -> Pending<Started> {
        self.inner.start(target, client_token)
    }

    fn poll(&self, execution: Execution) -> Pending<Snapshot> {
        let (began, reply) = (self.began, self.inner.poll(execution));
        Box::pin(async move {
            let snapshot = reply.await?;
            let scaled = |at: DateTime<Utc>| {
                let millis = (at - began).num_milliseconds() as f64 / SPEED;
                began + TimeDelta::milliseconds(millis as i64)
            };
            Ok(Snapshot { ended_at: snapshot.ended_at.map(scaled), ..snapshot })
        })
    }

    fn list(&self, request: ListRequest) -> Pending<Listing> {
        self.inner.list(request)
    }

    fn look_up(&self, request: ListRequest) -> Pending<Found> {
        self.inner.look_up(request)
    }

    fn stop(&self, execution: Execution, client_token: String) -> Pending<()> {
        self.inner.stop(execution, client_token)
    }

    fn results(&self, execution: Execution, page: PageRequest) -> Pending<Page> {
        self.inner.results(execution, page)
    }
}
