//! What AWS must allow for a plan to be run: the least IAM policy.
//!
//! Names of actions and forms of ARNs are those of AWS-FACTS.md; Connect's are not in AWS's public
//! authorization reference, and neither has been tried on an account.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::plan::{ConnectTarget, Plan, Target};

/// A managed policy, and all inline policies of a role, are at most so long, in characters without white
/// space (IAM quotas).
pub const LONGEST_MANAGED_POLICY: usize = 6144;
/// See [`LONGEST_MANAGED_POLICY`].
pub const LONGEST_INLINE_POLICY: usize = 10_240;

/// For each test case: a failed one has its records read, one whose time is up is stopped.
const CONNECT: [&str; 5] = [
    "connect:StartTestCaseExecution",
    "connect:GetTestCaseExecutionSummary",
    "connect:ListTestCaseExecutions",
    "connect:ListTestCaseExecutionRecords",
    "connect:StopTestCaseExecution",
];

/// For each test set. ListTestExecutionResultItems asks for ListTestSetRecords, which callcheck never
/// calls.
const LEX: [&str; 4] = [
    "lex:StartTestExecution",
    "lex:DescribeTestExecution",
    "lex:ListTestExecutionResultItems",
    "lex:ListTestSetRecords",
];

/// It has no resource of its own.
const LEX_LIST: [&str; 1] = ["lex:ListTestExecutions"];

/// The partitions of Regions, by how their names begin (AWS's partition metadata); of all others it is
/// `aws`.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];

/// How much is named by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Each test case and test set.
    Selected,
    /// Instances; what tests there are of them, and test sets, is left open.
    AnyTest,
}

/// A policy, and what it had to leave open.
#[derive(Debug)]
pub struct Policy {
    /// What IAM takes.
    pub document: Document,
    /// Whether a `*` stands for an account.
    pub any_account: bool,
    /// Whether an ARN names another account than the one that was given.
    pub other_account: bool,
    /// Whether a `*` stands for a Region.
    pub any_region: bool,
}

/// A policy as IAM takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: &'static [&'static str],
    resource: Vec<String>,
}

/// The least policy for a plan that has tests. Whose an instance is its ARN says, else `account`, else all
/// ARNs of the plan, where they name one account; so it is for test sets, which have no ARN. Where nothing
/// says it, or no Region is known, a `*` stands for it.
pub fn policy(plan: &Plan, account: Option<&str>, reach: Reach) -> Policy {
    let (mut any_account, mut any_region) = (false, false);
    let named: BTreeSet<&str> =
        plan.tests.iter().filter_map(|test| account_of(&test.target)).collect();
    let other_account = account.is_some_and(|account| named.iter().any(|named| *named != account));
    let account = account.or(named.first().copied().filter(|_| named.len() == 1));
    let (mut instances, mut test_cases) = (BTreeSet::new(), BTreeSet::new());
    let mut test_sets = BTreeSet::new();
    for (index, test) in plan.tests.iter().enumerate() {
        let region = plan.region(index).unwrap_or("*");
        any_region |= region == "*";
        match &test.target {
            Target::Connect(ConnectTarget { instance, test_case_id, .. }) => {
                let account = instance.account.as_deref().or(account).unwrap_or("*");
                any_account |= account == "*";
                let arn = arn("connect", region, account, &format!("instance/{}", instance.id));
                let test_case = if reach == Reach::AnyTest { "*" } else { test_case_id };
                test_cases.insert(format!("{arn}/test-case/{test_case}"));
                instances.insert(arn);
            }
            Target::Lex(target) => {
                let test_set = if reach == Reach::AnyTest { "*" } else { &target.test_set_id };
                let resource = format!("test-set/{test_set}");
                any_account |= account.is_none();
                test_sets.insert(arn("lex", region, account.unwrap_or("*"), &resource));
            }
        }
    }
    let mut statements = Vec::new();
    if !instances.is_empty() {
        let resource = instances.into_iter().chain(test_cases).collect();
        statements.push(allow("ConnectTestCases", &CONNECT, resource));
    }
    if !test_sets.is_empty() {
        statements.push(allow("LexTestSets", &LEX, test_sets.into_iter().collect()));
        statements.push(allow("LexTestExecutions", &LEX_LIST, vec!["*".to_owned()]));
    }
    let document = Document { version: "2012-10-17", statement: statements };
    Policy { document, any_account, other_account, any_region }
}

/// The account that an ARN of a target names.
fn account_of(target: &Target) -> Option<&str> {
    match target {
        Target::Connect(target) => target.instance.account.as_deref(),
        Target::Lex(_) => None,
    }
}

fn allow(sid: &'static str, action: &'static [&'static str], resource: Vec<String>) -> Statement {
    Statement { sid, effect: "Allow", action, resource }
}

fn arn(service: &str, region: &str, account: &str, resource: &str) -> String {
    let partition = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    let partition = partition.map_or("aws", |(_, partition)| partition);
    format!("arn:{partition}:{service}:{region}:{account}:{resource}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::Options;
    use crate::suite;

    const SUITE: &str = "
name: S
connect:
  instance_id: arn:aws:connect:eu-west-1:111122223333:instance/i-1
  test_cases:
    - {name: a, test_case_id: c2}
    - {name: b, test_case_id: c1}
    - {name: again, test_case_id: c1}
    - {name: other, test_case_id: c3, instance_id: i-2}
lex:
  bot_id: BOT0000001
  bot_alias_id: TSTALIASID
  locale_id: en_US
  api_mode: NonStreaming
  expect: none
  test_executions:
    - {name: bot, test_set_id: TESTSET001}
";

    fn plan(text: &str, region: Option<&str>) -> Plan {
        let suite = suite::parse("s.yaml", text, &|_| None).unwrap();
        let default_region = region.map(str::to_owned);
        Plan::new(&[suite], &Options { default_region, ..Options::default() })
    }

    fn value(policy: Policy) -> Value {
        serde_json::to_value(policy.document).unwrap()
    }

    #[test]
    fn each_test_is_named_once_where_it_is() {
        let policy =
            policy(&plan(SUITE, Some("us-gov-west-1")), Some("444455556666"), Reach::Selected);
        assert!(!policy.any_account && !policy.any_region && policy.other_account);
        let policy = value(policy);
        assert_eq!(
            policy["Statement"][0]["Resource"],
            json!([
                "arn:aws-us-gov:connect:us-gov-west-1:444455556666:instance/i-2",
                "arn:aws:connect:eu-west-1:111122223333:instance/i-1",
                "arn:aws-us-gov:connect:us-gov-west-1:444455556666:instance/i-2/test-case/c3",
                "arn:aws:connect:eu-west-1:111122223333:instance/i-1/test-case/c1",
                "arn:aws:connect:eu-west-1:111122223333:instance/i-1/test-case/c2",
            ])
        );
        assert_eq!(
            policy["Statement"][1]["Resource"],
            json!(["arn:aws-us-gov:lex:us-gov-west-1:444455556666:test-set/TESTSET001"])
        );
        assert_eq!(policy["Statement"][2]["Resource"], json!(["*"]));
    }

    #[test]
    fn what_is_not_known_is_left_open_and_no_more() {
        // The one account that ARNs name is whose the rest is, too; of two it may be either's.
        let one = policy(&plan(SUITE, None), None, Reach::AnyTest);
        assert!(!one.any_account && one.any_region);
        let bots = "arn:aws:lex:*:111122223333:test-set/*";
        assert_eq!(value(one)["Statement"][1]["Resource"], json!([bots]));
        let second = "instance_id: arn:aws:connect:eu-west-1:444455556666:instance/i-3";
        let text = SUITE.replace(
            "    - {name: other,",
            &format!("    - {{name: more, test_case_id: c4, {second}}}\n    - {{name: other,"),
        );
        let policy = policy(&plan(&text, None), None, Reach::AnyTest);
        assert!(policy.any_account && policy.any_region && !policy.other_account);
        let policy = value(policy);
        assert_eq!(
            policy["Statement"][0]["Resource"],
            json!([
                "arn:aws:connect:*:*:instance/i-2",
                "arn:aws:connect:eu-west-1:111122223333:instance/i-1",
                "arn:aws:connect:eu-west-1:444455556666:instance/i-3",
                "arn:aws:connect:*:*:instance/i-2/test-case/*",
                "arn:aws:connect:eu-west-1:111122223333:instance/i-1/test-case/*",
                "arn:aws:connect:eu-west-1:444455556666:instance/i-3/test-case/*",
            ])
        );
    }

    #[test]
    fn a_service_that_is_not_called_is_not_allowed() {
        let connect = SUITE.split("lex:").next().unwrap();
        let policy = policy(&plan(connect, Some("us-east-1")), None, Reach::Selected);
        let policy = value(policy);
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
        assert!(!policy.to_string().contains("lex:"));
    }
}
