//! How records get to disk: a thread writes what has come together and syncs it at once, off the loop
//! that makes the calls.

use std::fmt;
use std::fs::File;
use std::future::pending;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::files::{Folder, Lock, Remembered};
use super::known::Others;
use super::record::Record;

/// What is said where the thread is gone without a word.
const GONE: &str = "the thread that writes it broke";

/// What has become of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// So many of them are on disk.
    OnDisk(u64),
    /// No more can be written: why.
    Broken(String),
}

/// Why a journal is not known to be on disk to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotEnded {
    /// It is still being written: what is waited for no longer.
    Late(String),
    /// It cannot be written: why.
    Broken(String),
}

impl fmt::Display for NotEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(why) | Self::Broken(why) => f.write_str(why),
        }
    }
}

/// The journal of a run that is under way.
#[derive(Debug)]
pub struct Journal {
    to: To,
    progress: UnboundedReceiver<Written>,
    broken: bool,
    beside: Beside,
}

/// Where the other journals lie, and which is this one.
#[derive(Debug, Clone, Default)]
pub struct Beside(Option<Arc<(Folder, String, Mutex<Remembered>)>>);

impl Beside {
    /// What the other journals know, now. Reads their files.
    pub fn others(&self) -> Others {
        let Some(beside) = &self.0 else { return Others::default() };
        let (folder, own, remembered) = &**beside;
        folder.others(own, &mut remembered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
enum To {
    /// The thread that writes, and what it comes to in the end.
    Thread(Sender<Record>, Receiver<Result<(), String>>),
    /// Nowhere: what is simulated leaves nothing that could be taken up.
    Nowhere(UnboundedSender<Written>, u64),
}

impl Journal {
    /// A journal that keeps nothing.
    pub fn nowhere() -> Self {
        let (sender, progress) = unbounded_channel();
        Self { to: To::Nowhere(sender, 0), progress, broken: false, beside: Beside::default() }
    }

    /// Writes to `file`, which `lock` gives the right to: first `head`, at once.
    ///
    /// # Errors
    ///
    /// The head cannot be written.
    pub fn begin(
        folder: Folder,
        run_id: &str,
        mut file: File,
        lock: Lock,
        head: &[Record],
    ) -> io::Result<Self> {
        write(&mut file, head)?;
        let (records, received) = channel();
        let (sender, progress) = unbounded_channel();
        let path = folder.journal(run_id);
        let (ended, end) = channel();
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
            let kept = keep(file, &lock, &received, &sender).map_err(|error| {
                let why = format!("{}: {error}", path.display());
                drop(sender.send(Written::Broken(why.clone())));
                why
            });
            drop(ended.send(kept));
        })?;
        let beside = Beside(Some(Arc::new((folder, run_id.to_owned(), Mutex::default()))));
        Ok(Self { to: To::Thread(records, end), progress, broken: false, beside })
    }

    /// Has a record written behind those before it.
    pub fn persist(&mut self, record: Record) {
        match &mut self.to {
            // A thread that has ended has told of it.
            To::Thread(records, _) => drop(records.send(record)),
            To::Nowhere(sender, count) => {
                *count += 1;
                drop(sender.send(Written::OnDisk(*count)));
            }
        }
    }

    /// Waits for the next news of the records. Once they are told to be broken there are none.
    pub async fn progress(&mut self) -> Written {
        if self.broken {
            return pending().await;
        }
        let gone = || Written::Broken(GONE.to_owned());
        let written = self.progress.recv().await.unwrap_or_else(gone);
        self.broken = matches!(written, Written::Broken(_));
        written
    }

    /// The journals beside it.
    pub fn beside(&self) -> Beside {
        self.beside.clone()
    }

    /// Writes the last record, if there is one, and waits until all is on disk, but no longer than
    /// `patience`.
    ///
    /// # Errors
    ///
    /// Not all of it could be written: why.
    pub fn end(mut self, last: Option<Record>, patience: Duration) -> Result<(), NotEnded> {
        if let Some(last) = last {
            self.persist(last);
        }
        match self.to {
            To::Thread(records, end) => {
                drop(records);
                let late = || format!("it takes longer than {patience:?} to write it");
                match end.recv_timeout(patience) {
                    Ok(kept) => kept.map_err(NotEnded::Broken),
                    Err(RecvTimeoutError::Timeout) => Err(NotEnded::Late(late())),
                    Err(RecvTimeoutError::Disconnected) => Err(NotEnded::Broken(GONE.to_owned())),
                }
            }
            To::Nowhere(..) => Ok(()),
        }
    }
}

/// Writes what comes until nobody sends any more.
fn keep(
    mut file: File,
    _lock: &Lock,
    records: &Receiver<Record>,
    progress: &UnboundedSender<Written>,
) -> io::Result<()> {
    let mut count = 0;
    while let Ok(first) = records.recv() {
        // One sync is for all that has come meanwhile.
        let batch: Vec<Record> = std::iter::once(first).chain(records.try_iter()).collect();
        write(&mut file, &batch)?;
        count += batch.len() as u64;
        drop(progress.send(Written::OnDisk(count)));
    }
    Ok(())
}

fn write(file: &mut File, records: &[Record]) -> io::Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    // What has no name any more is found by nobody.
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0 {
        return Err(io::Error::other("somebody has deleted it"));
    }
    file.sync_data()
}
