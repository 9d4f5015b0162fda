//! Bodies through the guard, in every form and split: what may leave, and when.
//! It must not test the decoder of chunks: that has tests of its own.

use super::*;
use crate::auth::checksum::Algorithm;
use crate::auth::hex;
use crate::auth::sigv4::chunked::plan::ChunkPlan;
use crate::request::framing::Framing;
use crate::s3::error::ErrorCode;
use crate::upstream::body::digests::{Digests, ExpectedHash};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// What left before the end and in all, the body fed in pieces of `step` bytes.
fn run(rules: &BodyRules, sent: Framing, body: &[u8], step: usize) -> Result<(usize, Vec<u8>), BodyFault> {
    let mut guard = BodyGuard::new(rules);
    let mut out = Vec::new();
    for part in body.chunks(step) {
        guard.take(part, &mut Encoder::new(sent, &mut out))?;
    }
    let before = out.len();
    guard.finish(&mut Encoder::new(sent, &mut out))?;
    assert_eq!(guard.seen(), body.len() as u64);
    Ok((before, out))
}

fn check(rules: &BodyRules, body: &str, expected: Result<(), ErrorCode>) {
    for step in [1, 2, 1000] {
        let outcome = run(rules, Framing::Known(0), body.as_bytes(), step);
        assert_eq!(outcome.map(|_| ()).map_err(|fault| fault.error.code), expected, "{body:?}");
    }
}

fn hashed(text: &str) -> BodyRules {
    let sha256 = ExpectedHash::parse(&hex::encode(&Sha256::digest(text).into()));
    BodyRules { digests: Digests { sha256, ..Digests::default() }, max: 10, ..BodyRules::default() }
}

#[test]
fn a_body_is_what_was_signed_or_refused() {
    check(&hashed("hello"), "hello", Ok(()));
    check(&hashed(""), "", Ok(()));
    check(&hashed("hello"), "hello!", Err(ErrorCode::XAmzContentSHA256Mismatch));
    check(&hashed("hello"), "hell", Err(ErrorCode::XAmzContentSHA256Mismatch));
}

#[test]
fn sizes_are_inclusive() {
    let rules = BodyRules { max: 4, min: 2, ..BodyRules::default() };
    check(&rules, "ab", Ok(()));
    check(&rules, "abcd", Ok(()));
    check(&rules, "a", Err(ErrorCode::EntityTooSmall));
    check(&rules, "abcde", Err(ErrorCode::EntityTooLarge));
}

fn chunked(length: u64, trailer: Option<Algorithm>, onward: Onward) -> BodyRules {
    let plan = Box::new(ChunkPlan::unsigned(length, trailer));
    BodyRules { chunks: Some(plan), onward, max: 1 << 40, ..BodyRules::default() }
}

/// A body in chunks of these sizes, `a` again and again, and a trailer.
fn framed(chunks: &[usize], trailer: &str) -> Vec<u8> {
    let chunk = |size: &usize| format!("{size:x}\r\n{}\r\n", "a".repeat(*size));
    format!("{}0\r\n{trailer}\r\n", chunks.iter().map(chunk).collect::<String>()).into_bytes()
}

/// Of `aaaaa`.
const CRC32: &str = "x-amz-checksum-crc32:7qyTuQ==\r\n";

#[test]
fn what_completes_a_body_in_chunks_leaves_last() {
    let crc = Some(Algorithm::Crc32);
    let body = framed(&[2, 3], CRC32);
    let text = String::from_utf8(body.clone()).unwrap();
    for (onward, before, all) in [
        (Onward::Same, text.len() - CRC32.len() - 8, text.as_str()),
        (Onward::Decoded, 4, "aaaaa"),
        (Onward::Reframed(Algorithm::Crc32), 7, "5\r\naaaaa\r\n0\r\nx-amz-checksum-crc32:7qyTuQ==\r\n\r\n"),
    ] {
        for step in 1..=body.len() {
            let outcome = run(&chunked(5, crc, onward), Framing::Known(0), &body, step);
            assert_eq!(outcome, Ok((before, all.as_bytes().to_vec())), "{onward:?} in steps of {step}");
        }
    }
}

#[test]
fn an_empty_body_leaves_whole_at_the_end() {
    let body = framed(&[], "");
    for (onward, all) in [(Onward::Same, "0\r\n\r\n"), (Onward::Decoded, "")] {
        let outcome = run(&chunked(0, None, onward), Framing::Known(0), &body, 1);
        assert_eq!(outcome, Ok((0, all.as_bytes().to_vec())));
    }
    let rules = chunked(0, Some(Algorithm::Crc32), Onward::Reframed(Algorithm::Crc32));
    let outcome = run(&rules, Framing::Known(0), &framed(&[], "x-amz-checksum-crc32:AAAAAA==\r\n"), 1);
    assert_eq!(outcome, Ok((0, b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n".to_vec())));
}

#[test]
fn bytes_as_they_came_are_chunked_anew_for_a_chunked_upstream() {
    let rules = chunked(5, None, Onward::Same);
    let (_, out) = run(&rules, Framing::Chunked, &framed(&[5], ""), 100).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "7\r\n5\r\naaaa\r\n8\r\na\r\n0\r\n\r\n\r\n0\r\n\r\n");
}

/// Nothing that leaves of a wrong body completes it, wherever it is cut into pieces.
#[test]
fn a_wrong_body_in_chunks_never_completes() {
    let crc = Some(Algorithm::Crc32);
    for (length, trailer, body, code) in [
        (5, crc, framed(&[5], "x-amz-checksum-crc32:AAAAAA==\r\n"), ErrorCode::BadDigest),
        (5, crc, framed(&[5], ""), ErrorCode::MalformedTrailerError),
        (5, None, framed(&[4], ""), ErrorCode::IncompleteBody),
        (5, None, framed(&[5, 1], ""), ErrorCode::IncompleteBody),
        (5, None, [framed(&[5], ""), b"x".to_vec()].concat(), ErrorCode::IncompleteBody),
        (5, None, b"5\r\naaaaa\r\n".to_vec(), ErrorCode::IncompleteBody),
    ] {
        for onward in [Onward::Same, Onward::Decoded, Onward::Reframed(Algorithm::Crc32)] {
            let rules = chunked(length, trailer, onward);
            for step in 1..=body.len() {
                let mut guard = BodyGuard::new(&rules);
                let (mut out, mut outcome) = (Vec::new(), Ok(()));
                for part in body.chunks(step) {
                    let sent = out.len();
                    outcome = guard.take(part, &mut Encoder::new(Framing::Known(0), &mut out));
                    if outcome.is_err() {
                        // what a failed step appended is not sent
                        out.truncate(sent);
                        break;
                    }
                }
                let outcome = outcome
                    .and_then(|()| guard.finish(&mut Encoder::new(Framing::Known(0), &mut Vec::new())));
                assert_eq!(outcome.map_err(|fault| fault.error.code), Err(code));
                assert!(
                    !String::from_utf8_lossy(&out).replace(|c| c != 'a', "").contains("aaaaa"),
                    "{onward:?} in steps of {step}"
                );
            }
        }
    }
}

#[test]
fn sizes_and_hashes_are_those_of_the_data() {
    let crc = |value: [u8; 4]| Some(Box::new((Algorithm::Crc32, value.into_iter().collect())));
    let mut rules = chunked(5, None, Onward::Decoded);
    rules.digests.checksum = crc([0xee, 0xac, 0x93, 0xb9]);
    (rules.min, rules.max) = (5, 5);
    let body = String::from_utf8(framed(&[1, 1, 1, 1, 1], "")).unwrap();
    check(&rules, &body, Ok(()));
    rules.min = 6;
    check(&rules, &body, Err(ErrorCode::EntityTooSmall));
    (rules.min, rules.max) = (0, 4);
    check(&rules, &body, Err(ErrorCode::EntityTooLarge));
    rules.max = 5;
    rules.digests.checksum = crc([0; 4]);
    check(&rules, &body, Err(ErrorCode::BadDigest));
}

proptest! {
    #[test]
    fn what_is_held_back_does_not_grow(sizes in proptest::collection::vec(1..90_000_usize, 1..4), step in 1..100_000_usize) {
        let body = framed(&sizes, "");
        let length = sizes.iter().sum::<usize>() as u64;
        for (onward, all) in [(Onward::Same, body.len()), (Onward::Decoded, sizes.iter().sum())] {
            let (before, out) = run(&chunked(length, None, onward), Framing::Known(0), &body, step).unwrap();
            prop_assert_eq!(out.len(), all);
            prop_assert!(out.len() - before <= 8);
        }
    }
}
