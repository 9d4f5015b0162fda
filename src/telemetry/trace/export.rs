//! Sends spans to a collector: a bounded queue, one thread, batches, few retries.
//! It must not block who hands spans in, and must count every span that it loses.

use std::io;
use std::time::Duration;

use super::spans::Span;
use crate::config::scalar::endpoint::Endpoint;
use crate::telemetry::metrics::DropCounter;

#[cfg(feature = "otlp")]
pub(super) use with_feature::Exporter;

/// There is none in a build without the feature; a config that asks for one does not load.
#[cfg(not(feature = "otlp"))]
#[derive(Debug)]
pub(super) enum Exporter {}

#[cfg(not(feature = "otlp"))]
impl Exporter {
    pub(super) fn start(_: &Endpoint, _: DropCounter) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this build has no feature `otlp`"))
    }

    pub(super) fn send(&self, _: Vec<Span>) {
        match *self {}
    }

    pub(super) fn flush(&self, _: Duration) {
        match *self {}
    }
}

#[cfg(feature = "otlp")]
mod with_feature {
    use super::super::encode::encode;
    use super::{DropCounter, Duration, Endpoint, Span, io};
    use crate::outbound::{Bounds, Outbound};
    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::{Request, StatusCode};
    use std::sync::mpsc::{SyncSender, sync_channel};
    use tokio::sync::mpsc::{Receiver, Sender, channel};
    use tokio::time::{Instant, sleep, timeout_at};

    /// The requests whose spans wait at most.
    const QUEUE: usize = 4096;
    /// The spans that are sent at once, as far as they are there.
    const BATCH: usize = 512;
    /// How long the first span of a batch waits for others.
    const GATHER: Duration = Duration::from_millis(500);
    /// What a collector may take for one batch, and say.
    const BOUNDS: Bounds = Bounds { within: Duration::from_secs(3), body: 64 * 1024 };
    /// The pauses before a batch is sent again; then it is lost.
    const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

    /// What the thread is told.
    #[derive(Debug)]
    enum Told {
        Spans(Vec<Span>),
        /// Send what is there and say so.
        Flush(SyncSender<()>),
    }

    /// The queue to the thread that sends.
    #[derive(Debug)]
    pub(in super::super) struct Exporter {
        queue: Sender<Told>,
        dropped: DropCounter,
    }

    impl Exporter {
        pub(in super::super) fn start(endpoint: &Endpoint, dropped: DropCounter) -> io::Result<Self> {
            let (queue, told) = channel(QUEUE);
            let client = Outbound::new(None).map_err(io::Error::other)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let url = format!("{endpoint}/v1/traces");
            let worker = Worker { told, client, url, dropped: dropped.clone(), is_down: false };
            let run = move || runtime.block_on(worker.run());
            std::thread::Builder::new().name("spans".to_owned()).spawn(run)?;
            Ok(Self { queue, dropped })
        }

        pub(in super::super) fn send(&self, spans: Vec<Span>) {
            let count = spans.len();
            if self.queue.try_send(Told::Spans(spans)).is_err() {
                self.dropped.add(u64::try_from(count).unwrap_or(0));
            }
        }

        pub(in super::super) fn flush(&self, patience: Duration) {
            let (done, wait) = sync_channel(1);
            // a full queue means a collector that does not answer: nothing to wait for
            if self.queue.try_send(Told::Flush(done)).is_ok() {
                let _ = wait.recv_timeout(patience);
            }
        }
    }

    /// The thread.
    struct Worker {
        told: Receiver<Told>,
        client: Outbound,
        url: String,
        dropped: DropCounter,
        is_down: bool,
    }

    impl Worker {
        async fn run(mut self) {
            while let Some(first) = self.told.recv().await {
                let (spans, flush) = self.gather(first).await;
                if !spans.is_empty() {
                    let pauses = if flush.is_some() { &[][..] } else { &PAUSES };
                    self.deliver(&spans, pauses).await;
                }
                // whoever waited may have gone
                let _ = flush.map(|done| done.send(()));
            }
        }

        /// Waits a little for more.
        async fn gather(&mut self, first: Told) -> (Vec<Span>, Option<SyncSender<()>>) {
            let mut batch = match first {
                Told::Flush(done) => return (Vec::new(), Some(done)),
                Told::Spans(spans) => spans,
            };
            let end = Instant::now() + GATHER;
            while batch.len() < BATCH {
                match timeout_at(end, self.told.recv()).await {
                    Ok(Some(Told::Spans(more))) => batch.extend(more),
                    Ok(Some(Told::Flush(done))) => return (batch, Some(done)),
                    Ok(None) | Err(_) => break,
                }
            }
            (batch, None)
        }

        async fn deliver(&mut self, spans: &[Span], pauses: &[Duration]) {
            let body = Bytes::from(encode(spans));
            let mut pauses = pauses.iter();
            loop {
                let fault = match self.post(body.clone()).await {
                    Ok(()) => {
                        if std::mem::take(&mut self.is_down) {
                            log::info!("spans go to `{}` again", self.url);
                        }
                        return;
                    }
                    Err(fault) => fault,
                };
                let Some(pause) = pauses.next().filter(|_| fault.may_pass) else {
                    // once for each time that it goes down
                    if !std::mem::replace(&mut self.is_down, true) {
                        log::warn!("cannot send spans to `{}`: {}", self.url, fault.text);
                    }
                    return self.dropped.add(u64::try_from(spans.len()).unwrap_or(0));
                };
                sleep(*pause).await;
            }
        }

        async fn post(&self, body: Bytes) -> Result<(), Fault> {
            let request = Request::post(&self.url)
                .header("content-type", "application/x-protobuf")
                .body(Full::new(body))
                .map_err(|error| Fault { text: error.to_string(), may_pass: false })?;
            let reply = self.client.send(request, BOUNDS).await;
            let reply = reply.map_err(|error| Fault { text: error.to_string(), may_pass: true })?;
            if reply.status.is_success() {
                return Ok(());
            }
            // what OTLP says may be sent again
            let may_pass = [
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ]
            .contains(&reply.status);
            Err(Fault { text: format!("it answers {}", reply.status), may_pass })
        }
    }

    /// Why a batch was not taken.
    struct Fault {
        text: String,
        /// Whether it may go better a little later.
        may_pass: bool,
    }
}
