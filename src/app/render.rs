//! `callcheck render`: the other reports again, from the JSON report of a run.

use super::host::{show, summary_at};
use super::{Console, Error};
use crate::cli::RenderArgs;
use crate::error::Kind;
use crate::exit;
use crate::outcome::{LexResults, RunSummary, Speaker, Turn};
use crate::report::json;
use crate::report::junit::LexCases;
use crate::report::writer::{Moment, Outputs};

/// Makes the reports that are asked for, and shows the end of the run as its log did.
pub(super) fn render(args: &RenderArgs, console: &Console) -> Result<u8, Error> {
    let path = &args.report;
    let outputs = Outputs {
        junit: args.junit.clone(),
        junit_lex: args.junit_lex.into(),
        json: None,
        html: args.html.clone(),
        summary: args.summary.clone().map(summary_at),
        step_outputs: None,
    };
    if let Some(clash) = outputs.clash(std::slice::from_ref(path)) {
        return Err(Error::new(Kind::Invalid, clash).hint("give each report a path of its own"));
    }
    let failed = |cause: String| {
        Error::new(Kind::Invalid, format!("failed to read the report {}: {cause}", path.display()))
            .hint("give the file that `callcheck run --json PATH` wrote")
    };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let summary = json::read(&bytes).map_err(failed)?;
    drop(bytes);
    for test in lacking(&summary, outputs.junit_lex) {
        console.log(&format!(
            "warning: the report does not hold every such utterance of {test}: \
             give --junit-lex to `callcheck run`, too"
        ));
    }
    let mut problems = outputs.write(&summary, Moment::End).err().unwrap_or_default();
    problems.extend(outputs.summarize(&summary).err());
    problems.extend(outputs.write_streams(&summary));
    show(&summary, &outputs, console)?;
    if problems.is_empty() {
        return Ok(exit::PASSED);
    }
    Err(Error::new(Kind::Environment, problems.join("; ")))
}

/// The Lex tests of which a report holds fewer turns than `wanted`.
fn lacking(summary: &RunSummary, wanted: LexCases) -> impl Iterator<Item = &str> {
    let lacks = move |results: &LexResults| {
        let overall = results.end_to_end.unwrap_or_default();
        let read = results.utterances;
        match wanted {
            LexCases::Set => false,
            LexCases::Mismatches => {
                (read.is_none() && overall.missed() > 0) || results.left_out() > 0
            }
            LexCases::All => {
                let by_user = |turn: &&Turn| turn.speaker == Speaker::User;
                let held = results.turns.iter().filter(by_user).count() as u64;
                read.unwrap_or(overall).total > held
            }
        }
    };
    let tests = summary.tests().filter(move |test| test.outcome.results().is_some_and(&lacks));
    tests.map(|test| test.name.as_str())
}
