//! The terminal: data to stdout, log to stderr, colours where they are wanted.

use std::io::{ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};

use crate::error::{Error, Kind};

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

    /// Writes what was asked for to stdout, as it is.
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
        drop(writeln!(stderr, "{line}"));
    }
}
