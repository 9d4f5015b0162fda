//! A strict HTTP/1.1 origin on a free port that keeps every byte it receives and answers as told.
//! It must not accept what a strict origin would refuse: a violation fails the test that owns it.

use super::leaks::Watch;
use super::message::{self, Broken, Framing, Reader};
use super::pattern;
use super::recorded::{Record, Recording};
use super::reply::{self, Reply, Step};
use super::time::{Deadline, PATIENCE};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

type Script = Box<dyn Fn(&Record) -> Reply + Send + Sync>;

struct Shared {
    recording: Mutex<Recording>,
    changed: Condvar,
    script: Script,
    keep_bodies: bool,
}

/// A running origin. Dropping it fails the test if something that is not HTTP/1.1 reached it.
pub struct Upstream {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Upstream {
    /// Answers every request as `script` says for its head.
    pub fn scripted(script: impl Fn(&Record) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Box::new(script), true)
    }

    /// Answers every request the same.
    pub fn always(reply: Reply) -> Self {
        Self::scripted(move |_| reply.clone())
    }

    /// Answers every request `200 OK`, with the body `ok` except to HEAD.
    pub fn ok() -> Self {
        Self::scripted(|request| match request.method.as_str() {
            "HEAD" => reply::bare("200 OK", &[("Content-Length", "2"), ("ETag", "\"abc\"")]),
            _ => reply::ok("ok"),
        })
    }

    /// As [`Self::always`], but bodies are only compared with the pattern and counted.
    pub fn discarding(reply: Reply) -> Self {
        Self::start(Box::new(move |_| reply.clone()), false)
    }

    fn start(script: Script, keep_bodies: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let recording = Mutex::new(Recording::default());
        let shared = Arc::new(Shared { recording, changed: Condvar::new(), script, keep_bodies });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&server);
                let number = {
                    let mut recording = shared.recording.lock().unwrap();
                    recording.wire.push(Vec::new());
                    recording.wire.len() - 1
                };
                std::thread::spawn(move || connection(&shared, stream.unwrap(), number));
            }
        });
        Self { address, shared }
    }

    /// The `endpoint` of a config.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything seen so far.
    pub fn recording(&self) -> MutexGuard<'_, Recording> {
        self.shared.recording.lock().unwrap()
    }

    /// Waits until `condition` holds for what was seen.
    #[track_caller]
    pub fn wait(&self, condition: impl Fn(&Recording) -> bool) -> MutexGuard<'_, Recording> {
        let deadline = Deadline::after(PATIENCE);
        let guard = self.recording();
        let (guard, result) =
            self.shared.changed.wait_timeout_while(guard, deadline.left(), |seen| !condition(seen)).unwrap();
        assert!(!result.timed_out(), "the upstream saw only {:?}", guard.requests);
        guard
    }

    /// The one request that was received, whole.
    #[track_caller]
    pub fn only_request(&self) -> Record {
        let seen = self.wait(|seen| seen.requests.iter().any(|request| request.complete));
        assert_eq!(seen.requests.len(), 1, "{:?}", seen.requests);
        seen.requests[0].clone()
    }

    /// Fails if a single byte reached the upstream.
    #[track_caller]
    pub fn assert_untouched(&self) {
        let seen = self.recording();
        assert!(seen.wire.iter().all(Vec::is_empty), "the upstream saw {:?}", seen.requests);
    }

    /// Fails if a whole request reached the upstream.
    #[track_caller]
    pub fn assert_nothing_completed(&self) {
        let seen = self.recording();
        assert!(
            seen.requests.iter().all(|request| !request.complete),
            "the upstream saw {:?}",
            seen.requests
        );
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let violations = std::mem::take(&mut self.recording().violations);
            assert!(violations.is_empty(), "the upstream was sent what is not HTTP/1.1: {violations:?}");
            let mut watch = Watch::default();
            watch.config("", Path::new(""));
            let recording = self.recording();
            let mut spans = recording.requests.iter().filter(|request| request.path() == "/v1/traces");
            let found = spans.find_map(|request| watch.leak(&request.body));
            assert!(found.is_none(), "a collector was sent a signature or a secret: {found:?}");
        }
    }
}

impl Shared {
    fn update(&self, change: impl FnOnce(&mut Recording)) {
        change(&mut self.recording.lock().unwrap());
        self.changed.notify_all();
    }

    fn keep_wire(&self, number: usize, reader: &mut Reader) {
        let bytes = reader.take_kept();
        self.update(|seen| seen.wire[number].extend(bytes));
    }
}

fn connection(shared: &Shared, stream: TcpStream, number: usize) {
    stream.set_nodelay(true).unwrap();
    let mut reader = Reader::new(stream, Deadline::after(PATIENCE));
    if shared.keep_bodies {
        reader.keep();
    }
    loop {
        // a pooled connection may rest for as long as the test runs
        reader.extend(Deadline::after(PATIENCE * 30));
        let result = exchange(shared, &mut reader, number);
        shared.keep_wire(number, &mut reader);
        if let Err(Broken::Syntax(text)) = &result {
            shared.update(|seen| seen.violations.push(text.clone()));
        }
        if result != Ok(true) {
            break;
        }
    }
    shared.update(|seen| seen.closed += 1);
}

/// One request and its answer; whether the connection goes on.
fn exchange(shared: &Shared, reader: &mut Reader, number: usize) -> Result<bool, Broken> {
    let head = reader.head()?;
    let framing = message::framing(&head.headers)?.unwrap_or(Framing::None);
    let record = Record::new(number, head, framing).map_err(Broken::Syntax)?;
    let steps = (shared.script)(&record);
    shared.keep_wire(number, reader);
    let mut index = 0;
    shared.update(|seen| {
        index = seen.requests.len();
        seen.requests.push(record);
        seen.requests[index].complete = matches!(framing, Framing::None | Framing::Length(0));
    });
    let mut body_read = matches!(framing, Framing::None | Framing::Length(0));
    for step in steps {
        match step {
            Step::ReadBody if body_read => {}
            Step::ReadBody => {
                read_body(shared, reader, index, framing)?;
                body_read = true;
            }
            Step::Send(bytes) => {
                if reader.stream.write_all(&bytes).is_err() {
                    return Ok(false);
                }
            }
            Step::SendPattern(length) => {
                if pattern::write(&mut reader.stream, length) < length {
                    return Ok(false);
                }
            }
            Step::Wait(latch) => {
                if !latch.wait() {
                    return Ok(false);
                }
            }
            Step::Close => return Ok(false),
        }
    }
    Ok(body_read)
}

fn read_body(shared: &Shared, reader: &mut Reader, index: usize, framing: Framing) -> Result<(), Broken> {
    let mut length = 0;
    reader.body(framing, &mut |piece| {
        let is_pattern = pattern::is_at(length, piece);
        length += piece.len() as u64;
        shared.update(|seen| {
            let record = &mut seen.requests[index];
            record.body_is_pattern &= is_pattern;
            record.body_length = length;
            if shared.keep_bodies {
                record.body.extend_from_slice(piece);
            }
        });
    })?;
    shared.update(|seen| seen.requests[index].complete = true);
    Ok(())
}
