//! `presign-gate policy`: unit tests of policies, and what is doubtful about them.
//! It must not read a config file: `check` does, and shows the same findings.

mod lint;
mod test;

use std::process::ExitCode;

use super::args::PolicyCommand;

/// Some input cannot be understood (`EX_DATAERR` of sysexits).
const DATA: u8 = 65;

pub(super) fn run(command: &PolicyCommand) -> ExitCode {
    match command {
        PolicyCommand::Test(args) => test::run(args),
        PolicyCommand::Lint(args) => lint::run(args),
    }
}
