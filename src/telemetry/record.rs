//! What is measured about one request: small numbers and positions in label lists, collected on the way and counted
//! once at the end. It must not hold text that comes from a request.

use std::time::Duration;

use smallvec::SmallVec;

use crate::auth::sigv4::doctor::Cause;
use crate::net::ListenerIndex;
use crate::net::identity::Proof;
use crate::reason::Reason;

macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $label:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the table; [`Self::index`] is the position here.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The label; stable.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The position in [`Self::ALL`].
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

labels! {
    /// What was decided about a request.
    Decision {
        /// A policy allows it.
        Allow "allow"
        /// It was refused, by whatever stage.
        Deny "deny"
        /// No statement matches, and the default is to let S3 decide.
        Pass "pass"
    }
}

labels! {
    /// The first digit of a final status.
    StatusClass {
        /// Success.
        Success "2xx"
        /// Redirection, and "not modified".
        Redirection "3xx"
        /// The client's fault.
        ClientError "4xx"
        /// The server's fault.
        ServerError "5xx"
        /// There was no answer: the connection ended before.
        Unanswered "none"
    }
}

impl StatusClass {
    /// The class of a status; 0 and everything that is no final status means that there was no answer.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Success,
            300..=399 => Self::Redirection,
            400..=499 => Self::ClientError,
            500..=599 => Self::ServerError,
            _ => Self::Unanswered,
        }
    }
}

labels! {
    /// How an authentication came out.
    AuthResult {
        /// The signature is right and fresh.
        Verified "verified"
        /// It is fresh, and only the store can tell whether it is right.
        Unverified "unverified"
        /// It is not, or the key is not accepted.
        Refused "refused"
        /// The request carries no signature.
        Anonymous "anonymous"
    }
}

labels! {
    /// Whether a request kept a constraint of its link.
    ConstraintResult {
        /// It did.
        Kept "kept"
        /// It did not, and was refused.
        Broken "broken"
    }
}

/// The authentication of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthRecord {
    /// The position in `MetricsConfig::auth_schemes`; `None` without a scheme.
    pub scheme: Option<u8>,
    /// How it came out.
    pub result: AuthResult,
}

/// The last attempt to reach an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamRecord {
    /// The position in `MetricsConfig::upstreams`.
    pub upstream: u16,
    /// The status that it answered; 0 if it did not.
    pub status: u16,
    /// Time from the end of the request head to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// How often it was tried again.
    pub retries: u32,
}

/// One request that has ended. What it never came to is `None` or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// The listener that it came in by.
    pub listener: ListenerIndex,
    /// The position in `MetricsConfig::operations`; `None` counts as `unknown`.
    pub operation: Option<u16>,
    /// The position in `MetricsConfig::buckets`; `None` counts as `other`.
    pub bucket: Option<u16>,
    /// What was decided.
    pub decision: Decision,
    /// The status that was answered; 0 if none was.
    pub status: u16,
    /// Why it was refused or failed.
    pub reason: Option<Reason>,
    /// Its authentication.
    pub auth: Option<AuthRecord>,
    /// How its network path was proven.
    pub proof: Option<Proof>,
    /// From its first byte to the last byte of the answer.
    pub total: Duration,
    /// Time spent in the gate itself.
    pub overhead: Duration,
    /// The upstream, if it was asked.
    pub upstream: Option<UpstreamRecord>,
    /// Body bytes taken from the client.
    pub request_body_bytes: u64,
    /// Body bytes sent to the client.
    pub response_body_bytes: u64,
    /// How long the link is still valid.
    pub link_validity: Option<Duration>,
    /// How long ago the link was signed.
    pub link_age: Option<Duration>,
    /// The positions in `MetricsConfig::statements` of those that matched.
    pub matched: SmallVec<[u32; 4]>,
    /// Why its signature does not hold, as far as somebody looked.
    pub diagnosis: SmallVec<[Cause; 2]>,
    /// The positions in `MetricsConfig::shadow` of those that would have denied it.
    pub shadow_denied: SmallVec<[u16; 2]>,
    /// Positions in `MetricsConfig::constraints`, with what became of them.
    pub constraints: SmallVec<[(u8, ConstraintResult); 4]>,
}

impl RequestRecord {
    /// A request of which nothing is known yet; refused until something else is decided.
    #[must_use]
    pub fn new(listener: ListenerIndex) -> Self {
        Self {
            listener,
            operation: None,
            bucket: None,
            decision: Decision::Deny,
            status: 0,
            reason: None,
            auth: None,
            proof: None,
            total: Duration::ZERO,
            overhead: Duration::ZERO,
            upstream: None,
            request_body_bytes: 0,
            response_body_bytes: 0,
            link_validity: None,
            link_age: None,
            matched: SmallVec::new(),
            diagnosis: SmallVec::new(),
            shadow_denied: SmallVec::new(),
            constraints: SmallVec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_the_class_of_its_first_digit() {
        for (status, expected) in [
            (0, "none"),
            (100, "none"),
            (199, "none"),
            (200, "2xx"),
            (206, "2xx"),
            (304, "3xx"),
            (403, "4xx"),
            (499, "4xx"),
            (503, "5xx"),
            (600, "none"),
        ] {
            assert_eq!(StatusClass::of(status).as_str(), expected, "{status}");
        }
    }

    #[test]
    fn positions_are_those_of_the_tables() {
        assert!(Decision::ALL.iter().enumerate().all(|(position, value)| value.index() == position));
        assert!(StatusClass::ALL.iter().enumerate().all(|(position, value)| value.index() == position));
        assert!(AuthResult::ALL.iter().enumerate().all(|(position, value)| value.index() == position));
    }
}
