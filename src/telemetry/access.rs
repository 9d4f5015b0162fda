//! The access log: one line per request, as JSON with the field names of ECS and OpenTelemetry, or as S3 writes it.
//! It must not hold a signature, a token, a credential, or a header that could carry a link.

mod s3;

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::json;
use super::record::{RequestRecord, StatusClass};
use super::redact::{SEPARATORS, may_hold_values, redact};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::config::model::LogFormat;
use crate::links::identity::LinkId;
use crate::net::TlsVersion;
use crate::net::identity::{NetworkIdentity, Proof};
use crate::reason::Reason;
use crate::request::Version;

/// What the line of a request is made from. What a request never came to is `None`.
#[derive(Clone, Copy, Debug)]
pub struct AccessRecord<'a> {
    /// When it was judged.
    pub at: UnixMillis,
    /// The id that the answer carries.
    pub request_id: &'a str,
    /// The address of the listener, as configured.
    pub listener: &'a str,
    /// The other end of the socket.
    pub peer: Option<SocketAddr>,
    /// Its network path.
    pub identity: Option<&'a NetworkIdentity>,
    /// The method.
    pub method: Option<&'a str>,
    /// The host that it was sent to.
    pub host: Option<&'a str>,
    /// The path as sent; a query is cut off should it be there.
    pub path: Option<&'a [u8]>,
    /// The query as sent; for the form that has one, and redacted there.
    pub query: Option<&'a [u8]>,
    /// The version of the protocol.
    pub version: Option<Version>,
    /// The value of `Referer`; redacted where it is written.
    pub referer: Option<&'a [u8]>,
    /// The key of the object, decoded.
    pub key: Option<&'a [u8]>,
    /// The version of the object that was asked for, decoded.
    pub version_id: Option<&'a [u8]>,
    /// The region that the bucket is in.
    pub region: Option<&'a str>,
    /// The value of `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// The name of the S3 operation.
    pub operation: Option<&'static str>,
    /// The bucket as configured.
    pub bucket: Option<&'a str>,
    /// The name of the link.
    pub link: Option<LinkId>,
    /// The authentication scheme.
    pub auth_scheme: Option<&'static str>,
    /// The ARN of who signed.
    pub principal: Option<&'a str>,
    /// The access key id; only of a proven signature, or one that the store is left to prove.
    pub access_key_id: Option<&'a str>,
    /// The code of the S3 error that was answered.
    pub error_code: Option<&'static str>,
    /// The name of the upstream, if it was asked.
    pub upstream: Option<&'a str>,
    /// The shadow policies that would have denied it.
    pub shadow_denied: &'a [&'a str],
    /// Why its signature does not hold, as far as somebody looked.
    pub diagnosis: &'a [&'a str],
    /// What is counted about it.
    pub counted: &'a RequestRecord,
}

/// One field of the line.
#[derive(Debug)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// What it tells, for people.
    pub help: &'static str,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    /// The field is left out.
    Absent,
    Number(u64),
    Time(UnixMillis),
    Ip(IpAddr),
    Link(LinkId),
    /// Text of the gate's own tables, in which nothing has to be escaped.
    Word(&'static str),
    /// Text of the config, or that a strict parser has passed.
    Text(&'a str),
    /// Texts of the config.
    List(&'a [&'a str]),
    /// Text as a client sent it.
    Foreign(&'a [u8]),
}

impl<'a> Value<'a> {
    fn word(value: Option<&'static str>) -> Self {
        value.map_or(Self::Absent, Self::Word)
    }

    pub(super) fn text(value: Option<&'a str>) -> Self {
        value.map_or(Self::Absent, Self::Text)
    }

    const fn list(values: &'a [&'a str]) -> Self {
        if values.is_empty() { Self::Absent } else { Self::List(values) }
    }

    fn foreign(value: Option<&'a [u8]>) -> Self {
        value.map_or(Self::Absent, Self::Foreign)
    }

    pub(super) fn ip(value: Option<IpAddr>) -> Self {
        value.map_or(Self::Absent, Self::Ip)
    }

    fn status(value: u16) -> Self {
        if value == 0 { Self::Absent } else { Self::Number(value.into()) }
    }

    fn nanos(value: Option<Duration>) -> Self {
        value.map_or(Self::Absent, |time| Self::Number(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }

    fn seconds(value: Option<Duration>) -> Self {
        value.map_or(Self::Absent, |time| Self::Number(time.as_secs()))
    }
}

macro_rules! fields {
    ($($name:literal $help:literal $value:expr;)*) => {
        /// Every field, in the order of the line.
        pub const FIELDS: &[Field] = &[$(Field { name: $name, help: $help },)*];

        /// Appends the fields, each with a comma before it.
        pub(super) fn push_fields<'a>(out: &mut Vec<u8>, record: &'a AccessRecord<'a>) {
            fn is<'a>(value: impl FnOnce(&'a AccessRecord<'a>) -> Value<'a>, record: &'a AccessRecord<'a>) -> Value<'a> {
                value(record)
            }
            $(push_field(out, concat!(",\"", $name, "\":"), &is($value, record));)*
        }
    };
}

fields! {
    "@timestamp" "When the request was judged." |r| Value::Time(r.at);
    "event.action" "The S3 operation." |r| Value::word(r.operation);
    "event.outcome" "`success` for an answer below 400 that was sent whole, else `failure`." |r| Value::Word(outcome(r.counted));
    "event.duration" "Nanoseconds from the first byte of the request to the last byte of the answer."
        |r| Value::nanos(Some(r.counted.total));
    "event.reason" "Why it was refused or failed." |r| Value::word(r.counted.reason.map(Reason::code));
    "http.request.id" "The id that the answer carries." |r| Value::Text(r.request_id);
    "http.request.method" "The method." |r| Value::text(r.method);
    "http.request.body.bytes" "Body bytes taken from the client." |r| Value::Number(r.counted.request_body_bytes);
    "http.response.status_code" "The status that was answered; absent if none was."
        |r| Value::status(r.counted.status);
    "http.response.body.bytes" "Body bytes sent to the client." |r| Value::Number(r.counted.response_body_bytes);
    "url.domain" "The host that the request was sent to." |r| Value::foreign(r.host.map(str::as_bytes));
    "url.path" "The path as sent, without the query." |r| Value::foreign(r.path.and_then(without_query));
    "user_agent.original" "What the client calls itself." |r| Value::foreign(r.user_agent);
    "source.ip" "The other end of the socket." |r| Value::ip(r.peer.map(|peer| peer.ip().to_canonical()));
    "source.port" "Its port." |r| r.peer.map_or(Value::Absent, |peer| Value::Number(peer.port().into()));
    "client.ip" "The client that the network path proves."
        |r| Value::ip(r.identity.and_then(NetworkIdentity::client_ip));
    "tls.version" "The TLS version that the client used."
        |r| Value::word(r.identity.and_then(NetworkIdentity::tls_version).map(TlsVersion::as_str));
    "user.id" "The ARN of who signed." |r| Value::text(r.principal);
    "error.code" "The code of the S3 error; with `uniform_errors: all` the client may have been told another one." |r| Value::word(r.error_code);
    "aws.s3.bucket" "The bucket as configured." |r| Value::text(r.bucket);
    "presign_gate.listener" "The listener." |r| Value::Text(r.listener);
    "presign_gate.decision" "What was decided." |r| Value::Word(r.counted.decision.as_str());
    "presign_gate.stage" "The stage that refused it or failed."
        |r| Value::word(r.counted.reason.map(|reason| reason.stage().as_str()));
    "presign_gate.overhead" "Nanoseconds spent in the gate itself." |r| Value::nanos(Some(r.counted.overhead));
    "presign_gate.auth.scheme" "The kind of signature." |r| Value::word(r.auth_scheme);
    "presign_gate.auth.result" "How the authentication came out."
        |r| Value::word(r.counted.auth.map(|auth| auth.result.as_str()));
    "presign_gate.auth.access_key_id" "The access key that signed; as it was sent where the result is `unverified`."
        |r| Value::foreign(r.access_key_id.map(str::as_bytes));
    "presign_gate.auth.diagnosis" "Why the signature does not hold, as far as somebody looked; see the guide to signature errors."
        |r| Value::list(r.diagnosis);
    "presign_gate.link.id" "The name of the link: what `revoke --link` and `/links/` take." |r| r.link.map_or(Value::Absent, Value::Link);
    "presign_gate.link.age" "Seconds since the link was signed." |r| Value::seconds(r.counted.link_age);
    "presign_gate.link.validity" "Seconds that the link was still valid." |r| Value::seconds(r.counted.link_validity);
    "presign_gate.policy.shadow_denied" "The shadow policies that would have denied it."
        |r| Value::list(r.shadow_denied);
    "presign_gate.network.proof" "How the network path was proven."
        |r| Value::word(r.counted.proof.map(Proof::as_str));
    "presign_gate.network.vpc" "The VPC that it came from."
        |r| Value::text(r.identity.and_then(NetworkIdentity::source_vpc));
    "presign_gate.network.vpce" "The VPC endpoint that it came through."
        |r| Value::text(r.identity.and_then(NetworkIdentity::source_vpce));
    "presign_gate.upstream.name" "The upstream that was asked." |r| Value::text(r.upstream);
    "presign_gate.upstream.status_code" "The status that the upstream answered."
        |r| r.counted.upstream.map_or(Value::Absent, |upstream| Value::status(upstream.status));
    "presign_gate.upstream.first_byte" "Nanoseconds that the upstream took to begin its answer."
        |r| Value::nanos(r.counted.upstream.and_then(|upstream| upstream.first_byte));
}

/// Appends the line of a request, with its line end.
pub fn push_line(format: LogFormat, record: &AccessRecord<'_>, out: &mut Vec<u8>) {
    match format {
        LogFormat::S3 => s3::push_line(out, record),
        LogFormat::Json => {
            push_object(out, record);
            out.push(b'\n');
        }
    }
}

/// Appends the fields as an object.
pub(super) fn push_object(out: &mut Vec<u8>, record: &AccessRecord<'_>) {
    let begin = out.len();
    push_fields(out, record);
    // the comma before the first
    out.get_mut(begin).into_iter().for_each(|comma| *comma = b'{');
    out.push(b'}');
}

/// In line, where the compiler knows the key, which kind of value it is, and that most of [`push_value`] is not needed.
#[expect(
    clippy::inline_always,
    reason = "forty calls would be left as calls: a quarter of what a line costs"
)]
#[inline(always)]
fn push_field(out: &mut Vec<u8>, key: &'static str, value: &Value<'_>) {
    if !matches!(value, Value::Absent) {
        out.extend_from_slice(key.as_bytes());
        push_value(out, value);
    }
}

#[expect(clippy::inline_always, reason = "as for a field")]
#[inline(always)]
pub(super) fn push_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Absent => out.extend_from_slice(b"null"),
        Value::Number(number) => json::push_number(out, *number),
        Value::Time(at) => {
            out.push(b'"');
            push_timestamp(out, *at);
            out.push(b'"');
        }
        Value::Ip(ip) => {
            out.push(b'"');
            push_ip(out, *ip);
            out.push(b'"');
        }
        Value::Link(link) => {
            out.push(b'"');
            out.extend_from_slice(&link.digits());
            out.push(b'"');
        }
        Value::Word(text) => {
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        Value::Text(text) => json::push_string(out, text.as_bytes()),
        Value::List(texts) => {
            for (at, text) in texts.iter().enumerate() {
                out.push(if at == 0 { b'[' } else { b',' });
                json::push_string(out, text.as_bytes());
            }
            out.push(b']');
        }
        // nearly all of it: nothing to redact, nothing to escape
        Value::Foreign(bytes) => push_foreign(out, bytes),
    }
}

fn push_foreign(out: &mut Vec<u8>, bytes: &[u8]) {
    // nearly all of it: nothing to redact, nothing to escape
    let is_plain = json::is_plain_without(bytes, SEPARATORS);
    if is_plain || json::is_plain(bytes) && !may_hold_values(bytes) {
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
    } else {
        json::push_string(out, redact(&String::from_utf8_lossy(bytes)).as_bytes());
    }
}

fn push_ip(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (at, octet) in ip.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                json::push_number(out, octet.into());
            }
        }
        // writing to memory cannot fail
        IpAddr::V6(ip) => drop(write!(out, "{ip}")),
    }
}

/// RFC 3339 with milliseconds.
pub(super) fn push_timestamp(out: &mut Vec<u8>, at: UnixMillis) {
    out.extend_from_slice(Civil::from_instant(at).iso().trim_end_matches('Z').as_bytes());
    let millis = u64::try_from(at.millis().rem_euclid(1000)).unwrap_or(0);
    let [tens, ones] = json::pair(millis % 100);
    let [_, hundreds] = json::pair(millis / 100);
    out.extend_from_slice(&[b'.', hundreds, tens, ones, b'Z']);
}

fn outcome(counted: &RequestRecord) -> &'static str {
    match StatusClass::of(counted.status) {
        // an answer that was cut off has a reason
        StatusClass::Success | StatusClass::Redirection if counted.reason.is_none() => "success",
        _ => "failure",
    }
}

fn without_query(target: &[u8]) -> Option<&[u8]> {
    target.split(|byte| *byte == b'?').next()
}

/// The fields as Markdown, for the documentation.
#[must_use]
pub fn markdown() -> String {
    let rows = FIELDS.iter().map(|field| format!("| `{}` | {} |\n", field.name, field.help));
    std::iter::once("| field | meaning |\n|---|---|\n".to_owned()).chain(rows).collect()
}

#[cfg(test)]
pub(super) mod tests;
