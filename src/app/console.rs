//! The terminal: data to stdout, log to stderr, colours where they are wanted, and in what is for
//! people no command of a CI host.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};

use crate::error::{Error, Kind};
use crate::report::host::defuse;

/// So many lines of the log wait for a reader who does not read; what comes then is counted.
const MOST_WAITING: usize = 10_000;

/// Where none of the log is read for so long, its rest is not waited for, be it that something else is to be
/// written or that the process ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where text for people goes.
///
/// The log is written by a thread of its own: whoever reads it may stall, and neither tests nor reports
/// wait for that.
#[derive(Debug)]
pub struct Console {
    color: ColorChoice,
    log: OnceLock<Log>,
}

#[derive(Debug)]
struct Log {
    lines: Sender<Line>,
    waiting: Arc<AtomicUsize>,
    missing: AtomicUsize,
    stalled: AtomicBool,
}

#[derive(Debug)]
enum Line {
    Text(String),
    /// All before it is written: whoever waits for that is told.
    Flush(Sender<()>),
}

impl Console {
    /// `auto` heeds NO_COLOR, CLICOLOR_FORCE and whether the stream is a terminal.
    pub fn new(color: clap::ColorChoice) -> Self {
        let color = match color {
            clap::ColorChoice::Auto => ColorChoice::Auto,
            clap::ColorChoice::Always => ColorChoice::Always,
            clap::ColorChoice::Never => ColorChoice::Never,
        };
        Self { color, log: OnceLock::new() }
    }

    /// Writes text for people to stdout.
    ///
    /// # Errors
    ///
    /// As of [`Console::data`].
    pub fn show(&self, text: &str) -> Result<(), Error> {
        self.data(&defuse(text))
    }

    /// Writes what a program reads to stdout, as it is, once the log so far is written.
    ///
    /// # Errors
    ///
    /// It cannot be written. A reader that has gone, such as `head`, has had what it wanted.
    pub fn data(&self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.flush();
        let mut stdout = AutoStream::new(std::io::stdout(), self.color);
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let message = format!("failed to write to stdout: {error}");
                Err(Error::new(Kind::Environment, message))
            }
            _ => Ok(()),
        }
    }

    /// Writes a line about what is going on to stderr.
    pub fn log(&self, line: &str) {
        self.write(defuse(line).into_owned());
    }

    /// Writes a line to stderr that the CI host is to take for a command, as it is.
    pub fn command(&self, line: &str) {
        self.write(line.to_owned());
    }

    /// Waits until the log so far is written, or its reader has stalled for too long.
    pub fn flush(&self) {
        let Some(log) = self.log.get() else { return };
        log.tell_missing();
        let (told, written) = channel();
        if log.lines.send(Line::Flush(told)).is_err() {
            return;
        }
        // Once is enough: a reader who has stalled is not waited for again.
        let patience = if log.stalled.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        loop {
            let waiting = log.waiting.load(Ordering::Relaxed);
            let stalled = written.recv_timeout(patience) == Err(RecvTimeoutError::Timeout);
            // One who is slow reads on.
            if !stalled || log.waiting.load(Ordering::Relaxed) == waiting {
                return log.stalled.store(stalled, Ordering::Relaxed);
            }
        }
    }

    fn write(&self, line: String) {
        let log = self.log.get_or_init(|| Log::begin(self.color));
        if log.waiting.load(Ordering::Relaxed) >= MOST_WAITING {
            log.missing.fetch_add(1, Ordering::Relaxed);
            return;
        }
        log.tell_missing();
        log.send(line);
    }
}

impl Log {
    fn begin(color: ColorChoice) -> Self {
        let (lines, received) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        std::thread::spawn(move || write_lines(&received, &left, color));
        Self { lines, waiting, missing: AtomicUsize::new(0), stalled: AtomicBool::new(false) }
    }

    fn tell_missing(&self) {
        match self.missing.swap(0, Ordering::Relaxed) {
            0 => {}
            missing => self.send(format!("{missing} lines of the log are missing: nobody read it")),
        }
    }

    fn send(&self, line: String) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // Without its thread there is nobody left to tell.
        let _ = self.lines.send(Line::Text(line));
    }
}

fn write_lines(lines: &Receiver<Line>, waiting: &AtomicUsize, color: ColorChoice) {
    while let Ok(line) = lines.recv() {
        match line {
            Line::Text(text) => {
                let mut stderr = AutoStream::new(std::io::stderr(), color);
                let _ = writeln!(stderr, "{text}");
                waiting.fetch_sub(1, Ordering::Relaxed);
            }
            Line::Flush(told) => drop(told.send(())),
        }
    }
}
