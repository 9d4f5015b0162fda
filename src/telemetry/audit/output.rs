//! The file of an audit log: goes on with the chain that it finds there, and marks in the chain what is missing.
//! It must not write to a file that another process writes to, nor go on with a chain that is broken at its end.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Broken, Chain, NEW};
use super::{begin, push};
use crate::clock::Clock;
use crate::telemetry::access::Value;
use crate::telemetry::file::LogFile;
use crate::telemetry::writer::{Lines, Output};

/// The longest line that is looked for at the end of a file, in bytes: a request head, every byte of it escaped.
const LONGEST: u64 = 8 << 20;
/// How much of a line that was cut off is kept, in bytes.
const KEPT: usize = 4096;

/// Why an audit log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system does not let it.
    #[error("cannot write the audit log: {0}")]
    Io(#[from] io::Error),
    /// Somebody else does.
    #[error("another process writes the audit log `{0}`: give each gate a file of its own")]
    Locked(PathBuf),
    /// Its last line is not one.
    #[error(
        "the audit log `{path}` cannot be continued: its last line is broken ({error}); move the file away"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Broken,
    },
}

/// Lines that become links of a chain.
#[derive(Debug)]
pub(super) struct Chained {
    file: LogFile,
    clock: Arc<dyn Clock>,
    /// The chain as the file has it.
    written: Chain,
    /// The chain with the batch that is being made.
    chain: Chain,
    /// The beginning of a line that a crash has cut off.
    torn: Option<Vec<u8>>,
    /// Whether another process may have the file now.
    released: bool,
}

impl Chained {
    /// Opens the file and reads where its chain ends.
    pub(super) fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let mut file = LogFile::open(path)?;
        lock(&mut file)?;
        let (written, torn) = end(&mut file)?;
        Ok(Self { file, clock, written, chain: written, torn, released: false })
    }

    /// Takes the file up again, if nobody else has it: what was written meanwhile is part of the chain.
    fn take_back(&mut self) -> Result<(), OpenError> {
        lock(&mut self.file)?;
        (self.written, self.torn) = end(&mut self.file)?;
        self.released = false;
        Ok(())
    }

    /// Lines as links of the chain, which goes on from what is written: what the file did not take is not part of it.
    pub(super) fn batch(&mut self, lines: &Lines, lost: u64) -> Vec<u8> {
        let mut batch = Vec::new();
        self.notes(lost, &mut batch);
        lines.iter().for_each(|line| self.chain.push(line, &mut batch));
        batch
    }

    /// What there is to say before the lines of a batch.
    fn notes(&mut self, lost: u64, batch: &mut Vec<u8>) {
        self.chain = self.written;
        if self.file.follow() {
            // a file that was moved must not end the chain: whoever opens the new one finds where to go on
            self.note("continued", "", &Value::Absent, batch);
        }
        if let Some(torn) = self.torn.take() {
            let kept = torn.get(..KEPT).unwrap_or(&torn);
            self.note("recovered", "presign_gate.audit.cut_off", &Value::Foreign(kept), batch);
        }
        if lost > 0 {
            self.note("dropped", "presign_gate.audit.dropped", &Value::Number(lost), batch);
        }
    }

    /// A line about the log itself.
    fn note(&mut self, kind: &str, name: &str, value: &Value<'_>, batch: &mut Vec<u8>) {
        let mut body = Vec::new();
        begin(&mut body, kind);
        push(&mut body, "@timestamp", &Value::Time(self.clock.now()));
        push(&mut body, name, value);
        self.chain.push(&body, batch);
    }
}

impl Output for Chained {
    fn write(&mut self, lines: &Lines, lost: u64) -> io::Result<()> {
        if self.released {
            return if lines.is_empty() && lost == 0 {
                Ok(())
            } else {
                Err(io::ErrorKind::ResourceBusy.into())
            };
        }
        let batch = self.batch(lines, lost);
        if !batch.is_empty() {
            self.file.add(&batch)?;
        }
        self.written = self.chain;
        Ok(())
    }

    fn release(&mut self, released: bool) {
        if released {
            // a lock that stays keeps the other process from starting, which says so
            let _ = self.file.file().unlock();
            self.released = true;
        } else if self.released
            && let Err(error) = self.take_back()
        {
            log::error!("the audit log is not written any more: {error}");
        }
    }
}

fn lock(file: &mut LogFile) -> Result<(), OpenError> {
    match file.file().try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(file.path().to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Where the chain of a file ends, and the beginning of a line that a crash has cut off; that is taken out of the file.
fn end(file: &mut LogFile) -> Result<(Chain, Line), OpenError> {
    let (last, torn) = tail(file.file())?;
    let written = match last {
        Some(line) => Chain::ending_with(&line)
            .map_err(|error| OpenError::Broken { path: file.path().to_owned(), error })?,
        None => NEW,
    };
    if let Some(torn) = &torn {
        // kept in the next line, so that the file is whole and nothing is lost
        let length = file.file().metadata()?.len();
        let cut = u64::try_from(torn.len()).unwrap_or(u64::MAX);
        file.file().set_len(length.saturating_sub(cut))?;
    }
    Ok((written, torn))
}

/// A line, if there is one.
type Line = Option<Vec<u8>>;

/// The last whole line, without its line end, and what stands after it.
fn tail(file: &mut File) -> io::Result<(Line, Line)> {
    let length = file.metadata()?.len();
    let mut reach = 64 * 1024;
    loop {
        let start = length.saturating_sub(reach);
        file.seek(SeekFrom::Start(start))?;
        let mut end = Vec::new();
        file.take(length - start).read_to_end(&mut end)?;
        let whole = end.iter().rposition(|byte| *byte == b'\n');
        let (lines, torn) = end.split_at(whole.map_or(0, |at| at + 1));
        let line = lines.strip_suffix(b"\n").unwrap_or(lines);
        let begin = line.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        if begin.is_some() || start == 0 || reach > LONGEST {
            let last = line.get(begin.unwrap_or(0)..).unwrap_or_default();
            let last = whole.is_some().then(|| last.to_vec());
            return Ok((last, (!torn.is_empty()).then(|| torn.to_vec())));
        }
        reach *= 8;
    }
}
