//! The name of a bucket in the XML of an answer: the one that clients know instead of the one that the store knows.
//! It must not hold back more than the beginning of a body, nor touch anything that is not surely that name.

/// The most bytes that are held back until the name is found.
const MOST: usize = 4096;

/// Answers that name their bucket in an element right under their root, and that element.
const ANSWERS: &[(&[u8], &[u8])] = &[
    (b"ListBucketResult", b"Name"),
    (b"ListVersionsResult", b"Name"),
    (b"ListMultipartUploadsResult", b"Bucket"),
    (b"ListPartsResult", b"Bucket"),
    (b"InitiateMultipartUploadResult", b"Bucket"),
];

/// The two names of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// As the store knows it.
    pub there: String,
    /// As clients know it.
    pub here: String,
}

/// Follows one body.
#[derive(Debug)]
pub struct Rename<'r> {
    names: &'r Renamed,
    /// The beginning of the body; `None` once it is let go.
    held: Option<Vec<u8>>,
}

/// What is known about the beginning of a body.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The text of the element begins here and ends before there.
    Text(usize, usize),
    /// More bytes are needed.
    More,
    /// There is no such element where it belongs.
    Nothing,
}

impl<'r> Rename<'r> {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new(names: &'r Renamed) -> Self {
        Self { names, held: Some(Vec::new()) }
    }

    /// Takes the next bytes of the body; gives what can go on in their place.
    pub fn next<'d>(&mut self, data: &'d [u8], out: &'d mut Vec<u8>) -> &'d [u8] {
        let Some(held) = &mut self.held else { return data };
        held.extend_from_slice(data);
        match find(held) {
            Found::More if held.len() < MOST => return &[],
            Found::Text(start, end) if held.get(start..end) == Some(self.names.there.as_bytes()) => {
                out.extend_from_slice(held.get(..start).unwrap_or_default());
                out.extend_from_slice(self.names.here.as_bytes());
                out.extend_from_slice(held.get(end..).unwrap_or_default());
            }
            _ => out.extend_from_slice(held),
        }
        self.held = None;
        out
    }

    /// What is still held back when the body ends.
    pub fn rest(&mut self) -> Vec<u8> {
        self.held.take().unwrap_or_default()
    }
}

/// Looks through the elements at the beginning, as long as they hold nothing but text.
fn find(bytes: &[u8]) -> Found {
    walk(bytes).unwrap_or(Found::More)
}

/// `None` if the bytes end too early.
fn walk(bytes: &[u8]) -> Option<Found> {
    let mut at = 0;
    let mut wanted = None;
    loop {
        at += bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if *bytes.get(at)? != b'<' {
            return Some(Found::Nothing);
        }
        let inner = bytes.get(at + 1..)?;
        let tag = inner.get(..memchr::memchr(b'>', inner)?)?;
        at += tag.len() + 2;
        let name = tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next()?;
        match (tag.first(), wanted) {
            (Some(b'?'), None) => {}
            (Some(b'/' | b'!' | b'?') | None, _) => return Some(Found::Nothing),
            (_, None) => match ANSWERS.iter().find(|(root, _)| *root == name) {
                Some((_, element)) if !tag.ends_with(b"/") => wanted = Some(*element),
                _ => return Some(Found::Nothing),
            },
            (_, Some(_)) if tag.ends_with(b"/") => {}
            (_, Some(element)) => {
                let end = at + memchr::memchr(b'<', bytes.get(at..)?)?;
                let close = bytes.get(end..end + name.len() + 3)?;
                if close.get(1) != Some(&b'/')
                    || close.get(2..2 + name.len()) != Some(name)
                    || !close.ends_with(b">")
                {
                    return Some(Found::Nothing);
                }
                if name == element {
                    return Some(Found::Text(at, end));
                }
                at = end + close.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

    /// The body after it went through in pieces of every size.
    #[track_caller]
    fn check(body: &str, expected: &str) {
        let names = Renamed { there: "prod-reports".to_owned(), here: "reports".to_owned() };
        for size in 1..=body.len() {
            let mut rename = Rename::new(&names);
            let mut sent = Vec::new();
            for piece in body.as_bytes().chunks(size) {
                let mut out = Vec::new();
                sent.extend_from_slice(rename.next(piece, &mut out));
            }
            sent.extend(rename.rest());
            assert_eq!(String::from_utf8_lossy(&sent), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn the_name_under_the_root_is_exchanged() {
        for (before, after) in [
            (
                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>",
                "</Name><Prefix/>",
            ),
            (
                "<ListBucketResult><Prefix>prod-reports</Prefix><Marker/> <Name>",
                "</Name><Key>prod-reports</Key>",
            ),
            ("<ListVersionsResult >\n  <Name>", "</Name>"),
            ("<ListPartsResult><Bucket>", "</Bucket><Key>k</Key>"),
            ("<InitiateMultipartUploadResult><Bucket>", "</Bucket></InitiateMultipartUploadResult>"),
        ] {
            for head in ["", HEAD] {
                check(
                    &format!("{head}{before}prod-reports{after}"),
                    &format!("{head}{before}reports{after}"),
                );
            }
        }
    }

    #[test]
    fn everything_else_stays() {
        for body in [
            "",
            "prod-reports",
            "<Error><Name>prod-reports</Name></Error>",
            "<ListBucketResult/><Name>prod-reports</Name>",
            "<ListBucketResult><Name>prod-reports-2</Name></ListBucketResult>",
            "<ListBucketResult><Name>other</Name><Name>prod-reports</Name></ListBucketResult>",
            "<ListBucketResult><Contents><Name>prod-reports</Name></Contents></ListBucketResult>",
            "<ListBucketResult><!-- --><Name>prod-reports</Name></ListBucketResult>",
            "<ListBucketResult>text<Name>prod-reports</Name></ListBucketResult>",
            "<ListBucketResult><Name>prod-reports</Nama></ListBucketResult>",
            "<ListPartsResult><Name>prod-reports</Name></ListPartsResult>",
            "<ListBucketResult><Name>prod-repo",
        ] {
            check(body, body);
        }
    }

    #[test]
    fn a_beginning_without_end_is_let_go() {
        let names = Renamed { there: "a".to_owned(), here: "b".to_owned() };
        let mut rename = Rename::new(&names);
        let long = vec![b' '; MOST];
        assert_eq!(rename.next(&long, &mut Vec::new()).len(), MOST);
        assert_eq!(rename.next(b"<ListBucketResult><Name>a</Name>", &mut Vec::new()).len(), 32);
    }
}
