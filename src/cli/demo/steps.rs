//! What the demo shows: each step a request, the answer that it must get, and a `curl` line that does the same.
//! It must not know how the gate works: it signs links and looks at answers.

use super::client::{Ask, Reply};
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::sign::{Grant, Signer, presign};
use crate::clock::UnixMillis;
use crate::links::constraint::Constraint;
use crate::secret::Secret;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The network of the demo: its policy lets nobody else in.
pub const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// A neighbour that the policy keeps out.
pub const ABROAD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// What is uploaded.
pub const GREETING: &str = "Hello from behind the gate.\n";

/// One thing to show.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it shows.
    pub title: &'static str,
    /// The request.
    pub ask: Ask,
    /// The status that must come.
    pub status: u16,
    /// What the answer must hold: an S3 error code, or the object.
    pub holds: &'static str,
}

/// Who signs the links of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
    /// Where the gate listens.
    pub gate: SocketAddr,
    /// The time of signing.
    pub now: UnixMillis,
}

impl Author<'_> {
    fn link(&self, method: &str, key: &str, query: &[(&str, &str)], age_secs: i64) -> String {
        let query: Vec<_> = query.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let path = format!("/demo/{key}");
        let grant = Grant {
            method,
            host: &self.gate.to_string(),
            path: path.as_bytes(),
            query: &query,
            headers: &[],
            signed_at: self.now.plus_millis(-age_secs * 1000),
            expires_secs: 3600,
        };
        let signer = Signer {
            access_key_id: self.access_key_id,
            secret: self.secret,
            session_token: None,
            region: "us-east-1",
        };
        String::from_utf8_lossy(&presign(&grant, &signer, &KeyCache::default())).into_owned()
    }

    /// Every step, in the order in which they must be done.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let key = "hello world.txt";
        let get = |query: &[(&str, &str)], age| self.link("GET", key, query, age);
        let step = |title, target, source, status, holds| Step {
            title,
            ask: Ask { method: "GET", target, body: None, source },
            status,
            holds,
        };
        let good = get(&[], 0);
        let upload = Ask {
            method: "PUT",
            target: self.link("PUT", key, &[], 0),
            body: Some(GREETING.to_owned()),
            source: HOME,
        };
        vec![
            Step { title: "upload through a presigned URL", ask: upload, status: 200, holds: "" },
            step("download: allowed", good.clone(), HOME, 200, GREETING),
            step(
                "the link has expired",
                get(&[], 7200),
                HOME,
                403,
                "<Code>AccessDenied</Code><Message>Request has expired",
            ),
            step(
                "the signature was changed",
                flip_last(&good),
                HOME,
                403,
                "<Code>SignatureDoesNotMatch</Code>",
            ),
            step("the right link from the wrong network", good, ABROAD, 403, "<Code>AccessDenied</Code>"),
            step(
                "a link that is bound to another network",
                get(&[(Constraint::SourceIp.parameter(), "192.0.2.0/24")], 0),
                HOME,
                403,
                "<Code>AccessDenied</Code>",
            ),
            step(
                "a link that is bound to this network",
                get(&[(Constraint::SourceIp.parameter(), "127.0.0.0/8")], 0),
                HOME,
                200,
                GREETING,
            ),
        ]
    }
}

fn flip_last(link: &str) -> String {
    let mut link = link.to_owned();
    let last = link.pop();
    link.push(if last == Some('0') { '1' } else { '0' });
    link
}

impl Step {
    /// A line for a shell that sends the same request.
    #[must_use]
    pub fn curl(&self, gate: SocketAddr) -> String {
        let interface =
            if self.ask.source == HOME { String::new() } else { format!(" --interface {}", self.ask.source) };
        let body = match &self.ask.body {
            Some(body) => format!(" -X PUT --data-binary '{}'", body.trim_end()),
            None => String::new(),
        };
        format!("curl -sS -i{interface}{body} 'http://{gate}{}'", self.ask.target)
    }

    /// Whether the answer is the one that had to come.
    #[must_use]
    pub fn accepts(&self, reply: &Reply) -> bool {
        reply.status == self.status && reply.body.contains(self.holds)
    }
}
