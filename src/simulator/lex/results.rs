//! The rows of a test execution's results, made from the scenario's counts.
//!
//! The counts are given out as the scenario states them. The rows of single utterances and conversations agree
//! with them as far as they agree with one another: where more intents mismatched than utterances did, the
//! utterances win.

use serde_json::{Map, Value, json};

use crate::simulator::api::{Page, PageRequest};
use crate::simulator::scenario::{Counts, Modality, Results};

/// Names that stand in where the scenario gives none.
const INTENT: &str = "BookHotel";
const SLOT: &str = "City";
const FALLBACK: &str = "FallbackIntent";

/// The five types of results (service model, `TestResultTypeFilter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultType {
    /// One row for single-turn, one for multi-turn conversations.
    Overall,
    /// One row a multi-turn conversation.
    Conversation,
    /// One row an intent.
    Intent,
    /// One row an intent, with its slots.
    Slot,
    /// One row a record of the set.
    Utterance,
}

/// Whether something matched (service model, `TestResultMatchStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// As expected.
    Matched,
    /// Not as expected.
    Mismatched,
    /// Not judged.
    ExecutionError,
}

impl Match {
    /// As the service spells it.
    pub fn name(self) -> &'static str {
        match self {
            Match::Matched => "Matched",
            Match::Mismatched => "Mismatched",
            Match::ExecutionError => "ExecutionError",
        }
    }

    /// What the nth of `counts` is, from 0: the mismatched come first, then the errors, then the rest.
    fn nth(n: u32, counts: Counts) -> Match {
        if n < counts.mismatched() {
            Match::Mismatched
        } else if n < counts.mismatched() + counts.execution_errors {
            Match::ExecutionError
        } else {
            Match::Matched
        }
    }
}

/// The results of one execution.
#[derive(Debug)]
pub struct Sheet {
    results: Results,
    audio: bool,
    intents: Vec<Intent>,
    multi_intents: Vec<(String, Counts)>,
    speech: Option<Counts>,
    /// One entry a single-turn record; made when first asked for.
    rows: Option<Vec<Row>>,
}

#[derive(Debug)]
struct Intent {
    name: String,
    counts: Counts,
    slots: Vec<(String, Counts)>,
}

/// A single-turn record, small: a set holds up to 200,000.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Its place among the intents.
    intent: u32,
    /// Which of the records of its intent whose intent matched it is; that settles its slots.
    nth: u32,
    intent_match: Match,
    end_to_end: Match,
}

impl Sheet {
    /// The results of an execution of `modality`.
    pub fn new(results: Results, modality: Modality) -> Sheet {
        let audio = modality == Modality::Audio;
        let single = results.single;
        let mut intents: Vec<Intent> = match &results.intents {
            Some(intents) => intents
                .iter()
                .map(|(name, &counts)| Intent { name: name.clone(), counts, slots: Vec::new() })
                .collect(),
            None if single.total == 0 => Vec::new(),
            None => vec![Intent { name: INTENT.to_owned(), counts: single, slots: Vec::new() }],
        };
        match &results.slots {
            Some(slots) => {
                for (name, slots) in slots {
                    let slots = slots.iter().map(|(slot, &counts)| (slot.clone(), counts));
                    match intents.iter_mut().find(|intent| intent.name == *name) {
                        Some(intent) => intent.slots.extend(slots),
                        None => intents.push(Intent {
                            name: name.clone(),
                            counts: Counts { total: 0, matched: 0, execution_errors: 0 },
                            slots: slots.collect(),
                        }),
                    }
                }
            }
            None => {
                if let Some(intent) = intents.first_mut().filter(|it| it.counts.matched > 0) {
                    let resolved = intent.counts.matched.div_ceil(2);
                    let counts = Counts { total: resolved, matched: resolved, execution_errors: 0 };
                    intent.slots.push((SLOT.to_owned(), counts));
                }
            }
        }
        let first = intents.first().map_or(INTENT.to_owned(), |it| it.name.clone());
        let multi_intents = match &results.multi_turn {
            None => Vec::new(),
            Some(multi) => match &multi.intents {
                Some(intents) => intents.iter().map(|(n, &c)| (n.clone(), c)).collect(),
                None => {
                    // Two turns of the user a conversation, of which the first one settles it.
                    let of = multi.conversations;
                    let counts = Counts {
                        total: of.total * 2,
                        matched: of.total + of.matched,
                        execution_errors: of.execution_errors,
                    };
                    vec![(first, counts)]
                }
            },
        };
        let heard = Counts { total: single.total, matched: single.total, execution_errors: 0 };
        let speech = results.speech.or(audio.then_some(heard));
        Sheet { results, audio, intents, multi_intents, speech, rows: None }
    }

    /// How many records the set holds.
    pub fn records(&self) -> u64 {
        u64::from(self.results.single.total) + u64::from(self.conversations()) * 3
    }

    /// One page of the items of a type, as JSON. `only` keeps conversations of that end-to-end result.
    pub fn page(&mut self, of: ResultType, only: Option<Match>, page: PageRequest) -> Page<Value> {
        if self.results.empty {
            return Page { items: Vec::new(), next: None };
        }
        if of == ResultType::Utterance && self.rows.is_none() {
            self.rows = Some(self.make_rows());
        }
        let this = &*self;
        match of {
            ResultType::Overall => listed(page, this.overall()),
            ResultType::Intent => listed(page, this.by_intent()),
            ResultType::Slot => listed(page, this.by_slot()),
            ResultType::Conversation => {
                let fits =
                    |&n: &u64| only.is_none_or(|only| this.conversation_match(n as u32) == only);
                let all = (0..u64::from(this.conversations())).filter(fits);
                Page::cut(page, all, |n| this.conversation(n as u32))
            }
            ResultType::Utterance => Page::cut(page, 1..=this.records(), |n| this.utterance(n)),
        }
    }

    fn conversations(&self) -> u32 {
        match &self.results.multi_turn {
            Some(multi) => multi.conversations.total,
            None => 0,
        }
    }

    fn conversation_match(&self, n: u32) -> Match {
        match &self.results.multi_turn {
            Some(multi) => Match::nth(n, multi.conversations),
            None => Match::Matched,
        }
    }

    fn overall(&self) -> Vec<Value> {
        let row = |multi: bool, counts: Counts, speech: Option<Counts>| {
            let mut row = json!({
                "multiTurnConversation": multi,
                "totalResultCount": counts.total,
                "endToEndResultCounts": self.map(counts),
            });
            if let Some(speech) = speech {
                row["speechTranscriptionResultCounts"] = self.map(speech);
            }
            row
        };
        let mut rows = Vec::new();
        if self.results.single.total > 0 {
            rows.push(row(false, self.results.single, self.speech));
        }
        if let Some(multi) = &self.results.multi_turn {
            rows.push(row(true, multi.conversations, None));
        }
        rows
    }

    fn by_intent(&self) -> Vec<Value> {
        let row = |name: &str, multi: bool, counts: Counts| {
            json!({
                "intentName": name,
                "multiTurnConversation": multi,
                "resultCounts": {
                    "totalResultCount": counts.total,
                    "intentMatchResultCounts": self.map(counts),
                },
            })
        };
        let single = self.intents.iter().filter(|it| it.counts.total > 0);
        let multi = self.multi_intents.iter();
        single
            .map(|it| row(&it.name, false, it.counts))
            .chain(multi.map(|(name, counts)| row(name, true, *counts)))
            .collect()
    }

    fn by_slot(&self) -> Vec<Value> {
        let with_slots = self.intents.iter().filter(|it| !it.slots.is_empty());
        with_slots
            .map(|intent| {
                let slots: Vec<Value> = intent
                    .slots
                    .iter()
                    .map(|(slot, counts)| {
                        json!({
                            "slotName": slot,
                            "resultCounts": {
                                "totalResultCount": counts.total,
                                "slotMatchResultCounts": self.map(*counts),
                            },
                        })
                    })
                    .collect();
                json!({
                    "intentName": intent.name,
                    "multiTurnConversation": false,
                    "slotResolutionResults": slots,
                })
            })
            .collect()
    }

    fn conversation(&self, n: u32) -> Value {
        let result = self.conversation_match(n);
        let mut row = json!({
            "conversationId": conversation_id(n),
            "endToEndResult": result.name(),
            "intentClassificationResults": [
                {"intentName": self.multi_intent(), "matchResult": result.name()},
                {"intentName": self.multi_intent(), "matchResult": Match::Matched.name()},
            ],
            "slotResolutionResults": [],
        });
        if self.audio {
            row["speechTranscriptionResult"] = json!(Match::Matched.name());
        }
        row
    }

    fn multi_intent(&self) -> &str {
        self.multi_intents.first().map_or(INTENT, |(name, _)| name)
    }

    fn map(&self, counts: Counts) -> Value {
        let entries = [
            (Match::Matched, counts.matched),
            (Match::Mismatched, counts.mismatched()),
            (Match::ExecutionError, counts.execution_errors),
        ];
        let entries = entries
            .into_iter()
            .filter(|&(_, count)| count > 0 || !self.results.omit_zero_counts)
            .map(|(of, count)| (of.name().to_owned(), json!(count)));
        Value::Object(entries.collect::<Map<String, Value>>())
    }

    /// Record `number`, from 1: first the single-turn ones, then three of each conversation.
    fn utterance(&self, number: u64) -> Value {
        let single = u64::from(self.results.single.total);
        if number > single {
            let n = ((number - single - 1) / 3) as u32;
            let turn = (number - single - 1) % 3;
            return json!({
                "recordNumber": number,
                "conversationId": conversation_id(n),
                "turnResult": self.turn(number, n, turn),
            });
        }
        let row = self.rows.as_ref().and_then(|rows| rows.get(number as usize - 1));
        let turn = row.map_or(Value::Null, |row| self.single(number, *row));
        json!({"recordNumber": number, "turnResult": {"user": turn}})
    }

    fn single(&self, number: u64, row: Row) -> Value {
        let intent = self.intents.get(row.intent as usize);
        let name = intent.map_or(INTENT, |intent| &intent.name);
        let judged = match (row.intent_match, intent) {
            (Match::Matched, Some(intent)) => intent.slots_of(row.nth).collect(),
            _ => Vec::new(),
        };
        let (mut expected, mut actual) = (json!({"name": name}), json!({"name": name}));
        for (slot, result) in &judged {
            expected["slots"][slot] = json!({"value": "Lisbon"});
            if *result == Match::Matched {
                actual["slots"][slot] = json!({"value": "Lisbon"});
            } else {
                actual["slots"][slot] = json!({"value": "Boston"});
            }
        }
        if row.intent_match == Match::Mismatched {
            actual = json!({"name": self.instead_of(row.intent as usize)});
        }
        let mut turn = json!({
            "input": self.input(number),
            "expectedOutput": {"intent": expected},
            "endToEndResult": row.end_to_end.name(),
            "intentMatchResult": row.intent_match.name(),
        });
        if !judged.is_empty() {
            turn["slotMatchResult"] = json!(worst(&judged).name());
        }
        if row.end_to_end == Match::ExecutionError {
            turn["errorDetails"] = json!({
                "errorCode": "DependencyFailedException",
                "errorMessage": "The bot's Lambda function did not answer.",
            });
        } else {
            turn["actualOutput"] = json!({"intent": actual});
        }
        if let Some(speech) = self.speech {
            let heard = Match::nth((number - 1) as u32, speech);
            turn["speechTranscriptionResult"] = json!(heard.name());
        }
        turn
    }

    fn turn(&self, number: u64, n: u32, turn: u64) -> Value {
        let result = self.conversation_match(n);
        let intent = self.multi_intent();
        if turn == 1 {
            let prompt = "For which city?";
            return match result {
                Match::Matched => json!({"agent": {
                    "expectedAgentPrompt": prompt,
                    "actualAgentPrompt": prompt,
                    "actualElicitedSlot": SLOT,
                    "actualIntent": intent,
                }}),
                Match::Mismatched => json!({"agent": {
                    "expectedAgentPrompt": prompt,
                    "actualAgentPrompt": "Sorry, can you say that again?",
                    "actualIntent": FALLBACK,
                }}),
                Match::ExecutionError => json!({"agent": {
                    "expectedAgentPrompt": prompt,
                    "errorDetails": {
                        "errorCode": "DependencyFailedException",
                        "errorMessage": "The bot's Lambda function did not answer.",
                    },
                }}),
            };
        }
        // The first turn of the user settles the conversation; the last one goes well.
        let of_turn = if turn == 0 { result } else { Match::Matched };
        let mut user = json!({
            "input": self.input(number),
            "expectedOutput": {"intent": {"name": intent}},
            "endToEndResult": of_turn.name(),
            "intentMatchResult": of_turn.name(),
            "conversationLevelResult": {"endToEndResult": result.name()},
        });
        match of_turn {
            Match::Matched => user["actualOutput"] = json!({"intent": {"name": intent}}),
            Match::Mismatched => user["actualOutput"] = json!({"intent": {"name": FALLBACK}}),
            Match::ExecutionError => {
                user["errorDetails"] = json!({
                    "errorCode": "DependencyFailedException",
                    "errorMessage": "The bot's Lambda function did not answer.",
                });
            }
        }
        if self.audio {
            user["speechTranscriptionResult"] = json!(Match::Matched.name());
            user["conversationLevelResult"]["speechTranscriptionResult"] =
                json!(Match::Matched.name());
        }
        json!({ "user": user })
    }

    fn input(&self, number: u64) -> Value {
        if self.audio {
            let file = format!("s3://example-test-sets/audio/{number:06}.wav");
            return json!({"utteranceInput": {"audioInput": {"audioFileS3Location": file}}});
        }
        let texts = &self.results.texts;
        let text = match texts.len() {
            0 => format!("I would like to book a hotel for {} nights", number % 28 + 1),
            count => texts[(number - 1) as usize % count].clone(),
        };
        json!({"utteranceInput": {"textInput": text}})
    }

    /// The intent that was taken for another.
    fn instead_of(&self, intent: usize) -> &str {
        let others = self.intents.len();
        match others {
            0 | 1 => FALLBACK,
            _ => &self.intents[(intent + 1) % others].name,
        }
    }

    fn make_rows(&self) -> Vec<Row> {
        let total = self.results.single.total as usize;
        let mut rows = Vec::with_capacity(total);
        for (place, intent) in (0u32..).zip(&self.intents) {
            let mut nth = 0;
            for n in 0..intent.counts.total {
                let intent_match = Match::nth(n, intent.counts);
                let mut end_to_end = intent_match;
                if intent_match == Match::Matched {
                    end_to_end = worst(&intent.slots_of(nth).collect::<Vec<_>>());
                    nth += 1;
                }
                rows.push(Row {
                    intent: place,
                    nth: nth.saturating_sub(1),
                    intent_match,
                    end_to_end,
                });
            }
        }
        // Utterances that the stated intents do not cover: of the first one, understood, without slots.
        let rest = Row {
            intent: 0,
            nth: u32::MAX,
            intent_match: Match::Matched,
            end_to_end: Match::Matched,
        };
        rows.resize(total, rest);
        settle(&mut rows, self.results.single);
        rows
    }
}

impl Intent {
    /// The slots that are judged in the nth record whose intent matched, with what came of them.
    fn slots_of(&self, nth: u32) -> impl Iterator<Item = (&str, Match)> {
        self.slots
            .iter()
            .filter(move |(_, counts)| nth < counts.total)
            .map(move |(slot, counts)| (slot.as_str(), Match::nth(nth, *counts)))
    }
}

/// Makes the end-to-end results of `rows` add up to `want`, changing as few as it can, the last ones first.
fn settle(rows: &mut [Row], want: Counts) {
    let turn = |rows: &mut [Row], from: Match, to: Match, count: usize| {
        let some = rows.iter_mut().rev().filter(|row| row.end_to_end == from);
        for row in some.take(count) {
            row.end_to_end = to;
        }
    };
    let count = |rows: &[Row], of: Match| rows.iter().filter(|row| row.end_to_end == of).count();
    for (of, wanted) in [
        (Match::ExecutionError, want.execution_errors as usize),
        (Match::Mismatched, want.mismatched() as usize),
    ] {
        let seen = count(rows, of);
        turn(rows, of, Match::Matched, seen.saturating_sub(wanted));
    }
    for (of, wanted) in [
        (Match::ExecutionError, want.execution_errors as usize),
        (Match::Mismatched, want.mismatched() as usize),
    ] {
        let seen = count(rows, of);
        turn(rows, Match::Matched, of, wanted.saturating_sub(seen));
    }
}

fn worst(judged: &[(&str, Match)]) -> Match {
    let any = |of: Match| judged.iter().any(|&(_, result)| result == of);
    if any(Match::ExecutionError) {
        Match::ExecutionError
    } else if any(Match::Mismatched) {
        Match::Mismatched
    } else {
        Match::Matched
    }
}

fn conversation_id(n: u32) -> String {
    format!("conversation-{:05}", n + 1)
}

fn listed(page: PageRequest, items: Vec<Value>) -> Page<Value> {
    Page::cut(page, 0..items.len() as u64, |n| items[n as usize].clone())
}
