//! The AWS chain: credentials, Region, endpoint, timeouts; one client for each lane.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use chrono::{DateTime, Utc};

use super::connect::Connect;
use super::credentials::{self, Fetched};
use super::lex::Lex;
use super::{Service, Services};
use crate::outcome::ServiceName;
use crate::plan::Plan;

/// One attempt on the wire, with fetching credentials for it, may take so long: a page of 1,000
/// result items is the slowest call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// The same with what the SDK does around it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

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
            // A proxy of the machine's environment does not lead to its own loopback.
            let connector = Connector::builder()
                .proxy_config(ProxyConfig::disabled())
                .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
                .build();
            let connector = SharedHttpConnector::new(connector);
            loader = loader
                .credentials_provider(nothing)
                .empty_test_environment()
                .http_client(http_client_fn(move |_, _| connector.clone()));
        }
        loader
    }
}

/// The Region that the AWS chain names: environment, profile, then the instance's metadata.
pub async fn default_region(access: &Access) -> Option<String> {
    let config = access.loader(None).load().await;
    config.region().map(|region| region.as_ref().to_owned())
}

/// The services of a plan, and what is known of the way to them.
pub struct Reached {
    /// One for each lane.
    pub services: Services,
    /// When the credentials expire, where they say so.
    pub credentials_until: Option<DateTime<Utc>>,
}

/// When credentials are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// At once, so that it is known until when they are good.
    Ahead,
    /// With the first call.
    WhenNeeded,
}

/// Makes the services of a plan's lanes; neither service is called yet, and lanes share what the chain
/// has found out.
pub async fn reach(plan: &Plan, access: &Access, fetch: Fetch) -> Reached {
    let shared = access.loader(plan.lanes.first().and_then(region)).load().await;
    let Fetched { config: shared, until } = match fetch {
        Fetch::Ahead => credentials::fetch(shared).await,
        Fetch::WhenNeeded => Fetched { config: shared, until: None },
    };
    let make = |lane: &crate::plan::Lane| -> Arc<dyn Service> {
        let config = with_region(&shared, region(lane));
        match lane.service {
            ServiceName::Connect => Arc::new(Connect::new(&config)),
            ServiceName::Lex => Arc::new(Lex::new(&config)),
        }
    };
    Reached { services: plan.lanes.iter().map(make).collect(), credentials_until: until }
}

fn region(lane: &crate::plan::Lane) -> Option<Region> {
    lane.region.clone().map(Region::new)
}

fn with_region(shared: &SdkConfig, region: Option<Region>) -> SdkConfig {
    shared.to_builder().region(region).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_sdk_never_retries_and_never_waits_for_ever() {
        let access = Access { simulated: true, ..Access::default() };
        let config = access.loader(Some(Region::new("us-east-1"))).load().await;
        assert_eq!(config.retry_config().map(RetryConfig::max_attempts), Some(1));
        let timeouts = config.timeout_config().cloned();
        let attempt = timeouts.as_ref().and_then(TimeoutConfig::operation_attempt_timeout);
        let operation = timeouts.as_ref().and_then(TimeoutConfig::operation_timeout);
        assert_eq!(attempt, Some(ATTEMPT_TIMEOUT));
        assert_eq!(operation, Some(OPERATION_TIMEOUT));
    }
}
