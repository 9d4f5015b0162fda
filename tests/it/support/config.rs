//! Config files for the gate under test, with the parts that tests vary as fields.
//! It must not hold rules of its own: what is not varied is the plainest config that works.

use std::fmt::Write;
use std::net::SocketAddr;

/// Everything on the bucket `bkt` and its objects.
pub const ALLOW_BUCKET: &str = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "AllowBkt", "Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*"]}]}"#;

/// A config; [`Config::text`] is the file.
#[derive(Clone, Debug)]
pub struct Config {
    /// `endpoint` of the one upstream.
    pub endpoint: String,
    pub addressing: &'static str,
    pub region: &'static str,
    /// The bucket `bkt` under another name at the upstream.
    pub upstream_bucket: Option<&'static str>,
    /// Of the upstream, as YAML.
    pub credentials: String,
    /// The identity policy of every key, as JSON.
    pub policy: String,
    /// `policy.default`.
    pub default: &'static str,
    /// Further keys of `signing`, each with its indentation and line end.
    pub signing: String,
    /// Further keys of the listener, a line each.
    pub listener: Vec<String>,
    /// Further listeners.
    pub listeners: Vec<String>,
    /// Further keys of the bucket, a line each.
    pub bucket: Vec<String>,
    /// Further sections.
    pub more: String,
}

impl Config {
    /// Re-signs for an upstream in path style.
    pub fn resign(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            addressing: "path",
            region: "us-east-1",
            upstream_bucket: None,
            credentials:
                "{ access_key_id: AKIDUPSTREAM0000001, secret_access_key: { value: upstream-secret } }"
                    .to_owned(),
            policy: ALLOW_BUCKET.to_owned(),
            default: "deny",
            signing: String::new(),
            listener: Vec::new(),
            listeners: Vec::new(),
            bucket: Vec::new(),
            more: String::new(),
        }
    }

    /// Forwards what the client signed.
    pub fn passthrough(endpoint: impl Into<String>) -> Self {
        Self { credentials: "{ passthrough: true }".to_owned(), ..Self::resign(endpoint) }
    }

    pub fn policy(mut self, policy: &str) -> Self {
        policy.clone_into(&mut self.policy);
        self
    }

    /// Another key of the listener.
    pub fn listener(mut self, line: impl Into<String>) -> Self {
        self.listener.push(line.into());
        self
    }

    /// Another listener, after the first; an item of the list.
    pub fn another_listener(mut self, item: impl Into<String>) -> Self {
        self.listeners.push(item.into());
        self
    }

    pub fn more(mut self, section: &str) -> Self {
        self.more.push_str(section);
        self.more.push('\n');
        self
    }

    /// A key of the bucket.
    pub fn bucket(mut self, key: &str) -> Self {
        self.bucket.push(key.to_owned());
        self
    }

    /// A key of `signing`.
    pub fn signing(mut self, key: &str) -> Self {
        writeln!(self.signing, "  {key}").unwrap();
        self
    }

    /// The file.
    pub fn text(&self, listener: SocketAddr, admin: SocketAddr) -> String {
        let mut text = format!("version: 1\nlisteners:\n  - address: {listener}\n");
        for line in &self.listener {
            writeln!(text, "    {line}").unwrap();
        }
        for item in &self.listeners {
            writeln!(text, "  {item}").unwrap();
        }
        writeln!(text, "admin:\n  address: {admin}").unwrap();
        text.push_str("hosts: [s3.test, 127.0.0.1, localhost]\n");
        text.push_str("signing:\n  regions: [us-east-1]\n");
        text.push_str(&self.signing);
        text.push_str("credentials:\n");
        for (id, secret, token, principal) in [
            ("AKIDTESTMAIN00000001", "secret/main+0", "", "arn:aws:iam::111122223333:user/main"),
            (
                "ASIATEMPKEY000000001",
                "temp-secret",
                "tok/en+=",
                "arn:aws:sts::111122223333:assumed-role/temp/session",
            ),
        ] {
            write!(text, "  - access_key_id: {id}\n    secret_access_key: {{ value: \"{secret}\" }}\n")
                .unwrap();
            if !token.is_empty() {
                writeln!(text, "    session_token: {{ value: \"{token}\" }}").unwrap();
            }
            write!(text, "    principal: {principal}\n    policies:\n      - {}\n", self.policy).unwrap();
        }
        write!(text, "policy:\n  default: {}\nbuckets:\n  - name: bkt\n    upstream: s3\n", self.default)
            .unwrap();
        if let Some(name) = self.upstream_bucket {
            writeln!(text, "    upstream_bucket: {name}").unwrap();
        }
        for line in &self.bucket {
            writeln!(text, "    {line}").unwrap();
        }
        write!(
            text,
            "upstreams:\n  - name: s3\n    endpoint: {}\n    region: {}\n",
            self.endpoint, self.region
        )
        .unwrap();
        write!(text, "    addressing: {}\n    credentials: {}\n", self.addressing, self.credentials).unwrap();
        text.push_str(&self.more);
        text
    }
}
