//! SigV4A: the key pair of a secret, and ECDSA signatures over P-256 that it has made.
//! It must not sign, nor keep a private key longer than its public half takes to compute.

pub(super) mod region_set;

use super::ALGORITHM_V4A;
use super::key::hmac;
use crate::auth::hex;
use crate::secret::Secret;
use p256::SecretKey;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{DerSignature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The public half of the key pair that belongs to an access key id and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Option<VerifyingKey>);

impl PublicKey {
    /// Derives the key (NIST SP 800-108 in counter mode, as aws-c-auth does it: the first of 254 outputs that is below
    /// the order of the curve, plus one). Should none be, which takes 2^8000 tries, nothing verifies.
    #[must_use]
    pub fn derive(key_id: &[u8], secret: &Secret) -> Self {
        Self(
            (1..255)
                .find_map(|counter| private_key(key_id, secret, counter))
                .map(|key| key.public_key().into()),
        )
    }

    /// Whether `signature`, in hexadecimal DER of either letter case, was made over the concatenation of `pieces`.
    #[must_use]
    pub fn verifies(&self, pieces: &[&[u8]], signature: &[u8]) -> bool {
        let Some(der) = hex::decode_up_to(signature, MAX_DER) else { return false };
        let (Some(key), Ok(signature)) = (&self.0, DerSignature::from_bytes(&der)) else { return false };
        let mut hash = Sha256::new();
        for piece in pieces {
            hash.update(piece);
        }
        key.verify_prehash(&hash.finalize(), &signature).is_ok()
    }
}

/// Two integers of 33 bytes at most, with their headers.
const MAX_DER: usize = 72;

/// The private key that a counter gives, if it gives one: a number from 1 to the order of the curve less one.
fn private_key(key_id: &[u8], secret: &Secret, counter: u8) -> Option<SecretKey> {
    let mut long = Zeroizing::new(Vec::with_capacity(64));
    long.extend_from_slice(b"AWS4A");
    long.extend_from_slice(secret.expose());
    // iteration 1, label, zero, context, and the length of the output in bits
    let parts = [&[0, 0, 0, 1][..], ALGORITHM_V4A.as_bytes(), &[0], key_id, &[counter], &[0, 0, 1, 0]];
    let mut number = Zeroizing::new(hmac(&long, &parts));
    for byte in number.iter_mut().rev() {
        let (next, carried) = byte.overflowing_add(1);
        *byte = next;
        if !carried {
            break;
        }
    }
    // refuses 0 and whatever is not below the order, which is what the derivation asks for
    SecretKey::from_slice(&*number).ok()
}

#[cfg(test)]
pub(in crate::auth) mod testing {
    use super::*;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer as _;

    /// A SigV4A signature as a signer writes it.
    pub(in crate::auth) fn sign(key_id: &str, secret: &Secret, text: &[u8]) -> String {
        let key = (1..255).find_map(|counter| private_key(key_id.as_bytes(), secret, counter)).unwrap();
        let signature: DerSignature = SigningKey::from(key).sign(text);
        digits(signature.as_bytes())
    }

    /// The coordinates of a public key.
    pub(in crate::auth) fn coordinates(key: &PublicKey) -> (String, String) {
        let point = key.0.unwrap().to_sec1_point(false);
        (digits(point.x().unwrap()), digits(point.y().unwrap()))
    }

    fn digits(bytes: &[u8]) -> String {
        let mut pairs = Vec::new();
        hex::write_pairs(bytes, &mut pairs);
        String::from_utf8(pairs).unwrap().replace(' ', "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signature_of_the_key_over_the_text_verifies() {
        let secret = Secret::new("secret");
        let key = PublicKey::derive(b"AKID", &secret);
        let good = testing::sign("AKID", &secret, b"text");
        assert!(key.verifies(&[b"te", b"xt"], good.as_bytes()));
        assert!(key.verifies(&[b"text"], good.to_ascii_uppercase().as_bytes()));
        assert!(!key.verifies(&[b"texts"], good.as_bytes()));
        for (id, secret) in [("AKIE", "secret"), ("AKID", "secres")] {
            let other = PublicKey::derive(id.as_bytes(), &Secret::new(secret));
            assert!(!other.verifies(&[b"text"], good.as_bytes()), "{id} {secret}");
        }
        for at in 0..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert!(!key.verifies(&[b"text"], &changed), "{at}");
        }
        for changed in ["", "00", &format!("{good}00"), &format!("{good}**"), good.get(1..).unwrap()] {
            assert!(!key.verifies(&[b"text"], changed.as_bytes()), "{changed}");
        }
        assert!(!PublicKey(None).verifies(&[b"text"], good.as_bytes()));
    }

    #[test]
    fn zero_and_negative_numbers_are_no_signature() {
        let key = PublicKey::derive(b"AKID", &Secret::new("secret"));
        // r and s of 0, and of -1
        for der in ["3006020100020100", "30060201ff0201ff"] {
            assert!(!key.verifies(&[b"text"], der.as_bytes()), "{der}");
        }
    }
}
