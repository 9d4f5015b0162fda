//! Faults around the gate: networks, disks, clocks, names, stores and processes that fail while it works. Each test says
//! in its name what is promised; `docs/faults.md` lists them with what was seen.
//! It must not repeat what `upstream_faults`, `hostile`, `shutdown`, `upgrade`, `reload` and `links::shared` show.

mod clients;
mod clock;
mod crash;
mod disk;
mod names;
mod partition;
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

/// A gate's command in a file system of its own, where `script` may mount things; it vanishes with the gate.
fn in_own_mounts(script: &str) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("set -e\n{script}\nexec \"$@\"");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script, "sh", BINARY]);
    command
}

fn in_flight(gate: &Gate) -> f64 {
    gate.metric("presign_gate_requests_in_flight", &[])
}
