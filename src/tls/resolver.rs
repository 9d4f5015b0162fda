//! The choice of a certificate by the name that the client asks for.
//! It must not refuse a client for the name: the first certificate is for everybody else, and the client judges it.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::KeyPair;

/// Certificates by name.
#[derive(Debug)]
pub(super) struct BySni(Vec<KeyPair>);

/// How well a certificate fits; the greatest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is for other names.
    None,
    /// It is the first of the list.
    Default,
    /// One of its names has a `*` for the first label.
    Wildcard,
    /// It has the name.
    Exact,
}

impl BySni {
    pub(super) fn new(pairs: &[KeyPair]) -> Self {
        Self(pairs.to_vec())
    }

    /// The certificates from the best fit to the worst, those of one fit in their order; none that does not fit.
    pub(super) fn ranked<'s>(&'s self, name: Option<&str>) -> impl Iterator<Item = &'s KeyPair> {
        let mut ranked: Vec<(Fit, &KeyPair)> =
            self.0.iter().enumerate().map(|(at, pair)| (fit(at, pair, name), pair)).collect();
        ranked.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
        ranked.into_iter().filter(|(fit, _)| *fit > Fit::None).map(|(_, pair)| pair)
    }
}

fn fit(at: usize, pair: &KeyPair, name: Option<&str>) -> Fit {
    let otherwise = if at == 0 { Fit::Default } else { Fit::None };
    let Some(name) = name else { return otherwise };
    if pair.names().iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Fit::Exact;
    }
    let parent = name.split_once('.').map(|(_, parent)| parent);
    let wildcard = |own: &String| {
        own.strip_prefix("*.").is_some_and(|own| parent.is_some_and(|name| own.eq_ignore_ascii_case(name)))
    };
    if pair.names().iter().any(wildcard) { Fit::Wildcard } else { otherwise }
}

impl ResolvesServerCert for BySni {
    /// The best fit whose key the client can verify: one name may have an RSA and an ECDSA certificate.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let usable =
            |pair: &&KeyPair| pair.certified().key.choose_scheme(hello.signature_schemes()).is_some();
        self.ranked(hello.server_name()).find(usable).map(|pair| Arc::clone(pair.certified()))
    }
}
