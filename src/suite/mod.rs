//! Suites: YAML as written, read with the place of every value.
//!
//! [`load`] reads a file whole and tells every problem at once, offline. What it gives is typed
//! and complete; selection and defaults are [`crate::plan`]'s.

mod decode;
pub mod defaults;
mod diagnostic;
mod interpolate;
mod model;
mod reader;
mod source;
mod tree;
mod value;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use diagnostic::{Diagnostics, Problem};
pub use interpolate::Lookup;
pub use model::{
    ApiMode, ConnectTarget, Expect, LexTarget, Limits, Modality, Poll, RetryOn, Settings, Suite,
    Target, Test,
};
pub use source::{Position, Source, Span, Spanned};
pub use value::{InstanceId, Share, check_region};

/// The JSON Schema of a suite (draft 2020-12), as `callcheck schema` prints it.
pub const SCHEMA: &str = include_str!("../../schema/suite.schema.json");

/// Why a suite could not be read.
#[derive(Debug)]
pub enum LoadError {
    /// The file could not be opened or read.
    Io {
        /// The path as it was given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file was read and is wrong.
    Invalid(Box<Diagnostics>),
}

/// Reads the suite file at `path`. Variables are looked up by `lookup`.
///
/// # Errors
///
/// Tells every problem of the file at once; a syntax error stands alone.
pub fn load(path: &Path, lookup: Lookup<'_>) -> Result<Suite, LoadError> {
    let shown = path.display().to_string();
    let io = |source| LoadError::Io { path: shown.clone(), source };
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large from one that just fits.
    File::open(path)
        .and_then(|file| file.take(source::MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(io)?;
    let text = decode_bytes(&bytes).map_err(|problem| {
        let readable = String::from_utf8_lossy(&bytes[..problem.span.start.min(bytes.len())]);
        let source = Source::new(&shown, readable);
        LoadError::Invalid(Box::new(Diagnostics::new(source, vec![problem])))
    })?;
    parse(&shown, text, lookup).map_err(|diagnostics| LoadError::Invalid(Box::new(diagnostics)))
}

fn decode_bytes(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() as u64 > source::MAX_BYTES {
        return Err(Problem::new(0..0, "the file is larger than 1 MiB", "a suite file")
            .hint("split it: `callcheck run` takes several suites"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Problem::new(at..at, "the file is not UTF-8", "text; this is not a YAML file")
    })
}

/// Reads a suite from its text; `path` is what messages call it.
///
/// # Errors
///
/// Every problem of the text at once.
pub fn parse(path: &str, text: &str, lookup: Lookup<'_>) -> Result<Suite, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source::new(path, text);
    let root = match tree::parse(text) {
        Ok(root) => root,
        Err(problem) => return Err(Diagnostics::new(source, vec![problem])),
    };
    let reader = reader::Reader::new(lookup);
    let suite = decode::suite(&reader, &source, root);
    match (suite, reader.into_problems()) {
        (Some(suite), problems) if problems.is_empty() => Ok(suite),
        (_, problems) => Err(Diagnostics::new(source, problems)),
    }
}

#[cfg(test)]
mod tests;
