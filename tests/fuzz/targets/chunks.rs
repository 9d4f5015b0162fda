//! Bodies in chunks: however they are cut into reads, the decoder gives what a slow one gives that holds all of it.
//! It must not share code with the decoder: framing, signatures and checksums are done here by the book.

#![cfg_attr(fuzzing, no_main)]

use hmac::{Hmac, KeyInit, Mac};
#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use presign_gate::auth::checksum::Algorithm;
use presign_gate::auth::keyring::{Credential, Keyring, PrincipalId};
use presign_gate::auth::payload::Payload;
use presign_gate::auth::sigv4::chunked::ChunkDecoder;
use presign_gate::auth::sigv4::chunked::fault::ChunkFault;
use presign_gate::auth::sigv4::chunked::plan::ChunkPlan;
use presign_gate::auth::sigv4::key::KeyCache;
use presign_gate::auth::{Place, SigningRules, authenticate};
use presign_gate::clock::UnixMillis;
use presign_gate::request::head;
use presign_gate::secret::Secret;
use sha2::{Digest, Sha256};

const DATE: &str = "20260115T120000Z";
const SCOPE: &str = "20260115/us-east-1/s3/aws4_request";
const NOW: i64 = 1_768_478_400_000;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Unsigned,
    Signed,
    SignedTrailer,
}

impl Mode {
    fn keyword(self) -> &'static str {
        match self {
            Self::Unsigned => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            Self::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn signature(text: &str) -> String {
    let key = SCOPE.split('/').fold(b"AWS4secret".to_vec(), |key, part| mac(&key, part));
    hex(&mac(&key, text))
}

fn chunk_signature(previous: &str, data: &[u8]) -> String {
    let hashes = format!("{}\n{}", hash(b""), hash(data));
    signature(&format!("AWS4-HMAC-SHA256-PAYLOAD\n{DATE}\n{SCOPE}\n{previous}\n{hashes}"))
}

fn trailer_signature(previous: &str, lines: &str) -> String {
    signature(&format!("AWS4-HMAC-SHA256-TRAILER\n{DATE}\n{SCOPE}\n{previous}\n{}", hash(lines.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut text: String = (0..bits.len().div_ceil(6))
        .map(|at| format!("{:0<6}", &bits[at * 6..bits.len().min(at * 6 + 6)]))
        .map(|six| char::from(digits[usize::from_str_radix(&six, 2).expect("six bits")]))
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The plan that a verified request gives, and the signature that its chunks begin with.
fn plan(mode: Mode, length: u64, has_trailer: bool) -> (ChunkPlan, String) {
    let mut headers = vec![
        ("host", "h".to_owned()),
        ("x-amz-content-sha256", mode.keyword().to_owned()),
        ("x-amz-date", DATE.to_owned()),
        ("x-amz-decoded-content-length", length.to_string()),
    ];
    if has_trailer {
        headers.push(("x-amz-trailer", "x-amz-checksum-sha256".to_owned()));
    }
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("PUT\n/b/k\n\n{lines}\n{names}\n{}", mode.keyword());
    let seed = signature(&format!("AWS4-HMAC-SHA256\n{DATE}\n{SCOPE}\n{}", hash(canonical.as_bytes())));
    let wire: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let credential = format!("Credential=AKID/{SCOPE}, SignedHeaders={names}, Signature={seed}");
    let text = format!("PUT /b/k HTTP/1.1\r\n{wire}Authorization: AWS4-HMAC-SHA256 {credential}\r\n\r\n");
    let request = head::parse(text.as_bytes()).expect("a head");
    let keyring = Keyring::new(vec![Credential {
        access_key_id: "AKID".to_owned(),
        secret: Secret::new("secret"),
        session_token: None,
        principal: PrincipalId(0),
        retired: None,
    }]);
    let (rules, now) = (SigningRules::default(), UnixMillis::from_millis(NOW));
    let keyring = keyring.expect("a keyring");
    let verified = authenticate(&request, Place::default(), &keyring, &rules, &KeyCache::new(0), now)
        .expect("a right signature");
    match verified.payload {
        Payload::Streaming(plan) => (*plan, seed),
        _ => panic!("the request is in chunks"),
    }
}

fn trimmed(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    &text[start..end]
}

/// The next line without its end, taken off the front.
fn line<'b>(body: &mut &'b [u8]) -> Option<&'b [u8]> {
    let end = body.iter().position(|&byte| byte == b'\n')?;
    let (line, rest) = body.split_at(end + 1);
    *body = rest;
    let text = line.strip_suffix(b"\r\n")?;
    (line.len() <= 512 && !text.contains(&b'\r')).then_some(text)
}

/// The size of a chunk and the signature it carries.
fn size_line(text: &[u8], mode: Mode) -> Option<(usize, String)> {
    let mut pieces = text.split(|&byte| byte == b';');
    let size = std::str::from_utf8(trimmed(pieces.next()?)).ok()?;
    if size.is_empty() || size.len() > 16 || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let size = usize::from_str_radix(size, 16).ok()?;
    let parameters: Vec<_> = pieces.collect();
    match (mode, parameters.as_slice()) {
        (Mode::Unsigned, []) => Some((size, String::new())),
        (Mode::Signed | Mode::SignedTrailer, [parameter]) => {
            let at = parameter.iter().position(|&byte| byte == b'=')?;
            let is_signature = trimmed(&parameter[..at]) == b"chunk-signature";
            is_signature.then(|| (size, String::from_utf8_lossy(trimmed(&parameter[at + 1..])).into_owned()))
        }
        _ => None,
    }
}

/// The data of a whole body, if all of it is right.
fn slow(mut body: &[u8], mode: Mode, length: usize, has_trailer: bool, seed: &str) -> Option<Vec<u8>> {
    let (mut data, mut previous, mut last) = (Vec::new(), seed.to_owned(), usize::MAX);
    loop {
        let (size, claimed) = size_line(line(&mut body)?, mode)?;
        if size > body.len() || data.len() + size > length {
            return None;
        }
        let (chunk, rest) = body.split_at(size);
        if mode != Mode::Unsigned {
            if size > 0 && last < 8192 {
                return None;
            }
            previous = chunk_signature(&previous, chunk);
            if claimed != previous {
                return None;
            }
        }
        if size == 0 {
            break;
        }
        data.extend_from_slice(chunk);
        last = size;
        body = rest.strip_prefix(b"\r\n")?;
    }
    let (mut lines, mut value, mut signed) = (String::new(), None, None);
    loop {
        if body.is_empty() && mode == Mode::Unsigned {
            break;
        }
        let text = line(&mut body)?;
        if text.is_empty() {
            if !body.is_empty() {
                return None;
            }
            break;
        }
        let colon = text.iter().position(|&byte| byte == b':')?;
        let name = std::str::from_utf8(trimmed(&text[..colon])).ok()?.to_ascii_lowercase();
        let content = std::str::from_utf8(trimmed(&text[colon + 1..])).ok()?;
        if signed.is_some() || lines.len() + text.len() > 4096 {
            return None;
        }
        match name.as_str() {
            "x-amz-trailer-signature" if mode == Mode::SignedTrailer => signed = Some(content.to_owned()),
            "x-amz-checksum-sha256" if has_trailer && mode != Mode::Signed => {
                lines.push_str(&format!("{name}:{content}\n"));
                value = Some(content.to_owned());
            }
            _ => return None,
        }
    }
    let is_signed = mode != Mode::SignedTrailer || signed == Some(trailer_signature(&previous, &lines));
    let is_summed = !has_trailer || value == Some(base64(&Sha256::digest(&data)));
    (is_signed && is_summed && data.len() == length).then_some(data)
}

/// Feeds the decoder pieces that end at `cuts`.
fn fast(plan: &ChunkPlan, body: &[u8], cuts: &[usize]) -> Result<Vec<u8>, ChunkFault> {
    let mut decoder = ChunkDecoder::new(plan.clone());
    let (mut data, mut start) = (Vec::new(), 0);
    for &end in cuts.iter().chain([&body.len()]) {
        let mut piece = &body[start..end];
        while let Some(part) = decoder.next(&mut piece)? {
            assert!(!part.is_empty());
            data.extend_from_slice(part);
            assert!(data.len() as u64 <= plan.decoded_length, "more than was declared");
        }
        assert!(piece.is_empty());
        start = end;
    }
    decoder.finish()?;
    Ok(data)
}

/// A right body of chunks whose sizes stand in `script`.
fn framed(mode: Mode, script: &[u8], has_trailer: bool, seed: &str) -> Vec<u8> {
    let (mut out, mut data, mut previous) = (Vec::new(), Vec::new(), seed.to_owned());
    for size in sizes(script).into_iter().chain([0]) {
        let chunk = vec![b'a'; size];
        out.extend(format!("{size:x}").bytes());
        if mode != Mode::Unsigned {
            previous = chunk_signature(&previous, &chunk);
            out.extend(format!(";chunk-signature={previous}").bytes());
        }
        out.extend(b"\r\n");
        out.extend(&chunk);
        out.extend(if size == 0 { &b""[..] } else { b"\r\n" });
        data.extend(chunk);
    }
    let mut lines = String::new();
    if has_trailer {
        let line = format!("x-amz-checksum-sha256:{}", base64(&Sha256::digest(&data)));
        out.extend(format!("{line}\r\n").bytes());
        lines = line + "\n";
    }
    if mode == Mode::SignedTrailer {
        out.extend(format!("x-amz-trailer-signature:{}\r\n", trailer_signature(&previous, &lines)).bytes());
    }
    out.extend(b"\r\n");
    out
}

fn sizes(script: &[u8]) -> Vec<usize> {
    const SIZES: [usize; 8] = [1, 2, 17, 255, 8191, 8192, 8193, 9000];
    script.iter().take(3).map(|byte| SIZES[usize::from(byte % 8)]).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let [kind, adjust, at, change, rest @ ..] = bytes else { return };
    let mode = [Mode::Unsigned, Mode::Signed, Mode::SignedTrailer][usize::from(kind % 3)];
    let has_trailer = mode == Mode::SignedTrailer || (mode == Mode::Unsigned && kind & 64 != 0);
    let is_free = kind & 128 != 0;
    let whole = if is_free { usize::from(*at) } else { sizes(rest).iter().sum() };
    let length = if *adjust < 4 { (whole + usize::from(*adjust)).saturating_sub(1) } else { whole };
    let (plan, seed) = plan(mode, length as u64, has_trailer);
    assert_eq!(plan.trailer, has_trailer.then_some(Algorithm::Sha256));
    let mut body = if is_free { rest.to_vec() } else { framed(mode, rest, has_trailer, &seed) };
    if !is_free && *change != 0 && !body.is_empty() {
        // near the ends, where the framing is
        let place = usize::from(*at) % body.len();
        let place = if change & 1 == 0 { place } else { body.len() - 1 - place };
        body[place] ^= change >> 1;
    }
    let expected = slow(&body, mode, length, has_trailer, &seed);
    let whole = fast(&plan, &body, &[]);
    assert_eq!(whole.as_ref().ok(), expected.as_ref(), "{:?}", String::from_utf8_lossy(&body));
    // every cut in two, or those near the ends of a long body
    let cuts = (0..=body.len()).filter(|cut| body.len() < 300 || cut.min(&(body.len() - cut)) < &30);
    for cut in cuts {
        assert_eq!(fast(&plan, &body, &[cut]), whole, "cut at {cut}");
    }
    for step in [1, 7, 4096] {
        let cuts: Vec<_> = (0..body.len()).step_by(step).collect();
        assert_eq!(fast(&plan, &body, &cuts), whole, "in steps of {step}");
    }
});
