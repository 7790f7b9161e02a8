//! The signals that break a run off, as a channel.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::outcome::Signal;

/// Signals in the order in which they come.
#[derive(Debug)]
pub struct Signals {
    /// One that was taken and given back.
    first: Option<Signal>,
    rest: UnboundedReceiver<Signal>,
}

impl Signals {
    /// None will ever come.
    pub fn none() -> Self {
        Self { first: None, rest: unbounded_channel().1 }
    }

    /// Waits for the next; none where there will be no more.
    pub async fn recv(&mut self) -> Option<Signal> {
        match self.first.take() {
            Some(signal) => Some(signal),
            None => self.rest.recv().await,
        }
    }

    /// The next, if it has come already.
    pub fn try_recv(&mut self) -> Option<Signal> {
        self.first.take().or_else(|| self.rest.try_recv().ok())
    }

    /// Gives one back: whoever asks next gets it.
    pub fn give_back(&mut self, signal: Signal) {
        self.first = Some(signal);
    }
}

/// Listens for SIGINT and SIGTERM (on Windows for Ctrl-C and Ctrl-Break) from now on; must be
/// called within a tokio runtime.
///
/// # Errors
///
/// The system refuses to install a handler.
#[cfg(unix)]
pub fn listen() -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = unbounded_channel();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = interrupt.recv() => Signal::Sigint,
                Some(()) = terminate.recv() => Signal::Sigterm,
                else => break,
            };
            if sender.send(signal).is_err() {
                break;
            }
        }
    });
    Ok(Signals { first: None, rest: receiver })
}

/// Listens for Ctrl-C and Ctrl-Break from now on; must be called within a tokio runtime.
///
/// # Errors
///
/// The system refuses to install a handler.
#[cfg(windows)]
pub fn listen() -> std::io::Result<Signals> {
    use tokio::signal::windows::{ctrl_break, ctrl_c};
    let (sender, receiver) = unbounded_channel();
    let mut interrupt = ctrl_c()?;
    let mut stop = ctrl_break()?;
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = interrupt.recv() => Signal::Sigint,
                Some(()) = stop.recv() => Signal::Sigint,
                else => break,
            };
            if sender.send(signal).is_err() {
                break;
            }
        }
    });
    Ok(Signals { first: None, rest: receiver })
}
