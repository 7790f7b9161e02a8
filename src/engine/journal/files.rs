//! Where journals lie, and who may write them: `STATE_DIR/runs/RUN_ID.jsonl`, with the lock in a file
//! beside it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::known::{Damage, KnownRun, Others, read, suites};

/// How the names of a run's files end.
const JOURNAL: &str = ".jsonl";
const LOCK: &str = ".lock";

/// A longer journal is none: ten thousand tests with three attempts each make 20 MB.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Journals that nobody has written to for so long are taken away.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The executions that a look-up finds are minutes old: older journals know nothing of them.
const RECENT: Duration = Duration::from_secs(2 * 24 * 3600);

/// What journals have been read, by their runs: when they were written, how long they were, and what
/// they know.
pub type Remembered = HashMap<String, (SystemTime, u64, Others)>;

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
    /// Whether there are any bytes at all.
    pub begun: bool,
}

/// Why a journal cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    /// The file.
    Io(io::Error),
    /// What is in it.
    Damaged(Damage),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Damaged(damage) => damage.fmt(f),
        }
    }
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the journal of a run lies.
    pub fn journal(&self, run_id: &str) -> PathBuf {
        self.path.join(format!("{run_id}{JOURNAL}"))
    }

    /// Takes the right to write the journal of a run; none where another process has it.
    ///
    /// # Errors
    ///
    /// The lock's file cannot be written.
    pub fn lock(&self, run_id: &str) -> io::Result<Option<Lock>> {
        let path = self.path.join(format!("{run_id}{LOCK}"));
        // A pipe would be waited for.
        if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::other(format!("{run_id}{LOCK} is no file")));
        }
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
        let Some(bytes) = self.bytes(run_id).map_err(Unreadable::Io)? else { return Ok(None) };
        let (run, whole) = read(&bytes).map_err(Unreadable::Damaged)?;
        if run.as_ref().is_some_and(|run| run.run_id != run_id) {
            let cause = "it is the journal of another run".to_owned();
            return Err(Unreadable::Damaged(Damage { line: 1, cause }));
        }
        let begun = !bytes.is_empty();
        Ok(Some(Contents { run, whole, begun }))
    }

    /// The names of the suites of a run whose journal is damaged, as far as they can be read.
    pub fn suites(&self, run_id: &str) -> HashSet<String> {
        let bytes = self.bytes(run_id).ok().flatten().unwrap_or_default();
        suites(&bytes)
    }

    fn bytes(&self, run_id: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.journal(run_id);
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            // A pipe would be waited for.
            Ok(found) if !found.is_file() => return Err(io::Error::other("it is no file")),
            Ok(found) if found.len() > MOST_BYTES => {
                return Err(io::Error::other("it is too large"));
            }
            Ok(_) => {}
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
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

    /// The ids of the runs that have a journal here, sorted.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn runs(&self) -> io::Result<Vec<String>> {
        let mut runs: Vec<String> =
            self.written(JOURNAL)?.into_iter().map(|(_, run_id)| run_id).collect();
        runs.sort_unstable();
        Ok(runs)
    }

    /// The runs that have a file whose name ends so, and when it was last written to.
    fn written(&self, end: &str) -> io::Result<Vec<(SystemTime, String)>> {
        let mut written = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(run_id) = name.to_str().and_then(|name| name.strip_suffix(end)) else {
                continue;
            };
            match entry.metadata().and_then(|found| found.modified()) {
                Ok(at) => written.push((at, run_id.to_owned())),
                // Another process has taken it away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Takes away what nobody has written to for 30 days, and locks of runs that never had a journal.
    /// What cannot be taken away stays.
    pub fn prune(&self, now: SystemTime) {
        let is_old = |written: SystemTime| now.duration_since(written).is_ok_and(|age| age > KEPT);
        let journals = self.written(JOURNAL).unwrap_or_default();
        let locks = self.written(LOCK).unwrap_or_default().into_iter();
        let locks = locks.filter(|(_, run_id)| !self.journal(run_id).exists());
        for (_, run_id) in journals.into_iter().chain(locks).filter(|(at, _)| is_old(*at)) {
            if let Ok(Some(_lock)) = self.lock(&run_id) {
                let _ = std::fs::remove_file(self.journal(&run_id));
                let _ = std::fs::remove_file(self.path.join(format!("{run_id}{LOCK}")));
            }
        }
    }

    /// What the journals of other runs know. What is in `remembered` and was not written to since is not
    /// read again.
    pub fn others(&self, own: &str, remembered: &mut Remembered) -> Others {
        let now = SystemTime::now();
        let mut others = Others::default();
        let journals = match self.written(JOURNAL) {
            Ok(journals) => journals,
            Err(error) => return Others::unreadable(&format!("their folder: {error}")),
        };
        for (written, run_id) in journals {
            let is_recent = now.duration_since(written).is_ok_and(|age| age < RECENT);
            // What was written in the future was written by a clock that is off.
            if run_id == own || !is_recent && written <= now {
                continue;
            }
            let length = std::fs::metadata(self.journal(&run_id)).map_or(0, |found| found.len());
            let known = match remembered.get(&run_id) {
                Some((at, of, known)) if (*at, *of) == (written, length) => known.clone(),
                _ => {
                    let known = self.known_to(&run_id);
                    // What cannot be read now may be the next time.
                    if known.unreadable.is_none() {
                        remembered.insert(run_id, (written, length, known.clone()));
                    }
                    known
                }
            };
            others.executions.extend(known.executions);
            others.open.extend(known.open);
            others.unreadable = others.unreadable.or(known.unreadable);
        }
        others
    }

    fn known_to(&self, run_id: &str) -> Others {
        match self.read(run_id) {
            Ok(Some(Contents { run: Some(run), .. })) => Others {
                executions: run.executions().map(str::to_owned).collect(),
                open: run.open().collect(),
                unreadable: None,
            },
            Ok(_) => Others::default(),
            Err(why) => Others::unreadable(&format!("the journal of run {run_id}: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Record, VERSION};
    use super::super::writer::{Journal, NotEnded, Written};
    use super::*;
    use chrono::DateTime;
    use uuid::Uuid;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn run(run_id: &str) -> Record {
        Record::Run {
            version: VERSION,
            nonce: Uuid::from_u128(1),
            run_id: run_id.to_owned(),
            started_at: DateTime::UNIX_EPOCH,
            endpoint: None,
            tests: 0,
        }
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let state = tempfile::tempdir().unwrap();
        let folder = Folder::of(&state.path().join("state"));
        folder.make().unwrap();
        (state, folder)
    }

    fn journal(folder: &Folder, run_id: &str, whole: usize, head: &[Record]) -> Journal {
        let lock = folder.lock(run_id).unwrap().unwrap();
        let file = folder.open(run_id, whole).unwrap();
        Journal::begin(folder.clone(), run_id, file, lock, head).unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_torn_ends_are_written_over() {
        let (_state, folder) = folder();
        assert!(folder.read("r").unwrap().is_none());
        journal(&folder, "r", 0, &[run("r")]).end(None, PATIENCE).unwrap();
        let path = folder.journal("r");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"record\":\"ta");
        std::fs::write(&path, &text).unwrap();
        let contents = folder.read("r").unwrap().unwrap();
        let taken_up = Record::TakenUp { at: DateTime::UNIX_EPOCH, tests: None };
        journal(&folder, "r", contents.whole, std::slice::from_ref(&taken_up))
            .end(None, PATIENCE)
            .unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(folder.read("r").unwrap().unwrap().run.is_some());
        let ignored = std::fs::read_to_string(path.parent().unwrap().join("../.gitignore"));
        assert_eq!(ignored.unwrap(), "*\n");
    }

    #[test]
    fn a_journal_has_one_writer() {
        let (_state, folder) = folder();
        let lock = folder.lock("r").unwrap();
        assert!(lock.is_some());
        assert!(folder.lock("r").unwrap().is_none());
        assert!(folder.lock("other").unwrap().is_some());
        drop(lock);
        assert!(folder.lock("r").unwrap().is_some());
    }

    #[test]
    fn others_tell_what_they_know_and_that_one_cannot_be_read() {
        let (_state, folder) = folder();
        journal(&folder, "own", 0, &[run("own")]).end(None, PATIENCE).unwrap();
        assert_eq!(folder.others("own", &mut Remembered::new()), Others::default());
        std::fs::write(folder.journal("bad"), "nonsense\n").unwrap();
        let mut remembered = Remembered::new();
        let why = folder.others("own", &mut remembered).unreadable.unwrap();
        assert!(why.starts_with("the journal of run bad: line 1 "), "{why}");
        assert!(!remembered.contains_key("bad"));
        std::fs::remove_file(folder.journal("bad")).unwrap();
        let text = "{\"record\":\"run\",\"version\":1,\"nonce\":\
                    \"00000000-0000-0000-0000-000000000001\",\"run_id\":\"b\",\"started_at\":\
                    \"1970-01-01T00:00:00Z\",\"endpoint\":null,\"tests\":1}\n\
                    {\"record\":\"test\",\"suite\":\"S\",\"service\":\"lex\",\"id\":\"t\",\
                    \"target\":{\"test_set_id\":\"S1\"},\"settings\":{}}\n\
                    {\"record\":\"intent\",\"test\":0,\"attempt\":1,\"start\":1,\
                    \"at\":\"1970-01-01T00:00:05Z\"}\n";
        std::fs::write(folder.journal("b"), text).unwrap();
        let others = folder.others("own", &mut Remembered::new());
        assert_eq!(others.open.len(), 1);
        assert_eq!(others.open[0].0["test_set_id"], "S1");
        let started = "{\"record\":\"started\",\"test\":0,\"attempt\":1,\"start\":1,\
                       \"execution_id\":\"E1\",\"adopted\":false}\n";
        std::fs::write(folder.journal("b"), format!("{text}{started}")).unwrap();
        let others = folder.others("own", &mut Remembered::new());
        assert_eq!((others.open.len(), others.executions.contains("E1")), (0, true));
        assert_eq!(
            folder.others("b", &mut Remembered::new()),
            Others::default(),
            "its own is none of them"
        );
    }

    #[test]
    fn what_is_old_is_taken_away_unless_somebody_writes_it() {
        let (_state, folder) = folder();
        for run_id in ["old", "held", "new"] {
            journal(&folder, run_id, 0, &[run(run_id)]).end(None, PATIENCE).unwrap();
        }
        let day = Duration::from_secs(24 * 3600);
        for run_id in ["old", "held"] {
            let file = File::options().write(true).open(folder.journal(run_id)).unwrap();
            file.set_modified(SystemTime::now() - 31 * day).unwrap();
        }
        let lock = folder.lock("held").unwrap();
        folder.prune(SystemTime::now());
        assert_eq!(folder.runs().unwrap(), ["held", "new"]);
        drop(lock);
        folder.prune(SystemTime::now());
        assert_eq!(folder.runs().unwrap(), ["new"]);
        assert!(!folder.path.join("old.lock").exists());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_is_told_once_and_nothing_is_on_disk_after_it() {
        let (_state, folder) = folder();
        let full = || File::options().write(true).open("/dev/full").unwrap();
        let lock = folder.lock("r").unwrap().unwrap();
        let begun = Journal::begin(folder.clone(), "r", full(), lock, &[run("r")]);
        assert!(begun.is_err(), "before anything was started");
        let lock = folder.lock("r").unwrap().unwrap();
        let mut journal = Journal::begin(folder, "r", full(), lock, &[]).unwrap();
        journal.persist(run("r"));
        let Written::Broken(why) = journal.progress().await else { panic!("no trouble") };
        assert!(why.contains("No space left"), "{why}");
        journal.persist(run("r"));
        let ended = journal.end(None, PATIENCE);
        let broken = matches!(&ended, Err(NotEnded::Broken(why)) if why.contains("No space left"));
        assert!(broken, "{ended:?}");
    }

    #[tokio::test]
    async fn records_are_told_of_once_they_are_on_disk() {
        let (_state, folder) = folder();
        let mut journal = journal(&folder, "r", 0, &[run("r")]);
        let taken_up = Record::TakenUp { at: DateTime::UNIX_EPOCH, tests: None };
        for _ in 0..3 {
            journal.persist(taken_up.clone());
        }
        let mut on_disk = 0;
        while on_disk < 3 {
            match journal.progress().await {
                Written::OnDisk(count) => on_disk = count,
                other => panic!("{other:?}"),
            }
            let lines = std::fs::read_to_string(folder.journal("r")).unwrap().lines().count();
            assert!(lines as u64 > on_disk, "{lines} lines, {on_disk} told of");
        }
    }
}
