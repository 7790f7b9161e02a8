//! From what AWS said to a verdict. Pure: the whole of what makes a test pass or fail.

use std::collections::BTreeMap;

use crate::outcome::{Counts, Details, ErrorKind, LexResults, Observations, ServiceName, Verdict};
use crate::plan::{Expect, MIN_OBSERVATIONS, Share, Target};
use crate::service::{ResultKind, Row};

/// AWS's word for a start that it accepted and never ran (AWS-FACTS.md, seen live).
const INITIALIZATION_FAILURE: &str = "INITIALIZATION_FAILURE";

/// A verdict and the line that says why.
pub(super) type Judgement = (Verdict, String);

/// The results that must be read before a verdict on an execution that ended by itself.
pub(super) fn needed(target: &Target, failed: bool) -> Vec<ResultKind> {
    match (target, failed) {
        (Target::Connect(_), true) => vec![ResultKind::Records],
        (Target::Connect(_), false) | (Target::Lex(_), true) => Vec::new(),
        (Target::Lex(lex), false) => {
            let expect = &lex.expect;
            let overall = expect.end_to_end.is_some()
                || expect.speech.is_some()
                || expect.min_results.is_some();
            let intents = expect.intent.is_some() || !expect.intents.is_empty();
            [
                (overall, ResultKind::Overall),
                (intents, ResultKind::Intents),
                (expect.slot.is_some(), ResultKind::Slots),
            ]
            .into_iter()
            .filter_map(|(asked, kind)| asked.then_some(kind))
            .collect()
        }
    }
}

/// Takes a row of results into the details.
pub(super) fn fold(details: &mut Details, row: Row) {
    if let Row::Record(record) = row {
        details.failure_reasons.extend(record.reasons);
        details.failure_reasons.extend(record.message);
        if record.failed {
            let name = record.observation_id.as_deref().unwrap_or("observation");
            let text = record.text.map(|text| format!(": {text}")).unwrap_or_default();
            details.failed_observations.push(format!("{name}{text}"));
        }
        return;
    }
    let results = details.results.get_or_insert_with(LexResults::default);
    match row {
        Row::EndToEnd(counts) => results.end_to_end.get_or_insert_default().add(counts),
        Row::Speech(counts) => results.speech.get_or_insert_default().add(counts),
        Row::Intent(name, counts) => results.intents.entry(name).or_default().add(counts),
        Row::Slot(name, counts) => results.slots.entry(name).or_default().add(counts),
        Row::Record(_) => {}
    }
}

/// Judges an execution that passed by AWS's word: Connect PASSED, or Lex Completed with the
/// results that `expect` asks for.
pub(super) fn passed(target: &Target, details: &mut Details) -> Judgement {
    match target {
        Target::Connect(target) => {
            let least = target.min_observations;
            match (details.observations, least) {
                (None, None | Some(0)) => {
                    (Verdict::Passed, "passed, with no observation counts".to_owned())
                }
                (None, Some(least)) => (
                    Verdict::Error(ErrorKind::ResultsUnavailable),
                    format!(
                        "passed, but AWS gave no observation counts; expected at least {least}"
                    ),
                ),
                (Some(Observations { total, passed, .. }), _) => {
                    let least = least.unwrap_or(MIN_OBSERVATIONS);
                    if total < u64::from(least) {
                        let message =
                            format!("passed having observed {total}, expected at least {least}");
                        (Verdict::Failed, message)
                    } else {
                        (Verdict::Passed, format!("{passed} of {total} observations passed"))
                    }
                }
            }
        }
        Target::Lex(lex) => expected(&lex.expect, details),
    }
}

/// Judges an execution that failed by AWS's word.
pub(super) fn failed(service: ServiceName, details: &Details) -> Judgement {
    let reasons = details.failure_reasons.join("; ");
    if service == ServiceName::Lex {
        let why = if reasons.is_empty() { "AWS gave no reason" } else { &reasons };
        return (Verdict::Failed, format!("the test execution failed: {why}"));
    }
    let observed = details.observations.is_some_and(|observations| observations.total > 0);
    if !observed && details.failure_reasons.iter().any(|reason| reason == INITIALIZATION_FAILURE) {
        return (
            Verdict::Error(ErrorKind::NotStarted),
            format!("AWS accepted the start and never ran the test: {reasons}"),
        );
    }
    let counts = match details.observations {
        Some(Observations { total, failed, .. }) if total > 0 => {
            format!("{failed} of {total} observations failed")
        }
        _ => "failed, with no observation counts".to_owned(),
    };
    let mut parts = vec![counts];
    parts.extend(details.failed_observations.first().cloned());
    parts.extend((!reasons.is_empty()).then_some(reasons));
    (Verdict::Failed, parts.join("; "))
}

/// Compares the results with what is expected of them.
fn expected(expect: &Expect, details: &mut Details) -> Judgement {
    let empty = LexResults::default();
    let results = details.results.as_ref().unwrap_or(&empty);
    let sum = |named: &BTreeMap<String, Counts>| {
        let mut total = Counts::default();
        named.values().for_each(|counts| total.add(*counts));
        total
    };
    let end_to_end = results.end_to_end.unwrap_or_default();
    let mut asked = vec![
        ("utterances".to_owned(), expect.end_to_end, end_to_end),
        ("transcriptions".to_owned(), expect.speech, results.speech.unwrap_or_default()),
        ("intents".to_owned(), expect.intent, sum(&results.intents)),
        ("slots".to_owned(), expect.slot, sum(&results.slots)),
    ];
    for (name, share) in &expect.intents {
        let counts = results.intents.get(name).copied().unwrap_or_default();
        asked.push((format!("utterances of intent {name}"), Some(*share), counts));
    }
    let (mut below, mut missing, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    for (what, share, counts) in asked {
        let Some(share) = share else { continue };
        if counts.total == 0 {
            checks.push(format!("{what}: no results, expected at least {share}"));
            missing.push(what);
            continue;
        }
        let met = share.is_met(counts.matched, counts.total);
        let check = describe(&what, counts, share, met);
        if !met {
            below.push(check.clone());
        }
        checks.push(check);
    }
    if let Some(least) = expect.min_results {
        let total = end_to_end.total;
        let check = format!("{total} results, expected at least {least}");
        if total == 0 {
            missing.push("the whole set".to_owned());
        } else if total < u64::from(least) {
            below.push(format!("only {check}"));
        }
        checks.push(check);
    }
    if !below.is_empty() {
        below.extend(worst_intent(&results.intents));
    }
    details.checks = checks;
    let gone = format!("the set was run, but AWS gave no results for {}", missing.join(", "));
    if !below.is_empty() {
        // A share that was seen to be missed is a verdict, whatever else is not known.
        below.extend((!missing.is_empty()).then_some(gone));
        (Verdict::Failed, below.join("; "))
    } else if !missing.is_empty() {
        (Verdict::Error(ErrorKind::ResultsUnavailable), gone)
    } else if details.checks.is_empty() {
        (Verdict::Passed, "completed; nothing was expected of the results".to_owned())
    } else {
        (Verdict::Passed, details.checks.join("; "))
    }
}

/// The intent that was understood worst, where one was misunderstood at all.
fn worst_intent(intents: &BTreeMap<String, Counts>) -> Option<String> {
    let share = |counts: &Counts| counts.matched as f64 / counts.total as f64;
    let missed = intents.iter().filter(|(_, counts)| counts.matched < counts.total);
    let (name, counts) = missed.min_by(|a, b| share(a.1).total_cmp(&share(b.1)))?;
    Some(format!("worst intent: {name} {}", percent(counts.matched, counts.total)))
}

fn describe(what: &str, counts: Counts, share: Share, met: bool) -> String {
    let Counts { matched, total, execution_errors, .. } = counts;
    let percent = percent(matched, total);
    let errors = match execution_errors {
        0 => String::new(),
        errors => format!(", {errors} of them by an execution error"),
    };
    if met {
        format!("{matched} of {total} {what} matched ({percent}, expected at least {share})")
    } else {
        let missed = total - matched.min(total);
        format!(
            "{missed} of {total} {what} did not match{errors} ({percent}, expected at least {share})"
        )
    }
}

/// The share in per cent, rounded down, so that a share that is missed never reads as if met.
fn percent(matched: u64, total: u64) -> String {
    let tenths = u128::from(matched) * 1000 / u128::from(total.max(1));
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

#[cfg(test)]
mod tests;
