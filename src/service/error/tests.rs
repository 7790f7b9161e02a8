use aws_sdk_connect::operation::start_test_case_execution::StartTestCaseExecutionError;
use aws_sdk_connect::types::error::ResourceNotFoundException;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::error::ErrorMetadata;

use super::*;

fn class(status: u16, code: Option<&str>, skewed: bool) -> ErrorClass {
    Reply { status: Some(status), code, is_start: true, retry_after: None, skewed }.class()
}

#[test]
fn a_reply_falls_into_its_class() {
    let throttled = ErrorClass::Throttled { retry_after: None };
    let table = [
        (429, Some("ThrottlingException"), throttled),
        (429, None, throttled),
        (400, Some("ThrottlingException"), throttled),
        (402, Some("ServiceQuotaExceededException"), ErrorClass::Full { retry_after: None }),
        (429, Some("LimitExceededException"), ErrorClass::Full { retry_after: None }),
        (409, Some("ConflictException"), ErrorClass::Conflict),
        (400, Some("InvalidParameterException"), ErrorClass::Rejected),
        (403, Some("AccessDeniedException"), ErrorClass::Rejected),
        (404, Some("ResourceNotFoundException"), ErrorClass::Rejected),
        (403, Some("ExpiredTokenException"), ErrorClass::Credentials),
        (400, Some("UnrecognizedClientException"), ErrorClass::Credentials),
        (500, Some("InternalServiceException"), ErrorClass::Ambiguous),
        (503, None, ErrorClass::Ambiguous),
        (403, None, ErrorClass::Ambiguous),
        (400, Some("RequestTimeout"), ErrorClass::Ambiguous),
    ];
    for (status, code, expected) in table {
        assert_eq!(class(status, code, false), expected, "{status} {code:?}");
    }
}

#[test]
fn a_quota_that_comes_with_429_is_no_throttle() {
    let reply = |is_start| {
        let code = Some("LimitExceededException");
        Reply { status: Some(429), code, is_start, retry_after: None, skewed: false }.class()
    };
    assert_eq!(reply(true), ErrorClass::Full { retry_after: None });
    assert_eq!(reply(false), ErrorClass::Rejected);
}

#[test]
fn a_refused_signature_with_clocks_apart_is_skew() {
    let skew = |denied| ErrorClass::ClockSkew { denied };
    assert_eq!(class(403, Some("InvalidSignatureException"), true), skew(false));
    assert_eq!(class(403, Some("AccessDeniedException"), true), skew(true));
    assert_eq!(class(403, Some("ExpiredTokenException"), true), ErrorClass::Credentials);
    let now = DateTime::parse_from_rfc3339("2026-01-01T12:00:00Z").unwrap().to_utc();
    assert!(is_skewed("Thu, 01 Jan 2026 12:04:01 GMT", now));
    assert!(is_skewed("Thu, 01 Jan 2026 11:55:59 GMT", now));
    assert!(!is_skewed("Thu, 01 Jan 2026 12:03:59 GMT", now));
    assert!(!is_skewed("yesterday", now));
}

#[test]
fn retry_after_is_believed_within_reason() {
    assert_eq!(retry_after("2"), Some(Duration::from_secs(2)));
    assert_eq!(retry_after("86400"), Some(MAX_RETRY_AFTER));
    assert_eq!(retry_after("-1"), None);
    assert_eq!(retry_after("soon"), None);
}

type Failure = SdkError<StartTestCaseExecutionError, HttpResponse>;

fn read_class(error: &Failure) -> (ErrorClass, String) {
    let read = read("StartTestCaseExecution", error, DateTime::UNIX_EPOCH);
    (read.class, read.error.message)
}

fn dispatch(source: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    SdkError::dispatch_failure(ConnectorError::other(source.into(), None))
}

#[test]
fn what_came_to_no_reply_may_have_acted_unless_it_never_left() {
    let text = || Box::<dyn Error + Send + Sync>::from("broken pipe");
    let response = HttpResponse::new(200.try_into().unwrap(), "<html>".into());
    let table: [(Failure, ErrorClass); 6] = [
        (SdkError::timeout_error(text()), ErrorClass::Ambiguous),
        (SdkError::dispatch_failure(ConnectorError::io(text())), ErrorClass::Ambiguous),
        (SdkError::response_error(text(), response), ErrorClass::Ambiguous),
        // The SDK's client knows no other time-out than that of connecting.
        (SdkError::dispatch_failure(ConnectorError::timeout(text())), ErrorClass::Unsent),
        (dispatch("no endpoint"), ErrorClass::Unsent),
        (SdkError::construction_failure(text()), ErrorClass::Rejected),
    ];
    for (error, expected) in table {
        assert_eq!(read_class(&error).0, expected, "{error:?}");
    }
}

#[test]
fn credentials_that_are_not_there_differ_from_those_that_could_not_be_had_just_now() {
    let none = CredentialsError::not_loaded("no providers in chain provided credentials");
    let (class, message) = read_class(&dispatch(none));
    assert_eq!(class, ErrorClass::Credentials);
    assert!(message.starts_with("no AWS credentials were found"), "{message}");
    let wrong = CredentialsError::invalid_configuration("no such profile");
    assert_eq!(read_class(&dispatch(wrong)).0, ErrorClass::Credentials);
    let helper = CredentialsError::provider_error("stderr: token=hunter2");
    let (class, message) = read_class(&dispatch(helper));
    assert_eq!(class, ErrorClass::CredentialsSource);
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn what_aws_says_is_kept() {
    let meta = ErrorMetadata::builder().code("ResourceNotFoundException").message("gone").build();
    let error = ResourceNotFoundException::builder().message("gone").meta(meta).build();
    let mut response = HttpResponse::new(404.try_into().unwrap(), "{}".into());
    response.headers_mut().insert("x-amzn-requestid", "r-1");
    let error = StartTestCaseExecutionError::ResourceNotFoundException(error);
    let error = SdkError::service_error(error, response);
    let read = read("StartTestCaseExecution", &error, DateTime::UNIX_EPOCH);
    assert_eq!(read.class, ErrorClass::Rejected);
    assert_eq!(
        read.error.to_string(),
        "StartTestCaseExecution: ResourceNotFoundException: gone (request id r-1)"
    );
    assert_eq!(read.error.status, Some(404));
}
