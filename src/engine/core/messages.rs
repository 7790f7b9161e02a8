//! What goes into the core and comes out of it.

use std::time::Duration;

use crate::engine::journal::known::Others;
use crate::engine::journal::record::Record;
use crate::event::{Event, Operation};
use crate::outcome::Signal;
use crate::plan::Target;
use crate::service::{
    CallError, Execution, Found, ListRequest, Listing, Page, PageRequest, Snapshot, Started,
};

/// What has happened.
#[derive(Debug)]
pub enum Input {
    /// Nothing but that time has passed.
    Tick,
    /// A call is over.
    Reply(CallId, Reply),
    /// A signal has come.
    Signal(Signal),
    /// So many of the records given out are on disk.
    OnDisk(u64),
    /// The journal cannot be written any more: why.
    JournalBroken(String),
}

/// The number of a call; no two calls of a run have the same.
pub type CallId = u64;

/// How a call ended.
#[derive(Debug)]
pub enum Reply {
    /// A start.
    Start(Result<Started, CallError>),
    /// A look at a status.
    Poll(Result<Snapshot, CallError>),
    /// A page of a list.
    List(Result<Listing, CallError>),
    /// A page of a look-up, and what the other journals here know.
    LookUp(Result<(Found, Others), CallError>),
    /// A stop.
    Stop(Result<(), CallError>),
    /// A page of results.
    Results(Result<Page, CallError>),
}

impl Reply {
    pub(super) fn is_ok(&self) -> bool {
        match self {
            Self::Start(result) => result.is_ok(),
            Self::Poll(result) => result.is_ok(),
            Self::List(result) => result.is_ok(),
            Self::LookUp(result) => result.is_ok(),
            Self::Stop(result) => result.is_ok(),
            Self::Results(result) => result.is_ok(),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make one attempt of a call; its reply comes back under its number.
    Call {
        /// Its number.
        id: CallId,
        /// The lane that it goes to, in [`Plan::lanes`].
        lane: usize,
        /// What is called.
        call: Call,
    },
    /// Tell the reporters.
    Emit(Event),
    /// Write a record to the journal, behind those before it.
    Persist(Record),
}

/// A call to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Begin an execution.
    Start(Target, String),
    /// Read its status.
    Poll(Execution),
    /// List a page of what is under way.
    List(ListRequest),
    /// List a page of the executions of one target.
    LookUp(ListRequest),
    /// Stop it.
    Stop(Execution, String),
    /// Read a page of what came out.
    Results(Execution, PageRequest),
}

impl Call {
    /// The reply that says that it failed.
    pub fn failed(&self, error: CallError) -> Reply {
        match self {
            Self::Start(..) => Reply::Start(Err(error)),
            Self::Poll(_) => Reply::Poll(Err(error)),
            Self::List(_) => Reply::List(Err(error)),
            Self::LookUp(_) => Reply::LookUp(Err(error)),
            Self::Stop(..) => Reply::Stop(Err(error)),
            Self::Results(..) => Reply::Results(Err(error)),
        }
    }

    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Start(..) => Operation::Start,
            Self::Poll(_) => Operation::Poll,
            Self::List(_) => Operation::List,
            Self::LookUp(_) => Operation::LookUp,
            Self::Stop(..) => Operation::Stop,
            Self::Results(..) => Operation::Results,
        }
    }
}

/// What follows from an input.
#[derive(Debug)]
pub struct Step {
    /// To be done, in this order.
    pub actions: Vec<Action>,
    /// When the core wants to be called again even if nothing happens; none at the end.
    pub wake_at: Option<Duration>,
    /// Whether the run is over: every test has its outcome.
    pub over: bool,
}
