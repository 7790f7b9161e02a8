//! The command that shows an execution on AWS: what a person types next.

use crate::outcome::{ErrorKind, ServiceName, TestResult, Verdict};

/// The AWS CLI command for the execution that decided, or, where no start of it was answered, for
/// those among which it may be.
pub(super) fn command(test: &TestResult) -> Option<String> {
    let attempt = test.outcome.deciding()?;
    let of = |name: &str| test.target.get(name).map_or("", String::as_str);
    let (instance, case) = (of("instance_id"), of("test_case_id"));
    let region = test.region.as_ref().map(|region| format!(" --region {region}"));
    let region = region.unwrap_or_default();
    let unknown = test.outcome.verdict == Verdict::Error(ErrorKind::StartUnknown);
    Some(match (test.service, attempt.execution_id()) {
        (ServiceName::Connect, Some(execution)) => format!(
            "aws connect list-test-case-execution-records --instance-id {instance} \
             --test-case-id {case} --test-case-execution-id {execution}{region}"
        ),
        (ServiceName::Lex, Some(execution)) => format!(
            "aws lexv2-models list-test-execution-result-items --test-execution-id {execution} \
             --result-filter-by resultTypeFilter=UtteranceLevelResults{region}"
        ),
        (ServiceName::Connect, None) if unknown => format!(
            "aws connect list-test-case-executions --instance-id {instance} \
             --test-case-id {case}{region}"
        ),
        (ServiceName::Lex, None) if unknown => {
            format!("aws lexv2-models list-test-executions{region}")
        }
        (_, None) => return None,
    })
}
