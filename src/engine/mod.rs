//! The engine: carries a plan out.
//!
//! ```text
//!             replies, signals, the time
//!                       │
//!   service ◀── driver ─┴─▶ core ──▶ events
//!     calls      I/O        decides
//! ```
//!
//! [`core`] is a state machine that does no I/O: it is given the time and what has happened, and
//! gives what is to be done and when it wants to be woken. It owns all state of a run. The
//! [`driver`] is the one loop that carries its actions out, and decides nothing. The [`journal`]
//! keeps on disk what another process needs to take the run up.

pub mod core;
pub mod driver;
pub mod journal;
pub mod signals;
