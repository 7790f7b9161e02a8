//! Reports: pure functions from a [`RunSummary`](crate::outcome::RunSummary) to bytes, and one
//! writer.
//!
//! They see outcomes and events, never the engine or a service. What a test does to the build is
//! for [`crate::outcome::gate`] to say.

pub mod github;
pub mod host;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod progress;
pub mod redact;
pub mod terminal;
pub mod transcript;
pub mod writer;

mod headline;
mod look_up;
pub(crate) mod text;
mod word_diff;

#[cfg(test)]
mod tests;
