//! The section `lex`.

use super::{EXPECT_KEYS, Seen, TEST_EXECUTION_KEYS, entries, settings};
use crate::outcome::ServiceName;
use crate::suite::diagnostic::Problem;
use crate::suite::model::{ApiMode, Expect, LexTarget, Modality, Settings, Target, Test};
use crate::suite::reader::{Fields, Reader, Value};
use crate::suite::source::Spanned;
use crate::suite::value::{Share, check_lex_id, check_locale};

/// The most records that a test set holds (service model).
const MOST_RESULTS: u32 = 200_000;

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

pub(super) fn tests(
    reader: &Reader<'_>,
    seen: &mut Seen<'_>,
    section: &Fields<'_>,
    of_suite: &Settings,
    tests: &mut Vec<Test>,
) {
    let shared_settings = settings(section, ServiceName::Lex).over(of_suite);
    let shared = LexShared::read(section);
    for item in entries(reader, section, "test_executions") {
        let Some(fields) = item.fields("a test execution", TEST_EXECUTION_KEYS) else { continue };
        let identity = seen.identity(&fields);
        let settings = settings(&fields, ServiceName::Lex).over(&shared_settings);
        let test_set_id = fields.require("test_set_id", |value| value.id(check_lex_id));
        let own = LexShared::read(&fields);
        let test_set_id = test_set_id.map(|id| id.value);
        let target = lex_target(reader, &fields, section, own, &shared, test_set_id);
        let (Some((name, id)), Some(target)) = (identity, target) else { continue };
        tests.push(Test {
            position: seen.source.position(fields.start().start),
            name,
            id: id.value,
            settings,
            target: Target::Lex(target),
        });
    }
}

/// Joins a test's own keys with its section's.
fn lex_target(
    reader: &Reader<'_>,
    fields: &Fields<'_>,
    section: &Fields<'_>,
    own: LexShared,
    shared: &LexShared,
    test_set_id: Option<String>,
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
    // A modality that is wrong in itself has been told of.
    let said = fields.value("modality").or_else(|| section.value("modality")).is_some();
    if expect.value.speech.is_some()
        && modality != Some(Modality::Audio)
        && said == modality.is_some()
    {
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
        test_set_id: test_set_id?,
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
    let intents = fields.get("intents", |value| {
        let named = value.named()?.into_iter();
        Some(named.filter_map(|(name, value)| Some((name, value.parse(Share::parse)?))).collect())
    });
    let min_results = fields.get("min_results", |value| value.integer(1..=MOST_RESULTS));
    let expect = Expect {
        end_to_end: share("end_to_end"),
        intent: share("intent"),
        slot: share("slot"),
        speech: share("speech"),
        intents: intents.map(|intents| intents.value).unwrap_or_default(),
        min_results: min_results.map(|least| least.value),
    };
    if !EXPECT_KEYS.iter().any(|key| fields.value(key).is_some()) {
        let keys = EXPECT_KEYS.join(", ");
        fields.refuse(
            value
                .refuse(format!("at least one of {keys}"))
                .hint("`expect: none` takes the status alone"),
        );
    }
    Some(expect)
}
