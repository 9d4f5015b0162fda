//! The request that benches and tests of costs are about, and the connection that it comes by.
//! It must not measure.

use presign_gate::auth::sigv4::key::KeyCache;
use presign_gate::auth::sigv4::sign::{Grant, Signer, presign};
use presign_gate::clock::UnixMillis;
use presign_gate::net::{ConnFacts, ListenerIndex};
use presign_gate::secret::Secret;

/// The head of a presigned GET with these parameters, as a browser or a tool sends it.
pub(crate) fn link(query: &[(&[u8], &[u8])], signed_at: UnixMillis, expires_secs: u32) -> Vec<u8> {
    let grant = Grant {
        method: "GET",
        host: "s3.test",
        path: b"/bkt/reports/2026/january.csv",
        query,
        headers: &[],
        signed_at,
        expires_secs,
    };
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let signer = Signer { access_key_id: "AKID", secret: &secret, session_token: None, region: "us-east-1" };
    let mut head = b"GET ".to_vec();
    head.extend_from_slice(&presign(&grant, &signer, &KeyCache::default()));
    head.extend_from_slice(b" HTTP/1.1\r\nHost: s3.test\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n");
    head
}

/// A connection from this peer.
pub(crate) fn facts(peer: &str) -> ConnFacts {
    ConnFacts { peer: peer.parse().ok(), local: None, tls: None, proxy: None, listener: ListenerIndex(0) }
}
