//! The TLS handshake of an accepted connection, under a deadline of its own.
//! It must not decide which certificates are good: the settings that it gets do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::{Error, ProtocolVersion, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::within::within;
use crate::net::TlsVersion;
use crate::reason::Reason;

/// For the whole handshake, counted from the connection or from the end of the PROXY header.
const LIMIT: Duration = Duration::from_secs(10);

/// Makes the handshake; gives the stream inside TLS and the version that was agreed on.
///
/// # Errors
/// [`Reason::ClientCertificate`] or [`Reason::TlsHandshake`]; there is nobody to be answered then.
pub async fn accept<S>(config: Arc<ServerConfig>, stream: S) -> Result<(TlsStream<S>, TlsVersion), Reason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = within(LIMIT, TlsAcceptor::from(config).accept(stream)).await;
    let stream = accepted.map_err(|_| Reason::TlsHandshake)?.map_err(|error| {
        // anybody can cause these: they are counted, not written down
        log::debug!("TLS handshake: {error}");
        reason(&error)
    })?;
    let version = match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
        Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
        // no other is offered
        _ => return Err(Reason::TlsHandshake),
    };
    Ok((stream, version))
}

fn reason(error: &io::Error) -> Reason {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => Reason::ClientCertificate,
        _ => Reason::TlsHandshake,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{AlertDescription, CertificateError};

    #[test]
    fn failures_are_told_apart() {
        let other = |error: Error| io::Error::new(io::ErrorKind::InvalidData, error);
        for (error, expected) in [
            (other(Error::NoCertificatesPresented), Reason::ClientCertificate),
            (other(Error::InvalidCertificate(CertificateError::UnknownIssuer)), Reason::ClientCertificate),
            (other(Error::AlertReceived(AlertDescription::UnknownCA)), Reason::TlsHandshake),
            (io::ErrorKind::UnexpectedEof.into(), Reason::TlsHandshake),
        ] {
            assert_eq!(reason(&error), expected, "{error}");
        }
    }

    #[tokio::test]
    async fn who_goes_away_is_not_waited_for() {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let key = crate::secret::Secret::new(made.signing_key.serialize_pem());
        let pair = crate::tls::KeyPair::read(made.cert.pem().as_bytes(), &key).unwrap();
        let config = crate::tls::serve(&[pair], None).unwrap().config;
        let (ours, theirs) = tokio::io::duplex(1024);
        drop(theirs);
        assert_eq!(accept(config, ours).await.map(|_| ()), Err(Reason::TlsHandshake));
    }
}
