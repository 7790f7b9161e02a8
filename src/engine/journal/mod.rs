//! The journal of a run: what was about to be done, and what came of it, so that another process can
//! take the run up where one was killed. No start is sent before its intent is on disk.
//!
//! ```text
//!   core ── Persist(record) ──▶ driver ──▶ writer (a thread) ──▶ RUN_ID.jsonl
//!    ▲                                        │ synced up to n
//!    └────────────── OnDisk(n) ◀──────────────┘
//! ```
//!
//! [`record`] says what a line holds, [`known`] what a whole journal says, [`files`] where journals
//! lie and who may write them, [`writer`] how records get to disk.

pub mod files;
pub mod known;
pub mod record;
pub mod writer;
