//! A client that sends exactly the bytes it is given and reads answers strictly, with a deadline.
//! It must not add, fold or normalise anything: what a library would repair is what has to be tested.

use super::message::{self, Broken, Framing, Headers, Reader, Wire};
use super::time::{Deadline, PATIENCE};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use tokio::net::TcpSocket;

/// One answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub framing: Framing,
    pub body: Vec<u8>,
    /// The statuses of the interim answers before it.
    pub interim: Vec<u16>,
}

impl Response {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of an element of an S3 error body.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }

    /// Fails unless this is an S3 error with this status and code, in the form S3 gives it.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        let seen = (self.status, self.element("Code"));
        assert_eq!(seen, (status, Some(code.to_owned())), "{}", self.text());
        assert_eq!(self.headers.get("content-type"), Some("application/xml"));
        assert!(
            self.text().starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"),
            "{}",
            self.text()
        );
        assert!(self.text().ends_with("</HostId></Error>"), "{}", self.text());
        let id = self.headers.get("x-amz-request-id").expect("x-amz-request-id");
        assert_eq!(self.element("RequestId").as_deref(), Some(id));
        assert!(self.headers.has("x-amz-id-2") && self.headers.has("date"), "{:?}", self.headers);
    }
}

/// One connection.
#[derive(Debug)]
pub struct Client<S = TcpStream> {
    reader: Reader<S>,
}

impl Client {
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("a connection")
    }

    /// Connects to what may be gone.
    pub fn try_connect(address: SocketAddr) -> Result<Self, Broken> {
        let deadline = Deadline::after(PATIENCE);
        let stream = TcpStream::connect_timeout(&address, deadline.left()).map_err(|_| Broken::Closed)?;
        Ok(Self::plain(stream))
    }

    /// Connects from this address.
    #[track_caller]
    pub fn connect_from(source: IpAddr, address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = if source.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
            socket.bind(SocketAddr::new(source, 0)).unwrap();
            socket.connect(address).await.expect("a connection").into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        Self::plain(stream)
    }

    fn plain(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self::over(stream)
    }

    /// Sends no more.
    pub fn finish(&self) {
        let _ = self.reader.stream.shutdown(Shutdown::Write);
    }
}

impl<S: Wire> Client<S> {
    /// Speaks over a stream that stands.
    pub fn over(stream: S) -> Self {
        Self { reader: Reader::new(stream, Deadline::after(PATIENCE)) }
    }

    /// Sends bytes. An error is no failure: the peer may have answered and closed already.
    pub fn send(&mut self, bytes: &[u8]) {
        self.reader.extend(Deadline::after(PATIENCE));
        let _ = self.reader.stream.write_all(bytes);
    }

    /// The socket, to write a body that is not held in memory.
    pub fn stream(&mut self) -> &mut S {
        &mut self.reader.stream
    }

    /// Another period of patience for what follows.
    pub fn extend(&mut self, deadline: Deadline) {
        self.reader.extend(deadline);
    }

    /// Reads the next answer to a request of this method, its body piece by piece into `sink`.
    pub fn response_into(&mut self, method: &str, sink: &mut dyn FnMut(&[u8])) -> Result<Response, Broken> {
        let mut interim = Vec::new();
        loop {
            let head = self.reader.head()?;
            let status = status(&head.first_line)?;
            let told = message::framing(&head.headers)?;
            if status < 200 {
                interim.push(status);
                continue;
            }
            let bodiless = method == "HEAD" || matches!(status, 204 | 304);
            let framing = if bodiless { Framing::None } else { told.unwrap_or(Framing::UntilClose) };
            self.reader.body(framing, sink)?;
            return Ok(Response { status, headers: head.headers, framing, body: Vec::new(), interim });
        }
    }

    /// Reads the next answer to a request of this method; says how it broke otherwise.
    pub fn try_response(&mut self, method: &str) -> Result<Response, Broken> {
        let mut body = Vec::new();
        let response = self.response_into(method, &mut |piece| body.extend_from_slice(piece))?;
        Ok(Response { body, ..response })
    }

    /// Reads the next answer to a request of this method.
    #[track_caller]
    pub fn response(&mut self, method: &str) -> Response {
        match self.try_response(method) {
            Ok(response) => response,
            Err(broken) => {
                panic!("no answer: {broken:?}; unread: {:?}", String::from_utf8_lossy(self.reader.pending()))
            }
        }
    }

    /// Reads the interim answer that must come next.
    #[track_caller]
    pub fn interim(&mut self) -> u16 {
        status(&self.reader.head().expect("an interim answer").first_line).unwrap()
    }

    /// Whether the peer closes without another byte.
    pub fn is_closed(&mut self) -> bool {
        self.reader.closes_silently()
    }
}

fn status(line: &str) -> Result<u16, Broken> {
    let code =
        line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    code.ok_or_else(|| Broken::Syntax(format!("status line `{line}`")))
}

/// Sends bytes on a new connection and reads the one answer.
#[track_caller]
pub fn ask(address: SocketAddr, method: &str, bytes: &[u8]) -> Response {
    let mut client = Client::connect(address);
    client.send(bytes);
    client.response(method)
}
