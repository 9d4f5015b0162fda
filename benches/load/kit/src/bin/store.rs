//! A store that answers like S3 and costs little: `store ADDRESS`. The last segment of a path is the size of the object.
//! It must not look at anything else, and must read an upload to its end before it answers.

use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BLOCK: usize = 1024 * 1024;

/// The size that a name like `1k` or `64m` means.
fn size(name: &str) -> usize {
    let (digits, unit) = name.split_at(name.len().saturating_sub(1));
    let unit = match unit {
        "k" => 1024,
        "m" => 1024 * 1024,
        _ => 0,
    };
    digits.parse::<usize>().unwrap_or(0) * unit
}

fn head(status: &str, length: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n\
         x-amz-id-2: HmBDXqqi9e0X1Pe6a6Eu7n2bUF5ks0gzU8hI5bTHFLNzRbPvJ0hYwYQ1bXlQG3D2o2NsV6FmGgk=\r\n\
         x-amz-request-id: 8E2F1D0C9B4A7E63\r\n\
         Date: Thu, 15 Jan 2026 12:00:00 GMT\r\n\
         Last-Modified: Wed, 14 Jan 2026 09:30:00 GMT\r\n\
         ETag: \"9a0364b9e99bb480dd25e1f0284c8555\"\r\n\
         x-amz-server-side-encryption: AES256\r\n\
         Accept-Ranges: bytes\r\n\
         Content-Type: application/octet-stream\r\n\
         Content-Length: {length}\r\n\
         Server: AmazonS3\r\n\r\n"
    )
    .into_bytes()
}

fn content_length(head: &str) -> usize {
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    };
    head.lines().find_map(value).unwrap_or(0)
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let body = vec![b'.'; BLOCK];
    let mut input = Vec::with_capacity(64 * 1024);
    let mut sink = vec![0; 256 * 1024];
    loop {
        let end = loop {
            if let Some(at) = input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        };
        let request = String::from_utf8_lossy(&input[..end]).into_owned();
        let target = request.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let mut left = content_length(&request).saturating_sub(input.len() - end);
        input.clear();
        while left > 0 {
            match stream.read(&mut sink).await? {
                0 => return Ok(()),
                length => left = left.saturating_sub(length),
            }
        }
        if request.starts_with("PUT ") {
            stream.write_all(&head("200 OK", 0)).await?;
            continue;
        }
        let mut left = size(path.rsplit('/').next().unwrap_or_default());
        let mut first = head("200 OK", left);
        if left <= 64 * 1024 {
            first.extend_from_slice(&body[..left]);
            left = 0;
        }
        stream.write_all(&first).await?;
        while left > 0 {
            let length = left.min(BLOCK);
            stream.write_all(&body[..length]).await?;
            left -= length;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        // a connection that breaks is the affair of whoever broke it
        tokio::spawn(async move { serve(stream).await.ok() });
    }
}
