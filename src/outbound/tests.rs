//! What the gate's own client does with a server that answers, lies, hangs or is not there.
//! It must not reach beyond loopback.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Bounds, Outbound, OutboundError};

const BOUNDS: Bounds = Bounds { within: Duration::from_secs(20), body: 8 };

/// Sends one request to a server that reads a head and then writes `answer`, or nothing more.
async fn answered(answer: Option<&'static str>, bounds: Bounds) -> Result<(u16, Bytes), OutboundError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
    });
    let request = Request::get(format!("http://{address}/")).body(Full::default()).unwrap();
    let reply = Outbound::new(None).unwrap().send(request, bounds).await;
    server.abort();
    reply.map(|reply| (reply.status.as_u16(), reply.body))
}

#[tokio::test]
async fn an_answer_is_read_whole() {
    let reply = answered(Some("HTTP/1.1 404 Not Found\r\ncontent-length: 8\r\n\r\n12345678"), BOUNDS).await;
    assert_eq!(reply, Ok((404, Bytes::from_static(b"12345678"))));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_refused() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n",
    ] {
        assert_eq!(answered(Some(answer), BOUNDS).await, Err(OutboundError::Length(8)), "{answer}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let within = Duration::from_millis(50);
    let reply = answered(None, Bounds { within, body: 8 }).await;
    assert_eq!(reply, Err(OutboundError::Deadline(within)));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_by_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let request = Request::get(format!("http://{address}/")).body(Full::default()).unwrap();
    let reply = Outbound::new(None).unwrap().send(request, BOUNDS).await;
    assert!(
        matches!(&reply, Err(OutboundError::Connection(cause)) if cause.contains("refused")),
        "{reply:?}"
    );
}
