//! What is done before anything starts: suites and arguments to a plan, and a way to the services.

use globset::GlobSetBuilder;

use super::{forecast, history, load_scenario, off_thread, start_simulator, suites};
use crate::cli::{Details, RunArgs, SelectionArgs};
use crate::error::{Error, Kind};
use crate::outcome::Place;
use crate::plan::{self, History, Options, Plan, Selection, Target};
use crate::service::{self, Access};
use crate::simulator::Simulator;
use crate::suite::{Suite, check_region};

/// The Region of a simulated run whose suites name none.
const SIMULATED_REGION: &str = "us-east-1";

/// What is known before anything starts.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) access: Access,
    /// Serves as long as it is kept.
    pub(super) simulator: Option<Simulator>,
    /// What a person should know of how it was prepared.
    pub(super) warnings: Vec<String>,
}

/// Reads and plans; calls nothing but what finds the Region.
pub(super) async fn prepare(args: &RunArgs) -> Result<Prepared, Error> {
    let paths = args.suites.clone();
    let suites = off_thread(move || suites::load(&paths)).await?;
    if let Some(region) = &args.access.region {
        check_arns(&suites, region)?;
    }
    let mut options = options(args)?;
    let mut access = Access {
        profile: args.access.profile.clone(),
        endpoint_url: args.access.endpoint_url.clone(),
        simulated: false,
    };
    let simulator = match &args.access.simulate {
        Some(path) => {
            let path = path.clone();
            let scenario = off_thread(move || load_scenario(path.as_deref())).await?;
            options.default_region = Some(SIMULATED_REGION.to_owned());
            Some(start_simulator(scenario, 0).await?)
        }
        None => None,
    };
    if let Some(simulator) = &simulator {
        access.endpoint_url = Some(simulator.url());
        access.simulated = true;
    }
    // What is simulated says nothing of how tests go on AWS.
    let mut warnings = Vec::new();
    if !access.simulated {
        match history::load(&args.state_dir) {
            Ok(history) => options.history = history,
            Err(warning) => warnings.push(warning),
        }
    }
    let mut plan = Plan::new(&suites, &options);
    // Asking the chain may mean asking an instance's metadata service: only where it is needed.
    if !args.dry_run && plan.lanes.iter().any(|lane| lane.region.is_none()) {
        options.default_region = Some(default_region(&access).await?);
        plan = Plan::new(&suites, &options);
    }
    if plan.tests.is_empty() && !args.allow_empty {
        return Err(nothing_selected(&suites, "; --allow-empty makes this exit with 0"));
    }
    warnings.extend(forecast::warning(&plan));
    Ok(Prepared { plan, access, simulator, warnings })
}

/// The Region that the AWS chain names.
async fn default_region(access: &Access) -> Result<String, Error> {
    const HINT: &str =
        "set `region` in the suite, --region, AWS_REGION, or a region in the AWS profile";
    // An empty AWS_REGION is how CI hosts pass on a variable that nobody has set.
    match service::default_region(access).await.filter(|region| !region.is_empty()) {
        None => Err(Error::new(Kind::Invalid, "no Region is known for some tests").hint(HINT)),
        Some(region) => match check_region(&region) {
            Ok(()) => Ok(region),
            Err(expected) => Err(Error::new(
                Kind::Invalid,
                format!("the Region of the AWS environment is not valid: expected {expected}"),
            )
            .hint(HINT)),
        },
    }
}

/// An instance is in one Region: a flag that names another would ask where it is not.
pub(super) fn check_arns(suites: &[Suite], region: &str) -> Result<(), Error> {
    for suite in suites {
        for test in &suite.tests {
            let Target::Connect(target) = &test.target else { continue };
            if target.instance.region.as_ref().is_some_and(|named| named != region) {
                let (file, line) = (suite.source.path().to_owned(), test.position.line);
                let message = format!("its ARN is not of --region {region}");
                return Err(Error::new(Kind::Invalid, format!("{file}:{line}: {message}"))
                    .places(vec![Place { file, line, message }]));
            }
        }
    }
    Ok(())
}

fn options(args: &RunArgs) -> Result<Options, Error> {
    Ok(Options {
        selection: selection(&args.selection)?,
        retries: args.retries,
        timeout: args.timeout,
        max_failures: args.fail_fast.then_some(1),
        fail_on_flaky: args.fail_on_flaky,
        region: args.access.region.clone(),
        default_region: None,
        detail: plan::Detail {
            always: args.details == Details::Always,
            turns: args.reports.turns(),
        },
        history: History::default(),
    })
}

/// Which tests the command line asks for.
pub(super) fn selection(args: &SelectionArgs) -> Result<Selection, Error> {
    let mut names = GlobSetBuilder::new();
    for glob in &args.names {
        names.add(glob.clone());
    }
    let names = names
        .build()
        .map_err(|error| Error::new(Kind::Invalid, format!("--name is too large: {error}")))?;
    Ok(Selection { tags: args.tags.clone(), not_tags: args.not_tags.clone(), names })
}

/// The error of a selection that takes no test, with what is to be done `beside` choosing another.
pub(super) fn nothing_selected(suites: &[Suite], beside: &str) -> Error {
    let tests: Vec<_> = suites.iter().flat_map(|suite| &suite.tests).collect();
    let mut tags: Vec<&str> =
        tests.iter().flat_map(|test| &test.settings.tags).map(String::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    let known = if tags.is_empty() { "none".to_owned() } else { tags.join(", ") };
    Error::new(Kind::Empty, format!("none of {} tests is selected", tests.len()))
        .hint(format!("tags in the suites: {known}{beside}"))
}
