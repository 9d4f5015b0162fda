//! Requests at a fixed rate, whether earlier ones were answered or not: `pace ADDRESS REQUESTS RATE SECONDS CONNECTIONS`.
//! Prints the percentiles of the time from when a request was due. It must not wait for a slow answer before it counts.

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Reads one answer that has a `Content-Length`; gives its status.
async fn answer(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<u16> {
    input.clear();
    let (end, length) = loop {
        if stream.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(at) = input.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&input[..at]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        break (at + 4, length.unwrap_or(0_usize));
    };
    while input.len() < end + length {
        if stream.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&input[9..12]).parse().unwrap_or(0))
}

async fn client(
    mut stream: TcpStream,
    requests: Rc<Vec<Vec<u8>>>,
    mut due: mpsc::UnboundedReceiver<(usize, Instant)>,
    taken: Rc<RefCell<(Vec<Duration>, u64)>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::with_capacity(64 * 1024);
    while let Some((number, at)) = due.recv().await {
        stream.write_all(&requests[number % requests.len()]).await?;
        let status = answer(&mut stream, &mut input).await?;
        let mut taken = taken.borrow_mut();
        taken.0.push(at.elapsed());
        taken.1 += u64::from(status != 200);
    }
    Ok(())
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe; the descriptor is owned and open as long as this is"
)]
fn ticks(rate: u64) -> io::Result<AsyncFd<std::os::fd::OwnedFd>> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let every = Timespec { tv_sec: 0, tv_nsec: (1_000_000_000 / rate.max(2)).cast_signed() };
    let spec = Itimerspec { it_interval: every, it_value: every };
    rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
    AsyncFd::new(timer)
}

async fn run(
    address: String,
    requests: Vec<Vec<u8>>,
    rate: u64,
    seconds: u64,
    connections: usize,
) -> io::Result<()> {
    let taken = Rc::new(RefCell::new((Vec::new(), 0)));
    let requests = Rc::new(requests);
    let mut clients = Vec::new();
    for _ in 0..connections {
        let (sender, due) = mpsc::unbounded_channel();
        let stream = TcpStream::connect(&address).await?;
        let work = client(stream, Rc::clone(&requests), due, Rc::clone(&taken));
        clients.push((sender, tokio::task::spawn_local(work)));
    }
    let timer = ticks(rate)?;
    let every = Duration::from_nanos(1_000_000_000 / rate.max(2));
    let (mut due, mut sent) = (Instant::now(), 0_usize);
    let end = due + Duration::from_secs(seconds);
    while due < end {
        let mut ready = timer.readable().await?;
        let mut count = [0_u8; 8];
        if rustix::io::read(&timer, &mut count).is_err() {
            ready.clear_ready();
            continue;
        }
        for _ in 0..u64::from_ne_bytes(count) {
            due += every;
            // a client that is gone shows below
            let _ = clients[sent % connections].0.send((sent, due));
            sent += 1;
        }
    }
    for (sender, work) in clients {
        drop(sender);
        work.await??;
    }
    let (mut taken, refused) = taken.take();
    taken.sort_unstable();
    let at = |share: f64| {
        let index = ((taken.len() as f64) * share) as usize;
        taken.get(index.min(taken.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!(
        "{{\"requests\":{},\"refused\":{refused},\"p50\":{:.1},\"p99\":{:.1},\"p999\":{:.1}}}",
        taken.len(),
        at(0.5),
        at(0.99),
        at(0.999)
    );
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file, rate, seconds, connections] = arguments.as_slice() else {
        eprintln!("usage: pace ADDRESS REQUESTS RATE SECONDS CONNECTIONS");
        std::process::exit(64);
    };
    let number = |text: &String| text.parse::<u64>().unwrap_or(1);
    // each line is a target
    let targets = std::fs::read_to_string(file)?;
    let requests = targets
        .lines()
        .map(|target| format!("GET {target} HTTP/1.1\r\nHost: s3.test\r\n\r\n").into_bytes())
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = run(address.clone(), requests, number(rate), number(seconds), number(connections) as usize);
    tokio::task::LocalSet::new().block_on(&runtime, work)
}
