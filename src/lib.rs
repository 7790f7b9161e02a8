//! callcheck runs Amazon Connect test cases and Amazon Lex V2 test executions in CI.
//!
//! ```text
//!   suite.yaml ──▶ suite ──▶ plan ──▶ engine ◀──▶ service ◀──▶ AWS, or the simulator
//!                                       │ events
//!                                       ▼
//!                  exit ◀── outcome ◀── app ──▶ report ──▶ terminal, JUnit, JSON
//! ```
//!
//! In reading order:

pub mod outcome;

pub mod duration;

pub mod suite;

pub mod plan;

pub mod event;

pub mod service;

pub mod engine;

pub mod report;

pub mod exit;

pub mod error;

pub mod cli;

pub mod app;

pub mod simulator;
