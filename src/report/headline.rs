//! What a test comes to, in words: the same words in every report.

use super::look_up;
use super::text::one_line;
use super::transcript;
use crate::outcome::{
    Attempt, Counts, Gate, LexResults, Match, RunSummary, Speaker, SuiteResult, TestOutcome,
    TestResult, Turn, Verdict,
};

/// The word for a test's result, as the first thing that a person reads.
pub(super) fn word(summary: &RunSummary, test: &TestResult) -> &'static str {
    match (test.outcome.verdict, test.outcome.flaky) {
        (Verdict::Passed, true) if summary.gate(test) == Gate::Fails => "FAILED (flaky)",
        (Verdict::Passed, true) => "FLAKY",
        (Verdict::Passed, false) if test.outcome.recovered => "RECOVERED",
        (Verdict::Passed, false) => "PASSED",
        (Verdict::Failed, _) => "FAILED",
        (Verdict::Error(_), _) => "ERROR",
        (Verdict::NotRun, _) => "NOT RUN",
    }
}

/// Whether there is more to say of a test than that it passed.
pub(super) fn is_worth_telling(test: &TestResult) -> bool {
    let outcome = &test.outcome;
    let noted = outcome.deciding().is_some_and(|attempt| !attempt.details.notes.is_empty());
    !outcome.verdict.is_pass() || outcome.flaky || outcome.recovered || noted
}

/// Whether a test is one for which the build is red, rather than one that was not run then.
pub(super) fn makes_red(summary: &RunSummary, test: &TestResult) -> bool {
    let failing = matches!(summary.gate(test), Gate::Fails | Gate::NoVerdict);
    failing && test.outcome.verdict != Verdict::NotRun
}

/// The place of a test among others that are told of: what fails the build comes first, since what is
/// told may be cut at its end.
pub(super) fn rank(summary: &RunSummary, test: &TestResult) -> u8 {
    match summary.gate(test) {
        Gate::Fails => 0,
        Gate::NoVerdict if makes_red(summary, test) => 1,
        Gate::NoVerdict => 2,
        Gate::Ignored => 3,
        Gate::Passes => 4,
    }
}

/// What stands behind the name of a test that does not block.
pub(super) fn blocking(test: &TestResult) -> &'static str {
    if test.blocking { "" } else { " (does not block)" }
}

/// How many tests there are, and what they have come to.
pub(super) fn tally(summary: &RunSummary) -> String {
    let totals = totals(summary).into_iter();
    let totals: Vec<String> =
        totals.map(|(count, total)| format!("{count} {}", total.words())).collect();
    match summary.tests().count() {
        0 => "no test".to_owned(),
        1 => format!("1 test: {}", totals.join(", ")),
        tests => format!("{tests} tests: {}", totals.join(", ")),
    }
}

/// The share that matched; empty where there is nothing that could.
pub(super) fn share(counts: Counts) -> String {
    match counts.total {
        0 => String::new(),
        total => format!("{} of {total} ({})", counts.matched, counts.percent()),
    }
}

/// How many tests have come to what, as far as there are any.
pub(super) fn totals(summary: &RunSummary) -> Vec<(usize, Total)> {
    let total = |test: &TestResult| match (summary.gate(test), test.outcome.verdict) {
        (Gate::Fails, _) => Total::Failed,
        (_, verdict) if verdict.is_pass() => Total::Passed,
        (_, Verdict::NotRun) => Total::NotRun,
        (Gate::Ignored, _) => Total::Ignored,
        _ => Total::NoVerdict,
    };
    let of = |wanted: Total| summary.tests().filter(|test| total(test) == wanted).count();
    let counted = [Total::Passed, Total::Failed, Total::NoVerdict, Total::NotRun, Total::Ignored];
    let flaky = summary.tests().filter(|test| test.outcome.flaky).count();
    let totals = counted.into_iter().map(|total| (of(total), total));
    totals.chain([(flaky, Total::Flaky)]).filter(|(count, _)| *count > 0).collect()
}

/// What tests are counted by. Flaky ones are counted among the others, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Total {
    Passed,
    Failed,
    NoVerdict,
    NotRun,
    Ignored,
    Flaky,
}

impl Total {
    /// In words, behind a number.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NoVerdict => "without verdict",
            Self::NotRun => "not run",
            Self::Ignored => "not passed that do not block",
            Self::Flaky => "flaky",
        }
    }
}

/// The line that says why, with the kind of error before it.
pub(super) fn message(outcome: &TestOutcome) -> String {
    match (outcome.verdict, outcome.flaky) {
        (Verdict::Error(kind), _) => format!("{kind}: {}", outcome.message),
        (Verdict::Passed, true) => {
            let attempts = outcome.attempts.len();
            format!("passed in attempt {attempts}, after it had failed; {}", outcome.message)
        }
        (Verdict::Passed, false) if outcome.recovered => {
            let attempts = outcome.attempts.len();
            format!(
                "passed in attempt {attempts}; before, it came to no verdict; {}",
                outcome.message
            )
        }
        _ => outcome.message.clone(),
    }
}

/// Who looks after a test and what else its author says of it, a line each.
pub(super) fn people(test: &TestResult) -> Vec<String> {
    let owner = test.owner.iter().map(|owner| format!("owner: {owner}"));
    owner.chain(test.meta.iter().map(|(name, value)| format!("{name}: {value}"))).collect()
}

/// What of a turn did not match, and how.
pub(super) fn mismatch(turn: &Turn) -> String {
    let mut text = match &turn.error {
        Some(error) => format!("could not be run: {error}"),
        None => format!("expected {}, got {}", turn.expected, turn.actual),
    };
    let parts = match turn.mismatches.join(", ") {
        // AWS says no more than that.
        parts if parts.is_empty() => "end to end".to_owned(),
        parts => parts,
    };
    if turn.error.is_none() {
        text = format!("{parts}: {text}");
    }
    match &turn.conversation_id {
        Some(id) => format!("{text} (in {id})"),
        None => text,
    }
}

/// The intents that were understood worst, a line each.
fn worst_intents(results: &LexResults) -> impl Iterator<Item = String> {
    const MOST: usize = 5;
    let line = |(name, counts): (&String, &Counts)| {
        format!("intent: {name}: {} of {} matched", counts.matched, counts.total)
    };
    results.worst_intents().into_iter().take(MOST).map(line)
}

/// What of a Lex test set did not match: the worst turns, at most `most`, a line each.
fn mismatches(results: &LexResults, most: usize) -> Vec<String> {
    let worst = results.worst_turns();
    let by_user = |turn: &&&Turn| turn.speaker == Speaker::User;
    let left_out = results.left_out() + worst.iter().skip(most).filter(by_user).count() as u64;
    let turns = worst.into_iter().take(most).map(|turn| {
        let what = match (turn.result, turn.speaker) {
            (Match::ExecutionError, _) => "error",
            (_, Speaker::User) => "mismatch",
            // The bot's own words are no utterance, and not counted as one.
            (_, Speaker::Agent) => "prompt",
        };
        format!("{what}: #{} \"{}\": {}", turn.record, turn.text, mismatch(turn))
    });
    let conversations = results.mismatched_conversations.iter().take(most).map(|conversation| {
        let of = conversation.mismatches.join(", ");
        format!("conversation: {}: {}: {of}", conversation.id, conversation.result)
    });
    let more = (left_out > 0).then(|| format!("mismatches: {left_out} more utterances"));
    turns.chain(more).chain(conversations).collect()
}

/// All that is known of a test, a line each, with the reason and the place in the suite first:
/// GitLab shows no message where there is a body.
pub(super) fn all(suite: &SuiteResult, test: &TestResult, room: Room) -> Vec<String> {
    let place = format!("suite: {}:{}", suite.file, test.line);
    let mut lines = vec![message(&test.outcome), place];
    lines.extend(test.region.iter().map(|region| format!("region: {region}")));
    lines.extend(people(test));
    // Before what may be long, and then is cut.
    lines.push(format!("look up: {}", look_up::command(test)));
    let mut lines = one_line_each(lines);
    for it in &test.outcome.attempts {
        // The only attempt's message has been said.
        let said = usize::from(test.outcome.attempts.len() == 1);
        lines.extend(attempt(it, room).into_iter().skip(said));
    }
    lines
}

/// Whether there is more to say of a passed test than the table of tests does: its transcript, where
/// the details of every test were asked for.
pub(super) fn has_transcript(test: &TestResult) -> bool {
    let of = |attempt: &Attempt| {
        attempt.details.transcript.as_ref().is_some_and(|it| !it.steps.is_empty())
    };
    test.outcome.attempts.iter().any(of)
}

/// How much of a test's details there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// The most mismatches of a Lex test set.
    pub(super) mismatches: usize,
    /// The longest transcript of an attempt, in characters.
    pub(super) transcript: usize,
}

/// Text from AWS stays on its line: it can tell nothing in the place of what is known.
fn one_line_each(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    lines.into_iter().map(|line| one_line(&line)).collect()
}

/// All that is known of an attempt, a line each.
pub(super) fn attempt(attempt: &Attempt, room: Room) -> Vec<String> {
    let Attempt { number, verdict, message, .. } = attempt;
    let ids = attempt.starts.iter().map(|start| {
        let adopted = if start.adopted { " (found by looking it up)" } else { "" };
        format!("execution: {}{adopted}", start.execution_id.as_deref().unwrap_or("unknown"))
    });
    let first = std::iter::once(format!("attempt {number}: {verdict}: {message}"));
    let mut all = one_line_each(first.chain(ids).chain(lines(attempt, room.mismatches)));
    all.extend(transcript::all(&attempt.details, room.transcript));
    all
}

/// Everything known of an attempt beyond its message and its transcript, a line each; of a Lex test
/// set at most `most` mismatches.
pub(super) fn lines(attempt: &Attempt, most: usize) -> Vec<String> {
    let details = &attempt.details;
    // What the message has said is not said again.
    let news = |text: &str| !attempt.message.contains(text);
    let labelled = |label: &'static str, texts: &[String]| -> Vec<String> {
        let new = texts.iter().filter(|text| news(text));
        new.map(|text| format!("{label}: {text}")).collect()
    };
    let mut lines = labelled("expected", &details.checks);
    // Reports of before there were transcripts have these alone.
    if details.transcript.is_none() {
        let observations: Vec<String> =
            details.failed_observations.iter().map(ToString::to_string).collect();
        lines.extend(labelled("failed observation", &observations));
    }
    // Of what passed it is COMPLETED; where it is not, a note says so.
    if !attempt.verdict.is_pass() {
        lines.extend(labelled("reason", &details.failure_reasons));
    }
    let error = details.error.iter().map(ToString::to_string).filter(|error| news(error));
    lines.extend(error.map(|error| format!("AWS: {error}")));
    lines.extend(labelled("note", &details.notes));
    // A set that met what is expected of it has mismatches, too, and nobody to read them here.
    if let Some(results) = details.results.as_ref().filter(|_| !attempt.verdict.is_pass()) {
        lines.extend(worst_intents(results));
        lines.extend(mismatches(results, most));
    }
    lines
}
