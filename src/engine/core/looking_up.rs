//! Looking up what came of a start whose reply was lost: AWS lists the executions of its target, and
//! the one that can only be its own is adopted.
//!
//! One that appears is not taken at once: whether there is a second, be it another job's or this
//! start's own that came late, shows only when the grace is over. Where there are several, nobody can
//! tell, and that is what is said.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::intents::REMEMBERED;
use super::own::{Clock, Sent, Shown};
use super::queue::Want;
use super::replies::PATIENCE;
use super::spacing::Spacing;
use super::test_run::State;
use super::{Call, Core};
use crate::engine::journal::known::{Moment, Others};
use crate::engine::journal::record::target_of;
use crate::event::{EventKind, KnownBy};
use crate::outcome::{AwsError, ErrorKind, Verdict};
use crate::plan::TestIndex;
use crate::service::{
    CallError, ErrorClass, Found, FoundExecution, ListRequest, Started, has_client_tokens,
};

/// What was begun so long before is not worth to be remembered by its id: its time tells it apart.
const RECENT: TimeDelta = TimeDelta::minutes(10);

/// So many pages of a list are read; what is new stands on the first.
const MOST_PAGES: usize = 20;

/// A start is sent so often after its reply was lost, and nothing came of it: by then AWS has not
/// answered for minutes.
const MOST_LOST: u32 = 3;

/// Once nothing is started any more, what was is looked for so long, so that it can be stopped.
const HURRY: Duration = Duration::from_secs(2);

/// What was there of a target before the run's first start of it.
#[derive(Debug)]
pub(super) struct Before {
    ids: HashSet<String>,
    /// Those among them that are not much older.
    pub(super) recent: Vec<String>,
    /// AWS's clock at that time.
    pub(super) clock: Option<Clock>,
}

/// A start whose reply was lost.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// When it was sent.
    pub(super) sent: Sent,
    /// What was there before, where another process has found that out.
    pub(super) before: Vec<String>,
    /// Until then AWS is taken to remember its client token.
    pub(super) remembered_until: Duration,
    /// What AWS said when it was sent again and refused.
    pub(super) refused: Option<Box<AwsError>>,
    /// What AWS said, or did not; none where the process that sent it is gone.
    pub(super) error: Option<Box<AwsError>>,
}

/// A look-up under way.
#[derive(Debug)]
pub(super) struct LookUp {
    /// Whether it is of what came of a start, rather than of what is there before.
    pub(super) of_start: bool,
    spacing: Spacing,
    /// What began before is of no interest. The same for all pages: a token belongs to its request.
    since: DateTime<Utc>,
    /// When what may come late has come, once that is known.
    until: Option<Duration>,
    /// When it is decided all the same.
    hurried_until: Duration,
    /// What has been listed so far, and AWS's clock.
    listed: Vec<FoundExecution>,
    clock: Option<Clock>,
    next_token: Option<String>,
    seen: HashSet<String>,
}

impl Core {
    /// Looks up what is there before a start of a test.
    pub(super) fn look_before(&mut self, now: Duration, test: TestIndex) {
        self.begin_look_up(now, test, false, None);
    }

    /// Looks up what came of a start whose reply was lost.
    pub(super) fn look_up(&mut self, now: Duration, test: TestIndex) {
        let run = &self.tests[test];
        let Some(lost) = &run.lost else { return };
        let error = lost.error.clone();
        // Another process may have sent it long ago: AWS's clock tells.
        let until = lost.sent.is_own().then(|| now + self.grace(test));
        self.emit(now, EventKind::LookingUp { test, error });
        self.begin_look_up(now, test, true, until);
    }

    fn begin_look_up(
        &mut self,
        now: Duration,
        test: TestIndex,
        of_start: bool,
        until: Option<Duration>,
    ) {
        let poll = self.plan.tests[test].poll;
        let since = match &self.tests[test].lost {
            Some(lost) if of_start => lost.sent.since(),
            _ => self.started_at + now - RECENT,
        };
        let hurried_until = if self.is_hurried() { now + HURRY } else { Duration::MAX };
        self.tests[test].state = State::LookingUp(Box::new(LookUp {
            of_start,
            spacing: Spacing::new(poll.min, poll.max),
            since,
            until,
            hurried_until,
            listed: Vec::new(),
            clock: None,
            next_token: None,
            seen: HashSet::new(),
        }));
        self.want(now, test, now);
    }

    /// The call for the next page.
    pub(super) fn look_up_call(&self, test: TestIndex) -> Option<Call> {
        let State::LookingUp(look_up) = &self.tests[test].state else { return None };
        let since = look_up.since;
        Some(Call::LookUp(ListRequest {
            target: self.plan.tests[test].target.clone(),
            since,
            next_token: look_up.next_token.clone(),
        }))
    }

    /// A page has come, and what the other journals here know.
    pub(super) fn found(
        &mut self,
        now: Duration,
        test: TestIndex,
        sent_at: Duration,
        found: Found,
        others: &Others,
    ) {
        let (sent, answered) = (self.started_at + sent_at, self.started_at + now);
        let State::LookingUp(look_up) = &mut self.tests[test].state else { return };
        look_up.listed.extend(found.executions);
        look_up.clock = look_up.clock.or_else(|| Some(Clock::read(found.date?, sent, answered)));
        let whole = match &found.next_token {
            None => true,
            Some(token)
                if look_up.seen.len() < MOST_PAGES && look_up.seen.insert(token.clone()) =>
            {
                look_up.next_token = found.next_token;
                return self.want(now, test, now);
            }
            // What comes round again, or has no end, is as good as over: what is new stands first.
            Some(_) => false,
        };
        if look_up.of_start {
            self.decide(now, test, whole, others);
        } else {
            self.seen_before(now, test);
        }
    }

    /// What is there before a start is known: the start may be sent.
    fn seen_before(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        let State::LookingUp(look_up) = std::mem::replace(&mut run.state, State::Starting) else {
            return;
        };
        let newest = look_up.listed.iter().filter_map(|found| found.created_at).max();
        let recent = |found: &&FoundExecution| match (found.created_at, newest) {
            (Some(at), Some(newest)) => newest - at <= RECENT,
            _ => true,
        };
        let recent = look_up.listed.iter().filter(recent).map(|found| found.id.clone()).collect();
        let ids = look_up.listed.into_iter().map(|found| found.id).collect();
        self.before.insert(run.target, Ok(Before { ids, recent, clock: look_up.clock }));
        self.want(now, test, now);
    }

    /// Takes note that a start was sent and its reply lost.
    pub(super) fn note_lost(
        &mut self,
        now: Duration,
        test: TestIndex,
        sent_at: Duration,
        error: &CallError,
    ) {
        let here = self.started_at + sent_at;
        let before =
            self.before.get(&self.tests[test].target).and_then(|before| before.as_ref().ok());
        let aws = before.and_then(|before| Some(before.clock?.earliest(here)));
        let moment = Moment { here, aws };
        let error = Some(error.error.clone());
        let run = &mut self.tests[test];
        match &mut run.lost {
            Some(lost) => {
                (lost.sent.last, lost.error) = (moment, error);
            }
            lost => {
                *lost = Some(Lost {
                    sent: Sent { first: moment, last: moment, within: TimeDelta::zero() },
                    before: Vec::new(),
                    remembered_until: now + REMEMBERED,
                    refused: None,
                    error,
                });
            }
        }
    }

    /// Decides by a list what came of a start, once its time is up.
    fn decide(&mut self, now: Duration, test: TestIndex, whole: bool, others: &Others) {
        let grace = self.grace(test);
        let shown = self.shown(test, others);
        let run = &mut self.tests[test];
        let (State::LookingUp(look_up), Some(lost)) = (&mut run.state, &run.lost) else { return };
        let until = *look_up.until.get_or_insert_with(|| {
            let longest = lost.sent.within.to_std().unwrap_or_default() + grace;
            let over_at = lost.sent.last.aws.map(|aws| aws + lost.sent.within);
            let left = over_at.zip(look_up.clock).map(|(over_at, clock)| {
                let over_at = over_at + TimeDelta::from_std(grace).unwrap_or(TimeDelta::MAX);
                (over_at - clock.earliest(self.started_at + now)).to_std().unwrap_or_default()
            });
            now + left.unwrap_or(longest).min(longest)
        });
        let decided_at = until.min(look_up.hurried_until);
        if now < decided_at {
            let next = (now + look_up.spacing.next(&mut self.chance)).min(decided_at);
            (look_up.next_token, look_up.listed) = (None, Vec::new());
            look_up.seen.clear();
            return self.want(now, test, next);
        }
        match shown {
            Shown::One(found) if whole => {
                let started = Started { execution_id: found.id, status: found.status };
                self.started(now, test, now, started, KnownBy::LookUp);
            }
            Shown::Nothing if now < until => {
                self.end_unknown(now, test, "AWS shows no execution of it so far");
            }
            Shown::Nothing if whole => self.nothing_came(now, test),
            Shown::Nothing | Shown::One(_) => {
                self.end_unknown(now, test, "AWS's list of executions has no end");
            }
            Shown::Contested(id, why) => {
                let why = format!("it may be this execution or none: {id}; {why}");
                self.end_unknown(now, test, &why);
            }
            Shown::Unclear(ids) => {
                let noun =
                    if ids.len() == 1 { "this execution" } else { "one of these executions" };
                let why = format!("it may be {noun} or none: {}", ids.join(", "));
                self.end_unknown(now, test, &why);
            }
        }
    }

    /// What the list shows of a start, next to what is known of all others.
    fn shown(&self, test: TestIndex, others: &Others) -> Shown {
        let run = &self.tests[test];
        let (State::LookingUp(look_up), Some(lost)) = (&run.state, &run.lost) else {
            return Shown::Nothing;
        };
        // What was there when this process began may have come of a start of the process before it.
        let before = self.before.get(&run.target).and_then(|before| before.as_ref().ok());
        let before = before.filter(|_| lost.sent.is_own());
        let is_known = |id: &str| {
            before.is_some_and(|before| before.ids.contains(id))
                || lost.before.iter().any(|known| known == id)
                || others.executions.contains(id)
                || self.executions.contains(id)
        };
        match lost.sent.among(&look_up.listed, look_up.clock, is_known) {
            Shown::One(found) => match self.contest(test, lost, others) {
                Some(why) => Shown::Contested(found.id, why),
                None => Shown::One(found),
            },
            shown => shown,
        }
    }

    /// Why an execution may have come of another start of the same target, of another run here or of
    /// another test of this one.
    fn contest(&self, test: TestIndex, lost: &Lost, others: &Others) -> Option<String> {
        let target = target_of(&self.plan, test);
        let near = |at: DateTime<Utc>| (at - lost.sent.last.here).abs() < RECENT;
        let lost_here = self.tests.iter().enumerate();
        let lost_here =
            lost_here.filter_map(|(other, run)| Some((other, run.lost.as_ref()?.sent.last.here)));
        // The reply to one that is on the wire may never come, and AWS have acted on it.
        let on_the_wire = self.calls.values().filter_map(|call| match call.want {
            Want::Test(other, _) if matches!(self.tests[other].state, State::Starting) => {
                Some((other, self.started_at + call.sent_at))
            }
            _ => None,
        });
        if let Some(why) = &others.unreadable {
            return Some(format!("what other runs have begun cannot be read: {why}"));
        }
        let by_others = others.open.iter().any(|(open, at)| *open == target && near(*at));
        let here = lost_here
            .chain(on_the_wire)
            .any(|(other, at)| other != test && near(at) && target_of(&self.plan, other) == target);
        let whose = if by_others { "another run's" } else { "another test's" };
        (by_others || here)
            .then(|| format!("it is not known either what came of {whose} start of the same"))
    }

    /// Nothing came of a start: it is sent again, as the same start.
    fn nothing_came(&mut self, now: Duration, test: TestIndex) {
        let closing = self.closing.is_some();
        let run = &mut self.tests[test];
        (run.state, run.intent) = (State::Starting, None);
        run.times_lost += 1;
        let Some(lost) = run.lost.as_mut() else { return };
        let error = lost.error.as_ref().map(ToString::to_string).unwrap_or_default();
        // Where AWS's clock was not known it may have been looked for in the wrong place: until it is
        // answered, it stays one that may have been begun.
        let certain = lost.sent.is_certain();
        let refused = lost.refused.take();
        lost.remembered_until = now + REMEMBERED;
        if certain {
            run.lost = None;
        }
        if let Some(refused) = refused {
            let message = format!("AWS did not start it: {refused}");
            return self.finish(now, test, (Verdict::Error(ErrorKind::StartRejected), message));
        }
        match (closing, certain) {
            (true, true) => self.end_unstarted(now, test),
            (true, false) => self.end_unknown(now, test, "AWS shows no execution of that time"),
            (false, _) if self.tests[test].times_lost < MOST_LOST => {
                if self.waits_for_counts() {
                    return self.give_place_back(now, test, Duration::ZERO);
                }
                self.want(now, test, now);
            }
            (false, true) => {
                let message = format!("AWS did not start it, asked {MOST_LOST} times: {error}");
                self.finish(now, test, (Verdict::Error(ErrorKind::StartRejected), message));
            }
            (false, false) => self.end_unknown(now, test, "AWS shows no execution of it"),
        }
    }

    /// AWS gives no list of what is there before a start. It goes without: only if the reply to the
    /// start is lost, nobody will know what came of it.
    pub(super) fn go_without(&mut self, now: Duration, test: TestIndex, error: Box<AwsError>) {
        let run = &mut self.tests[test];
        run.no_trouble();
        run.state = State::Starting;
        self.before.insert(run.target, Err(error.clone()));
        let lane = self.plan.lane(test);
        if !std::mem::replace(&mut self.lanes[lane].told_of_lists, true) {
            let planned = &self.plan.lanes[lane];
            let (service, region) = (planned.service, planned.region.clone());
            self.emit(now, EventKind::LookUpsOff { service, region, error });
        }
        self.want(now, test, now);
    }

    /// A look-up of what came of a start did not work.
    pub(super) fn look_up_failed(&mut self, now: Duration, test: TestIndex, error: CallError) {
        let for_good = error.class == ErrorClass::Rejected
            || error.class == ErrorClass::ClockSkew { denied: true };
        let run = &self.tests[test];
        let late = matches!(&run.state, State::LookingUp(it) if now >= it.hurried_until);
        if !for_good && !late && run.troubled_for(now) < PATIENCE {
            return self.want_again(now, test, error);
        }
        let why = format!("AWS gave no list of executions: {}", error.error);
        self.end_unknown(now, test, &why);
    }

    /// What is being looked up is to be known soon.
    pub(super) fn hurry(&mut self, now: Duration, test: TestIndex) {
        let run = &mut self.tests[test];
        let State::LookingUp(look_up) = &mut run.state else { return };
        look_up.hurried_until = now + HURRY;
        if !run.on_the_wire {
            self.want(now, test, now);
        }
    }

    /// Whether a start whose reply is lost can be looked up at all.
    pub(super) fn can_look_up(&self, test: TestIndex) -> bool {
        // Where no list was to be had before, none is to be had now.
        let before = self.before.get(&self.tests[test].target);
        has_client_tokens(self.plan.tests[test].target.service()) || !matches!(before, Some(Err(_)))
    }
}
