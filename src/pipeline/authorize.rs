//! Asks the policies about everything that a request needs.
//! It must not know a rule of the policy language: it fills the context and combines decisions.

use super::keys::Subject;
use super::outcome::Denial;
use crate::auth::Authenticated;
use crate::auth::scheme::{Form, Scheme, Version};
use crate::net;
use crate::net::ListenerIndex;
use crate::net::identity::NetworkIdentity;
use crate::policy::compile::StatementRef;
use crate::policy::context::{
    Age, Context, NetworkPath, OperationValue, SignatureVersion, Signed, Tags, TlsVersion, Transport,
};
use crate::policy::decide::{Layers, Outcome as Said, decide, would_deny};
use crate::policy::key::Key;
use crate::policy::query::{ActionRef, ContextRef, Owner, Query, ResourceRef};
use crate::reason::Reason;
use crate::s3::error::ErrorCode;
use crate::s3::requirement::{Kind, Requirement, Resource};
use crate::snapshot::{self, Identity, Snapshot};
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
    pub(super) subject: Subject<'q, 'h>,
    pub(super) network: &'q NetworkIdentity,
    pub(super) authenticated: &'q Authenticated<'r>,
    /// Whom it stands for; nobody is allowed nothing.
    pub(super) identity: Option<&'r Identity>,
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
        let Some(identity) = self.identity else {
            return AccessDecision { said: Access::ImplicitDeny, ..decision };
        };
        if requirements.is_empty() {
            // what needs nothing is no operation that policies know
            return AccessDecision { said: Access::ImplicitDeny, ..decision };
        }
        let (keys, object, bucket_tags) =
            (self.subject.keys(), self.subject.object_tags(), self.subject.bucket_tags());
        let context =
            Context { issued: identity.issued, ..self.context(&keys, object.tags(), bucket_tags.tags()) };
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
                owner: own.and_then(|at| self.snapshot.buckets.get(at)).map_or_else(
                    Owner::default,
                    |bucket| Owner { account: bucket.account.as_deref(), org: bucket.org.as_deref() },
                ),
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

    fn context<'c>(
        &'c self,
        keys: &'c [(Key, OperationValue<'c>)],
        object: Tags<'c>,
        bucket: Tags<'c>,
    ) -> Context<'c> {
        let network = self.network;
        let headers = &self.subject.request.headers;
        let age = Age::between(self.authenticated.signed_at, self.subject.now);
        Context {
            network: path(network),
            azure_link_id: network.azure_link_id(),
            gcp_psc_connection_id: network.gcp_psc_connection_id(),
            transport: transport(network),
            signed: signed(self.authenticated.scheme, age),
            region: self.authenticated.region,
            user_agent: headers.first("user-agent").unwrap_or_default(),
            referer: headers.first("referer"),
            object_tags: object,
            bucket_tags: bucket,
            operation: keys,
            ..Context::at(self.subject.now)
        }
    }
}

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
