//! TLS on the client's side: versions, certificates by name, client certificates, the PROXY header before it.
//! It must not test what is the same in cleartext.

mod certificates;
mod proxy;

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{Gate, poll};
use crate::support::request::Request;
use crate::support::tls::{Authority, Dial};
use crate::support::upstream::Upstream;
use tempfile::TempDir;

const KEY: &str = "/bkt/key.txt";

/// A gate whose one listener speaks TLS.
struct Case {
    upstream: Upstream,
    gate: Gate,
    authority: Authority,
    folder: TempDir,
}

impl Case {
    /// With a certificate for `s3.test`; `change` adds to the config, knowing the folder of the certificates.
    #[track_caller]
    fn start(change: impl FnOnce(Config, &Authority, &TempDir) -> Config) -> Self {
        let authority = Authority::new();
        let folder = tempfile::tempdir().unwrap();
        authority.issue(&["s3.test"]).write(folder.path(), "first");
        let upstream = Upstream::ok();
        let config = change(Config::resign(upstream.endpoint()), &authority, &folder);
        Self { gate: Gate::start(&config), upstream, authority, folder }
    }

    fn dial(&self) -> Dial {
        self.authority.dial("s3.test")
    }

    /// The status of a good request, or that the gate closed the connection.
    #[track_caller]
    fn get(&self, dial: &Dial) -> Option<u16> {
        let mut client = dial.connect(self.gate.address()).ok()?;
        client.send(&Request::get(KEY).presigned());
        client.try_response("GET").ok().map(|answer| answer.status)
    }

    fn counted(&self, reason: &str) -> f64 {
        self.gate.metric("presign_gate_denied_total", &[&format!("reason=\"{reason}\"")])
    }
}

/// The `tls` key for a pair in this folder, with further keys.
fn tls(folder: &TempDir, name: &str, more: &str) -> String {
    let folder = folder.path().display();
    format!("tls: {{ certificate: {folder}/{name}.crt, private_key: {folder}/{name}.key{more} }}")
}

#[test]
fn without_descriptors_those_who_are_there_are_served() {
    let mut case = Case::start(|config, _, folder| config.listener(tls(folder, "first", "")));
    let mut one = case.dial().connect(case.gate.address()).unwrap();
    let mut get = || {
        one.send(&Request::get(KEY).presigned());
        one.response("GET").status
    };
    // the connection to the upstream is there from now on
    assert_eq!(get(), 200);
    case.gate.process().limit_descriptors(8);
    let crowd: Vec<_> = (0..40).map(|_| Client::connect(case.gate.address())).collect();
    poll("the system's refusal", || case.gate.output().contains("open files").then_some(()));
    for _ in 0..20 {
        assert_eq!(get(), 200);
    }
    drop(crowd);
    poll("room for another connection", || case.get(&case.dial()).filter(|status| *status == 200));
}

/// Allows with this condition only.
fn allow_if(condition: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {condition}}}]}}"#
    )
}

const ONLY_12: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
const ONLY_13: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

#[test]
fn policies_see_the_version() {
    for (condition, with_12, with_13) in [
        (r#"{"Bool": {"aws:SecureTransport": "true"}}"#, 200, 200),
        (r#"{"Bool": {"aws:SecureTransport": "false"}}"#, 403, 403),
        (r#"{"NumericEquals": {"s3:TlsVersion": "1.2"}}"#, 200, 403),
        (r#"{"NumericGreaterThanEquals": {"s3:TlsVersion": "1.3"}}"#, 403, 200),
    ] {
        let case = Case::start(|config, _, folder| {
            config.policy(&allow_if(condition)).listener(tls(folder, "first", ""))
        });
        for (versions, expected) in [(ONLY_12, with_12), (ONLY_13, with_13)] {
            assert_eq!(case.get(&case.dial().versions(versions)), Some(expected), "{condition} {versions:?}");
        }
    }
}

#[test]
fn what_is_agreed_on_is_http_1_1_in_tls_1_3() {
    let case = Case::start(|config, _, folder| config.listener(tls(folder, "first", "")));
    let mut client = case.dial().connect(case.gate.address()).unwrap();
    let agreed = (rustls::ProtocolVersion::TLSv1_3, Some(b"http/1.1".to_vec()));
    assert_eq!(client.agreed(), agreed);
    for _ in 0..3 {
        client.send(&Request::put(KEY, &vec![b'x'; 100_000]).authorized());
        assert_eq!(client.response("PUT").status, 200);
    }
    assert_eq!(case.upstream.recording().requests[2].body.len(), 100_000);
}

#[test]
fn what_is_not_tls_is_closed_and_counted() {
    let case = Case::start(|config, _, folder| config.listener(tls(folder, "first", "")));
    let before = case.counted("tls_handshake");
    let mut client = Client::connect(case.gate.address());
    client.send(&Request::get(KEY).presigned());
    // an alert may come, an answer must not
    assert!(client.try_response("GET").is_err());
    poll("a counted refusal", || (case.counted("tls_handshake") > before).then_some(()));
    // a name that no certificate has gets the first one, which that client refuses
    assert_eq!(case.get(&case.authority.dial("other.test")), None);
    assert_eq!(case.get(&Authority::new().dial("s3.test")), None);
    case.upstream.assert_untouched();
    assert!(!case.gate.messages().contains("andshake"), "{}", case.gate.messages());
}

#[test]
fn handshakes_are_within_the_limit_of_connections_and_have_a_deadline() {
    let case = Case::start(|config, _, folder| {
        config.listener(tls(folder, "first", "")).more("limits: { connections: 2 }")
    });
    let connections = || case.gate.metric("presign_gate_connections", &[&case.gate.address().to_string()]);
    poll("no connection", || (connections() < 1.0).then_some(()));
    let mut one = case.dial().connect(case.gate.address()).unwrap();
    let mut silent = Client::connect(case.gate.address());
    poll("two connections", || (connections() > 1.0).then_some(()));
    // no room for a third; those that are there are served
    assert_eq!(case.get(&case.dial()), None);
    assert!(case.counted("connection_limit") >= 1.0);
    for _ in 0..2 {
        one.send(&Request::get(KEY).presigned());
        assert_eq!(one.response("GET").status, 200);
    }
    // the deadline of the handshake makes room again
    assert!(silent.is_closed());
    poll("a third connection", || case.get(&case.dial()).filter(|status| *status == 200));
}
