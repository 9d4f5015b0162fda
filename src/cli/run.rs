//! `presign-gate run`: the proxy.
//! It must not start with a config that has an error.

use std::process::ExitCode;

use log::LevelFilter;

use super::args::RunArgs;
use super::{NO, out};
use crate::config::diagnostic::Diagnostic;
use crate::config::resolve;
use crate::config::source::SystemSource;
use crate::server::boot::{Access, boot};
use crate::server::reload::Reloader;
use crate::server::{self, Stop};
use crate::telemetry::log::{Format, install};

pub(super) fn run(args: &RunArgs) -> ExitCode {
    install(Format::Plain, LevelFilter::Info);
    let built = resolve::build(&SystemSource, &args.config);
    out::stderr(&built.diagnostics.iter().map(Diagnostic::render).collect::<String>());
    let Some((config, snapshot)) = built.world else { return ExitCode::from(NO) };
    let admin = config.admin.as_ref().map(|admin| admin.address.value);
    let reloader = Reloader::new(&args.config, &config, built.files);
    let served = boot(&config, snapshot, Access::Configured).map_err(|error| error.to_string()).and_then(
        |(world, ports)| {
            server::run(&world, &ports, admin, reloader, Stop::Signals).map_err(|error| error.to_string())
        },
    );
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}\n"));
            ExitCode::from(NO)
        }
    }
}
