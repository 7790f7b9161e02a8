//! AWS's default, 2 a second and 5 at once; times in milliseconds.

use super::*;

/// How many of `tries` calls at `now` go through.
fn granted(bucket: &mut Bucket, now: u64, tries: usize) -> usize {
    (0..tries).filter(|_| bucket.take(now).is_ok()).count()
}

#[test]
fn five_calls_at_once_pass_and_the_sixth_is_told_how_long_to_wait() {
    let mut bucket = Bucket::new(0, 2.0, 5);
    assert_eq!(granted(&mut bucket, 0, 5), 5);
    assert_eq!(bucket.take(0), Err(500));
    assert_eq!(bucket.take(250), Err(250));
    assert_eq!(bucket.take(500), Ok(()));
}

#[test]
fn it_fills_at_its_rate_and_never_above_the_burst() {
    let mut bucket = Bucket::new(0, 2.0, 5);
    granted(&mut bucket, 0, 5);
    assert_eq!(granted(&mut bucket, 1_000, 5), 2);
    assert_eq!(granted(&mut bucket, 3_600_000, 50), 5);
}

#[test]
fn a_refused_call_costs_nothing() {
    let mut bucket = Bucket::new(0, 2.0, 1);
    bucket.take(0).unwrap();
    assert_eq!(granted(&mut bucket, 100, 1_000), 0);
    assert_eq!(bucket.take(500), Ok(()));
}

#[test]
fn a_time_that_runs_backwards_fills_nothing() {
    let mut bucket = Bucket::new(1_000, 2.0, 1);
    bucket.take(1_000).unwrap();
    assert_eq!(bucket.take(0), Err(500));
    assert_eq!(bucket.take(1_250), Err(250));
    assert_eq!(bucket.take(1_500), Ok(()));
}
