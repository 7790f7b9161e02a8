//! What a journal says of its run, put together: for each test, which starts were made and what came
//! of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use super::record::{ListedTest, Overdue, Record, VERSION};
use crate::outcome::{Conclusion, ErrorKind, Observations, Verdict};
use crate::plan::TestIndex;

/// A run as its journal knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRun {
    /// What all client tokens of the run hang on.
    pub nonce: Uuid,
    /// Its id.
    pub run_id: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When the process that wrote last took it up, or began it.
    pub last_begun_at: DateTime<Utc>,
    /// The host and port of what stood in for AWS.
    pub endpoint: Option<String>,
    /// The tests, as the process that wrote last had them.
    pub tests: Vec<ListedTest>,
    /// How it ended, where it is finished.
    pub conclusion: Option<Conclusion>,
    by_identity: HashMap<String, Known>,
    /// Each test as it was when it was last in the list.
    last: HashMap<String, ListedTest>,
    /// Of tests that are other ones by now.
    dropped: Vec<Known>,
}

/// What is known of a test: its attempts, in order.
pub type Known = Vec<KnownAttempt>;

/// An attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAttempt {
    /// Its starts, in order. All but the last came to nothing, or were stopped.
    pub starts: Vec<KnownStart>,
    /// Its verdict, where it was over.
    pub verdict: Option<Verdict>,
    /// Connect: the observation counts of one that was over.
    pub observations: Option<Observations>,
    /// How long one that was over took by AWS's clock.
    pub took: Option<Duration>,
}

/// A start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownStart {
    /// When it may first have been sent: by this machine's clock, and by AWS's.
    pub first: Moment,
    /// The last time that its intent was written.
    pub last: Moment,
    /// Executions of the target that were there before.
    pub before: Vec<String>,
    /// The execution that AWS has begun for it, and whether that was found by looking it up.
    pub execution: Option<(String, bool)>,
    /// Why its execution was to be stopped.
    pub stopping: Option<KnownStop>,
}

/// A stop that another process was about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownStop {
    /// What was judged then.
    pub verdict: Verdict,
    /// The deadline that had passed, if it was one.
    pub overdue: Option<Overdue>,
    /// The last status seen.
    pub status: Option<String>,
}

/// A moment by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the clock of the machine that wrote it.
    pub here: DateTime<Utc>,
    /// By AWS's, or a little before, where that was known.
    pub aws: Option<DateTime<Utc>>,
}

/// What the other journals of a folder know, as far as it tells executions apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// The executions that AWS has begun for other runs.
    pub executions: HashSet<String>,
    /// The targets of starts of which it is not known what came of them, and when they were to be
    /// sent.
    pub open: Vec<(BTreeMap<String, String>, DateTime<Utc>)>,
    /// Why one of them, or their folder, cannot be read.
    pub unreadable: Option<String>,
}

impl Others {
    /// Nothing is known of them: why.
    pub fn unreadable(why: &str) -> Self {
        Self { unreadable: Some(why.to_owned()), ..Self::default() }
    }
}

/// What is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub cause: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is damaged: {}", self.line, self.cause)
    }
}

impl KnownRun {
    /// The same run with other tests. What is known of a test whose target is another now is known of
    /// nothing any more; where only its settings are, its executions are to be judged anew.
    #[must_use]
    pub fn with_tests(mut self, tests: Vec<ListedTest>) -> Self {
        for test in &tests {
            let identity = test.identity();
            // It may have been left out for a while.
            match self.last.insert(identity.clone(), test.clone()) {
                Some(known) if known.target != test.target => {
                    self.dropped.extend(self.by_identity.remove(&identity));
                }
                Some(known) if known.settings != test.settings => {
                    let attempts = self.by_identity.entry(identity).or_default();
                    attempts.iter_mut().for_each(|attempt| attempt.verdict = None);
                }
                _ => {}
            }
        }
        Self { tests, ..self }
    }

    /// The executions of tests that are not in the list any more, or are other ones by now, and of
    /// which no verdict is known.
    pub fn executions_of_removed(&self) -> Vec<String> {
        let listed: HashSet<String> = self.tests.iter().map(ListedTest::identity).collect();
        let removed = self.by_identity.iter().filter(|(identity, _)| !listed.contains(*identity));
        let removed = removed.map(|(_, attempts)| attempts).chain(&self.dropped);
        let last = removed.filter_map(|attempts| attempts.last());
        let open = last.filter(|attempt| attempt.verdict.is_none());
        let starts = open.filter_map(|attempt| attempt.starts.last());
        // What was to be stopped was stopped, or named.
        let running = starts.filter(|start| start.stopping.is_none());
        running.filter_map(|start| Some(start.execution.as_ref()?.0.clone())).collect()
    }

    /// What is known of a test.
    pub fn of(&self, identity: &str) -> Known {
        self.by_identity.get(identity).cloned().unwrap_or_default()
    }

    /// The executions that AWS has begun for the run.
    pub fn executions(&self) -> impl Iterator<Item = &str> {
        let attempts = self.by_identity.values().chain(&self.dropped).flatten();
        let starts = attempts.flat_map(|attempt| &attempt.starts);
        starts.filter_map(|start| Some(start.execution.as_ref()?.0.as_str()))
    }

    /// The targets of starts of which it is not known what came of them, and when they were to be
    /// sent.
    pub fn open(&self) -> impl Iterator<Item = (BTreeMap<String, String>, DateTime<Utc>)> {
        self.tests.iter().filter_map(|test| {
            let attempt = self.by_identity.get(&test.identity())?.last()?;
            let start = attempt.starts.last().filter(|start| start.execution.is_none())?;
            let open = match attempt.verdict {
                None => self.conclusion.is_none(),
                Some(verdict) => verdict == Verdict::Error(ErrorKind::StartUnknown),
            };
            open.then(|| (test.told_apart_by(), start.last.here))
        })
    }
}

/// How every journal begins.
const FIRST: &[u8] = b"{\"record\":\"run\",";

/// What is wrong with a line is told in at most so many characters.
const MOST_CAUSE: usize = 200;

/// The names of the suites of a journal that need not be whole, as far as its lines can be read.
pub fn suites(bytes: &[u8]) -> HashSet<String> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let records = lines.filter_map(|line| serde_json::from_slice(line).ok());
    let listed = records.filter_map(|record| match record {
        Record::Test(test) => Some(test.suite),
        _ => None,
    });
    listed.collect()
}

/// Puts a journal together from its text. Gives the run and how many bytes of it are whole: a last
/// line without its end is what a process leaves that was killed while it wrote, and nothing hangs on
/// it. There is no run where its list of tests was never written to the end: then nothing was
/// started.
///
/// # Errors
///
/// A line that no callcheck has written so.
pub fn read(bytes: &[u8]) -> Result<(Option<KnownRun>, usize), Damage> {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !FIRST.starts_with(&first[..first.len().min(FIRST.len())]) {
        let cause = "it does not begin with a run".to_owned();
        return Err(Damage { line: 1, cause });
    }
    let mut reader = Reader::default();
    let mut whole = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(text) = line.strip_suffix(b"\n") else { break };
        let damaged = |cause: String| Damage {
            line: index + 1,
            cause: cause.chars().take(MOST_CAUSE).collect(),
        };
        let record = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        reader.take(record).map_err(damaged)?;
        whole += line.len();
        // What comes before a list is of no use without it.
        if reader.missing == 0 {
            reader.whole = whole;
        }
    }
    Ok((reader.run, reader.whole))
}

#[derive(Default)]
struct Reader {
    run: Option<KnownRun>,
    /// The run whose list of tests is being read, and that list.
    next: Option<KnownRun>,
    tests: Vec<ListedTest>,
    /// So many tests of a list are still to come.
    missing: usize,
    whole: usize,
}

impl Reader {
    fn take(&mut self, record: Record) -> Result<(), String> {
        if let Record::Test(test) = record {
            self.missing = self.missing.checked_sub(1).ok_or("it is no part of a list of tests")?;
            self.tests.push(test);
            self.list_is_read();
            return Ok(());
        }
        if self.missing > 0 {
            return Err(format!("{} tests are missing before it", self.missing));
        }
        match (record, &mut self.run) {
            (Record::Run { version, .. }, None) if version != VERSION => {
                Err(format!("its version is {version}, and this callcheck reads version {VERSION}"))
            }
            (Record::Run { nonce, run_id, started_at, endpoint, tests, .. }, None) => {
                self.missing = tests;
                self.next = Some(KnownRun {
                    nonce,
                    run_id,
                    started_at,
                    last_begun_at: started_at,
                    endpoint,
                    tests: Vec::new(),
                    conclusion: None,
                    by_identity: HashMap::new(),
                    last: HashMap::new(),
                    dropped: Vec::new(),
                });
                self.list_is_read();
                Ok(())
            }
            (Record::Run { .. }, Some(_)) => Err("a second run begins".to_owned()),
            (_, None) => Err("it does not begin with a run".to_owned()),
            (Record::TakenUp { at, tests: Some(tests) }, Some(run)) => {
                self.missing = tests;
                self.next = Some(KnownRun { last_begun_at: at, ..run.clone() });
                self.list_is_read();
                Ok(())
            }
            (record, Some(run)) => run.take(record),
        }
    }

    fn list_is_read(&mut self) {
        if self.missing == 0 {
            let tests = std::mem::take(&mut self.tests);
            self.run = self.next.take().map(|next| next.with_tests(tests));
        }
    }
}

impl KnownRun {
    fn take(&mut self, record: Record) -> Result<(), String> {
        if self.conclusion.is_some() {
            return Err("it comes after the end of the run".to_owned());
        }
        match record {
            Record::Intent { test, attempt, start, at, aws_at, again, before } => {
                // What lies beyond is no time, and nothing can be reckoned with it.
                let absurd = |at: &DateTime<Utc>| !(1900..=9999).contains(&at.year());
                if let Some(at) = [Some(at), aws_at].into_iter().flatten().find(absurd) {
                    return Err(format!("{at} is no time"));
                }
                let attempt = self.attempt(test, attempt)?;
                // Another process has begun it again: what was judged of it before is past.
                attempt.verdict = None;
                let moment = Moment { here: at, aws: aws_at };
                match attempt.starts.len() {
                    known if known + 1 == start => attempt.starts.push(KnownStart {
                        first: moment,
                        last: moment,
                        before,
                        execution: None,
                        stopping: None,
                    }),
                    known if known == start => {
                        let start = &mut attempt.starts[known - 1];
                        start.last = moment;
                        // Of what was sent before nothing came.
                        if !again {
                            (start.first, start.before) = (moment, before);
                        }
                    }
                    known => return Err(format!("start {start} follows {known}")),
                }
            }
            Record::Started { test, attempt, start, execution_id, adopted } => {
                self.start(test, attempt, start)?.execution = Some((execution_id, adopted));
            }
            Record::Stopping { test, attempt, start, verdict, overdue, status } => {
                let stop = KnownStop { verdict, overdue, status };
                self.start(test, attempt, start)?.stopping = Some(stop);
            }
            Record::Judged { test, attempt, verdict, observations, took_ms } => {
                let attempt = self.attempt(test, attempt)?;
                // Nothing is green, or red, that was not seen to be.
                let seen = attempt.starts.last().is_some_and(|start| start.execution.is_some());
                if matches!(verdict, Verdict::Passed | Verdict::Failed) && !seen {
                    return Err(format!("{verdict}, and nothing was started"));
                }
                if let Some(before) = attempt.verdict
                    && before != verdict
                    && matches!(before, Verdict::Passed | Verdict::Failed)
                {
                    return Err(format!("{verdict}, and it had {before} before"));
                }
                attempt.verdict = Some(verdict);
                attempt.observations = observations;
                attempt.took = took_ms.map(Duration::from_millis);
            }
            Record::End { conclusion, .. } => self.conclusion = Some(conclusion),
            Record::TakenUp { at, .. } => self.last_begun_at = at,
            Record::Run { .. } | Record::Test(_) => {
                return Err("it stands in a place where it cannot".to_owned());
            }
        }
        Ok(())
    }

    fn attempt(&mut self, test: TestIndex, number: u32) -> Result<&mut KnownAttempt, String> {
        let listed = self.tests.get(test).ok_or_else(|| format!("there is no test {test}"))?;
        let attempts = self.by_identity.entry(listed.identity()).or_default();
        let known = attempts.len();
        let place = (number as usize).wrapping_sub(1);
        if place == known {
            attempts.push(KnownAttempt::default());
        }
        attempts.get_mut(place).ok_or_else(|| format!("attempt {number} follows {known}"))
    }

    fn start(
        &mut self,
        test: TestIndex,
        attempt: u32,
        number: usize,
    ) -> Result<&mut KnownStart, String> {
        let starts = &mut self.attempt(test, attempt)?.starts;
        let start = starts.get_mut(number.wrapping_sub(1));
        start.ok_or_else(|| format!("start {number} was never to be made"))
    }
}

#[cfg(test)]
mod tests;
