//! TLS on the client's side: versions, certificates by name, client certificates, the PROXY header before it.
//! It must not test what is the same in cleartext.

mod proxy;

use crate::support::config::Config;
use crate::support::gate::Gate;
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
