//! `presign-gate revoke`: calls links back, through a running gate or in the store that gates share.
//! It must not say that a link is void before the store has the entry.

mod post;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::RevokeArgs;
use super::{NO, NO_INPUT, USAGE, bad_config, out};
use crate::clock::civil::Civil;
use crate::clock::{Clock as _, SystemClock};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::Config;
use crate::config::model::links::Store;
use crate::config::resolve;
use crate::config::source::{Source as _, SystemSource};
use crate::links::revocation::{Asked, Lifetimes, Revocation};
use crate::secret::Secret;
use crate::server::links::store;
use crate::snapshot::Snapshot;
use crate::store::{Change, LinkStore};
use crate::telemetry::audit::{Actor, AuditLog, OpenError};
use post::{Admin, PostError, post};

/// The gate or the store cannot be reached (`EX_UNAVAILABLE`).
const UNAVAILABLE: u8 = 69;

/// What went wrong, and the exit code that says so.
struct Failed(u8, String);

pub(super) fn run(args: &RevokeArgs) -> ExitCode {
    match revoke(args) {
        Ok(entry) => {
            out::stdout(&format!("{entry}\n"));
            ExitCode::SUCCESS
        }
        Err(Failed(code, error)) => {
            out::stderr(&error);
            ExitCode::from(code)
        }
    }
}

fn failed(code: u8, error: impl std::fmt::Display) -> Failed {
    Failed(code, format!("presign-gate: {error}\n"))
}

fn revoke(args: &RevokeArgs) -> Result<Value, Failed> {
    let asked = asked(args);
    // what cannot be read is found here, before anybody is asked
    Asked::from_json(&asked, SystemClock.now()).map_err(|error| failed(USAGE, error))?;
    match (&args.admin, &args.config) {
        (Some(url), _) => {
            let token = args.token.as_deref().map(token).transpose()?;
            let admin = Admin::parse(url, token).map_err(|error| failed(USAGE, error))?;
            post(&admin, &asked).map_err(refused)
        }
        (None, Some(config)) => with_config(config, &asked),
        (None, None) => Err(failed(USAGE, "name the gate with `--config` or `--admin`")),
    }
}

/// What the command line asks for, in the form of the admin endpoint.
fn asked(args: &RevokeArgs) -> Value {
    let target = &args.target;
    let time = |at| Civil::from_instant(at).iso();
    if let Some(link) = &target.link {
        json!({ "link": link })
    } else if let Some(id) = &target.access_key_id {
        match args.before {
            Some(before) => json!({ "access_key_id": id, "before": time(before) }),
            None => json!({ "access_key_id": id }),
        }
    } else if let Some(prefix) = &target.prefix {
        json!({ "prefix": prefix })
    } else {
        json!({ "signed_before": target.signed_before.map(time) })
    }
}

fn token(path: &Path) -> Result<Secret, Failed> {
    let content = SystemSource.read(path).map_err(|error| failed(NO_INPUT, error))?;
    let bytes = content.bytes.expose();
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    Ok(Secret::new(line.strip_suffix(b"\r").unwrap_or(line)))
}

fn refused(error: PostError) -> Failed {
    match error {
        PostError::Unreachable(_) => failed(UNAVAILABLE, error),
        PostError::Refused(..) | PostError::Malformed => failed(NO, error),
    }
}

/// A store that gates share is told itself; any other is told by the gate that has it, or opened if no gate runs.
fn with_config(path: &Path, asked: &Value) -> Result<Value, Failed> {
    let built = resolve::build(&SystemSource, path);
    let Some((config, snapshot)) = built.world else {
        let errors = built.diagnostics.iter().filter(|finding| finding.is_error());
        return Err(Failed(bad_config(path), errors.map(Diagnostic::render).collect()));
    };
    let admin = config.admin.as_ref().map(|admin| Admin::at(admin.address.value, admin.token.clone()));
    match (&config.links.store, admin) {
        (Store::Redis(_), _) | (Store::Redb(_), None) => in_store(&config, &snapshot, asked),
        (_, Some(admin)) => match post(&admin, asked) {
            Err(PostError::Unreachable(_)) if matches!(config.links.store, Store::Redb(_)) => {
                in_store(&config, &snapshot, asked)
            }
            outcome => outcome.map_err(refused),
        },
        (Store::Memory, None) => Err(failed(
            NO,
            "the links of this config are in the memory of its gate, which has no `admin` to tell it",
        )),
    }
}

fn in_store(config: &Config, snapshot: &Snapshot, asked: &Value) -> Result<Value, Failed> {
    let now = SystemClock.now();
    let asked = Asked::from_json(asked, now).map_err(|error| failed(USAGE, error))?;
    let entry = Revocation::of(asked, &snapshot.keyring, Lifetimes::of(&snapshot.signing), now)
        .map_err(|error| failed(NO, error))?;
    let store: Arc<dyn LinkStore> = store(&config.links.store).map_err(|error| failed(UNAVAILABLE, error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(UNAVAILABLE, error))?;
    let change = Change { entry: entry.clone(), is_gone: false };
    runtime.block_on(store.change(&change)).map_err(|error| failed(UNAVAILABLE, error))?;
    if let Some(path) = &config.logs.audit {
        audit(path, &entry, matches!(config.links.store, Store::Redis(_)));
    }
    Ok(entry.to_json())
}

/// Writes the entry into the audit log, unless a gate does: one file has one writer, or its chain would break.
fn audit(path: &Path, entry: &Revocation, is_shared: bool) {
    let Err(error) = AuditLog::add_revocation(path, Arc::new(SystemClock), entry, Actor::Command) else {
        return;
    };
    let path = path.display();
    match error {
        // it finds the entry in the store and writes it down itself
        OpenError::Locked(_) if is_shared => {}
        _ if is_shared => out::stderr(&format!(
            "presign-gate: revoked, and written down by the gates that run; not in `{path}`: {error}\n"
        )),
        _ => out::stderr(&format!("presign-gate: revoked, but not written to `{path}`: {error}\n")),
    }
}
