//! What of HTTP the services need: paths, queries, signing scopes, JSON replies, errors.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::DateTime;
use http_body_util::Full;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Reply;
use crate::simulator::api::{ApiError, PageRequest};

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// The path's segments, decoded: an ARN in a path comes encoded.
    pub(super) path: Vec<String>,
    query: HashMap<String, String>,
    body: Bytes,
}

impl Asked {
    pub(super) fn new(head: &Parts, body: &Bytes) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let path = head.uri.path().trim_matches('/').split('/').map(decode).collect();
        let query = head.uri.query().unwrap_or_default().split('&');
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        };
        Self {
            method: head.method.clone(),
            path,
            query: query.filter(|pair| !pair.is_empty()).map(pair).collect(),
            body: body.clone(),
        }
    }

    pub(super) fn query(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }

    /// The body as a JSON object; an empty body is an empty object.
    pub(super) fn body(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(&self.body).ok().filter(Value::is_object).ok_or_else(|| {
            ApiError::new(400, "SerializationException", "the body is not a JSON object")
        })
    }
}

/// The page that `max` and `token` ask for; `most` is the largest that the service model allows,
/// and what is given where none is asked for.
pub(super) fn page(
    max: Option<&str>,
    token: Option<&str>,
    most: usize,
) -> Result<PageRequest, String> {
    let max = match max {
        Some(max) => max.parse().ok().filter(|max| (1..=most).contains(max)),
        None => Some(most),
    };
    let max = max.ok_or_else(|| format!("maxResults goes from 1 to {most}"))?;
    let cursor = match token.filter(|token| !token.is_empty()) {
        None | Some(FIRST_PAGE) => None,
        Some(token) => {
            let number = token.strip_prefix("after-").and_then(|number| number.parse().ok());
            Some(number.ok_or_else(|| "nextToken is not one of this list".to_owned())?)
        }
    };
    Ok(PageRequest { cursor, max })
}

/// The token that leads to the first page, for faults that lead in a circle.
pub(super) const FIRST_PAGE: &str = "first";

/// The token for what follows an item.
pub(super) fn token(cursor: u64) -> String {
    format!("after-{cursor}")
}

/// What a call is signed for (SigV4's credential scope). The signature itself is not checked:
/// the simulator knows no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) access_key_id: String,
    pub(super) region: String,
}

impl Scope {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let header = headers.get("authorization")?.to_str().ok()?;
        let scope = header.strip_prefix("AWS4-HMAC-SHA256 ")?.split("Credential=").nth(1)?;
        let mut parts = scope.split([',', ' ']).next()?.split('/');
        let access_key_id = parts.next()?.to_owned();
        let region = parts.nth(1)?.to_owned();
        Some(Self { access_key_id, region })
    }
}

/// A reply with a JSON body.
pub(super) fn json(status: u16, body: &Value) -> Reply {
    body_of(status, "application/json", body.to_string())
}

/// A reply with any body.
pub(super) fn body_of(status: u16, content_type: &'static str, body: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    set(&mut reply, "content-type", content_type);
    reply
}

/// Sets a header; a value that cannot stand in one is left out.
pub(super) fn set(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        reply.headers_mut().insert(name, value);
    }
}

/// Sets the date of a reply (epoch milliseconds), in the form that HTTP gives it.
pub(super) fn set_date(reply: &mut Reply, now_ms: u64) {
    let now = i64::try_from(now_ms).ok().and_then(DateTime::from_timestamp_millis);
    if let Some(now) = now {
        set(reply, "date", &now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
}

/// An error as restJson1 sends it; `message` is the member that the service's model names it by.
pub(super) fn error(error: &ApiError, message: &'static str) -> Reply {
    let mut reply = json(error.status, &json!({ message: error.message }));
    set(&mut reply, "x-amzn-errortype", &error.code);
    if let Some(seconds) = error.retry_after {
        set(&mut reply, "retry-after", &seconds.to_string());
    }
    reply
}

pub(super) fn too_large() -> Reply {
    let large = ApiError::new(413, "RequestEntityTooLargeException", "the body is over 1 MiB");
    error(&large, "message")
}
