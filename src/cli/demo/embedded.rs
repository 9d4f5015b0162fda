//! An S3 server inside the process, for the demo and the tests: objects in a directory, on a loopback port of its own.
//! It must not be part of the data path: the gate reaches it over HTTP like any other store.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// Starts the server on a free loopback port; it lives as long as the runtime it was started in.
///
/// # Errors
/// The directory or a port cannot be had.
pub async fn start(root: &Path, access_key_id: &str, secret: &str) -> io::Result<SocketAddr> {
    let files = s3s_fs::FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(access_key_id, secret));
    let service = builder.build();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let http = Builder::new(TokioExecutor::new());
        while let Ok((socket, _)) = listener.accept().await {
            let connection = http.serve_connection(TokioIo::new(socket), service.clone()).into_owned();
            // a broken connection concerns its client only
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    Ok(address)
}
