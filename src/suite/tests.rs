//! Suites as a whole: what is read, and how each problem looks to a person.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::outcome::ServiceName;

fn env(name: &str) -> Option<String> {
    match name {
        "ID" => Some("0123456789".to_owned()),
        "RETRIES" => Some("2".to_owned()),
        "NO" => Some("false".to_owned()),
        "SECRET" => Some("hunter2".to_owned()),
        "YAML" => Some("x, other: [1]}".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Suite {
    parse("suite.yaml", text, &env).unwrap_or_else(|problems| panic!("{}", problems.render_plain()))
}

fn problems(text: &str) -> String {
    match parse("suite.yaml", text, &env) {
        Ok(_) => panic!("no problem in:\n{text}"),
        Err(diagnostics) => diagnostics.render_plain(),
    }
}

/// The keys of a Lex test that are not about what a test of this file is about.
const LEX: &str = "bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US, \
                   api_mode: NonStreaming, test_set_id: TESTSET001";

#[test]
fn the_example_of_the_design_is_read() {
    let suite = read(include_str!("../../tests/data/design.yaml"));
    assert_eq!(suite.name.value, "Contact centre regression");
    assert_eq!(suite.timeout, Some(Duration::from_secs(7200)));
    assert_eq!(suite.max_failures, Some(25));
    assert_eq!(suite.tests.len(), 2);
    let connect = &suite.tests[0];
    assert_eq!(connect.id, "main-menu-billing");
    assert_eq!(connect.settings.timeout, Some(Duration::from_secs(300)));
    assert_eq!(connect.settings.queue_timeout, Some(Duration::from_secs(1800)));
    assert_eq!(connect.settings.retries, Some(2));
    assert_eq!(connect.settings.blocking, Some(false));
    assert_eq!(connect.settings.tags, ["smoke", "voice"]);
    let Target::Lex(lex) = &suite.tests[1].target else { panic!("not a Lex test") };
    assert_eq!(lex.expect.end_to_end, Some(Share::parse("92%").unwrap()));
    assert_eq!(lex.expect.intent, None, "a test's own `expect` replaces the shared one");
    assert_eq!(suite.limits(ServiceName::Connect).in_flight, Some(10));
}

#[test]
fn owner_and_meta_come_from_the_suite_the_section_and_the_test() {
    let suite = read(
        "name: s\nowner: everyone\nmeta: {tier: 1, runbook: https://wiki/s}\nconnect:\n  \
         instance_id: i\n  owner: voice\n  meta: {area: ivr}\n  test_cases:\n  \
         - {name: x, test_case_id: x}\n  \
         - {name: y, test_case_id: y, owner: billing, meta: {runbook: https://wiki/y}}\n",
    );
    let [x, y] = &suite.tests[..] else { panic!("two tests") };
    assert_eq!(x.settings.owner.as_deref(), Some("voice"));
    assert_eq!(y.settings.owner.as_deref(), Some("billing"));
    let meta = |test: &Test| -> Vec<String> {
        test.settings.meta.iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    assert_eq!(meta(x), ["area=ivr", "runbook=https://wiki/s", "tier=1"]);
    assert_eq!(meta(y), ["area=ivr", "runbook=https://wiki/y", "tier=1"]);
}

#[test]
fn a_tests_own_value_replaces_the_sections_and_tags_add_up() {
    let suite = read(
        "name: s\nconnect:\n  instance_id: shared\n  tags: [a, b]\n  retries: 1\n  test_cases:\n  \
         - {name: x, test_case_id: x}\n  \
         - {name: y, test_case_id: y, instance_id: own, tags: [b, c], retries: 0}\n",
    );
    let [x, y] = &suite.tests[..] else { panic!("{:?}", suite.tests) };
    assert_eq!((x.settings.retries, y.settings.retries), (Some(1), Some(0)));
    assert_eq!(x.settings.tags, ["a", "b"]);
    assert_eq!(y.settings.tags, ["a", "b", "c"]);
    let instance = |test: &Test| match &test.target {
        Target::Connect(target) => target.instance.id.clone(),
        Target::Lex(_) => panic!("not a Connect test"),
    };
    assert_eq!((instance(x), instance(y)), ("shared".to_owned(), "own".to_owned()));
}

#[test]
fn an_arn_of_a_test_case_supplies_what_the_suite_does_not_say_and_agrees_with_what_it_says() {
    let arn = "arn:aws:connect:eu-west-2:111122223333:instance/i-1/test-case/c-1";
    for head in [
        "name: s\nconnect:\n",
        "name: s\nregion: eu-west-2\nconnect:\n  instance_id: i-1\n",
        "name: s\nconnect:\n  instance_id: arn:aws:connect:eu-west-2:111122223333:instance/i-1\n",
    ] {
        let suite = read(&format!("{head}  test_cases: [{{name: t, test_case_id: '{arn}'}}]\n"));
        let Target::Connect(target) = &suite.tests[0].target else { panic!("not Connect") };
        assert_eq!((target.test_case_id.as_str(), target.instance.id.as_str()), ("c-1", "i-1"));
        assert_eq!(target.instance.region.as_deref(), Some("eu-west-2"));
        assert_eq!(target.instance.account.as_deref(), Some("111122223333"));
    }
}

#[test]
fn ids_are_read_as_written() {
    for id in ["0123456789", "1e10", "0x10", "yes", "\"0123456789\"", "\"${ID}\""] {
        let text = format!(
            "name: s\nconnect: {{instance_id: i, test_cases: [{{name: 007, test_case_id: {id}}}]}}"
        );
        let suite = read(&text);
        let Target::Connect(target) = &suite.tests[0].target else { panic!("not Connect") };
        let expected = if id.contains("ID") { "0123456789" } else { id.trim_matches('"') };
        assert_eq!(target.test_case_id, expected);
        assert_eq!(suite.tests[0].name.value, "007");
    }
}

#[test]
fn a_scalar_that_held_a_variable_takes_the_type_its_place_asks_for() {
    for retries in ["${RETRIES}", "\"${RETRIES}\"", "${NONE:-2}"] {
        let suite = read(&format!(
            "name: s\nconnect:\n  instance_id: i\n  retries: {retries}\n  blocking: '${{NO}}'\n  \
             test_cases: [{{name: t, test_case_id: t}}]"
        ));
        assert_eq!(suite.tests[0].settings.retries, Some(2), "{retries}");
        assert_eq!(suite.tests[0].settings.blocking, Some(false));
    }
}

#[test]
fn a_variable_cannot_add_structure() {
    let suite = read(
        "name: ${YAML}\nconnect: {instance_id: i, test_cases: [{name: '$${YAML}', test_case_id: t}]}",
    );
    assert_eq!(suite.name.value, "x, other: [1]}");
    assert_eq!(suite.tests[0].name.value, "${YAML}");
}

#[test]
fn json_is_yaml_and_a_byte_order_mark_is_no_matter() {
    let suite = read(
        "\u{feff}{\"name\": \"s\", \"connect\": {\"instance_id\": \"i\", \"retries\": 1,\r\n\
         \"test_cases\": [{\"name\": \"t\", \"test_case_id\": \"t\"}]}}",
    );
    assert_eq!(suite.tests[0].settings.retries, Some(1));
    assert_eq!(suite.tests[0].position.line, 2);
}

#[test]
fn aliases_stand_for_their_anchors() {
    let suite = read(
        "name: s\nconnect:\n  instance_id: i\n  test_cases:\n  \
         - {name: a, test_case_id: a, tags: &tags [x, y]}\n  \
         - {name: b, test_case_id: b, tags: *tags}\n",
    );
    assert_eq!(suite.tests[1].settings.tags, ["x", "y"]);
}

#[test]
fn keys_of_the_authors_own_are_passed_over_where_keys_are_known() {
    let suite = read(
        "x-anything: {at: [all, '${UNSET}']}\nname: s\nmeta: {x-team: voice}\nconnect:\n  x-note: hello\n  \
         instance_id: i\n  poll: {x-why: '', min: 1s}\n  test_cases:\n  \
         - {name: a, test_case_id: a, x-ticket: 7}\n",
    );
    assert_eq!(suite.tests[0].settings.poll.map(|poll| poll.min), Some(Duration::from_secs(1)));
    // Names in `meta` and of intents are the author's own, and mean something.
    assert_eq!(suite.tests[0].settings.meta["x-team"], "voice");
    let expect = "{intents: {x-Book: 100%}}";
    let suite =
        read(&format!("name: s\nlex: {{test_executions: [{{name: t, {LEX}, expect: {expect}}}]}}"));
    let Target::Lex(lex) = &suite.tests[0].target else { panic!("not Lex") };
    assert!(lex.expect.intents.contains_key("x-Book"), "{:?}", lex.expect);
}

#[test]
fn a_mapping_takes_from_others_what_it_does_not_say_itself() {
    let suite = read(
        "x-voice: &voice {retries: 1, timeout: 4m, tags: [voice]}\n\
         x-slow: &slow {<<: *voice, timeout: 9m, queue_timeout: 1h}\n\
         name: s\nconnect:\n  instance_id: i\n  test_cases:\n  \
         - {name: a, test_case_id: a, <<: *voice}\n  \
         - {<<: *slow, name: b, test_case_id: b, retries: 0}\n  \
         - {<<: [*voice, *slow], name: c, test_case_id: c}\n",
    );
    let settings = |index: usize| {
        let settings = &suite.tests[index].settings;
        let minutes = |time: Option<Duration>| time.map(|time| time.as_secs() / 60);
        (settings.retries, minutes(settings.timeout), minutes(settings.queue_timeout))
    };
    assert_eq!(settings(0), (Some(1), Some(4), None));
    assert_eq!(settings(1), (Some(0), Some(9), Some(60)), "its own key wins, then the nearest");
    assert_eq!(settings(2), (Some(1), Some(4), Some(60)), "the first of a list wins");
    assert_eq!(suite.tests[0].settings.tags, ["voice"]);
    // In quotes it is a key like any other.
    let quoted = problems("name: s\n'<<': {}\nconnect: {instance_id: i, test_cases: []}");
    assert!(quoted.contains("unknown key `<<`"), "{quoted}");
}

#[test]
fn problems_look_like_this() {
    // Each block is a suite; the snapshot shows what a person sees of it.
    let cases = [
        ("everything at once", include_str!("../../tests/data/wrong.yaml").to_owned()),
        ("a variable in braces", "name: s\nconnect: {instance_id: ${ID}}\n".to_owned()),
        ("a syntax error stands alone", "name: s\nconnect: {a: [}\nlex: 7\n".to_owned()),
        ("nothing in the file", "# a comment\n".to_owned()),
        ("two documents", "name: a\n---\nname: b\n".to_owned()),
        ("no section", "name: s\n".to_owned()),
        ("a list where a mapping is due", "- name: s\n".to_owned()),
        ("sections without tests", "name: s\nconnect: {}\nlex:\n".to_owned()),
        (
            "merge keys that merge nothing",
            "x-a: &a 7\nname: s\nconnect:\n  <<: *a\n  instance_id: i\n  <<: {}\n  test_cases:\n  \
             - {<<: [*a, {retries: 1}, [x]], name: a, test_case_id: a}\n  - {<<: , name: b, test_case_id: b}\n"
                .to_owned(),
        ),
        (
            "names that come by a merge",
            "x-case: &case {name: a, test_case_id: a}\nname: s\nconnect:\n  instance_id: i\n  test_cases:\n  \
             - <<: *case\n  - <<: *case\n    retries: 1\n"
                .to_owned(),
        ),
        (
            "a mistake after many that are one",
            format!(
                "x-a: &a {{{}}}\nname: s\nconnect:\n  instance_id: i\n  test_cases:\n{}  - {{name: b, test_case_idd: b}}\n",
                (0..2).map(|i| format!("k{i}: 1, ")).collect::<String>(),
                (0..600).map(|i| format!("  - {{<<: *a, name: t{i}, test_case_id: t}}\n")).collect::<String>(),
            ),
        ),
        (
            "keys that come by a merge keep their places",
            "x-shared: &shared\n  retriez: 1\n  timeout: soon\n  retries: 1\n  retries: 2\nx-a: 1\nx-a: 2\n\
             name: s\nconnect:\n  instance_id: i\n  test_cases:\n  \
             - {<<: *shared, name: a, test_case_id: a}\n  - {<<: *shared, name: b, test_case_id: b}\n"
                .to_owned(),
        ),
        ("a tag", "name: !!str s\n".to_owned()),
        ("keys twice", "name: s\nname: t\nconnect: {instance_id: i, test_cases: []}".to_owned()),
        (
            "names and ids twice",
            "name: s\nconnect:\n  instance_id: i\n  test_cases:\n  - {name: a, test_case_id: x}\n  \
             - {name: a, test_case_id: y}\n  - {name: b, id: c, test_case_id: z}\n  \
             - {name: c, test_case_id: z}\n"
                .to_owned(),
        ),
        (
            "an ARN of another Region",
            "name: s\nregion: us-east-1\nconnect: {instance_id: \
             'arn:aws:connect:eu-west-2:111122223333:instance/i', test_cases: []}"
                .to_owned(),
        ),
        (
            "test case ARNs that disagree with the suite",
            "name: s\nregion: us-east-1\nconnect:\n  instance_id: i\n  test_cases:\n  \
             - {name: a, test_case_id: 'arn:aws:connect:eu-west-2:111122223333:instance/i/test-case/a'}\n  \
             - {name: b, test_case_id: 'arn:aws:connect:us-east-1:111122223333:instance/j/test-case/b'}\n  \
             - name: c\n    instance_id: arn:aws:connect:us-east-1:444455556666:instance/i\n    \
             test_case_id: arn:aws:connect:us-east-1:111122223333:instance/i/test-case/c\n  \
             - {name: d, test_case_id: 'arn:aws:connect:us-east-1:1:instance/i/test-case/d'}\n"
                .to_owned(),
        ),
        (
            "no instance",
            "name: s\nconnect:\n  test_cases:\n  - {name: a, test_case_id: a}\n  \
             - {name: b, test_case_id: 'arn:aws:connect:nowhere'}\n  - {name: c}\n"
                .to_owned(),
        ),
        ("no expect", format!("name: s\nlex: {{test_executions: [{{name: t, {LEX}}}]}}")),
        (
            "an empty expect",
            format!("name: s\nlex: {{test_executions: [{{name: t, {LEX}, expect: {{}}}}]}}"),
        ),
        (
            "speech without audio",
            format!("name: s\nlex: {{test_executions: [{{name: t, {LEX}, expect: {{speech: 9%}}}}]}}"),
        ),
        (
            "secrets",
            "name: ${AWS_SESSION_TOKEN:-x}\nregion: ${A:-${B}}\nconnect:\n  instance_id: i\n  \
             test_cases:\n  - {name: \"${SECRET}\", test_case_id: a}\n  \
             - {name: \"${SECRET}\", test_case_id: b}\n"
                .to_owned(),
        ),
        (
            "names twice in tests that are wrong otherwise",
            "name: s\nconnect:\n  instance_id: i\n  test_cases:\n  - {name: a}\n  \
             - {name: a  , test_case_id: ' '}\n  - {name: \"a\\u200b\", test_case_id: a}\n  \
             - {name: a, id: a, test_case_id: a}\n"
                .to_owned(),
        ),
        (
            "no follow-on errors",
            format!(
                "name: s\nlex:\n  poll: {{min: bogus, max: 1s}}\n  modality: Audoi\n  \
                 test_executions:\n  - {{name: t, {LEX}, expect: {{speech: 9%}}, poll: {{max: 1s}}}}\n"
            ),
        ),
        ("variables", "name: ${UNSET}\nregion: ${SECRET}\ntimeout: ${0}\nlex: ${ID".to_owned()),
        ("a long line", format!("name: s\n{}: 1, b: 2{}\n", "x".repeat(300), "y".repeat(300))),
        ("control characters", "name: \"a\\u0007b\"\n\"k\\e[31m\": 1\n".to_owned()),
    ];
    for (name, text) in cases {
        let text = problems(&text);
        assert!(!text.contains("hunter2"), "{name}: a variable's value is shown");
        insta::assert_snapshot!(name.replace(' ', "_"), text);
    }
}

#[test]
fn hostile_files_end_in_an_error_whose_size_is_bounded() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let alias = format!("*a{}", i - 1);
            text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![alias; 10].join(", ")));
        }
        text
    };
    let cases = [
        ("brackets", "[".repeat(100_000), "recursion limit"),
        ("braces", "{a: ".repeat(100_000), "recursion limit"),
        ("dashes", "- ".repeat(100_000), "nested"),
        ("indentation", (0..400).map(|i| format!("{}a:\n", " ".repeat(i))).collect(), "nested"),
        ("an alias bomb", bomb, "counting each use of an alias"),
        (
            "a heavy alias",
            format!("x: &a \"{}\"\ny: [{}]\n", "x".repeat(100_000), "*a, ".repeat(9000)),
            "alias",
        ),
        (
            "an alias to a test with a long key",
            format!(
                "name: s\nconnect:\n  instance_id: i\n  test_cases:\n  - &t {{{}: 1}}\n{}",
                "k".repeat(1000),
                "  - *t\n".repeat(9000)
            ),
            "",
        ),
        (
            "merges of merges",
            {
                let mut text = "x-0: &a0 {k0: 1}\n".to_owned();
                for i in 1..5000 {
                    text.push_str(&format!("x-{i}: &a{i} {{<<: [*a{0}, *a{0}]}}\n", i - 1));
                }
                text + "name: s\nconnect: {<<: *a4999}\n"
            },
            "counting each use of an alias",
        ),
        ("tags", format!("name: s\nconnect: {{tags: [{}]}}", "t, ".repeat(100_000)), "at most 50"),
        (
            // No more are described, though each of them has a hint that is costly to find.
            "a line of errors",
            format!(
                "name: s\nconnect: {{{}}}",
                (0..60_000).map(|i| format!("k{i}: 1, ")).collect::<String>()
            ),
            "and at least 950 more problems",
        ),
        (
            "a line of tests",
            format!(
                "name: s\nconnect: {{instance_id: i, test_cases: [{}]}}",
                "{name: a, test_case_id: b}, ".repeat(30_000)
            ),
            "more problems",
        ),
        ("an alias to itself", "a: &a [*a]\n".to_owned(), "stands inside what it names"),
        ("NUL", "name: a\0b\n".to_owned(), "NUL byte"),
        ("not YAML", "\u{1}\u{2}PK%@`".to_owned(), "not valid YAML"),
        ("keys", (0..50_000).map(|i| format!("k{i}: 1\n")).collect(), "more problems"),
        ("a long key", format!("? {}\n: 1\n", "k".repeat(900_000)), "unknown key `kkkk"),
    ];
    for (name, text, expected) in cases {
        let text = problems(&text);
        assert!(text.contains(expected), "{name}: {}", &text[..text.len().min(500)]);
        assert!(text.len() < 100_000, "{name}: {} bytes of errors", text.len());
    }
}

#[test]
fn files_that_are_no_text_or_too_large_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let load_bytes = |bytes: &[u8]| {
        let path = folder.path().join("suite.yaml");
        std::fs::write(&path, bytes).unwrap();
        match load(&path, &env) {
            Err(LoadError::Invalid(diagnostics)) => diagnostics.render_plain(),
            other => panic!("{other:?}"),
        }
    };
    assert!(load_bytes(b"name: \xff\xfe").contains("not UTF-8"));
    assert!(load_bytes(b"name: \xff\xfe").contains("suite.yaml:1:7"));
    assert!(load_bytes(&vec![b'#'; 1024 * 1024 + 1]).contains("larger than 1 MiB"));
    assert!(load_bytes(&vec![b'#'; 1024 * 1024]).contains("empty"));
    assert!(matches!(load(folder.path(), &env), Err(LoadError::Io { .. })));
}

/// The keys that an object of the schema knows.
fn schema_keys(schema: &serde_json::Value, pointer: &str) -> BTreeSet<String> {
    let properties = schema.pointer(pointer).and_then(|object| object["properties"].as_object());
    properties.unwrap_or_else(|| panic!("no object at {pointer}")).keys().cloned().collect()
}

#[test]
fn the_decoder_and_the_schema_know_the_same_keys() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let pairs = [
        ("", decode::SUITE_KEYS),
        ("/properties/connect", decode::CONNECT_KEYS),
        ("/properties/lex", decode::LEX_KEYS),
        ("/$defs/test_case", decode::TEST_CASE_KEYS),
        ("/$defs/test_execution", decode::TEST_EXECUTION_KEYS),
        ("/$defs/poll", decode::POLL_KEYS),
        ("/$defs/limits", decode::LIMITS_KEYS),
        ("/$defs/expect/anyOf/2", decode::EXPECT_KEYS),
    ];
    for (pointer, keys) in pairs {
        let keys: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(schema_keys(&schema, pointer), keys, "{pointer}");
    }
}

#[test]
fn a_section_takes_every_key_of_a_test_but_its_identity() {
    let own = ["name", "id", "test_case_id", "test_set_id"];
    for (section, test) in [
        (decode::CONNECT_KEYS, decode::TEST_CASE_KEYS),
        (decode::LEX_KEYS, decode::TEST_EXECUTION_KEYS),
    ] {
        for key in test.iter().filter(|key| !own.contains(key)) {
            assert!(section.contains(key), "{key}");
        }
    }
}
