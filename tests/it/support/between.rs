//! A TCP proxy that stands between two programs of a test and forwards as badly as it is told to.
//! It must not close what it was not told to close: a partition leaves both sides waiting.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How bytes go on, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As they come.
    Whole,
    /// One byte a write, and a packet for each.
    Bytes,
    /// As they come, each piece so much later.
    Late(Duration),
    /// Not at all, until the manner changes; ends of streams wait as well.
    Cut,
}

#[derive(Debug)]
struct Shared {
    manner: Mutex<Manner>,
    changed: Condvar,
    writes: AtomicUsize,
}

/// A running proxy.
#[derive(Debug)]
pub struct Between {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Between {
    /// Forwards to this address.
    #[track_caller]
    pub fn start(to: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            manner: Mutex::new(manner),
            changed: Condvar::new(),
            writes: AtomicUsize::new(0),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // whoever is gone behind it is gone in front of it
                let Ok(far) = TcpStream::connect(to) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    to.set_nodelay(true).unwrap();
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = Arc::clone(&server);
                    std::thread::spawn(move || shared.pump(from, to));
                }
            }
        });
        Self { address, shared }
    }

    /// How often something was forwarded.
    pub fn writes(&self) -> usize {
        self.shared.writes.load(Ordering::Relaxed)
    }

    /// From now on.
    pub fn set(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
        self.shared.changed.notify_all();
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        // what waits may end
        *self.shared.manner.lock().unwrap_or_else(PoisonError::into_inner) = Manner::Whole;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// The manner, once it is not to wait.
    fn manner(&self) -> Manner {
        let manner = self.manner.lock().unwrap();
        *self.changed.wait_while(manner, |manner| *manner == Manner::Cut).unwrap()
    }

    fn write(&self, to: &mut TcpStream, piece: &[u8]) -> std::io::Result<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        to.write_all(piece)
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16_384];
        loop {
            let length = from.read(&mut buffer).unwrap_or(0);
            let manner = self.manner();
            let piece = &buffer[..length];
            let sent = match manner {
                Manner::Bytes => piece.iter().try_for_each(|byte| self.write(&mut to, &[*byte])),
                Manner::Late(time) => {
                    std::thread::park_timeout(time);
                    self.write(&mut to, piece)
                }
                Manner::Whole | Manner::Cut => self.write(&mut to, piece),
            };
            if length == 0 || sent.is_err() {
                break;
            }
        }
        let _ = (to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read));
    }
}
