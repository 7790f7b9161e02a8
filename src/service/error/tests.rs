use super::*;

fn class(status: u16, code: Option<&str>, skewed: bool) -> ErrorClass {
    Reply { status: Some(status), code, retry_after: None, skewed }.class()
}

#[test]
fn a_reply_falls_into_its_class() {
    let throttled = ErrorClass::Throttled { retry_after: None };
    let table = [
        (429, Some("ThrottlingException"), throttled),
        (429, None, throttled),
        (400, Some("ThrottlingException"), throttled),
        (402, Some("ServiceQuotaExceededException"), ErrorClass::Full),
        (409, Some("ConflictException"), ErrorClass::Conflict),
        (400, Some("InvalidParameterException"), ErrorClass::Rejected),
        (403, Some("AccessDeniedException"), ErrorClass::Rejected),
        (404, Some("ResourceNotFoundException"), ErrorClass::Rejected),
        (403, Some("ExpiredTokenException"), ErrorClass::Credentials),
        (400, Some("UnrecognizedClientException"), ErrorClass::Credentials),
        (500, Some("InternalServiceException"), ErrorClass::Ambiguous),
        (503, None, ErrorClass::Ambiguous),
        (403, None, ErrorClass::Ambiguous),
    ];
    for (status, code, expected) in table {
        assert_eq!(class(status, code, false), expected, "{status} {code:?}");
    }
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
