//! The command that shows on AWS what a report tells of: what a person types next.

use crate::outcome::{ErrorKind, ServiceName, TestResult, Verdict};

/// The AWS CLI command for the execution that decided; where no start was answered, for those among
/// which it may be; where there was none, for what was to be run, or
/// for who asks.
pub(super) fn command(test: &TestResult) -> String {
    let of = |name: &str| test.target.get(name).map_or("", String::as_str);
    let execution = test.outcome.execution_id();
    let verdict = test.outcome.verdict;
    let unknown = verdict == Verdict::Error(ErrorKind::StartUnknown);
    if verdict == Verdict::Error(ErrorKind::Credentials) {
        return "aws sts get-caller-identity".to_owned();
    }
    let read = test.outcome.results().is_some();
    let command = match test.service {
        ServiceName::Connect => {
            let ids = format!(
                "--instance-id {} --test-case-id {}",
                of("instance_id"),
                of("test_case_id")
            );
            match execution {
                Some(id) => format!(
                    "connect list-test-case-execution-records {ids} --test-case-execution-id {id}"
                ),
                None if unknown => format!("connect list-test-case-executions {ids}"),
                None => format!("connect describe-test-case {ids}"),
            }
        }
        ServiceName::Lex => match execution {
            Some(id) if !read => {
                format!("lexv2-models describe-test-execution --test-execution-id {id}")
            }
            Some(id) => format!(
                "lexv2-models list-test-execution-result-items --test-execution-id {id} \
                 --result-filter-by resultTypeFilter=UtteranceLevelResults"
            ),
            None if unknown => "lexv2-models list-test-executions".to_owned(),
            None => format!("lexv2-models describe-test-set --test-set-id {}", of("test_set_id")),
        },
    };
    let region = test.region.as_ref().map(|region| format!(" --region {region}"));
    format!("aws {command}{}", region.unwrap_or_default())
}
