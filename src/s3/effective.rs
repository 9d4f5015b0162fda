//! Looks up a header as S3 does: the header, else the `x-amz-` query parameter that stands in for it.
//! It must not choose between two that differ: `classify.rs` has refused such requests.

use crate::request::RawRequest;

/// Whether a name, letter case ignored, begins with `x-amz-`.
#[must_use]
pub fn is_amz(name: &[u8]) -> bool {
    name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-"))
}

/// The value of a header, or of the query parameter that presigners move an `x-amz-` header to; the parameter is
/// found without regard to letter case, since SDKs differ in it. `lower_name` is in lower case.
#[must_use]
pub fn effective_header<'r>(request: &'r RawRequest<'_>, lower_name: &str) -> Option<&'r [u8]> {
    if let Some(value) = request.headers.first(lower_name) {
        return Some(value);
    }
    if !is_amz(lower_name.as_bytes()) {
        return None;
    }
    request.target.query.first_ignoring_case(lower_name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::head;

    fn check(query: &str, header: &str, name: &str, expected: Option<&str>) {
        let head = format!("PUT /b/k{query} HTTP/1.1\r\nHost: a\r\n{header}\r\n");
        let request = head::parse(head.as_bytes()).unwrap();
        assert_eq!(effective_header(&request, name), expected.map(str::as_bytes), "{query} {header}");
    }

    #[test]
    fn headers_before_parameters_and_only_amz_ones() {
        check("", "X-Amz-Acl: private\r\n", "x-amz-acl", Some("private"));
        check("?x-amz-acl=a%20b", "", "x-amz-acl", Some("a b"));
        check("?X-Amz-Acl=private", "", "x-amz-acl", Some("private"));
        check("?x-amz-acl=query", "x-amz-acl: header\r\n", "x-amz-acl", Some("header"));
        check("?x-amz-acl", "", "x-amz-acl", Some(""));
        check("?x-amz-acl2=a", "", "x-amz-acl", None);
        check("?content-type=text%2Fplain", "", "content-type", None);
        check("", "Content-Type: a\r\n", "content-type", Some("a"));
    }
}
