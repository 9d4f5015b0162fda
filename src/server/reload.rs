//! Reads the config again, when told to and when a file of it changes, and puts it in force as a whole or not at all.
//! It must not touch requests in flight: they keep the world that they began with.

mod fixed;
mod keys;

use super::notify::{self, News};
use super::{boot, tls};
use crate::admin::reload::{Order, Reloads};
use crate::clock::{Clock as _, SystemClock};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::Config;
use crate::config::resolve;
use crate::config::source::SystemSource;
use crate::config::stamp::Stamps;
use crate::proxy::world::World;
use crate::telemetry::audit::{Actor, Event};
use fixed::Fixed;
use keys::Keys;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often the files are looked at. A poll of their metadata works on every file system and through every kind of
/// symbolic link, which a watch of directories does not, and costs microseconds.
const EVERY: Duration = Duration::from_secs(1);

/// What it takes to read the config again.
#[derive(Debug)]
pub struct Reloader {
    path: PathBuf,
    files: Vec<PathBuf>,
    fixed: Fixed,
    keys: Keys,
}

impl Reloader {
    /// For a config file that is in force, and the files that were read with it.
    #[must_use]
    pub fn new(path: &Path, config: &Config, files: Vec<PathBuf>) -> Self {
        Self { path: path.to_owned(), files, fixed: Fixed::of(config), keys: Keys::of(config) }
    }

    /// Starts the thread that reloads this world; it ends when nobody can order a reload any more.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub(super) fn start(self, world: Arc<World>) -> std::io::Result<Reloads> {
        let (sender, orders) = channel();
        let loaded = Stamps::of(&self.files);
        let watcher = Watcher { reloader: self, world, loaded, changed: None };
        std::thread::Builder::new().name("config".to_owned()).spawn(move || watcher.run(&orders))?;
        Ok(Reloads::new(sender))
    }
}

/// The thread's state.
struct Watcher {
    reloader: Reloader,
    world: Arc<World>,
    /// The files as they were when they were last read, well or not.
    loaded: Stamps,
    /// The files as they were at the last look, if that was different.
    changed: Option<Stamps>,
}

impl Watcher {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(EVERY) {
                Ok(waiting) => {
                    let by = if waiting.is_some() { Actor::Admin(None) } else { Actor::Signal };
                    let findings = self.reload(by);
                    if let Some(waiting) = waiting {
                        // whoever asked may have left
                        let _ = waiting.send(findings);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Reloads if a file is another than the one that was read, and was left alone since the last look: one that
    /// changes from look to look is still being written.
    fn look(&mut self) {
        tls::reload(&self.world);
        let now = Stamps::of(&self.reloader.files);
        if now == self.loaded {
            self.changed = None;
        } else if self.changed.as_ref() == Some(&now) {
            log::info!("a file of the config has changed");
            self.reload(Actor::File);
        } else {
            self.changed = Some(now);
        }
    }

    /// Gives the findings; without an error among them the config is in force.
    fn reload(&mut self, by: Actor) -> Vec<Diagnostic> {
        notify::tell(News::Reloading);
        let findings = self.read_and_apply();
        self.report(&findings);
        self.audit(by, &findings);
        notify::tell(News::Ready);
        findings
    }

    fn read_and_apply(&mut self) -> Vec<Diagnostic> {
        let before = Stamps::of(&self.reloader.files);
        let built = resolve::build(&SystemSource, &self.reloader.path);
        let mut findings = built.diagnostics;
        // a file that a broken config does not get to name is still worth a look
        for file in built.files {
            if !self.reloader.files.contains(&file) {
                self.reloader.files.push(file);
            }
        }
        self.loaded = before.and_of(&self.reloader.files);
        self.changed = None;
        if let Some((mut config, mut snapshot)) = built.world {
            findings.extend(self.reloader.fixed.apply(&self.reloader.path, &mut config, &mut snapshot));
            if !findings.iter().any(Diagnostic::is_error) {
                let old = self.world.running.load_full();
                match boot::running(&config, snapshot, Some(&old), &self.world.telemetry.metrics) {
                    Ok(running) => {
                        let running = Arc::new(running);
                        self.world.running.store(Arc::clone(&running));
                        self.world.forget(&old, &running);
                        tls::tell(&self.world);
                        self.audit_keys(Keys::of(&config));
                    }
                    Err(error) => findings.push(self.about(error.to_string())),
                }
            }
        }
        findings
    }

    fn audit(&self, by: Actor, findings: &[Diagnostic]) {
        let event = match findings.iter().find(|finding| finding.is_error()) {
            Some(error) => Event::ReloadRefused { by, error: &error.line() },
            None => Event::Reloaded { by },
        };
        self.world.telemetry.audit.record(SystemClock.now(), &event);
    }

    fn audit_keys(&mut self, new: Keys) {
        for changed in self.reloader.keys.changes(&new) {
            let principal = Some(changed.principal);
            let event = Event::Credential { access_key_id: changed.id, principal, change: changed.change };
            self.world.telemetry.audit.record(SystemClock.now(), &event);
        }
        self.reloader.keys = new;
    }

    fn about(&self, message: String) -> Diagnostic {
        Diagnostic::about_file(&self.reloader.path.display().to_string(), message)
    }

    fn report(&self, findings: &[Diagnostic]) {
        let metrics = &self.world.telemetry.metrics;
        if findings.iter().any(Diagnostic::is_error) {
            metrics.config_refused();
            for finding in findings.iter().filter(|finding| finding.is_error()) {
                log::error!("the config stays as it is: {}", finding.line());
            }
        } else {
            metrics.config_reloaded(SystemClock.now());
            for finding in findings {
                log::warn!("{}", finding.line());
            }
            log::info!("the config was read again and is in force");
        }
    }
}
