//! From what AWS says to the outcome of a test, with results, retries and trouble on the way.

use super::player::{Played, core, play};
use super::*;
use crate::engine::core::{Call, Reply};
use crate::outcome::{Counts, ErrorKind, TranscriptStep, Verdict};
use crate::plan::{Detail, Turns};
use crate::service::{CompletionRecord, Page, PageRequest, Record, ResultKind, Row};

/// Plays a test whose executions end with `ends`, one each; `results` answers for what came out.
pub(super) fn ending(
    plan: &Arc<Plan>,
    ends: &[&str],
    mut results: impl FnMut(&PageRequest) -> Result<Page, CallError>,
) -> Played {
    let (mut ends, mut current) = (ends.iter(), "");
    let mut world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => {
                current = ends.next().expect("no more starts than ends");
                Reply::Start(Ok(accepted("e")))
            }
            Call::Poll(_) => Reply::Poll(Ok(snapshot(current))),
            Call::Results(_, page) => Reply::Results(results(page)),
            other => panic!("unexpected: {other:?}"),
        };
        (Duration::ZERO, reply)
    };
    play(core(plan), &mut world, &[])
}

fn nothing(_: &PageRequest) -> Result<Page, CallError> {
    Ok(Page::default())
}

pub(super) fn end_to_end(counts: Counts) -> Row {
    Row::EndToEnd { counts, multi_turn: false }
}

pub(super) fn matched(matched: u64, total: u64) -> Counts {
    Counts { matched, mismatched: total - matched, execution_errors: 0, total }
}

/// What AWS gives of a set of which 46 in 500 did not match.
pub(super) fn result_rows(kind: ResultKind) -> Vec<Row> {
    match kind {
        ResultKind::Overall => vec![end_to_end(matched(454, 500))],
        ResultKind::Intents => vec![
            Row::Intent("Book".into(), matched(374, 400)),
            Row::Intent("Cancel".into(), matched(80, 100)),
        ],
        _ => Vec::new(),
    }
}

#[test]
fn each_end_has_its_verdict() {
    let connect = connect_plan(1, "");
    let table = [
        (&connect, "PASSED", Verdict::Passed),
        (&connect, "FAILED", Verdict::Failed),
        (&connect, "STOPPED", Verdict::Error(ErrorKind::Stopped)),
        (&lex_plan("none"), "Completed", Verdict::Passed),
        (&lex_plan("{end_to_end: 1%}"), "Failed", Verdict::Failed),
        (&lex_plan("{end_to_end: 1%}"), "Stopped", Verdict::Error(ErrorKind::Stopped)),
        (&lex_plan("{end_to_end: 1%}"), "Completed", Verdict::Error(ErrorKind::ResultsUnavailable)),
    ];
    for (plan, end, verdict) in table {
        assert_eq!(ending(plan, &[end], nothing).outcome(0).verdict, verdict, "{end}");
    }
}

#[test]
fn every_page_of_every_result_asked_for_is_read() {
    let plan = lex_plan("{end_to_end: 90%, intent: 80%, slot: 70%}");
    let mut asked = Vec::new();
    let played = ending(&plan, &["Completed"], |page| {
        asked.push((page.kind, page.next_token.clone()));
        let first = page.next_token.is_none();
        let row = match page.kind {
            ResultKind::Overall => end_to_end(matched(45, 50)),
            ResultKind::Intents => Row::Intent("Book".into(), matched(8, 10)),
            ResultKind::Slots => Row::Slot("Book.City".into(), matched(7, 10)),
            other => panic!("not asked for: {other:?}"),
        };
        Ok(Page { rows: vec![row], next_token: first.then(|| "2".to_owned()) })
    });
    let kinds = [ResultKind::Overall, ResultKind::Intents, ResultKind::Slots];
    let pages = |kind| [(kind, None), (kind, Some("2".to_owned()))];
    assert_eq!(asked, kinds.into_iter().flat_map(pages).collect::<Vec<_>>());
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
    assert_eq!(
        played.outcome(0).message,
        "90 of 100 utterances matched (90 %, expected at least 90 %); \
         16 of 20 intents matched (80 %, expected at least 80 %); \
         14 of 20 slots matched (70 %, expected at least 70 %)"
    );
}

#[test]
fn below_the_share_is_failed_and_says_by_how_much() {
    let plan = lex_plan("{end_to_end: 95%}");
    let played = ending(&plan, &["Completed"], |page| {
        Ok(Page { rows: result_rows(page.kind), next_token: None })
    });
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
    assert_eq!(
        played.outcome(0).message,
        "46 of 500 utterances did not match (90.8 %, expected at least 95 %); \
         worst intent: Cancel 80 %"
    );
}

#[test]
fn a_token_that_comes_twice_ends_the_reading() {
    let plan = lex_plan("{end_to_end: 95%}");
    let page = || Page { rows: vec![], next_token: Some("again".to_owned()) };
    let played = ending(&plan, &["Completed"], |_| Ok(page()));
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
    // It is read three times from its first page on: once may be a slip of AWS's.
    assert_eq!(played.times("results").len(), 6);
}

#[test]
fn pages_that_come_round_again_once_are_read_anew_and_counted_once() {
    let plan = lex_plan("{end_to_end: 95%}");
    let mut pages = 0;
    let played = ending(&plan, &["Completed"], |page| {
        if page.kind != ResultKind::Overall {
            return Ok(Page::default());
        }
        pages += 1;
        let next = if pages < 3 { Some("again".to_owned()) } else { None };
        Ok(Page { rows: vec![end_to_end(matched(10, 10))], next_token: next })
    });
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
    let results = played.outcome(0).results().unwrap().clone();
    assert_eq!(results.end_to_end, Some(matched(10, 10)));
}

#[test]
fn tokens_that_lead_in_a_circle_end_the_reading() {
    let plan = lex_plan("{end_to_end: 95%}");
    let mut pages = 0;
    let played = ending(&plan, &["Completed"], |_| {
        pages += 1;
        let next = ["a", "b", "c"][pages % 3].to_owned();
        Ok(Page { rows: vec![end_to_end(matched(10, 10))], next_token: Some(next) })
    });
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
    assert_eq!(played.times("results").len(), 12);
}

#[test]
fn failed_stays_failed_when_the_credentials_are_gone_before_its_records_are_read() {
    let plan = connect_plan(1, "");
    let played = ending(&plan, &["FAILED"], |_| Err(error(ErrorClass::Credentials)));
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
}

#[test]
fn results_that_cannot_be_read_are_never_a_pass() {
    let plan = lex_plan("{end_to_end: 0%}");
    let played = ending(&plan, &["Completed"], |_| Err(error(ErrorClass::Rejected)));
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
    let played = ending(&plan, &["Completed"], |_| Err(error(ErrorClass::Ambiguous)));
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
    assert!(played.times("results").len() > 5, "it is tried for a while");
}

#[test]
fn failed_stays_failed_when_its_records_cannot_be_read() {
    let plan = connect_plan(1, "");
    let played = ending(&plan, &["FAILED"], |_| Err(error(ErrorClass::Rejected)));
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
    let notes = &played.outcome(0).attempts[0].details.notes;
    assert!(notes[0].starts_with("its records could not be read"), "{notes:?}");
}

fn step(id: &str, status: &str) -> TranscriptStep {
    let [id, status] = [id, status].map(|text| Some(text.to_owned()));
    TranscriptStep { id, status, ..TranscriptStep::default() }
}

#[test]
fn the_records_say_what_failed() {
    let plan = connect_plan(1, "");
    let played = ending(&plan, &["FAILED"], |_| {
        let record = Record { step: Some(step("greet", "FAILED")), ..Record::default() };
        Ok(Page { rows: vec![Row::Record(record)], next_token: None })
    });
    let details = &played.outcome(0).attempts[0].details;
    let transcript = details.transcript.as_ref().unwrap();
    assert_eq!(
        (transcript.steps.len(), transcript.stopped_at, transcript.total),
        (1, Some(1), None)
    );
    assert_eq!(details.failed_observations[0].id, "greet");
    // The summary counts no failure, so the message gives none. A note says that the two differ.
    assert_eq!(played.outcome(0).message, "the execution failed");
    assert_eq!(
        details.notes,
        [
            "AWS's records show 1 failed step, but its summary counts 0 failed; the summary's count is used"
        ]
    );
}

#[test]
fn steps_whose_records_could_not_be_read_are_not_said_to_be_not_reached() {
    let plan = connect_plan(1, "");
    let played = ending(&plan, &["FAILED"], |page| {
        if page.next_token.is_some() {
            return Err(error(ErrorClass::Rejected));
        }
        let record = Record { step: Some(step("greet", "PASSED")), ..Record::default() };
        Ok(Page { rows: vec![Row::Record(record)], next_token: Some("2".to_owned()) })
    });
    let transcript = played.outcome(0).attempts[0].details.transcript.clone().unwrap();
    assert!(transcript.partial, "{transcript:?}");
    assert_eq!((transcript.total, transcript.not_reached), (Some(3), 0));
}

#[test]
fn a_pass_is_a_pass_whatever_its_records_say() {
    let always = Detail { always: true, turns: Turns::Worst };
    let plan = Arc::new(Plan { detail: always, ..Plan::clone(&connect_plan(1, "")) });
    let played = ending(&plan, &["PASSED"], |_| {
        let record = Record { step: Some(step("greet", "FAILED")), ..Record::default() };
        Ok(Page { rows: vec![Row::Record(record)], next_token: None })
    });
    let outcome = played.outcome(0);
    let details = &outcome.attempts[0].details;
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert!(details.failed_observations.is_empty());
    assert_eq!(details.transcript.as_ref().unwrap().stopped_at, None);
    assert!(details.notes[0].starts_with("AWS reports PASSED, but"), "{:?}", details.notes);
}

#[test]
fn what_was_stopped_did_not_end_by_its_time_limit() {
    let plan = connect_plan(1, "");
    let played = ending(&plan, &["STOPPED"], |_| {
        let message = Some("Test case execution stopped by user request".to_owned());
        let completion = CompletionRecord {
            kind: Some("TIMEOUT".into()),
            message,
            ..CompletionRecord::default()
        };
        let record = Record { completion: Some(completion), ..Record::default() };
        Ok(Page { rows: vec![Row::Record(record)], next_token: None })
    });
    let outcome = played.outcome(0);
    let details = &outcome.attempts[0].details;
    assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::Stopped));
    assert_eq!(details.failure_reasons, ["Test case execution stopped by user request"]);
    assert!(details.notes.is_empty(), "{:?}", details.notes);
}

#[test]
fn a_failed_test_is_tried_again_and_a_pass_after_it_is_flaky() {
    let plan = connect_plan(1, "  retries: 2");
    let played = ending(&plan, &["FAILED", "FAILED", "PASSED"], nothing);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert!(outcome.flaky);
    let verdicts: Vec<Verdict> = outcome.attempts.iter().map(|attempt| attempt.verdict).collect();
    assert_eq!(verdicts, [Verdict::Failed, Verdict::Failed, Verdict::Passed]);
    let numbers: Vec<u32> = outcome.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_failure_outweighs_an_error_that_follows_it() {
    let plan = connect_plan(1, "  retries: 1");
    let outcome = ending(&plan, &["FAILED", "STOPPED"], nothing).outcome(0).clone();
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert_eq!(outcome.deciding().map(|attempt| attempt.number), Some(1));
    assert_eq!(outcome.message, outcome.attempts[0].message);
}

/// The record of an execution that AWS accepted and never ran.
pub(super) fn never_ran_record() -> Record {
    let reasons = vec!["INITIALIZATION_FAILURE".to_owned()];
    let completion = CompletionRecord { reasons, ..CompletionRecord::default() };
    Record { completion: Some(completion), ..Record::default() }
}

fn never_ran(_: &PageRequest) -> Result<Page, CallError> {
    Ok(Page { rows: vec![Row::Record(never_ran_record())], next_token: None })
}

#[test]
fn a_start_that_came_to_nothing_is_followed_by_another_with_a_token_of_its_own() {
    let plan = connect_plan(1, "");
    let played = ending(&plan, &["FAILED unobserved", "FAILED unobserved", "PASSED"], never_ran);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert!(!outcome.flaky, "what never ran has not failed");
    assert_eq!(outcome.attempts.len(), 1);
    assert_eq!(outcome.attempts[0].starts.len(), 3);
    // It is seen 2 s after each start; then 5 s, and 10 s, pass before the next.
    assert_eq!(played.times("start"), [0.0, 7.0, 19.0]);
    let mut tokens = played.tokens();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[test]
fn starts_that_come_to_nothing_to_the_end_are_no_verdict() {
    let plan =
        plan("timeout: 10m\nconnect: {instance_id: i, test_cases: [{name: a, test_case_id: a}]}");
    let played = ending(&plan, &["FAILED unobserved"; 100], never_ran);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::NotStarted));
    assert!(outcome.message.contains("INITIALIZATION_FAILURE"), "{}", outcome.message);
    assert!(played.over_at <= seconds(620.0), "{:?}", played.over_at);
    assert!(outcome.attempts[0].starts.len() > 8);
}

#[test]
fn an_error_is_tried_again_only_where_that_is_asked_for() {
    let plan = connect_plan(1, "  retries: 3");
    let played = ending(&plan, &["STOPPED"], nothing);
    assert_eq!(played.outcome(0).attempts.len(), 1);

    let plan = connect_plan(1, "  retries: 3\n  retry_on: [failed, error]");
    let outcome = ending(&plan, &["STOPPED", "PASSED"], nothing).outcome(0).clone();
    assert_eq!((outcome.verdict, outcome.recovered, outcome.flaky), (Verdict::Passed, true, false));
    let outcome = ending(&plan, &["STOPPED", "FAILED", "PASSED"], nothing).outcome(0).clone();
    assert_eq!((outcome.recovered, outcome.flaky), (false, true));

    let plan = connect_plan(1, "  retries: 3\n  retry_on: [error]");
    let outcome = ending(&plan, &["FAILED"], nothing).outcome(0).clone();
    assert_eq!(outcome.attempts.len(), 1);
}
