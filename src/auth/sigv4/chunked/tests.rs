//! The decoder against bodies made here: every fault, every split of the input, arbitrary bytes.
//! It must not hold framing of whole connections.

use super::*;
use crate::auth::checksum::Algorithm;
use crate::auth::sigv4::key::SigningKey;
use crate::secret::Secret;
use base64::Engine as _;
use plan::{ChunkSigner, Told};
use proptest::prelude::*;

const SEED: [u8; 64] = [b'5'; 64];

fn signer() -> ChunkSigner {
    let key = SigningKey::derive(&Secret::new("s"), b"20260115", "us-east-1", "s3");
    let told = Told { key_id: "AKID".into(), canonical_request: b"PUT".to_vec() };
    ChunkSigner::new(key, b"20260115T120000Z", b"20260115/us-east-1/s3/aws4_request", &SEED, Some(told))
}

fn plan(mode: StreamingMode, decoded_length: u64, trailer: Option<Algorithm>) -> ChunkPlan {
    let chain = (mode != StreamingMode::UnsignedTrailer).then(|| Chain::Checked(signer()));
    ChunkPlan { mode, decoded_length, trailer, chain }
}

/// Frames and signs chunks; a trailer follows if one is given.
fn body(mode: StreamingMode, chunks: &[&[u8]], trailer: Option<&str>) -> Vec<u8> {
    let mut chain = signer();
    let mut out = Vec::new();
    for chunk in chunks.iter().chain([&&b""[..]]) {
        out.extend_from_slice(format!("{:x}", chunk.len()).as_bytes());
        if mode != StreamingMode::UnsignedTrailer {
            let digest = hex::encode(&Sha256::digest(chunk).into());
            chain.previous = chain.signature("AWS4-HMAC-SHA256-PAYLOAD", &[EMPTY_SHA256, b"\n", &digest]);
            out.extend_from_slice(b";chunk-signature=");
            out.extend_from_slice(&chain.previous);
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(chunk);
        out.extend_from_slice(if chunk.is_empty() { b"" } else { b"\r\n" });
    }
    if let Some(trailer) = trailer {
        out.extend_from_slice(trailer.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if mode == StreamingMode::SignedTrailer {
        let signed = trailer.map_or_else(String::new, |trailer| format!("{trailer}\n"));
        let digest = hex::encode(&Sha256::digest(signed).into());
        out.extend_from_slice(b"x-amz-trailer-signature:");
        out.extend_from_slice(&chain.signature("AWS4-HMAC-SHA256-TRAILER", &[&digest]));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn trailer(algorithm: Algorithm, data: &[u8]) -> String {
    let mut checksum = Checksum::new(algorithm);
    checksum.update(data);
    let value = base64::engine::general_purpose::STANDARD.encode(checksum.finish());
    format!("{}:{value}", algorithm.header())
}

/// Feeds `body` in pieces of `step` bytes.
fn decode(plan: ChunkPlan, body: &[u8], step: usize) -> Result<Vec<u8>, ChunkFault> {
    let mut decoder = ChunkDecoder::new(plan);
    let mut data = Vec::new();
    for mut piece in body.chunks(step) {
        while let Some(part) = decoder.next(&mut piece)? {
            data.extend_from_slice(part);
        }
    }
    decoder.finish()?;
    Ok(data)
}

fn unsigned(body: &str, length: u64, trailer: Option<Algorithm>) -> Result<String, ChunkFault> {
    let plan = plan(StreamingMode::UnsignedTrailer, length, trailer);
    decode(plan, body.as_bytes(), 3).map(|data| String::from_utf8(data).unwrap())
}

#[test]
fn framing_without_signatures() {
    let check = |body: &str, expected: Result<&str, ChunkFault>| {
        assert_eq!(unsigned(body, 5, None), expected.map(str::to_owned), "{body:?}");
    };
    check("5\r\nhello\r\n0\r\n\r\n", Ok("hello"));
    check("0002\r\nhe\r\n3\r\nllo\r\n000\r\n\r\n", Ok("hello"));
    check(" 5 \r\nhello\r\n0\r\n\r\n", Ok("hello"));
    check("5\r\nhello\r\n0\r\n", Ok("hello"));
    let wrong = |provided| Err(ChunkFault::Length { expected: 5, provided });
    check("4\r\nhell\r\n0\r\n\r\n", wrong(4));
    check("0\r\n\r\n", wrong(0));
    check("6\r\nhello!\r\n0\r\n\r\n", wrong(6));
    check("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", wrong(6));
    check("ffffffffffffffff\r\n", wrong(u64::MAX));
    for body in [
        "",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0",
        "5\r\nhello\r\n0\r",
        "5\r\nhello\r\n0\r\n\r",
        "5\r\nhello\r\n0\r\n\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\nx",
        "5\nhello\n0\n\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5_\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        ";\r\nhello\r\n0\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "5;a=b\r\nhello\r\n0\r\n\r\n",
        "5;chunk-signature=0\r\nhello\r\n0\r\n\r\n",
    ] {
        check(body, Err(ChunkFault::Framing));
    }
    check(&"0".repeat(MAX_LINE + 1), Err(ChunkFault::Framing));
}

#[test]
fn trailers_without_signatures() {
    let check = |trailer: &str, expected: Result<(), ChunkFault>| {
        let body = format!("5\r\nhello\r\n0\r\n{trailer}\r\n");
        assert_eq!(unsigned(&body, 5, Some(Algorithm::Crc32)).map(|_| ()), expected, "{trailer:?}");
    };
    check("x-amz-checksum-crc32:NhCmhg==\r\n", Ok(()));
    check("X-Amz-Checksum-CRC32 : \t NhCmhg== \r\n", Ok(()));
    check("x-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:NhCmhg==\r\n", Ok(()));
    check(
        "x-amz-checksum-crc32:NhCmhg==\r\nx-amz-checksum-crc32:AAAAAA==\r\n",
        Err(ChunkFault::Checksum(Algorithm::Crc32)),
    );
    for value in ["", "NhCmhg", "36a0a686", "AAAA"] {
        let fault = ChunkFault::TrailerValue(Algorithm::Crc32);
        check(&format!("x-amz-checksum-crc32:{value}\r\n"), Err(fault));
    }
    let long = format!("x-amz-checksum-crc32:{}\r\n", "A".repeat(400)).repeat(11);
    for trailer in [
        "",
        "x-amz-checksum-crc32\r\n",
        "x-amz-checksum-crc32c:NhCmhg==\r\n",
        "x-amz-checksum-crc32:NhCmhg==\r\nx-amz-meta-a:1\r\n",
        "x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:0\r\n",
        &long,
    ] {
        check(trailer, Err(ChunkFault::Trailer));
    }
    let undeclared = unsigned("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 5, None);
    assert_eq!(undeclared, Err(ChunkFault::Trailer));
}

fn code(mode: StreamingMode, length: u64, body: &[u8]) -> String {
    let declared = (mode == StreamingMode::SignedTrailer).then_some(Algorithm::Sha1);
    match decode(plan(mode, length, declared), body, 7) {
        Ok(_) => "ok".into(),
        Err(fault) => format!("{} {}", fault.s3().status(), fault.s3().code.as_str()),
    }
}

/// `body` with one piece of text replaced by another.
fn with(body: &[u8], old: &str, new: &str) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1).into_bytes()
}

#[test]
fn signatures_of_chunks() {
    let mode = StreamingMode::Signed;
    let good = body(mode, &[b"hello"], None);
    let check = |body: &[u8], expected: &str| assert_eq!(code(mode, 5, body), expected);
    check(&good, "ok");
    check(&with(&good, ";chunk-signature=", " ; chunk-signature = "), "ok");
    check(&with(&good, "hello", "hellO"), "403 SignatureDoesNotMatch");
    check(&with(&good, "0;chunk-signature=", "0;chunk-signature=0"), "403 SignatureDoesNotMatch");
    check(&with(&good, ";chunk", ";a=b;chunk"), "403 SignatureDoesNotMatch");
    check(&with(&good, "\r\nhello", ";a=b\r\nhello"), "400 IncompleteBody");
    check(&with(&good, ";chunk-signature=", ";"), "400 IncompleteBody");
    check(&body(StreamingMode::UnsignedTrailer, &[b"hello"], None), "400 IncompleteBody");
    check(&body(mode, &[b"hello"], Some("x-amz-checksum-crc32:NhCmhg==")), "400 MalformedTrailerError");
    check(&good[..good.len() - 2], "400 IncompleteBody");
    // chunks in another order, or left out, break the chain
    let two = body(mode, &[&[b'a'; 8192], &[b'b'; 8192]], None);
    let (first, rest) = two.split_at(4 + 17 + 64 + 2 + 8192 + 2);
    let (second, last) = rest.split_at(first.len());
    assert_eq!(code(mode, 16384, &[first, second, last].concat()), "ok");
    assert_eq!(code(mode, 16384, &[second, first, last].concat()), "403 SignatureDoesNotMatch");
    assert_eq!(code(mode, 8192, &[first, last].concat()), "403 SignatureDoesNotMatch");
}

#[test]
fn a_small_chunk_must_be_the_last() {
    let mode = StreamingMode::Signed;
    let fault = decode(plan(mode, 8292, None), &body(mode, &[&[b'a'; 8192], &[b'b'; 100]], None), 1000);
    assert_eq!(fault.map(|data| data.len()), Ok(8292));
    let fault = decode(plan(mode, 8291, None), &body(mode, &[&[b'a'; 8191], &[b'b'; 100]], None), 1000);
    assert_eq!(fault, Err(ChunkFault::Size { chunk: 2, size: 8191 }));
    let free = StreamingMode::UnsignedTrailer;
    assert_eq!(decode(plan(free, 2, None), &body(free, &[b"a", b"b"], None), 1), Ok(b"ab".to_vec()));
}

#[test]
fn signatures_of_trailers() {
    let mode = StreamingMode::SignedTrailer;
    let line = trailer(Algorithm::Sha1, b"hello");
    let good = body(mode, &[b"hello"], Some(&line));
    let check = |body: &[u8], expected: &str| assert_eq!(code(mode, 5, body), expected);
    check(&good, "ok");
    check(&with(&good, "sha1:", "sha1:  "), "ok");
    check(&with(&good, &line, &trailer(Algorithm::Sha1, b"hellO")), "403 SignatureDoesNotMatch");
    check(&body(mode, &[b"hello"], Some(&trailer(Algorithm::Sha1, b"hellO"))), "400 BadDigest");
    check(&with(&good, "signature:", "signature:0"), "403 SignatureDoesNotMatch");
    check(&with(&good, &format!("{line}\r\n"), ""), "403 SignatureDoesNotMatch");
    check(&body(mode, &[b"hello"], None), "400 MalformedTrailerError");
    check(&with(&good, "x-amz-trailer-signature", "x-amz-trailer"), "400 MalformedTrailerError");
    let cut = good.len() - 2 - 64 - 24 - 2;
    check(&[&good[..cut], b"\r\n"].concat(), "400 IncompleteBody");
    let (start, end) = good.split_at(good.len() - 2);
    check(&[start, line.as_bytes(), b"\r\n", end].concat(), "400 MalformedTrailerError");
}

/// Where the store verifies, all but the signatures themselves is looked at.
#[test]
fn signatures_that_the_store_verifies_must_be_there() {
    let unchecked = |mode, trailer| ChunkPlan { chain: Some(Chain::Unchecked), ..plan(mode, 5, trailer) };
    let crc32 = Algorithm::Crc32;
    let trailed = trailer(crc32, b"hello");
    let signed = body(StreamingMode::Signed, &[b"hello"], None);
    let with_trailer = body(StreamingMode::SignedTrailer, &[b"hello"], Some(&trailed));
    let other = with(&signed, "hello", "hellO");
    let text = String::from_utf8(signed.clone()).unwrap();
    let signature = text.split("chunk-signature=").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
    for (mode, trailer, body, expected) in [
        (StreamingMode::Signed, None, &signed, Ok(b"hello".to_vec())),
        (StreamingMode::Signed, None, &other, Ok(b"hellO".to_vec())),
        (StreamingMode::SignedTrailer, Some(crc32), &with_trailer, Ok(b"hello".to_vec())),
        (StreamingMode::Signed, None, &with(&signed, &signature, "00"), Err(ChunkFault::Framing)),
        (
            StreamingMode::Signed,
            None,
            &with(&signed, "chunk-signature=", "a=b;chunk-signature="),
            Err(ChunkFault::Framing),
        ),
        (StreamingMode::Signed, None, &with(&signed, "5;", "4;"), Err(ChunkFault::Framing)),
        (StreamingMode::SignedTrailer, Some(crc32), &signed, Err(ChunkFault::Framing)),
        (
            StreamingMode::SignedTrailer,
            Some(crc32),
            &with(&with_trailer, "hello", "hellO"),
            Err(ChunkFault::Checksum(crc32)),
        ),
    ] {
        for step in [1, 7, 999] {
            assert_eq!(
                decode(unchecked(mode, trailer), body, step),
                expected,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
    }
}

#[test]
fn what_is_told_about_a_wrong_signature() {
    let mode = StreamingMode::Signed;
    let bad = with(&body(mode, &[b"hello"], None), "hello", "hellO");
    let Err(ChunkFault::WrongSignature(mismatch)) = decode(plan(mode, 5, None), &bad, 99) else { panic!() };
    let expected = "AWS4-HMAC-SHA256-PAYLOAD\n20260115T120000Z\n20260115/us-east-1/s3/aws4_request\n";
    let told = String::from_utf8(mismatch.string_to_sign).unwrap();
    assert!(told.starts_with(&format!("{expected}{}\ne3b0c442", "5".repeat(64))), "{told}");
    assert_eq!((mismatch.key_id.as_str(), mismatch.canonical_request.as_slice()), ("AKID", &b"PUT"[..]));
    let mut uniform = plan(mode, 5, None);
    let Some(Chain::Checked(signer)) = &mut uniform.chain else { panic!() };
    signer.tell_nothing();
    assert_eq!(decode(uniform, &bad, 99), Err(ChunkFault::Uniform));
}

#[test]
fn nothing_of_a_chunk_with_a_wrong_signature_is_handed_out_at_its_end() {
    let mode = StreamingMode::Signed;
    let bad = with(&body(mode, &[b"hello"], None), "hello", "hellO");
    let mut decoder = ChunkDecoder::new(plan(mode, 5, None));
    let mut input = bad.as_slice();
    assert!(decoder.next(&mut input).is_err());
    // and a fault is final
    assert_eq!(decoder.next(&mut input), Err(ChunkFault::Framing));
    assert_eq!(decoder.finish(), Err(ChunkFault::Framing));
}

proptest! {
    #[test]
    fn what_is_framed_is_decoded_however_it_is_split(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 8192..8300), 0..3),
        last in proptest::collection::vec(any::<u8>(), 1..50),
        step in 1..9000_usize,
        mode in proptest::sample::select(vec![
            StreamingMode::Signed, StreamingMode::SignedTrailer, StreamingMode::UnsignedTrailer,
        ]),
    ) {
        let mut parts: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        parts.push(&last);
        let data = parts.concat();
        let declared = (mode != StreamingMode::Signed).then_some(Algorithm::Crc64Nvme);
        let line = declared.map(|algorithm| trailer(algorithm, &data));
        let body = body(mode, &parts, line.as_deref());
        let plan = plan(mode, data.len() as u64, declared);
        prop_assert_eq!(decode(plan, &body, step), Ok(data));
    }

    #[test]
    fn arbitrary_bytes_never_give_more_than_was_declared(
        bytes in proptest::collection::vec(proptest::sample::select(b"0123afF;:=\r\n -x".to_vec()), 0..200),
        length in 0..20_u64,
        step in 1..40_usize,
    ) {
        for mode in [StreamingMode::Signed, StreamingMode::SignedTrailer, StreamingMode::UnsignedTrailer] {
            let mut decoder = ChunkDecoder::new(plan(mode, length, None));
            let mut given = 0;
            'all: for mut piece in bytes.chunks(step) {
                loop {
                    match decoder.next(&mut piece) {
                        Ok(Some(data)) => given += data.len() as u64,
                        Ok(None) => break,
                        Err(_) => break 'all,
                    }
                }
            }
            prop_assert!(given <= length);
            if decoder.finish().is_ok() {
                prop_assert_eq!(given, length);
            }
        }
    }
}
