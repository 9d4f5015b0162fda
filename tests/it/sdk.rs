//! A stock SDK through the gate against two real S3 servers: one inside the test, one as a process of its own.
//! It must not look inside; objects have to come back as they went in.

use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::python::{self, Moto};

#[track_caller]
fn drive(gate: &Gate, store: &str, more: &[&str]) {
    let mut command = python::script("sdk.py");
    command.args([
        "--gate",
        &format!("http://{}", gate.address()),
        "--key",
        "AKIDTESTMAIN00000001:secret/main+0",
    ]);
    let text = python::run(command.args(["--store", store]).args(more));
    assert!(text.contains("all checks hold"), "{text}");
}

#[cfg(feature = "embedded-s3")]
#[test]
fn boto3_against_s3s() {
    let s3 = crate::support::s3::S3::start(&["bkt"]);
    let gate = Gate::start(&Config::resign(s3.endpoint()));
    drive(&gate, "s3s", &[]);
    assert!(s3.object("bkt", "plain.txt").is_none(), "the SDK deleted it");
}

#[test]
fn boto3_against_moto() {
    let moto = Moto::start();
    let gate = Gate::start(&Config::resign(moto.endpoint()));
    drive(
        &gate,
        "moto",
        &["--create", &moto.endpoint(), "--create-key", "AKIDUPSTREAM0000001:upstream-secret"],
    );
}
