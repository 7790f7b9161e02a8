//! The wire: HTTP on loopback, requests to calls of the models, replies and errors as the
//! services send them (restJson1).

mod connect;
mod http;
mod lex;
mod state;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use self::http::{Asked, Scope};
use self::state::{Answer, State};
use super::clock::Clock;
use super::{Ledger, Scenario};

/// Larger requests are refused: no call of either service comes near it.
const MAX_BODY: usize = 1024 * 1024;

/// A call that is left hanging hangs so long, unless its client gives up before.
const HANG: Duration = Duration::from_secs(3600);

/// A running simulator. Dropping it ends it, and closes its connections.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    state: Mutex<State>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Simulator {
    /// Serves `scenario` on 127.0.0.1 and `port` (0: any free one), on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// The port cannot be had.
    pub async fn start(scenario: Scenario, port: u16) -> std::io::Result<Simulator> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let clock = Clock::start(scenario.speed);
        let state = Mutex::new(State::new(scenario, clock.begun_ms()));
        let shared = Arc::new(Shared { clock, state });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Simulator { address, shared, accepting })
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has happened up to now.
    pub fn ledger(&self) -> Ledger {
        let now = self.shared.clock.now_ms();
        self.shared.state().ledger(now)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with this set, and this set with the simulator.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                // Out of file handles, say: what is open goes on, and closing it makes room.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    // A connection that breaks is its client's affair.
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    drop(connection.await);
}

/// Why a connection is closed without a reply.
#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is reset")
    }
}

impl std::error::Error for Reset {}

type Reply = Response<Full<Bytes>>;

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Reply, Reset> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(http::too_large()),
    };
    if head.uri.path() == "/_simulator/ledger" {
        let now = shared.clock.now_ms();
        let ledger = shared.state().ledger(now);
        return Ok(http::json(200, &serde_json::to_value(ledger).unwrap_or_default()));
    }
    let asked = Asked::new(&head, &body);
    let scope = Scope::of(&head.headers);
    let answer = shared.state().handle(shared.clock.now_ms(), &asked, scope.as_ref());
    carry_out(answer, asked, scope, &shared).await
}

/// Does what takes time: the state is not held while it does.
async fn carry_out(
    answer: Answer,
    asked: Asked,
    scope: Option<Scope>,
    shared: &Arc<Shared>,
) -> Result<Reply, Reset> {
    match answer {
        Answer::Reply { mut reply, after_ms } => {
            wait(shared.clock.wall(after_ms)).await;
            // The model's time, as in all that the reply says.
            http::set_date(&mut reply, shared.clock.now_ms());
            Ok(reply)
        }
        Answer::Reset => Err(Reset),
        Answer::Hang => {
            wait(HANG).await;
            Err(Reset)
        }
        Answer::Late { after_ms } => {
            // The service acts even if its client has long gone.
            let shared = Arc::clone(shared);
            let late = async move {
                wait(shared.clock.wall(after_ms)).await;
                let now = shared.clock.now_ms();
                if let Some(scope) = &scope {
                    shared.state().act_late(now, &asked, scope);
                }
                Ok::<(), Infallible>(())
            };
            drop(tokio::spawn(late));
            wait(HANG).await;
            Err(Reset)
        }
    }
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
mod tests;
