//! Everything that went into a verdict: what the shell acts on, and what records and `explain` show.
//! It must not decide.

use super::authorize::AccessDecision;
use crate::auth::error::AuthError;
use crate::auth::keyring::{Asked, Credential, KeyIndex};
use crate::auth::{Authenticated, Signer};
use crate::links::claim::LinkClaim;
use crate::links::constraint::Constraints;
use crate::links::identity::LinkId;
use crate::net::identity::{NetworkIdentity, Proof};
use crate::reason::Reason;
use crate::request::RawRequest;
use crate::request::query::Query;
use crate::s3::address::Address;
use crate::s3::error::S3Error;
use crate::s3::operation::Operation;
use crate::snapshot::{Guest, Identity, Snapshot};
use crate::upstream::head::Outgoing;
use crate::upstream::plan::Carriage;
use std::sync::OnceLock;

/// What says least: the answer to every refusal where they are to look the same.
pub static PLAINEST: S3Error = S3Error::new(crate::s3::error::ErrorCode::AccessDenied);

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why, for operators.
    pub reason: Reason,
    /// What the client is told.
    pub error: S3Error,
}

impl Denial {
    /// A refusal with the usual text of a code.
    #[must_use]
    pub const fn new(reason: Reason, code: crate::s3::error::ErrorCode) -> Self {
        Self { reason, error: S3Error::new(code) }
    }
}

/// What happens to a request.
#[derive(Debug)]
pub enum Verdict {
    /// It goes to S3.
    Forward(Permit),
    /// Its key is not in the snapshot: find out about it and ask again.
    AskKey(String),
    /// It depends on its body: ask again with it.
    ReadBody,
    /// It is a form: read its fields and ask with [`decide_form`](super::decide_form).
    ReadForm,
    /// It is a browser's preflight, answered with these header lines.
    Preflight(Vec<u8>),
    /// It is refused.
    Answer(Denial),
}

/// A request that may go to S3.
#[derive(Debug)]
pub struct Permit {
    /// The store, by position in [`Snapshot::upstreams`].
    pub upstream: usize,
    /// The value of x-amz-copy-source there, if it is another one.
    pub copy_source: Option<String>,
    /// Its query there, if it is another one.
    pub query: Option<Vec<u8>>,
    /// How it is carried.
    pub carriage: Carriage,
    /// What its link has to be asked for first, if it limits something that needs state.
    pub state: Option<Box<LinkClaim>>,
}

/// A verdict and all that led to it. What a stage did not get to is `None` or empty.
#[derive(Debug)]
pub struct Outcome<'r> {
    /// How the network path was proven.
    pub proof: Option<Proof>,
    /// Bucket and key.
    pub address: Option<Address<'r>>,
    /// The operation.
    pub operation: Option<Operation>,
    /// What was known about a key that is not in the snapshot.
    pub asked: Asked<&'r Guest>,
    /// The signature, or why there is none.
    pub auth: Option<Result<Authenticated<'r>, AuthError>>,
    /// The bucket, by position in [`Snapshot::buckets`].
    pub bucket: Option<usize>,
    /// The network path.
    pub network: Option<NetworkIdentity>,
    /// The constraints of the link.
    pub constraints: Option<Constraints>,
    /// What the policies said.
    pub access: AccessDecision<'r>,
    /// Header lines that tell a page of another origin what it may see; `None` if the bucket has no rules about that.
    pub cors: Option<Vec<u8>>,
    /// The name of the link, once somebody has asked for it: rates, revocations and the log do, and it costs a MAC.
    pub(super) link: OnceLock<Option<LinkId>>,
    /// What happens now.
    pub verdict: Verdict,
}

impl Default for Outcome<'_> {
    fn default() -> Self {
        Self {
            proof: None,
            address: None,
            operation: None,
            asked: Asked::Nobody,
            auth: None,
            bucket: None,
            network: None,
            constraints: None,
            access: AccessDecision::default(),
            cors: None,
            link: OnceLock::new(),
            // whoever forgets to set it refuses
            verdict: Verdict::Answer(Denial::new(
                Reason::Internal,
                crate::s3::error::ErrorCode::InternalError,
            )),
        }
    }
}

impl<'r> Outcome<'r> {
    /// Turns the verdict into a refusal.
    pub fn refuse(&mut self, denial: Denial) {
        self.verdict = Verdict::Answer(denial);
    }

    /// What the client is told of a refusal. Once a signature was looked for, everything depends on it: with `uniform`
    /// such a refusal is S3's plainest, whatever its reason.
    #[must_use]
    pub fn told<'o>(&self, denial: &'o Denial, uniform: bool) -> &'o S3Error {
        if uniform && self.auth.is_some() { &PLAINEST } else { &denial.error }
    }

    /// Whether the store of link state has to be asked.
    #[must_use]
    pub const fn asks_store(&self) -> bool {
        matches!(&self.verdict, Verdict::Forward(permit) if permit.state.is_some())
    }

    /// The signature, proven or left to the store.
    #[must_use]
    pub fn authenticated(&self) -> Option<&Authenticated<'r>> {
        self.auth.as_ref()?.as_ref().ok()
    }

    /// The access key id that signed: proven, or as it was sent where only the store can tell.
    #[must_use]
    pub fn access_key_id<'o>(&'o self, snapshot: &'o Snapshot) -> Option<&'o str> {
        match self.authenticated()?.signer {
            Signer::Known { .. } => Some(&self.credential(snapshot)?.access_key_id),
            Signer::Unknown(key_id) => Some(key_id),
        }
    }

    /// The credential that signed, if it is known.
    #[must_use]
    pub fn credential<'o>(&'o self, snapshot: &'o Snapshot) -> Option<&'o Credential> {
        match self.authenticated()?.signer {
            Signer::Known { key, .. } => snapshot.keys(self.asked).credential(key),
            Signer::Unknown(_) => None,
        }
    }

    /// Whom it stands for.
    #[must_use]
    pub fn identity<'o>(&'o self, snapshot: &'o Snapshot) -> Option<&'o Identity> {
        identity(snapshot, self.asked, self.authenticated()?)
    }

    /// The request as its store gets it; `None` unless the verdict is [`Verdict::Forward`].
    #[must_use]
    pub fn outgoing<'o, 'h>(
        &'o self,
        snapshot: &'o Snapshot,
        request: &'o RawRequest<'h>,
    ) -> Option<Outgoing<'o, 'r, 'h>> {
        let Verdict::Forward(permit) = &self.verdict else { return None };
        let bucket = self.bucket.and_then(|at| snapshot.buckets.get(at));
        let upstream = snapshot.upstreams.get(permit.upstream)?;
        let authenticated = self.authenticated()?;
        if upstream.signs_anew() && !authenticated.is_verified() {
            // the gate never signs for somebody whom it does not know
            return None;
        }
        Some(Outgoing {
            request,
            authenticated,
            address: self.address.as_ref()?,
            upstream,
            bucket: bucket.and_then(|bucket| bucket.upstream_bucket.as_deref()),
            prefix: bucket.and_then(|bucket| bucket.upstream_prefix.as_ref()),
            query: permit.query.as_deref().map(Query::parse).transpose().ok()?,
            copy_source: permit.copy_source.as_deref(),
            provided: None,
            traceparent: None,
            carriage: &permit.carriage,
        })
    }
}

/// Who the signer of a request is.
pub(super) fn identity<'r>(
    snapshot: &'r Snapshot,
    asked: Asked<&'r Guest>,
    authenticated: &Authenticated<'_>,
) -> Option<&'r Identity> {
    match (authenticated.signer, asked) {
        (Signer::Unknown(_), _) => Some(Identity::unknown()),
        (Signer::Known { key: KeyIndex::Own(_), principal, .. }, _) => snapshot.identity(principal),
        (Signer::Known { key: KeyIndex::Guest, .. }, Asked::Known(guest)) => Some(&guest.identity),
        (Signer::Known { key: KeyIndex::Guest, .. }, _) => None,
    }
}
