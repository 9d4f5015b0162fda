//! What of a config cannot change while the gate runs: addresses, and where logs and spans go.
//! It must not let a change of them pass unsaid.

use crate::config::diagnostic::{Diagnostic, Problem, Severity};
use crate::config::model::links::Store;
use crate::config::model::{Config, Listener, Logs, Tracing};
use crate::config::tree::Place;
use crate::net::address::ListenAddress;
use crate::snapshot::Snapshot;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The values that are in use.
#[derive(Debug)]
pub(super) struct Fixed {
    listeners: Vec<ListenAddress>,
    /// The permissions of each, which count for Unix sockets.
    modes: Vec<u32>,
    admin: Option<SocketAddr>,
    logs: Logs,
    tracing: Option<Tracing>,
    links: Store,
    upgrade: Option<PathBuf>,
}

impl Fixed {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            listeners: config.listeners.iter().map(|listener| listener.address.value.clone()).collect(),
            modes: config.listeners.iter().map(|listener| listener.mode).collect(),
            admin: config.admin.as_ref().map(|admin| admin.address.value),
            logs: config.logs.clone(),
            tracing: config.tracing.clone(),
            links: config.links.store.clone(),
            upgrade: config.upgrade.clone(),
        }
    }

    /// Brings the listeners into the order in use, which open connections are numbered by; gives an error for each
    /// value that is another one.
    pub(super) fn apply(&self, file: &Path, config: &mut Config, snapshot: &mut Snapshot) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        let mut say = |at: Place, path: &str, message: String| {
            let hint = Some("restart the gate for it, or change it back".to_owned());
            let problem = Problem { at, path: path.to_owned(), severity: Severity::Error, message, hint };
            findings.push(Diagnostic::new(&file.display().to_string(), problem, None));
        };
        let start = Place { line: 1, column: 1 };
        for listener in &config.listeners {
            let address = &listener.address;
            if !self.listeners.contains(&address.value) {
                let message =
                    format!("`{}` is not listened on, and cannot be while the gate runs", address.value);
                say(address.at, &address.path, message);
            }
        }
        for (address, mode) in self.listeners.iter().zip(&self.modes) {
            let other = |listener: &&Listener| listener.address.value == *address && listener.mode != *mode;
            if let Some(Listener { address, .. }) = config.listeners.iter().find(other) {
                let message = format!("the mode of `{}` cannot change while the gate runs", address.value);
                say(address.at, &address.path, message);
            }
            if !config.listeners.iter().any(|listener| listener.address.value == *address) {
                say(start, "listeners", format!("the listener `{address}` cannot go while the gate runs"));
            }
        }
        if self.admin != config.admin.as_ref().map(|admin| admin.address.value) {
            let at = config.admin.as_ref().map_or(start, |admin| admin.address.at);
            say(at, "admin.address", "`admin.address` cannot change while the gate runs".to_owned());
        }
        let logs = &config.logs;
        for (path, same) in [
            ("logs.access.path", self.logs.access == logs.access),
            ("logs.access.format", self.logs.access_format == logs.access_format),
            ("logs.audit", self.logs.audit == logs.audit),
            ("tracing", self.tracing == config.tracing),
        ] {
            if !same {
                say(start, path, format!("`{path}` cannot change while the gate runs"));
            }
        }
        if self.links != config.links.store {
            say(start, "links.store", "`links.store` cannot change while the gate runs".to_owned());
        }
        if self.upgrade != config.upgrade {
            say(start, "upgrade.socket", "`upgrade.socket` cannot change while the gate runs".to_owned());
        }
        if findings.is_empty() {
            let place = |address: &ListenAddress| self.listeners.iter().position(|known| known == address);
            let name = |address: &ListenAddress| address.to_string();
            let names: Vec<String> = self.listeners.iter().map(name).collect();
            config.listeners.sort_by_key(|listener| place(&listener.address.value));
            snapshot.listeners.sort_by_key(|listener| names.iter().position(|name| *name == listener.name));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve;
    use crate::config::source::MemorySource;

    const MORE: &str = "hosts: [h]\n\
        credentials: [{ access_key_id: A, secret_access_key: { value: s } }]\n\
        buckets: [{ name: bkt, upstream: s }]\n\
        upstreams: [{ name: s, endpoint: 'http://s', region: r, credentials: { anonymous: true } }]\n";

    const IN_USE: &str = "listeners: [{ address: '127.0.0.1:1' }, { address: '127.0.0.1:2' }]\n\
        admin: { address: '127.0.0.1:9' }\n";

    fn config(text: &str) -> (Config, Snapshot) {
        let source = MemorySource::default().with_file("g", format!("version: 1\n{text}{MORE}"));
        let built = resolve::build(&source, Path::new("g"));
        built.world.unwrap_or_else(|| panic!("{:?}", built.diagnostics))
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let fixed = Fixed::of(&config(IN_USE).0);
        let (mut config, mut snapshot) = config(text);
        let findings = fixed.apply(Path::new("g"), &mut config, &mut snapshot);
        assert_eq!(findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), expected);
        if expected.is_empty() {
            let names: Vec<&str> = snapshot.listeners.iter().map(|listener| listener.name.as_str()).collect();
            assert_eq!(names, ["127.0.0.1:1", "127.0.0.1:2"]);
            assert_eq!(Fixed::of(&config).listeners, fixed.listeners);
        }
    }

    #[test]
    fn addresses_stay() {
        check(IN_USE, &[]);
        check(
            "admin: { address: '127.0.0.1:9' }\nlisteners: [{ address: '127.0.0.1:2' }, { address: '127.0.0.1:1' }]\n",
            &[],
        );
        check(&IN_USE.replace(":2'", ":3'"), &["listeners[1].address", "listeners"]);
        check(&IN_USE.replace(":9'", ":8'"), &["admin.address"]);
        check("listeners: [{ address: '127.0.0.1:1' }, { address: '127.0.0.1:2' }]\n", &["admin.address"]);
        check(&format!("{IN_USE}links: {{ store: {{ redb: a.redb }} }}\n"), &["links.store"]);
        check(&format!("{IN_USE}links: {{ store: {{ memory: true }}, grace: 1s }}\n"), &[]);
        check(&format!("{IN_USE}logs: {{ access: {{ path: a.log }} }}\n"), &["logs.access.path"]);
        check(&format!("{IN_USE}logs: {{ access: {{ format: s3 }} }}\n"), &["logs.access.format"]);
        check(&format!("{IN_USE}tracing: {{ otlp: \"http://127.0.0.1:1\" }}\n"), &["tracing"]);
        check(&format!("{IN_USE}upgrade: {{ socket: up.sock }}\n"), &["upgrade.socket"]);
        check(&format!("{IN_USE}logs: {{ audit: {{ path: a.log }} }}\n"), &["logs.audit"]);
    }
}
