//! From the tree of a config file to its model, section by section.
//! It must not compare sections with each other; it hands them to [`super::check`].

mod access;
mod credentials;
mod links;
mod policies;
mod rates;
mod secrets;
mod sources;
mod storage;
mod tls;

use super::check::{Parts, check};
use super::keys::ROOT;
use super::model::identity::Credential;
use super::model::{
    Admin, Config, Hosts, Limits, LogFormat, LogTarget, Logs, Shutdown, Signing, Tracing, Uniform,
};
use super::reader::{Fields, Reader, Reported, text};
use super::scalar::Malformed;
use super::scalar::endpoint::Endpoint;
use super::tree::{Node, Scalar};
use crate::request::host::Host;
use std::path::PathBuf;

/// The longest path of the socket for upgrades, in bytes: unix(7), and a suffix while it is made.
const LONGEST_SOCKET: usize = 96;

/// Reads a file that is one credential, and nothing else.
///
/// # Errors
/// It is none, and `reader` holds why.
pub(crate) fn credential<'r>(reader: &'r Reader<'r>, root: &'r Node) -> Result<Credential, Reported> {
    let section = ROOT.key("credentials").map_or(&ROOT, |key| key.form.section());
    credentials::credential(&Fields::open(reader, root, "", section)?)
}

/// Reads a whole file.
///
/// # Errors
/// It does not load, and `reader` holds why.
pub(crate) fn config<'r>(reader: &'r Reader<'r>, root: &'r Node) -> Result<Config, Reported> {
    let top = Fields::open(reader, root, "", &ROOT)?;
    let version = top.choice("version", &[("1", ())]);
    let listeners = access::listeners(&top);
    let admin = top.if_given("admin", |top, name| top.section(name).and_then(|fields| admin(&fields)));
    let hosts = hosts(&top);
    let network = access::network(&top);
    let signing = top.section_or_empty("signing").and_then(|fields| signing(&fields));
    let credentials = credentials::credentials(&top);
    let sources = sources::sources(&top);
    let policy = top.section_or_empty("policy").and_then(|fields| policies::rules(&fields));
    let buckets = storage::buckets(&top);
    let upstreams = storage::upstreams(&top);
    let links = top.section_or_empty("links").and_then(|fields| links::links(&fields));
    let limits = top.section_or_empty("limits").and_then(|fields| limits(&fields));
    let shutdown = top.section_or_empty("shutdown").and_then(|fields| shutdown(&fields));
    let upgrade = top.if_given("upgrade", |top, name| upgrade(&top.section(name)?));
    let logs = top.section_or_empty("logs").and_then(|fields| logs(&fields));
    let tracing = top.if_given("tracing", |top, name| top.section(name).and_then(|fields| tracing(&fields)));
    let expose_reasons = expose_reasons(&top);
    if let (Ok(true), Ok(signing), Some(node)) = (&expose_reasons, &signing, top.node("expose_reasons"))
        && signing.uniform_errors == Uniform::All
    {
        let message = "`expose_reasons` tells what `signing.uniform_errors: all` hides".to_owned();
        top.reader.error(node.at, "expose_reasons", message, "remove one of the two");
    }
    check(
        &Parts {
            listeners: listeners.as_deref().ok(),
            admin: admin.as_ref().ok().and_then(Option::as_ref),
            network: network.as_ref().ok(),
            credentials: credentials.as_deref().ok(),
            sources: sources.as_deref().ok(),
            policy: policy.as_ref().ok(),
            buckets: buckets.as_deref().ok(),
            upstreams: upstreams.as_deref().ok(),
        },
        reader,
    );
    version?;
    Ok(Config {
        listeners: listeners?,
        admin: admin?,
        hosts: hosts?,
        network: network?,
        signing: signing?,
        credentials: credentials?,
        sources: sources?,
        policy: policy?,
        buckets: buckets?,
        upstreams: upstreams?,
        links: links?,
        limits: limits?,
        shutdown: shutdown?,
        upgrade: upgrade?,
        logs: logs?,
        tracing: tracing?,
        expose_reasons: expose_reasons?,
        shown: super::shown::shown(root),
    })
}

fn admin(fields: &Fields<'_>) -> Result<Admin, Reported> {
    let address = access::address(fields);
    let token = fields.if_given("token", secrets::secret);
    Ok(Admin { address: address?, token: token? })
}

fn hosts(top: &Fields<'_>) -> Result<Hosts, Reported> {
    if top.node("hosts").is_none() {
        let message = "`hosts` is left out: a link signed for any host name is accepted".to_owned();
        top.reader.warning(top.at, "hosts", message, "list the names that clients use");
        return Ok(Hosts::AnyPathStyle);
    }
    let names = top.scalars("hosts", host)?;
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        if seen.contains(&name.value) {
            let message = format!("host `{}` is listed twice", name.value);
            top.reader.error(name.at, &name.path, message, "remove one of them");
        }
        seen.push(name.value);
    }
    Ok(Hosts::Listed(seen))
}

fn host(scalar: &Scalar) -> Result<String, Malformed> {
    let name = scalar.text.as_str();
    match Host::parse(name.as_bytes()) {
        Some(host) if host.raw() == host.name() => Ok(name.to_ascii_lowercase()),
        Some(_) => Err(Malformed::new(name, "a host name", "remove the port: any port is taken")),
        None => {
            Err(Malformed::new(name, "a host name", "write a name or an address, as `s3.example.internal`"))
        }
    }
}

fn signing(fields: &Fields<'_>) -> Result<Signing, Reported> {
    let regions = fields.scalars("regions", text);
    let max_expires = fields.duration("max_expires");
    let clock_skew = fields.duration("clock_skew");
    let sigv4a = fields.flag("sigv4a");
    let sigv2 = fields.flag("sigv2");
    let post_policy = fields.flag("post_policy");
    let header_auth = fields.flag("header_auth");
    let words = [("false", Uniform::Off), ("true", Uniform::Keys), ("all", Uniform::All)];
    let uniform_errors = fields.choice("uniform_errors", &words);
    Ok(Signing {
        regions: regions?.into_iter().map(|region| region.value).collect(),
        max_expires: max_expires?,
        clock_skew: clock_skew?,
        sigv4a: sigv4a?,
        sigv2: sigv2?,
        post_policy: post_policy?,
        header_auth: header_auth?,
        uniform_errors: uniform_errors?,
    })
}

fn expose_reasons(top: &Fields<'_>) -> Result<bool, Reported> {
    let expose = top.flag("expose_reasons")?;
    if let (true, Some(node)) = (expose, top.node("expose_reasons")) {
        let message = "`expose_reasons` tells clients why they are refused, attackers as well".to_owned();
        top.reader.warning(
            node.at,
            "expose_reasons",
            message,
            "turn it off when you are done with debugging",
        );
    }
    Ok(expose)
}

fn limits(fields: &Fields<'_>) -> Result<Limits, Reported> {
    let header_bytes = fields.size("header_bytes");
    let header_time = fields.duration("header_time");
    let idle_time = fields.duration("idle_time");
    let client_time = fields.duration("client_time");
    let connections = fields.count("connections");
    let body = fields.size("body");
    let buffered_body = fields.size("buffered_body");
    let buffered_bodies = fields.size("buffered_bodies");
    if let (Ok(one), Ok(all)) = (&buffered_body, &buffered_bodies)
        && all < one
    {
        let at = fields.node("buffered_bodies").or_else(|| fields.node("buffered_body"));
        let message = "all buffered bodies together have less room than one may need".to_owned();
        let hint = "give `buffered_bodies` several times `buffered_body`";
        let path = fields.path_of("buffered_bodies");
        fields.reader.error(at.map_or(fields.at, |node| node.at), &path, message, hint);
    }
    Ok(Limits {
        header_bytes: header_bytes?,
        header_time: header_time?,
        idle_time: idle_time?,
        client_time: client_time?,
        connections: connections?,
        body: body?,
        buffered_body: buffered_body?,
        buffered_bodies: buffered_bodies?,
    })
}

fn shutdown(fields: &Fields<'_>) -> Result<Shutdown, Reported> {
    let drain_delay = fields.duration("drain_delay");
    let drain_time = fields.duration("drain_time");
    Ok(Shutdown { drain_delay: drain_delay?, drain_time: drain_time? })
}

fn upgrade(fields: &Fields<'_>) -> Result<PathBuf, Reported> {
    let socket = fields.text("socket")?;
    let path = fields.reader.locate(&socket.value);
    if path.as_os_str().len() > LONGEST_SOCKET {
        let message = format!("`{}` is too long for a Unix socket", path.display());
        return Err(fields.reader.error(socket.at, &socket.path, message, "choose a shorter path"));
    }
    Ok(path)
}

/// A chain is read back from its file: it cannot go to standard output, among other lines.
fn audit_path(scalar: &Scalar) -> Result<String, Malformed> {
    if scalar.text == "-" {
        return Err(Malformed::new(&scalar.text, "a file", "write the name of a file, as `audit.jsonl`"));
    }
    text(scalar)
}

fn tracing(fields: &Fields<'_>) -> Result<Tracing, Reported> {
    let otlp = fields.scalar("otlp", |scalar| Endpoint::parse(&scalar.text));
    let sample = fields.scalar("sample", ratio);
    if !cfg!(feature = "otlp") {
        let message = "this build sends no spans".to_owned();
        return Err(fields.reader.error(
            fields.at,
            &fields.path,
            message,
            "build it with the feature `otlp`",
        ));
    }
    Ok(Tracing { otlp: otlp?.value, sample: sample?.value })
}

fn ratio(scalar: &Scalar) -> Result<f64, Malformed> {
    let number = scalar.text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number
        .filter(|_| scalar.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
        .ok_or_else(|| Malformed::new(&scalar.text, "a number from 0 to 1", "write it as `0.05`"))
}

fn logs(fields: &Fields<'_>) -> Result<Logs, Reported> {
    let access = fields.section_or_empty("access")?;
    let path = access.text("path");
    let formats = [("json", Some(LogFormat::Json)), ("s3", Some(LogFormat::S3)), ("none", None)];
    let format = access.choice("format", &formats);
    let audit = fields.if_given("audit", |fields, name| fields.section(name)?.scalar("path", audit_path));
    let format = format?;
    let access = match path?.value.as_str() {
        _ if format.is_none() => LogTarget::Nowhere,
        "-" => LogTarget::Stdout,
        name => LogTarget::File(fields.reader.locate(name)),
    };
    let audit = audit?.map(|path| fields.reader.locate(&path.value));
    Ok(Logs { access, access_format: format.unwrap_or(LogFormat::Json), audit })
}
