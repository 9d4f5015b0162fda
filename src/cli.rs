//! The command line: parse, dispatch, and turn the outcome into an exit code.
//! It must not do the work of a command: each has a file of its own.

pub mod args;
mod audit;
mod check;
#[cfg(feature = "embedded-s3")]
pub mod demo;
mod explain;
mod findings;
mod generate;
mod out;
mod policy;
mod presign;
mod revoke;
mod run;
pub mod version;

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use crate::server::early;
use args::{Args, Command};
use clap::Parser;

/// The answer is no.
const NO: u8 = 1;

/// The command line is wrong.
const USAGE: u8 = 2;

/// `EX_NOINPUT` of sysexits: a file cannot be read.
const NO_INPUT: u8 = 66;

/// `EX_IOERR`: what was asked for cannot be written.
const IO: u8 = 74;

/// `EX_CONFIG`: the config has an error.
const CONFIG: u8 = 78;

/// The code for a config that cannot be used.
fn bad_config(file: &Path) -> u8 {
    if File::open(file).is_ok() { CONFIG } else { NO_INPUT }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    if std::env::args_os()
        .skip(1)
        .find(|argument| !argument.to_string_lossy().starts_with('-'))
        .is_some_and(|it| it == "run")
    {
        // before anything that takes time
        early::listen();
    }
    let code = match Args::try_parse() {
        Ok(args) => dispatch(args.command),
        Err(error) => usage(&error),
    };
    if out::failed() { ExitCode::from(IO) } else { code }
}

fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Version(args) => version::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Schema => generate::schema(),
        Command::Metrics => generate::metrics(),
        Command::Completions(args) => generate::completions(&args),
        Command::Man => generate::man(),
        Command::Reference(args) => generate::pages(&args),
        Command::Presign(args) => presign::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Revoke(args) => revoke::run(&args),
        Command::Policy(command) => policy::run(&command),
        #[cfg(feature = "embedded-s3")]
        Command::Demo(args) => demo::run(&args),
        #[cfg(not(feature = "embedded-s3"))]
        Command::Demo(_) => {
            out::stderr("presign-gate: this build has no demo: build with the feature `embedded-s3`\n");
            ExitCode::from(USAGE)
        }
    }
}

/// Help and version are answers; everything else is a mistake in the command line.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        out::stderr(&text);
        ExitCode::from(USAGE)
    } else {
        out::stdout(&text);
        ExitCode::SUCCESS
    }
}
