//! The command that shows an execution on AWS: what a person types next.

use crate::outcome::{ServiceName, TestResult};

/// The AWS CLI command for the execution that decided, where there is one.
pub(super) fn command(test: &TestResult) -> Option<String> {
    let execution = test.outcome.deciding()?.execution_id()?;
    let of = |name: &str| test.target.get(name).map_or("", String::as_str);
    let region = test.region.as_ref().map(|region| format!(" --region {region}"));
    let region = region.unwrap_or_default();
    Some(match test.service {
        ServiceName::Connect => format!(
            "aws connect list-test-case-execution-records --instance-id {} --test-case-id {} \
             --test-case-execution-id {execution}{region}",
            of("instance_id"),
            of("test_case_id"),
        ),
        ServiceName::Lex => format!(
            "aws lexv2-models describe-test-execution --test-execution-id {execution}{region}"
        ),
    })
}
