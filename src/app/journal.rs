//! Which journal a run writes: a new one, or that of a run which it takes up.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use chrono::Utc;

use super::run::Identity;
use crate::cli::{LONGEST_RUN_ID, Resume, RunArgs};
use crate::engine::journal::files::{Contents, Folder, Lock, Unreadable};
use crate::engine::journal::known::KnownRun;
use crate::engine::journal::record::{ListedTest, Record, VERSION};
use crate::engine::journal::writer::Journal;
use crate::error::{Error, Kind};
use crate::plan::Plan;

/// So many differences between a suite and what it was are shown.
const MOST_DIFFERENCES: usize = 20;

/// A journal that a run will write, and what it holds already.
pub(super) struct Chosen {
    folder: Folder,
    lock: Lock,
    whole: usize,
    head: Vec<Record>,
    /// The run that is taken up.
    pub(super) known: Option<KnownRun>,
    /// What a person should know of the choice.
    pub(super) notes: Vec<String>,
}

/// A run that no other process can write while this is held, and what its journal says.
struct Held {
    run_id: String,
    lock: Lock,
    contents: Option<Contents>,
}

impl Held {
    fn run(&self) -> Option<&KnownRun> {
        self.contents.as_ref()?.run.as_ref()
    }
}

/// Chooses the journal, and takes the lock of it. Gives the run's identity the id and the nonce of a
/// run that is taken up.
///
/// # Errors
///
/// The state directory cannot be written; the run is under way, finished, or its suite has changed;
/// its journal is damaged.
pub(super) fn choose(
    args: &RunArgs,
    plan: &Plan,
    identity: &mut Identity,
) -> Result<Chosen, Error> {
    let folder = Folder::of(&args.state_dir);
    folder.make().map_err(|error| unwritable(&args.state_dir, &error))?;
    let mut notes = Vec::new();
    let held = match (&args.run_id, args.resume.is_some()) {
        (Some(run_id), true) => open_one_of(&folder, args, run_id, &mut notes)?,
        (None, true) => match newest_unfinished(&folder, args, plan, &mut notes)? {
            Some(held) => held,
            None => {
                notes.push("there is no run to take up: a new one begins".to_owned());
                hold(&folder, args, &identity.run_id)?
            }
        },
        (_, false) => hold(&folder, args, &identity.run_id)?,
    };
    let Held { run_id, lock, contents } = held;
    identity.run_id.clone_from(&run_id);
    let begun = contents.as_ref().is_some_and(|contents| contents.begun);
    let (known, whole) = contents.map_or((None, 0), |Contents { run, whole, .. }| (run, whole));
    let tests: Vec<ListedTest> =
        (0..plan.tests.len()).map(|test| ListedTest::of(plan, test)).collect();
    let endpoint = args.access.endpoint_url.as_deref().map(host_of);
    let Some(known) = known else {
        if begun {
            notes.push(format!(
                "run {run_id} was killed before it started anything: it begins anew"
            ));
        } else if args.resume.is_some() && args.run_id.is_some() {
            notes.push(format!("there is no run {run_id} to take up: a new one begins"));
        }
        let run = Record::Run {
            version: VERSION,
            nonce: identity.nonce,
            run_id,
            started_at: identity.started_at,
            endpoint,
            tests: tests.len(),
        };
        let head = std::iter::once(run).chain(tests.into_iter().map(Record::Test)).collect();
        return Ok(Chosen { folder, lock, whole, head, known: None, notes });
    };
    if let Some(conclusion) = known.conclusion {
        let message = format!("run {run_id} is finished: {conclusion}");
        return Err(Error::new(Kind::Invalid, message).hint(
            "nothing of it is left to be done: give this run an id of its own with --run-id",
        ));
    }
    let changed = known.tests != tests;
    let differences = differences(&known, &tests, endpoint.as_deref());
    if !differences.is_empty() && args.resume != Some(Resume::Anyway) {
        let message = format!("the suite is not what it was when run {run_id} began");
        let hint = "select the same tests, with the same --retries, --region and --endpoint-url; or \
                    --resume=anyway goes on all the same, or another --run-id begins a new run";
        return Err(Error::new(Kind::Invalid, message).details(shown(&differences)).hint(hint));
    }
    notes.push(format!(
        "taking up run {run_id}, begun {}",
        known.started_at.format("%Y-%m-%d %H:%M:%S UTC")
    ));
    let known = known.with_tests(tests.clone());
    let lost = known.executions_of_removed();
    if !lost.is_empty() {
        let lost = lost.join(", ");
        notes.push(format!(
            "warning: of tests that are gone, or are other ones by now, may still run: {lost}"
        ));
    }
    let tests_of_change = if changed { tests } else { Vec::new() };
    let taken_up =
        Record::TakenUp { at: Utc::now(), tests: changed.then_some(tests_of_change.len()) };
    let head =
        std::iter::once(taken_up).chain(tests_of_change.into_iter().map(Record::Test)).collect();
    identity.nonce = known.nonce;
    Ok(Chosen { folder, lock, whole, head, known: Some(known), notes })
}

impl Chosen {
    /// Begins to write it, and takes away those that are old.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn begin(self, state_dir: &Path, run_id: &str) -> Result<Journal, Error> {
        let failed = |error: std::io::Error| unwritable(state_dir, &error);
        let file = self.folder.open(run_id, self.whole).map_err(failed)?;
        self.folder.prune(std::time::SystemTime::now());
        Journal::begin(self.folder, run_id, file, self.lock, &self.head).map_err(failed)
    }
}

fn unwritable(state_dir: &Path, error: &std::io::Error) -> Error {
    let message =
        format!("failed to write to the state directory {}: {error}", state_dir.display());
    Error::new(Kind::Environment, message).hint(
        "nothing was started: without its journal a run that is killed could start things twice; \
         name another directory with --state-dir",
    )
}

/// Takes the lock of a run, and reads its journal: what it says holds for as long as the lock.
fn hold(folder: &Folder, args: &RunArgs, run_id: &str) -> Result<Held, Error> {
    let lock = folder.lock(run_id).map_err(|error| unwritable(&args.state_dir, &error))?;
    let Some(lock) = lock else {
        let message = format!("run {run_id} is under way in another process");
        return Err(Error::new(Kind::Invalid, message)
            .hint("wait for its end, or give this run an id of its own with --run-id"));
    };
    Ok(Held { run_id: run_id.to_owned(), lock, contents: contents(folder, run_id)? })
}

/// Of an id and those that follow it, `ID.2`, `ID.3` and on, the first whose run is not finished: a CI
/// job that is tried again under the id of its pipeline takes its run up, and where that was over it
/// begins another.
fn open_one_of(
    folder: &Folder,
    args: &RunArgs,
    run_id: &str,
    notes: &mut Vec<String>,
) -> Result<Held, Error> {
    let mut held = hold(folder, args, run_id)?;
    for next in 2_u32.. {
        let Some(conclusion) = held.run().and_then(|run| run.conclusion) else { break };
        let following = format!("{run_id}.{next}");
        // The finished one's own error says the rest.
        if following.len() > LONGEST_RUN_ID {
            break;
        }
        notes.push(format!("run {} is finished: {conclusion}", held.run_id));
        held = hold(folder, args, &following)?;
    }
    Ok(held)
}

/// The newest run that is not finished, of suites that are all among those of this one. Notes say why
/// others are left.
fn newest_unfinished(
    folder: &Folder,
    args: &RunArgs,
    plan: &Plan,
    notes: &mut Vec<String>,
) -> Result<Option<Held>, Error> {
    let is_of_plan = |name: &String| plan.suites.iter().any(|suite| suite.name == *name);
    let runs = folder.runs().map_err(|error| {
        let message = format!("failed to list the runs in {}: {error}", folder.path().display());
        Error::new(Kind::Environment, message).hint("nothing was started")
    })?;
    let mut open = Vec::new();
    for run_id in runs {
        let run = match contents(folder, &run_id) {
            Ok(Some(Contents { run: Some(run), .. })) if run.conclusion.is_none() => run,
            Ok(_) => continue,
            Err(error) => {
                let suites = folder.suites(&run_id);
                if suites.is_empty() || suites.iter().any(is_of_plan) {
                    return Err(error);
                }
                continue;
            }
        };
        let mut suites: Vec<String> = run.tests.iter().map(|test| test.suite.clone()).collect();
        suites.sort_unstable();
        suites.dedup();
        if !suites.iter().all(is_of_plan) {
            let of = suites.join(", ");
            notes.push(format!(
                "run {run_id} is not finished and is left: it is of the suites {of}"
            ));
        } else {
            open.push((run.last_begun_at, run_id));
        }
    }
    // By what is in them: a cache may not keep the times of files.
    open.sort_by(|a, b| b.cmp(a));
    for (_, run_id) in open {
        let lock = folder.lock(&run_id).map_err(|error| unwritable(&args.state_dir, &error))?;
        if let Some(lock) = lock {
            // Its process may have finished it meanwhile.
            let held = Held { contents: contents(folder, &run_id)?, run_id, lock };
            if held.run().is_some_and(|run| run.conclusion.is_none()) {
                return Ok(Some(held));
            }
        } else {
            notes.push(format!("run {run_id} is under way in another process"));
        }
    }
    Ok(None)
}

fn contents(folder: &Folder, run_id: &str) -> Result<Option<Contents>, Error> {
    let path = folder.journal(run_id);
    folder.read(run_id).map_err(|error| match error {
        Unreadable::Io(error) => Error::new(
            Kind::Environment,
            format!("failed to read the journal {}: {error}", path.display()),
        )
        .hint("nothing was started"),
        Unreadable::Damaged(damage) => Error::new(
            Kind::Invalid,
            format!("the journal {} cannot be used: {damage}", path.display()),
        )
        .hint(
            "nothing was started. What the run had begun is not known any more, and may still run \
             on AWS: move the file away, then begin a new run, or name one to take up with --run-id",
        ),
    })
}

/// The host and port of a URL, without what may be secret in it.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit('@').next().unwrap_or_default().to_owned()
}

/// What is not as it was.
fn differences(known: &KnownRun, tests: &[ListedTest], endpoint: Option<&str>) -> Vec<String> {
    let mut differences = Vec::new();
    if known.endpoint.as_deref() != endpoint {
        let name = |endpoint: Option<&str>| endpoint.unwrap_or("AWS").to_owned();
        let (was, is) = (name(known.endpoint.as_deref()), name(endpoint));
        differences.push(format!("it ran at {was}, and is to go on at {is}"));
    }
    let label = |test: &ListedTest| format!("{}: {} test {}", test.suite, test.service, test.id);
    if known.tests == tests {
        return differences;
    }
    let before: HashMap<String, &ListedTest> =
        known.tests.iter().map(|known| (known.identity(), known)).collect();
    for test in tests {
        match before.get(&test.identity()) {
            None => differences.push(format!("{} was not in it", label(test))),
            Some(known) => {
                let pairs = [(&known.target, &test.target), (&known.settings, &test.settings)];
                for (was, is) in pairs {
                    let mut keys: Vec<&String> = was.keys().chain(is.keys()).collect();
                    keys.sort_unstable();
                    keys.dedup();
                    for key in keys.into_iter().filter(|key| was.get(*key) != is.get(*key)) {
                        let value =
                            |of: Option<&String>| of.map_or("not set", String::as_str).to_owned();
                        let (was, is) = (value(was.get(key)), value(is.get(key)));
                        differences.push(format!("{}: {key} was {was}, is {is}", label(test)));
                    }
                }
            }
        }
    }
    let identities: HashSet<String> = tests.iter().map(ListedTest::identity).collect();
    let gone = known.tests.iter().filter(|known| !identities.contains(&known.identity()));
    differences.extend(gone.map(|test| format!("{} is not in it any more", label(test))));
    differences
}

fn shown(differences: &[String]) -> String {
    let mut lines: Vec<String> = differences.iter().take(MOST_DIFFERENCES).cloned().collect();
    if let Some(more) = differences.len().checked_sub(MOST_DIFFERENCES).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}
