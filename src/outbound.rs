//! HTTP requests that the gate makes for itself: to a webhook, to a collector of spans.
//! It must not carry a client's request, follow a redirect, or read an answer without an end.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thiserror::Error;

use crate::tls::Authorities;

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutboundError {
    /// The TLS library refuses its own defaults.
    #[error("cannot set up tls: {0}")]
    Tls(String),
    /// No connection, or one that broke.
    #[error("{0}")]
    Connection(String),
    /// The deadline passed.
    #[error("no answer within {} ms", .0.as_millis())]
    Deadline(Duration),
    /// The answer is longer than its reader takes.
    #[error("the answer is longer than {0} bytes")]
    Length(usize),
}

/// What a request is asked for in return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// From the first step to the last byte of the answer.
    pub within: Duration,
    /// Bytes of the answer's body.
    pub body: usize,
}

/// A status and a whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status; redirects are answers like any other.
    pub status: StatusCode,
    /// The header lines.
    pub headers: HeaderMap,
    /// The body, at most as long as [`Bounds::body`].
    pub body: Bytes,
}

/// A client with a pool of its own; clones share it.
#[derive(Clone, Debug)]
pub struct Outbound(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Outbound {
    /// A client that trusts `authorities`, or the public ones.
    ///
    /// # Errors
    /// [`OutboundError::Tls`] if the TLS library does not take its own defaults.
    pub fn new(authorities: Option<&Authorities>) -> Result<Self, OutboundError> {
        let config =
            crate::tls::client_config(authorities).map_err(|error| OutboundError::Tls(error.to_string()))?;
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self(client))
    }

    /// Sends a request and reads its answer whole.
    ///
    /// # Errors
    /// [`OutboundError`]: no connection, no end in time, or an answer that is too long.
    pub async fn send(&self, request: Request<Full<Bytes>>, bounds: Bounds) -> Result<Reply, OutboundError> {
        tokio::time::timeout(bounds.within, self.exchange(request, bounds.body))
            .await
            .unwrap_or(Err(OutboundError::Deadline(bounds.within)))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, limit: usize) -> Result<Reply, OutboundError> {
        let answer = self.0.request(request).await.map_err(|error| connection(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = Limited::new(answer.into_body(), limit).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                OutboundError::Length(limit)
            } else {
                connection(error.as_ref())
            }
        })?;
        Ok(Reply { status, headers, body: body.to_bytes() })
    }
}

/// The innermost cause: `connection refused` rather than `client error`.
fn connection(error: &(dyn std::error::Error + 'static)) -> OutboundError {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    OutboundError::Connection(cause.to_string())
}

#[cfg(test)]
mod tests;
