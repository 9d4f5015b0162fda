//! Writes log lines without ever making a request wait: a bounded queue and one thread.
//! It must not block, and must count every line that it loses.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::file::LogFile;
use super::metrics::DropCounter;

/// The lines that wait at most.
const QUEUE: usize = 8192;
/// The bytes that are written at once, as far as lines are waiting.
const BATCH: usize = 64 * 1024;
/// How long after its file was moved a log without lines opens the new one.
const LOOK: Duration = Duration::from_secs(5);

/// Where the thread puts lines.
pub trait Output: Send {
    /// Begins a batch, after so many lines were lost since the one before.
    fn begin(&mut self, _lost: u64, _batch: &mut Vec<u8>) {}

    /// Puts a line into the batch.
    fn add(&mut self, line: &[u8], batch: &mut Vec<u8>) {
        batch.extend_from_slice(line);
    }

    /// Writes the batch.
    ///
    /// # Errors
    /// All lines of the batch count as lost then.
    fn write(&mut self, batch: &[u8]) -> io::Result<()>;

    /// Lets another process write, or takes that back, which the next lines do as well if they can.
    fn release(&mut self, _released: bool) {}
}

/// Lines as they are.
struct Plain<W>(W);

impl<W: Write + Send> Output for Plain<W> {
    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        self.0.write_all(batch)?;
        self.0.flush()
    }
}

/// Lines as they are, in a file that is followed by its name.
impl Output for LogFile {
    fn begin(&mut self, _lost: u64, _batch: &mut Vec<u8>) {
        self.follow();
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        Self::add(self, batch)
    }
}

/// What the thread is sent.
enum Item {
    Line(Vec<u8>),
    Release(bool),
}

/// A log that lines are sent to.
#[derive(Debug)]
pub struct LineWriter {
    /// `None`: lines are not wanted.
    queue: Option<SyncSender<Item>>,
    accepted: AtomicU64,
    done: Arc<Done>,
    dropped: DropCounter,
}

/// What the two sides tell each other.
#[derive(Debug, Default)]
struct Done {
    /// The lines that the thread has dealt with.
    lines: Mutex<u64>,
    changed: Condvar,
    /// The lines that were lost and that the output has not been told of.
    lost: AtomicU64,
}

impl LineWriter {
    /// Lines to a file.
    ///
    /// # Errors
    /// If the file cannot be opened or the thread not be started.
    pub fn file(path: &Path, dropped: DropCounter) -> io::Result<Self> {
        Self::start(Box::new(LogFile::open(path)?), dropped)
    }

    /// Lines to standard output.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn stdout(dropped: DropCounter) -> io::Result<Self> {
        Self::start(Box::new(Plain(io::stdout())), dropped)
    }

    /// No lines at all.
    #[must_use]
    pub fn nowhere(dropped: DropCounter) -> Self {
        Self { queue: None, accepted: AtomicU64::new(0), done: Arc::default(), dropped }
    }

    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(output: Box<dyn Output>, dropped: DropCounter) -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let done = Arc::new(Done::default());
        let worker = Worker { lines, output, done: Arc::clone(&done), dropped: dropped.clone() };
        std::thread::Builder::new().name("log-writer".to_owned()).spawn(|| worker.run())?;
        Ok(Self { queue: Some(queue), accepted: AtomicU64::new(0), done, dropped })
    }

    /// Whether lines are wanted; if not there is no need to make them.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Sends a line; drops and counts it if too many are waiting.
    pub fn write(&self, line: Vec<u8>) {
        let Some(queue) = &self.queue else { return };
        match queue.try_send(Item::Line(line)) {
            Ok(()) => {
                self.accepted.fetch_add(1, Ordering::Release);
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.add(1);
                self.done.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Lets another process write, once what was sent before is written, or takes that back. Waits for it, but not for
    /// long; gives whether it is done.
    pub fn release(&self, released: bool, timeout: Duration) -> bool {
        let Some(queue) = &self.queue else { return true };
        if queue.try_send(Item::Release(released)).is_err() {
            return false;
        }
        self.accepted.fetch_add(1, Ordering::Release);
        self.flush(timeout)
    }

    /// Waits until every line that was sent before is written, or dropped because it could not be.
    ///
    /// Returns whether that was so before the timeout: a reader that does not read must not keep the gate from ending.
    pub fn flush(&self, timeout: Duration) -> bool {
        let accepted = self.accepted.load(Ordering::Acquire);
        let lines = self.done.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.done.changed.wait_timeout_while(lines, timeout, |done| *done < accepted);
        let (lines, _) = wait.unwrap_or_else(PoisonError::into_inner);
        *lines >= accepted
    }
}

/// The thread's side.
struct Worker {
    lines: Receiver<Item>,
    output: Box<dyn Output>,
    done: Arc<Done>,
    dropped: DropCounter,
}

impl Worker {
    /// Writes what waits, batch by batch, until nobody can send any more.
    fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let first = match self.lines.recv_timeout(LOOK) {
                Ok(item) => Some(item),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let count = self.batch(first, &mut batch);
            batch.clear();
            let mut lines = self.done.lines.lock().unwrap_or_else(PoisonError::into_inner);
            *lines += count;
            self.done.changed.notify_all();
        }
    }

    /// Writes one batch; gives the number of items that it took off the queue.
    fn batch(&mut self, first: Option<Item>, batch: &mut Vec<u8>) -> u64 {
        let lost = self.done.lost.swap(0, Ordering::Relaxed);
        self.output.begin(lost, batch);
        let (mut count, mut release) = (0, None);
        let mut next = first;
        while let Some(item) = next {
            count += 1;
            match item {
                Item::Line(line) => self.output.add(&line, batch),
                Item::Release(released) => {
                    release = Some(released);
                    break;
                }
            }
            next = if batch.len() < BATCH { self.lines.try_recv().ok() } else { None };
        }
        // the next batch may succeed, when the disk has room again
        if !batch.is_empty() && self.output.write(batch).is_err() {
            let lines = count - u64::from(release.is_some());
            self.dropped.add(lines);
            self.done.lost.fetch_add(lost + lines, Ordering::Relaxed);
        }
        if let Some(released) = release {
            self.output.release(released);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::telemetry::metrics::{Metrics, MetricsConfig};

    const SOON: Duration = Duration::from_secs(20);

    fn counter() -> DropCounter {
        Metrics::new(&MetricsConfig::default()).unwrap().log_dropped()
    }

    /// An output that takes a batch only when it is told to, and fails when it is told to.
    struct Gated {
        permits: Receiver<bool>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.permits.recv() != Ok(true) {
                return Err(io::Error::other("told to fail"));
            }
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_reach_the_file_in_order_and_are_appended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        for round in 0..2 {
            let log = LineWriter::file(&path, counter()).unwrap();
            for number in 0..500 {
                log.write(format!("{round} {number}\n").into_bytes());
            }
            assert!(log.flush(SOON));
        }
        let expected: String =
            (0..2).flat_map(|round| (0..500).map(move |n| format!("{round} {n}\n"))).collect();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn nowhere_takes_everything_at_once() {
        let log = LineWriter::nowhere(counter());
        log.write(b"line\n".to_vec());
        assert!(!log.is_on() && log.flush(Duration::ZERO) && log.dropped.get() == 0);
    }

    #[test]
    fn a_file_that_was_moved_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("access.jsonl"), folder.path().join("access.jsonl.1"));
        let log = LineWriter::file(&path, counter()).unwrap();
        for (line, before) in [("one\n", None), ("two\n", Some(&old))] {
            before.inspect(|old| std::fs::rename(&path, old).unwrap());
            log.write(line.as_bytes().to_vec());
            assert!(log.flush(SOON));
        }
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
    }

    #[test]
    fn a_blocked_output_drops_and_counts_and_does_not_block() {
        let ((permit, permits), (written, output)) = (mpsc::channel(), mpsc::channel());
        let dropped = counter();
        let log = LineWriter::start(Box::new(Plain(Gated { permits, written })), dropped.clone()).unwrap();
        let sent: u64 = 3 * 8192;
        for _ in 0..sent {
            log.write(b"0123456789\n".to_vec());
        }
        let lost = dropped.get();
        assert!(lost >= sent - 2 * 8192 && lost < sent, "{lost}");
        assert!(!log.flush(Duration::ZERO));
        let _ = (0..sent).try_for_each(|_| permit.send(true));
        assert!(log.flush(SOON));
        let bytes: usize = output.try_iter().map(|batch| batch.len()).sum();
        assert_eq!(u64::try_from(bytes).unwrap(), 11 * (sent - lost));
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_later_ones_are_tried() {
        let ((permit, permits), (written, output)) = (mpsc::channel(), mpsc::channel());
        let dropped = counter();
        let log = LineWriter::start(Box::new(Plain(Gated { permits, written })), dropped.clone()).unwrap();
        permit.send(false).unwrap();
        log.write(b"lost\n".to_vec());
        assert!(log.flush(SOON));
        assert_eq!(dropped.get(), 1);
        permit.send(true).unwrap();
        log.write(b"kept\n".to_vec());
        assert!(log.flush(SOON));
        assert_eq!((dropped.get(), output.recv().unwrap()), (1, b"kept\n".to_vec()));
    }
}
