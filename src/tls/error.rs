//! Why certificates, keys or authorities cannot be used.
//! It must not show any part of a key.

/// Which of the files a fault lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// That of the certificate chain.
    Certificate,
    /// That of the private key.
    PrivateKey,
    /// That of the authorities for client certificates.
    Authorities,
}

/// Why certificates, keys or authorities cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The file of a certificate holds none.
    #[error("it holds no certificate in PEM")]
    NoCertificate,
    /// A block of PEM is broken.
    #[error("its PEM is malformed: {0}")]
    CertificatePem(String),
    /// A certificate is no X.509; the number counts from 1.
    #[error("certificate {0} of it is malformed")]
    Certificate(usize),
    /// The file of a key holds none.
    #[error("it holds no private key in PEM")]
    NoKey,
    /// A block of PEM is broken.
    #[error("its PEM is malformed")]
    KeyPem,
    /// The key is encrypted, and there is nobody to ask for the password.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// A key of a kind that cannot sign, or malformed.
    #[error("the private key is malformed, or of a kind that cannot sign")]
    KeyKind,
    /// The key belongs to another certificate.
    #[error("the private key is not that of the certificate")]
    Mismatch,
    /// The file of the authorities holds none that can be used.
    #[error("it holds no usable authority: {0}")]
    Authorities(String),
    /// The TLS library refuses its own defaults.
    #[error("cannot set up TLS: {0}")]
    Library(String),
}

impl TlsError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoCertificate | Self::CertificatePem(_) | Self::Certificate(_) => {
                "give the certificate and those between it and its authority, in PEM, its own first"
            }
            Self::NoKey | Self::KeyPem => "give the private key of the certificate, in PEM",
            Self::EncryptedKey => {
                "decrypt it, as with `openssl pkey`: there is nobody to ask for the password"
            }
            Self::KeyKind => "use RSA with 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519",
            Self::Mismatch => "it must belong to the first certificate of the chain",
            Self::Authorities(_) => "give the certificates of the authorities, in PEM",
            Self::Library(_) => "",
        }
    }

    /// The file that must be changed.
    #[must_use]
    pub const fn about(&self) -> About {
        match self {
            Self::NoCertificate | Self::CertificatePem(_) | Self::Certificate(_) | Self::Library(_) => {
                About::Certificate
            }
            Self::NoKey | Self::KeyPem | Self::EncryptedKey | Self::KeyKind | Self::Mismatch => {
                About::PrivateKey
            }
            Self::Authorities(_) => About::Authorities,
        }
    }
}
