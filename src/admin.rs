//! The admin endpoint: liveness, readiness, metrics, version.
//! It must not share a port with clients, nor show a secret.

use crate::proxy::conn::{Conn, ConnLimits, HeadRead};
use crate::proxy::world::World;
use crate::request::framing::Framing;
use crate::request::headers::write_line;
use crate::request::method::Method;
use crate::request::{RawRequest, head};
use async_trait::async_trait;
use bytes::BytesMut;
use pingora_core::apps::ServerApp;
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

const LIMITS: ConnLimits = ConnLimits {
    header_bytes: 16 * 1024,
    header_time: Duration::from_secs(5),
    idle: Duration::from_mins(1),
    read: Duration::from_secs(5),
    write: Duration::from_secs(10),
};

/// The admin endpoint.
#[derive(Debug)]
pub struct Admin {
    /// What it shows.
    pub world: Arc<World>,
}

/// One answer.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    status: u16,
    phrase: &'static str,
    content_type: &'static str,
    body: String,
}

impl Page {
    fn text(status: u16, phrase: &'static str, body: impl Into<String>) -> Self {
        Self { status, phrase, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// The version, as `/version` shows it.
fn version_json() -> String {
    serde_json::json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "revision": option_env!("PRESIGN_GATE_REVISION").unwrap_or("unknown"),
    })
    .to_string()
}

#[async_trait]
impl ServerApp for Admin {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        self.serve(stream, shutdown.clone()).await;
        None
    }
}

impl Admin {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, mut shutdown: ShutdownWatch) {
        let mut conn = Conn { stream, input: BytesMut::new(), out: Vec::new(), limits: LIMITS };
        loop {
            let began = tokio::select! {
                biased;
                began = conn.wait() => began,
                _ = shutdown.wait_for(|down| *down) => false,
            };
            if !began || !self.request(&mut conn).await {
                break;
            }
        }
        conn.close().await;
    }

    /// Answers one request; gives whether the connection stays open.
    async fn request<S: AsyncRead + AsyncWrite + Unpin>(&self, conn: &mut Conn<S>) -> bool {
        let HeadRead::Head(head) = conn.read_head().await else { return false };
        let (page, to_head, keep_alive) = match head::parse(&head) {
            Ok(request) => {
                let keep = request.keep_alive && conn.drain(Framing::from(request.body)).await;
                (self.page(&request), request.method == Method::Head, keep)
            }
            Err(error) => (Page::text(400, "Bad Request", format!("{error}\n")), false, false),
        };
        write_page(&page, to_head, keep_alive, &mut conn.out);
        conn.write_out().await.is_ok() && keep_alive
    }

    fn page(&self, request: &RawRequest<'_>) -> Page {
        if !matches!(request.method, Method::Get | Method::Head) {
            return Page::text(405, "Method Not Allowed", "only GET and HEAD are served here\n");
        }
        match request.target.path.decoded() {
            b"/livez" => Page::text(200, "OK", "ok\n"),
            b"/readyz" => self.readiness(request.target.query.has(b"verbose")),
            b"/metrics" => match self.world.telemetry.metrics.render() {
                Ok(body) => Page {
                    status: 200,
                    phrase: "OK",
                    content_type: "text/plain; version=0.0.4; charset=utf-8",
                    body,
                },
                Err(error) => Page::text(500, "Internal Server Error", format!("{error}\n")),
            },
            b"/version" => Page {
                status: 200,
                phrase: "OK",
                content_type: "application/json",
                body: version_json() + "\n",
            },
            _ => Page::text(404, "Not Found", "not found\n"),
        }
    }

    /// Ready once the configuration is in force and the listeners are bound (this endpoint starts after them),
    /// until draining begins.
    fn readiness(&self, verbose: bool) -> Page {
        let draining = self.world.is_draining();
        let checks = [("config", true), ("listeners", true), ("not-draining", !draining)];
        let ready = checks.iter().all(|(_, good)| *good);
        let mut body = String::new();
        if verbose {
            for (name, good) in checks {
                body.push_str(if good { "[+] " } else { "[-] " });
                body.push_str(name);
                body.push_str(if good { " ok\n" } else { " failed\n" });
            }
        }
        body.push_str(if ready { "ok\n" } else { "not ready\n" });
        if ready { Page::text(200, "OK", body) } else { Page::text(503, "Service Unavailable", body) }
    }
}

fn write_page(page: &Page, to_head: bool, keep_alive: bool, out: &mut Vec<u8>) {
    // writing to a Vec cannot fail
    let _ = write!(out, "HTTP/1.1 {} {}\r\n", page.status, page.phrase);
    write_line(out, b"Content-Type", page.content_type.as_bytes());
    write_line(out, b"Cache-Control", b"no-store");
    let _ = write!(out, "Content-Length: {}\r\n", page.body.len());
    if !keep_alive {
        write_line(out, b"Connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
    if !to_head {
        out.extend_from_slice(page.body.as_bytes());
    }
}
