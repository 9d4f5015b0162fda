//! An S3 server inside the test: s3s-fs over a directory that vanishes, verifying the signatures it gets.
//! It must not be the gate's own embedding of it, so that a fault there does not hide here.

use super::sigv4::UPSTREAM;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::net::{Ipv4Addr, SocketAddr};
use tempfile::TempDir;

/// A running S3 server.
#[derive(Debug)]
pub struct S3 {
    pub address: SocketAddr,
    folder: TempDir,
}

impl S3 {
    /// Starts the server with these buckets; the key that may sign is the one of the gate.
    #[track_caller]
    pub fn start(buckets: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for bucket in buckets {
            std::fs::create_dir(folder.path().join(bucket)).unwrap();
        }
        let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(UPSTREAM.id, UPSTREAM.secret));
        let service = builder.build();

        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let service = service.clone();
                    tokio::spawn(async move {
                        let server = Builder::new(TokioExecutor::new());
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    });
                }
            });
        });
        Self { address, folder }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bytes of an object, read behind the server's back.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path().join(bucket).join(key)).ok()
    }
}
