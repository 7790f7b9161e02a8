//! What is kept from run to run in the state directory: how each test went the last time. It says in
//! what order tests are started and how long a run will take, and nothing of a verdict hangs on it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::outcome::{ErrorKind, RunSummary, ServiceName, Verdict};
use crate::plan::{History, Past, identity};
use crate::report::writer::put;

/// The file in the state directory.
pub(super) const FILE: &str = "history.json";

/// Its version.
const VERSION: u32 = 1;

/// What has not been run for so long is forgotten.
const KEPT: TimeDelta = TimeDelta::days(30);

/// A test that ended so did not pass, which is its own affair.
const TELLING: [ErrorKind; 4] =
    [ErrorKind::TimedOut, ErrorKind::QueuedOut, ErrorKind::Stopped, ErrorKind::ResultsUnavailable];

/// No test takes longer: Lex sets take hours (AWS-FACTS.md), and a file may hold anything.
const LONGEST: f64 = 7.0 * 24.0 * 3600.0;

/// Longer files are not read: ten thousand tests make 2 MB.
const MOST_BYTES: u64 = 100 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    tests: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    suite: String,
    service: ServiceName,
    id: String,
    passed: bool,
    seconds: f64,
    at: DateTime<Utc>,
}

impl Entry {
    fn identity(&self) -> String {
        identity(&self.suite, self.service, &self.id)
    }
}

/// Reads what is known of earlier runs.
///
/// # Errors
///
/// There is a file, and it cannot be read: why. The run does without.
pub(super) fn load(state_dir: &Path) -> Result<History, String> {
    let entries =
        read(state_dir).map_err(|cause| format!("{cause}: tests start in the suite's order"))?;
    let entries = entries.into_iter();
    let past = |entry: Entry| {
        let seconds = Some(entry.seconds).filter(|seconds| *seconds <= LONGEST)?;
        let took = Duration::try_from_secs_f64(seconds).ok()?;
        Some((entry.identity(), Past { passed: entry.passed, took }))
    };
    Ok(entries.filter_map(past).collect())
}

/// Adds what came of a run to what is kept.
///
/// # Errors
///
/// It could not be written: why.
pub(super) fn save(state_dir: &Path, summary: &RunSummary) -> Result<(), String> {
    let now = summary.started_at;
    let known = read(state_dir).map_err(|cause| {
        format!("{cause}: how the tests went is not kept; delete it, or name another --state-dir")
    })?;
    let kept = known.into_iter().filter(|entry| (now - entry.at).abs() < KEPT);
    let mut entries: BTreeMap<String, Entry> =
        kept.map(|entry| (entry.identity(), entry)).collect();
    for (suite, test) in summary.placed() {
        // What was not run, or broken off, tells nothing of the test.
        let Some(attempt) = test.outcome.attempts.last() else { continue };
        let over = match test.outcome.verdict {
            Verdict::Passed | Verdict::Failed => true,
            Verdict::Error(kind) => TELLING.contains(&kind),
            Verdict::NotRun => false,
        };
        let known = entries.get(&identity(&suite.name, test.service, &test.id));
        let before = known.filter(|entry| entry.passed).map(|entry| entry.seconds);
        let entry = Entry {
            suite: suite.name.clone(),
            service: test.service,
            id: test.id.clone(),
            passed: test.outcome.verdict.is_pass(),
            // The time in AWS's queue is the run's, not the test's. Where it is not known apart,
            // what was known before is nearer.
            seconds: attempt.ran.or(before).unwrap_or(attempt.seconds),
            at: now,
        };
        if over {
            entries.insert(entry.identity(), entry);
        }
    }
    let file = File { version: VERSION, tests: entries.into_values().collect() };
    let path = state_dir.join(FILE);
    let failed = |cause: String| format!("failed to write {}: {cause}", path.display());
    let bytes = serde_json::to_vec(&file).map_err(|error| failed(error.to_string()))?;
    put(&path, |to| to.write_all(&bytes)).map_err(|error| failed(error.to_string()))
}

fn read(state_dir: &Path) -> Result<Vec<Entry>, String> {
    let path = state_dir.join(FILE);
    let failed =
        |cause: &dyn std::fmt::Display| format!("failed to read {}: {cause}", path.display());
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
        Ok(found) if !found.is_file() => return Err(failed(&"it is no file")),
        Ok(found) if found.len() > MOST_BYTES => return Err(failed(&"it is too large")),
        Ok(_) => {}
    }
    let bytes = std::fs::read(&path).map_err(|error| failed(&error))?;
    let file: File = serde_json::from_slice(&bytes).map_err(|error| failed(&error))?;
    if file.version != VERSION {
        return Err(failed(&format_args!("its version is {}, not {VERSION}", file.version)));
    }
    Ok(file.tests)
}

#[cfg(test)]
mod tests {
    use super::super::collect::without_tests;
    use super::*;
    use crate::outcome::{Conclusion, RunSummary};

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn entry(id: &str, day: i64) -> Entry {
        let suite = "S".to_owned();
        let service = ServiceName::Connect;
        Entry { suite, service, id: id.to_owned(), passed: true, seconds: 9.5, at: at(day) }
    }

    fn nothing(day: i64) -> RunSummary {
        without_tests("run".to_owned(), at(day), Conclusion::Passed, Vec::new())
    }

    #[test]
    fn what_is_kept_comes_back_until_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("state");
        assert_eq!(load(&dir), Ok(History::default()), "there is nothing yet");
        let file = File { version: VERSION, tests: vec![entry("old", 1), entry("new", 20)] };
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join(FILE), serde_json::to_vec(&file).unwrap()).unwrap();
        save(&dir, &nothing(40)).unwrap();
        let history = load(&dir).unwrap();
        let past = Past { passed: true, took: Duration::from_millis(9500) };
        assert_eq!(history.of(&identity("S", ServiceName::Connect, "new")), Some(past));
        assert_eq!(history.of(&identity("S", ServiceName::Connect, "old")), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why_and_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for (text, why) in [("{", "EOF"), (r#"{"version": 2, "tests": []}"#, "version is 2")] {
            std::fs::write(&path, text).unwrap();
            let error = load(folder.path()).unwrap_err();
            assert!(error.contains(why) && error.contains(FILE), "{error}");
            assert!(save(folder.path(), &nothing(1)).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
