//! What is read beyond what a verdict hangs on, when, and what becomes of it.

use super::player::{core, play};
use super::verdicts::{ending, matched, result_rows};
use super::*;
use crate::engine::core::{Call, Reply};
use crate::event::EventKind;
use crate::outcome::{Conversation, ErrorKind, Match, Signal, Verdict};
use crate::plan::{Detail, Turns};
use crate::service::{Page, ResultKind, Row};

/// The kinds of results that were asked for, in order.
fn kinds_read(plan: &Arc<Plan>, end: &str) -> Vec<ResultKind> {
    let mut kinds = Vec::new();
    ending(plan, &[end], |page| {
        kinds.push(page.kind);
        Ok(Page { rows: result_rows(page.kind), next_token: None })
    });
    kinds
}

fn detailed(plan: &Arc<Plan>, detail: Detail) -> Arc<Plan> {
    Arc::new(Plan { detail, ..Plan::clone(plan) })
}

#[test]
fn what_a_verdict_hangs_on_is_read_first_and_then_what_a_reader_wants_to_know() {
    use ResultKind::{Intents, Overall, Records, Slots, Turns as EachTurn};
    let always = Detail { always: true, turns: Turns::Worst };
    let each = Detail { always: false, turns: Turns::All };
    let (met, missed) = (lex_plan("{slot: 0%, end_to_end: 90%}"), lex_plan("{end_to_end: 95%}"));
    let unasked = lex_plan("none");
    // No conversation has mismatched, so that none is asked for.
    for (plan, end, expected) in [
        (&unasked, "Completed", vec![Overall, Intents, Slots]),
        (&missed, "Completed", vec![Overall, Intents, Slots, EachTurn]),
        (&detailed(&unasked, always), "Completed", vec![Overall, Intents, Slots, EachTurn]),
        (&detailed(&unasked, each), "Completed", vec![Overall, Intents, Slots, EachTurn]),
        (&missed, "Failed", vec![]),
        (&connect_plan(1, ""), "PASSED", vec![]),
        (&connect_plan(1, ""), "FAILED", vec![Records]),
        (&detailed(&connect_plan(1, ""), always), "PASSED", vec![Records]),
        (&connect_plan(1, "  min_observations: 9"), "PASSED", vec![Records]),
    ] {
        assert_eq!(kinds_read(plan, end), expected, "{end}");
    }
    // A share of slots of which there are none is no verdict, and then all the more is read.
    assert_eq!(kinds_read(&met, "Completed"), [Overall, Slots, Intents, EachTurn]);
}

#[test]
fn conversations_are_read_where_one_has_not_matched() {
    let plan = lex_plan("{end_to_end: 95%}");
    let played = ending(&plan, &["Completed"], |page| {
        let counts = matched(1, 2);
        let conversation =
            Conversation { id: "c-2".into(), result: Match::Mismatched, mismatches: Vec::new() };
        let rows = match page.kind {
            ResultKind::Overall => vec![Row::EndToEnd { counts, multi_turn: true }],
            ResultKind::Conversations => vec![Row::Conversation(conversation)],
            _ => Vec::new(),
        };
        Ok(Page { rows, next_token: None })
    });
    let results = played.outcome(0).attempts[0].details.results.clone().unwrap();
    assert_eq!(results.conversations, Some(matched(1, 2)));
    assert_eq!(results.mismatched_conversations[0].id, "c-2");
}

#[test]
fn details_that_cannot_be_read_take_no_verdict_back() {
    let fails_at = |unreadable: ResultKind, expect: &str| {
        let played = ending(&lex_plan(expect), &["Completed"], |page| {
            if page.kind == unreadable {
                return Err(error(ErrorClass::Rejected));
            }
            Ok(Page { rows: result_rows(page.kind), next_token: None })
        });
        let outcome = played.outcome(0).clone();
        (outcome.verdict, outcome.attempts[0].details.clone())
    };
    let (verdict, details) = fails_at(ResultKind::Turns, "{end_to_end: 95%}");
    assert_eq!(verdict, Verdict::Failed);
    assert!(details.notes[0].starts_with("its details could not be read"), "{details:?}");
    let (verdict, details) = fails_at(ResultKind::Slots, "{end_to_end: 90%}");
    assert_eq!(verdict, Verdict::Passed);
    assert_eq!(details.notes.len(), 1);
    // What was seen to be below its share has failed, though another share is not known.
    let (verdict, _) = fails_at(ResultKind::Intents, "{end_to_end: 95%, intent: 50%}");
    assert_eq!(verdict, Verdict::Failed);
    let (verdict, _) = fails_at(ResultKind::Intents, "{end_to_end: 90%, intent: 50%}");
    assert_eq!(verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
}

#[test]
fn half_of_a_kind_of_results_is_not_shown_as_the_whole() {
    let played = ending(&lex_plan("{end_to_end: 90%}"), &["Completed"], |page| {
        match (page.kind, page.next_token.is_some()) {
            (ResultKind::Intents, true) => Err(error(ErrorClass::Rejected)),
            (ResultKind::Intents, false) => {
                Ok(Page { rows: result_rows(page.kind), next_token: Some("2".to_owned()) })
            }
            (kind, _) => Ok(Page { rows: result_rows(kind), next_token: None }),
        }
    });
    let details = &played.outcome(0).attempts[0].details;
    assert!(details.results.as_ref().unwrap().intents.is_empty(), "{details:?}");
}

/// A world in which sets end at once, 46 in 500 of their utterances mismatched, and a page takes
/// `latency` once the verdict stands.
fn slow_details(latency: f64) -> impl FnMut(Duration, &Call) -> (Duration, Reply) {
    let mut starts = 0;
    move |_, call| match call {
        Call::Start(..) => {
            starts += 1;
            (Duration::ZERO, Reply::Start(Ok(accepted(&format!("e-{starts}")))))
        }
        Call::Results(_, page) => {
            let rows = result_rows(page.kind);
            let slow = page.kind != ResultKind::Overall;
            let page = Page { rows, next_token: None };
            (seconds(if slow { latency } else { 0.0 }), Reply::Results(Ok(page)))
        }
        _ => (Duration::ZERO, Reply::Poll(Ok(snapshot("Completed")))),
    }
}

fn lex_sets(count: usize, settings: &str) -> Arc<Plan> {
    let tests: String =
        (0..count).map(|i| format!("    - {{name: t{i}, test_set_id: TESTSET00{i}}}\n")).collect();
    plan(&format!(
        "lex:\n  bot_id: BOT0000001\n  bot_alias_id: TSTALIASID\n  locale_id: en_US\n  \
         api_mode: NonStreaming\n  expect: {{end_to_end: 95%}}\n{settings}\n  \
         test_executions:\n{tests}"
    ))
}

#[test]
fn a_place_is_free_while_details_of_what_was_there_are_read() {
    let plan = lex_sets(2, "  limits: {in_flight: 1}");
    let played = play(core(&plan), &mut slow_details(60.0), &[]);
    // Seen Completed 5 s after its start, and judged: 60 s of details hold nobody up.
    let starts = played.times("start");
    assert!(starts[1] < 10.0, "{starts:?}");
}

#[test]
fn a_signal_among_the_details_leaves_the_verdict_and_says_what_is_missing() {
    let plan = lex_sets(1, "");
    let played = play(core(&plan), &mut slow_details(60.0), &[(20.0, Signal::Sigterm)]);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Failed);
    let notes = &outcome.attempts[0].details.notes;
    assert_eq!(*notes, ["its details could not be read: the run was interrupted"]);
    assert!(played.over_at < seconds(21.0), "{:?}", played.over_at);
}

#[test]
fn the_end_of_the_runs_time_among_the_details_leaves_the_verdict() {
    let plan = plan_with_timeout();
    let played = play(core(&plan), &mut slow_details(3600.0), &[]);
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
    assert!(played.over_at <= seconds(61.0), "{:?}", played.over_at);
}

fn plan_with_timeout() -> Arc<Plan> {
    Arc::new(Plan { timeout: seconds(60.0), ..Plan::clone(&lex_sets(1, "")) })
}

#[test]
fn the_verdict_is_told_when_it_stands() {
    let plan = lex_sets(1, "");
    let played = play(core(&plan), &mut slow_details(1.0), &[]);
    let told = played.events(|event| match event.kind {
        EventKind::Judged { test, .. } => Some(test),
        _ => None,
    });
    assert_eq!(told, [0]);
}

#[test]
fn a_verdict_counts_for_max_failures_when_it_stands() {
    let plan = Arc::new(Plan {
        max_failures: Some(1),
        ..Plan::clone(&lex_sets(3, "  limits: {in_flight: 1}"))
    });
    let played = play(core(&plan), &mut slow_details(60.0), &[]);
    assert_eq!(played.times("start").len(), 1, "{:?}", played.times("start"));
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
    assert_eq!(played.outcome(2).verdict, Verdict::NotRun);
    let told = played.events(|event| match event.kind {
        EventKind::TooManyFailures { failures } => Some((failures, event.at)),
        _ => None,
    });
    assert_eq!(told.len(), 1);
    assert!(told[0].0 == 1 && told[0].1 < seconds(10.0), "{told:?}");
}

#[test]
fn another_attempt_does_not_wait_for_details_of_the_last_one() {
    let plan = lex_sets(1, "  retries: 1");
    let played = play(core(&plan), &mut slow_details(60.0), &[]);
    let starts = played.times("start");
    assert!(starts.len() == 2 && starts[1] < 10.0, "{starts:?}");
    let attempts = &played.outcome(0).attempts;
    assert_eq!(attempts.len(), 2);
    let intents = |at: usize| attempts[at].details.results.as_ref().unwrap().intents.len();
    assert_eq!((intents(0), intents(1)), (0, 2));
}

#[test]
fn a_test_is_as_long_as_it_took_to_its_verdict() {
    let played = play(core(&lex_sets(1, "")), &mut slow_details(60.0), &[]);
    let outcome = played.outcome(0);
    assert!(outcome.seconds < 10.0 && outcome.attempts[0].seconds < 10.0, "{outcome:?}");
    assert!(played.over_at > seconds(60.0));
}

#[test]
fn a_lane_that_closes_among_the_details_leaves_the_verdict_and_drops_half_of_a_kind() {
    let plan = lex_plan("{end_to_end: 95%}");
    let played = ending(&plan, &["Completed"], |page| match page.kind {
        ResultKind::Intents if page.next_token.is_some() => {
            Err(error(crate::service::ErrorClass::Credentials))
        }
        ResultKind::Intents => {
            Ok(Page { rows: result_rows(page.kind), next_token: Some("2".to_owned()) })
        }
        kind => Ok(Page { rows: result_rows(kind), next_token: None }),
    });
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Failed);
    let details = &outcome.attempts[0].details;
    assert!(details.notes[0].contains("credentials"), "{details:?}");
    assert!(details.results.as_ref().unwrap().intents.is_empty());
}

#[test]
fn conversations_are_read_though_nothing_is_expected_of_whole_ones() {
    let mut kinds = Vec::new();
    ending(&lex_plan("{intent: 99%}"), &["Completed"], |page| {
        kinds.push(page.kind);
        let counts = matched(1, 2);
        let rows = match page.kind {
            ResultKind::Overall => vec![Row::EndToEnd { counts, multi_turn: true }],
            ResultKind::Intents => vec![Row::Intent("Book".into(), counts)],
            _ => Vec::new(),
        };
        Ok(Page { rows, next_token: None })
    });
    assert!(kinds.contains(&ResultKind::Conversations), "{kinds:?}");
}
