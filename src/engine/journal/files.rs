//! Where journals lie, and who may write them: `STATE_DIR/runs/RUN_ID.jsonl`, with the lock in a file
//! beside it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::known::{Damage, KnownRun, Others, read};

/// A longer journal is none: ten thousand tests with three attempts each make 20 MB.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Journals that nobody has written to for so long are taken away.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The executions that a look-up finds are minutes old: older journals know nothing of them.
const RECENT: Duration = Duration::from_secs(2 * 24 * 3600);

/// The folder of the journals.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// The right to write a journal, until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is held, not read")] File);

/// What a journal's file holds.
#[derive(Debug)]
pub struct Contents {
    /// The run; none where nothing of it was ever begun.
    pub run: Option<KnownRun>,
    /// So many bytes are whole.
    pub whole: usize,
}

/// Why a journal cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    /// The file.
    Io(io::Error),
    /// What is in it.
    Damaged(Damage),
}

impl Folder {
    /// The folder in a state directory; it need not be there.
    pub fn of(state_dir: &Path) -> Self {
        Self { path: state_dir.join("runs") }
    }

    /// Makes it. What is kept there is for this machine, or for a cache: not for a repository.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn make(&self) -> io::Result<()> {
        let state_dir = self.path.parent().unwrap_or(&self.path);
        let is_new = !state_dir.exists();
        std::fs::create_dir_all(&self.path)?;
        if is_new {
            std::fs::write(state_dir.join(".gitignore"), "*\n")?;
        }
        Ok(())
    }

    /// Where the journal of a run lies.
    pub fn journal(&self, run_id: &str) -> PathBuf {
        self.path.join(format!("{run_id}.jsonl"))
    }

    /// Takes the right to write the journal of a run; none where another process has it.
    ///
    /// # Errors
    ///
    /// The lock's file cannot be written.
    pub fn lock(&self, run_id: &str) -> io::Result<Option<Lock>> {
        let path = self.path.join(format!("{run_id}.lock"));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Reads the journal of a run; none where there is no file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or it is damaged.
    pub fn read(&self, run_id: &str) -> Result<Option<Contents>, Unreadable> {
        let mut bytes = Vec::new();
        match File::open(self.journal(run_id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unreadable::Io(error)),
            Ok(file) => {
                file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
            }
        }
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Unreadable::Io(io::Error::other("it is too large")));
        }
        let (run, whole) = read(&bytes).map_err(Unreadable::Damaged)?;
        Ok(Some(Contents { run, whole }))
    }

    /// Opens the journal of a run to be written behind its first `whole` bytes, and makes sure that
    /// its name is on disk.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn open(&self, run_id: &str, whole: usize) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(false).write(true).open(self.journal(run_id))?;
        // What a killed process has left of a line is no begin for another.
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        file.flush()?;
        // Windows has no such thing, and needs none.
        #[cfg(unix)]
        File::open(&self.path)?.sync_all()?;
        Ok(file)
    }

    /// The ids of the runs that have a journal here, those written to last first.
    pub fn runs(&self) -> Vec<String> {
        let mut runs: Vec<(SystemTime, String)> = self.written().collect();
        runs.sort_by(|a, b| b.cmp(a));
        runs.into_iter().map(|(_, run_id)| run_id).collect()
    }

    fn written(&self) -> impl Iterator<Item = (SystemTime, String)> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let run_id = entry.file_name().to_str()?.strip_suffix(".jsonl")?.to_owned();
            Some((entry.metadata().ok()?.modified().ok()?, run_id))
        })
    }

    /// Takes away what nobody has written to for 30 days. What cannot be taken away stays.
    pub fn prune(&self, now: SystemTime) {
        let is_old = |written: SystemTime| now.duration_since(written).is_ok_and(|age| age > KEPT);
        for (_, run_id) in self.written().filter(|(written, _)| is_old(*written)) {
            if let Ok(Some(_lock)) = self.lock(&run_id) {
                let _ = std::fs::remove_file(self.journal(&run_id));
                let _ = std::fs::remove_file(self.path.join(format!("{run_id}.lock")));
            }
        }
    }

    /// What the journals of other runs know. Those that cannot be read know nothing.
    pub fn others(&self, own: &str) -> Others {
        let now = SystemTime::now();
        let mut others = Others::default();
        for (written, run_id) in self.written() {
            let is_recent = now.duration_since(written).is_ok_and(|age| age < RECENT);
            // What was written in the future was written by a clock that is off.
            if run_id == own || !is_recent && written <= now {
                continue;
            }
            if let Ok(Some(Contents { run: Some(run), .. })) = self.read(&run_id) {
                others.executions.extend(run.executions().map(str::to_owned));
                others.open.extend(run.open().map(|(target, at)| (target.clone(), at)));
            }
        }
        others
    }
}
