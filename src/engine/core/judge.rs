//! From what AWS said to a verdict. Pure: the whole of what makes a test pass or fail.

use crate::outcome::{
    ActionKind, Counts, Details, ErrorKind, FailedObservation, LexResults, Match, Observations,
    ServiceName, Speaker, StepEvent, StepFailure, Transcript, TranscriptStep, Turn, Verdict, sum,
};
use crate::plan::{Detail, Expect, MIN_OBSERVATIONS, Share, Target, Turns};
use crate::service::{End, Record, ResultKind, Row};

/// AWS's word for a start that it accepted and never ran (AWS-FACTS.md, seen live).
const INITIALIZATION_FAILURE: &str = "INITIALIZATION_FAILURE";

/// AWS's completion type of an execution that reached the time limit, even if it is PASSED, and also of
/// one that somebody stopped (AWS-FACTS.md, seen live).
const TIMEOUT: &str = "TIMEOUT";

/// What AWS's message of a stopped execution says.
const STOPPED_BY: &str = "stopped by";

/// Completion types that add nothing to the status.
const TYPES_IMPLIED_BY_STATUS: [&str; 5] = ["SUCCESS", "FAILURE", "PASSED", "FAILED", "COMPLETED"];

/// So many turns of a test set, and conversations, are told of where not all are asked for.
const MOST_TURNS: usize = 50;

/// So many records of a Connect execution are kept.
const MOST_RECORDS: usize = 200;

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

/// The results that a reader of the reports wants beyond those, once the verdict stands: what
/// went wrong of a test that did not pass, how well each intent was understood of every one.
pub(super) fn further(
    target: &Target,
    failed: bool,
    verdict: Verdict,
    detail: Detail,
) -> Vec<ResultKind> {
    let all = detail.always || !verdict.is_pass();
    let kinds: &[(bool, ResultKind)] = match target {
        // What AWS calls failed has its records read, or, of Lex, no results.
        _ if failed => &[],
        Target::Connect(_) => &[(all, ResultKind::Records)],
        Target::Lex(_) => &[
            (true, ResultKind::Overall),
            (true, ResultKind::Intents),
            (true, ResultKind::Slots),
            (all, ResultKind::Conversations),
            (all || detail.turns != Turns::Worst, ResultKind::Turns),
        ],
    };
    let read = needed(target, failed);
    let wanted = kinds.iter().filter(|(wanted, kind)| *wanted && !read.contains(kind));
    wanted.map(|(_, kind)| *kind).collect()
}

/// Whether there is nothing of a kind, by what has been read before.
pub(super) fn is_empty(kind: ResultKind, details: &Details) -> bool {
    let conversations = details.results.as_ref().and_then(|results| results.conversations);
    kind == ResultKind::Conversations && conversations.unwrap_or_default().missed() == 0
}

/// Takes a row of results into the details.
pub(super) fn fold(details: &mut Details, row: Row, turns: Turns) {
    if let Row::Record(record) = row {
        return fold_record(details, record);
    }
    let results = details.results.get_or_insert_with(LexResults::default);
    match row {
        Row::EndToEnd { counts, multi_turn } => {
            results.end_to_end.get_or_insert_default().add(counts);
            if multi_turn {
                results.conversations.get_or_insert_default().add(counts);
            }
        }
        Row::Speech(counts) => results.speech.get_or_insert_default().add(counts),
        Row::Intent(name, counts) => results.intents.entry(name).or_default().add(counts),
        Row::Slot(name, counts) => results.slots.entry(name).or_default().add(counts),
        Row::Conversation(conversation) => {
            if results.mismatched_conversations.len() < MOST_TURNS {
                results.mismatched_conversations.push(conversation);
            }
        }
        Row::Turn(turn) => fold_turn(results, turn, turns),
        Row::Record(_) => {}
    }
}

fn fold_record(details: &mut Details, record: Record) {
    details.contact_ids.extend(record.contact_ids);
    details.records.extend(record.raw.filter(|_| details.records.len() < MOST_RECORDS));
    let transcript = details.transcript.get_or_insert_default();
    if let Some(step) = record.step {
        transcript.add(step);
    }
    let Some(completion) = record.completion else { return };
    transcript.duration_ms = completion.duration_ms.or(transcript.duration_ms);
    let kind = completion.kind.filter(|kind| !TYPES_IMPLIED_BY_STATUS.contains(&kind.as_str()));
    for reason in kind.into_iter().chain(completion.reasons).chain(completion.message) {
        // A page that comes round again says nothing new.
        if !details.failure_reasons.contains(&reason) {
            details.failure_reasons.push(reason);
        }
    }
}

fn fold_turn(results: &mut LexResults, turn: Turn, turns: Turns) {
    if turn.speaker == Speaker::User {
        results.utterances.get_or_insert_default().count(turn.result);
    }
    let kept = turns == Turns::All || turn.result != Match::Matched;
    if kept {
        results.turns.push(turn);
    }
    // A set may have 200,000: the worst are sorted out as they come.
    if turns == Turns::Worst && results.turns.len() >= 20 * MOST_TURNS {
        keep_worst(results);
    }
}

/// Puts in order what was read of an execution, once there is no more to read. `end` is how AWS says
/// that it ended.
pub(super) fn settle(details: &mut Details, end: End, turns: Turns) {
    let reasons = &mut details.failure_reasons;
    // A stop has the same type: it says nothing about the time.
    if end == End::Stopped || reasons.iter().any(|reason| reason.contains(STOPPED_BY)) {
        reasons.retain(|reason| reason != TIMEOUT);
    }
    let passed = matches!(end, End::Passed | End::Completed);
    if passed && reasons.iter().any(|reason| reason == TIMEOUT) {
        details.notes.push("AWS ended it by TIMEOUT".to_owned());
    }
    if let Some(mut transcript) = details.transcript.take() {
        settle_transcript(details, &mut transcript, end);
        let is_empty = transcript.steps.is_empty() && transcript.duration_ms.is_none();
        details.transcript = Some(transcript).filter(|_| !is_empty);
    }
    let Some(results) = &mut details.results else { return };
    if turns == Turns::Worst {
        keep_worst(results);
    }
}

/// Closes a transcript, and says where it disagrees with AWS's summary, whose counts are the ones
/// that reports give.
fn settle_transcript(details: &mut Details, transcript: &mut Transcript, end: End) {
    let passed = matches!(end, End::Passed | End::Completed);
    let failed = transcript.steps.iter().filter_map(|step| Some((step, step.failure()?)));
    let failed: Vec<(&TranscriptStep, StepFailure<'_>)> = failed.collect();
    let marked = failed.len() as u64;
    let counts = details.observations.filter(|observations| observations.total > 0);
    let counted = counts.map(|observations| observations.failed);
    let contradicting = if passed { counted.unwrap_or_default().max(marked) } else { 0 };
    if contradicting > 0 {
        let whose = if marked > 0 { "records show" } else { "summary counts" };
        let steps = failed_steps(contradicting);
        details.notes.push(format!("AWS reports PASSED, but its {whose} {steps}"));
    } else if let Some(counted) = counted.filter(|counted| *counted != marked && marked > 0) {
        let note = format!(
            "AWS's records show {}, but its summary counts {counted} failed; the summary's count is \
             used",
            failed_steps(marked)
        );
        details.notes.push(note);
    }
    if !passed {
        let short =
            |(step, failure): (&TranscriptStep, StepFailure<'_>)| failed_observation(step, failure);
        details.failed_observations = failed.into_iter().map(short).collect();
    }
    transcript.close(details.observations, passed);
}

fn failed_steps(count: u64) -> String {
    if count == 1 { "1 failed step".to_owned() } else { format!("{count} failed steps") }
}

/// A step that failed, in the short form that reports had before there were transcripts.
fn failed_observation(step: &TranscriptStep, failure: StepFailure<'_>) -> FailedObservation {
    let (expected, seen) = match failure {
        StepFailure::Action(action) => match &action.kind {
            ActionKind::Assert(it) => {
                let parts = [Some(&it.namespace), it.operator.as_ref(), it.expected.as_ref()];
                let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
                (Some(parts.join(" ")), it.actual.clone())
            }
            _ => (None, None),
        },
        StepFailure::Event(StepEvent::Message(it)) => (it.expected.clone(), it.heard.clone()),
        StepFailure::Event(StepEvent::FlowAction(it)) => (Some(it.action.clone()), None),
        StepFailure::Event(_) | StepFailure::Unknown => (None, None),
    };
    FailedObservation {
        id: step.id.clone().unwrap_or_else(|| "unnamed".to_owned()),
        expected,
        seen,
    }
}

/// Keeps the turns of the intents that were understood worst.
fn keep_worst(results: &mut LexResults) {
    let worst = results.worst_turns().into_iter().take(MOST_TURNS).cloned().collect();
    results.turns = worst;
}

/// Drops what was read of a kind of which not all could be read: half of it would mislead.
pub(super) fn forget(details: &mut Details, kind: ResultKind) {
    if let Some(transcript) = details.transcript.as_mut().filter(|_| kind == ResultKind::Records) {
        transcript.partial = true;
    }
    let Some(results) = &mut details.results else { return };
    match kind {
        ResultKind::Overall => {
            (results.end_to_end, results.speech, results.conversations) = (None, None, None);
        }
        ResultKind::Intents => results.intents.clear(),
        ResultKind::Slots => results.slots.clear(),
        // Single turns and records are true by themselves; their number is not.
        ResultKind::Turns => results.utterances = None,
        ResultKind::Conversations | ResultKind::Records => {}
    }
}

/// Drops all that was read of a kind, which is to be read from its first page on.
pub(super) fn clear(details: &mut Details, kind: ResultKind) {
    forget(details, kind);
    if kind == ResultKind::Records {
        details.records.clear();
        details.transcript = None;
        details.failure_reasons.clear();
    }
    match (kind, &mut details.results) {
        (ResultKind::Turns, Some(results)) => results.turns.clear(),
        (ResultKind::Conversations, Some(results)) => results.mismatched_conversations.clear(),
        _ => {}
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
        Some(Observations { total, failed, .. }) if failed > 0 => {
            format!("{failed} of {total} observations failed")
        }
        Some(Observations { total, .. }) if total > 0 => "the execution failed".to_owned(),
        _ => "failed, with no observation counts".to_owned(),
    };
    // What failed is put before it by the reports, once personal data is taken out of that.
    let mut parts = vec![counts];
    parts.extend((!reasons.is_empty()).then_some(reasons));
    (Verdict::Failed, parts.join("; "))
}

/// Compares the results with what is expected of them.
fn expected(expect: &Expect, details: &mut Details) -> Judgement {
    let empty = LexResults::default();
    let results = details.results.as_ref().unwrap_or(&empty);
    let end_to_end = results.end_to_end.unwrap_or_default();
    // What AWS counts as one result is a single utterance, or a conversation of several.
    let what = match results.conversations {
        Some(conversations) if conversations.total == end_to_end.total => "conversations",
        Some(conversations) if conversations.total > 0 => "utterances and conversations",
        _ => "utterances",
    };
    let mut asked = vec![
        (what.to_owned(), expect.end_to_end, end_to_end),
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
        below.extend(worst_intent(results));
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
fn worst_intent(results: &LexResults) -> Option<String> {
    let (name, counts) = results.worst_intents().into_iter().next()?;
    Some(format!("worst intent: {name} {}", counts.percent()))
}

fn describe(what: &str, counts: Counts, share: Share, met: bool) -> String {
    let Counts { matched, total, execution_errors, .. } = counts;
    let percent = counts.percent();
    let errors = match execution_errors {
        0 => String::new(),
        errors => format!(", {errors} of them by an execution error"),
    };
    if met {
        format!("{matched} of {total} {what} matched ({percent}, expected at least {share})")
    } else {
        let missed = counts.missed();
        format!(
            "{missed} of {total} {what} did not match{errors} ({percent}, expected at least {share})"
        )
    }
}

#[cfg(test)]
mod tests;
