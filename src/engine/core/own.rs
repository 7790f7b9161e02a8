//! Which of the executions that AWS lists came of a start whose reply was lost. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::journal::known::Moment;
use crate::service::FoundExecution;

/// How long after it was sent AWS may act on a start: an attempt's time on the wire, and twice as
/// long as that may lie about (DESIGN.md §3).
const ACTS_WITHIN: TimeDelta = TimeDelta::seconds(15 + 30);

/// Times may be cut to the second.
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// This machine's clock may differ from AWS's by so much: AWS refuses what is signed further off.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// A clock that is not known may be off by so much, where that costs no more than a longer list.
const FARTHEST: TimeDelta = TimeDelta::days(1);

/// Clocks that are both set by the network differ by less.
const CLOSE: TimeDelta = TimeDelta::seconds(5);

/// By how much AWS's clock is ahead of this machine's: at least and at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    least: TimeDelta,
    most: TimeDelta,
}

impl Clock {
    /// `date` stood in the reply to a call that was sent and answered at these times here.
    pub(super) fn read(date: DateTime<Utc>, sent: DateTime<Utc>, answered: DateTime<Utc>) -> Self {
        Self { least: date - answered, most: date + SECOND - sent }
    }

    /// The earliest that AWS's clock can say at a time here.
    pub(super) fn earliest(self, here: DateTime<Utc>) -> DateTime<Utc> {
        here + self.least
    }

    fn latest(self, here: DateTime<Utc>) -> DateTime<Utc> {
        here + self.most
    }
}

/// When a start was sent whose reply was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// The first time, or before.
    pub(super) first: Moment,
    /// The last time.
    pub(super) last: Moment,
    /// It may have been sent so long after that: the process that meant to send it was killed.
    pub(super) within: TimeDelta,
}

/// What a list shows of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing of it.
    Nothing,
    /// Its execution.
    One(FoundExecution),
    /// One that may also be another start's: its id, and why.
    Contested(String, String),
    /// Executions of which nobody can tell whose they are.
    Unclear(Vec<String>),
}

/// Between when and when, by AWS's clock.
type Span = (DateTime<Utc>, DateTime<Utc>);

impl Sent {
    /// Whether this process has sent it.
    pub(super) fn is_own(&self) -> bool {
        self.within.is_zero()
    }

    /// Whether AWS's clock was known then, so that it is looked for at the right time.
    pub(super) fn is_certain(&self) -> bool {
        self.first.aws.is_some()
    }

    /// What AWS says to have begun before is of no interest, be the clock here off as it may.
    pub(super) fn since(&self) -> DateTime<Utc> {
        match self.first.aws {
            Some(aws) => aws - SECOND,
            None => self.first.here - FARTHEST,
        }
    }

    /// When its execution must have been created, where AWS's clock is known.
    fn certain(&self, clock: Option<Clock>) -> Option<Span> {
        let until = self.within + ACTS_WITHIN;
        let from = match (self.first.aws, clock) {
            (Some(aws), _) => aws - SECOND,
            (None, Some(clock)) => clock.earliest(self.first.here) - CLOSE,
            (None, None) => return None,
        };
        let by_clock = clock.map(|clock| clock.latest(self.last.here));
        let to = match (self.last.aws, by_clock) {
            // This machine may have slept since AWS's clock was noted.
            (Some(aws), Some(by_clock)) if self.is_own() => aws.max(by_clock),
            // The clock here may have been set since, or be another machine's: AWS's is the same.
            (Some(aws), _) => aws,
            (None, Some(by_clock)) => by_clock,
            (None, None) => return None,
        };
        Some((from, to + until + CLOSE))
    }

    /// When it can have been created at all.
    fn possible(&self, clock: Option<Clock>) -> Span {
        let here = |clock: Option<DateTime<Utc>>, moment: Moment| clock.unwrap_or(moment.here);
        let from = here(clock.map(|clock| clock.earliest(self.first.here)), self.first) - SKEW;
        let to = here(clock.map(|clock| clock.latest(self.last.here)), self.last) + SKEW;
        let possible = (from, to + self.within + ACTS_WITHIN);
        match (self.first.aws, self.certain(clock)) {
            (Some(_), Some(certain)) => certain,
            (None, Some((from, to))) => (from.min(possible.0), to.max(possible.1)),
            (_, None) => possible,
        }
    }

    /// Says what of `listed` has come of the start: what `is_known` holds for has come of another.
    pub(super) fn among(
        &self,
        listed: &[FoundExecution],
        clock: Option<Clock>,
        is_known: impl Fn(&str) -> bool,
    ) -> Shown {
        let lies_in = |span: Option<Span>, at: Option<DateTime<Utc>>| match (span, at) {
            (Some((from, to)), Some(at)) => from <= at && at <= to,
            _ => false,
        };
        let (certain, possible) = (self.certain(clock), self.possible(clock));
        let unknown = listed.iter().filter(|found| !is_known(&found.id));
        let mut candidates: Vec<&FoundExecution> = unknown
            .filter(|found| found.created_at.is_none() || lies_in(Some(possible), found.created_at))
            .collect();
        // Pages may repeat what the one before has shown.
        candidates.sort_by(|a, b| a.id.cmp(&b.id));
        candidates.dedup_by(|a, b| a.id == b.id);
        match candidates[..] {
            [] => Shown::Nothing,
            [one] if lies_in(certain, one.created_at) => Shown::One(one.clone()),
            _ => Shown::Unclear(candidates.iter().map(|found| found.id.clone()).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Phase, Status};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + seconds)
    }

    fn listed(created: &[(&str, i64)]) -> Vec<FoundExecution> {
        let status = Status { word: "Pending".to_owned(), phase: Phase::Queued };
        let found = |(id, seconds): &(&str, i64)| FoundExecution {
            id: (*id).to_owned(),
            status: status.clone(),
            created_at: Some(at(*seconds)),
        };
        created.iter().map(found).collect()
    }

    /// Sent at 0 s by a clock here that is an hour behind AWS's, which was known then or not.
    fn sent(known: bool) -> Sent {
        let moment = Moment { here: at(-3600), aws: known.then(|| at(0)) };
        Sent { first: moment, last: moment, within: TimeDelta::zero() }
    }

    /// That AWS is an hour ahead, to the second.
    fn clock() -> Option<Clock> {
        Some(Clock::read(at(10), at(10 - 3600), at(10 - 3600)))
    }

    fn shown(sent: Sent, clock: Option<Clock>, created: &[(&str, i64)]) -> Shown {
        sent.among(&listed(created), clock, |id| id == "known")
    }

    fn unclear(ids: &[&str]) -> Shown {
        Shown::Unclear(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn the_one_that_began_when_it_was_sent_is_its_own() {
        let all = [("older", -2), ("own", 3), ("known", 4), ("later", 60)];
        assert_eq!(shown(sent(true), clock(), &all), Shown::One(listed(&all)[1].clone()));
        assert_eq!(shown(sent(true), None, &all), Shown::One(listed(&all)[1].clone()));
        assert_eq!(shown(sent(true), clock(), &[("older", -2), ("later", 60)]), Shown::Nothing);
    }

    #[test]
    fn of_several_nobody_can_tell_and_they_are_named_once() {
        let all = [("b", 3), ("a", 4), ("b", 3)];
        assert_eq!(shown(sent(true), clock(), &all), unclear(&["a", "b"]));
    }

    #[test]
    fn without_awss_clock_at_that_time_what_is_not_certain_is_unclear() {
        let own = [("own", 3)];
        assert_eq!(shown(sent(false), clock(), &own), Shown::One(listed(&own)[0].clone()));
        // Minutes before or after: it could be, were the clock here off then.
        assert_eq!(shown(sent(false), clock(), &[("near", -120)]), unclear(&["near"]));
        assert_eq!(
            shown(sent(false), clock(), &[("own", 3), ("near", 200)]),
            unclear(&["near", "own"])
        );
        assert_eq!(shown(sent(false), clock(), &[("far", -900)]), Shown::Nothing);
        // And with no clock of AWS's at all nothing is certain.
        assert_eq!(shown(sent(false), None, &[("own", 3 - 3600)]), unclear(&["own"]));
    }

    #[test]
    fn what_aws_gives_no_time_for_is_unclear() {
        let mut undated = listed(&[("a", 0)]);
        undated[0].created_at = None;
        assert_eq!(sent(true).among(&undated, clock(), |_| false), unclear(&["a"]));
    }

    #[test]
    fn a_machine_that_slept_before_it_sent_finds_its_own_all_the_same() {
        // AWS's clock was noted, then ten minutes passed that the clock here does not know of.
        let slept = Some(Clock::read(at(610), at(10 - 3600), at(10 - 3600)));
        let own = [("own", 603)];
        assert_eq!(shown(sent(true), slept, &own), Shown::One(listed(&own)[0].clone()));
    }

    #[test]
    fn a_start_that_was_only_meant_may_have_been_sent_later() {
        let meant = Sent { within: TimeDelta::minutes(1), ..sent(true) };
        let late = [("own", 100)];
        assert_eq!(shown(meant, clock(), &late), Shown::One(listed(&late)[0].clone()));
        assert_eq!(shown(sent(true), clock(), &late), Shown::Nothing);
    }
}
