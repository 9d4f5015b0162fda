//! Request heads: whatever our parser accepts, another strict reader must read as the same method, target and lines.
//! It must not ask the other way round: refusing more than others do is the point.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use presign_gate::request::head::{self, MAX_LINES};
use presign_gate::request::{BodyLength, Version};

fuzz_target!(|bytes: &[u8]| {
    let end = head::find_end(bytes, 0);
    assert_eq!(end, head::find_end(bytes, bytes.len().min(end.map_or(usize::MAX, |end| end - 1))));
    let Some(bytes) = end.and_then(|end| bytes.get(..end)) else { return };
    let Ok(request) = head::parse(bytes) else { return };
    for end in 0..=bytes.len().min(256) {
        assert!(head::may_become_head(&bytes[..end]), "a head was accepted that the edge gives up on");
    }

    let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
    let mut other = httparse::Request::new(&mut lines);
    let status = other.parse(bytes).expect("httparse refuses what we accept");
    assert_eq!(status, httparse::Status::Complete(bytes.len()));
    assert_eq!(other.method, Some(request.method.as_str()));
    assert_eq!(other.version, Some(u8::from(request.version == Version::Http11)));
    assert_eq!(other.headers.len(), request.headers.len());
    for (theirs, ours) in other.headers.iter().zip(request.headers.iter()) {
        assert_eq!((theirs.name, theirs.value), (ours.name, ours.value));
    }

    // the target: what httparse read ends with what we kept of it
    let target = other.path.expect("a target");
    let mut kept = request.target.path.text().raw().to_vec();
    if target.contains('?') {
        kept.push(b'?');
        kept.extend_from_slice(request.target.query.raw());
    }
    assert!(
        target.as_bytes().ends_with(&kept),
        "{target:?} was read as {:?}",
        String::from_utf8_lossy(&kept)
    );
    assert!(kept.starts_with(b"/"));

    // the body: told in one way only
    let lengths = request.headers.all("content-length").count();
    let codings = request.headers.all("transfer-encoding").count();
    match request.body {
        BodyLength::None => assert_eq!((lengths, codings), (0, 0)),
        BodyLength::Known(_) => assert_eq!((lengths, codings), (1, 0)),
        BodyLength::Chunked => assert_eq!((lengths, codings), (0, 1)),
    }
    assert_eq!(request.headers.all("host").count(), 1);
});
