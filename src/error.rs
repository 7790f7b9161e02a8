//! What ends a run before or beside its tests: a kind, what happened, and what to do.

use std::fmt;

use crate::outcome::{Conclusion, Place, RunError};

/// What kind of trouble it is; the exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line, a suite or the run id is invalid: exit 2.
    Invalid,
    /// Nothing is selected: exit 4.
    Empty,
    /// The machine or AWS is in the way: exit 3.
    Environment,
}

impl Kind {
    /// The conclusion of a run that ended so.
    pub fn conclusion(self) -> Conclusion {
        match self {
            Self::Invalid => Conclusion::Invalid,
            Self::Empty => Conclusion::Empty,
            Self::Environment => Conclusion::Incomplete,
        }
    }
}

/// Trouble that ends a run.
#[derive(Debug)]
pub struct Error {
    /// What kind.
    pub kind: Kind,
    /// What happened, as a fragment without a full stop.
    pub message: String,
    /// What lies behind it, shown as it is: may hold colours and several lines.
    pub details: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What in suites it is about.
    pub places: Vec<Place>,
}

impl Error {
    /// Trouble of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: None, hint: None, places: Vec::new() }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what lies behind it.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// Adds what in suites it is about.
    #[must_use]
    pub fn places(mut self, places: Vec<Place>) -> Self {
        self.places = places;
        self
    }

    /// The same as reports show it: plain text.
    pub fn for_reports(&self) -> RunError {
        let hint = self.hint.as_ref().map(|hint| format!("hint: {hint}"));
        let details: Vec<String> = self.details.iter().cloned().chain(hint).collect();
        let details = anstream::adapter::strip_str(&details.join("\n")).to_string();
        RunError { places: self.places.clone(), ..RunError::new(&self.message, details) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(details) = &self.details {
            writeln!(f, "{details}\n")?;
        }
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
