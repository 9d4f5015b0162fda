//! `presign-gate explain`: what the gate would say to a request, and why.
//! It must not decide or describe: the answer is made elsewhere, the admin endpoint gives the same.

use std::process::ExitCode;

use super::args::ExplainArgs;
use super::{NO, USAGE, bad_config, out};
use crate::auth::keyring::Asked;
use crate::clock::{Clock as _, SystemClock};
use crate::config::diagnostic::Diagnostic;
use crate::config::resolve;
use crate::config::source::SystemSource;
use crate::explain::{Explained, Question, Used, explain};
use crate::signers;

pub(super) fn run(args: &ExplainArgs) -> ExitCode {
    let built = resolve::build(&SystemSource, &args.config);
    let Some((config, snapshot)) = built.world else {
        let errors = built.diagnostics.iter().filter(|finding| finding.is_error());
        out::stderr(&errors.map(Diagnostic::render).collect::<String>());
        return ExitCode::from(bad_config(&args.config));
    };
    let question = question(args);
    let unasked = if config.sources.is_empty() { Asked::Nobody } else { Asked::NotYet };
    let mut answer = explain(&snapshot, None, unasked, &Used::Untold, &question);
    let found;
    if let Ok(Explained::AskKey(id)) = &answer {
        found = signers::at_rest(&config.sources, id);
        answer = explain(&snapshot, None, found.asked(), &Used::Untold, &question);
    }
    match answer.map(Explained::into_report) {
        Ok(report) => {
            out::stdout(&if args.json { report.json() } else { report.text() });
            if report.is_refusal() { ExitCode::from(NO) } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}\n"));
            ExitCode::from(USAGE)
        }
    }
}

fn question(args: &ExplainArgs) -> Question {
    Question {
        url: args.url.clone(),
        method: args.method.clone(),
        headers: args.headers.iter().map(|field| (field.name.clone(), field.value.clone())).collect(),
        source_ip: args.source_ip,
        vpce: args.vpce.clone(),
        at: args.at.unwrap_or_else(|| SystemClock.now()),
    }
}
