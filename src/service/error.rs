//! SDK errors to [`CallError`]: the one place where they are read.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use chrono::{DateTime, Utc};

use super::{CallError, ErrorClass};
use crate::outcome::AwsError;

/// Codes that say that the credentials themselves are the trouble, whatever the status.
const CREDENTIAL_CODES: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Codes of throttling, whatever the status.
const THROTTLING_CODES: &[&str] = &[
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
];

/// A quota rather than a throttle, though it comes with 429 (service model of Connect). It is told from
/// one by its code alone.
const LIMIT_CODE: &str = "LimitExceededException";

/// Codes of trouble on the way that come with a 4xx: those that the SDK takes for transient.
const TRANSIENT_CODES: &[&str] = &["RequestTimeout", "RequestTimeoutException"];

/// Codes behind which the clocks may stand: those that the SDK takes for one.
const SKEW_CODES: &[&str] = &[
    "AccessDeniedException",
    "AuthFailure",
    "InvalidSignatureException",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// Clocks that differ by more are the reason of a refused signature (AWS allows 5 minutes; the
/// SDK takes 4).
const SKEW: Duration = Duration::from_secs(4 * 60);

/// What is said where the AWS chain has no credentials.
const NO_CREDENTIALS: &str = "no AWS credentials were found: not in the environment, a profile, \
                              web identity, a container or an instance";

/// The longest pause that a `Retry-After` is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Reads an error of `operation`; `now` is compared with the date of the reply.
pub(super) fn read<E>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
    now: DateTime<Utc>,
) -> CallError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let response = error.raw_response();
    let status = response.map(|response| response.status().as_u16());
    let header = |name: &str| response.and_then(|response| response.headers().get(name));
    let service_error = error.as_service_error();
    let code = service_error.and_then(ProvideErrorMetadata::code).map(str::to_owned);
    let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
    let message = match service_error {
        Some(error) => error.message().map_or_else(|| "no message".to_owned(), str::to_owned),
        None => chain(error),
    };
    let reply = Reply {
        status: status.filter(|_| service_error.is_some()),
        code: code.as_deref(),
        is_start: operation.starts_with("Start"),
        retry_after: header("retry-after").and_then(retry_after),
        skewed: header("date").is_some_and(|date| is_skewed(date, now)),
    };
    let class = match error {
        SdkError::ServiceError(_) => reply.class(),
        SdkError::ConstructionFailure(_) => ErrorClass::Rejected,
        SdkError::DispatchFailure(failure) => undispatched(error, failure.is_io()),
        _ => ErrorClass::Ambiguous,
    };
    CallError {
        class,
        error: Box::new(AwsError {
            operation: operation.to_owned(),
            code,
            message,
            status,
            request_id: request_id.map(str::to_owned),
        }),
    }
}

/// A call that is not this service's: a fault of this program's own, and no use to repeat.
pub(super) fn misdirected(operation: &'static str) -> CallError {
    CallError {
        class: ErrorClass::Rejected,
        error: own_error(operation, "the call is of the other service"),
    }
}

/// An error that is not AWS's.
pub(super) fn own_error(operation: &str, message: &str) -> Box<AwsError> {
    Box::new(AwsError {
        operation: operation.to_owned(),
        code: None,
        message: message.to_owned(),
        status: None,
        request_id: None,
    })
}

/// A reply that could be used lacks something it must have: the call may well have taken effect.
pub(super) fn unreadable(operation: &'static str, missing: &str) -> CallError {
    let message = format!("the reply has no {missing}");
    CallError { class: ErrorClass::Ambiguous, error: own_error(operation, &message) }
}

/// What of a reply decides the class.
struct Reply<'a> {
    /// None where the reply could not be read as AWS's.
    status: Option<u16>,
    code: Option<&'a str>,
    /// Whether it is the reply to a start.
    is_start: bool,
    retry_after: Option<Duration>,
    skewed: bool,
}

impl Reply<'_> {
    fn class(&self) -> ErrorClass {
        let is = |codes: &[&str]| self.code.is_some_and(|code| codes.contains(&code));
        match self.status {
            _ if is(TRANSIENT_CODES) => ErrorClass::Ambiguous,
            Some(400..500) if self.skewed && is(SKEW_CODES) => {
                ErrorClass::ClockSkew { denied: is(&["AccessDeniedException"]) }
            }
            _ if is(CREDENTIAL_CODES) => ErrorClass::Credentials,
            // There may be room for a start later. Any other call over a quota fails for good.
            _ if is(&[LIMIT_CODE]) && self.is_start => {
                ErrorClass::Full { retry_after: self.retry_after }
            }
            _ if is(&[LIMIT_CODE]) => ErrorClass::Rejected,
            Some(429) => ErrorClass::Throttled { retry_after: self.retry_after },
            _ if is(THROTTLING_CODES) => ErrorClass::Throttled { retry_after: self.retry_after },
            Some(402) => ErrorClass::Full { retry_after: self.retry_after },
            Some(409) => ErrorClass::Conflict,
            // A 4xx without a code is not AWS's: a proxy's, say, which may speak for anything.
            Some(400..500) if self.code.is_some() => ErrorClass::Rejected,
            _ => ErrorClass::Ambiguous,
        }
    }
}

fn retry_after(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(MAX_RETRY_AFTER.as_secs_f64())))
}

fn is_skewed(date: &str, now: DateTime<Utc>) -> bool {
    DateTime::parse_from_rfc2822(date)
        .is_ok_and(|date| (now - date.to_utc()).abs().to_std().is_ok_and(|skew| skew > SKEW))
}

fn sources<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// What follows where no reply came. Whatever fails before the call is on the wire comes as a
/// dispatch failure, too: credentials, endpoints, name resolution, the connection.
fn undispatched(error: &(dyn Error + 'static), is_io: bool) -> ErrorClass {
    for source in sources(error) {
        if let Some(error) = source.downcast_ref::<CredentialsError>() {
            return match error {
                CredentialsError::CredentialsNotLoaded(_)
                | CredentialsError::InvalidConfiguration(_) => ErrorClass::Credentials,
                // Such as a 503 of the service that gives them out: it may pass.
                _ => ErrorClass::CredentialsSource,
            };
        }
        if let Some(error) = source.downcast_ref::<hyper_util::client::legacy::Error>() {
            return if error.is_connect() { ErrorClass::Unsent } else { ErrorClass::Ambiguous };
        }
        if source.is::<hyper::Error>() {
            return ErrorClass::Ambiguous;
        }
    }
    if is_io { ErrorClass::Ambiguous } else { ErrorClass::Unsent }
}

/// The error with its sources, each said once. Behind credentials that could not be had may stand
/// the output of a helper program, which may hold secrets: it is left out.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut secret = false;
    for source in sources(error) {
        if secret {
            break;
        }
        secret = matches!(
            source.downcast_ref::<CredentialsError>(),
            Some(CredentialsError::ProviderError(_) | CredentialsError::Unhandled(_))
        );
        let part = match source.downcast_ref::<CredentialsError>() {
            // The SDK tells what each link of its chain was not: a page, none of it news.
            Some(CredentialsError::CredentialsNotLoaded(_)) => {
                text.clear();
                secret = true;
                NO_CREDENTIALS.to_owned()
            }
            _ => source.to_string(),
        };
        if !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
    }
    text
}

#[cfg(test)]
mod tests;
