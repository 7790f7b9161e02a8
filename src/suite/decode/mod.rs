//! The keys of a suite and what they mean. The lists of keys here and the JSON Schema in
//! `schema/suite.schema.json` are held equal by a test.

mod connect;
mod lex;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use super::defaults;
use super::diagnostic::Problem;
use super::model::{Limits, Poll, RetryOn, Settings, Suite};
use super::reader::{Fields, Reader, Value, shorten};
use super::source::{Source, Span, Spanned};
use super::tree::Node;
use super::value::check_region;
use crate::duration::{format_duration, parse_duration};
use crate::outcome::ServiceName;

/// The largest number that a limit may be, beyond any that AWS grants.
const MOST: u32 = 100_000;

/// More attempts than that hide a broken test.
const MOST_RETRIES: u32 = 100;

/// So many tests of one service stand in a suite: the largest runs that are planned for.
const MOST_TESTS: usize = 10_000;

/// So many tags, or entries of `meta`, a test or a section may have.
const MOST_TAGS: usize = 50;

pub(super) const SUITE_KEYS: &[&str] =
    &["version", "name", "region", "timeout", "max_failures", "owner", "meta", "connect", "lex"];
pub(super) const CONNECT_KEYS: &[&str] = &[
    "instance_id",
    "min_observations",
    "tags",
    "owner",
    "meta",
    "timeout",
    "queue_timeout",
    "retries",
    "retry_on",
    "poll",
    "blocking",
    "limits",
    "test_cases",
];
pub(super) const TEST_CASE_KEYS: &[&str] = &[
    "name",
    "id",
    "test_case_id",
    "instance_id",
    "min_observations",
    "tags",
    "owner",
    "meta",
    "timeout",
    "queue_timeout",
    "retries",
    "retry_on",
    "poll",
    "blocking",
];
pub(super) const LEX_KEYS: &[&str] = &[
    "bot_id",
    "bot_alias_id",
    "locale_id",
    "api_mode",
    "modality",
    "expect",
    "tags",
    "owner",
    "meta",
    "timeout",
    "queue_timeout",
    "retries",
    "retry_on",
    "poll",
    "blocking",
    "limits",
    "test_executions",
];
pub(super) const TEST_EXECUTION_KEYS: &[&str] = &[
    "name",
    "id",
    "test_set_id",
    "bot_id",
    "bot_alias_id",
    "locale_id",
    "api_mode",
    "modality",
    "expect",
    "tags",
    "owner",
    "meta",
    "timeout",
    "queue_timeout",
    "retries",
    "retry_on",
    "poll",
    "blocking",
];
pub(super) const POLL_KEYS: &[&str] = &["min", "max"];
pub(super) const LIMITS_KEYS: &[&str] = &["requests_per_second", "burst", "in_flight"];
pub(super) const EXPECT_KEYS: &[&str] =
    &["end_to_end", "intent", "slot", "speech", "intents", "min_results"];

/// Reads a suite out of its tree. Gives none where problems were noted.
pub(super) fn suite(reader: &Reader<'_>, source: &Source, root: Rc<Node>) -> Option<Suite> {
    let fields = reader.document(root).fields("a suite", SUITE_KEYS)?;
    fields.get("version", |value| value.one_of(&[("1", ())]));
    let name = fields.require("name", Value::text);
    let region = fields.get("region", |value| value.id(check_region));
    let timeout = fields.get("timeout", |value| value.parse(parse_duration));
    let max_failures = fields.get("max_failures", |value| value.integer(1..=MOST));
    let shared = Settings {
        owner: fields.get("owner", Value::text).map(|owner| owner.value),
        meta: fields.get("meta", meta).map(|meta| meta.value).unwrap_or_default(),
        ..Settings::default()
    };
    let mut seen = Seen::new(reader, source);
    let (mut tests, mut connect_limits, mut lex_limits) = Default::default();
    if fields.value("connect").is_none() && fields.value("lex").is_none() {
        fields.missing("connect", "a suite needs `connect` or `lex`, with tests in it");
    }
    if let Some(section) = fields.get("connect", |value| value.fields("`connect`", CONNECT_KEYS)) {
        connect_limits = limits(&section.value);
        connect::tests(reader, &mut seen, &section.value, &shared, region.as_ref(), &mut tests);
    }
    if let Some(section) = fields.get("lex", |value| value.fields("`lex`", LEX_KEYS)) {
        lex_limits = limits(&section.value);
        lex::tests(reader, &mut seen, &section.value, &shared, &mut tests);
    }
    Some(Suite {
        source: source.clone(),
        name: name?,
        region,
        timeout: timeout.map(|timeout| timeout.value),
        max_failures: max_failures.map(|most| most.value),
        connect_limits,
        lex_limits,
        tests,
    })
}

fn settings(fields: &Fields<'_>, service: ServiceName) -> Settings {
    Settings {
        tags: fields.get("tags", tags).map(|tags| tags.value).unwrap_or_default(),
        owner: fields.get("owner", Value::text).map(|owner| owner.value),
        meta: fields.get("meta", meta).map(|meta| meta.value).unwrap_or_default(),
        timeout: fields.get("timeout", |value| value.parse(parse_duration)).map(|t| t.value),
        queue_timeout: fields
            .get("queue_timeout", |value| value.parse(parse_duration))
            .map(|timeout| timeout.value),
        retries: fields
            .get("retries", |value| value.integer(0..=MOST_RETRIES))
            .map(|retries| retries.value),
        retry_on: fields.get("retry_on", retry_on).map(|retry_on| retry_on.value),
        poll: fields.get("poll", |value| poll(value, service)).map(|poll| poll.value),
        blocking: fields.get("blocking", Value::boolean).map(|blocking| blocking.value),
    }
}

fn tags(value: &Value<'_>) -> Option<Vec<String>> {
    let items = value.list()?;
    if items.len() > MOST_TAGS {
        return value.complain(&format!("a list of at most {MOST_TAGS} tags"));
    }
    let mut tags = Vec::new();
    for item in items {
        if let Some(tag) = item.text().filter(|tag| !tags.contains(tag)) {
            tags.push(tag);
        }
    }
    Some(tags)
}

fn meta(value: &Value<'_>) -> Option<BTreeMap<String, String>> {
    let named = value.named()?;
    if named.len() > MOST_TAGS {
        return value.complain(&format!("a mapping of at most {MOST_TAGS} entries"));
    }
    Some(named.into_iter().filter_map(|(name, value)| Some((name, value.text()?))).collect())
}

fn retry_on(value: &Value<'_>) -> Option<RetryOn> {
    let items = value.list()?;
    if items.is_empty() {
        return value.complain("at least one of failed, error; `retries: 0` makes no new attempts");
    }
    let mut retry_on = RetryOn { failed: false, error: false };
    for item in items {
        match item.one_of(&[("failed", true), ("error", false)])? {
            true => retry_on.failed = true,
            false => retry_on.error = true,
        }
    }
    Some(retry_on)
}

fn poll(value: &Value<'_>, service: ServiceName) -> Option<Poll> {
    let fields = value.fields("`poll`", POLL_KEYS)?;
    let default = defaults::poll(service);
    let read = |key, default: Duration| match fields.value(key) {
        None => Some((default, value.span(), " by default")),
        Some(written) => Some((written.parse(parse_duration)?, written.span(), "")),
    };
    let (min, max) = (read("min", default.min), read("max", default.max));
    let ((min, min_at, min_how), (max, max_at, max_how)) = (min?, max?);
    if min > max {
        let at = if min_how.is_empty() { min_at } else { max_at };
        let (shown_min, shown_max) = (format_duration(min), format_duration(max));
        fields.refuse(Problem::new(
            at,
            "`poll.min` is longer than `poll.max`",
            format!("min is {shown_min}{min_how}, max is {shown_max}{max_how}"),
        ));
    }
    Some(Poll { min, max })
}

fn limits(section: &Fields<'_>) -> Limits {
    let read = |value: &Value<'_>| {
        let fields = value.fields("`limits`", LIMITS_KEYS)?;
        Some(Limits {
            requests_per_second: fields
                .get("requests_per_second", Value::positive_number)
                .map(|rate| rate.value),
            burst: fields.get("burst", |value| value.integer(1..=MOST)).map(|burst| burst.value),
            in_flight: fields
                .get("in_flight", |value| value.integer(1..=MOST))
                .map(|most| most.value),
        })
    };
    section.get("limits", read).map(|limits| limits.value).unwrap_or_default()
}

/// Names are what people see and ids are what history and tokens hang on: neither may repeat.
struct Seen<'a> {
    reader: &'a Reader<'a>,
    source: &'a Source,
    /// Where each stands, and where its test begins.
    names: HashMap<String, (Span, Span)>,
    ids: HashMap<String, (Span, Span)>,
}

impl<'a> Seen<'a> {
    fn new(reader: &'a Reader<'a>, source: &'a Source) -> Self {
        Self { reader, source, names: HashMap::new(), ids: HashMap::new() }
    }

    /// Reads a test's name and identity, which both services share, and notes repeats: also of
    /// tests that are wrong otherwise.
    fn identity(&mut self, fields: &Fields<'_>) -> Option<(Spanned<String>, Spanned<String>)> {
        let name = fields.require("name", Value::text);
        let own_id = fields.get("id", Value::text);
        let start = fields.start();
        let new_name = name.as_ref().is_none_or(|name| self.is_new("name", name, &start));
        // A test without an id has its name for one, and a name is told of once.
        let id = own_id.or_else(|| name.clone().filter(|_| new_name));
        if let Some(id) = &id {
            self.is_new("id", id, &start);
        }
        Some((name?, id?))
    }

    fn is_new(&mut self, key: &str, value: &Spanned<String>, start: &Span) -> bool {
        let known = if key == "name" { &mut self.names } else { &mut self.ids };
        let Some((first, first_start)) = known.get(&value.value) else {
            known.insert(value.value.clone(), (value.span.clone(), start.clone()));
            return true;
        };
        // What both have from one anchor stands in one place: there, the tests are told apart.
        let is_shared = *first == value.span;
        let at = if is_shared { start } else { &value.span };
        let line = self.source.position(if is_shared { first_start } else { first }.start).line;
        // As it was written: a variable's value is not shown.
        let written = &self.source.text()[value.span.clone()];
        self.reader.report(Problem::new(
            at.clone(),
            format!("a second test has the {key} `{}`", shorten(written)),
            format!("{key}s are unique in a suite; the first is in line {line}"),
        ));
        false
    }
}

/// The tests of a section, one after the other; the rest of too many are left out.
fn entries<'a>(reader: &'a Reader<'a>, section: &Fields<'a>, key: &'static str) -> Vec<Value<'a>> {
    let Some(items) = section.require(key, Value::list) else { return Vec::new() };
    if items.value.len() > MOST_TESTS {
        let title = format!("more than {MOST_TESTS} tests");
        let at = items.value[MOST_TESTS].span();
        reader.report(Problem::new(at, title, "too many for one section").hint("split the suite"));
    }
    items.value.into_iter().take(MOST_TESTS).collect()
}
