//! `policy lint`: errors of policy documents, and what is legal in them but probably not meant.
//! It must not have rules of its own: `check` shows the same findings.

use std::process::ExitCode;

use crate::cli::args::PolicyLintArgs;
use crate::cli::findings::Findings;
use crate::cli::{NO_INPUT, out};
use crate::config::policy_file;
use crate::config::source::SystemSource;

pub(in crate::cli) fn run(args: &PolicyLintArgs) -> ExitCode {
    let mut unread = false;
    let mut diagnostics = Vec::new();
    for file in &args.files {
        match policy_file::lint(&SystemSource, file, args.kind.map(Into::into)) {
            Ok(found) => diagnostics.extend(found),
            Err(error) => {
                out::stderr(&format!("presign-gate: {error}: name policy documents, as JSON files\n"));
                unread = true;
            }
        }
    }
    let findings = Findings::new(args.files.len(), diagnostics);
    if args.json {
        out::stdout(&findings.json());
    } else {
        out::stdout(&findings.render());
        out::stdout(&findings.summary());
    }
    match (unread, findings.exit(args.strict)) {
        (true, _) => ExitCode::from(NO_INPUT),
        (false, exit) => exit,
    }
}
