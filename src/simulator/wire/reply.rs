//! What goes back: status, headers, body; errors in the shape of each service; page tokens.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::simulator::api::{ApiError, PageRequest};
use crate::simulator::scenario::EndToken;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// One of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon Connect.
    Connect,
    /// Amazon Lex V2, model building.
    Lex,
}

impl Service {
    /// The name in the credential scope (service models, `signingName`).
    pub fn signing_name(self) -> &'static str {
        match self {
            Service::Connect => "connect",
            Service::Lex => "lex",
        }
    }

    /// How the service spells the message of an error (service models: `Message` in Connect, `message` in Lex).
    fn message_member(self) -> &'static str {
        match self {
            Service::Connect => "Message",
            Service::Lex => "message",
        }
    }

    /// The code of an error that a scenario gives a status but no code.
    pub fn code_of(self, status: u16) -> &'static str {
        match (status, self) {
            (400, Service::Connect) => "InvalidRequestException",
            (400, Service::Lex) => "ValidationException",
            (402, _) => "ServiceQuotaExceededException",
            (403, _) => "AccessDeniedException",
            (404, _) => "ResourceNotFoundException",
            (409, _) => "ConflictException",
            (429, _) => "ThrottlingException",
            (503, _) => "ServiceUnavailableException",
            (_, Service::Connect) => "InternalServiceException",
            (_, Service::Lex) => "InternalServerException",
        }
    }
}

/// A reply, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// AWS's error code.
    pub code: Option<String>,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// `x-amzn-RequestId`.
    pub request_id: String,
    /// Epoch milliseconds of the model, for the `Date` header: the service's clock is the model's.
    pub date_ms: u64,
    /// Media type.
    pub content_type: &'static str,
    /// The bytes of the body.
    pub body: Bytes,
}

impl Reply {
    /// A reply of JSON.
    pub fn json(status: u16, body: &Value) -> Reply {
        Reply {
            status,
            code: None,
            retry_after: None,
            request_id: String::new(),
            date_ms: 0,
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
        }
    }

    /// An error, in the service's shape.
    pub fn error(service: Service, error: &ApiError) -> Reply {
        let body = json!({ service.message_member(): error.message });
        Reply {
            code: Some(error.code.clone().into_owned()),
            retry_after: error.retry_after,
            ..Reply::json(error.status, &body)
        }
    }

    /// As hyper sends it.
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let texts = [
            (REQUEST_ID, Some(self.request_id)),
            (ERROR_TYPE, self.code),
            (RETRY_AFTER, self.retry_after.map(|seconds| seconds.to_string())),
            (DATE, http_date(self.date_ms)),
        ];
        for (name, text) in texts {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

fn http_date(ms: u64) -> Option<String> {
    let date: DateTime<Utc> = DateTime::from_timestamp_millis(i64::try_from(ms).ok()?)?;
    Some(date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// What a scenario's fault does to the page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageFault {
    /// Nothing.
    #[default]
    None,
    /// No items, and a token for the same place.
    Empty,
    /// The items, and a token for the same place.
    Repeat,
}

/// The tokens of one list: opaque, and bound to the list so that no other takes them.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a> {
    /// The list: its operation, and what it is a list of.
    pub list: &'a str,
    /// How the end is told.
    pub end: EndToken,
    /// What goes wrong.
    pub fault: PageFault,
}

/// Characters that have to be encoded in a query: real tokens hold them, and clients must bear them.
const TAIL: &str = "+/==";

impl Tokens<'_> {
    /// Reads a token; `None` where it is none of this list's.
    pub fn read(&self, token: Option<&str>) -> Option<Option<u64>> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Some(None);
        };
        let digits = token.strip_suffix(TAIL)?;
        let (digits, check) = digits.split_at_checked(16)?;
        let number = u64::from_str_radix(digits, 16).ok()?;
        let number = number.checked_sub(1);
        (check == self.check(number)).then_some(number)
    }

    /// Writes the member that leads to the next page, if there is to be one.
    ///
    /// `request` is the page that was asked for, `next` what the model gives as the place after it.
    pub fn write(&self, request: PageRequest, next: Option<u64>) -> Option<String> {
        let token = |number: Option<u64>| {
            let place = number.map_or(0, |number| number.saturating_add(1));
            format!("{place:016x}{}{TAIL}", self.check(number))
        };
        match (self.fault, next, self.end) {
            (PageFault::Empty | PageFault::Repeat, _, _) => Some(token(request.cursor)),
            (PageFault::None, Some(next), _) => Some(token(Some(next))),
            (PageFault::None, None, EndToken::Absent) => None,
            (PageFault::None, None, EndToken::Empty) => Some(String::new()),
        }
    }

    /// A few letters that depend on the list and the place.
    fn check(&self, number: Option<u64>) -> String {
        let text = format!("{} {number:?}", self.list);
        let drawn = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes());
        drawn.simple().to_string()
    }
}
