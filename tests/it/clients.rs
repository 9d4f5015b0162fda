//! Clients that people use, each through the gate against two real S3 servers, over cleartext and TLS.
//! It must not know what a client can do: the scripts say what each did, and `docs/clients.md` has to say the same.

use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::python::{self, Moto};
use crate::support::tls::Authority;
use std::path::Path;

const KEY: &str = "AKIDTESTMAIN00000001:secret/main+0";
const UPSTREAM_KEY: &str = "AKIDUPSTREAM0000001:upstream-secret";

/// The steps of a client, as it ended.
#[track_caller]
fn drive(client: &str, gate: &str, more: &[String]) {
    let text = python::run(python::client(client).args(["--gate", gate, "--key", KEY]).args(more));
    let last = text.lines().last().unwrap_or_default();
    let (version, steps) = last
        .strip_prefix(&format!("{client} "))
        .and_then(|rest| rest.split_once(": "))
        .unwrap_or_else(|| panic!("{client} did not end:\n{text}"));
    let [told_version, told_steps] = documented(client);
    assert!(told_version == version || told_version == "Debian's", "docs/clients.md: {client} {version}");
    assert_eq!(told_steps, steps, "docs/clients.md: {client}");
}

/// Version and steps of a client in the documentation.
#[track_caller]
fn documented(client: &str) -> [String; 2] {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients.md");
    let page = std::fs::read_to_string(page).unwrap();
    let row = page.lines().find(|line| line.starts_with(&format!("| {client} |"))).unwrap_or_default();
    let cells: Vec<_> = row.split('|').map(str::trim).collect();
    assert!(cells.len() > 4, "no row for {client} in docs/clients.md");
    [cells[2].to_owned(), cells[3].to_owned()]
}

#[cfg(feature = "embedded-s3")]
#[track_caller]
fn against_s3s(client: &str) {
    let s3 = crate::support::s3::S3::start(&["bkt"]);
    let gate = Gate::start(&Config::resign(s3.endpoint()));
    drive(client, &format!("http://{}", gate.address()), &[]);
}

#[track_caller]
fn against_moto(client: &str) {
    let moto = Moto::start();
    let gate = Gate::start(&Config::resign(moto.endpoint()));
    drive(client, &format!("http://{}", gate.address()), &creating(&moto));
}

/// Over TLS SDKs send their checksums as trailers of bodies in chunks.
#[track_caller]
fn against_moto_over_tls(client: &str) {
    let moto = Moto::start();
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = authority.issue(&["localhost"]).write(folder.path(), "gate");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.certificate).unwrap();
    let (certificate, key) = (certificate.display(), key.display());
    let config = Config::resign(moto.endpoint())
        .listener(format!("tls: {{ certificate: {certificate}, private_key: {key} }}"));
    let gate = Gate::start(&config);
    let trust = ["--ca".to_owned(), ca.display().to_string()];
    let endpoint = format!("https://localhost:{}", gate.address().port());
    drive(client, &endpoint, &[&creating(&moto)[..], &trust].concat());
}

/// The bucket is made at the store.
fn creating(moto: &Moto) -> Vec<String> {
    vec!["--create".to_owned(), moto.endpoint(), "--create-key".to_owned(), UPSTREAM_KEY.to_owned()]
}

macro_rules! clients {
    ($($against:ident { $($test:ident $client:literal)* })*) => {$(
        mod $against {
            $(#[test]
            fn $test() {
                super::$against($client);
            })*
        }
    )*};
}

// s3s-fs takes an empty delimiter for one; moto does not find an object by the version `null`
#[cfg(feature = "embedded-s3")]
clients! {
    against_s3s {
        aws_cli "aws-cli"
        aws_sdk_js "aws-sdk-js"
        boto3 "boto3"
        curl "curl"
        object_store "object_store"
        pyarrow "pyarrow"
        rclone "rclone"
        s3cmd "s3cmd"
        s5cmd "s5cmd"
    }
}

clients! {
    against_moto {
        aws_sdk_js "aws-sdk-js"
        boto3 "boto3"
        curl "curl"
        minio_js "minio-js"
        minio_py "minio-py"
        s3fs "s3fs"
        s5cmd "s5cmd"
    }
    against_moto_over_tls {
        aws_cli "aws-cli"
        boto3 "boto3"
    }
}
