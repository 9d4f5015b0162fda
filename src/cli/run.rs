//! `presign-gate run`: the proxy.
//! It must not start with a config that has an error.

use std::process::ExitCode;

use ::log::LevelFilter;

use super::args::RunArgs;
use super::{NO, bad_config, out};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::Config;
use crate::config::resolve;
use crate::config::source::SystemSource;
use crate::server::boot::{Access, boot};
use crate::server::descriptors;
use crate::server::front::{Front, Start};
use crate::server::reload::Reloader;
use crate::server::{self, Stop};
use crate::snapshot::Snapshot;
use crate::telemetry::log;

pub(super) fn run(args: &RunArgs) -> ExitCode {
    log::install(log::Format::Plain, LevelFilter::Info);
    descriptors::raise();
    let built = resolve::build(&SystemSource, &args.config);
    out::stderr(&built.diagnostics.iter().map(Diagnostic::render).collect::<String>());
    let Some((config, snapshot)) = built.world else { return ExitCode::from(bad_config(&args.config)) };
    let reloader = Reloader::new(&args.config, &config, built.files);
    let start = if args.upgrade { Start::Upgrade } else { Start::Plain };
    let served = serve(&config, snapshot, start, reloader);
    log::end();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}\n"));
            ExitCode::from(NO)
        }
    }
}

/// A gate whose place this one takes has let go of its files before they are opened here.
fn serve(config: &Config, snapshot: Snapshot, start: Start, reloader: Reloader) -> Result<(), String> {
    let front = Front::open(config, start).map_err(|error| error.to_string())?;
    let world = boot(config, snapshot, Access::Configured).map_err(|error| error.to_string())?;
    log::queue(world.telemetry.metrics.log_dropped()).map_err(|error| error.to_string())?;
    server::run(&world, front, reloader, Stop::Signals).map_err(|error| error.to_string())
}
