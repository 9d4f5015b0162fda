//! What `explain` prints: one object, or the same as text.
//! It must not decide: every field comes from the outcome.

use crate::auth::Authenticated;
use crate::auth::error::AuthError;
use crate::auth::sigv4::doctor::{Diagnosis, Effort};
use crate::auth::sigv4::explain::signed_texts;
use crate::pipeline::authorize::Access;
use crate::pipeline::diagnosis::Case;
use crate::pipeline::limits::link_name;
use crate::pipeline::{Denial, Outcome, Verdict};
use crate::reason::Reason;
use crate::request::RawRequest;
use crate::s3::classify::classify;
use crate::snapshot::Snapshot;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The answer of `explain`.
#[derive(Debug)]
pub struct Report {
    fields: Value,
    refusal: bool,
}

impl Report {
    /// A request whose head cannot be read.
    pub(super) fn malformed(denial: &Denial) -> Self {
        let mut fields = empty();
        refuse(&mut fields, denial);
        Self { fields, refusal: true }
    }

    /// A request whose key nobody could be asked about.
    pub(super) fn unknowable(id: String) -> Self {
        let error = AuthError::KeySource(id);
        Self::malformed(&Denial { reason: error.reason(), error: error.s3() })
    }

    /// Says more to an answer that needs no hint by itself.
    pub(super) fn add_hint(&mut self, hint: &str) {
        set(&mut self.fields, "hint", json!(hint));
    }

    /// A request that was judged.
    pub(super) fn of(snapshot: &Snapshot, request: &RawRequest<'_>, outcome: &Outcome<'_>) -> Self {
        let mut fields = empty();
        let refusal = match &outcome.verdict {
            Verdict::Answer(denial) => {
                refuse(&mut fields, denial);
                true
            }
            // its signature is in its fields, which a URL does not tell
            Verdict::ReadForm => {
                let error = AuthError::Anonymous;
                refuse(&mut fields, &Denial { reason: error.reason(), error: error.s3() });
                true
            }
            // a question, not an answer
            Verdict::AskKey(id) => {
                let error = AuthError::KeySource(id.clone());
                refuse(&mut fields, &Denial { reason: error.reason(), error: error.s3() });
                true
            }
            Verdict::Forward(_) | Verdict::Preflight(_) | Verdict::ReadBody => {
                set(
                    &mut fields,
                    "decision",
                    json!(if outcome.access.said == Access::Silent { "pass" } else { "allow" }),
                );
                false
            }
        };
        set(&mut fields, "operation", json!(outcome.operation.map(crate::s3::operation::Operation::name)));
        let actions: Vec<Value> = outcome
            .address
            .as_ref()
            .and_then(|address| classify(request, address).ok())
            .map(|classified| {
                let pair = |need: &crate::s3::requirement::Requirement<'_>| {
                    json!([need.action.name(), need.resource.to_string()])
                };
                classified.requirements.iter().map(pair).collect()
            })
            .unwrap_or_default();
        set(&mut fields, "actions", json!(actions));
        set(&mut fields, "link", json!(link_name(snapshot, outcome).map(|link| link.to_string())));
        let identity = outcome.identity(snapshot);
        set(&mut fields, "principal", json!(identity.and_then(|identity| identity.principal.arn())));
        tell_signer(&mut fields, snapshot, outcome);
        let network = outcome.network.as_ref();
        let address = |ip: Option<std::net::IpAddr>| ip.map(|ip| ip.to_string());
        set(
            &mut fields,
            "identity",
            json!({
                "source_ip": network.and_then(|network| address(network.source_ip())),
                "vpc_source_ip": network.and_then(|network| address(network.vpc_source_ip())),
                "source_vpc": network.and_then(|network| network.source_vpc()),
                "source_vpce": network.and_then(|network| network.source_vpce()),
                "proof": outcome.proof.map(crate::net::identity::Proof::as_str),
            }),
        );
        let matched: Vec<Value> = outcome
            .access
            .matched
            .iter()
            .map(|statement| {
                let effect = match statement.effect() {
                    crate::policy::document::Effect::Allow => "Allow",
                    crate::policy::document::Effect::Deny => "Deny",
                };
                json!({ "document": statement.document(), "sid": statement.label(), "effect": effect })
            })
            .collect();
        set(&mut fields, "matched", json!(matched));
        if let Some(texts) = signed_texts(request) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            set(&mut fields, "canonical_request", json!(text(&texts.shown())));
            set(&mut fields, "string_to_sign", json!(text(&texts.string_to_sign)));
        }
        let case = Case::of(snapshot, request, outcome);
        if let Some(diagnosis) = case.and_then(|case| case.diagnose(Effort::Thorough)) {
            diagnose(&mut fields, &diagnosis);
        }
        Self { fields, refusal }
    }

    /// Whether the request would be refused.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        self.refusal
    }

    /// The object, on one line.
    #[must_use]
    pub fn json(&self) -> String {
        format!("{}\n", self.fields)
    }

    /// The same, a field a line; what is not known is left out.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.fields.as_object().into_iter().flatten() {
            let shown = match value {
                Value::Null => continue,
                Value::String(line) => line.replace('\n', "\n    "),
                other => other.to_string(),
            };
            // writing to a String cannot fail
            let _ = writeln!(text, "{name}: {shown}");
        }
        text
    }
}

fn empty() -> Value {
    json!({
        "decision": "deny", "stage": null, "reason": null, "status": null, "s3_code": null, "operation": null,
        "actions": [], "principal": null, "access_key_id": null, "signature_verified": null, "link": null,
        "identity": { "source_ip": null, "source_vpc": null, "source_vpce": null, "proof": null },
        "matched": [], "canonical_request": null, "string_to_sign": null, "hint": null, "diagnosis": [],
    })
}

fn set(fields: &mut Value, name: &str, value: Value) {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn tell_signer(fields: &mut Value, snapshot: &Snapshot, outcome: &Outcome<'_>) {
    set(fields, "access_key_id", json!(outcome.access_key_id(snapshot)));
    set(fields, "signature_verified", json!(outcome.authenticated().map(Authenticated::is_verified)));
}

fn refuse(fields: &mut Value, denial: &Denial) {
    set(fields, "decision", json!("deny"));
    set(fields, "stage", json!(denial.reason.stage().as_str()));
    set(fields, "reason", json!(denial.reason.code()));
    set(fields, "status", json!(denial.error.status()));
    set(fields, "s3_code", json!(denial.error.code.as_str()));
    set(fields, "hint", json!(hint(denial.reason)));
}

fn diagnose(fields: &mut Value, diagnosis: &Diagnosis) {
    let findings: Vec<Value> = diagnosis
        .findings
        .iter()
        .map(|finding| {
            let proven = diagnosis.is_proven;
            json!({ "cause": finding.cause.code(), "signed": finding.signed, "proven": proven })
        })
        .collect();
    set(fields, "diagnosis", json!(findings));
    set(fields, "hint", json!(diagnosis.hint()));
}

/// What to look at; the meaning of the reason where there is nothing better to say.
fn hint(reason: Reason) -> &'static str {
    match reason {
        Reason::WrongSignature => {
            "compare the canonical request with what the client signed: host and port, path encoding, query and \
             signed headers must be the same, and the secret must be that of the access key"
        }
        Reason::Expired => "sign a new link, or one that lasts longer; check the clock of whoever signs",
        Reason::NotYetValid | Reason::ClockSkew => "check the clock of whoever signs",
        Reason::UnknownKey => "add the access key to `credentials`, or sign with one that is there",
        Reason::UnverifiedLimit => {
            "only the store knows this access key, so nothing can be counted for it: add the key to `credentials`, or \
             sign the link without `x-gate-max-uses`, `x-gate-max-bytes`, `x-gate-pin` and `x-gate-rate`"
        }
        Reason::HeadersNotSigned => {
            "every x-amz-* header must be signed: send none that the link does not name"
        }
        Reason::ImplicitDeny => {
            "no Allow statement of the signer or the bucket covers every action in `actions`"
        }
        Reason::ExplicitDeny => {
            "the statement in `matched` denies it; look at its conditions and at `identity`"
        }
        Reason::UnknownHost => "add the name to `hosts`",
        Reason::UnknownBucket => "add the bucket to `buckets`",
        Reason::WrongRegion => "sign for a region of `signing.regions`",
        Reason::MalformedBody => "this operation is judged by its body, which is not given here",
        other => other.text(),
    }
}
