//! A second gate, as slow and plain as can be: whether the bytes of a request may be forwarded, by the published rules
//! of SigV4, the one config of these tests, and the limits in the link. It must not share code with the gate.
//!
//! It knows no more than it needs: what it does not know it does not explain, and then the gate must not forward it.

use crate::support::sigv4::{Key, MAIN, Signable, TEMPORARY, UNSIGNED, decode};
use crate::support::time::seconds;

type Pairs = Vec<(String, String)>;

fn text(encoded: &str) -> Result<String, &'static str> {
    String::from_utf8(decode(encoded)).map_err(|_| "not UTF-8")
}

fn only<'p>(pairs: &'p Pairs, name: &str) -> Result<&'p str, &'static str> {
    let mut found = pairs.iter().filter(|(other, _)| other == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err("a parameter is missing or there twice"),
    }
}

/// The parts of a request.
struct Parts {
    method: String,
    path: String,
    query: Pairs,
    headers: Pairs,
}

fn parts(bytes: &[u8]) -> Result<Parts, &'static str> {
    // a byte a character: values of headers that nobody has signed may hold any but control characters
    let whole: String = bytes.iter().copied().map(char::from).collect();
    let (head, body) = whole.split_once("\r\n\r\n").ok_or("no end of the head")?;
    if head.replace("\r\n", "").chars().any(|character| character.is_ascii_control()) {
        return Err("control characters");
    }
    let mut lines = head.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1" | "HTTP/1.0"] = words[..] else { return Err("no request line") };
    let headers: Pairs = lines
        .map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect::<Option<_>>()
        .ok_or("no header line")?;
    if headers.iter().filter(|(name, _)| name == "host").count() != 1 {
        return Err("not one Host");
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    // without a length there is no body, and what follows is another request
    if length.is_some_and(|(_, length)| *length != body.chars().count().to_string()) {
        return Err("another length");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs = Pairs::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((text(name)?, text(value)?));
    }
    Ok(Parts { method: method.to_owned(), path: path.to_owned(), query: pairs, headers })
}

/// What a request says of its signature.
struct Claim {
    credential: String,
    date: String,
    names: String,
    signature: String,
    payload: String,
    /// What the signature covers of the query.
    query: Pairs,
    /// When it ends.
    end: i64,
}

fn in_query(parts: &Parts) -> Result<Claim, &'static str> {
    let query = &parts.query;
    if only(query, "X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
        return Err("another algorithm");
    }
    let date = only(query, "X-Amz-Date")?.to_owned();
    let expires: i64 = only(query, "X-Amz-Expires")?.parse().map_err(|_| "no lifetime")?;
    if !(0..=604_800).contains(&expires) {
        return Err("another lifetime");
    }
    let covered = query.iter().filter(|(name, _)| name != "X-Amz-Signature").cloned().collect();
    Ok(Claim {
        credential: only(query, "X-Amz-Credential")?.to_owned(),
        end: seconds(&date).ok_or("no date")? + expires,
        date,
        names: only(query, "X-Amz-SignedHeaders")?.to_owned(),
        signature: only(query, "X-Amz-Signature")?.to_owned(),
        payload: only(&parts.headers, "x-amz-content-sha256").unwrap_or(UNSIGNED).to_owned(),
        query: covered,
    })
}

fn in_header(parts: &Parts) -> Result<Claim, &'static str> {
    let value = only(&parts.headers, "authorization")?;
    let rest = value.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("another algorithm")?;
    let fields: Pairs = rest
        .split(',')
        .map(|field| field.trim().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect::<Option<_>>()
        .ok_or("no fields")?;
    let date = only(&parts.headers, "x-amz-date")?.to_owned();
    let payload = only(&parts.headers, "x-amz-content-sha256")?.to_owned();
    if payload != UNSIGNED {
        return Err("a payload that this model does not hash");
    }
    Ok(Claim {
        credential: only(&fields, "Credential")?.to_owned(),
        end: seconds(&date).ok_or("no date")? + 900,
        date,
        names: only(&fields, "SignedHeaders")?.to_owned(),
        signature: only(&fields, "Signature")?.to_owned(),
        payload,
        query: parts.query.clone(),
    })
}

/// The rules of SigV4 for S3.
fn verify(parts: &Parts, now: i64) -> Result<(), &'static str> {
    let named = |name: &str| parts.query.iter().any(|(other, _)| other == name);
    let claim = match (named("X-Amz-Signature"), only(&parts.headers, "authorization").is_ok()) {
        (true, false) => in_query(parts)?,
        (false, true) => in_header(parts)?,
        _ => return Err("not one signature"),
    };
    if claim.end <= now || seconds(&claim.date).ok_or("no date")? > now + 900 {
        return Err("not now");
    }
    let (id, scope) = claim.credential.split_once('/').ok_or("no scope")?;
    let key: Key = [MAIN, TEMPORARY].into_iter().find(|key| key.id == id).ok_or("an unknown key")?;
    if scope != format!("{}/us-east-1/s3/aws4_request", claim.date.get(..8).ok_or("no date")?) {
        return Err("another scope");
    }
    let token = parts
        .query
        .iter()
        .chain(&parts.headers)
        .find(|(name, _)| name.eq_ignore_ascii_case("x-amz-security-token"));
    if token.map(|(_, value)| value.as_str()) != key.token {
        return Err("another token");
    }
    let listed: Vec<&str> = claim.names.split(';').collect();
    let is_signed = |name: &str| listed.contains(&name);
    // a hash of the body is signed by its own line
    let needed =
        |name: &str| name == "host" || (name.starts_with("x-amz-") && name != "x-amz-content-sha256");
    if parts.headers.iter().any(|(name, _)| needed(name) && !is_signed(name)) {
        return Err("headers that are not signed");
    }
    let covered: Pairs = parts.headers.iter().filter(|(name, _)| is_signed(name)).cloned().collect();
    if listed.iter().any(|name| !covered.iter().any(|(other, _)| other == name)) {
        return Err("signed headers that are not there");
    }
    let signable = Signable {
        method: &parts.method,
        path: &parts.path,
        query: &claim.query,
        headers: &covered,
        payload: &claim.payload,
        key,
        date: &claim.date,
        scope,
    };
    if signable.signature() == claim.signature { Ok(()) } else { Err("a wrong signature") }
}

/// Addresses by hand: the networks of these tests end at whole groups.
fn is_in(address: &str, range: &str) -> bool {
    // the digits of IPv6 are the same in either letter case
    let address = address.to_ascii_lowercase();
    match range {
        "10.0.0.0/8" => address.starts_with("10."),
        "10.1.0.0/16" => address.starts_with("10.1."),
        "2001:db8::/32" => address.starts_with("2001:db8:"),
        other => address == other,
    }
}

/// The guardrail and the rights of the config.
fn permit(parts: &Parts, client: &str) -> Result<(), &'static str> {
    if !is_in(client, "10.0.0.0/8") && !is_in(client, "2001:db8::/32") {
        return Err("another network");
    }
    let path = text(&parts.path)?;
    let key = path.strip_prefix("/bkt/").filter(|key| !key.is_empty()).ok_or("another bucket")?;
    if key.contains("secret") || key.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("denied");
    }
    match parts.method.as_str() {
        "GET" | "HEAD" => Ok(()),
        "PUT" if key.starts_with("in/") => Ok(()),
        _ => Err("no right"),
    }
}

/// The limits in the link, and parameters that make another operation.
fn limit(parts: &Parts, client: &str, now: i64) -> Result<(), &'static str> {
    for (name, value) in &parts.query {
        let holds = match name.as_str() {
            "x-gate-source-ip" => value.split(',').any(|range| is_in(client, range)),
            // years apart, so that the text tells
            "x-gate-not-before" => now > 0 && value.starts_with("20") && value.as_str() < "2026",
            "response-content-type" => matches!(parts.method.as_str(), "GET" | "HEAD"),
            name if name.starts_with("X-Amz-") => true,
            name => name.starts_with("x-") && !name.starts_with("x-gate-") && !name.starts_with("x-amz-"),
        };
        if !holds {
            return Err("a limit of the link");
        }
    }
    Ok(())
}

/// Whether a request may be forwarded.
pub fn explain(bytes: &[u8], now: i64) -> Result<(), &'static str> {
    let parts = parts(bytes)?;
    verify(&parts, now)?;
    // the peer is trusted, so the nearest hop is the client
    let hops: Vec<&str> = parts
        .headers
        .iter()
        .filter(|(name, _)| name == "x-forwarded-for")
        .map(|(_, value)| value.as_str())
        .collect();
    let client = hops.last().and_then(|value| value.rsplit(',').next()).unwrap_or("127.0.0.1").trim();
    permit(&parts, client)?;
    limit(&parts, client, now)
}
