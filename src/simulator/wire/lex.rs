//! The Test Workbench's operations: members in, members out, as the service model spells them.

use serde_json::{Value, json};

use super::http::{self, Asked};
use super::state::Done;
use crate::simulator::api::{ApiError, Page, PageRequest};
use crate::simulator::lex::{Lex, Match, ResultType, SetSummary, Shown, Sort, Start};
use crate::simulator::scenario::{EndToken, Modality};

/// The largest page of any list here (service model).
const PAGE: usize = 1000;

/// Does what a request to Lex asks for.
pub(super) fn act(
    lex: &mut Lex,
    end_token: EndToken,
    now: u64,
    region: &str,
    asked: &Asked,
) -> Result<Done, ApiError> {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let body = asked.body()?;
    match path[..] {
        ["testsets", set, "testexecutions"] => {
            let shown = lex.start(now, region, start(set, &body)?)?;
            Ok(Done { status: 202, body: started_body(&shown) })
        }
        ["testexecutions", execution] => {
            let shown = lex.describe(now, region, execution)?;
            let mut body = shown_body(&shown);
            body["failureReasons"] = json!(shown.failure_reasons);
            Ok(Done { status: 200, body })
        }
        ["testexecutions"] => {
            let page = page(&body)?;
            let shown = lex.executions(now, region, sort(&body)?, page);
            let (items, next) = items(shown, |shown| shown_body(&shown));
            Ok(paged(json!({ "testExecutions": items }), next, end_token))
        }
        ["testexecutions", execution, "results"] => {
            let (of, only) = result_filter(&body)?;
            let page = lex.results(now, region, execution, of, only, page(&body)?)?;
            let (items, next) = items(page, |item| item);
            let body = json!({ "testExecutionResults": { member_of(of): { "items": items } } });
            Ok(paged(body, next, end_token))
        }
        ["testsets"] => {
            let page = page(&body)?;
            let sets = lex.sets(region, sort(&body)?, page);
            let (items, next) = items(sets, |set| set_body(&set));
            Ok(paged(json!({ "testSets": items }), next, end_token))
        }
        ["testsets", set] => Ok(Done { status: 200, body: set_body(&lex.set(set)?) }),
        _ => Err(ApiError::new(404, "UnknownOperationException", "no such operation")),
    }
}

fn items<T>(page: Page<T>, item: impl Fn(T) -> Value) -> (Vec<Value>, Option<u64>) {
    (page.items.into_iter().map(item).collect(), page.next)
}

fn paged(mut body: Value, next: Option<u64>, end_token: EndToken) -> Done {
    match (next, end_token) {
        (Some(cursor), _) => body["nextToken"] = json!(http::token(cursor)),
        (None, EndToken::Empty) => body["nextToken"] = json!(""),
        (None, EndToken::ExplicitNull) => body["nextToken"] = Value::Null,
        (None, EndToken::Absent) => {}
    }
    Done { status: 200, body }
}

fn text<'v>(value: &'v Value, member: &str) -> Result<&'v str, ApiError> {
    value[member].as_str().ok_or_else(|| {
        ApiError::validation(format!("Value at '{member}' failed to satisfy constraint: not null"))
    })
}

/// One of the words that the service model knows for a member.
fn word<T: Copy>(value: &Value, member: &str, words: &[(&str, T)]) -> Result<T, ApiError> {
    let text = text(value, member)?;
    let known = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    known.ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let words = words.join(", ");
        ApiError::validation(format!("Value at '{member}' must satisfy enum value set: [{words}]"))
    })
}

fn start(set: &str, body: &Value) -> Result<Start, ApiError> {
    let target = &body["target"]["botAliasTarget"];
    let modalities = [("Text", Modality::Text), ("Audio", Modality::Audio)];
    let modality = match &body["testExecutionModality"] {
        Value::Null => None,
        _ => Some(word(body, "testExecutionModality", &modalities)?),
    };
    Ok(Start {
        test_set_id: set.to_owned(),
        bot_id: text(target, "botId")?.to_owned(),
        bot_alias_id: text(target, "botAliasId")?.to_owned(),
        locale_id: text(target, "localeId")?.to_owned(),
        api_mode: text(body, "apiMode")?.to_owned(),
        modality,
    })
}

fn page(body: &Value) -> Result<PageRequest, ApiError> {
    let max = match &body["maxResults"] {
        Value::Null => None,
        max => Some(max.to_string()),
    };
    http::page(max.as_deref(), body["nextToken"].as_str(), PAGE).map_err(ApiError::validation)
}

fn sort(body: &Value) -> Result<Option<Sort>, ApiError> {
    let by = &body["sortBy"];
    if by.is_null() {
        return Ok(None);
    }
    let attributes =
        [("TestSetName", true), ("CreationDateTime", false), ("LastUpdatedDateTime", false)];
    Ok(Some(Sort {
        by_name: word(by, "attribute", &attributes)?,
        descending: word(by, "order", &[("Ascending", false), ("Descending", true)])?,
    }))
}

fn result_filter(body: &Value) -> Result<(ResultType, Option<Match>), ApiError> {
    let filter = &body["resultFilterBy"];
    let types = [
        ("OverallTestResults", ResultType::Overall),
        ("ConversationLevelTestResults", ResultType::Conversation),
        ("IntentClassificationTestResults", ResultType::Intent),
        ("SlotResolutionTestResults", ResultType::Slot),
        ("UtteranceLevelResults", ResultType::Utterance),
    ];
    let of = word(filter, "resultTypeFilter", &types)?;
    let matches = [Match::Matched, Match::Mismatched, Match::ExecutionError];
    let by = &filter["conversationLevelTestResultsFilterBy"];
    let only = match &by["endToEndResult"] {
        Value::Null => None,
        _ => Some(word(by, "endToEndResult", &matches.map(|known| (known.name(), known)))?),
    };
    Ok((of, only))
}

fn member_of(of: ResultType) -> &'static str {
    match of {
        ResultType::Overall => "overallTestResults",
        ResultType::Conversation => "conversationLevelTestResults",
        ResultType::Intent => "intentClassificationTestResults",
        ResultType::Slot => "intentLevelSlotResolutionTestResults",
        ResultType::Utterance => "utteranceLevelTestResults",
    }
}

/// Epoch seconds with decimals.
fn time(epoch_ms: u64) -> Value {
    json!(epoch_ms as f64 / 1000.0)
}

fn modality(modality: Modality) -> &'static str {
    match modality {
        Modality::Text => "Text",
        Modality::Audio => "Audio",
    }
}

/// The reply to a start: it has no status.
fn started_body(shown: &Shown) -> Value {
    let mut body = json!({
        "testExecutionId": shown.execution_id,
        "creationDateTime": time(shown.created),
        "testSetId": shown.start.test_set_id,
        "target": {
            "botAliasTarget": {
                "botId": shown.start.bot_id,
                "botAliasId": shown.start.bot_alias_id,
                "localeId": shown.start.locale_id,
            },
        },
        "apiMode": shown.start.api_mode,
    });
    if let Some(known) = shown.start.modality {
        body["testExecutionModality"] = json!(modality(known));
    }
    body
}

fn shown_body(shown: &Shown) -> Value {
    let mut body = started_body(shown);
    body["lastUpdatedDateTime"] = time(shown.updated);
    body["testExecutionStatus"] = json!(shown.status);
    body["testSetName"] = json!(shown.test_set_name);
    body
}

fn set_body(set: &SetSummary) -> Value {
    json!({
        "testSetId": set.id,
        "testSetName": set.name,
        "modality": modality(set.modality),
        "status": set.status,
        "roleArn": "arn:aws:iam::111122223333:role/lex-test-workbench",
        "numTurns": set.turns,
        "storageLocation": { "s3BucketName": "example-test-sets", "s3Path": set.name },
        "creationDateTime": time(set.created),
        "lastUpdatedDateTime": time(set.created),
    })
}
