//! The one loop that carries out what the core asks for. It decides nothing.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::core::{Action, Call, CallId, Core, Input, Reply};
use super::journal::known::Others;
use super::journal::writer::{Beside, Journal, Written};
use super::signals::Signals;
use crate::event::Event;
use crate::service::{CallError, Pending, Service, Services};

/// What is left when a run is over.
#[derive(Debug)]
pub struct Ended {
    /// Its journal, with a place for a last record.
    pub journal: Journal,
    /// Whether something was left that another process can take up.
    pub left_open: bool,
    /// The signals that come from now on.
    pub signals: Signals,
}

/// Plays a run to its end: makes the core's calls on `services` (one for each lane of the plan),
/// tells it of `signals`, sends what happens to `events`, and keeps the `journal`. The run began at
/// `began`, which is the same moment as the one that the core was given in the time of day.
pub async fn run(
    mut core: Core,
    began: Instant,
    services: Services,
    mut signals: Signals,
    events: UnboundedSender<Event>,
    mut journal: Journal,
) -> Ended {
    let mut calls: JoinSet<(CallId, Reply)> = JoinSet::new();
    // A signal that came while the run was prepared holds back its first start.
    let mut input = signals.try_recv().map_or(Input::Tick, Input::Signal);
    loop {
        let step = core.handle(began.elapsed(), input);
        for action in step.actions {
            match action {
                // Where nobody listens, nobody wants to know: the run goes on for its reports.
                Action::Emit(event) => drop(events.send(event)),
                Action::Persist(record) => journal.persist(record),
                Action::Call { id, lane, call } => {
                    let service = Arc::clone(&services[lane]);
                    let beside = journal.beside();
                    calls.spawn(async move { (id, make(service, call, beside).await) });
                }
            }
        }
        if step.over {
            return Ended { journal, left_open: core.is_left_open(), signals };
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
            written = journal.progress() => match written {
                Written::OnDisk(count) => Input::OnDisk(count),
                Written::Broken(why) => Input::JournalBroken(why),
            },
            Some(Ok((id, reply))) = calls.join_next() => Input::Reply(id, reply),
            () = wake => Input::Tick,
        };
    }
}

async fn make(service: Arc<dyn Service>, call: Call, beside: Beside) -> Reply {
    match call {
        Call::Start(target, token) => Reply::Start(whole(service.start(target, token)).await),
        Call::Poll(execution) => Reply::Poll(whole(service.poll(execution)).await),
        Call::List(request) => Reply::List(whole(service.list(request)).await),
        Call::LookUp(request) => Reply::LookUp(match whole(service.look_up(request)).await {
            // A journal that is read after AWS has answered knows all that was begun before.
            Ok(found) => {
                let others = tokio::task::spawn_blocking(move || beside.others()).await;
                let unread = |error: JoinError| Others::unreadable(&error.to_string());
                Ok((found, others.unwrap_or_else(unread)))
            }
            Err(error) => Err(error),
        }),
        Call::Stop(execution, token) => Reply::Stop(whole(service.stop(execution, token)).await),
        Call::Results(execution, page) => {
            Reply::Results(whole(service.results(execution, page)).await)
        }
    }
}

/// Waits for a call that may break: then it has no reply, as if that had been lost on the way.
async fn whole<T: Send + 'static>(call: Pending<T>) -> Result<T, CallError> {
    tokio::spawn(call).await.unwrap_or_else(|error| Err(CallError::lost(&error.to_string())))
}
