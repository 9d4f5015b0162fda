//! The closed table of reasons: why a request was refused or failed, shared by answers, logs, metrics, docs and tests.
//! It must not hold text that depends on a request.

/// The part of the gate that came to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Connection, head, address, operation.
    Request,
    /// Signature, freshness, key.
    Auth,
    /// IAM policies and the network path.
    Policy,
    /// Constraints signed into the link, its uses and revocation.
    Links,
    /// Reaching S3 and carrying bodies, after every check had passed.
    Upstream,
}

impl Stage {
    /// The name in labels, logs and `explain`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Auth => "auth",
            Self::Policy => "policy",
            Self::Links => "links",
            Self::Upstream => "upstream",
        }
    }
}

macro_rules! reasons {
    ($($stage:ident { $($variant:ident $code:literal $text:literal)* })*) => {
        /// Why a request was refused or failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[doc = $text] $variant,)*)* }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &[Self] = &[$($(Self::$variant,)*)*];

            /// The code in labels, logs, `x-gate-reason` and `explain`; stable.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $($(Self::$variant => $code,)*)* }
            }

            /// The stage that gives this reason.
            #[must_use]
            pub const fn stage(self) -> Stage {
                match self { $($(Self::$variant => Stage::$stage,)*)* }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $($(Self::$variant => $text,)*)* }
            }
        }
    };
}

reasons! {
    Request {
        ConnectionLimit "connection_limit" "The limit of open connections is reached."
        BuffersFull "buffers_full" "Bodies that rules must read whole take as much memory as they may."
        RateLimited "rate_limited" "The source address sends more requests than its limit allows."
        ProxyHeader "proxy_header" "The PROXY protocol header is missing, malformed or from a peer that is not trusted."
        TlsHandshake "tls_handshake" "The TLS handshake failed or was not finished in time."
        ClientCertificate "client_certificate" "The client shows no certificate of an authority that the listener trusts."
        ForwardedHeader "forwarded_header" "A forwarded-address header from a trusted peer cannot be read."
        HeadTimeout "head_timeout" "The request head did not arrive in time."
        HeadTooLarge "head_too_large" "The request head is larger than the limit, or has too many lines."
        MalformedHead "malformed_head" "The request head breaks the syntax of HTTP/1.1."
        BadMethod "bad_method" "The method is not one that S3 has."
        BadTarget "bad_target" "The request target is malformed."
        BadVersion "bad_version" "The HTTP version is not 1.0 or 1.1."
        BadHost "bad_host" "The Host header is missing, repeated or malformed."
        UnknownHost "unknown_host" "The Host header names no host that is configured."
        BadFraming "bad_framing" "The length of the body is told in a way that two readers could read differently."
        BadConnection "bad_connection" "The Connection header names something that it must not."
        BadExpect "bad_expect" "The Expect header asks for something other than `100-continue`."
        RepeatedHeader "repeated_header" "A header that must stand once stands on several lines."
        BadBucketName "bad_bucket_name" "The bucket name is not a valid one."
        UnknownBucket "unknown_bucket" "The bucket is not configured."
        UnknownOperation "unknown_operation" "The request resolves to no S3 operation."
        ConflictingSubresources "conflicting_subresources" "Several sub-resources are named at once."
        RepeatedParameter "repeated_parameter" "A query parameter that must stand once stands several times."
        UnknownParameter "unknown_parameter" "A query parameter is not known for the operation."
        BadParameter "bad_parameter" "A query parameter or header of the operation has a value that cannot be read."
        OutsidePrefix "outside_prefix" "The operation reaches beyond the prefix that the bucket is kept under."
        CorsDenied "cors_denied" "No cross-origin rule of the bucket allows what a browser asks."
        BodyTooLarge "body_too_large" "The body is larger than the limit."
        MissingLength "missing_length" "The body has no length although the operation needs one."
        MalformedForm "malformed_form" "The form of a browser upload is malformed, too long or has no file."
        MalformedBody "malformed_body" "The body that a rule must read is malformed."
    }
    Auth {
        Anonymous "anonymous" "The request carries no authentication."
        SeveralMechanisms "several_mechanisms" "The request carries more than one form of authentication."
        SchemeDisabled "scheme_disabled" "The form of authentication is switched off."
        UnsupportedAlgorithm "unsupported_algorithm" "The signature algorithm is not supported."
        MissingParameter "missing_parameter" "A parameter or part of the signature is missing."
        MalformedAuth "malformed_auth" "A parameter or header of the signature is malformed or repeated."
        BadDate "bad_date" "The date of the signature is missing or malformed."
        BadExpires "bad_expires" "The lifetime is no number, negative or longer than a week."
        LifetimeTooLong "lifetime_too_long" "The lifetime is longer than `signing.max_expires` allows."
        NotYetValid "not_yet_valid" "The signature is dated in the future."
        Expired "expired" "The link has expired."
        ClockSkew "clock_skew" "The date of the signature is too far from the time of the gate."
        BadScope "bad_scope" "The credential scope is malformed."
        WrongRegion "wrong_region" "The region of the credential scope is not accepted."
        WrongService "wrong_service" "The service or terminator of the credential scope is wrong."
        ScopeDate "scope_date" "The date of the credential scope is not that of the signature."
        HeadersNotSigned "headers_not_signed" "A header that must be signed is not."
        ParameterNotSigned "parameter_not_signed" "A parameter that decides on the operation is not covered by the signature."
        SignedHeaderMissing "signed_header_missing" "A signed header is not in the request."
        UnknownKey "unknown_key" "The access key is not known."
        KeySource "key_source" "Whether there is such an access key cannot be known: whoever should know it does not answer."
        RetiredKey "retired_key" "The access key was retired before this signature was made."
        BadToken "bad_token" "The session token is missing, wrong or not expected."
        ExpiredToken "expired_token" "The temporary credential has run out, and what was signed with it."
        WrongSignature "wrong_signature" "The signature is not the right one."
        FormPolicy "form_policy" "The policy document of the form is malformed."
        FormCondition "form_condition" "The form does not keep to the conditions of its policy."
        FormSize "form_size" "The file of the form is smaller or larger than its policy allows."
        BadPayloadHash "bad_payload_hash" "The x-amz-content-sha256 header is missing or malformed."
        PayloadMode "payload_mode" "The way the payload is signed is not accepted."
        PayloadMismatch "payload_mismatch" "The body is not the one that was signed."
        BadDigest "bad_digest" "The body does not match a checksum that came with it."
    }
    Policy {
        ExplicitDeny "explicit_deny" "A Deny statement of a policy matches."
        ImplicitDeny "implicit_deny" "No Allow statement of the policies matches."
        UnknownNetwork "unknown_network" "The network path of the request cannot be known."
    }
    Links {
        UnknownConstraint "unknown_constraint" "The link carries an `x-gate-` parameter that does not exist."
        MalformedConstraint "malformed_constraint" "A constraint of the link is malformed or repeated."
        LinkSourceIp "link_source_ip" "The link is bound to other source addresses."
        LinkSourceVpc "link_source_vpc" "The link is bound to another VPC."
        LinkSourceVpce "link_source_vpce" "The link is bound to another VPC endpoint."
        LinkNotBefore "link_not_before" "The link is not valid yet."
        LinkContentLength "link_content_length" "The upload is smaller or larger than the link allows."
        LinkRevoked "link_revoked" "The link was revoked, by itself or with others."
        LinkMaxUses "link_max_uses" "The link was used as often as it may be."
        LinkMaxBytes "link_max_bytes" "The link has moved as many bytes as it may, or the body would exceed that."
        LinkPin "link_pin" "Another network was the first to use the link, and it is bound to that."
        LinkBusy "link_busy" "Other requests hold what is left of the link for the moment."
        UnverifiedLimit "unverified_limit" "The link limits something that is counted, and only the store can verify its signature."
        LinkRateLimited "link_rate_limited" "The access key, address or link makes more requests than its limit allows."
        LinkStore "link_store" "The state of the link cannot be read or kept."
    }
    Upstream {
        UpstreamConnect "upstream_connect" "No connection to the upstream could be made."
        UpstreamBusy "upstream_busy" "The upstream has as many connections as it may have."
        UpstreamAddress "upstream_address" "The name of the upstream leads to addresses that it must not."
        UpstreamTimeout "upstream_timeout" "The upstream did not answer in time."
        UpstreamProtocol "upstream_protocol" "The answer of the upstream is malformed or was cut off."
        UpstreamCredentials "upstream_credentials" "There are no valid credentials for the upstream."
        ClientAborted "client_aborted" "The client went away or stopped sending."
        Internal "internal" "The gate failed."
        Panicked "panicked" "The code of the gate failed in the middle of the request, a fault to report; what it had reserved was given back."
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct_and_fit_a_label() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
        }
    }
}
