//! `presign-gate explain`: what the gate would say to a request, stage by stage, and why.
//! It must not send anything, nor show a secret or the right signature.

mod report;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use super::args::ExplainArgs;
use super::{NO, USAGE, out};
use crate::clock::{Clock as _, SystemClock};
use crate::config::diagnostic::Diagnostic;
use crate::config::resolve;
use crate::config::source::SystemSource;
use crate::net::proxy_protocol::{Extra, ProxyHeader, ProxySource, ProxyVersion};
use crate::net::{ConnFacts, ListenerIndex, TlsVersion};
use crate::pipeline::{self, Verdict};
use crate::request::head;
use crate::snapshot::Snapshot;
use report::Report;

pub(super) fn run(args: &ExplainArgs) -> ExitCode {
    let built = resolve::build(&SystemSource, &args.config);
    let Some((_, snapshot)) = built.world else {
        let errors = built.diagnostics.iter().filter(|finding| finding.is_error());
        out::stderr(&errors.map(Diagnostic::render).collect::<String>());
        return ExitCode::from(NO);
    };
    match explain(args, &snapshot) {
        Ok(report) => {
            out::stdout(&if args.json { report.json() } else { report.text() });
            if report.is_refusal() { ExitCode::from(NO) } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}\n"));
            ExitCode::from(USAGE)
        }
    }
}

fn explain(args: &ExplainArgs, snapshot: &Snapshot) -> Result<Report, String> {
    let (scheme, rest) = args
        .url
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        .ok_or_else(|| format!("`{}` is no URL: it must begin with `http://` or `https://`", args.url))?;
    let (host, target) = match rest.find('/') {
        Some(slash) => rest.split_at_checked(slash).unwrap_or((rest, "/")),
        None => (rest, "/"),
    };
    let mut text = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\n", args.method);
    for field in &args.headers {
        // writing to a String cannot fail
        let _ = write!(text, "{}: {}\r\n", field.name, field.value);
    }
    text.push_str("\r\n");
    let facts = facts(args, snapshot, scheme == "https")?;
    let now = args.at.unwrap_or_else(|| SystemClock.now());
    match head::parse(text.as_bytes()) {
        Err(error) => Ok(Report::malformed(&pipeline::malformed(&error))),
        Ok(request) => {
            let mut outcome = pipeline::decide(snapshot, &facts, &request, None, now);
            if matches!(outcome.verdict, Verdict::ReadBody) {
                outcome.refuse(pipeline::unreadable_body());
            }
            Ok(Report::of(snapshot, &request, &outcome))
        }
    }
}

/// The connection that the arguments describe; from this machine if they do not say.
fn facts(args: &ExplainArgs, snapshot: &Snapshot, tls: bool) -> Result<ConnFacts, String> {
    let source = args.source_ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let takes_header = |index: &usize| {
        snapshot.listeners.get(*index).is_some_and(|listener| listener.rules.proxy_protocol.is_some())
    };
    let mut indexes = 0..snapshot.listeners.len();
    let plain = indexes.clone().find(|index| !takes_header(index));
    let fronted = indexes.find(takes_header);
    let client = SocketAddr::new(source, 0);
    let tls = tls.then_some(TlsVersion::Tls13);
    let index = |at: usize| ListenerIndex(u16::try_from(at).unwrap_or(u16::MAX));
    if let (None, Some(at)) = (&args.vpce, plain) {
        return Ok(ConnFacts { peer: Some(client), local: None, tls, proxy: None, listener: index(at) });
    }
    let at = fronted.ok_or(
        "no listener of the config takes PROXY headers, so no endpoint can be known: see `proxy_protocol`",
    )?;
    let balancer = snapshot
        .listeners
        .get(at)
        .and_then(|listener| listener.rules.proxy_protocol.as_ref()?.iter().next())
        .ok_or("the listener trusts no peer")?;
    let header = ProxyHeader {
        version: ProxyVersion::V2,
        source: ProxySource::Client { source: client, destination: client },
        extra: Extra { vpce: args.vpce.as_deref().map(Into::into), ..Extra::default() },
    };
    Ok(ConnFacts {
        peer: Some(SocketAddr::new(balancer.addr(), 0)),
        local: None,
        tls,
        proxy: Some(header),
        listener: index(at),
    })
}
