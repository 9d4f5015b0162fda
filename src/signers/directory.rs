//! A folder with a file for each access key, looked at again and again.
//! It must not take a file half-written, nor keep a key whose file is gone.

use crate::config::resolve::guest;
use crate::config::source::{Source as _, SystemSource};
use crate::config::stamp::Stamps;
use crate::snapshot::Guest;
use crate::telemetry::audit::CredentialChange;
use crate::telemetry::metrics::{KeyResult, Metrics};
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The endings of files that hold a key.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A folder.
#[derive(Debug)]
pub struct Directory {
    name: String,
    folder: PathBuf,
    keys: ArcSwap<Keys>,
    files: Mutex<BTreeMap<PathBuf, File>>,
    /// What happened since it was last counted.
    results: Mutex<Vec<KeyResult>>,
    is_well: AtomicBool,
}

type Keys = HashMap<String, Arc<Guest>>;

/// A file, as it was when it was last read.
#[derive(Debug, Default)]
struct File {
    /// The file and those that it names.
    names: Vec<PathBuf>,
    read: Option<Stamps>,
    /// Another state that was seen once: it may still be written.
    seen: Option<Stamps>,
    /// Whether what was read was no key.
    is_wrong: bool,
    /// The last good version.
    guest: Option<Arc<Guest>>,
}

/// What happened to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The access key id.
    pub id: String,
    /// Whose it is, or was.
    pub principal: Option<String>,
    /// What happened.
    pub change: CredentialChange,
}

impl Directory {
    /// Reads a folder for the first time.
    #[must_use]
    pub fn open(name: &str, folder: &Path) -> Self {
        let directory = Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            keys: ArcSwap::default(),
            files: Mutex::default(),
            results: Mutex::default(),
            is_well: AtomicBool::new(true),
        };
        directory.update(true);
        directory
    }

    /// The signer of a key.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Guest>> {
        self.keys.load().get(id).map(Arc::clone)
    }

    /// How many keys it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.load().len()
    }

    /// Whether it holds no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the folder could be read when it was last looked at, and each of its files when it changed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.is_well.load(Ordering::Relaxed)
    }

    /// Counts what happened since the last time.
    pub fn count(&self, metrics: &Metrics, position: usize) {
        let results = std::mem::take(&mut *self.results.lock().unwrap_or_else(PoisonError::into_inner));
        for result in results {
            metrics.key_source(position, result);
        }
    }

    /// Looks at the folder again: a file that is gone takes its key with it at once; one that is new or another counts
    /// when two looks saw it alike; one that is wrong, or cannot be read, leaves the last good version of its key.
    pub fn look(&self) -> Vec<Change> {
        self.update(false)
    }

    fn update(&self, is_first: bool) -> Vec<Change> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let (present, is_there) = match self.list() {
            Ok(present) => (present, true),
            // what was moved away holds no keys any more
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.fail(&error);
                (BTreeSet::new(), false)
            }
            Err(error) => {
                self.fail(&error);
                return Vec::new();
            }
        };
        let before = files.len();
        files.retain(|path, _| present.contains(path));
        let mut is_changed = files.len() != before;
        for path in present {
            let file = files.entry(path.clone()).or_insert_with(|| File::new(&path));
            if file.is_due(is_first) {
                self.read(&path, file);
                is_changed = true;
            }
        }
        self.is_well.store(is_there && !files.values().any(|file| file.is_wrong), Ordering::Relaxed);
        if !is_changed {
            return Vec::new();
        }
        let new = self.index(&files);
        let changes = changes(&self.keys.load(), &new);
        self.keys.store(Arc::new(new));
        let gone = changes.iter().filter(|it| it.change == CredentialChange::Removed);
        gone.for_each(|_| self.note(KeyResult::Removed));
        changes
    }

    /// The files that may hold a key; a link to nothing does not.
    fn list(&self) -> std::io::Result<BTreeSet<PathBuf>> {
        let mut found = BTreeSet::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // hidden ones are those of editors and of mounted secrets
            let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            let ending = path.extension().and_then(|ending| ending.to_str());
            if is_hidden || !ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
                continue;
            }
            match std::fs::metadata(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Ok(metadata) if metadata.is_dir() => {}
                // one that cannot be looked at is there, and is reported when it is read
                Ok(_) | Err(_) => {
                    found.insert(path);
                }
            }
        }
        Ok(found)
    }

    fn read(&self, path: &Path, file: &mut File) {
        let before = Stamps::of(&file.names);
        let mut names = vec![path.to_owned()];
        let guest = match SystemSource.read(path) {
            Err(error) => {
                log::error!("credential source `{}`: {error}", self.name);
                None
            }
            Ok(content) => {
                let built = guest::build(&SystemSource, &self.name, path, &content.bytes);
                names.extend(built.files);
                if content.exposed {
                    let file = path.display();
                    log::warn!("credential source `{}`: `{file}` can be read by every user", self.name);
                }
                for finding in built.diagnostics.iter().filter(|finding| finding.is_error()) {
                    log::error!("credential source `{}`: {}", self.name, finding.line());
                }
                built.guest
            }
        };
        file.read = Some(before.and_of(&names));
        // what a version named that is not good any more is still worth a look
        file.names.extend(names.into_iter().filter(|name| !file.names.contains(name)).collect::<Vec<_>>());
        file.read = file.read.take().map(|read| read.and_of(&file.names));
        file.seen = None;
        self.note(if guest.is_some() { KeyResult::Loaded } else { KeyResult::Refused });
        file.is_wrong = guest.is_none();
        if let Some(guest) = guest {
            file.guest = Some(Arc::new(guest));
        }
    }

    /// The keys of all files; of two files with one key the first by name counts.
    fn index(&self, files: &BTreeMap<PathBuf, File>) -> Keys {
        let mut keys = Keys::new();
        for (path, file) in files {
            let Some(guest) = &file.guest else { continue };
            let id = &guest.key.credential().access_key_id;
            if keys.contains_key(id) {
                let file = path.display();
                log::error!(
                    "credential source `{}`: `{file}` is not used: another file has its key",
                    self.name
                );
                self.note(KeyResult::Refused);
            } else {
                keys.insert(id.clone(), Arc::clone(guest));
            }
        }
        keys
    }

    fn fail(&self, error: &std::io::Error) {
        if self.is_well.swap(false, Ordering::Relaxed) {
            log::error!("credential source `{}`: `{}`: {error}", self.name, self.folder.display());
        }
        self.note(KeyResult::Failed);
    }

    fn note(&self, result: KeyResult) {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    }
}

impl File {
    fn new(path: &Path) -> Self {
        Self { names: vec![path.to_owned()], ..Self::default() }
    }

    /// Whether the file is to be read: it is another than it was, and two looks saw it alike.
    fn is_due(&mut self, is_first: bool) -> bool {
        let now = Stamps::of(&self.names);
        if self.read.as_ref() == Some(&now) {
            self.seen = None;
            return false;
        }
        let is_due = is_first || self.seen.as_ref() == Some(&now);
        self.seen = Some(now);
        is_due
    }
}

/// What is other in the new keys.
fn changes(old: &Keys, new: &Keys) -> Vec<Change> {
    let change = |guest: &Arc<Guest>, change| Change {
        id: guest.key.credential().access_key_id.clone(),
        principal: guest.identity.principal.arn().map(ToString::to_string),
        change,
    };
    let gone = old.iter().filter(|(id, _)| !new.contains_key(*id));
    let gone = gone.map(|(_, guest)| change(guest, CredentialChange::Removed));
    let other = new.iter().filter_map(|(id, guest)| match old.get(id) {
        None => Some(change(guest, CredentialChange::Added)),
        Some(known) => (!Arc::ptr_eq(known, guest)).then(|| change(guest, CredentialChange::Changed)),
    });
    gone.chain(other).collect()
}

#[cfg(test)]
mod tests;
