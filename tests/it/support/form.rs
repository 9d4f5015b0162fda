//! Browser uploads as a signer and a browser make them.
//! It must not correct them: what a test changes goes out as it stands.

use super::sigv4::{HOST, Key, MAIN, text_signature};
use super::time::{amz_date, iso_date, now};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

pub const BOUNDARY: &str = "----FormBoundary7MA4YWxk";

/// A form, signed when its bytes are asked for.
#[derive(Clone, Debug)]
pub struct Form {
    pub path: String,
    pub host: String,
    pub key: Key,
    /// Fields with a condition that asks for their value.
    pub fields: Vec<(String, String)>,
    /// Further conditions, as JSON.
    pub conditions: Vec<String>,
    /// Fields that no condition speaks of, after the others.
    pub unsigned: Vec<(String, String)>,
    pub file_name: String,
    pub file: Vec<u8>,
    /// Seconds from now to the end of the policy.
    pub expires: i64,
    /// What follows the file.
    pub end: String,
    /// Header lines.
    pub lines: Vec<(String, String)>,
}

impl Form {
    /// `key` may hold `${filename}`; the policy asks for what precedes it.
    pub fn new(key: &str, file: &[u8]) -> Self {
        let prefix = key.split('$').next().unwrap();
        Self {
            path: "/bkt".to_owned(),
            host: HOST.to_owned(),
            key: MAIN,
            fields: Vec::new(),
            conditions: vec![
                r#"{"bucket": "bkt"}"#.to_owned(),
                format!(r#"["starts-with", "$key", "{prefix}"]"#),
            ],
            unsigned: vec![("key".to_owned(), key.to_owned())],
            file_name: "a.txt".to_owned(),
            file: file.to_vec(),
            expires: 300,
            end: format!("\r\n--{BOUNDARY}--\r\n"),
            lines: Vec::new(),
        }
    }

    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn condition(mut self, json: &str) -> Self {
        self.conditions.push(json.to_owned());
        self
    }

    pub fn unsigned(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn line(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn end(mut self, end: &str) -> Self {
        end.clone_into(&mut self.end);
        self
    }

    /// Head and body.
    pub fn parts(&self) -> (Vec<u8>, Vec<u8>) {
        let date = amz_date(now());
        let scope = format!("{}/us-east-1/s3/aws4_request", &date[..8]);
        let mut fields = self.fields.clone();
        let mut add = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
        add("x-amz-algorithm", "AWS4-HMAC-SHA256");
        add("x-amz-credential", &format!("{}/{scope}", self.key.id));
        add("x-amz-date", &date);
        if let Some(token) = self.key.token {
            add("x-amz-security-token", token);
        }
        let mut conditions = self.conditions.clone();
        conditions.extend(fields.iter().map(|(name, value)| {
            let text = |text: &str| serde_json::Value::from(text).to_string();
            format!("{{{}: {}}}", text(name), text(value))
        }));
        let policy = format!(
            r#"{{"expiration": "{}", "conditions": [{}]}}"#,
            iso_date(now() + self.expires),
            conditions.join(", ")
        );
        let policy = STANDARD.encode(policy);
        let signature = text_signature(self.key, &scope, &policy);
        fields.extend([("policy".to_owned(), policy), ("x-amz-signature".to_owned(), signature)]);
        // what a test changes afterwards takes the place of what was signed
        fields.retain(|(name, _)| !self.unsigned.iter().any(|(other, _)| other == name));
        fields.extend(self.unsigned.iter().cloned());
        let mut body = Vec::new();
        for (name, value) in &fields {
            body.extend(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .bytes(),
            );
        }
        body.extend(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
                 Content-Type: text/plain\r\n\r\n",
                self.file_name
            )
            .bytes(),
        );
        body.extend_from_slice(&self.file);
        body.extend(self.end.bytes());
        let mut head = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", self.path, self.host);
        write!(head, "Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n").unwrap();
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        for (name, value) in &self.lines {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        (head.into_bytes(), body)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let (mut head, body) = self.parts();
        head.extend(body);
        head
    }
}
