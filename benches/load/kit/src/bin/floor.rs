//! The least that any relay on this runtime costs: `floor ADDRESS UPSTREAM`. It finds the end of a head, passes the bytes on
//! as they are, and the answer back; one thread, connections to the store kept.
//! It must not check, change, count or write anything: what it costs is the kernel's work and the runtime's.

use std::cell::RefCell;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

thread_local! {
    static IDLE: RefCell<Vec<TcpStream>> = const { RefCell::new(Vec::new()) };
}

/// Where the head ends.
fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// What `Content-Length` says, of a head.
fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length:";
    let value = |line: &[u8]| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        let digits = std::str::from_utf8(value).ok()?.trim();
        name.eq_ignore_ascii_case(NAME).then(|| digits.parse().ok())?
    };
    head.split(|byte| *byte == b'\n').find_map(value).unwrap_or(0)
}

/// Reads until the head is whole; gives its end, or `None` if nothing more comes.
async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
    loop {
        if let Some(end) = head_end(buffer) {
            return Ok(Some(end));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

async fn serve(mut client: TcpStream, upstream: &str) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        buffer.clear();
        if read_head(&mut client, &mut buffer).await?.is_none() {
            return Ok(());
        }
        let mut store = match IDLE.with_borrow_mut(Vec::pop) {
            Some(store) => store,
            None => TcpStream::connect(upstream).await?,
        };
        store.write_all(&buffer).await?;
        buffer.clear();
        let Some(end) = read_head(&mut store, &mut buffer).await? else { return Ok(()) };
        let mut left = content_length(&buffer[..end]).saturating_sub(buffer.len() - end);
        client.write_all(&buffer).await?;
        while left > 0 {
            buffer.clear();
            match store.read_buf(&mut buffer).await? {
                0 => return Ok(()),
                length => left = left.saturating_sub(length),
            }
            client.write_all(&buffer).await?;
        }
        IDLE.with_borrow_mut(|idle| idle.push(store));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(upstream)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: floor ADDRESS UPSTREAM");
        std::process::exit(64);
    };
    let upstream: &'static str = upstream.leak();
    let listener = TcpListener::bind(address).await?;
    loop {
        let (client, _) = listener.accept().await?;
        // a connection that breaks is the affair of whoever broke it
        tokio::spawn(async move { serve(client, upstream).await.ok() });
    }
}
