//! Writes log lines without ever making a request wait: a bounded queue and one thread.
//! It must not block, and must count every line that it loses.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::file::LogFile;
use super::metrics::DropCounter;

/// The lines that wait at most.
const QUEUE: usize = 8192;
/// The thread is woken at once for so many bytes.
const BATCH: usize = 128 * 1024;
/// Else it lets lines gather for so long, and as long as there are any it looks for more of them by itself: to wake it costs
/// more than to make a line.
const GATHER: Duration = Duration::from_millis(10);
/// The room for a line that a thread keeps.
const KEPT_LINE: usize = 8 * 1024;
/// How long after its file was moved a log without lines opens the new one.
const LOOK: Duration = Duration::from_secs(5);

/// Where the thread puts lines.
pub trait Output: Send {
    /// Writes lines, after so many were lost since the ones before; none when it is time to look after the file.
    ///
    /// # Errors
    /// All of them count as lost then.
    fn write(&mut self, lines: &Lines, lost: u64) -> io::Result<()>;

    /// Lets another process write, or takes that back, which the next lines do as well if they can.
    fn release(&mut self, _released: bool) {}
}

/// Lines as they are.
struct Plain<W>(W);

impl<W: Write + Send> Output for Plain<W> {
    fn write(&mut self, lines: &Lines, _lost: u64) -> io::Result<()> {
        self.0.write_all(&lines.bytes)?;
        self.0.flush()
    }
}

/// Lines as they are, in a file that is followed by its name.
impl Output for LogFile {
    fn write(&mut self, lines: &Lines, _lost: u64) -> io::Result<()> {
        self.follow();
        if lines.is_empty() { Ok(()) } else { self.add(&lines.bytes) }
    }
}

/// A log that lines are sent to.
#[derive(Debug)]
pub struct LineWriter {
    /// `None`: lines are not wanted.
    shared: Option<Arc<Shared>>,
    dropped: DropCounter,
}

/// What the two sides share.
#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to do for the thread.
    work: Condvar,
    /// It has done something.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    lines: Lines,
    /// What [`Output::release`] is to be told after them.
    release: Option<bool>,
    /// Lines and such orders that were ever taken in.
    accepted: u64,
    /// Of these, what the thread has dealt with.
    finished: u64,
    /// The lines that were lost and that the output has not been told of.
    lost: u64,
    /// Somebody waits for the lines to be written.
    hurry: bool,
    /// The thread looks only when it is woken.
    asleep: bool,
    /// Nobody can send any more.
    closed: bool,
}

/// Lines one behind the other, and where each ends.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    /// Adds one, with its line end.
    pub fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins.zip(&self.ends).filter_map(|(begin, end)| self.bytes.get(*begin..*end))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `Queue` is no longer so, or the time is up.
    fn wait<'q>(
        condition: &Condvar,
        queue: MutexGuard<'q, Queue>,
        time: Duration,
        holds: impl FnMut(&mut Queue) -> bool,
    ) -> MutexGuard<'q, Queue> {
        condition.wait_timeout_while(queue, time, holds).unwrap_or_else(PoisonError::into_inner).0
    }
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

    /// Lines to standard error.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn stderr(dropped: DropCounter) -> io::Result<Self> {
        Self::start(Box::new(Plain(io::stderr())), dropped)
    }

    /// No lines at all.
    #[must_use]
    pub const fn nowhere(dropped: DropCounter) -> Self {
        Self { shared: None, dropped }
    }

    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(output: Box<dyn Output>, dropped: DropCounter) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let worker = Worker { shared: Arc::clone(&shared), output, dropped: dropped.clone() };
        std::thread::Builder::new().name("log-writer".to_owned()).spawn(|| worker.run())?;
        Ok(Self { shared: Some(shared), dropped })
    }

    /// Whether lines are wanted; if not there is no need to make them.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.shared.is_some()
    }

    /// Sends a line that is made in a buffer of the thread.
    pub fn write_with(&self, make: impl FnOnce(&mut Vec<u8>)) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            line.shrink_to(KEPT_LINE);
            make(line);
            self.write(line);
        });
    }

    /// Sends a line; drops and counts it if too many are waiting.
    pub fn write(&self, line: &[u8]) {
        let Some(shared) = &self.shared else { return };
        let mut queue = shared.lock();
        if queue.lines.ends.len() >= QUEUE {
            queue.lost += 1;
            drop(queue);
            self.dropped.add(1);
            return;
        }
        let before = queue.lines.bytes.len();
        queue.lines.push(line);
        let after = queue.lines.bytes.len();
        queue.accepted += 1;
        // the first begins the gathering, and the one that makes a batch full ends it
        let wakes = std::mem::take(&mut queue.asleep) || (before < BATCH && after >= BATCH);
        drop(queue);
        if wakes {
            shared.work.notify_one();
        }
    }

    /// Has what waits written at once: the next line may come much later, and somebody may be looking.
    pub fn hurry(&self) {
        if let Some(shared) = &self.shared {
            shared.lock().hurry = true;
            shared.work.notify_one();
        }
    }

    /// Lets another process write, once what was sent before is written, or takes that back. Waits for it, but not for
    /// long; gives whether it is done.
    #[must_use]
    pub fn release(&self, released: bool, timeout: Duration) -> bool {
        let Some(shared) = &self.shared else { return true };
        let mut queue = shared.lock();
        // an order that was not looked at yet is taken back with it
        if queue.release.replace(released).is_none() {
            queue.accepted += 1;
        }
        drop(queue);
        self.flush(timeout)
    }

    /// Waits until every line that was sent before is written, or dropped because it could not be.
    ///
    /// Returns whether that was so before the timeout: a reader that does not read must not keep the gate from ending.
    #[must_use]
    pub fn flush(&self, timeout: Duration) -> bool {
        let Some(shared) = &self.shared else { return true };
        let mut queue = shared.lock();
        let accepted = queue.accepted;
        queue.hurry = true;
        shared.work.notify_one();
        Shared::wait(&shared.done, queue, timeout, |queue| queue.finished < accepted).finished >= accepted
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.lock().closed = true;
            shared.work.notify_one();
        }
    }
}

/// The thread's side.
struct Worker {
    shared: Arc<Shared>,
    output: Box<dyn Output>,
    dropped: DropCounter,
}

impl Worker {
    /// Writes what waits, batch by batch, until nobody can send any more.
    fn run(mut self) {
        let mut lines = Lines::default();
        while let Some((lost, release)) = self.gather(&mut lines) {
            let sent = u64::try_from(lines.ends.len()).unwrap_or(0);
            // the next batch may succeed, when the disk has room again
            if self.output.write(&lines, lost).is_err() {
                self.dropped.add(sent);
                self.shared.lock().lost += lost + sent;
            }
            release.inspect(|released| self.output.release(*released));
            let mut queue = self.shared.lock();
            queue.finished = queue.finished.saturating_add(sent + u64::from(release.is_some()));
            self.shared.done.notify_all();
            drop(queue);
            lines.clear();
        }
    }

    /// Waits for lines, and then for more of them; gives how many were lost meanwhile and what the output is to be told
    /// after them, and `None` when all is done. No lines: it is time to look after the file.
    fn gather(&self, lines: &mut Lines) -> Option<(u64, Option<bool>)> {
        let idle = |queue: &mut Queue| queue.lines.is_empty() && queue.release.is_none() && !queue.closed;
        let more = |queue: &mut Queue| queue.lines.bytes.len() < BATCH && !queue.closed && !queue.hurry;
        let mut queue = Shared::wait(&self.shared.work, self.shared.lock(), GATHER, more);
        if idle(&mut queue) {
            // nobody is busy
            queue.asleep = true;
            queue = Shared::wait(&self.shared.work, queue, LOOK, idle);
            queue.asleep = false;
            queue = Shared::wait(&self.shared.work, queue, GATHER, |queue| {
                !queue.lines.is_empty() && more(queue)
            });
        }
        if queue.lines.is_empty() && queue.closed && queue.release.is_none() {
            return None;
        }
        queue.hurry = false;
        std::mem::swap(&mut queue.lines, lines);
        Some((std::mem::take(&mut queue.lost), queue.release.take()))
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
        permits: mpsc::Receiver<bool>,
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
                log.write(format!("{round} {number}\n").as_bytes());
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
        log.write(b"line\n");
        assert!(!log.is_on() && log.flush(Duration::ZERO) && log.dropped.get() == 0);
    }

    #[test]
    fn a_file_that_was_moved_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("access.jsonl"), folder.path().join("access.jsonl.1"));
        let log = LineWriter::file(&path, counter()).unwrap();
        for (line, before) in [("one\n", None), ("two\n", Some(&old))] {
            before.inspect(|old| std::fs::rename(&path, old).unwrap());
            log.write(line.as_bytes());
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
            log.write(b"0123456789\n");
        }
        let lost = dropped.get();
        assert!(lost >= sent - 2 * 8192 && lost < sent, "{lost}");
        assert!(!log.flush(Duration::ZERO));
        let _ = (0..sent).try_for_each(|_| permit.send(true));
        assert!(log.flush(SOON));
        let bytes: usize = output.try_iter().map(|batch| batch.len()).sum();
        assert_eq!(u64::try_from(bytes).unwrap(), 11 * (sent - lost));
    }

    /// Waits until the thread looks only when it is woken.
    fn wait_until_asleep(log: &LineWriter) {
        let shared = log.shared.as_ref().unwrap();
        let watch = crate::clock::Stopwatch::start();
        while !shared.lock().asleep {
            assert!(watch.elapsed() < SOON);
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_line_after_a_pause_wakes_the_thread() {
        let ((permit, permits), (written, output)) = (mpsc::channel(), mpsc::channel());
        let log = LineWriter::start(Box::new(Plain(Gated { permits, written })), counter()).unwrap();
        for line in ["one\n", "two\n"] {
            wait_until_asleep(&log);
            permit.send(true).unwrap();
            log.write(line.as_bytes());
            // by itself it would look at the file after this time, and find the line then
            assert_eq!(output.recv_timeout(LOOK / 2).as_deref(), Ok(line.as_bytes()));
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_later_ones_are_tried() {
        let ((permit, permits), (written, output)) = (mpsc::channel(), mpsc::channel());
        let dropped = counter();
        let log = LineWriter::start(Box::new(Plain(Gated { permits, written })), dropped.clone()).unwrap();
        permit.send(false).unwrap();
        log.write(b"lost\n");
        assert!(log.flush(SOON));
        assert_eq!(dropped.get(), 1);
        permit.send(true).unwrap();
        log.write(b"kept\n");
        assert!(log.flush(SOON));
        assert_eq!((dropped.get(), output.recv().unwrap()), (1, b"kept\n".to_vec()));
    }
}
