//! A constant load of signed requests, each of which must be answered as it should.
//! It must not forgive: a connection that ends without having said so is a failed request.

use super::client::Client;
use super::message::Wire;
use super::request::Request;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// What of a body the PUTs send.
const BODY: &[u8] = b"some body";

/// Workers that send requests until they are told to stop.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    workers: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// Starts so many workers, each with a connection of its own that it keeps while it may.
    pub fn start(address: SocketAddr, workers: usize) -> Self {
        Self::with(address, workers, usual)
    }

    /// The same, with requests made from the number of the worker and the number of its request.
    pub fn with(
        address: SocketAddr,
        workers: usize,
        make: impl Fn(usize, usize) -> (&'static str, Vec<u8>) + Clone + Send + 'static,
    ) -> Self {
        Self::over(workers, move || Client::try_connect(address).map_err(|error| format!("{error:?}")), make)
    }

    /// The same, over connections that `connect` makes.
    pub fn over<S: Wire>(
        workers: usize,
        connect: impl Fn() -> Result<Client<S>, String> + Clone + Send + 'static,
        make: impl Fn(usize, usize) -> (&'static str, Vec<u8>) + Clone + Send + 'static,
    ) -> Self {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let workers = (0..workers)
            .map(|worker| {
                let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
                let (connect, make) = (connect.clone(), make.clone());
                std::thread::spawn(move || work(&connect, &stop, &served, &mut |number| make(worker, number)))
            })
            .collect();
        Self { stop, served, workers }
    }

    /// The requests so far.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    /// Ends the load; gives the number of requests.
    ///
    /// # Panics
    /// One of them failed.
    #[track_caller]
    pub fn finish(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let wrong: Vec<String> = self.workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
        let served = self.served.load(Ordering::Relaxed);
        assert!(wrong.is_empty(), "{} of {served}: {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
        served
    }
}

/// PUTs and GETs, each of another object.
pub fn usual(worker: usize, number: usize) -> (&'static str, Vec<u8>) {
    let path = format!("/bkt/{worker}/{number}");
    match number % 3 {
        0 => ("PUT", Request::put(&path, BODY).authorized()),
        _ => ("GET", Request::get(&path).presigned()),
    }
}

fn work<S: Wire>(
    connect: &impl Fn() -> Result<Client<S>, String>,
    stop: &AtomicBool,
    served: &AtomicUsize,
    make: &mut dyn FnMut(usize) -> (&'static str, Vec<u8>),
) -> Vec<String> {
    let mut client = None;
    let mut wrong = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // every worker keeps its connection, but for a new one now and then
        if number % 50 == 49 {
            client = None;
        }
        let (method, bytes) = make(number);
        let mut open = match client.take().map_or_else(connect, Ok) {
            Ok(open) => open,
            Err(error) => {
                wrong.push(format!("connect: {error}"));
                continue;
            }
        };
        open.send(&bytes);
        match open.try_response(method) {
            Ok(answer) if answer.status == 200 => {
                let closes = answer.headers.get("connection") == Some("close");
                client = (!closes).then_some(open);
            }
            other => wrong.push(format!("{method} number {number}: {other:?}")),
        }
        served.fetch_add(1, Ordering::Relaxed);
    }
    wrong
}
