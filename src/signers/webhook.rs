//! A webhook that knows access keys: one question at a time for each key, bounded in number, rate and memory.
//! It must not take a key that it did not ask for, nor let whoever invents keys get in the way of those who have one.

mod table;

use super::Answer;
use crate::clock::Stopwatch;
use crate::config::diagnostic::Diagnostic;
use crate::config::model::sources::Webhook as Spec;
use crate::config::resolve::guest;
use crate::config::source::NoSource;
use crate::outbound::{Bounds, Outbound, OutboundError, Reply};
use crate::request::percent::{self, Part};
use crate::secret::Secret;
use crate::snapshot::Guest;
use crate::telemetry::metrics::KeyResult;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use table::{Known, Table, Terms};
use tokio::sync::{OnceCell, Semaphore};

/// The most bytes of an answer: a key with its policies.
const MAX_ANSWER: usize = 256 * 1024;

/// A webhook and what it said.
#[derive(Debug)]
pub struct Webhook {
    name: String,
    spec: Spec,
    client: Outbound,
    table: Mutex<Table>,
    /// The questions that are under way: whoever wants the same key waits for the same answer.
    asking: Mutex<HashMap<String, Arc<Flight>>>,
    /// Room for questions about keys that are not known.
    new: Semaphore,
    /// Room for questions about keys that were known: nobody who invents keys can take it.
    again: Semaphore,
    is_well: AtomicBool,
    /// The clock of the table: steady, since a wall clock that is set back would let keys live on.
    watch: Stopwatch,
}

type Flight = OnceCell<(Answer, KeyResult)>;

/// What came of a question.
enum Said {
    Found(Arc<Guest>, Option<Duration>),
    Absent,
}

impl Webhook {
    /// A webhook that was not asked yet.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub fn new(name: &str, spec: &Spec) -> Result<Self, OutboundError> {
        let terms = Terms {
            ttl: spec.ttl,
            negative_ttl: spec.negative_ttl,
            stale: spec.stale,
            keys: spec.keys,
            rate: spec.rate,
        };
        Ok(Self {
            name: name.to_owned(),
            client: Outbound::new(spec.ca.as_ref().map(|(_, authorities)| authorities))?,
            table: Mutex::new(Table::new(terms)),
            asking: Mutex::default(),
            new: Semaphore::new(spec.concurrency),
            again: Semaphore::new(spec.concurrency),
            spec: spec.clone(),
            is_well: AtomicBool::new(true),
            watch: Stopwatch::start(),
        })
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the last question had an answer.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.is_well.load(Ordering::Relaxed)
    }

    fn now(&self) -> Duration {
        self.watch.elapsed()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asking(&self) -> MutexGuard<'_, HashMap<String, Arc<Flight>>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose key this is, by memory or by asking.
    pub async fn find(&self, id: &str) -> (Answer, KeyResult) {
        let known = self.table().look(id, self.now());
        match known {
            Known::Fresh(guest) => return (Answer::Known(guest), KeyResult::Hit),
            Known::Stale(guest) => return (Answer::Known(guest), KeyResult::Stale),
            Known::Absent => return (Answer::Nobody, KeyResult::Hit),
            Known::Old | Known::Nothing => {}
        }
        let room = if matches!(known, Known::Old) { &self.again } else { &self.new };
        let flight = Arc::clone(self.asking().entry(id.to_owned()).or_default());
        let landing = Landing { webhook: self, id, flight: &flight };
        // whoever asks may leave in the middle: then the next one asks
        let answer = flight.get_or_init(|| self.ask(id, room)).await.clone();
        drop(landing);
        answer
    }

    async fn ask(&self, id: &str, room: &Semaphore) -> (Answer, KeyResult) {
        let permit = room.try_acquire();
        let is_new = std::ptr::eq(room, &raw const self.new);
        if permit.is_err() || (is_new && !self.table().may_ask(self.now())) {
            return self.instead(id, KeyResult::Limited);
        }
        match self.question(id).await {
            Ok(Said::Found(guest, max_age)) => {
                self.is_well.store(true, Ordering::Relaxed);
                self.table().found(id, &guest, max_age, self.now());
                (Answer::Known(guest), KeyResult::Found)
            }
            Ok(Said::Absent) => {
                self.is_well.store(true, Ordering::Relaxed);
                self.table().is_none(id, self.now());
                (Answer::Nobody, KeyResult::Absent)
            }
            Err(why) => {
                if self.is_well.swap(false, Ordering::Relaxed) {
                    log::error!("credential source `{}` cannot tell about a key: {why}", self.name);
                }
                self.instead(id, KeyResult::Failed)
            }
        }
    }

    /// What counts when there is no answer.
    fn instead(&self, id: &str, result: KeyResult) -> (Answer, KeyResult) {
        match self.table().failed(id, self.now()) {
            Some(guest) => (Answer::Known(guest), KeyResult::Stale),
            None => (Answer::Unavailable, result),
        }
    }

    async fn question(&self, id: &str) -> Result<Said, String> {
        let bounds = Bounds { within: self.spec.timeout, body: MAX_ANSWER };
        let request = self.request(id).map_err(|error| error.to_string())?;
        let reply = self.client.send(request, bounds).await.map_err(|error| error.to_string())?;
        self.read(id, reply)
    }

    fn request(&self, id: &str) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let builder = if self.spec.post {
            Request::post(self.spec.url.as_str()).header(CONTENT_TYPE, "application/json")
        } else {
            let mut url = format!("{}?access_key_id=", self.spec.url).into_bytes();
            percent::encode_into(id.as_bytes(), Part::Query, &mut url);
            Request::get(url)
        };
        let mut builder = builder.header(ACCEPT, "application/json");
        if let Some(token) = &self.spec.token {
            let mut value = HeaderValue::from_bytes(&[b"Bearer ", token.expose()].concat())?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        let body = if self.spec.post {
            serde_json::json!({ "access_key_id": id }).to_string().into()
        } else {
            Bytes::new()
        };
        builder.body(Full::new(body))
    }

    fn read(&self, id: &str, reply: Reply) -> Result<Said, String> {
        match reply.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Said::Absent),
            status => return Err(format!("it answers with status {}", status.as_u16())),
        }
        let max_age = max_age(&reply.headers);
        let text = Secret::new(reply.body);
        let built = guest::build(&NoSource, &self.name, Path::new(&self.name), &text);
        let guest = built.guest.ok_or_else(|| {
            let error = built.diagnostics.iter().find(|finding| finding.is_error());
            error.map_or_else(|| "its answer is no key".to_owned(), Diagnostic::line)
        })?;
        if guest.key.credential().access_key_id != id {
            return Err("it answers with another key than it was asked for".to_owned());
        }
        Ok(Said::Found(Arc::new(guest), max_age))
    }
}

/// Ends a question, also when its task ends in the middle.
struct Landing<'w> {
    webhook: &'w Webhook,
    id: &'w str,
    flight: &'w Arc<Flight>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut asking = self.webhook.asking();
        let is_mine = asking.get(self.id).is_some_and(|known| Arc::ptr_eq(known, self.flight));
        // the map and this one: nobody else waits
        if is_mine && (self.flight.initialized() || Arc::strong_count(self.flight) <= 2) {
            asking.remove(self.id);
        }
    }
}

/// For how long the answer may be kept (RFC 9111 section 5.2.2); `None` if it does not say.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut told = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',') {
            let directive = directive.trim().to_ascii_lowercase();
            if directive == "no-store" || directive == "no-cache" {
                return Some(Duration::ZERO);
            }
            if let Some(seconds) = directive.strip_prefix("max-age=") {
                // what is no number says nothing good
                told = Some(Duration::from_secs(seconds.trim_matches('"').parse().unwrap_or(0)));
            }
        }
    }
    told
}

#[cfg(test)]
mod tests;
