//! The grammar of single values: shares, ids.

use std::fmt;

/// A share of something that must match, such as `95%` or `97.5%`; exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// In units of a billionth of a per cent.
    nano_percent: u64,
}

impl Share {
    const ONE_PERCENT: u64 = 1_000_000_000;

    /// Reads `95%` or `97.5%`: 0 to 100, at most nine decimals.
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "a share such as 95% or 97.5%, from 0% to 100%";
        let number = text.strip_suffix('%').ok_or(EXPECTED)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 9 || whole.len() > 3 {
            return Err(EXPECTED.to_owned());
        }
        let whole: u64 = whole.parse().map_err(|_| EXPECTED)?;
        let decimals: u64 = format!("{decimals:0<9}").parse().map_err(|_| EXPECTED)?;
        let nano_percent = whole * Self::ONE_PERCENT + decimals;
        if nano_percent > 100 * Self::ONE_PERCENT {
            return Err(EXPECTED.to_owned());
        }
        Ok(Self { nano_percent })
    }

    /// Whether `matched` of `total` is at least this share, compared exactly.
    pub fn is_met(self, matched: u64, total: u64) -> bool {
        u128::from(matched) * 100 * u128::from(Self::ONE_PERCENT)
            >= u128::from(self.nano_percent) * u128::from(total)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.nano_percent / Self::ONE_PERCENT;
        let decimals = format!("{:09}", self.nano_percent % Self::ONE_PERCENT);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole} %"),
            decimals => write!(f, "{whole}.{decimals} %"),
        }
    }
}

/// Checks a Region name such as `us-east-1`.
pub fn check_region(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('-').collect();
    let valid = parts.len() >= 3
        && parts.iter().all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
        && parts.last().is_some_and(|part| part.chars().all(|c| c.is_ascii_digit()));
    if valid { Ok(()) } else { Err("a Region such as us-east-1".to_owned()) }
}

/// Checks a Lex id: exactly 10 letters and digits (the pattern of the Lex V2 service model).
pub(super) fn check_lex_id(text: &str) -> Result<(), String> {
    if text.len() == 10 && text.chars().all(|c| c.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err("an id of exactly 10 letters and digits".to_owned())
    }
}

/// Checks a Lex locale such as `en_US`.
pub(super) fn check_locale(text: &str) -> Result<(), String> {
    let valid = text.split_once('_').is_some_and(|(language, country)| {
        (2..=3).contains(&language.len())
            && language.chars().all(|c| c.is_ascii_lowercase())
            && (2..=4).contains(&country.len())
            && country.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if valid { Ok(()) } else { Err("a locale such as en_US or es_419".to_owned()) }
}

/// Whether a text may be an id of Connect's of at most `max` characters.
fn is_connect_id(text: &str, max: usize) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=max).contains(&text.len()) && text.chars().all(fits)
}

/// The longest id of an instance (Connect service model).
const MAX_INSTANCE_ID: usize = 100;

/// The longest id of a test case (Connect service model).
const MAX_TEST_CASE_ID: usize = 500;

/// A Connect test case, named by its id or by its ARN, which also says where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestCaseId {
    /// The id alone, as it is sent to AWS.
    pub(super) id: String,
    /// The instance that the ARN names.
    pub(super) instance: Option<InstanceId>,
}

impl TestCaseId {
    /// Reads an id, or the ARN of a test case.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "a test case id (letters, digits, `-` and `_`) or an ARN such as \
            arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-3333-4444-555555555555/\
            test-case/66666666-7777-8888-9999-000000000000";
        if !text.starts_with("arn:") {
            return match is_connect_id(text, MAX_TEST_CASE_ID) {
                true => Ok(Self { id: text.to_owned(), instance: None }),
                false => Err(EXPECTED.to_owned()),
            };
        }
        let (arn, id) = text.split_once("/test-case/").ok_or(EXPECTED)?;
        let instance = InstanceId::parse(arn).map_err(|_| EXPECTED)?;
        match is_connect_id(id, MAX_TEST_CASE_ID) {
            true => Ok(Self { id: id.to_owned(), instance: Some(instance) }),
            false => Err(EXPECTED.to_owned()),
        }
    }
}

/// A Connect instance, named by its id or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceId {
    /// The id alone, as it is sent to AWS.
    pub id: String,
    /// The Region that the ARN names.
    pub region: Option<String>,
    /// The account that the ARN names.
    pub account: Option<String>,
}

impl InstanceId {
    /// Reads an id (1 to 100 characters in the Connect service model) or an instance ARN.
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "an instance id, or an ARN such as \
            arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-3333-4444-555555555555";
        let valid = |id: &str| is_connect_id(id, MAX_INSTANCE_ID);
        if !text.starts_with("arn:") {
            return if valid(text) {
                Ok(Self { id: text.to_owned(), region: None, account: None })
            } else {
                Err(EXPECTED.to_owned())
            };
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, "connect", region, account, resource]
                if partition.starts_with("aws")
                    && check_region(region).is_ok()
                    && account.len() == 12
                    && account.chars().all(|c| c.is_ascii_digit()) =>
            {
                let id = resource.strip_prefix("instance/").filter(|id| valid(id));
                let id = id.ok_or_else(|| EXPECTED.to_owned())?;
                let (region, account) = (Some(region.to_owned()), Some(account.to_owned()));
                Ok(Self { id: id.to_owned(), region, account })
            }
            _ => Err(EXPECTED.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
