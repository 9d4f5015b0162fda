//! The closed table of causes: how what was signed can differ from what arrived, and what to do about it.
//! It must not hold text that depends on a request.

macro_rules! causes {
    ($($variant:ident $code:literal $text:literal $advice:literal)*) => {
        /// How what was signed differs from what arrived.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause { $(#[doc = $text] $variant,)* }

        impl Cause {
            /// Every cause, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code in labels, logs and `explain`; stable.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

causes! {
    HostRewritten "host_rewritten" "Another host was signed than the one in the Host header."
        "Let the proxy pass Host on as it came (nginx: `proxy_set_header Host $http_host;`), or sign for the name that arrives."
    HostNotConfigured "host_not_configured" "The signature is right for the host that arrived, but that is not under `hosts`."
        "Add the name to `hosts`."
    HostCase "host_case" "The host was signed in other letter case than it arrived in."
        "Sign for the name in lower case; nginx: pass `$http_host` on, `$host` is in lower case."
    PortRemoved "port_removed" "The signed host has a port, the Host header has none."
        "Let the proxy pass Host on with its port (nginx: `$http_host`, not `$host`)."
    PortAdded "port_added" "The Host header has a port that was not signed."
        "Sign for host and port as they arrive; SDKs leave out 80 and 443, so the proxy must not add them."
    PortChanged "port_changed" "The signed host has another port than the Host header."
        "Let the proxy pass Host on as it came, or sign for the port that arrives."
    BucketMoved "bucket_moved" "The bucket was signed in the host and arrived in the path, or the other way round."
        "Choose one addressing style: do not let the proxy turn `bucket.name/key` into `name/bucket/key`."
    PathPrefixAdded "path_prefix_added" "The path has a prefix that was not signed."
        "Let the proxy take the prefix off again, or sign with it."
    PathPrefixRemoved "path_prefix_removed" "The signed path has a prefix that did not arrive."
        "Do not let the proxy take a prefix off (nginx: no path behind the address in `proxy_pass`), or give the clients a name of its own instead of a prefix."
    PathRewritten "path_rewritten" "Another path was signed, as the proxy itself tells."
        "Do not let the proxy rewrite paths, or sign for the path that arrives."
    PathEncodedMore "path_encoded_once_more" "The signed path is percent-encoded once more than the one that arrived."
        "Either the proxy decodes paths (nginx: no `$uri` and no path in `proxy_pass`), or the signer encodes twice: S3 wants it once."
    PathEncodedLess "path_encoded_once_less" "The signed path is percent-encoded once less than the one that arrived."
        "Either the proxy or the client encodes a path again that was encoded, or the signer signs it bare: S3 wants it encoded once."
    PathPlus "path_plus" "A `+` and a space were taken for each other in the path."
        "In a path a space is `%20` and a plus is `%2B`; correct the signer or what builds the URL."
    PathUnicode "path_unicode_form" "The key was signed in another Unicode form: composed and decomposed letters are different bytes."
        "Use one form (NFC) wherever keys are made, and sign the bytes that are sent."
    SlashesMerged "slashes_merged" "The signed path has two slashes where one arrived."
        "Turn merging off (nginx: `merge_slashes off;`), or use no empty segments in keys."
    PathNormalised "path_normalised" "The signer normalised the path (`//`, `.`, `..`), S3 does not."
        "Tell the signer that it signs for S3: no normalisation of paths."
    TrailingSlash "trailing_slash" "The signed path and the one that arrived differ in a slash at the end."
        "Let neither the proxy nor the client add or remove it."
    Method "method" "Another method was signed."
        "Use a link with the method that it was signed for; for HEAD see `head_for_get`."
    QueryPlus "query_plus" "A `+` and a space were taken for each other in the query."
        "Write a space as `%20` and a plus as `%2B`; do not build the URL as a form does."
    QueryEncoding "query_encoding" "The query was signed in another spelling than S3's."
        "Encode names and values once, every byte but letters, digits and `-._~`, with a `=` in any case."
    QueryOrder "query_order" "The parameters were signed in another order than S3's."
        "Sort parameters by their encoded names, then values, before they are signed."
    ParameterAdded "parameter_added" "A query parameter arrived that was not signed."
        "Let nobody add parameters to a link (tracking, cache busters): every one is covered by the signature."
    ParameterRemoved "parameter_removed" "A signed query parameter did not arrive."
        "Let nobody remove parameters from a link: every one is covered by the signature."
    LifetimeEdited "lifetime_edited" "The lifetime in the link is not the one that was signed."
        "Sign a new link: a lifetime cannot be edited."
    SessionToken "session_token" "The session token is missing, was not signed, or does not belong to the key."
        "Give the signer the token of the temporary credential, and only that; it is part of what is signed."
    AcceptEncoding "accept_encoding" "Accept-Encoding is signed and was changed on the way."
        "Let the proxy or CDN pass Accept-Encoding on as it came, or do not sign it."
    ContentType "content_type" "Content-Type is signed and arrived differently, or not at all."
        "Send exactly the Content-Type that was signed: browsers and HTTP libraries add one of their own."
    HeaderChanged "header_changed" "A signed header was changed on the way."
        "Let the proxy pass the header on as it came, or do not sign it."
    HeaderRemoved "header_removed" "A signed header did not arrive."
        "Send it; if a proxy removes it (hop-by-hop headers, Expect), do not sign it."
    HeaderAdded "header_added" "The signature is right, but an `x-amz-*` header came that it does not cover."
        "Send no `x-amz-*` header that was not signed."
    HeaderSpacing "header_spacing" "The value of a signed header was signed with other white space."
        "Trim values and make runs of spaces one space before they are signed; join several lines with `,`."
    PayloadHash "payload_hash" "Another hash of the body was signed than the x-amz-content-sha256 that arrived."
        "Send x-amz-content-sha256 as it was signed; a presigned URL has `UNSIGNED-PAYLOAD` and needs no such header."
    OtherSecret "other_secret" "The secret of another credential made the signature."
        "Use an access key with the secret that belongs to it."
    RetiredSecret "retired_secret" "The secret of a retired credential made the signature."
        "Give the signer the new access key and secret."
    SecretSpace "secret_whitespace" "The signer has the secret with white space around it."
        "Take the line end or blank off where the signer reads its secret."
    Region "region" "The key was derived for another region than the gate accepts or the scope names."
        "Sign for a region of `signing.regions`."
    Service "service" "The key was derived for another service than `s3`."
        "Tell the signer that the service is `s3`."
    Clock "clock" "The signature is right for another time or day than the gate's."
        "Set the clock of whoever signs; use the same instant for the date and the scope, in UTC."
    SignatureForm "signature_form" "The signature itself was cut, changed or written in upper case."
        "Copy the link whole; a signature is 64 digits in lower case."
    HtmlEscaped "html_escaped" "The link was copied out of HTML: its `&` arrived as `&amp;`."
        "Unescape the link before it is used."
    Unknown "unknown" "None of the usual changes makes the signature right."
        "Compare the canonical request of `explain` with the one that the client signed; the first suspect is the secret."
    Skipped "skipped" "The cause was not looked for: too many wrong signatures lately."
        "Ask `explain`."
}

/// The table as Markdown, for the documentation.
#[must_use]
pub fn markdown() -> String {
    let rows = Cause::ALL
        .iter()
        .map(|cause| format!("| `{}` | {} | {} |\n", cause.code(), cause.text(), cause.advice()));
    std::iter::once("| cause | meaning | what to do |\n|---|---|---|\n".to_owned()).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct_and_fit_a_label() {
        let codes: HashSet<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            assert!(cause.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            assert!(cause.text().ends_with('.') && cause.advice().ends_with('.'), "{}", cause.code());
            assert!(!cause.text().contains('|') && !cause.advice().contains('|'), "{}", cause.code());
        }
    }
}
