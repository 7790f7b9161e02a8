use super::*;
use crate::suite;

fn expect(text: &str) -> Expect {
    let text = format!(
        "name: s\nlex: {{bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
         api_mode: NonStreaming, modality: Audio, expect: {text},
         test_executions: [{{name: t, test_set_id: TESTSET001}}]}}"
    );
    let suite = suite::parse("s", &text, &|_| None).unwrap();
    match &suite.tests[0].target {
        Target::Lex(target) => target.expect.clone(),
        Target::Connect(_) => unreachable!(),
    }
}

fn counts(matched: u64, execution_errors: u64, total: u64) -> Counts {
    Counts { matched, mismatched: total - matched - execution_errors, execution_errors, total }
}

fn end_to_end(counts: Counts) -> Row {
    Row::EndToEnd { counts, multi_turn: false }
}

fn judge(text: &str, rows: Vec<Row>) -> Judgement {
    let mut details = Details::default();
    rows.into_iter().for_each(|row| fold(&mut details, row, Turns::Worst));
    expected(&expect(text), &mut details)
}

#[test]
fn single_and_multi_turn_rows_are_summed() {
    let rows = vec![end_to_end(counts(9, 0, 10)), end_to_end(counts(1, 0, 10))];
    assert_eq!(judge("{end_to_end: 50%}", rows.clone()).0, Verdict::Passed);
    assert_eq!(judge("{end_to_end: 50.1%}", rows).0, Verdict::Failed);
}

#[test]
fn what_is_counted_is_called_by_its_name() {
    let multi = |total| Row::EndToEnd { counts: counts(0, 0, total), multi_turn: true };
    let message = |rows| judge("{end_to_end: 50%}", rows).1;
    assert!(message(vec![multi(2)]).starts_with("2 of 2 conversations did not match"));
    let mixed = message(vec![end_to_end(counts(0, 0, 10)), multi(2)]);
    assert!(mixed.starts_with("12 of 12 utterances and conversations did not match"), "{mixed}");
}

#[test]
fn an_execution_error_does_not_match_and_is_told_apart() {
    let (verdict, message) = judge("{end_to_end: 95%}", vec![end_to_end(counts(90, 4, 100))]);
    assert_eq!(verdict, Verdict::Failed);
    assert_eq!(
        message,
        "10 of 100 utterances did not match, 4 of them by an execution error \
         (90 %, expected at least 95 %)"
    );
}

#[test]
fn a_share_that_is_missed_never_reads_as_met() {
    let (_, message) =
        judge("{intent: 95%}", vec![Row::Intent("A".into(), counts(18_999, 0, 20_000))]);
    assert!(message.contains("(94.9 %,"), "{message}");
}

#[test]
fn a_share_with_no_items_is_no_verdict() {
    let rows = vec![end_to_end(counts(10, 0, 10)), Row::Slot("A.b".into(), counts(0, 0, 0))];
    let (verdict, message) = judge("{end_to_end: 90%, slot: 0%}", rows);
    assert_eq!(verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
    assert_eq!(message, "the set was run, but AWS gave no results for slots");
}

#[test]
fn a_share_seen_to_be_missed_is_failed_whatever_else_is_missing() {
    let (verdict, message) =
        judge("{end_to_end: 90%, slot: 0%}", vec![end_to_end(counts(1, 0, 10))]);
    assert_eq!(verdict, Verdict::Failed);
    assert!(message.ends_with("; the set was run, but AWS gave no results for slots"), "{message}");
}

#[test]
fn speech_has_its_own_share() {
    let rows = vec![end_to_end(counts(10, 0, 10)), Row::Speech(counts(8, 0, 10))];
    assert_eq!(judge("{speech: 80%}", rows.clone()).0, Verdict::Passed);
    assert_eq!(judge("{speech: 81%}", rows).0, Verdict::Failed);
}

#[test]
fn a_start_that_came_to_nothing_is_no_verdict() {
    let reasons = vec![INITIALIZATION_FAILURE.to_owned(), "limit reached".to_owned()];
    let mut details = Details { failure_reasons: reasons, ..Details::default() };
    assert_eq!(failed(ServiceName::Connect, &details).0, Verdict::Error(ErrorKind::NotStarted));
    details.observations = Some(Observations { total: 2, passed: 1, failed: 1 });
    let (verdict, message) = failed(ServiceName::Connect, &details);
    assert_eq!(verdict, Verdict::Failed, "observations were made, so it ran");
    assert!(message.starts_with("1 of 2 observations failed"), "{message}");
}

#[test]
fn lex_failed_says_why() {
    let reasons = vec!["the bot alias is gone".to_owned()];
    let details = Details { failure_reasons: reasons, ..Details::default() };
    let (verdict, message) = failed(ServiceName::Lex, &details);
    assert_eq!(verdict, Verdict::Failed);
    assert_eq!(message, "the test execution failed: the bot alias is gone");
}

#[test]
fn a_single_intent_may_be_asked_for_and_the_worst_is_named() {
    let rows = || {
        vec![
            Row::Intent("ReportFraud".into(), counts(99, 0, 100)),
            Row::Intent("CancelOrder".into(), counts(61, 0, 100)),
            Row::Intent("Greet".into(), counts(1800, 0, 1800)),
        ]
    };
    assert_eq!(judge("{intent: 97%}", rows()).0, Verdict::Passed, "a mean hides the one");
    let (verdict, message) = judge("{intent: 97%, intents: {ReportFraud: 100%}}", rows());
    assert_eq!(verdict, Verdict::Failed);
    assert_eq!(
        message,
        "1 of 100 utterances of intent ReportFraud did not match (99 %, expected at least 100 %); \
         worst intent: CancelOrder 61 %"
    );
    let (verdict, message) = judge("{intents: {Gone: 1%}}", rows());
    assert_eq!(verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
    assert!(message.ends_with("no results for utterances of intent Gone"), "{message}");
}

#[test]
fn a_set_that_has_shrunk_is_not_all_right() {
    let rows = || vec![end_to_end(counts(20, 0, 20))];
    let (verdict, message) = judge("{end_to_end: 95%, min_results: 18000}", rows());
    assert_eq!(verdict, Verdict::Failed);
    assert_eq!(message, "only 20 results, expected at least 18000");
    assert_eq!(judge("{min_results: 20}", rows()).0, Verdict::Passed);
    let none = Verdict::Error(ErrorKind::ResultsUnavailable);
    assert_eq!(judge("{min_results: 1}", Vec::new()).0, none);
}

#[test]
fn a_pass_that_has_observed_too_little_is_none() {
    let judge = |least: &str, total: Option<u64>| {
        let text = format!(
            "name: s\nconnect: {{instance_id: i{least}, test_cases: [{{name: t, test_case_id: t}}]}}"
        );
        let suite = suite::parse("s", &text, &|_| None).unwrap();
        let observations = total.map(|total| Observations { total, passed: total, failed: 0 });
        let mut details = Details { observations, ..Details::default() };
        passed(&suite.tests[0].target, &mut details).0
    };
    assert_eq!(judge("", Some(1)), Verdict::Passed);
    assert_eq!(judge("", Some(0)), Verdict::Failed);
    // No counts are not a count of none; where a number is asked for, they are no verdict.
    assert_eq!(judge("", None), Verdict::Passed);
    let unknown = Verdict::Error(ErrorKind::ResultsUnavailable);
    assert_eq!(judge(", min_observations: 1", None), unknown);
    assert_eq!(judge(", min_observations: 0", Some(0)), Verdict::Passed);
    assert_eq!(judge(", min_observations: 3", Some(2)), Verdict::Failed);
}

fn turn(record: u64, intent: &str, result: Match) -> Turn {
    Turn {
        record,
        conversation_id: None,
        speaker: Speaker::User,
        result,
        text: format!("utterance {record}"),
        mismatches: Vec::new(),
        expected: crate::outcome::Said { intent: Some(intent.to_owned()), ..Default::default() },
        actual: crate::outcome::Said::default(),
        error: None,
    }
}

/// A set of 2700 turns, a third of which did not match.
fn folded(turns: Turns) -> LexResults {
    let mut details = Details::default();
    for (name, matched) in [("Good", 900), ("Bad", 500), ("Fair", 600)] {
        fold(&mut details, Row::Intent(name.to_owned(), counts(matched, 0, 1000)), turns);
    }
    for record in 1..=2700 {
        let intent = ["Good", "Bad", "Fair"][record as usize % 3];
        let result = if record % 9 < 3 { Match::Mismatched } else { Match::Matched };
        fold(&mut details, Row::Turn(turn(record, intent, result)), turns);
    }
    settle(&mut details, End::Completed, turns);
    details.results.unwrap()
}

#[test]
fn the_worst_turns_are_kept_and_all_are_counted() {
    let results = folded(Turns::Worst);
    assert_eq!(results.utterances, Some(counts(1800, 0, 2700)));
    assert_eq!(results.turns.len(), MOST_TURNS);
    assert!(results.turns.iter().all(|turn| turn.expected.intent.as_deref() == Some("Bad")));
    assert!(results.turns.is_sorted_by_key(|turn| turn.record));
    assert_eq!(results.turns[0].record, 1, "the first ones, though the last came later");
    assert_eq!(results.left_out(), 850);
}

#[test]
fn all_mismatches_or_all_turns_are_kept_where_they_are_asked_for() {
    let results = folded(Turns::Mismatches);
    assert_eq!((results.turns.len(), results.left_out()), (900, 0));
    assert!(results.turns.iter().all(|turn| turn.result == Match::Mismatched));
    assert_eq!(folded(Turns::All).turns.len(), 2700);
}

#[test]
fn passed_by_timeout_is_passed_and_says_so() {
    let text = "name: s\nconnect: {instance_id: i, test_cases: [{name: t, test_case_id: t}]}";
    let suite = suite::parse("s", text, &|_| None).unwrap();
    let observations = Some(Observations { total: 2, passed: 2, failed: 0 });
    let failure_reasons = vec![TIMEOUT.to_owned()];
    let mut details = Details { observations, failure_reasons, ..Details::default() };
    assert_eq!(passed(&suite.tests[0].target, &mut details).0, Verdict::Passed);
    settle(&mut details, End::Completed, Turns::Worst);
    assert_eq!(details.notes, ["AWS ended it by TIMEOUT"]);
}
