//! The section `connect`.

use super::{MOST, Seen, TEST_CASE_KEYS, entries, settings};
use crate::outcome::ServiceName;
use crate::suite::diagnostic::Problem;
use crate::suite::model::{ConnectTarget, Settings, Target, Test};
use crate::suite::reader::{Fields, Reader};
use crate::suite::source::Spanned;
use crate::suite::value::{InstanceId, check_test_case_id};

pub(super) fn tests(
    reader: &Reader<'_>,
    seen: &mut Seen<'_>,
    section: &Fields<'_>,
    of_suite: &Settings,
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
                "expected an instance in the suite's Region",
            ));
        }
        instance
    };
    let shared = settings(section, ServiceName::Connect).over(of_suite);
    let shared_instance = instance(section);
    let shared_observations = min_observations(section);
    for item in entries(reader, section, "test_cases") {
        let Some(fields) = item.fields("a test case", TEST_CASE_KEYS) else { continue };
        let identity = seen.identity(&fields);
        let settings = settings(&fields, ServiceName::Connect).over(&shared);
        let test_case_id = fields.require("test_case_id", |value| value.id(check_test_case_id));
        let own_instance = instance(&fields);
        let min_observations = min_observations(&fields).or(shared_observations);
        if fields.value("instance_id").is_none() && section.value("instance_id").is_none() {
            fields.missing("instance_id", "a test case needs it, here or in `connect`");
        }
        let (Some((name, id)), Some(test_case_id), Some(instance)) =
            (identity, test_case_id, own_instance.or_else(|| shared_instance.clone()))
        else {
            continue;
        };
        tests.push(Test {
            position: seen.source.position(fields.start().start),
            name,
            id: id.value,
            settings,
            target: Target::Connect(ConnectTarget {
                instance: instance.value,
                test_case_id: test_case_id.value,
                min_observations,
            }),
        });
    }
}

fn min_observations(fields: &Fields<'_>) -> Option<u32> {
    fields.get("min_observations", |value| value.integer(0..=MOST)).map(|least| least.value)
}
