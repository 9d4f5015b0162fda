//! Asks the policies about everything that a request needs.
//! It must not know a rule of the policy language: it fills the context and combines decisions.

use super::outcome::Denial;
use crate::auth::Authenticated;
use crate::auth::scheme::{Form, Scheme, Version};
use crate::clock::UnixMillis;
use crate::net;
use crate::net::ListenerIndex;
use crate::net::identity::NetworkIdentity;
use crate::policy::compile::StatementRef;
use crate::policy::context::{
    Age, Context, NetworkPath, OperationValue, SignatureVersion, Signed, Tags, TlsVersion, Transport,
};
use crate::policy::decide::{Layers, Outcome as Said, decide, would_deny};
use crate::policy::key::Key;
use crate::policy::query::{ActionRef, ContextRef, Query, ResourceRef};
use crate::reason::Reason;
use crate::request::RawRequest;
use crate::s3::effective::effective_header;
use crate::s3::error::ErrorCode;
use crate::s3::requirement::{Kind, Requirement, Resource};
use crate::snapshot::{self, Snapshot};
use smallvec::SmallVec;

/// What the policies said about a request as a whole.
#[derive(Debug, Default)]
pub struct AccessDecision<'r> {
    /// What comes of it.
    pub said: Access,
    /// The statements that decided.
    pub matched: SmallVec<[StatementRef<'r>; 4]>,
    /// The documents, by position in [`Snapshot::shadow`], that would deny the request if they were guardrails. Empty
    /// for requests that are not allowed anyway.
    pub shadow_denied: SmallVec<[usize; 2]>,
}

/// What comes of the policies' decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// They were not asked.
    #[default]
    Unasked,
    /// Everything is allowed.
    Allow,
    /// Something is neither allowed nor denied, and nothing about it is unclear.
    Silent,
    /// Something is denied by a statement.
    ExplicitDeny,
    /// Something is not allowed.
    ImplicitDeny,
}

impl AccessDecision<'_> {
    /// Whether the request goes on.
    ///
    /// # Errors
    /// The refusal; S3's plain text, whatever the reason.
    pub fn verdict(&self, default: snapshot::Default) -> Result<(), Denial> {
        let reason = match (self.said, default) {
            (Access::Allow, _) | (Access::Silent, snapshot::Default::Pass) => return Ok(()),
            (Access::ExplicitDeny, _) => Reason::ExplicitDeny,
            (Access::Unasked | Access::Silent | Access::ImplicitDeny, _) => Reason::ImplicitDeny,
        };
        Err(Denial::new(reason, ErrorCode::AccessDenied))
    }
}

/// What is known when the policies are asked.
#[derive(Clone, Copy)]
pub(super) struct Question<'r, 'q, 'h> {
    pub(super) snapshot: &'r Snapshot,
    pub(super) request: &'q RawRequest<'h>,
    pub(super) network: &'q NetworkIdentity,
    pub(super) authenticated: &'q Authenticated<'r>,
    pub(super) now: UnixMillis,
}

impl<'r> Question<'r, '_, '_> {
    /// Asks about every requirement. One that is not allowed settles it; an explicit Deny of any comes first.
    pub(super) fn ask(
        &self,
        listener: ListenerIndex,
        bucket: Option<usize>,
        requirements: &[Requirement<'_>],
    ) -> AccessDecision<'r> {
        let mut decision = AccessDecision { said: Access::Allow, ..AccessDecision::default() };
        let Some(identity) = self.snapshot.identity(self.authenticated.principal) else {
            return AccessDecision { said: Access::ImplicitDeny, ..decision };
        };
        if requirements.is_empty() {
            // what needs nothing is no operation that policies know
            return AccessDecision { said: Access::ImplicitDeny, ..decision };
        }
        let operation = self.operation_keys();
        let context = self.context(&operation);
        let mut shadow_denied = SmallVec::new();
        for requirement in requirements {
            let Some(resource) = resource(&requirement.resource) else {
                return AccessDecision { said: Access::ImplicitDeny, ..decision };
            };
            let own = requirement
                .resource
                .bucket()
                .and_then(|name| self.snapshot.buckets.find(name.as_str()))
                .or(bucket);
            let layers = Layers {
                identity: &identity.policies,
                resource: own
                    .and_then(|at| self.snapshot.buckets.get(at))
                    .and_then(|bucket| bucket.policy.as_deref()),
                boundary: identity.boundary.as_deref(),
                session: None,
                endpoint: self.snapshot.listener(listener).map_or(&[], |listener| &listener.endpoint_policy),
                guardrails: &self.snapshot.guardrails,
            };
            let query = Query {
                principal: &identity.principal,
                resource_account: None,
                action: ActionRef::Known(requirement.action),
                resource,
                context: ContextRef::Request(&context),
            };
            let answer = decide(&layers, &query);
            let silent = answer.is_silent();
            if answer.outcome == Said::ExplicitlyDenied {
                let matched = answer.matched;
                return AccessDecision {
                    said: Access::ExplicitDeny,
                    matched,
                    shadow_denied: SmallVec::new(),
                };
            }
            for at in would_deny(&self.snapshot.shadow, &layers, &query) {
                if !shadow_denied.contains(&at) {
                    shadow_denied.push(at);
                }
            }
            // what S3 alone can know to be needed is only refused by an explicit Deny
            if requirement.kind != Kind::Always {
                continue;
            }
            match answer.outcome {
                Said::Allowed => decision.matched.extend(answer.matched),
                _ if silent && decision.said != Access::ImplicitDeny => decision.said = Access::Silent,
                _ => decision.said = Access::ImplicitDeny,
            }
        }
        if decision.verdict(self.snapshot.default).is_ok() {
            decision.shadow_denied = shadow_denied;
        }
        decision
    }

    fn context<'c>(&'c self, operation: &'c [(Key, OperationValue<'c>)]) -> Context<'c> {
        let network = self.network;
        let headers = &self.request.headers;
        let age = Age::between(self.authenticated.signed_at, self.now);
        Context {
            network: path(network),
            azure_link_id: network.azure_link_id(),
            gcp_psc_connection_id: network.gcp_psc_connection_id(),
            transport: transport(network),
            signed: signed(self.authenticated.scheme, age),
            region: self.authenticated.region,
            user_agent: headers.first("user-agent").unwrap_or_default(),
            referer: headers.first("referer"),
            object_tags: self.object_tags(),
            operation,
            ..Context::at(self.now)
        }
    }

    /// Tags are not taken apart: where a request brings some, a Deny that asks for them holds, an Allow does not.
    fn object_tags<'c>(&self) -> Tags<'c> {
        let in_body = self.request.target.query.has(b"tagging") && !self.request.body.is_empty();
        if in_body || effective_header(self.request, "x-amz-tagging").is_some() {
            Tags::Unknown
        } else {
            Tags::Absent
        }
    }

    /// The keys that come from parameters and headers of the operation; each action sees only those that it supports.
    fn operation_keys(&self) -> SmallVec<[(Key, OperationValue<'_>); 8]> {
        let mut found = SmallVec::new();
        for (key, name) in QUERY_KEYS {
            if let Some(value) = self.request.target.query.first(name.as_bytes()) {
                found.push((*key, OperationValue::Text(value)));
            }
        }
        for (key, name) in HEADER_KEYS {
            if let Some(value) = effective_header(self.request, name) {
                found.push((*key, OperationValue::Text(value)));
            }
        }
        if let Some(source) = effective_header(self.request, "x-amz-copy-source") {
            found.push((
                Key::XAmzCopySource,
                OperationValue::Text(source.strip_prefix(b"/").unwrap_or(source)),
            ));
        }
        if let Some(value) = self.request.headers.first("x-amz-content-sha256") {
            found.push((Key::ContentSha256, OperationValue::Text(value)));
        }
        // what stands in bodies or has to be worked out is unknown: a Deny that asks for it holds, an Allow does not
        if self.request.body.is_empty() {
            return found;
        }
        for key in BODY_KEYS {
            if !found.iter().any(|(known, _)| known == key) {
                found.push((*key, OperationValue::Unknown));
            }
        }
        found
    }
}

const QUERY_KEYS: &[(Key, &str)] = &[
    (Key::Prefix, "prefix"),
    (Key::Delimiter, "delimiter"),
    (Key::MaxKeys, "max-keys"),
    (Key::VersionId, "versionId"),
];

const HEADER_KEYS: &[(Key, &str)] = &[
    (Key::XAmzAcl, "x-amz-acl"),
    (Key::XAmzGrantFullControl, "x-amz-grant-full-control"),
    (Key::XAmzGrantRead, "x-amz-grant-read"),
    (Key::XAmzGrantReadAcp, "x-amz-grant-read-acp"),
    (Key::XAmzGrantWrite, "x-amz-grant-write"),
    (Key::XAmzGrantWriteAcp, "x-amz-grant-write-acp"),
    (Key::XAmzMetadataDirective, "x-amz-metadata-directive"),
    (Key::XAmzObjectAnnotationDirective, "x-amz-object-annotation-directive"),
    (Key::XAmzServerSideEncryption, "x-amz-server-side-encryption"),
    (Key::XAmzKmsKeyId, "x-amz-server-side-encryption-aws-kms-key-id"),
    (Key::XAmzCustomerAlgorithm, "x-amz-server-side-encryption-customer-algorithm"),
    (Key::XAmzStorageClass, "x-amz-storage-class"),
    (Key::XAmzWebsiteRedirectLocation, "x-amz-website-redirect-location"),
    (Key::XAmzObjectOwnership, "x-amz-object-ownership"),
    (Key::XAmzBucketNamespace, "x-amz-bucket-namespace"),
    (Key::IfMatch, "if-match"),
    (Key::IfNoneMatch, "if-none-match"),
    (Key::XAmzObjectIfMatch, "x-amz-object-if-match"),
    (Key::ObjectLockMode, "x-amz-object-lock-mode"),
    (Key::ObjectLockLegalHold, "x-amz-object-lock-legal-hold"),
    (Key::ObjectLockRetainUntilDate, "x-amz-object-lock-retain-until-date"),
];

/// Keys that the bodies of some operations carry.
const BODY_KEYS: &[Key] = &[Key::LocationConstraint];

fn resource<'a>(resource: &'a Resource<'_>) -> Option<ResourceRef<'a>> {
    match resource {
        Resource::Service => Some(ResourceRef::AllBuckets),
        Resource::Bucket(bucket) => Some(ResourceRef::bucket(bucket.as_str())),
        Resource::Object { bucket, key } => Some(ResourceRef::object(bucket.as_str(), key)),
        // what only a body names has no resource: nothing allows it
        Resource::BodyObjects | Resource::FormObject => None,
    }
}

fn path(network: &NetworkIdentity) -> NetworkPath<'_> {
    use net::identity::NetworkPath as Known;
    match network.path() {
        Known::Direct { source_ip } => NetworkPath::Direct { ip: *source_ip },
        Known::Vpc { vpc, vpc_source_ip } => {
            NetworkPath::Vpc { ip: *vpc_source_ip, vpc, vpc_arn: network.source_vpc_arn() }
        }
        Known::Endpoint { id, vpc_source_ip, .. } => NetworkPath::Endpoint {
            ip: Some(*vpc_source_ip),
            vpce: id,
            vpc: network.source_vpc(),
            vpc_arn: network.source_vpc_arn(),
            account: network.vpce_account(),
            org: network.vpce_org_id(),
        },
        // a private link of another cloud has an address that means nothing to AWS keys
        Known::PrivateLink { .. } | Known::Unknown => NetworkPath::Unknown,
    }
}

const fn signed(scheme: Scheme, age: Age) -> Signed {
    let version = match scheme.version() {
        Version::V2 => SignatureVersion::V2,
        Version::V4 => SignatureVersion::V4,
        Version::V4a => SignatureVersion::V4A,
    };
    match scheme.form() {
        Form::Query => Signed::Query(version, age),
        Form::Header => Signed::Header(version),
        Form::Post => Signed::Post(version, age),
    }
}

fn transport(network: &NetworkIdentity) -> Transport {
    match (network.tls_version(), network.secure_transport()) {
        (Some(version), _) => Transport::Tls(match version {
            net::TlsVersion::Tls10 => TlsVersion::V1_0,
            net::TlsVersion::Tls11 => TlsVersion::V1_1,
            net::TlsVersion::Tls12 => TlsVersion::V1_2,
            net::TlsVersion::Tls13 => TlsVersion::V1_3,
        }),
        (None, true) => Transport::TlsOfUnknownVersion,
        (None, false) => Transport::Plain,
    }
}
