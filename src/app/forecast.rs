//! What is told of a run before it begins: `--dry-run`, and the warning of a run that may be too long.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::duration::format_duration;
use crate::outcome::ServiceName;
use crate::plan::{Forecast, Plan};
use crate::report::text::one_line;

/// The plan for people: the tests in the order of their starts, where they run, what it costs and
/// how long it takes. Ends with a line break.
pub(super) fn dry_run(plan: &Plan) -> String {
    let mut text = String::from("dry run: nothing is called and nothing is written\n");
    if plan.tests.is_empty() {
        return text + "\nno test is selected\n";
    }
    text.push_str("\norder of starts\n");
    let digits = plan.tests.len().to_string().len().max(3);
    let name = |test: usize| one_line(&plan.tests[test].name);
    let width =
        plan.order.iter().map(|test| name(*test).chars().count()).max().unwrap_or(0).min(60);
    for (number, test) in plan.order.iter().enumerate() {
        let planned = &plan.tests[*test];
        let place = format!("{}:{}", plan.suites[planned.suite].file, planned.position.line);
        let mut notes = Vec::new();
        notes.extend(planned.is_smoke().then(|| "smoke".to_owned()));
        notes.extend(plan.past[*test].map(|past| {
            let how = if past.passed { "passed" } else { "failed" };
            format!("{how} in {} the last time", rounded(past.took))
        }));
        let line = format!(
            "  {:>digits$}  {:<width$}  {}  {}",
            number + 1,
            name(*test),
            one_line(&place),
            notes.join("; ")
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("\nlimits\n");
    for (index, window) in plan.windows.iter().enumerate() {
        let (service, place) = plan.place(index);
        let lane = &plan.lanes[window.lane];
        let count = plan.tests.iter().filter(|test| test.window == index).count();
        let region = lane.region.as_deref().unwrap_or("the Region of the AWS chain");
        let what = match service {
            ServiceName::Connect => format!("Connect instance {} in {region}", one_line(&place)),
            ServiceName::Lex => format!("Lex in {region}"),
        };
        let tests = if count == 1 { "1 test".to_owned() } else { format!("{count} tests") };
        let _ = writeln!(
            text,
            "  {what}: {tests}, {} in flight at most, {} requests a second",
            window.in_flight, lane.requests_per_second
        );
    }
    let forecast = plan.forecast();
    let Forecast { calls, looks, least, most, .. } = forecast;
    let _ = write!(
        text,
        "\ncalls        about {}: {calls} to start and to see what came out, {looks} to look at what runs\n\
         lower bound  {}{}\n\
         worst case   {}, if every attempt takes all of its timeout, and AWS has room\n\
         timeout      {}\n",
        calls.saturating_add(looks),
        rounded(least),
        basis(forecast),
        rounded(most),
        format_duration(plan.timeout),
    );
    text
}

/// What is to be said to a person before a run that may not be over in its time.
pub(super) fn warning(plan: &Plan) -> Option<String> {
    let Forecast { least, most, .. } = plan.forecast();
    if least > plan.timeout {
        return Some(format!(
            "the run cannot be over within its timeout of {}: it takes {} at least; what is not \
             started by then has no verdict",
            format_duration(plan.timeout),
            rounded(least)
        ));
    }
    (most > plan.timeout).then(|| {
        format!(
            "if every test takes its whole timeout the run takes {}, longer than its timeout of {}: \
             tests that are late may not be run (raise the suite's `timeout`, or lower that of its \
             sections or tests)",
            rounded(most),
            format_duration(plan.timeout)
        )
    })
}

/// What is to be said to a person of credentials that expire at `until`, before the run can be over.
pub(super) fn credentials(plan: &Plan, until: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let least = plan.forecast().least;
    let left = (until - now).to_std().unwrap_or_default();
    (left < least).then(|| {
        format!(
            "the AWS credentials expire at {}, in {}, and the run takes {} at least: what is not \
             over by then has no verdict, unless they can be refreshed (a GitHub job's last an hour \
             unless `role-duration-seconds` asks for more)",
            until.format("%H:%M UTC"),
            rounded(left),
            rounded(least)
        )
    })
}

/// What the lower bound stands on.
fn basis(Forecast { known, assumed, unknown, .. }: Forecast) -> String {
    let parts = [
        (known, "as the last time"),
        (assumed, "Connect, taken for chat tests of 9s"),
        (unknown, "Lex, not known how long"),
    ];
    let told = parts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}

/// A duration as a person wants it: to the tenth of a second, the second or the minute.
fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1}s", duration.as_secs_f64()),
        60..3600 => format_duration(Duration::from_secs(seconds)),
        _ => format_duration(Duration::from_secs(seconds.div_ceil(60).saturating_mul(60))),
    }
}
