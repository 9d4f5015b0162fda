//! One upstream as the shell reaches it: address, TLS, timeouts, and a connected stream to it.
//! It must not send or read a message.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// An upstream endpoint.
#[derive(Debug)]
pub struct Peer {
    /// Tells pooled connections of different endpoints apart.
    pub key: u64,
    /// A host name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS, if the endpoint is `https`.
    pub tls: Option<PeerTls>,
    /// How long each step may take.
    pub timeouts: Timeouts,
}

/// TLS towards an upstream; the name is always checked.
#[derive(Clone)]
pub struct PeerTls {
    /// Trust anchors, versions, resumption.
    pub config: Arc<rustls::ClientConfig>,
    /// The name that the certificate must have, sent as SNI.
    pub name: rustls::pki_types::ServerName<'static>,
}

impl std::fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerTls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Timeouts of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name resolution, TCP and TLS together.
    pub connect: Duration,
    /// Between two reads.
    pub read: Duration,
    /// For each write to make progress.
    pub write: Duration,
    /// For which an unused connection is kept.
    pub idle: Duration,
}

/// A connected stream.
#[derive(Debug)]
pub enum PeerStream {
    /// Cleartext.
    Plain(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Peer {
    /// Connects; every address of the name is tried in turn.
    ///
    /// # Errors
    /// The last error, or `TimedOut`.
    pub async fn connect(&self) -> io::Result<PeerStream> {
        pingora_timeout::fast_timeout::fast_timeout(self.timeouts.connect, self.connect_now())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn connect_now(&self) -> io::Result<PeerStream> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        match &self.tls {
            None => Ok(PeerStream::Plain(tcp)),
            Some(tls) => {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config));
                Ok(PeerStream::Tls(Box::new(connector.connect(tls.name.clone(), tcp).await?)))
            }
        }
    }
}

impl PeerStream {
    /// Whether nothing happened on an idle connection: a closed one, or one with unasked-for bytes, is of no use.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        };
        tcp.poll_read_ready(&mut Context::from_waker(Waker::noop())).is_pending()
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
