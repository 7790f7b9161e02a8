//! Until when the AWS credentials are good, as far as they say so. What can be refreshed the SDK
//! refreshes by itself, shortly before.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use chrono::{DateTime, Utc};

/// A source that takes longer is asked again by the first call, which tells what it comes to.
const PATIENCE: Duration = Duration::from_secs(3);

/// What an AWS chain has given first, and until when it is good.
pub(super) struct Fetched {
    /// The configuration, whose credentials need not be fetched a second time.
    pub(super) config: SdkConfig,
    /// When they expire; none where they say nothing of it, or there are none.
    pub(super) until: Option<DateTime<Utc>>,
}

/// Fetches the credentials of a configuration ahead of the first call.
pub(super) async fn fetch(config: SdkConfig) -> Fetched {
    let Some(source) = config.credentials_provider() else {
        return Fetched { config, until: None };
    };
    let fetched = tokio::time::timeout(PATIENCE, source.provide_credentials()).await.ok();
    let expiry = match &fetched {
        Some(Ok(credentials)) => credentials.expiry(),
        _ => None,
    };
    let ahead = Ahead { source, fetched: Mutex::new(fetched) };
    let config =
        config.to_builder().credentials_provider(SharedCredentialsProvider::new(ahead)).build();
    Fetched { config, until: expiry.map(DateTime::from) }
}

/// Gives once what was fetched ahead, and then asks the source: it may cost a person a code, or
/// seconds where there is none.
#[derive(Debug)]
struct Ahead {
    source: SharedCredentialsProvider,
    fetched: Mutex<Option<provider::Result>>,
}

impl ProvideCredentials for Ahead {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner).take();
        match fetched {
            Some(fetched) => future::ProvideCredentials::ready(fetched),
            None => self.source.provide_credentials(),
        }
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.source.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::SystemTime;

    use aws_config::BehaviorVersion;

    use super::*;

    #[derive(Debug, Default, Clone)]
    struct Counting(Arc<AtomicU32>);

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(3600);
            let id = format!("ID{number}");
            let credentials = Credentials::new(id, "not-a-secret", None, Some(expiry), "test");
            future::ProvideCredentials::ready(provider::Result::Ok(credentials))
        }
    }

    #[tokio::test]
    async fn what_was_fetched_ahead_is_used_once_and_then_the_source_is_asked_again() {
        let source = Counting::default();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(source.clone()))
            .build();
        let fetched = fetch(config).await;
        assert_eq!(fetched.until, DateTime::from_timestamp(3600, 0));
        let provider = fetched.config.credentials_provider().unwrap();
        for expected in ["ID0", "ID1"] {
            let credentials = provider.provide_credentials().await.unwrap();
            assert_eq!(credentials.access_key_id(), expected);
        }
        assert_eq!(source.0.load(Ordering::Relaxed), 2);
    }
}
