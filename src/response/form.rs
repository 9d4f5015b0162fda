//! The answer to a form whose file S3 has taken: what the form asked for, in place of what S3 said.
//! It must not be written for any other answer of S3.

use super::head::{AnswerHead, Client};
use crate::request::headers::write_line;
use crate::request::percent::{Part, encode_into};
use crate::s3::error::element;
use crate::upstream::plan::{PostAnswer, PostStatus};
use std::io::Write as _;

/// Headers of S3's answer that describe the object or the request.
const KEPT: [&str; 4] = ["etag", "date", "server", "x-amz-"];

/// Appends the whole answer.
pub fn write(
    answer: &PostAnswer,
    head: &AnswerHead<'_>,
    client: Client,
    cors: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    let tag = head.first("etag").and_then(|tag| std::str::from_utf8(tag).ok()).unwrap_or_default();
    let (line, body) = match &answer.status {
        PostStatus::Ok => ("200 OK", String::new()),
        PostStatus::Created => ("201 Created", document(answer, tag)),
        PostStatus::NoContent => ("204 No Content", String::new()),
        PostStatus::SeeOther(_) => ("303 See Other", String::new()),
    };
    // writing to a Vec cannot fail
    let _ = write!(out, "HTTP/1.1 {line}\r\n");
    for header in head.headers(cors).filter(|header| KEPT.iter().any(|kept| header.has_prefix(kept))) {
        write_line(out, header.name.as_bytes(), header.value);
    }
    out.extend_from_slice(cors.unwrap_or_default());
    match &answer.status {
        PostStatus::SeeOther(url) => write_line(out, b"Location", &onward(url, answer, tag)),
        _ => write_line(out, b"Location", answer.location.as_bytes()),
    }
    if !body.is_empty() {
        write_line(out, b"Content-Type", b"application/xml");
    }
    if answer.status != PostStatus::NoContent {
        let _ = write!(out, "Content-Length: {}\r\n", body.len());
    }
    if !client.keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
}

fn document(answer: &PostAnswer, tag: &str) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>");
    element(&mut xml, "Location", &answer.location);
    element(&mut xml, "Bucket", &answer.bucket);
    element(&mut xml, "Key", &answer.key);
    element(&mut xml, "ETag", tag);
    xml.push_str("</PostResponse>");
    xml
}

/// The URL to go on to, which tells what was uploaded.
fn onward(url: &str, answer: &PostAnswer, tag: &str) -> Vec<u8> {
    let (url, fragment) = url.split_once('#').map_or((url, None), |(url, rest)| (url, Some(rest)));
    let mut out = url.as_bytes().to_vec();
    out.push(if url.contains('?') { b'&' } else { b'?' });
    for (name, value) in [("bucket=", &*answer.bucket), ("&key=", &answer.key), ("&etag=", tag)] {
        out.extend_from_slice(name.as_bytes());
        encode_into(value.as_bytes(), Part::Query, &mut out);
    }
    if let Some(fragment) = fragment {
        out.push(b'#');
        out.extend_from_slice(fragment.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Version;

    fn check(status: PostStatus, keep_alive: bool, expected: &str) {
        let upstream = b"HTTP/1.1 200 OK\r\nETag: \"abc\"\r\nx-amz-version-id: v\r\nContent-Length: 0\r\nX-Other: 1\r\n\r\n";
        let head = AnswerHead::parse(upstream, false).unwrap().unwrap();
        let answer = PostAnswer {
            status,
            before: 0,
            location: "http://s3.test/bkt/a%20b".into(),
            bucket: "bkt".into(),
            key: "a b&<".into(),
        };
        let mut out = Vec::new();
        write(&answer, &head, Client { version: Version::Http11, keep_alive }, None, &mut out);
        let text = String::from_utf8(out).unwrap();
        let kept = "ETag: \"abc\"\r\nx-amz-version-id: v\r\n";
        assert_eq!(text, expected.replace("{kept}", kept));
    }

    #[test]
    fn what_a_form_is_answered() {
        let location = "Location: http://s3.test/bkt/a%20b\r\n";
        check(PostStatus::NoContent, true, &format!("HTTP/1.1 204 No Content\r\n{{kept}}{location}\r\n"));
        check(
            PostStatus::Ok,
            false,
            &format!("HTTP/1.1 200 OK\r\n{{kept}}{location}Content-Length: 0\r\nConnection: close\r\n\r\n"),
        );
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>http://s3.test/bkt/a%20b\
                    </Location><Bucket>bkt</Bucket><Key>a b&amp;&lt;</Key><ETag>&quot;abc&quot;</ETag></PostResponse>";
        check(
            PostStatus::Created,
            true,
            &format!(
                "HTTP/1.1 201 Created\r\n{{kept}}{location}Content-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
        let added = "bucket=bkt&key=a%20b%26%3C&etag=%22abc%22";
        for (url, onward) in [
            ("https://a.test/done", format!("https://a.test/done?{added}")),
            ("https://a.test/done?x=1#top", format!("https://a.test/done?x=1&{added}#top")),
        ] {
            check(
                PostStatus::SeeOther(url.into()),
                true,
                &format!("HTTP/1.1 303 See Other\r\n{{kept}}Location: {onward}\r\nContent-Length: 0\r\n\r\n"),
            );
        }
    }
}
