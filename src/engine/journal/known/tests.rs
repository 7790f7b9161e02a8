use chrono::TimeDelta;

use super::*;
use crate::outcome::{ErrorKind, ServiceName};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn listed(id: &str, target: &str) -> ListedTest {
    ListedTest {
        suite: "S".to_owned(),
        service: ServiceName::Connect,
        id: id.to_owned(),
        target: BTreeMap::from([("test_case_id".to_owned(), target.to_owned())]),
        settings: BTreeMap::new(),
    }
}

fn head(tests: &[ListedTest]) -> Vec<Record> {
    let run = Record::Run {
        version: VERSION,
        nonce: Uuid::from_u128(7),
        run_id: "run".to_owned(),
        started_at: at(0),
        endpoint: None,
        tests: tests.len(),
    };
    std::iter::once(run).chain(tests.iter().cloned().map(Record::Test)).collect()
}

fn intent(test: TestIndex, attempt: u32, start: usize, seconds: i64) -> Record {
    Record::Intent {
        test,
        attempt,
        start,
        at: at(seconds),
        aws_at: None,
        again: false,
        before: Vec::new(),
    }
}

fn started(test: TestIndex, attempt: u32, start: usize, id: &str) -> Record {
    let execution_id = id.to_owned();
    Record::Started { test, attempt, start, execution_id, adopted: false }
}

fn judged(test: TestIndex, attempt: u32, verdict: Verdict) -> Record {
    Record::Judged { test, attempt, verdict, observations: None, took_ms: None }
}

fn text(records: &[Record]) -> String {
    records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect()
}

fn known(records: &[Record]) -> KnownRun {
    read(text(records).as_bytes()).unwrap().0.unwrap()
}

#[test]
fn a_record_is_a_line_that_a_person_can_read() {
    let record = started(3, 1, 2, "e-1");
    assert_eq!(
        text(&[record]),
        "{\"record\":\"started\",\"test\":3,\"attempt\":1,\"start\":2,\
         \"execution_id\":\"e-1\",\"adopted\":false}\n"
    );
}

#[test]
fn starts_and_verdicts_are_put_together_by_test_and_attempt() {
    let mut records = head(&[listed("a", "c1"), listed("b", "c2")]);
    let failed = Verdict::Failed;
    records.extend([intent(1, 1, 1, 5), started(1, 1, 1, "e-1"), judged(1, 1, failed)]);
    records.extend([intent(1, 2, 1, 9), intent(1, 2, 1, 99), intent(0, 1, 1, 7)]);
    let run = known(&records);
    let b = run.of(&listed("b", "c2").identity());
    assert_eq!((b.len(), b[0].verdict, b[1].verdict), (2, Some(failed), None));
    assert_eq!(b[0].starts[0].execution, Some(("e-1".to_owned(), false)));
    // Written again since it was not sent before, or with nothing known of what came of that.
    assert_eq!((b[1].starts[0].first.here, b[1].starts[0].last.here), (at(99), at(99)));
    let again = match intent(1, 2, 1, 120) {
        Record::Intent { test, attempt, start, at, aws_at, before, .. } => {
            Record::Intent { test, attempt, start, at, aws_at, again: true, before }
        }
        other => other,
    };
    records.push(again);
    let start = known(&records).of(&listed("b", "c2").identity())[1].starts[0].clone();
    assert_eq!((start.first.here, start.last.here), (at(99), at(120)));
    assert_eq!(run.executions().collect::<Vec<_>>(), ["e-1"]);
    assert_eq!(run.open().count(), 2, "of neither it is known what came of it");
    assert_eq!(run.nonce, Uuid::from_u128(7));
}

#[test]
fn an_attempt_that_is_begun_again_is_open_again() {
    let mut records = head(&[listed("a", "c1")]);
    let stopped = Verdict::Error(ErrorKind::Stopped);
    records.extend([intent(0, 1, 1, 1), started(0, 1, 1, "e-1"), judged(0, 1, stopped)]);
    records.push(intent(0, 1, 2, 9));
    assert_eq!(known(&records).of(&listed("a", "c1").identity())[0].verdict, None);
}

#[test]
fn half_a_last_line_is_what_a_kill_leaves() {
    let mut records = head(&[listed("a", "c1")]);
    records.push(intent(0, 1, 1, 1));
    let whole = text(&records);
    for cut in ["{\"record\":\"star", "\0\0\0\0", "{\"record\":\"end\",\"at\":0}"] {
        let (run, length) = read(format!("{whole}{cut}").as_bytes()).unwrap();
        assert_eq!(length, whole.len());
        assert_eq!(run.unwrap().open().count(), 1);
    }
}

#[test]
fn a_list_of_tests_that_never_came_to_its_end_is_no_run() {
    let all = text(&head(&[listed("a", "c1"), listed("b", "c2")]));
    let cut = all.lines().next().unwrap().len() + 1;
    for length in [0, 5, cut, cut + 3, all.len() - 1] {
        let (run, whole) = read(&all.as_bytes()[..length]).unwrap();
        assert_eq!((run, whole), (None, 0), "{length}");
    }
    // The list of a suite that has changed meanwhile is as if it had never been begun.
    let taken_up = Record::TakenUp { at: at(9), tests: Some(2) };
    let more = text(&[taken_up, Record::Test(listed("a", "other"))]);
    let (run, whole) = read((all.clone() + &more).as_bytes()).unwrap();
    assert_eq!(whole, all.len());
    assert_eq!(run.unwrap().tests[0], listed("a", "c1"));
}

#[test]
fn damage_is_named_by_its_line() {
    let good = text(&head(&[listed("a", "c1")]));
    let second = text(&head(&[]));
    for (bad, line, cause) in [
        ("nonsense\n", 3, "expected"),
        (&text(&[judged(0, 1, Verdict::Passed)]), 3, "passed, and nothing was started"),
        (&text(&[intent(0, 1, 1, 0), judged(0, 1, Verdict::Failed)]), 4, "nothing was started"),
        (
            &text(&[
                intent(0, 1, 1, 0),
                started(0, 1, 1, "e"),
                judged(0, 1, Verdict::Failed),
                judged(0, 1, Verdict::Passed),
            ]),
            6,
            "passed, and it had failed before",
        ),
        ("{\"record\":\"surprise\"}\n", 3, "unknown variant"),
        ("{\"record\":\"taken-up\",\"at\":\"1970-01-01T00:00:00Z\",\"x\":1}\n", 3, "unknown field"),
        (&text(&[intent(9, 1, 1, 0)]), 3, "there is no test 9"),
        (&text(&[intent(0, 3, 1, 0)]), 3, "attempt 3 follows 0"),
        (&text(&[intent(0, 1, 4, 0)]), 3, "start 4 follows 0"),
        (&text(&[started(0, 1, 1, "e")]), 3, "start 1 was never to be made"),
        (&text(&[Record::Test(listed("b", "c2"))]), 3, "no part of a list"),
        (&second, 3, "a second run begins"),
    ] {
        let damage = read(format!("{good}{bad}").as_bytes()).unwrap_err();
        assert_eq!(damage.line, line, "{bad}");
        assert!(damage.cause.contains(cause), "{bad}: {}", damage.cause);
    }
    let newer = good.replace("\"version\":1", "\"version\":2");
    let damage = read(newer.as_bytes()).unwrap_err();
    assert_eq!(
        damage.to_string(),
        "line 1 is damaged: its version is 2, and this callcheck reads version 1"
    );
    for bad in [text(&[intent(0, 1, 1, 0)]).as_bytes(), &[0; 100], b"{\"record\":\"rum"] {
        assert_eq!(
            read(bad).unwrap_err().to_string(),
            "line 1 is damaged: it does not begin with a run"
        );
    }
    let long = format!("{good}{{\"record\":\"{}\"}}\n", "x".repeat(10_000));
    assert!(read(long.as_bytes()).unwrap_err().cause.len() <= MOST_CAUSE);
    let after_end = [Record::End { at: at(1), conclusion: Conclusion::Passed }, intent(0, 1, 1, 2)];
    let damage = read((good + &text(&after_end)).as_bytes()).unwrap_err();
    assert_eq!(damage.line, 4);
}

#[test]
fn of_a_test_that_has_changed_no_more_is_known_than_holds_still() {
    let mut records = head(&[listed("a", "c1"), listed("b", "c2"), listed("gone", "c3")]);
    for test in 0..3 {
        records.extend([intent(test, 1, 1, 1), started(test, 1, 1, &format!("e-{test}"))]);
        records.extend((test < 2).then(|| judged(test, 1, Verdict::Passed)));
    }
    let other = listed("a", "other");
    let mut stricter = listed("b", "c2");
    stricter.settings.insert("retries".to_owned(), "3".to_owned());
    let list = [other.clone(), stricter.clone()];
    let by_hand = known(&records).with_tests(list.to_vec());
    records.push(Record::TakenUp { at: at(9), tests: Some(2) });
    records.extend(list.map(Record::Test));
    let run = known(&records);
    let by_hand = KnownRun { last_begun_at: at(9), ..by_hand };
    assert_eq!(run, by_hand, "who reads the journal later knows the same");
    assert!(run.of(&other.identity()).is_empty(), "it is another test case");
    let b = run.of(&stricter.identity());
    assert_eq!((b[0].verdict, b[0].starts.len()), (None, 1), "it is judged anew");
    assert_eq!(run.executions_of_removed(), ["e-2"]);
}

#[test]
fn a_test_that_was_left_out_for_a_while_is_held_against_what_it_was() {
    let mut records = head(&[listed("a", "c1"), listed("b", "c2")]);
    records.extend([intent(0, 1, 1, 1), started(0, 1, 1, "e-0"), judged(0, 1, Verdict::Passed)]);
    let run = known(&records).with_tests(vec![listed("b", "c2")]);
    let same = run.clone().with_tests(vec![listed("a", "c1"), listed("b", "c2")]);
    assert_eq!(same.of(&listed("a", "c1").identity())[0].verdict, Some(Verdict::Passed));
    let other = run.with_tests(vec![listed("a", "other"), listed("b", "c2")]);
    assert!(other.of(&listed("a", "other").identity()).is_empty(), "it is another test by now");
}

#[test]
fn no_bytes_make_it_panic() {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut records = head(&[listed("a", "c1")]);
    records.extend([intent(0, 1, 1, 1), started(0, 1, 1, "e-1")]);
    let good = text(&records).into_bytes();
    for _ in 0..2000 {
        let mut bytes = good.clone();
        for _ in 0..rng.usize(1..4) {
            let place = rng.usize(..bytes.len());
            bytes[place] = rng.u8(..);
        }
        let _ = read(&bytes);
    }
}
