//! The one loop that carries out what the core asks for. It decides nothing.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::core::{Action, Call, CallId, Core, Input, Reply};
use crate::event::Event;
use crate::outcome::Signal;
use crate::service::{Service, Services};

/// Plays a run to its end: makes the core's calls on `services` (one for each lane of the plan),
/// tells it of `signals`, and sends what happens to `events`.
pub async fn run(
    mut core: Core,
    services: Services,
    mut signals: UnboundedReceiver<Signal>,
    events: UnboundedSender<Event>,
) {
    let began = Instant::now();
    let mut calls: JoinSet<(CallId, Reply)> = JoinSet::new();
    let mut input = Input::Tick;
    loop {
        let step = core.handle(began.elapsed(), input);
        for action in step.actions {
            match action {
                // Where nobody listens, nobody wants to know: the run goes on for its reports.
                Action::Emit(event) => drop(events.send(event)),
                Action::Call { id, lane, call } => {
                    let service = Arc::clone(&services[lane]);
                    calls.spawn(async move { (id, make(service.as_ref(), call).await) });
                }
            }
        }
        if step.over {
            return;
        }
        let wake = async {
            match step.wake_at {
                Some(at) => sleep_until(began + at).await,
                None => pending().await,
            }
        };
        input = tokio::select! {
            biased;
            Some(signal) = signals.recv() => Input::Signal(signal),
            Some(done) = calls.join_next() => match done {
                Ok((id, reply)) => Input::Reply(id, reply),
                // A call that breaks would be waited for in vain: the run breaks with it.
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(_) => return,
                },
            },
            () = wake => Input::Tick,
        };
    }
}

async fn make(service: &dyn Service, call: Call) -> Reply {
    match call {
        Call::Start(target, token) => Reply::Start(service.start(target, token).await),
        Call::Poll(execution) => Reply::Poll(service.poll(execution).await),
        Call::Stop(execution, token) => Reply::Stop(service.stop(execution, token).await),
        Call::Results(execution, page) => Reply::Results(service.results(execution, page).await),
    }
}
