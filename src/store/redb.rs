//! Link state in a file of this machine. One thread owns it and writes what has gathered in one transaction, so that
//! many requests share one wait for the disk. It must not answer before what it answers is on the disk.

use super::{Change, Changes, LinkStore, Note, StoreError};
use crate::clock::Clock;
use crate::links::claim::LinkClaim;
use crate::links::identity::LinkId;
use crate::links::revocation::Revocation;
use crate::links::state::{Answer, LinkState};
use async_trait::async_trait;
use redb::{
    Database, Durability, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, Table,
    TableDefinition, WriteTransaction,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

const LINKS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("links");
const REVOCATIONS: TableDefinition<'_, &str, &str> = TableDefinition::new("revocations");
/// What the store knows about itself, under the names below.
const MARKS: TableDefinition<'_, &str, i64> = TableDefinition::new("marks");
/// The latest end of a link that was forgotten.
const FORGOTTEN: &str = "forgotten";
/// When it was last tried whether the file can be written.
const TRIED: &str = "tried";

/// The most memory for pages of the file, in bytes. redb's own bound, 1 GiB, is more than a gate needs; what is not here
/// is in the system's cache.
const CACHE: usize = 64 << 20;

/// The most jobs of one transaction.
const BATCH: usize = 1024;

/// The links that one sweep looks at.
const SWEPT: usize = 5000;

/// Why a file cannot be a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "`{0}` is in use by another process: give each gate a file of its own, or let them share a Redis"
    )]
    InUse(PathBuf),
    /// It cannot be opened, read or made.
    #[error("cannot open the link store `{path}`: {error}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: String,
    },
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Job {
    Reserve(Box<LinkClaim>, u64, Reply<Answer>),
    Note(Note),
    Look(LinkId, Reply<Option<LinkState>>),
    Change(Box<Change>, Reply<()>),
    Sweep(Reply<u64>),
    Try(Reply<()>),
    Close(Reply<()>),
    Reopen(Reply<()>),
}

/// What is answered once the transaction is on the disk.
enum Answered {
    Reserve(Result<Answer, StoreError>, Reply<Answer>),
    Note,
    Look(Option<LinkState>, Reply<Option<LinkState>>),
    Change(Reply<()>),
    Sweep(u64, Reply<u64>),
}

/// A file with link state.
#[derive(Debug)]
pub struct Redb {
    jobs: Sender<Job>,
    entries: Vec<Change>,
    lost: Arc<AtomicU64>,
    /// Whether the last transaction is on the disk.
    well: Arc<AtomicBool>,
}

impl Redb {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let failed = |error: String| OpenError::Failed { path: path.to_owned(), error };
        let database = database(path)?;
        let entries = read_entries(&database).map_err(|error| failed(error.to_string()))?;
        let (jobs, todo) = channel();
        let (lost, well) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(true)));
        let writer = Writer {
            path: path.to_owned(),
            file: File::Open(database),
            clock,
            cursor: [0; 16],
            lost: Arc::clone(&lost),
            well: Arc::clone(&well),
        };
        std::thread::Builder::new()
            .name("link-store".to_owned())
            .spawn(move || writer.run(&todo))
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { jobs, entries, lost, well })
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let ended = || StoreError::Failed("the file is not open, or cannot be written".to_owned());
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

fn database(path: &Path) -> Result<Database, OpenError> {
    Database::builder().set_cache_size(CACHE).create(path).map_err(|error| refused(path, error))
}

fn refused(path: &Path, error: redb::DatabaseError) -> OpenError {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path.to_owned()),
        other => OpenError::Failed { path: path.to_owned(), error: other.to_string() },
    }
}

/// The list as the file has it. Nobody else writes to it, so it is read once.
fn read_entries(database: &Database) -> Result<Vec<Change>, redb::Error> {
    let transaction = database.begin_write()?;
    // makes the tables of a new file
    transaction.open_table(LINKS)?;
    transaction.open_table(REVOCATIONS)?;
    transaction.commit()?;
    let mut entries = Vec::new();
    for row in database.begin_read()?.open_table(REVOCATIONS)?.iter()? {
        let (id, text) = row?;
        let entry = serde_json::from_str(text.value()).ok().and_then(|value| Revocation::from_json(&value));
        // to overlook an entry would let a revoked link in
        let entry = entry.ok_or_else(|| {
            redb::Error::Corrupted(format!("the revocation `{}` cannot be read", id.value()))
        })?;
        entries.push(Change { entry, is_gone: false });
    }
    Ok(entries)
}

#[async_trait]
impl LinkStore for Redb {
    async fn reserve(&self, claim: &LinkClaim, token: u64) -> Result<Answer, StoreError> {
        let claim = Box::new(claim.clone());
        self.ask(|reply| Job::Reserve(claim, token, reply)).await
    }

    fn note(&self, note: Note) {
        if self.jobs.send(Job::Note(note)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn look(&self, link: LinkId) -> Result<Option<LinkState>, StoreError> {
        self.ask(|reply| Job::Look(link, reply)).await
    }

    async fn change(&self, change: &Change) -> Result<(), StoreError> {
        let change = Box::new(change.clone());
        self.ask(|reply| Job::Change(change, reply)).await
    }

    async fn changes(&self, _list: &str, number: u64) -> Result<Changes, StoreError> {
        let changes = if number == 0 { self.entries.clone() } else { Vec::new() };
        if !self.well.load(Ordering::Relaxed) {
            self.ask(Job::Try).await?;
        }
        Ok(Changes { list: "file".to_owned(), last: 1, changes, more: false })
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        self.ask(Job::Sweep).await
    }

    fn lost_notes(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.ask(Job::Close).await
    }

    async fn reopen(&self) -> Result<(), StoreError> {
        self.ask(Job::Reopen).await
    }
}

/// The file, if it is here.
enum File {
    Open(Database),
    /// Another process has it.
    Released,
    /// It could not be written, after which redb writes nothing more until it is opened anew.
    Broken,
}

/// The thread that owns the file.
struct Writer {
    path: PathBuf,
    file: File,
    clock: Arc<dyn Clock>,
    /// Where the next sweep begins.
    cursor: [u8; 16],
    lost: Arc<AtomicU64>,
    well: Arc<AtomicBool>,
}

impl Writer {
    fn run(mut self, todo: &Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| todo.recv().ok()) {
            match job {
                // what was asked before is on the disk
                Job::Close(reply) => {
                    self.file = File::Released;
                    drop(reply.send(Ok(())));
                }
                Job::Reopen(reply) => drop(reply.send(self.reopen())),
                first => next = self.gather(first, todo),
            }
        }
    }

    /// Does what has gathered; gives a job that must come after that.
    fn gather(&mut self, first: Job, todo: &Receiver<Job>) -> Option<Job> {
        let mut jobs = vec![first];
        let mut next = None;
        while jobs.len() < BATCH {
            match todo.try_recv() {
                Ok(job @ (Job::Close(_) | Job::Reopen(_))) => {
                    next = Some(job);
                    break;
                }
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        let notes = jobs.iter().filter(|job| matches!(job, Job::Note(_))).count();
        let outcome = self.batch(jobs);
        // another gate may have the file: then nothing is wrong with it
        let is_well = outcome.is_ok() || matches!(self.file, File::Released);
        let was_well = self.well.swap(is_well, Ordering::Relaxed);
        if let Err(error) = outcome {
            // whoever waits sees the reply dropped, which is an error as well
            self.lost.fetch_add(u64::try_from(notes).unwrap_or(0), Ordering::Relaxed);
            if was_well {
                log::error!("the link store cannot be written: {error}");
            }
            if let File::Open(_) = self.file {
                self.file = File::Broken;
            }
        } else if !was_well {
            log::info!("the link store can be written again");
        }
        next
    }

    /// The file; one that was broken is opened anew, as far as it was written. It must be there: a new one would have
    /// forgotten everything.
    fn database(&mut self) -> Result<&Database, redb::Error> {
        if let File::Broken = self.file {
            self.file = File::Open(Database::builder().set_cache_size(CACHE).open(&self.path)?);
        }
        match &self.file {
            File::Open(database) => Ok(database),
            File::Released | File::Broken => {
                Err(redb::Error::Corrupted("another gate has the file".to_owned()))
            }
        }
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        if let File::Released | File::Broken = self.file {
            self.file =
                File::Open(database(&self.path).map_err(|error| StoreError::Failed(error.to_string()))?);
        }
        Ok(())
    }

    fn batch(&mut self, jobs: Vec<Job>) -> Result<(), redb::Error> {
        let mut transaction = self.database()?.begin_write()?;
        transaction
            .set_durability(Durability::Immediate)
            .map_err(|error| redb::Error::Corrupted(error.to_string()))?;
        let answered = self.steps(&transaction, jobs)?;
        transaction.commit()?;
        for answered in answered {
            // who does not wait any more needs no answer
            match answered {
                Answered::Reserve(answer, reply) => drop(reply.send(answer)),
                Answered::Look(state, reply) => drop(reply.send(Ok(state))),
                Answered::Change(reply) => drop(reply.send(Ok(()))),
                Answered::Sweep(known, reply) => drop(reply.send(Ok(known))),
                Answered::Note => {}
            }
        }
        Ok(())
    }

    fn steps(
        &mut self,
        transaction: &WriteTransaction,
        jobs: Vec<Job>,
    ) -> Result<Vec<Answered>, redb::Error> {
        let mut links = transaction.open_table(LINKS)?;
        let mut entries = transaction.open_table(REVOCATIONS)?;
        let mut marks = transaction.open_table(MARKS)?;
        let mut forgotten = marks.get(FORGOTTEN)?.map(|mark| mark.value());
        let now = self.clock.now().millis();
        let mut answered = Vec::with_capacity(jobs.len());
        for job in jobs {
            answered.push(match job {
                Job::Reserve(claim, token, reply) => {
                    let may_be_forgotten = forgotten.is_some_and(|end| claim.terms.until.millis() <= end);
                    let step = |state: &mut LinkState| {
                        if may_be_forgotten && state.is_blank() {
                            return Err(StoreError::forgotten());
                        }
                        Ok(state.reserve(&claim, token, now))
                    };
                    Answered::Reserve(step_on(&mut links, claim.id, step)?, reply)
                }
                Job::Note(note) => {
                    step_on(&mut links, note.link, |state| note.apply(state, now))?;
                    Answered::Note
                }
                Job::Look(link, reply) => Answered::Look(read(&links, link)?, reply),
                Job::Change(change, reply) => {
                    let id = change.entry.id();
                    if change.is_gone {
                        entries.remove(id.as_str())?;
                    } else {
                        entries.insert(id.as_str(), change.entry.to_json().to_string().as_str())?;
                    }
                    Answered::Change(reply)
                }
                Job::Try(reply) => {
                    marks.insert(TRIED, now)?;
                    Answered::Change(reply)
                }
                Job::Sweep(reply) => {
                    entries.retain(|_, text| is_in_force(text, now))?;
                    let (cursor, ended) = sweep(&mut links, self.cursor, now)?;
                    self.cursor = cursor;
                    if ended > forgotten {
                        forgotten = ended;
                        ended.map(|end| marks.insert(FORGOTTEN, end)).transpose()?;
                    }
                    Answered::Sweep(links.len()?, reply)
                }
                // never among those that are gathered
                Job::Close(reply) | Job::Reopen(reply) => Answered::Change(reply),
            });
        }
        Ok(answered)
    }
}

fn read(
    links: &Table<'_, &'static [u8; 16], &'static [u8]>,
    link: LinkId,
) -> Result<Option<LinkState>, redb::Error> {
    let Some(row) = links.get(link.bytes())? else { return Ok(None) };
    let state = serde_json::from_slice(row.value());
    state.map(Some).map_err(|error| redb::Error::Corrupted(format!("the state of link `{link}`: {error}")))
}

/// Runs one step on the state of a link; what is blank afterwards is not kept.
fn step_on<T>(
    links: &mut Table<'_, &'static [u8; 16], &'static [u8]>,
    link: LinkId,
    step: impl FnOnce(&mut LinkState) -> T,
) -> Result<T, redb::Error> {
    let before = read(links, link)?;
    let mut state = before.clone().unwrap_or_default();
    let outcome = step(&mut state);
    if state.is_blank() {
        if before.is_some() {
            links.remove(link.bytes())?;
        }
    } else if before.as_ref() != Some(&state) {
        let text = serde_json::to_vec(&state).map_err(|error| redb::Error::Corrupted(error.to_string()))?;
        links.insert(link.bytes(), text.as_slice())?;
    }
    Ok(outcome)
}

fn is_in_force(text: &str, now: i64) -> bool {
    let entry = serde_json::from_str(text).ok().and_then(|value| Revocation::from_json(&value));
    entry.is_none_or(|entry| entry.forget_at().millis() > now)
}

/// Forgets expired links among the next few; gives where to go on, and the latest end of those.
fn sweep(
    links: &mut Table<'_, &'static [u8; 16], &'static [u8]>,
    from: [u8; 16],
    now: i64,
) -> Result<([u8; 16], Option<i64>), redb::Error> {
    let mut over = Vec::new();
    let (mut next, mut ended) = ([0; 16], None);
    for (seen, row) in links.range::<&[u8; 16]>(&from..)?.enumerate() {
        let (link, state) = row?;
        if seen == SWEPT {
            next = *link.value();
            break;
        }
        let state: Option<LinkState> = serde_json::from_slice(state.value()).ok();
        if let Some(state) = state.filter(|state| state.until <= now) {
            over.push(*link.value());
            ended = ended.max(Some(state.until));
        }
    }
    for link in over {
        links.remove(&link)?;
    }
    Ok((next, ended))
}

#[cfg(test)]
mod tests;
