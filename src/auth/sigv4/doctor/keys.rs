//! Keys that may have signed: other credentials' secrets, the same secret with white space, another scope.
//! It must not keep or show a secret.

use super::Scene;
use super::cause::Cause;
use super::edit::{Edit, What};
use super::letter::Letter;
use crate::auth::keyring::{Credential, KeyIndex};
use crate::auth::sigv4::SERVICE;
use crate::auth::sigv4::key::SigningKey;
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::secret::Secret;

/// The other credentials whose secrets are tried.
const MANY: usize = 8;
const USUAL_REGIONS: [&str; 5] = ["us-east-1", "eu-west-1", "eu-central-1", "us-west-2", "auto"];
const USUAL_SERVICES: [&str; 5] = [SERVICE, "s3express", "s3-object-lambda", "execute-api", ""];

/// Another key. As many for every credential as for one that nobody has.
pub(super) fn edits(letter: &Letter<'_>, scene: &Scene<'_>, own: &Credential) -> Vec<Edit> {
    let mut edits = Vec::new();
    let keyring = scene.keys.keyring();
    let others = || keyring.iter().filter(|other| other.access_key_id != own.access_key_id);
    let is_guest = scene.keys.index(own.access_key_id.as_bytes()) == Some(KeyIndex::Guest);
    let count = keyring.iter().len().saturating_sub(usize::from(!is_guest)).min(MANY);
    let near = others().filter(|other| other.principal == own.principal);
    let far = others().filter(|other| other.principal != own.principal);
    for other in near.chain(far).take(count) {
        let cause = if other.retired.is_some() { Cause::RetiredSecret } else { Cause::OtherSecret };
        let key = letter.key(&other.secret);
        edits.push(Edit::shown(cause, What::Key(key), &other.access_key_id));
    }
    for end in [&b"\n"[..], b"\r\n", b" ", b"\t"] {
        let longer = Secret::new([own.secret.expose(), end].concat());
        edits.push(Edit::new(Cause::SecretSpace, What::Key(letter.key(&longer))));
    }
    let trimmed = Secret::new(own.secret.expose().trim_ascii());
    edits.push(Edit::new(Cause::SecretSpace, What::Key(letter.key(&trimmed))));
    let key = |day: &[u8], region: &str, service: &str| {
        What::Key(SigningKey::derive(&own.secret, day, region, service))
    };
    let accepted = scene.rules.regions.iter().map(String::as_str).take(MANY);
    for region in accepted.chain(USUAL_REGIONS) {
        edits.push(Edit::shown(Cause::Region, key(letter.day, region, letter.service), region));
    }
    for service in USUAL_SERVICES {
        edits.push(Edit::shown(Cause::Service, key(letter.day, letter.region, service), service));
    }
    for day in days_around(letter.day) {
        edits.push(Edit::new(Cause::Clock, key(&day, letter.region, letter.service)));
    }
    edits
}

/// The day before and the day after: what a clock in local time makes of one.
fn days_around(day: &[u8]) -> Vec<[u8; 8]> {
    const DAY: i64 = 24 * 60 * 60;
    let Some(civil) = Civil::parse_basic(&[day, b"T000000Z"].concat()) else { return Vec::new() };
    let noon = civil.instant().secs() + DAY / 2;
    [noon - DAY, noon + DAY]
        .map(|secs| crate::auth::sigv4::sign::day_text(UnixMillis::from_secs(secs)))
        .to_vec()
}
