//! The signals that break a run off, as a channel.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::outcome::Signal;

/// Listens for SIGINT and SIGTERM (on Windows for Ctrl-C and Ctrl-Break) from now on; must be
/// called within a tokio runtime.
///
/// # Errors
///
/// The system refuses to install a handler.
#[cfg(unix)]
pub fn listen() -> std::io::Result<UnboundedReceiver<Signal>> {
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
    Ok(receiver)
}

/// Listens for Ctrl-C and Ctrl-Break from now on; must be called within a tokio runtime.
///
/// # Errors
///
/// The system refuses to install a handler.
#[cfg(windows)]
pub fn listen() -> std::io::Result<UnboundedReceiver<Signal>> {
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
    Ok(receiver)
}
