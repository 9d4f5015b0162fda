//! Tests of the access log.
//! It must not look at a line other than as a parser does, but for the one that shows its whole form.

use serde_json::{Map, Value as Json};

use super::*;
use crate::links::identity::LinkId;
use crate::net::identity::identify;
use crate::net::rules::{ListenerRules, NetworkRules};
use crate::net::{ConnFacts, ListenerIndex};
use crate::telemetry::record::{AuthRecord, AuthResult, Decision, UpstreamRecord};

pub(in crate::telemetry) fn line(format: LogFormat, record: &AccessRecord<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    push_line(format, record, &mut out);
    out
}

pub(in crate::telemetry) fn identity() -> NetworkIdentity {
    let facts = ConnFacts {
        peer: Some("203.0.113.7:50000".parse().unwrap()),
        local: None,
        tls: Some(TlsVersion::Tls13),
        proxy: None,
        listener: ListenerIndex(0),
    };
    let network = NetworkRules::new([], []).unwrap();
    identify(&facts, &ListenerRules::default(), &network, |_| std::iter::empty()).unwrap()
}

pub(in crate::telemetry) fn counted() -> RequestRecord {
    RequestRecord {
        decision: Decision::Allow,
        status: 200,
        auth: Some(AuthRecord { scheme: Some(0), result: AuthResult::Verified }),
        proof: Some(Proof::Peer),
        total: Duration::from_millis(12),
        overhead: Duration::from_micros(80),
        upstream: Some(UpstreamRecord {
            upstream: 0,
            status: 200,
            first_byte: Some(Duration::from_millis(9)),
            retries: 0,
        }),
        response_body_bytes: 1024,
        link_validity: Some(Duration::from_mins(14)),
        link_age: Some(Duration::from_mins(1)),
        ..RequestRecord::new(ListenerIndex(0))
    }
}

pub(in crate::telemetry) fn full<'a>(
    identity: &'a NetworkIdentity,
    counted: &'a RequestRecord,
) -> AccessRecord<'a> {
    AccessRecord {
        at: UnixMillis::from_millis(1_768_478_400_005),
        request_id: "4442587FB7D0A2F9",
        listener: "0.0.0.0:8443",
        peer: Some("[::ffff:203.0.113.7]:50000".parse().unwrap()),
        identity: Some(identity),
        method: Some("GET"),
        host: Some("s3.example.internal"),
        path: Some(b"/reports/2026/a%20b.pdf"),
        query: Some(b"X-Amz-Expires=900&X-Amz-Signature=5ec4e7"),
        version: Some(Version::Http11),
        referer: Some(b"https://portal.example/?X-Amz-Signature=5ec4e7"),
        key: Some(b"2026/a b.pdf"),
        version_id: None,
        region: Some("eu-west-1"),
        user_agent: Some(b"aws-cli/2.0"),
        operation: Some("GetObject"),
        bucket: Some("reports"),
        link: Some(LinkId::from_bytes([0x5e; 16])),
        auth_scheme: Some("query_v4"),
        principal: Some("arn:aws:iam::111122223333:user/main"),
        access_key_id: Some("AKIDTESTMAIN00000001"),
        error_code: None,
        upstream: Some("main"),
        shadow_denied: &["next.json", "strict \"one\""],
        diagnosis: &["host_rewritten", "port_removed"],
        counted,
    }
}

/// A request of which no byte could be read.
pub(in crate::telemetry) fn bare(counted: &RequestRecord) -> AccessRecord<'_> {
    AccessRecord {
        at: UnixMillis::from_millis(0),
        request_id: "1",
        listener: "l",
        peer: None,
        identity: None,
        method: None,
        host: None,
        path: None,
        query: None,
        version: None,
        referer: None,
        key: None,
        version_id: None,
        region: None,
        user_agent: None,
        operation: None,
        bucket: None,
        link: None,
        auth_scheme: None,
        principal: None,
        access_key_id: None,
        error_code: None,
        upstream: None,
        shadow_denied: &[],
        diagnosis: &[],
        counted,
    }
}

fn parsed(record: &AccessRecord<'_>) -> Map<String, Json> {
    let line = line(LogFormat::Json, record);
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn a_line_has_this_form() {
    let (identity, counted) = (identity(), counted());
    let expected = concat!(
        r#"{"@timestamp":"2026-01-15T12:00:00.005Z","event.action":"GetObject","event.outcome":"success","#,
        r#""event.duration":12000000,"http.request.id":"4442587FB7D0A2F9","http.request.method":"GET","#,
        r#""http.request.body.bytes":0,"http.response.status_code":200,"http.response.body.bytes":1024,"#,
        r#""url.domain":"s3.example.internal","url.path":"/reports/2026/a%20b.pdf","#,
        r#""user_agent.original":"aws-cli/2.0","source.ip":"203.0.113.7","source.port":50000,"#,
        r#""client.ip":"203.0.113.7","tls.version":"1.3","user.id":"arn:aws:iam::111122223333:user/main","#,
        r#""aws.s3.bucket":"reports","presign_gate.listener":"0.0.0.0:8443","presign_gate.decision":"allow","#,
        r#""presign_gate.overhead":80000,"presign_gate.auth.scheme":"query_v4","#,
        r#""presign_gate.auth.result":"verified","presign_gate.auth.access_key_id":"AKIDTESTMAIN00000001","presign_gate.auth.diagnosis":["host_rewritten","port_removed"],"presign_gate.link.id":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","presign_gate.link.age":60,"presign_gate.link.validity":840,"#,
        r#""presign_gate.policy.shadow_denied":["next.json","strict \"one\""],"#,
        r#""presign_gate.network.proof":"peer","presign_gate.upstream.name":"main","#,
        r#""presign_gate.upstream.status_code":200,"presign_gate.upstream.first_byte":9000000}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(line(LogFormat::Json, &full(&identity, &counted))).unwrap(), expected);
}

#[test]
fn what_a_request_never_came_to_is_left_out() {
    let counted = RequestRecord { reason: Some(Reason::HeadTimeout), ..RequestRecord::new(ListenerIndex(0)) };
    let fields = parsed(&bare(&counted));
    let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "@timestamp",
        "event.duration",
        "event.outcome",
        "event.reason",
        "http.request.body.bytes",
        "http.request.id",
        "http.response.body.bytes",
        "presign_gate.decision",
        "presign_gate.listener",
        "presign_gate.overhead",
        "presign_gate.stage",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        (&fields["event.reason"], &fields["presign_gate.stage"]),
        (&"head_timeout".into(), &"request".into())
    );
    assert_eq!(
        (&fields["event.outcome"], &fields["presign_gate.decision"]),
        (&"failure".into(), &"deny".into())
    );
}

#[test]
fn an_answer_that_was_cut_off_is_no_success() {
    for (status, reason, expected) in [
        (200, None, "success"),
        (200, Some(Reason::ClientAborted), "failure"),
        (304, None, "success"),
        (404, None, "failure"),
    ] {
        let counted = RequestRecord { status, reason, ..counted() };
        assert_eq!(outcome(&counted), expected, "{status} {reason:?}");
    }
}

#[test]
fn nothing_that_makes_a_link_usable_is_in_a_line() {
    let counted = counted();
    let record = AccessRecord {
        host: Some("h?X-Amz-Signature=5ec4e7"),
        path: Some(
            b"/b/k%3FX-Amz-Signature%3D5ec4e7?X-Amz-Credential=5ec4e7&X-Amz-Signature=5ec4e7&Other=5ec4e7",
        ),
        user_agent: Some(b"curl (http://h/?x-amz-security-token=5ec4e7)"),
        ..bare(&counted)
    };
    let text = String::from_utf8(line(LogFormat::Json, &record)).unwrap();
    assert!(!text.contains("5ec4e7"), "{text}");
    assert_eq!(parsed(&record)["url.path"], "/b/k%3FX-Amz-Signature%3DREDACTED");
}

#[test]
fn what_a_client_sends_stays_inside_its_string() {
    let counted = counted();
    for hostile in
        [&b"\"}\n{\"a\":\"b"[..], b"\r\n\x1b[31mFAKE", "\u{2028}\u{202e}".as_bytes(), b"\xff\xfe", b"\\", b""]
    {
        let fields =
            parsed(&AccessRecord { path: Some(hostile), user_agent: Some(hostile), ..bare(&counted) });
        let expected = String::from_utf8_lossy(hostile);
        assert_eq!(fields["user_agent.original"], expected.as_ref());
        assert_eq!(fields["url.path"], expected.as_ref());
    }
}

#[test]
fn fields_have_distinct_names_and_are_documented() {
    for field in FIELDS {
        assert_eq!(FIELDS.iter().filter(|other| other.name == field.name).count(), 1, "{}", field.name);
        assert!(markdown().contains(&format!("| `{}` | {} |\n", field.name, field.help)));
    }
}
