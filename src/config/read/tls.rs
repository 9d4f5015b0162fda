//! Reads what a listener serves TLS with.
//! It must not leave a fault of a certificate to the start of the gate: what does not work is found here.

use super::super::model::{LoadedFile, Tls};
use super::super::reader::{Fields, Reported};
use super::secrets;
use crate::tls::{self, About, Authorities, Files, KeyPair, Pair, TlsError};

pub(super) fn tls(fields: &Fields<'_>, name: &'static str) -> Result<Tls, Reported> {
    let fields = fields.section(name)?;
    let first = pair(&fields);
    let others = fields.sections("sni", pair);
    let client_ca = fields.if_given("client_ca", authorities);
    let (first, others, client_ca) = (first?, others?, client_ca?);
    let loaded: Vec<Loaded> = std::iter::once(first).chain(others).collect();
    let pairs: Vec<KeyPair> = loaded.iter().map(|loaded| loaded.pair.clone()).collect();
    let served = tls::serve(&pairs, client_ca.as_ref().map(|(_, authorities)| authorities))
        .map_err(|error| at_fault(&fields, &error))?;
    let files = Files {
        pairs: loaded.into_iter().map(|loaded| loaded.files).collect(),
        client_ca: client_ca.map(|(file, _)| file),
    };
    // good ones are exchanged without the rest of the config; bad ones may be what keeps it from loading
    files.each().for_each(|file| fields.reader.forget_file(&file.path));
    Ok(Tls { files, served })
}

struct Loaded {
    files: Pair<LoadedFile>,
    pair: KeyPair,
}

fn pair(fields: &Fields<'_>) -> Result<Loaded, Reported> {
    let certificate = secrets::file(fields, "certificate");
    let private_key = secrets::secret_file(fields, "private_key");
    let files = Pair { certificate: certificate?, private_key: private_key? };
    let pair = KeyPair::read(files.certificate.bytes.expose(), &files.private_key.bytes)
        .map_err(|error| at_fault(fields, &error))?;
    Ok(Loaded { files, pair })
}

/// Certificates of authorities, all of which can be used, and their file.
pub(super) fn authorities(
    fields: &Fields<'_>,
    name: &'static str,
) -> Result<(LoadedFile, Authorities), Reported> {
    let file = secrets::file(fields, name)?;
    let authorities =
        Authorities::read(file.bytes.expose()).map_err(|error| at_fault_in(fields, name, &error))?;
    Ok((file, authorities))
}

/// Reports a fault at the key whose file must be changed.
fn at_fault(fields: &Fields<'_>, error: &TlsError) -> Reported {
    let name = match error.about() {
        About::Certificate => "certificate",
        About::PrivateKey => "private_key",
        About::Authorities => "client_ca",
    };
    at_fault_in(fields, name, error)
}

fn at_fault_in(fields: &Fields<'_>, name: &'static str, error: &TlsError) -> Reported {
    let at = fields.node(name).map_or(fields.at, |node| node.at);
    let path = fields.path_of(name);
    fields.reader.error(at, &path, format!("the file of `{path}` cannot be used: {error}"), error.hint())
}
