//! Faults around the gate: networks, disks, clocks, names, stores and processes that fail while it works. Each test says
//! in its name what is promised; `docs/faults.md` lists them with what was seen.
//! It must not repeat what `upstream_faults`, `hostile`, `shutdown`, `upgrade`, `reload` and `links::shared` show.

#![expect(clippy::print_stdout, reason = "the figures are worth seeing, with `--no-capture`")]

mod clients;
mod pressure;

use crate::support::gate::{BINARY, Gate};
use crate::support::request::Request;
use std::process::Command;

/// A gate's command behind `sh`, which does something and then becomes it.
fn after(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{script}\nexec \"$@\""), "sh", BINARY]);
    command
}

fn get(key: &str) -> Vec<u8> {
    Request::get(&format!("/bkt/{key}")).presigned()
}

fn in_flight(gate: &Gate) -> f64 {
    gate.metric("presign_gate_requests_in_flight", &[])
}
