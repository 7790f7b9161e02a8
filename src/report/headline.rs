//! What a test comes to, in words: the same words in every report.

use crate::outcome::{Attempt, Gate, RunSummary, TestOutcome, TestResult, Verdict};

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

/// Everything known of an attempt beyond its message, a line each.
pub(super) fn lines(attempt: &Attempt) -> Vec<String> {
    let details = &attempt.details;
    let mut lines = Vec::new();
    lines.extend(details.checks.iter().map(|check| format!("expected: {check}")));
    lines
        .extend(details.failed_observations.iter().map(|one| format!("failed observation: {one}")));
    lines.extend(details.failure_reasons.iter().map(|reason| format!("reason: {reason}")));
    lines.extend(details.error.iter().map(|error| format!("AWS: {error}")));
    lines.extend(details.notes.iter().map(|note| format!("note: {note}")));
    lines
}
