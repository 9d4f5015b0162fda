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

#[cfg(feature = "embedded-s3")]
#[test]
fn boto3_in_a_part_of_a_bucket_against_s3s() {
    let s3 = crate::support::s3::S3::start(&["shared"]);
    let config = Config::resign(s3.endpoint()).bucket("upstream_prefix: tenants/a/");
    let gate = Gate::start(&Config { upstream_bucket: Some("shared"), ..config });
    drive(&gate, "s3s", &[]);
}

#[test]
fn boto3_in_a_part_of_a_bucket_against_moto() {
    let moto = Moto::start();
    let gate = Gate::start(&Config::resign(moto.endpoint()).bucket("upstream_prefix: tenants/a/"));
    drive(
        &gate,
        "moto",
        &["--create", &moto.endpoint(), "--create-key", "AKIDUPSTREAM0000001:upstream-secret"],
    );
}

#[test]
fn answers_are_those_of_the_store() {
    let (direct, behind) = (Moto::start(), Moto::start());
    let gate = Gate::start(&Config::resign(behind.endpoint()));
    let mut command = python::script("compare.py");
    command.args(["--direct", &direct.endpoint(), "--behind", &behind.endpoint()]);
    command.args([
        "--gate",
        &format!("http://{}", gate.address()),
        "--key",
        "AKIDTESTMAIN00000001:secret/main+0",
    ]);
    let text = python::run(&mut command);
    assert!(text.contains("all answers are equal"), "{text}");
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
