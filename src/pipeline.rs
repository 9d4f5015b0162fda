//! The heart: one pure function from a request head to a verdict, stage by stage.
//! It must not do IO, read a clock, log or count: all that went into a verdict is in the [`Outcome`].

pub mod authorize;
mod body;
pub mod diagnosis;
pub mod form;
mod keys;
pub mod limits;
mod map;
pub mod outcome;
mod reading;

pub use outcome::{Denial, Outcome, Permit, Verdict};

use map::check_length;
use reading::{Reading, requirements_of};

use crate::auth::error::{AuthError, Disabled};
use crate::auth::keyring::Asked;
use crate::auth::post;
use crate::auth::scheme::Version;
use crate::auth::{Authenticated, Place, Signer, authenticate};
use crate::clock::UnixMillis;
use crate::links::claim::LinkClaim;
use crate::links::constraint::{Constraints, LinkFacts};
use crate::links::identity::LinkId;
use crate::net::ConnFacts;
use crate::net::identity::{NetworkIdentity, Proof, identify};
use crate::reason::{Reason, Stage};
use crate::request::RawRequest;
use crate::request::head::HeadError;
use crate::request::target::TargetError;
use crate::s3::address::{Address, AddressError};
use crate::s3::classify::{Classified, ClassifyError, classify};
use crate::s3::copy_source::CopySource;
use crate::s3::cors;
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::operation::Operation;
use crate::snapshot::{Bucket, Guest, Snapshot};
use crate::upstream::Upstream;
use crate::upstream::mapping::Prefix;
use form::FormUpload;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Judges one request. With a `body` of `None`, a request whose rights depend on its body gets
/// [`Verdict::ReadBody`]; the caller reads it and asks again. So it is with a key that the snapshot does not hold and
/// [`Asked::NotYet`]: the caller finds out about it and asks again, once.
///
/// Answers keep S3's order: malformed, then signature, then everything else, so that whoever cannot sign learns
/// nothing about buckets, networks or policies.
#[must_use]
pub fn decide<'r>(
    snapshot: &'r Snapshot,
    facts: &ConnFacts,
    request: &'r RawRequest<'_>,
    body: Option<&[u8]>,
    asked: Asked<&'r Guest>,
    now: UnixMillis,
) -> Outcome<'r> {
    decide_watched(snapshot, facts, request, body, asked, now, &|_| {})
}

/// As [`decide`]; tells `watch` when a stage that takes time is done, so that the caller can look at a clock.
#[must_use]
pub fn decide_watched<'r>(
    snapshot: &'r Snapshot,
    facts: &ConnFacts,
    request: &'r RawRequest<'_>,
    body: Option<&[u8]>,
    asked: Asked<&'r Guest>,
    now: UnixMillis,
    watch: &dyn Fn(Stage),
) -> Outcome<'r> {
    let mut outcome = Outcome { asked, ..Outcome::default() };
    let judge = Judge { snapshot, facts, request, asked, now, watch };
    let address = snapshot.hosts.address(request);
    let verdict = judge.run(address.as_ref(), body, &mut outcome).unwrap_or_else(Verdict::Answer);
    outcome.verdict = question(&outcome).unwrap_or(verdict);
    outcome.address = address.ok();
    outcome
}

/// Judges a form by the upload that it stands for; `put` is that upload, parsed, and `watch` as in [`decide_watched`].
#[must_use]
pub fn decide_form<'r>(
    snapshot: &'r Snapshot,
    facts: &ConnFacts,
    upload: &FormUpload,
    put: &'r RawRequest<'_>,
    asked: Asked<&'r Guest>,
    now: UnixMillis,
    watch: &dyn Fn(Stage),
) -> Outcome<'r> {
    let mut outcome = Outcome { asked, ..Outcome::default() };
    let judge = Judge { snapshot, facts, request: put, asked, now, watch };
    let address = snapshot.hosts.address(put);
    let verdict = judge.form(address.as_ref(), upload, &mut outcome).unwrap_or_else(Verdict::Answer);
    outcome.verdict = question(&outcome).unwrap_or(verdict);
    outcome.operation = Some(Operation::PostObject);
    outcome.address = address.ok();
    outcome
}

/// The question that a request is as long as nobody was asked for its key.
fn question(outcome: &Outcome<'_>) -> Option<Verdict> {
    match &outcome.auth {
        Some(Err(AuthError::Unasked(id))) => Some(Verdict::AskKey(id.clone())),
        _ => None,
    }
}

/// The network path of a request alone, for limits that count before anything else is looked at; `None` if it cannot be
/// known, and [`decide`] will say so.
#[must_use]
pub fn network(snapshot: &Snapshot, facts: &ConnFacts, request: &RawRequest<'_>) -> Option<NetworkIdentity> {
    let now = UnixMillis::from_millis(0);
    Judge { snapshot, facts, request, asked: Asked::Nobody, now, watch: &|_| {} }.network().ok()
}

/// The refusal of a request that is too much for a limit, from where it comes and how long its source shall wait.
#[must_use]
pub fn slow_down<'r>(network: Option<NetworkIdentity>, wait: Duration) -> Outcome<'r> {
    // a client that comes back a little early is refused again
    let retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    let error = S3Error { retry_after, ..S3Error::new(ErrorCode::SlowDown) };
    let verdict = Verdict::Answer(Denial { reason: Reason::RateLimited, error });
    let proof = Some(network.as_ref().map_or(Proof::Unknown, NetworkIdentity::proof));
    Outcome { proof, network, verdict, ..Outcome::default() }
}

/// What every stage sees.
#[derive(Clone, Copy)]
struct Judge<'r, 'f, 'h> {
    snapshot: &'r Snapshot,
    facts: &'f ConnFacts,
    request: &'r RawRequest<'h>,
    asked: Asked<&'r Guest>,
    now: UnixMillis,
    /// Told when a stage is done.
    watch: &'f dyn Fn(Stage),
}

impl<'r> Judge<'r, '_, '_> {
    fn run(
        self,
        address: Result<&Address<'_>, &AddressError>,
        body: Option<&[u8]>,
        outcome: &mut Outcome<'r>,
    ) -> Result<Verdict, Denial> {
        let Self { snapshot, request, now, .. } = self;
        let network = self.network();
        outcome.proof = network.as_ref().map_or(Some(Proof::Unknown), |network| Some(network.proof()));
        if let Err(error @ AddressError::UnknownHost(_)) = address {
            // whoever asks another host is not asking this gate
            return Err(Denial { reason: error.reason(), error: error.s3() });
        }
        let classified = address.ok().map(|address| classify(request, address));
        outcome.operation =
            classified.as_ref().and_then(|found| found.as_ref().ok()).map(|found| found.operation);
        let bucket = self.named_bucket(address);
        if outcome.operation == Some(Operation::CORSPreflight) {
            // the one answer before a signature is looked at: it tells the rules and nothing else
            network?;
            let rules = bucket.map_or(&[][..], |bucket| &bucket.cors);
            return cors::preflight(rules, request)
                .map(Verdict::Preflight)
                .map_err(|error| Denial { reason: Reason::CorsDenied, error });
        }
        if let Some(bucket) = bucket.filter(|bucket| !bucket.cors.is_empty()) {
            outcome.cors = Some(cors::answer(&bucket.cors, request).unwrap_or_default());
        }
        if outcome.operation == Some(Operation::PostObject) {
            // a form carries its signature in its fields
            if let Err(error) = form::check_head(request, snapshot.signing.post_policy) {
                let denial = Denial { reason: error.reason(), error: error.s3() };
                (self.watch)(Stage::Auth);
                outcome.auth = Some(Err(error));
                return Err(denial);
            }
            return Ok(Verdict::ReadForm);
        }
        let place = Place {
            hosted_bucket: address.ok().and_then(Address::hosted_bucket),
            head_for_get: bucket.is_some_and(|bucket| bucket.head_for_get),
            unknown_keys: address.ok().is_some_and(|address| self.leaves_unknown_keys(address)),
        };
        let (keys, rules) = (snapshot.keys(self.asked), &snapshot.signing);
        let authenticated = authenticate(request, place, keys, rules, &snapshot.key_cache, now);
        (self.watch)(Stage::Auth);
        outcome.auth.insert(authenticated).as_ref().map_err(|error| self.unauthenticated(error))?;
        self.permit(address, classified, body, None, network, outcome)
    }

    /// As [`run`](Self::run), for the upload that a form stands for.
    fn form(
        self,
        address: Result<&Address<'_>, &AddressError>,
        upload: &FormUpload,
        outcome: &mut Outcome<'r>,
    ) -> Result<Verdict, Denial> {
        let Self { snapshot, request, now, .. } = self;
        let network = self.network();
        outcome.proof = network.as_ref().map_or(Some(Proof::Unknown), |network| Some(network.proof()));
        let (keys, rules) = (snapshot.keys(self.asked), &snapshot.signing);
        let posted = post::authenticate(&upload.fields, keys, rules, &snapshot.key_cache, now);
        (self.watch)(Stage::Auth);
        let (authenticated, size) =
            posted.map_or_else(|error| (Err(error), 0..=0), |posted| (Ok(posted.authenticated), posted.size));
        outcome.auth.insert(authenticated).as_ref().map_err(|error| self.unauthenticated(error))?;
        let classified = address.ok().map(|address| classify(request, address));
        match &classified {
            Some(Ok(found)) if found.operation != Operation::PutObject => Err(form::unfit()),
            _ => self.permit(address, classified, None, Some((upload, size)), network, outcome),
        }
    }

    /// Everything that is asked when the signature is proven, or left to the store to prove.
    fn permit(
        self,
        address: Result<&Address<'_>, &AddressError>,
        classified: Option<Result<Classified<'_>, ClassifyError>>,
        body: Option<&[u8]>,
        form: Option<(&FormUpload, RangeInclusive<u64>)>,
        network: Result<NetworkIdentity, Denial>,
        outcome: &mut Outcome<'r>,
    ) -> Result<Verdict, Denial> {
        let Self { snapshot, facts, request, asked, now, watch } = self;
        let Some(Ok(authenticated)) = &outcome.auth else { return Err(internal()) };
        let address = address.map_err(|error| Denial { reason: error.reason(), error: error.s3() })?;
        let classified = classified
            .ok_or_else(internal)?
            .map_err(|error| Denial { reason: error.reason(), error: error.s3() })?;
        let place = self.place(address);
        let bucket = place.and_then(|(bucket, _)| bucket);
        outcome.bucket = bucket;
        let network = &*outcome.network.insert(network?);
        let constraints = match authenticated.scheme.version() {
            // the signature of a form covers its fields in any version
            Version::V2 if form.is_none() => {
                Constraints::refuse_all(&request.target.query).map(|()| Constraints::default())
            }
            Version::V2 | Version::V4 | Version::V4a => Constraints::parse(&request.target.query),
        };
        let constraints =
            constraints.map_err(|error| Denial { reason: error.reason(), error: error.s3() })?;
        let constraints = &*outcome.constraints.insert(constraints);
        let Classified { operation, requirements, copy_source: source } = classified;
        let body = match self.body(operation, body)? {
            Reading::Missing => return Ok(Verdict::ReadBody),
            Reading::Unneeded => None,
            Reading::Read(body) => Some(body),
        };
        let named = Classified { operation, requirements, copy_source: None };
        let requirements = requirements_of(named, address, body.as_ref());
        let header_tags = self.header_tags()?;
        let subject = keys::Subject {
            request,
            operation,
            body: body.as_ref(),
            copy_source: source.as_ref(),
            header_tags: header_tags.as_deref(),
            now,
        };
        let identity = outcome::identity(snapshot, asked, authenticated);
        let question = authorize::Question { snapshot, subject, network, authenticated, identity };
        outcome.access = question.ask(facts.listener, bucket, &requirements);
        watch(Stage::Policy);
        outcome.access.verdict(snapshot.default)?;
        // only who may use it learns whether a bucket is there
        let (_, upstream) =
            place.ok_or_else(|| Denial::new(Reason::UnknownBucket, ErrorCode::NoSuchBucket))?;
        let copy_source = self.copy_source(source.as_ref(), upstream)?;
        constraints
            .check(&LinkFacts {
                source_ip: network.client_ip(),
                source_vpc: network.source_vpc(),
                source_vpce: network.source_vpce(),
                now,
                upload: body::upload_length(request, operation, &authenticated.payload),
            })
            .map_err(|error| Denial { reason: error.reason(), error: error.s3() })?;
        let posted = form.is_some();
        let upload = body::Upload {
            request,
            operation,
            authenticated,
            limit: snapshot.limits.body,
            range: constraints.content_length_range(),
            form,
        };
        let store = snapshot.upstreams.get(upstream).ok_or_else(internal)?;
        let mut carriage = upload.carriage(&store.credentials)?;
        let query = self.map((operation, posted), (bucket, address), subject.body, &mut carriage)?;
        if let (Signer::Unknown(_), Some(_)) = (authenticated.signer, constraints.counted()) {
            // anybody could use up what only the store can tell to be somebody's
            return Err(Denial::new(Reason::UnverifiedLimit, ErrorCode::AccessDenied));
        }
        let state = self.claim(authenticated, constraints, network)?;
        Ok(Verdict::Forward(Permit { upstream, copy_source, query, carriage, state }))
    }
}

impl<'r> Judge<'r, '_, '_> {
    /// The answer to a request whose signature is not proven. That SigV2 covers no constraint is told even where
    /// SigV2 is switched off.
    fn unauthenticated(self, error: &AuthError) -> Denial {
        if *error == AuthError::Disabled(Disabled::SigV2)
            && let Err(error) = Constraints::refuse_all(&self.request.target.query)
        {
            return Denial { reason: error.reason(), error: error.s3() };
        }
        Denial { reason: error.reason(), error: error.s3() }
    }

    /// The network path; where nobody knows it, nothing is served.
    fn network(self) -> Result<NetworkIdentity, Denial> {
        let unknown = || Denial::new(Reason::UnknownNetwork, ErrorCode::AccessDenied);
        let listener = self.snapshot.listener(self.facts.listener).ok_or_else(unknown)?;
        let lines = |name| self.request.headers.all(name);
        let identity = identify(self.facts, &listener.rules, &self.snapshot.network, lines)
            .map_err(|error| Denial::new(error.reason(), ErrorCode::AccessDenied))?;
        if identity.is_unknown() { Err(unknown()) } else { Ok(identity) }
    }

    /// The bucket that the address names, whoever may use it.
    fn named_bucket(self, address: Result<&Address<'_>, &AddressError>) -> Option<&'r Bucket> {
        let buckets = &self.snapshot.buckets;
        buckets.get(buckets.find(address.ok()?.bucket()?.as_str())?)
    }

    /// What the shell has to ask the store for; `None` if the link limits nothing that needs state.
    fn claim(
        self,
        authenticated: &Authenticated<'_>,
        constraints: &Constraints,
        network: &NetworkIdentity,
    ) -> Result<Option<Box<LinkClaim>>, Denial> {
        if !constraints.needs_state() {
            return Ok(None);
        }
        let id = LinkId::of(authenticated, self.snapshot.keys(self.asked))
            .ok_or_else(|| Denial::new(Reason::Internal, ErrorCode::InternalError))?;
        LinkClaim::of(id, constraints, self.request, authenticated, network, &self.snapshot.links)
            .map(|claim| claim.map(Box::new))
            .map_err(|refusal| Denial { reason: refusal.reason(), error: refusal.s3() })
    }

    /// The bucket and the store of an address.
    fn place(self, address: &Address<'_>) -> Option<(Option<usize>, usize)> {
        let buckets = &self.snapshot.buckets;
        match address.bucket() {
            None => Some((None, buckets.service_upstream()?)),
            Some(name) => {
                let position = buckets.find(name.as_str())?;
                Some((Some(position), buckets.get(position)?.upstream))
            }
        }
    }

    /// Whether the store behind an address verifies keys that nobody here knows.
    fn leaves_unknown_keys(self, address: &Address<'_>) -> bool {
        let upstream = self.place(address).and_then(|(_, at)| self.snapshot.upstreams.get(at));
        upstream.is_some_and(Upstream::verifies_unknown_keys)
    }

    /// The source of a copy as the store knows it; `None` if it needs no change.
    fn copy_source(self, classified: Option<&CopySource>, upstream: usize) -> Result<Option<String>, Denial> {
        let Some(source) = classified else { return Ok(None) };
        let buckets = &self.snapshot.buckets;
        let bucket = buckets
            .find(source.bucket.as_str())
            .and_then(|at| buckets.get(at))
            .ok_or_else(|| Denial::new(Reason::UnknownBucket, ErrorCode::NoSuchBucket))?;
        if bucket.upstream != upstream {
            // the store of the copy cannot read the other one
            return Err(Denial::new(Reason::BadParameter, ErrorCode::NotImplemented));
        }
        if bucket.upstream_bucket.is_none() && bucket.upstream_prefix.is_none() && !source.has_plus {
            return Ok(None);
        }
        let is_rewritten = self.snapshot.upstreams.get(upstream).is_some_and(Upstream::signs_anew)
            && self.request.headers.first("x-amz-copy-source").is_some();
        if !is_rewritten {
            // what the store gets is what was signed, and it may read another object in it
            return Err(Denial::new(Reason::BadParameter, ErrorCode::NotImplemented));
        }
        let name = bucket.upstream_bucket.as_deref().unwrap_or_else(|| source.bucket.as_str());
        let prefix = bucket.upstream_prefix.as_ref().map_or("", Prefix::as_str);
        check_length(prefix, source.key.bytes())?;
        Ok(Some(source.in_bucket(name, prefix)))
    }
}

const fn internal() -> Denial {
    Denial::new(Reason::Internal, ErrorCode::InternalError)
}

/// The refusal of a body that a rule must read but cannot: too large, malformed or cut off.
#[must_use]
pub fn unreadable_body() -> Denial {
    Denial::new(Reason::MalformedBody, ErrorCode::MalformedXML)
}

/// The refusal of a body that a rule must read while there is no memory left for it.
#[must_use]
pub const fn buffers_full() -> Denial {
    Denial { reason: Reason::BuffersFull, error: S3Error::new(ErrorCode::SlowDown).retry_after(1) }
}

/// The refusal of a malformed head.
#[must_use]
pub fn malformed(error: &HeadError) -> Denial {
    let code = match error {
        HeadError::Version => ErrorCode::HTTPVersionNotSupported,
        HeadError::TooManyLines => ErrorCode::RequestHeaderSectionTooLarge,
        HeadError::Expect => ErrorCode::ExpectationFailed,
        HeadError::Target(TargetError::Encoding(_)) => ErrorCode::InvalidURI,
        HeadError::SpacedAmzName => ErrorCode::AccessDenied,
        HeadError::Repeated(_) | HeadError::Connection | HeadError::UnexpectedBody(_) => {
            ErrorCode::InvalidRequest
        }
        _ => ErrorCode::BadRequest,
    };
    Denial { reason: error.reason(), error: S3Error::with_message(code, sentence(error)) }
}

/// The text of an error with a capital letter, as S3 writes its messages.
fn sentence(error: &HeadError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
