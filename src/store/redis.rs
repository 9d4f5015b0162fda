//! Link state in a Redis or Valkey that several gates share: each step is one script, one round trip, atomic there.
//! It must not ask twice what could count twice: steps carry the token of their request and can be repeated, and an end
//! that overtakes its beginning keeps it from counting.
//!
//! Time is that of the server, so the clocks of the gates do not matter. Every key of one script has the same hash tag
//! or is the only one, so a cluster behind one address works too. Keys of links end by themselves.

mod decode;
mod server;

use super::{Change, Changes, Event, LinkStore, Note, StoreError};
use crate::links::claim::{Ask, LinkClaim, Refusal};
use crate::links::identity::LinkId;
use crate::links::revocation::Revocation;
use crate::links::state::{Answer, LinkState};
use crate::secret::Secret;
use async_trait::async_trait;
use server::{Call, Server, Which};

/// The keys of the list; the part in braces keeps them on one node of a cluster.
const LIST: [&str; 5] = [
    "presign-gate:{revocations}:numbers",
    "presign-gate:{revocations}:entries",
    "presign-gate:{revocations}:ends",
    "presign-gate:{revocations}:last",
    "presign-gate:{revocations}:name",
];

/// The most changes that one question brings.
const PAGE: usize = 5000;

/// A Redis with link state.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    /// Overrides the time of the server; for tests.
    now: Option<i64>,
}

impl Redis {
    /// A store at a URL: `redis://[user:password@]host:port/database`, `rediss://` for TLS. It connects when it is first
    /// asked. With TLS its certificate has to come from the authorities in `ca` (PEM), else from the public ones.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the URL or the authorities cannot be read, or no thread can be started.
    pub fn new(url: &Secret, ca: Option<&Secret>) -> Result<Self, StoreError> {
        Ok(Self { server: Server::new(url, ca)?, now: None })
    }

    fn link_call(&self, step: &str, link: LinkId, token: Option<u64>, grace: u64, more: Vec<String>) -> Call {
        let mut keys = vec![format!("presign-gate:link:{{{link}}}")];
        keys.extend(token.map(|token| format!("presign-gate:link:{{{link}}}:ended:{token}")));
        let now = self.now.map(|now| now.to_string()).unwrap_or_default();
        let mut args = vec![step.to_owned(), now, grace.to_string()];
        args.extend(more);
        Call { which: Which::Link, keys, args }
    }

    fn claim_call(&self, claim: &LinkClaim, token: u64) -> Call {
        let terms = &claim.terms;
        let (ask, want) = match claim.ask {
            Ask::Look => ("look", None),
            Ask::Download(length) => ("download", length),
            Ask::Upload(length) => ("upload", length),
        };
        let or_none =
            |number: Option<u64>| number.map_or_else(|| "-1".to_owned(), |number| number.to_string());
        let more = vec![
            token.to_string(),
            claim.client.to_string(),
            ask.to_owned(),
            or_none(want),
            or_none(terms.max_uses.map(u64::from)),
            or_none(terms.max_bytes),
            terms.network.as_deref().unwrap_or_default().to_owned(),
            terms.until.millis().to_string(),
        ];
        self.link_call("reserve", claim.id, Some(token), terms.grace, more)
    }

    fn note_call(&self, note: &Note) -> Call {
        let token = note.token.to_string();
        match &note.event {
            Event::Keep(told) => {
                let (size, length) =
                    told.map_or((0, "-1".to_owned()), |told| (told.size, told.length.to_string()));
                let more = vec![token, size.to_string(), length];
                self.link_call("keep", note.link, None, note.grace, more)
            }
            Event::Settle(delivery) => {
                let numbers = [delivery.got, delivery.size, u64::from(delivery.whole), delivery.moved];
                let more = std::iter::once(token).chain(numbers.iter().map(u64::to_string)).collect();
                self.link_call("settle", note.link, Some(note.token), note.grace, more)
            }
        }
    }
}

fn list_keys(count: usize) -> Vec<String> {
    LIST.iter().take(count).map(|key| (*key).to_owned()).collect()
}

fn nonsense(what: &str) -> StoreError {
    StoreError::Failed(format!("it answered what makes no sense to {what}"))
}

#[async_trait]
impl LinkStore for Redis {
    async fn reserve(&self, claim: &LinkClaim, token: u64) -> Result<Answer, StoreError> {
        let answer = self.server.ask(self.claim_call(claim, token)).await?;
        let [said, limit] = answer.as_slice() else { return Err(nonsense("a claim")) };
        Ok(match said.as_str() {
            // below zero: bytes are not counted
            "granted" => Answer::Granted(limit.parse().ok()),
            "pin" => Answer::Refused(Refusal::Pin),
            "uses" => Answer::Refused(Refusal::Uses),
            "bytes" => Answer::Refused(Refusal::Bytes),
            "busy" => Answer::Refused(Refusal::Busy),
            _ => return Err(nonsense("a claim")),
        })
    }

    fn note(&self, note: Note) {
        self.server.tell(self.note_call(&note));
    }

    async fn look(&self, link: LinkId) -> Result<Option<LinkState>, StoreError> {
        let fields = self.server.ask(self.link_call("look", link, None, 0, Vec::new())).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        decode::state(&fields).map(Some).ok_or_else(|| nonsense("a question for a link"))
    }

    async fn change(&self, change: &Change) -> Result<(), StoreError> {
        let mut entry = change.entry.to_json();
        if let (true, Some(fields)) = (change.is_gone, entry.as_object_mut()) {
            fields.insert("gone".to_owned(), true.into());
        }
        let args = vec![change.entry.id(), entry.to_string(), change.entry.forget_at().millis().to_string()];
        self.server.ask(Call { which: Which::Revoke, keys: list_keys(4), args }).await.map(|_| ())
    }

    async fn changes(&self, list: &str, number: u64) -> Result<Changes, StoreError> {
        let name = format!("{:016x}", fastrand::u64(..));
        let args = vec![number.to_string(), PAGE.to_string(), name];
        let answer = self.server.ask(Call { which: Which::Changes, keys: list_keys(5), args }).await?;
        let Some((found, rows)) = answer.split_first() else {
            return Err(nonsense("a question for changes"));
        };
        let mut changes =
            Changes { list: found.clone(), last: number, changes: Vec::new(), more: rows.len() == 2 * PAGE };
        if found != list && number > 0 {
            // lost and begun anew: from the beginning
            return Ok(Changes { last: 0, more: true, changes: Vec::new(), ..changes });
        }
        for row in rows.chunks_exact(2) {
            let [number, text] = row else { continue };
            changes.last = number.parse().map_err(|_| nonsense("a question for changes"))?;
            let value: serde_json::Value =
                serde_json::from_str(text).map_err(|_| nonsense("a question for changes"))?;
            let is_gone = value.get("gone").is_some();
            // to overlook an entry would let a revoked link in
            let entry = Revocation::from_json(&value).ok_or_else(|| nonsense("a question for changes"))?;
            changes.changes.push(Change { entry, is_gone });
        }
        Ok(changes)
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        let answer = self.server.ask(Call { which: Which::Size, keys: Vec::new(), args: Vec::new() }).await?;
        let keys: u64 = answer
            .first()
            .and_then(|size| size.parse().ok())
            .ok_or_else(|| nonsense("a question for its size"))?;
        // those of the list are in the same database
        Ok(keys.saturating_sub(LIST.len() as u64))
    }

    fn lost_notes(&self) -> u64 {
        self.server.lost()
    }
}

#[cfg(test)]
mod tests;
