//! The smallest HTTP client that the demo needs: one request, one connection, from a chosen source address.
//! It must not be used for anything else.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

/// For how long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request of the demo.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The body of a PUT.
    pub body: Option<String>,
    /// The loopback address that it comes from.
    pub source: IpAddr,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Sends a request to `server` and reads the answer.
///
/// # Errors
/// What the socket says, or that the answer is none.
pub async fn send(server: SocketAddr, ask: &Ask) -> io::Result<Reply> {
    tokio::time::timeout(PATIENCE, exchange(server, ask)).await?
}

async fn exchange(server: SocketAddr, ask: &Ask) -> io::Result<Reply> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(ask.source, 0))?;
    let mut stream = socket.connect(server).await?;
    let mut message = Vec::new();
    write!(message, "{} {} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n", ask.method, ask.target)?;
    if let Some(body) = &ask.body {
        write!(message, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    } else {
        message.extend_from_slice(b"\r\n");
    }
    stream.write_all(&message).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    reply(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn reply(answer: &[u8]) -> Option<Reply> {
    let head = crate::response::head::AnswerHead::parse(answer, false).ok()??;
    let mut decoder = crate::request::framing::Decoder::new(head.framing);
    let mut rest = answer.get(head.length..)?;
    let mut body = Vec::new();
    while let crate::request::framing::Piece::Data(data) = decoder.next(&mut rest).ok()? {
        body.extend_from_slice(data);
    }
    Some(Reply { status: head.status, body: String::from_utf8_lossy(&body).into_owned() })
}
