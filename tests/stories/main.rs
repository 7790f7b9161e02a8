//! Stories: the real binary, the real SDK and a real socket, against the simulator.

mod cancelling;
mod harness;
mod inputs;
mod reports;
mod trouble;
mod verdicts;
