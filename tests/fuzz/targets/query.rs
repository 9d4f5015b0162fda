//! Queries and percent-encoding: one canonical form, whatever the spelling, found again when it is read again.
//! It must not know what the parameters mean.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use presign_gate::request::percent::{self, Part};
use presign_gate::request::query::Query;

/// Decodes the slow way: byte by byte, nothing shared with the code under test.
fn decoded(raw: &[u8], plus_is_space: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digits =
                    [bytes.next(), bytes.next()].map(|digit| char::from(digit.expect("a whole escape")));
                u8::from_str_radix(&String::from_iter(digits), 16).expect("an escape")
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    out
}

fn check_part(raw: &[u8], part: Part) {
    if percent::classify(raw, part).is_err() {
        return;
    }
    let plain = decoded(raw, part == Part::Query);
    let (mut ours, mut canonical, mut again) = (Vec::new(), Vec::new(), Vec::new());
    percent::decode_into(raw, part, &mut ours);
    assert_eq!(ours, plain);
    percent::encode_into(&ours, part, &mut canonical);
    assert!(canonical.iter().all(|byte| percent::is_unreserved(*byte) || b"%/".contains(byte)));
    assert_eq!(decoded(&canonical, false), plain);
    percent::decode_into(&canonical, part, &mut again);
    assert_eq!(again, plain);
}

fuzz_target!(|raw: &[u8]| {
    check_part(raw, Part::Path);
    check_part(raw, Part::Query);
    let Ok(query) = Query::parse(raw) else { return };

    let pieces: Vec<_> = raw.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()).collect();
    assert_eq!(query.len(), pieces.len());
    for (param, piece) in query.iter().zip(&pieces) {
        let at = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = at.map_or((*piece, &[][..]), |at| (&piece[..at], &piece[at + 1..]));
        assert_eq!((param.name.raw(), param.value.raw(), param.has_equals), (name, value, at.is_some()));
        assert_eq!(param.name.decoded(), decoded(name, true));
        assert_eq!(param.value.decoded(), decoded(value, true));
    }

    // the canonical order is that of the encoded pairs, and the canonical query is its own canonical form
    let canonical_of = |query: &Query<'_>| {
        let pair = |param: &presign_gate::request::query::Param<'_>| {
            let (mut name, mut value) = (Vec::new(), Vec::new());
            param.name.write_canonical(&mut name);
            param.value.write_canonical(&mut value);
            (name, value)
        };
        let sorted: Vec<_> = query.sorted().iter().map(pair).collect();
        let mut expected: Vec<_> = query.iter().map(|param| pair(&param)).collect();
        expected.sort();
        assert_eq!(sorted, expected);
        let pairs: Vec<_> = sorted.into_iter().map(|(name, value)| [name, value].join(&b'=')).collect();
        pairs.join(&b'&')
    };
    let canonical = canonical_of(&query);
    let again = Query::parse(&canonical).expect("the canonical query");
    assert_eq!(canonical_of(&again), canonical);
});
