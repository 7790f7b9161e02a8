//! The section `connect`.

use super::{MOST, Seen, TEST_CASE_KEYS, entries, settings};
use crate::outcome::ServiceName;
use crate::suite::diagnostic::Problem;
use crate::suite::model::{ConnectTarget, Settings, Target, Test};
use crate::suite::reader::{Fields, Reader};
use crate::suite::source::{Span, Spanned};
use crate::suite::value::{InstanceId, TestCaseId};

pub(super) fn tests(
    reader: &Reader<'_>,
    seen: &mut Seen<'_>,
    section: &Fields<'_>,
    of_suite: &Settings,
    region: Option<&Spanned<String>>,
    tests: &mut Vec<Test>,
) {
    let instance = |fields: &Fields<'_>| {
        let instance = fields.get("instance_id", |value| value.parse(InstanceId::parse))?;
        check_region(reader, region, &instance.value, instance.span.clone());
        Some(instance.value)
    };
    let shared = settings(section, ServiceName::Connect).over(of_suite);
    let shared_instance = instance(section);
    let shared_observations = min_observations(section);
    for item in entries(reader, section, "test_cases") {
        let Some(fields) = item.fields("a test case", TEST_CASE_KEYS) else { continue };
        let identity = seen.identity(&fields);
        let settings = settings(&fields, ServiceName::Connect).over(&shared);
        let case = fields.require("test_case_id", |value| value.parse(TestCaseId::parse));
        let stated = instance(&fields).or_else(|| shared_instance.clone());
        let min_observations = min_observations(&fields).or(shared_observations);
        let is_stated =
            fields.value("instance_id").is_some() || section.value("instance_id").is_some();
        // An ARN that cannot be read may have been meant to name it.
        let is_arn = case.as_ref().is_some_and(|case| case.value.instance.is_some());
        let is_unreadable = case.is_none() && fields.value("test_case_id").is_some();
        if !is_stated && !is_arn && !is_unreadable {
            let why = "set it here or in `connect`, or use an ARN as `test_case_id`";
            fields.missing("instance_id", why);
        }
        let (Some((name, id)), Some(case)) = (identity, case) else { continue };
        let named = case.value.instance;
        if let Some(named) = &named {
            check_region(reader, region, named, case.span.clone());
        }
        let Some(instance) = agreed(reader, named, stated, case.span) else { continue };
        tests.push(Test {
            position: seen.source.position(fields.start().start),
            name,
            id: id.value,
            settings,
            target: Target::Connect(ConnectTarget {
                instance,
                test_case_id: case.value.id,
                min_observations,
            }),
        });
    }
}

/// Reports an ARN that names another Region than the suite.
fn check_region(
    reader: &Reader<'_>,
    region: Option<&Spanned<String>>,
    instance: &InstanceId,
    span: Span,
) {
    let Some(region) = region else { return };
    if instance.region.as_ref().is_some_and(|named| *named != region.value) {
        reader.report(Problem::new(
            span,
            "the ARN names a different Region than `region`",
            "expected an ARN in the suite's Region",
        ));
    }
}

/// The instance of a test case: the one that the ARN of the test case names, if it has one, and the one
/// that the suite states. Reports it where the two disagree.
fn agreed(
    reader: &Reader<'_>,
    named: Option<InstanceId>,
    stated: Option<InstanceId>,
    span: Span,
) -> Option<InstanceId> {
    let (named, stated) = match (named, stated) {
        (Some(named), Some(stated)) => (named, stated),
        (named, stated) => return named.or(stated),
    };
    let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
    let what = if named.id != stated.id {
        "instance"
    } else if differ(&named.region, &stated.region) {
        "Region"
    } else if differ(&named.account, &stated.account) {
        "account"
    } else {
        // The ARN says all that there is to say.
        return Some(named);
    };
    reader.report(Problem::new(
        span,
        format!("the ARN names a different {what} than `instance_id`"),
        "expected a test case in that instance",
    ));
    None
}

fn min_observations(fields: &Fields<'_>) -> Option<u32> {
    fields.get("min_observations", |value| value.integer(0..=MOST)).map(|least| least.value)
}
