//! The admin endpoint: one HTTP connection after the other, each request to the route that the table names.
//! It must not share a port with clients, nor show a secret.

pub mod answer;
pub mod console;
pub mod explain;
pub mod guard;
pub mod links;
pub mod pages;
pub mod readiness;
pub mod reload;
pub mod route;

use crate::proxy::conn::{Conn, ConnLimits, HeadRead};
use crate::proxy::world::World;
use crate::request::framing::Framing;
use crate::request::method::Method;
use crate::request::{RawRequest, head};
use answer::Answer;
use async_trait::async_trait;
use bytes::BytesMut;
use pingora_core::apps::ServerApp;
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;
use reload::Reloads;
use route::{Call, Found, Handler};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// The most bytes of a body: a URL and some headers.
const MAX_BODY: usize = 64 * 1024;

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
    /// Where it listens: a loopback address may be asked for more.
    pub address: SocketAddr,
    /// Where reloads are ordered.
    pub reloads: Reloads,
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
        let mut conn =
            Conn { stream, input: BytesMut::new(), out: Vec::new(), has_answered: false, limits: LIMITS };
        loop {
            let began = tokio::select! {
                biased;
                began = conn.wait(conn.limits.idle) => began == Ok(true),
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
        let (answer, to_head, keep_alive) = match head::parse(&head) {
            Ok(request) => {
                let (answer, drained) = self.answer(conn, &request).await;
                (answer, request.method == Method::Head, request.keep_alive && drained)
            }
            Err(error) => (Answer::refusal(400, &error.to_string()), false, false),
        };
        answer.write(to_head, keep_alive, &mut conn.out);
        conn.write_out().await.is_ok() && keep_alive
    }

    /// The answer, and whether the body of the request was read to its end. No body is read before the request may
    /// have one.
    async fn answer<S>(&self, conn: &mut Conn<S>, request: &RawRequest<'_>) -> (Answer, bool)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let framing = Framing::from(request.body);
        let waits = request.expects_continue && !request.body.is_empty() && conn.input.is_empty();
        let (route, id) = match self.find(request) {
            Ok(found) => found,
            Err(refusal) => return (refusal, !waits && conn.drain(framing).await),
        };
        if waits && conn.write(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err() {
            return (Answer::refusal(400, "the client is gone"), false);
        }
        let Some(body) = conn.buffer_body(framing, MAX_BODY).await else {
            return (Answer::refusal(413, "the body is too large, late or malformed"), false);
        };
        // it is still in the input, framing included
        let drained = conn.drain(framing).await;
        let call = Call { query: request.target.query.raw(), id: &id, body: &body };
        let answer = match route.handler {
            Handler::Now(handler) => handler(self, &call),
            Handler::Later(handler) => handler(self, &call).await,
        };
        (answer, drained)
    }

    /// The route of a request that may use it, and the last segment of the path where the route leaves it open.
    fn find(&self, request: &RawRequest<'_>) -> Result<(&'static route::Route, String), Answer> {
        let path = request.target.path.decoded();
        match route::find(request.method, path) {
            Found::Nowhere => Err(Answer::refusal(404, "there is nothing here")),
            Found::Methods(allowed) => {
                let text = format!("only {allowed} is served here");
                Err(Answer::refusal(405, &text).header("Allow", allowed))
            }
            Found::Route(route, id) => {
                let running = self.world.running.load();
                guard::check(route.access, self.address, running.admin_token.as_ref(), request)
                    .map_err(guard::Refusal::answer)?;
                Ok((route, id.to_owned()))
            }
        }
    }
}
