//! The audit log: one JSON line for every request that was refused and every change of what is enforced, each chained
//! to the line before. It must not make a request wait, nor hold a signature, a token or a secret.

pub mod chain;
mod output;
pub mod verify;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use output::OpenError;

use super::access::{self, AccessRecord, Value};
use super::json;
use super::metrics::DropCounter;
use super::writer::{LineWriter, Lines, Output as _};
use crate::clock::{Clock, UnixMillis};
use crate::links::revocation::Revocation;

/// What an audit log tells.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A request or a connection was refused. Besides the fields of the access log there are none.
    Denied(&'a AccessRecord<'a>),
    /// The process began to serve.
    Started {
        /// The version of the gate.
        version: &'a str,
    },
    /// The configuration was read again and is in force.
    Reloaded {
        /// Who asked for it.
        by: Actor,
    },
    /// The configuration was read again and refused; the old one stays in force.
    ReloadRefused {
        /// Who asked for it.
        by: Actor,
        /// What is wrong with it.
        error: &'a str,
    },
    /// Something was revoked.
    Revoked {
        /// The id of the entry.
        id: &'a str,
        /// What does not work any more, as `prefix s3://b/p`; what makes a link usable is taken out.
        what: &'a str,
        /// When the entry can be forgotten, since nothing that it is about can still be valid.
        lapses: Option<UnixMillis>,
        /// Who asked for it.
        by: Actor,
    },
    /// A revocation was taken back.
    RevocationLifted {
        /// The id of the entry.
        id: &'a str,
        /// Who asked for it.
        by: Actor,
    },
    /// Who may sign has changed.
    Credential {
        /// The key; it is no secret.
        access_key_id: &'a str,
        /// Whose it is.
        principal: Option<&'a str>,
        /// What happened to it.
        change: CredentialChange,
    },
}

/// Who asked for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signal.
    Signal,
    /// The admin endpoint, from this address.
    Admin(Option<IpAddr>),
    /// A file that changed.
    File,
    /// Somebody else who writes to the store that gates share.
    Store,
    /// The command, while no gate had the store.
    Command,
}

/// What happened to a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialChange {
    /// It is new.
    Added,
    /// It has another secret, token or principal.
    Changed,
    /// Links that are signed from now on do not work.
    Retired,
    /// It is gone.
    Removed,
}

/// An audit log.
#[derive(Debug)]
pub struct AuditLog(LineWriter);

impl AuditLog {
    /// No audit log.
    #[must_use]
    pub fn nowhere(dropped: DropCounter) -> Self {
        Self(LineWriter::nowhere(dropped))
    }

    /// Goes on with the chain of a file, or begins one.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn file(path: &Path, clock: Arc<dyn Clock>, dropped: DropCounter) -> Result<Self, OpenError> {
        let chained = output::Chained::open(path, clock)?;
        Ok(Self(LineWriter::start(Box::new(chained), dropped)?))
    }

    /// Whether events are wanted.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_on()
    }

    /// Writes down an event; never waits. What cannot be written is counted, and the chain tells how much is missing.
    pub fn record(&self, at: UnixMillis, event: &Event<'_>) {
        if self.is_on() {
            self.0.write(&event.body(at));
        }
    }

    /// Lets another gate go on with the chain, or takes it up again; gives whether that is done.
    #[must_use]
    pub fn release(&self, released: bool, timeout: Duration) -> bool {
        self.0.release(released, timeout)
    }

    /// Writes down that something was revoked, or that a revocation was taken back.
    pub fn revocation(&self, at: UnixMillis, entry: &Revocation, is_gone: bool, by: Actor) {
        if self.is_on() {
            self.0.write(&revocation(at, entry, is_gone, by));
        }
    }

    /// Adds a revocation to a log that no gate writes to, and waits for that. A log that is not there is not begun: it
    /// has to be the gate's own.
    ///
    /// # Errors
    /// See [`OpenError`]; [`OpenError::Locked`] if a gate writes to it.
    pub fn add_revocation(
        path: &Path,
        clock: Arc<dyn Clock>,
        entry: &Revocation,
        by: Actor,
    ) -> Result<(), OpenError> {
        path.metadata()?;
        let line = revocation(clock.now(), entry, false, by);
        let mut file = output::Chained::open(path, clock)?;
        let mut lines = Lines::default();
        lines.push(&line);
        Ok(file.write(&lines, 0)?)
    }

    /// Waits until what was recorded before is written, or lost; gives whether that was so before the timeout.
    #[must_use]
    pub fn flush(&self, timeout: Duration) -> bool {
        self.0.flush(timeout)
    }
}

fn revocation(at: UnixMillis, entry: &Revocation, is_gone: bool, by: Actor) -> Vec<u8> {
    let id = entry.id();
    if is_gone {
        return Event::RevocationLifted { id: &id, by }.body(at);
    }
    let what = serde_json::Value::Object(entry.target_fields()).to_string();
    Event::Revoked { id: &id, what: &what, lapses: Some(entry.lapses), by }.body(at)
}

impl Event<'_> {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::Started { .. } => "started",
            Self::Reloaded { .. } => "reloaded",
            Self::ReloadRefused { .. } => "reload_refused",
            Self::Revoked { .. } => "revoked",
            Self::RevocationLifted { .. } => "revocation_lifted",
            Self::Credential { change, .. } => match change {
                CredentialChange::Added => "credential_added",
                CredentialChange::Changed => "credential_changed",
                CredentialChange::Retired => "credential_retired",
                CredentialChange::Removed => "credential_removed",
            },
        }
    }

    /// What stands between the links of the chain.
    fn body(&self, at: UnixMillis) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        begin(&mut out, self.kind());
        if let Self::Denied(record) = self {
            access::push_fields(&mut out, record);
            return out;
        }
        push(&mut out, "@timestamp", &Value::Time(at));
        match *self {
            Self::Denied(_) => {}
            Self::Started { version } => push(&mut out, "service.version", &Value::Text(version)),
            Self::Reloaded { by } => by.push(&mut out),
            Self::ReloadRefused { by, error } => {
                by.push(&mut out);
                push(&mut out, "error.message", &Value::Foreign(error.as_bytes()));
            }
            Self::Revoked { id, what, lapses, by } => {
                by.push(&mut out);
                push(&mut out, "presign_gate.revocation.id", &Value::Text(id));
                push(&mut out, "presign_gate.revocation.of", &Value::Foreign(what.as_bytes()));
                let lapses = lapses.map_or(Value::Absent, Value::Time);
                push(&mut out, "presign_gate.revocation.lapses", &lapses);
            }
            Self::RevocationLifted { id, by } => {
                by.push(&mut out);
                push(&mut out, "presign_gate.revocation.id", &Value::Text(id));
            }
            Self::Credential { access_key_id, principal, .. } => {
                push(&mut out, "presign_gate.credential.id", &Value::Text(access_key_id));
                push(&mut out, "user.id", &Value::text(principal));
            }
        }
        out
    }
}

impl Actor {
    fn push(self, out: &mut Vec<u8>) {
        let (by, ip) = match self {
            Self::Signal => ("signal", None),
            Self::Admin(ip) => ("admin", ip),
            Self::File => ("file", None),
            Self::Store => ("store", None),
            Self::Command => ("command", None),
        };
        push(out, "presign_gate.by", &Value::Text(by));
        push(out, "source.ip", &Value::ip(ip));
    }
}

fn begin(out: &mut Vec<u8>, kind: &str) {
    json::push_string(out, b"kind");
    out.push(b':');
    json::push_string(out, kind.as_bytes());
}

/// Appends a field after others.
fn push(out: &mut Vec<u8>, name: &str, value: &Value<'_>) {
    if !matches!(value, Value::Absent) {
        out.push(b',');
        json::push_string(out, name.as_bytes());
        out.push(b':');
        access::push_value(out, value);
    }
}

#[cfg(test)]
mod tests;
