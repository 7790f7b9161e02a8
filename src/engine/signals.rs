//! The signals that break a run off, as a channel.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::core::TWICE;
use crate::outcome::Signal;

/// A signal is followed by the end of the run within seven seconds. So long after it the process ends all
/// the same, whatever holds it up, such as a report that goes to a pipe which nobody reads: GitHub kills it
/// after ten (REPORTING-FACTS.md).
const LONGEST: Duration = Duration::from_secs(9);

/// So long a second signal leaves for the last reports.
const LEAVING: Duration = Duration::from_secs(2);

/// Ends the process for a signal, whatever it is doing.
pub type Leave = fn(Signal) -> !;

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

    /// Waits for `work`, unless a signal comes first: then `work` is dropped.
    ///
    /// # Errors
    ///
    /// The signal.
    pub async fn unless_interrupted<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Signal> {
        tokio::select! {
            done = work => Ok(done),
            Some(signal) = self.recv() => Err(signal),
        }
    }

    /// Gives one back: whoever asks next gets it.
    pub fn give_back(&mut self, signal: Signal) {
        self.first = Some(signal);
    }
}

/// Listens for SIGINT and SIGTERM (on Windows for Ctrl-C and Ctrl-Break) from now on; must be
/// called within a tokio runtime. Where nobody ends the process in time after one, `leave` does.
///
/// # Errors
///
/// The system refuses to install a handler.
#[cfg(unix)]
pub fn listen(leave: Leave) -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = unbounded_channel();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // With a handler, a file that is over its limit (`ulimit -f`) is an error like a full disk, and not the
    // end of the process.
    drop(signal(SignalKind::from_raw(SIGXFSZ))?);
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
    Ok(guarded(receiver, leave))
}

/// Its number on Linux (x86-64, arm64), macOS and the BSDs: signal.h.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// Listens for Ctrl-C and Ctrl-Break from now on; must be called within a tokio runtime. Where nobody ends
/// the process in time after one, `leave` does.
///
/// # Errors
///
/// The system refuses to install a handler.
#[cfg(windows)]
pub fn listen(leave: Leave) -> std::io::Result<Signals> {
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
    Ok(guarded(receiver, leave))
}

/// Hands signals on, and leaves where nobody does in time.
fn guarded(mut signals: UnboundedReceiver<Signal>, leave: Leave) -> Signals {
    let (sender, rest) = unbounded_channel();
    tokio::spawn(async move {
        let Some(first) = signals.recv().await else { return };
        let began = Instant::now();
        let mut ends_at = began + LONGEST;
        // Whether anybody listens or not.
        let _ = sender.send(first);
        loop {
            tokio::select! {
                Some(signal) = signals.recv() => {
                    if began.elapsed() >= TWICE {
                        ends_at = ends_at.min(Instant::now() + LEAVING);
                    }
                    let _ = sender.send(signal);
                }
                () = sleep_until(ends_at) => leave(first),
            }
        }
    });
    Signals { first: None, rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_never_ends_holds_no_signal_up() {
        let mut signals = Signals::none();
        signals.give_back(Signal::Sigint);
        let ended = signals.unless_interrupted(std::future::pending::<()>()).await;
        assert_eq!(ended, Err(Signal::Sigint));
    }
}
