//! The AWS chain: credentials, Region, endpoint, timeouts; one client for each lane.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;

use super::connect::Connect;
use super::lex::Lex;
use super::{Service, Services};
use crate::outcome::ServiceName;
use crate::plan::Plan;

/// One attempt on the wire may take so long: a page of 1,000 result items is the slowest call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// The same with what comes before it, such as fetching credentials.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(45);

/// How AWS, or what stands in for it, is reached.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The profile of the shared configuration; else the chain's.
    pub profile: Option<String>,
    /// One endpoint for both services; else the chain's.
    pub endpoint_url: Option<String>,
    /// Reach a simulator: credentials that open nothing, and no look at the machine's own.
    pub simulated: bool,
}

impl Access {
    fn loader(&self, region: Option<Region>) -> ConfigLoader {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        // The SDK must not retry: each attempt on the wire is an action of the engine's core,
        // with a token of the budget, and a blind retry of a Lex start would run the set twice.
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Ok(name) = AppName::new(concat!("callcheck-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(region) = region {
            loader = loader.region(region);
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if self.simulated {
            let nothing = Credentials::new("SIMULATED", "SIMULATED", None, None, "simulator");
            loader = loader.credentials_provider(nothing).empty_test_environment();
        }
        loader
    }
}

/// The Region that the AWS chain names: environment, profile, then the instance's metadata.
pub async fn default_region(access: &Access) -> Option<String> {
    let config = access.loader(None).load().await;
    config.region().map(|region| region.as_ref().to_owned())
}

/// Makes the services of a plan's lanes; nothing is called yet, and lanes share what the chain
/// has found out.
pub async fn services(plan: &Plan, access: &Access) -> Services {
    let shared = access.loader(plan.lanes.first().and_then(region)).load().await;
    let make = |lane: &crate::plan::Lane| -> Arc<dyn Service> {
        let config = with_region(&shared, region(lane));
        match lane.service {
            ServiceName::Connect => Arc::new(Connect::new(&config)),
            ServiceName::Lex => Arc::new(Lex::new(&config)),
        }
    };
    plan.lanes.iter().map(make).collect()
}

fn region(lane: &crate::plan::Lane) -> Option<Region> {
    lane.region.clone().map(Region::new)
}

fn with_region(shared: &SdkConfig, region: Option<Region>) -> SdkConfig {
    shared.to_builder().region(region).build()
}
