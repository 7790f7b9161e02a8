//! `callcheck iam-policy`: what AWS must allow for a run of suites.

use super::prepare::{check_arns, nothing_selected, selection};
use super::{Console, suites};
use crate::cli::IamPolicyArgs;
use crate::error::{Error, Kind};
use crate::exit;
use crate::plan::{Options, Plan};
use crate::service::permissions::{self, LONGEST_INLINE_POLICY, LONGEST_MANAGED_POLICY, Reach};
use crate::service::{self, Access};

/// Prints the policy to stdout, and to stderr what a person should know of it.
pub(super) async fn iam_policy(args: &IamPolicyArgs, console: &Console) -> Result<u8, Error> {
    let suites = suites::load_all(&args.suites)?;
    if let Some(region) = &args.region {
        check_arns(&suites, region)?;
    }
    let mut options = Options {
        selection: selection(&args.selection)?,
        region: args.region.clone(),
        ..Options::default()
    };
    let mut plan = Plan::new(&suites, &options);
    // IAM takes no policy that allows nothing.
    if plan.tests.is_empty() {
        return Err(nothing_selected(&suites, ""));
    }
    let mut notes = Vec::new();
    if plan.lanes.iter().any(|lane| lane.region.is_none()) {
        let access = Access { profile: args.profile.clone(), ..Access::default() };
        options.default_region = service::default_region(&access).await;
        plan = Plan::new(&suites, &options);
    }
    let reach = if args.any_test { Reach::AnyTest } else { Reach::Selected };
    let policy = permissions::policy(&plan, args.account.as_deref(), reach);
    if policy.any_region {
        notes.push("no Region is known for some tests, and a * stands for it: --region sets it");
    }
    if policy.any_account {
        notes.push(
            "of some tests no suite says whose account it is, and a * stands for it: --account sets it",
        );
    }
    if policy.other_account {
        notes
            .push("an instance's ARN names another account than --account: there, the ARN's holds");
    }
    let document = serde_json::to_string_pretty(&policy.document).map_err(|error| {
        Error::new(Kind::Environment, format!("failed to print the policy: {error}"))
    })?;
    let long = document.chars().filter(|c| !c.is_whitespace()).count();
    let too_long = format!(
        "it is {long} characters long, and IAM takes {LONGEST_MANAGED_POLICY} as a managed policy and \
         {LONGEST_INLINE_POLICY} of all inline policies of a role: --any-test names no single tests"
    );
    if long > LONGEST_MANAGED_POLICY {
        notes.push(&too_long);
    }
    notes.push(
        "not tried on an account: Connect's actions for test cases, and the form of their ARNs, are not in \
         AWS's authorization reference",
    );
    console.data(&format!("{document}\n"))?;
    for note in notes {
        console.log(&format!("note: {note}"));
    }
    Ok(exit::PASSED)
}
