//! The terminal: data to stdout, log to stderr, colours where they are wanted, and in what is for
//! people no command of a CI host.

use std::io::{ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};

use crate::error::{Error, Kind};
use crate::report::host::defuse;

/// Where text for people goes.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    color: ColorChoice,
}

impl Console {
    /// `auto` heeds NO_COLOR, CLICOLOR_FORCE and whether the stream is a terminal.
    pub fn new(color: clap::ColorChoice) -> Self {
        let color = match color {
            clap::ColorChoice::Auto => ColorChoice::Auto,
            clap::ColorChoice::Always => ColorChoice::Always,
            clap::ColorChoice::Never => ColorChoice::Never,
        };
        Self { color }
    }

    /// Writes text for people to stdout.
    ///
    /// # Errors
    ///
    /// As of [`Console::data`].
    pub fn show(&self, text: &str) -> Result<(), Error> {
        self.data(&defuse(text))
    }

    /// Writes what a program reads to stdout, as it is.
    ///
    /// # Errors
    ///
    /// It cannot be written. A reader that has gone, such as `head`, has had what it wanted.
    pub fn data(&self, text: &str) -> Result<(), Error> {
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
        let mut stderr = AutoStream::new(std::io::stderr(), self.color);
        drop(writeln!(stderr, "{}", defuse(line)));
    }

    /// Writes a line to stderr that the CI host is to take for a command, as it is.
    pub fn command(&self, line: &str) {
        drop(writeln!(std::io::stderr(), "{line}"));
    }
}
