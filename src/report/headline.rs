//! What a test comes to, in words: the same words in every report.

use crate::outcome::{Attempt, Counts, Gate, RunSummary, TestOutcome, TestResult, Verdict};

/// The word for a test's result, as the first thing that a person reads.
pub(super) fn word(summary: &RunSummary, test: &TestResult) -> &'static str {
    match (test.outcome.verdict, test.outcome.flaky) {
        (Verdict::Passed, true) if summary.gate(test) == Gate::Fails => "FAILED (flaky)",
        (Verdict::Passed, true) => "FLAKY",
        (Verdict::Passed, false) => "PASSED",
        (Verdict::Failed, _) => "FAILED",
        (Verdict::Error(_), _) => "ERROR",
        (Verdict::NotRun, _) => "NOT RUN",
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

/// The intents that were understood worst, a line each.
fn worst_intents(attempt: &Attempt) -> Vec<String> {
    const MOST: usize = 5;
    let intents = attempt.details.results.iter().flat_map(|results| &results.intents);
    let mut missed: Vec<_> = intents.filter(|(_, counts)| counts.matched < counts.total).collect();
    let share = |counts: &Counts| counts.matched as f64 / counts.total as f64;
    missed.sort_by(|a, b| share(a.1).total_cmp(&share(b.1)));
    let line = |(name, counts): &(&String, &Counts)| {
        format!("intent: {name}: {} of {} matched", counts.matched, counts.total)
    };
    missed.iter().take(MOST).map(line).collect()
}

/// Everything known of an attempt beyond its message, a line each.
pub(super) fn lines(attempt: &Attempt) -> Vec<String> {
    let details = &attempt.details;
    // What the message has said is not said again.
    let news = |text: &str| !attempt.message.contains(text);
    let labelled = |label: &'static str, texts: &[String]| -> Vec<String> {
        let new = texts.iter().filter(|text| news(text));
        new.map(|text| format!("{label}: {text}")).collect()
    };
    let observations: Vec<String> =
        details.failed_observations.iter().map(ToString::to_string).collect();
    let mut lines = labelled("expected", &details.checks);
    lines.extend(worst_intents(attempt));
    lines.extend(labelled("failed observation", &observations));
    lines.extend(labelled("reason", &details.failure_reasons));
    let error = details.error.iter().map(ToString::to_string).filter(|error| news(error));
    lines.extend(error.map(|error| format!("AWS: {error}")));
    lines.extend(labelled("note", &details.notes));
    lines
}
