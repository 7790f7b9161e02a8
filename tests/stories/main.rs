//! Stories: the real binary, the real SDK and a real socket, against the simulator.

// A story that cannot be told fails by panicking, in its helpers too.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod cancelling;
mod details;
mod github;
mod harness;
mod inputs;
mod quotas;
mod reports;
mod resuming;
mod transcripts;
mod trouble;
mod verdicts;
