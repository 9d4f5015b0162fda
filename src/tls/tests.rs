//! Files in PEM, good and bad, the choice by name, and what is served.
//! It must not make a handshake; the integration tests do.

use super::*;
use crate::secret::Secret;
use rcgen::{CertificateParams, Issuer, KeyPair as Generated, PKCS_ECDSA_P256_SHA256};

struct Made {
    certificate: String,
    key: String,
}

fn make(names: &[&str]) -> Made {
    let key = Generated::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.not_after = rcgen::date_time_ymd(2040, 1, 2);
    let certificate = params.self_signed(&key).unwrap().pem();
    Made { certificate, key: key.serialize_pem() }
}

fn read(certificate: &str, key: &str) -> Result<KeyPair, TlsError> {
    KeyPair::read(certificate.as_bytes(), &Secret::new(key))
}

fn pair(names: &[&str]) -> KeyPair {
    let made = make(names);
    read(&made.certificate, &made.key).unwrap()
}

#[test]
fn a_pair_tells_its_names_and_its_end() {
    let pair = pair(&["S3.example", "*.s3.example", "192.0.2.1"]);
    assert_eq!(pair.names(), ["s3.example", "*.s3.example"]);
    assert_eq!(pair.not_after(), 2_209_075_200);
}

#[test]
fn the_chain_ends_with_the_first_certificate_that_expires() {
    let authority_key = Generated::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let authority = params.self_signed(&authority_key).unwrap().pem();
    let key = Generated::generate().unwrap();
    let leaf = CertificateParams::new(vec!["a.example".to_owned()])
        .unwrap()
        .signed_by(&key, &Issuer::from_params(&params, &authority_key))
        .unwrap()
        .pem();
    let chained = read(&format!("{leaf}{authority}"), &key.serialize_pem()).unwrap();
    assert_eq!(chained.not_after(), 1_893_456_000);
    let reversed = read(&format!("{authority}{leaf}"), &key.serialize_pem());
    assert_eq!(reversed.unwrap_err(), TlsError::Mismatch);
}

#[test]
fn bad_files_are_told_apart() {
    let (one, other) = (make(&["a.example"]), make(&["b.example"]));
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMF8GCSqGSIb3\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let older = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIGj\n-----END EC PRIVATE KEY-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let no_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut: String = one.certificate.chars().take(120).collect();
    let broken = "-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n";
    let trailing = format!("{}{no_x509}", one.certificate);
    for (certificate, key, expected, about) in [
        ("", one.key.as_str(), TlsError::NoCertificate, About::Certificate),
        ("not PEM", &one.key, TlsError::NoCertificate, About::Certificate),
        (&one.key, &one.key, TlsError::NoCertificate, About::Certificate),
        (no_x509, &one.key, TlsError::Certificate(1), About::Certificate),
        (&trailing, &one.key, TlsError::Certificate(2), About::Certificate),
        (&one.certificate, "", TlsError::NoKey, About::PrivateKey),
        (&one.certificate, "\u{0}\u{1}", TlsError::NoKey, About::PrivateKey),
        (&one.certificate, &one.certificate, TlsError::NoKey, About::PrivateKey),
        (&one.certificate, encrypted, TlsError::EncryptedKey, About::PrivateKey),
        (&one.certificate, older, TlsError::EncryptedKey, About::PrivateKey),
        (&one.certificate, no_key, TlsError::KeyKind, About::PrivateKey),
        (&one.certificate, &other.key, TlsError::Mismatch, About::PrivateKey),
    ] {
        let error = read(certificate, key).unwrap_err();
        assert_eq!((error.about(), &error), (about, &expected), "{certificate}\n{}", key.len());
    }
    for certificate in [&cut, broken] {
        assert!(matches!(read(certificate, &one.key), Err(TlsError::CertificatePem(_))), "{certificate}");
    }
}

#[test]
fn certificate_and_key_may_lie_in_one_file() {
    let made = make(&["a.example"]);
    let both = format!("# comment\n{}{}", made.key, made.certificate);
    assert!(read(&both, &both).is_ok());
}

#[test]
fn authorities_are_all_or_none() {
    let made = make(&["a.example"]);
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(Authorities::read(made.certificate.as_bytes()).is_ok());
    for bad in ["", "text", garbage, &format!("{}{garbage}", made.certificate), &made.key] {
        let error = Authorities::read(bad.as_bytes()).unwrap_err();
        assert_eq!(error.about(), About::Authorities, "{bad}: {error}");
    }
}

#[test]
fn the_best_fit_comes_first_and_the_first_is_for_everybody() {
    let names: [&[&str]; 4] =
        [&["default.example"], &["*.s3.example"], &["bkt.s3.example"], &["bkt.s3.example"]];
    let resolver = BySni::new(&names.map(pair));
    for (name, expected) in [
        (None, &["default.example"][..]),
        (Some("other.example"), &["default.example"]),
        (Some("default.example"), &["default.example"]),
        (Some("BKT.s3.example"), &["bkt.s3.example", "bkt.s3.example", "*.s3.example", "default.example"]),
        (Some("a.s3.example"), &["*.s3.example", "default.example"]),
        (Some("a.b.s3.example"), &["default.example"]),
        (Some("s3.example"), &["default.example"]),
    ] {
        let found: Vec<&str> = resolver.ranked(name).map(|pair| pair.names()[0].as_str()).collect();
        assert_eq!(found, expected, "{name:?}");
    }
}

#[test]
fn what_is_served_is_narrow() {
    let pairs = [pair(&["a.example"])];
    let served = serve(&pairs, None).unwrap();
    assert_eq!(served.config.alpn_protocols, [b"http/1.1"]);
    assert_eq!(served.config.max_early_data_size, 0);
    assert!(served.config.ticketer.enabled());
    let authorities = Authorities::read(make(&["ca.example"]).certificate.as_bytes()).unwrap();
    let mutual = serve(&pairs, Some(&authorities)).unwrap();
    assert!(!mutual.config.session_storage.can_cache() && !mutual.config.ticketer.enabled());
    assert_eq!(mutual.config.send_tls13_tickets, 0);
    assert_eq!(serve(&[], None).unwrap_err(), TlsError::NoCertificate);
}
