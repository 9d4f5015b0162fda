//! An authority that issues certificates for tests, and a client that speaks TLS.
//! It must not forgive: the client verifies names, chains and versions as any other does.

use super::client::Client;
use super::message::Wire;
use super::time::PATIENCE;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

impl Issued {
    /// Writes both next to each other; gives the two names.
    pub fn write(&self, folder: &Path, name: &str) -> [PathBuf; 2] {
        let files = [folder.join(format!("{name}.crt")), folder.join(format!("{name}.key"))];
        super::private_file(&files[0], &self.certificate);
        super::private_file(&files[1], &self.key);
        files
    }
}

/// An authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub certificate: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // another name than that of what it issues, which else would look signed by itself
        params.distinguished_name.push(DnType::CommonName, "an authority of tests");
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate for these names, good until the end of that year.
    pub fn issue_until(&self, names: &[&str], year: i32) -> Issued {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { certificate, key: key.serialize_pem() }
    }

    pub fn issue(&self, names: &[&str]) -> Issued {
        self.issue_until(names, 2095)
    }

    /// A client that trusts this authority.
    pub fn dial(&self, name: &str) -> Dial {
        Dial {
            authority: self.certificate.clone(),
            name: name.to_owned(),
            versions: rustls::ALL_VERSIONS,
            identity: None,
            before: Vec::new(),
        }
    }
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Dial {
    authority: String,
    name: String,
    versions: &'static [&'static SupportedProtocolVersion],
    identity: Option<Issued>,
    before: Vec<u8>,
}

/// A stream inside TLS.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Wire for Tls {
    fn patience(&self, time: Duration) {
        self.sock.patience(time);
    }
}

impl Dial {
    /// Offers these versions only.
    pub fn versions(mut self, versions: &'static [&'static SupportedProtocolVersion]) -> Self {
        self.versions = versions;
        self
    }

    /// Shows a certificate if it is asked for one.
    pub fn identity(mut self, identity: &Issued) -> Self {
        self.identity = Some(identity.clone());
        self
    }

    /// Bytes that are sent before the handshake.
    pub fn before(mut self, bytes: &[u8]) -> Self {
        self.before = bytes.to_vec();
        self
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let Some(identity) = &self.identity else { return builder.with_no_client_auth() };
        let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).flatten().collect();
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        builder.with_client_auth_cert(chain, key).unwrap()
    }

    /// Connects, and reads nothing of what the gate may say after the handshake. With TLS 1.3 a client certificate that
    /// is refused shows only later, at the first answer.
    pub fn connect(&self, address: SocketAddr) -> std::io::Result<Client<Tls>> {
        self.over(TcpStream::connect(address)?)
    }

    /// The same over a connection that stands.
    pub fn over(&self, mut socket: TcpStream) -> std::io::Result<Client<Tls>> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(&self.before)?;
        let name = ServerName::try_from(self.name.clone()).unwrap();
        let mut config = self.config();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut connection = ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Client::over(StreamOwned::new(connection, socket)))
    }
}

impl Client<Tls> {
    /// The version and protocol that were agreed on.
    pub fn agreed(&mut self) -> (ProtocolVersion, Option<Vec<u8>>) {
        let connection = &self.stream().conn;
        (connection.protocol_version().unwrap(), connection.alpn_protocol().map(<[u8]>::to_vec))
    }

    /// The certificate that the gate showed.
    pub fn shown(&mut self) -> Vec<u8> {
        self.stream().conn.peer_certificates().unwrap()[0].to_vec()
    }
}

/// The bytes of the first certificate of a file.
pub fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}
