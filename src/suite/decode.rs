//! The keys of a suite and what they mean. The lists of keys here and the JSON Schema in
//! `schema/suite.schema.json` are held equal by a test.

use std::collections::HashMap;
use std::rc::Rc;

use super::defaults;
use super::diagnostic::Problem;
use super::model::{
    ApiMode, ConnectTarget, Expect, LexTarget, Limits, Modality, Poll, Settings, Suite, Target,
    Test,
};
use super::reader::{Fields, Reader, Value};
use super::source::{Source, Spanned};
use super::tree::Node;
use super::value::{
    InstanceId, Share, check_lex_id, check_locale, check_region, check_test_case_id, parse_duration,
};
use crate::outcome::ServiceName;

pub(super) const SUITE_KEYS: &[&str] =
    &["version", "name", "region", "timeout", "max_failures", "connect", "lex"];
pub(super) const CONNECT_KEYS: &[&str] = &[
    "instance_id",
    "tags",
    "timeout",
    "queue_timeout",
    "retries",
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
    "tags",
    "timeout",
    "queue_timeout",
    "retries",
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
    "timeout",
    "queue_timeout",
    "retries",
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
    "timeout",
    "queue_timeout",
    "retries",
    "poll",
    "blocking",
];
pub(super) const POLL_KEYS: &[&str] = &["min", "max"];
pub(super) const LIMITS_KEYS: &[&str] = &["requests_per_second", "burst", "in_flight"];
pub(super) const EXPECT_KEYS: &[&str] = &["end_to_end", "intent", "slot", "speech"];

/// Reads a suite out of its tree. Gives none where problems were noted.
pub(super) fn suite(reader: &Reader<'_>, source: &Source, root: Rc<Node>) -> Option<Suite> {
    let fields = reader.document(root).fields("a suite", SUITE_KEYS)?;
    fields.get("version", |value| value.one_of(&[("1", ())]));
    let name = fields.require("name", Value::text);
    let region = fields.get("region", |value| value.id(check_region));
    let timeout = fields.get("timeout", |value| value.parse(parse_duration));
    let max_failures = fields.get("max_failures", |value| value.integer(1));
    let (mut tests, mut connect_limits, mut lex_limits) = Default::default();
    if fields.value("connect").is_none() && fields.value("lex").is_none() {
        fields.missing("connect", "a suite needs `connect` or `lex`, with tests in it");
    }
    if let Some(section) = fields.get("connect", |value| value.fields("`connect`", CONNECT_KEYS)) {
        connect_limits = limits(&section.value);
        connect_tests(reader, source, &section.value, region.as_ref(), &mut tests);
    }
    if let Some(section) = fields.get("lex", |value| value.fields("`lex`", LEX_KEYS)) {
        lex_limits = limits(&section.value);
        lex_tests(reader, source, &section.value, &mut tests);
    }
    refuse_repeats(reader, source, &tests);
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
        timeout: fields.get("timeout", |value| value.parse(parse_duration)).map(|t| t.value),
        queue_timeout: fields
            .get("queue_timeout", |value| value.parse(parse_duration))
            .map(|timeout| timeout.value),
        retries: fields.get("retries", |value| value.integer(0)).map(|retries| retries.value),
        poll: fields.get("poll", |value| poll(value, service)).map(|poll| poll.value),
        blocking: fields.get("blocking", Value::boolean).map(|blocking| blocking.value),
    }
}

fn tags(value: &Value<'_>) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    for item in value.list()? {
        if let Some(tag) = item.text().filter(|tag| !tags.contains(tag)) {
            tags.push(tag);
        }
    }
    Some(tags)
}

fn poll(value: &Value<'_>, service: ServiceName) -> Option<Poll> {
    let fields = value.fields("`poll`", POLL_KEYS)?;
    let default = defaults::poll(service);
    let min = fields.get("min", |value| value.parse(parse_duration));
    let max = fields.get("max", |value| value.parse(parse_duration));
    let poll = Poll {
        min: min.as_ref().map_or(default.min, |min| min.value),
        max: max.as_ref().map_or(default.max, |max| max.value),
    };
    if poll.min > poll.max {
        let at = min.or(max).map_or_else(|| value.span(), |written| written.span);
        fields.refuse(Problem::new(
            at,
            "`poll.min` is longer than `poll.max`",
            format!("min is {:?}, max is {:?}", poll.min, poll.max),
        ));
    }
    Some(poll)
}

fn limits(section: &Fields<'_>) -> Limits {
    let read = |value: &Value<'_>| {
        let fields = value.fields("`limits`", LIMITS_KEYS)?;
        Some(Limits {
            requests_per_second: fields
                .get("requests_per_second", Value::positive_number)
                .map(|rate| rate.value),
            burst: fields.get("burst", |value| value.integer(1)).map(|burst| burst.value),
            in_flight: fields.get("in_flight", |value| value.integer(1)).map(|most| most.value),
        })
    };
    section.get("limits", read).map(|limits| limits.value).unwrap_or_default()
}

/// A test's name and identity, which both services share.
fn identity(fields: &Fields<'_>) -> Option<(Spanned<String>, Spanned<String>)> {
    let name = fields.require("name", Value::text);
    let id = fields.get("id", Value::text);
    let name = name?;
    let id = id.unwrap_or_else(|| name.clone());
    Some((name, id))
}

fn connect_tests(
    reader: &Reader<'_>,
    source: &Source,
    section: &Fields<'_>,
    region: Option<&Spanned<String>>,
    tests: &mut Vec<Test>,
) {
    let instance = |fields: &Fields<'_>| {
        let instance = fields.get("instance_id", |value| value.parse(InstanceId::parse));
        if let (Some(instance), Some(region)) = (&instance, region)
            && instance.value.region.as_ref().is_some_and(|named| *named != region.value)
        {
            reader.report(Problem::new(
                instance.span.clone(),
                "the ARN names another Region than `region`",
                format!("expected an instance in {}", region.value),
            ));
        }
        instance
    };
    let shared = settings(section, ServiceName::Connect);
    let shared_instance = instance(section);
    let Some(items) = section.require("test_cases", Value::list) else { return };
    for item in items.value {
        let Some(fields) = item.fields("a test case", TEST_CASE_KEYS) else { continue };
        let identity = identity(&fields);
        let settings = settings(&fields, ServiceName::Connect).over(&shared);
        let test_case_id = fields.require("test_case_id", |value| value.id(check_test_case_id));
        let own_instance = instance(&fields);
        if fields.value("instance_id").is_none() && section.value("instance_id").is_none() {
            fields.missing("instance_id", "a test case needs it, here or in `connect`");
        }
        let (Some((name, id)), Some(test_case_id), Some(instance)) =
            (identity, test_case_id, own_instance.or_else(|| shared_instance.clone()))
        else {
            continue;
        };
        tests.push(Test {
            position: source.position(fields.start().start),
            name,
            id: id.value,
            id_span: id.span,
            settings,
            target: Target::Connect(ConnectTarget {
                instance: instance.value,
                test_case_id: test_case_id.value,
            }),
        });
    }
}

/// The part of a Lex target that a section may hold for its tests.
struct LexShared {
    bot_id: Option<Spanned<String>>,
    bot_alias_id: Option<Spanned<String>>,
    locale_id: Option<Spanned<String>>,
    api_mode: Option<Spanned<ApiMode>>,
    modality: Option<Spanned<Modality>>,
    expect: Option<Spanned<Expect>>,
}

impl LexShared {
    fn read(fields: &Fields<'_>) -> Self {
        let modes = [("NonStreaming", ApiMode::NonStreaming), ("Streaming", ApiMode::Streaming)];
        let modalities = [("Text", Modality::Text), ("Audio", Modality::Audio)];
        Self {
            bot_id: fields.get("bot_id", |value| value.id(check_lex_id)),
            bot_alias_id: fields.get("bot_alias_id", |value| value.id(check_lex_id)),
            locale_id: fields.get("locale_id", |value| value.id(check_locale)),
            api_mode: fields.get("api_mode", |value| value.one_of(&modes)),
            modality: fields.get("modality", |value| value.one_of(&modalities)),
            expect: fields.get("expect", expect),
        }
    }
}

fn lex_tests(reader: &Reader<'_>, source: &Source, section: &Fields<'_>, tests: &mut Vec<Test>) {
    let shared_settings = settings(section, ServiceName::Lex);
    let shared = LexShared::read(section);
    let Some(items) = section.require("test_executions", Value::list) else { return };
    for item in items.value {
        let Some(fields) = item.fields("a test execution", TEST_EXECUTION_KEYS) else { continue };
        let identity = identity(&fields);
        let settings = settings(&fields, ServiceName::Lex).over(&shared_settings);
        let test_set_id = fields.require("test_set_id", |value| value.id(check_lex_id));
        let own = LexShared::read(&fields);
        let target = lex_target(reader, &fields, section, own, &shared);
        let (Some((name, id)), Some(test_set_id), Some(target)) = (identity, test_set_id, target)
        else {
            continue;
        };
        tests.push(Test {
            position: source.position(fields.start().start),
            name,
            id: id.value,
            id_span: id.span,
            settings,
            target: Target::Lex(LexTarget { test_set_id: test_set_id.value, ..target }),
        });
    }
}

/// Joins a test's own keys with its section's; the set's id is left for the caller to fill in.
fn lex_target(
    reader: &Reader<'_>,
    fields: &Fields<'_>,
    section: &Fields<'_>,
    own: LexShared,
    shared: &LexShared,
) -> Option<LexTarget> {
    for key in ["bot_id", "bot_alias_id", "locale_id", "api_mode"] {
        if fields.value(key).is_none() && section.value(key).is_none() {
            fields.missing(key, "a test execution needs it, here or in `lex`");
        }
    }
    if fields.value("expect").is_none() && section.value("expect").is_none() {
        reader.report(
            Problem::new(
                fields.start(),
                "`expect` is missing",
                "Completed only says that the set was run: say what must match",
            )
            .hint("such as `expect: { end_to_end: 95% }`; `expect: none` takes the status alone"),
        );
    }
    let modality = own.modality.or_else(|| shared.modality.clone()).map(|written| written.value);
    let expect = own.expect.or_else(|| shared.expect.clone())?;
    if expect.value.speech.is_some() && modality != Some(Modality::Audio) {
        reader.report(
            Problem::new(
                expect.span.clone(),
                "`speech` is expected of a set that holds no audio",
                "`speech` goes with `modality: Audio` only",
            )
            .hint("set `modality: Audio`, or drop `speech`"),
        );
    }
    Some(LexTarget {
        test_set_id: String::new(),
        bot_id: own.bot_id.or_else(|| shared.bot_id.clone())?.value,
        bot_alias_id: own.bot_alias_id.or_else(|| shared.bot_alias_id.clone())?.value,
        locale_id: own.locale_id.or_else(|| shared.locale_id.clone())?.value,
        api_mode: own.api_mode.or_else(|| shared.api_mode.clone())?.value,
        modality,
        expect: expect.value,
    })
}

fn expect(value: &Value<'_>) -> Option<Expect> {
    if value.is_word("none") {
        return Some(Expect::default());
    }
    let fields = value.fields("`expect`", EXPECT_KEYS)?;
    let share = |key| fields.get(key, |value| value.parse(Share::parse)).map(|share| share.value);
    let expect = Expect {
        end_to_end: share("end_to_end"),
        intent: share("intent"),
        slot: share("slot"),
        speech: share("speech"),
    };
    if !EXPECT_KEYS.iter().any(|key| fields.value(key).is_some()) {
        fields.refuse(
            value
                .refuse("at least one of end_to_end, intent, slot, speech")
                .hint("`expect: none` takes the status alone"),
        );
    }
    Some(expect)
}

/// Names are what people see and ids are what history and tokens hang on: neither may repeat.
fn refuse_repeats(reader: &Reader<'_>, source: &Source, tests: &[Test]) {
    let mut names: HashMap<&str, &Test> = HashMap::new();
    let mut ids: HashMap<&str, &Test> = HashMap::new();
    for test in tests {
        if let Some(first) = names.insert(&test.name.value, test) {
            let line = source.position(first.name.span.start).line;
            reader.report(Problem::new(
                test.name.span.clone(),
                format!("a second test is named `{}`", test.name.value),
                format!("names are unique in a suite; the first is in line {line}"),
            ));
        } else if let Some(first) = ids.insert(&test.id, test) {
            let line = source.position(first.id_span.start).line;
            reader.report(Problem::new(
                test.id_span.clone(),
                format!("a second test has the id `{}`", test.id),
                format!("ids are unique in a suite; the first is in line {line}"),
            ));
        }
    }
}
