//! Access keys from folders and webhooks under a running gate: they come, change and go without a reload.
//! It must not test what a policy means.

use crate::support::client::Client;
use crate::support::config::{ALLOW_BUCKET, Config};
use crate::support::gate::{Gate, poll};
use crate::support::request::Request;
use crate::support::sigv4::Key;
use crate::support::upstream::Upstream;
use std::path::Path;

const TENANT: Key = Key { id: "AKIDTENANT0000000001", secret: "tenant-secret", token: None };
const OTHER: Key = Key { id: "AKIDTENANT0000000002", secret: "other-secret", token: None };

fn entry(key: Key, policy: &str) -> String {
    format!(
        "{{\"access_key_id\": \"{}\", \"secret_access_key\": {{\"value\": \"{}\"}}, \"policies\": [{policy}]}}",
        key.id, key.secret
    )
}

fn get(key: Key) -> Vec<u8> {
    Request::get("/bkt/key").key(key).presigned()
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(".new"), text).unwrap();
    std::fs::rename(folder.join(".new"), folder.join(name)).unwrap();
}

#[test]
fn a_folder_of_keys_is_followed_on_open_connections() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "tenant.yaml", &entry(TENANT, ALLOW_BUCKET));
    let upstream = Upstream::ok();
    let sources =
        format!("credential_sources:\n  - {{ name: tenants, directory: {} }}", folder.path().display());
    let gate = Gate::start(&Config::resign(upstream.endpoint()).more(&sources));
    let mut client = Client::connect(gate.address());
    let mut status = |key: Key| {
        client.send(&get(key));
        client.response("GET").status
    };
    assert_eq!((status(TENANT), status(OTHER)), (200, 403));
    put(folder.path(), "other.json", &entry(OTHER, ALLOW_BUCKET));
    poll("the new key", || (status(OTHER) == 200).then_some(()));
    // a policy that cannot be read opens nothing and closes nothing
    put(folder.path(), "other.json", &entry(OTHER, "{\"Statement\": 1}"));
    let refused = || gate.metric("presign_gate_credential_source_results_total", &["result=\"refused\""]);
    poll("the wrong file", || (refused() > 0.0).then_some(()));
    assert_eq!(status(OTHER), 200);
    assert!(gate.admin("GET", "/readyz?verbose").text().contains("credential source tenants failed"));
    std::fs::remove_file(folder.path().join("other.json")).unwrap();
    let began = std::time::Instant::now();
    poll("the end of the key", || (status(OTHER) == 403).then_some(()));
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    assert_eq!(status(TENANT), 200);
    assert!((gate.metric("presign_gate_credential_source_keys", &["source=\"tenants\""]) - 1.0).abs() < 0.1);
    assert_eq!(gate.reload().status, 200);
    assert_eq!(status(TENANT), 200);
}
