//! Decides once, from the parsed request, which form of authentication it carries.
//! It must not read any value of that form: presence alone decides, and two forms at once are refused.

use super::SigningRules;
use super::error::{AuthError, Disabled};
use crate::request::RawRequest;

macro_rules! schemes {
    ($($variant:ident $name:literal $form:ident $version:ident $text:literal)*) => {
        /// The form of authentication of a verified request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scheme { $(#[doc = $text] $variant,)* }

        impl Scheme {
            /// Every scheme, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in logs and labels.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Where the signature stands.
            #[must_use]
            pub const fn form(self) -> Form {
                match self { $(Self::$variant => Form::$form,)* }
            }

            /// The algorithm that made it.
            #[must_use]
            pub const fn version(self) -> Version {
                match self { $(Self::$variant => Version::$version,)* }
            }
        }
    };
}

schemes! {
    QueryV4 "query_v4" Query V4 "SigV4 in query parameters: a presigned URL."
    HeaderV4 "header_v4" Header V4 "SigV4 in the Authorization header."
    QueryV4a "query_v4a" Query V4a "SigV4A in query parameters."
    HeaderV4a "header_v4a" Header V4a "SigV4A in the Authorization header."
    QueryV2 "query_v2" Query V2 "SigV2 in query parameters."
    HeaderV2 "header_v2" Header V2 "SigV2 in the Authorization header."
    PostV4 "post_v4" Post V4 "SigV4 in the fields of a form."
    PostV2 "post_v2" Post V2 "SigV2 in the fields of a form."
}

/// Where a signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// In query parameters.
    Query,
    /// In the Authorization header.
    Header,
    /// In the fields of a form.
    Post,
}

/// The algorithm of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// SigV2: HMAC-SHA1 with the secret itself.
    V2,
    /// SigV4: HMAC-SHA256 with a key for one day and region.
    V4,
    /// SigV4A: ECDSA over P-256, for a set of regions.
    V4a,
}

/// What [`detect`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism<'r> {
    /// `X-Amz-Algorithm` stands in the query.
    Query,
    /// The value of the one Authorization header, not empty.
    Header(&'r [u8]),
    /// `Signature` stands in the query: SigV2.
    QueryV2,
    /// What follows the scheme `AWS` in the one Authorization header: SigV2.
    HeaderV2(&'r [u8]),
}

/// Whether the head of a request authenticates it in any way, be it accepted or not.
pub(crate) fn detect_any(request: &RawRequest<'_>) -> bool {
    let query = &request.target.query;
    request.headers.has("authorization") || query.has(b"X-Amz-Algorithm") || query.has(b"Signature")
}

/// Finds the one form of authentication, by the rules measured on S3: parameter names keep their letter case, and an
/// Authorization header counts beside a signed query even when it is empty or meant for somebody else.
pub(super) fn detect<'r>(
    request: &'r RawRequest<'_>,
    rules: &SigningRules,
) -> Result<Mechanism<'r>, AuthError> {
    let mut lines = request.headers.all("authorization");
    let authorization = lines.next();
    if lines.next().is_some() {
        return Err(AuthError::RepeatedAuthorization);
    }
    let v4 = request.target.query.has(b"X-Amz-Algorithm");
    let v2 = request.target.query.has(b"Signature");
    match authorization {
        Some(value) if v4 || v2 => Err(AuthError::SeveralMechanisms { authorization: Some(lossy(value)) }),
        Some(value) if !value.is_empty() => header(value, rules),
        _ if v4 && v2 => Err(AuthError::SeveralMechanisms { authorization: None }),
        _ if v4 => Ok(Mechanism::Query),
        _ if v2 && rules.sigv2 => Ok(Mechanism::QueryV2),
        _ if v2 => Err(AuthError::Disabled(Disabled::SigV2)),
        _ => Err(AuthError::Anonymous),
    }
}

fn header<'r>(value: &'r [u8], rules: &SigningRules) -> Result<Mechanism<'r>, AuthError> {
    let (scheme, rest) = value.split_at_checked(4).unwrap_or((value, &[]));
    match scheme.eq_ignore_ascii_case(b"AWS ") {
        false => Ok(Mechanism::Header(value)),
        true if !rules.sigv2 => Err(AuthError::Disabled(Disabled::SigV2)),
        true if !rules.header_auth => Err(AuthError::Disabled(Disabled::Header)),
        true => Ok(Mechanism::HeaderV2(rest)),
    }
}

/// Text for an error answer.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::head;

    fn check(query: &str, header: Option<&str>, expected: &Result<Mechanism<'_>, AuthError>) {
        let line = header.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        let text = format!("GET /k?{query} HTTP/1.1\r\nHost: h\r\n{line}\r\n");
        let request = head::parse(text.as_bytes()).unwrap();
        assert_eq!(detect(&request, &SigningRules::default()), *expected, "{query} {header:?}");
    }

    fn check_v2(query: &str, header: &str, header_auth: bool, expected: &Result<Mechanism<'_>, AuthError>) {
        let text = format!("GET /k?{query} HTTP/1.1\r\nHost: h\r\nAuthorization: {header}\r\n\r\n");
        let request = head::parse(text.as_bytes()).unwrap();
        let rules = SigningRules { sigv2: true, header_auth, ..SigningRules::default() };
        assert_eq!(detect(&request, &rules), *expected, "{query} {header:?}");
    }

    #[test]
    fn sigv2_counts_only_where_it_is_asked_for() {
        check("", Some("AWS a:b"), &Err(AuthError::Disabled(Disabled::SigV2)));
        check("", Some("aws a:b"), &Err(AuthError::Disabled(Disabled::SigV2)));
        check("", Some("AWS4 a:b"), &Ok(Mechanism::Header(b"AWS4 a:b")));
        check_v2("", "AWS a:b", true, &Ok(Mechanism::HeaderV2(b"a:b")));
        check_v2("", "aws  a:b", true, &Ok(Mechanism::HeaderV2(b" a:b")));
        check_v2("", "AWS", true, &Ok(Mechanism::Header(b"AWS")));
        check_v2("", "AWS a:b", false, &Err(AuthError::Disabled(Disabled::Header)));
        check_v2(
            "Signature=x",
            "",
            true,
            &Err(AuthError::SeveralMechanisms { authorization: Some(String::new()) }),
        );
        let text = b"GET /k?Signature HTTP/1.1\r\nHost: h\r\n\r\n";
        let rules = SigningRules { sigv2: true, ..SigningRules::default() };
        assert_eq!(detect(&head::parse(text).unwrap(), &rules), Ok(Mechanism::QueryV2));
    }

    #[test]
    fn a_second_authorization_is_refused_whatever_it_holds() {
        for second in ["", "AWS4 x", "AWS4 y"] {
            for query in ["", "X-Amz-Algorithm=x"] {
                let line = format!("AWS4 x\r\nauthorization: {second}");
                check(query, Some(&line), &Err(AuthError::RepeatedAuthorization));
            }
        }
    }

    #[test]
    fn presence_decides_once() {
        let both = |value: &str| AuthError::SeveralMechanisms { authorization: Some(value.into()) };
        check("X-Amz-Algorithm=x", None, &Ok(Mechanism::Query));
        check("X-Amz-Algorithm", None, &Ok(Mechanism::Query));
        check("X-Amz-%41lgorithm=x", None, &Ok(Mechanism::Query));
        check("", Some("AWS4 x"), &Ok(Mechanism::Header(b"AWS4 x")));
        check("X-Amz-Algorithm=x", Some("Bearer t"), &Err(both("Bearer t")));
        check("X-Amz-Algorithm=x", Some(""), &Err(both("")));
        check("Signature=x", Some("AWS a:b"), &Err(both("AWS a:b")));
        check("X-Amz-Algorithm&Signature", None, &Err(AuthError::SeveralMechanisms { authorization: None }));
        check("Signature=x&AWSAccessKeyId=k&Expires=1", None, &Err(AuthError::Disabled(Disabled::SigV2)));
        for query in ["", "x-amz-algorithm=x", "X-Amz-Signature=x", "AWSAccessKeyId=k", "signature=x"] {
            check(query, None, &Err(AuthError::Anonymous));
            check(query, Some(""), &Err(AuthError::Anonymous));
        }
    }
}
