//! The connection to a Redis: one, shared by all threads, made anew when it breaks, on a thread of its own.
//! It must not keep a caller waiting for long: a server that hangs is as bad as one that is gone.

use super::StoreError;
use crate::clock::Stopwatch;
use crate::secret::Secret;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, ServerErrorKind, TlsCertificates};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, oneshot};

/// For an answer, and for a connection to stand.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how long a note is told again: then the lease of its request is over.
const NOTE_PATIENCE: Duration = Duration::from_secs(55);
/// Notes that wait at a time.
const MAX_WAITING: usize = 100_000;

/// The scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Link,
    Revoke,
    Changes,
    /// No script: the number of keys.
    Size,
}

/// A script with its keys and arguments.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) which: Which,
    pub(super) keys: Vec<String>,
    pub(super) args: Vec<String>,
}

impl Which {
    const fn code(self) -> &'static str {
        match self {
            Self::Link => include_str!("link.lua"),
            Self::Revoke => include_str!("revoke.lua"),
            Self::Changes => include_str!("changes.lua"),
            Self::Size => "",
        }
    }
}

type Reply = oneshot::Sender<Result<Vec<String>, StoreError>>;

/// The thread that talks to the server.
#[derive(Debug)]
pub(super) struct Server {
    calls: UnboundedSender<(Call, Option<Reply>)>,
    lost: Arc<AtomicU64>,
}

impl Server {
    pub(super) fn new(url: &Secret, ca: Option<&Secret>) -> Result<Self, StoreError> {
        let text = std::str::from_utf8(url.expose()).map_err(|_| failed("its URL is not UTF-8"))?;
        // the error would show the URL, and with it a password
        let client = match ca {
            None => Client::open(text),
            Some(pem) => {
                let root_cert = Some(pem.expose().to_vec());
                Client::build_with_tls(text, TlsCertificates { client_tls: None, root_cert })
            }
        };
        let client = client.map_err(|_| failed("its URL, or its `ca`, cannot be read"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error.to_string()))?;
        let (calls, todo) = unbounded_channel();
        let lost = Arc::new(AtomicU64::new(0));
        let talk = Arc::new(Talk::new(client, Arc::clone(&lost)));
        std::thread::Builder::new()
            .name("link-store".to_owned())
            .spawn(move || runtime.block_on(serve(talk, todo)))
            .map_err(|error| failed(&error.to_string()))?;
        Ok(Self { calls, lost })
    }

    /// Runs a script and waits for what it gives.
    pub(super) async fn ask(&self, call: Call) -> Result<Vec<String>, StoreError> {
        let ended = || failed("its thread has ended");
        let (reply, answer) = oneshot::channel();
        self.calls.send((call, Some(reply))).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// Runs a script sooner or later.
    pub(super) fn tell(&self, call: Call) {
        if self.calls.send((call, None)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The notes that were given up since this was last asked.
    pub(super) fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

fn failed(text: &str) -> StoreError {
    StoreError::Failed(text.to_owned())
}

async fn serve(talk: Arc<Talk>, mut todo: UnboundedReceiver<(Call, Option<Reply>)>) {
    while let Some((call, reply)) = todo.recv().await {
        let talk = Arc::clone(&talk);
        // tasks begin in the order of their calls, and so the calls leave in that order
        tokio::spawn(async move {
            match reply {
                // who does not wait any more needs no answer
                Some(reply) => drop(reply.send(talk.ask(&call).await)),
                None => talk.tell(&call).await,
            }
        });
    }
}

#[derive(Debug)]
struct Talk {
    client: Client,
    config: AsyncConnectionConfig,
    hashes: [String; 3],
    /// The connection, and how many there were before it.
    current: Mutex<(u64, Option<MultiplexedConnection>)>,
    waiting: AtomicUsize,
    lost: Arc<AtomicU64>,
}

impl Talk {
    fn new(client: Client, lost: Arc<AtomicU64>) -> Self {
        let hash = |which: Which| redis::Script::new(which.code()).get_hash().to_owned();
        Self {
            client,
            config: AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE)),
            hashes: [Which::Link, Which::Revoke, Which::Changes].map(hash),
            current: Mutex::new((0, None)),
            waiting: AtomicUsize::new(0),
            lost,
        }
    }

    /// Once, and once more if a connection broke that had stood before.
    async fn ask(&self, call: &Call) -> Result<Vec<String>, StoreError> {
        let mut last = None;
        for _ in 0..2 {
            match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_connection_dropped() => last = Some(error),
                Err(error) => return Err(told(&error)),
            }
        }
        Err(last.map_or_else(|| failed("no answer"), |error| told(&error)))
    }

    /// Again and again while it can matter.
    async fn tell(&self, call: &Call) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING {
            let since = Stopwatch::start();
            let mut pause = Duration::from_millis(20);
            while let Err(error) = self.once(call).await {
                if since.elapsed() > NOTE_PATIENCE {
                    log::warn!("the end of a request could not be told to the link store: {}", told(&error));
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PATIENCE);
            }
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    async fn once(&self, call: &Call) -> Result<Vec<String>, RedisError> {
        let (number, mut connection) = self.connection().await?;
        let outcome = self.run(call, &mut connection).await;
        if let Err(error) = &outcome
            && (error.is_unrecoverable_error() || error.is_timeout())
        {
            let mut current = self.current.lock().await;
            if current.0 == number {
                current.1 = None;
            }
        }
        outcome
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        // whoever comes while one is being made waits for it
        let mut current = self.current.lock().await;
        if let (number, Some(connection)) = &*current {
            return Ok((*number, connection.clone()));
        }
        let made = self.client.get_multiplexed_async_connection_with_config(&self.config).await?;
        *current = (current.0 + 1, Some(made.clone()));
        Ok((current.0, made))
    }

    async fn run(
        &self,
        call: &Call,
        connection: &mut MultiplexedConnection,
    ) -> Result<Vec<String>, RedisError> {
        let hash = match call.which {
            Which::Link => self.hashes.first(),
            Which::Revoke => self.hashes.get(1),
            Which::Changes => self.hashes.get(2),
            Which::Size => None,
        };
        let Some(hash) = hash else {
            let size: u64 = redis::cmd("DBSIZE").query_async(connection).await?;
            return Ok(vec![size.to_string()]);
        };
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(call.keys.len()).arg(&call.keys).arg(&call.args);
            command
        };
        match command("EVALSHA", hash).query_async(connection).await {
            // a server that was restarted does not know it any more
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", call.which.code()).query_async(connection).await
            }
            outcome => outcome,
        }
    }
}

fn told(error: &RedisError) -> StoreError {
    let text = crate::telemetry::redact::redact(&error.to_string()).into_owned();
    if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
        StoreError::Unreachable(text)
    } else {
        StoreError::Failed(text)
    }
}
