//! What a client sent, taken apart: path, query, credential scope, JSON body.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::simulator::api::ApiError;

/// One request, its body read.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its method.
    pub method: Method,
    /// The parts of its path, decoded.
    pub path: Vec<String>,
    /// Its query, decoded; of a name that comes twice the last one holds.
    pub query: BTreeMap<String, String>,
    /// Who signed it, and for what.
    pub scope: Result<Scope, ApiError>,
    /// Its body.
    pub body: Bytes,
}

/// The credential scope of a signed request, and with it the allowance that it draws on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The access key's id.
    pub access_key: String,
    /// The Region.
    pub region: String,
    /// The signing name of the service: `connect` or `lex`.
    pub service: String,
}

impl Arrival {
    /// Takes a request apart. Nothing here fails: what is wrong with it shows when it is asked for.
    pub fn new(parts: &Parts, body: Bytes) -> Arrival {
        let path = parts.uri.path().trim_start_matches('/');
        Arrival {
            method: parts.method.clone(),
            path: path.split('/').map(decode).collect(),
            query: query(parts.uri.query().unwrap_or("")),
            scope: Scope::of(&parts.headers),
            body,
        }
    }

    /// The body as a JSON object; an empty body is an empty one.
    ///
    /// # Errors
    /// 400 SerializationException, as restJson1 services answer.
    pub fn json(&self) -> Result<Map<String, Value>, ApiError> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(malformed("the body is not a JSON object")),
            Err(error) => Err(malformed(&error.to_string())),
        }
    }
}

impl Scope {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`. The signature itself cannot
    /// be checked: the secret is the client's.
    fn of(headers: &HeaderMap) -> Result<Scope, ApiError> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(ApiError::new(
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ));
        };
        header
            .to_str()
            .ok()
            .and_then(Scope::parse)
            .ok_or_else(|| {
                ApiError::new(
                    403,
                    "IncompleteSignatureException",
                    "The Authorization header is not a signature of AWS4-HMAC-SHA256",
                )
            })
    }

    fn parse(header: &str) -> Option<Scope> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let credential = fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix("Credential="))?;
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key, _date, region, service, "aws4_request"] = parts[..] else {
            return None;
        };
        let whole = ![access_key, region, service].contains(&"") && fields.contains("Signature=");
        whole.then(|| Scope {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }
}

/// 400 for a body that cannot be read.
pub fn malformed(what: &str) -> ApiError {
    ApiError::new(400, "SerializationException", what)
}

fn query(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Percent-decoded; what is no UTF-8 then becomes U+FFFD, and fits no id.
fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
