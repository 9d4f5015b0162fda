//! What the gate would say to a request that nobody sent, stage by stage, and why.
//! It must not send anything, nor show a secret or the right signature.

mod report;

pub use report::Report;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::auth::keyring::Asked;
use crate::clock::UnixMillis;
use crate::links::claim::LinkClaim;
use crate::links::identity::LinkId;
use crate::links::revocation::RevocationSet;
use crate::links::state::{Answer, LinkState};
use crate::net::proxy_protocol::{Extra, ProxyHeader, ProxySource, ProxyVersion};
use crate::net::{ConnFacts, ListenerIndex, TlsVersion};
use crate::pipeline::{self, Denial, Verdict};
use crate::reason::Reason;
use crate::request::head;
use crate::s3::error::ErrorCode;
use crate::snapshot::{Guest, Snapshot};

/// A request to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The URL as a client would use it.
    pub url: String,
    /// The method, as sent.
    pub method: String,
    /// Header lines beside Host: names and values.
    pub headers: Vec<(String, String)>,
    /// The address that it comes from; the machine itself if nothing is said.
    pub source_ip: Option<IpAddr>,
    /// The VPC endpoint that it comes through.
    pub vpce: Option<String>,
    /// When it is made.
    pub at: UnixMillis,
}

/// Why a request cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The URL has no scheme that the gate speaks.
    #[error("`{0}` is no URL: it must begin with `http://` or `https://`")]
    Url(String),
    /// A part holds a line end or another control character, so that no client could send it.
    #[error("the {0} holds a control character: remove it")]
    Control(&'static str),
    /// No listener can learn the endpoint.
    #[error(
        "no listener of the config takes PROXY headers, so no endpoint can be known: see `proxy_protocol`"
    )]
    NoProxyListener,
}

/// What comes of a question.
#[derive(Debug)]
pub enum Explained {
    /// The answer.
    Report(Report),
    /// The key is not in the snapshot: find out about it and ask again.
    AskKey(String),
    /// How much of the link is used up is not known: find out and ask again.
    AskLink(LinkId),
}

/// What is known of a link that has limits over several requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// Nobody can tell: such limits count as met.
    Untold,
    /// Nobody was asked.
    NotYet,
    /// The store failed.
    Unavailable,
    /// The store failed, and such links pass all the same.
    LetPass,
    /// This; `None`: nothing was used.
    Known(Option<LinkState>),
}

impl Explained {
    /// The answer; to a question that nobody answers, that it cannot be known.
    #[must_use]
    pub fn into_report(self) -> Report {
        match self {
            Self::Report(report) => report,
            Self::AskKey(id) => Report::unknowable(id),
            // whoever may be asked was not: the answer is that of no store
            Self::AskLink(_) => Report::unknowable(String::new()),
        }
    }
}

/// Judges a request that nobody sent; with the list of revocations where there is one, and with what was used of its link.
///
/// # Errors
/// See [`QuestionError`]; a request that the gate would refuse is no error.
pub fn explain(
    snapshot: &Snapshot,
    revoked: Option<&RevocationSet>,
    asked: Asked<&Guest>,
    used: &Used,
    question: &Question,
) -> Result<Explained, QuestionError> {
    // what stands behind `#` stays with the client
    let url = question.url.split('#').next().unwrap_or_default();
    let (scheme, rest) = url
        .split_once("://")
        .filter(|(scheme, _)| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
        .ok_or_else(|| QuestionError::Url(without_query(&question.url)))?;
    let facts = facts(question, snapshot, scheme.eq_ignore_ascii_case("https"))?;
    let text = head_text(question, rest)?;
    match head::parse(text.as_bytes()) {
        Err(error) => Ok(Explained::Report(Report::malformed(&pipeline::malformed(&error)))),
        Ok(request) => {
            let mut outcome = pipeline::decide(snapshot, &facts, &request, None, asked, question.at);
            if let Verdict::AskKey(id) = outcome.verdict {
                return Ok(Explained::AskKey(id));
            }
            if matches!(outcome.verdict, Verdict::ReadBody) {
                outcome.refuse(pipeline::unreadable_body());
            }
            if let (Verdict::Forward(_), Some(list)) = (&outcome.verdict, revoked)
                && let Some(denial) = pipeline::limits::revoked(snapshot, &outcome, list)
            {
                outcome.refuse(denial);
            }
            let claim = match &mut outcome.verdict {
                Verdict::Forward(permit) => permit.state.take(),
                _ => None,
            };
            match (&claim, used) {
                (Some(claim), Used::NotYet) => return Ok(Explained::AskLink(claim.id)),
                (Some(claim), used) => {
                    if let Some(denial) = refused(claim, used, question.at) {
                        outcome.refuse(denial);
                    }
                }
                (None, _) => {}
            }
            let mut report = Report::of(snapshot, &request, &outcome);
            match used {
                Used::Untold if claim.is_some() => report.add_hint(UNTOLD),
                Used::LetPass if claim.is_some() => report.add_hint(LET_PASS),
                _ => {}
            }
            Ok(Explained::Report(report))
        }
    }
}

/// What an answer says that does not know the state of the link.
const UNTOLD: &str = "what the link has left of its uses and bytes, whom it is bound to and whether it was called back, only \
                      a running gate knows: ask its `POST /explain`";

/// What an answer says of a link that passes for want of a store.
const LET_PASS: &str = "the link store does not answer, so what the link has left is not looked at: \
                        `links.when_store_fails` is `allow`";

/// Why a link would refuse a claim.
fn refused(claim: &LinkClaim, used: &Used, at: UnixMillis) -> Option<Denial> {
    match used {
        Used::Untold | Used::NotYet | Used::LetPass => None,
        Used::Unavailable => Some(Denial::new(Reason::LinkStore, ErrorCode::ServiceUnavailable)),
        Used::Known(state) => match state.clone().unwrap_or_default().reserve(claim, 0, at.millis()) {
            Answer::Granted(_) => None,
            Answer::Refused(refusal) => Some(Denial { reason: refusal.reason(), error: refusal.s3() }),
        },
    }
}

/// What may be said of a URL that cannot be read: it may be a link that works.
fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((rest, _)) => format!("{rest}?[redacted]"),
        None => url.to_owned(),
    }
}

/// The head that a client would send; `rest` is the URL behind its scheme.
fn head_text(question: &Question, rest: &str) -> Result<String, QuestionError> {
    let checked = |what: &'static str, text: &str| {
        if text.contains(char::is_control) { Err(QuestionError::Control(what)) } else { Ok(()) }
    };
    checked("URL", rest)?;
    checked("method", &question.method)?;
    let split = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, target) = rest.split_at_checked(split).unwrap_or((rest, ""));
    let slash = if target.starts_with('/') { "" } else { "/" };
    let mut text = format!("{} {slash}{target} HTTP/1.1\r\nHost: {host}\r\n", question.method);
    for (name, value) in &question.headers {
        checked("name of a header", name)?;
        checked("value of a header", value)?;
        // writing to a String cannot fail
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    Ok(text)
}

/// The connection that the question describes.
fn facts(question: &Question, snapshot: &Snapshot, tls: bool) -> Result<ConnFacts, QuestionError> {
    let source = question.source_ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let client = SocketAddr::new(source, 0);
    let tls = tls.then_some(TlsVersion::Tls13);
    let index = |at: usize| ListenerIndex(u16::try_from(at).unwrap_or(u16::MAX));
    let plain = snapshot.listeners.iter().position(|listener| listener.rules.proxy_protocol.is_none());
    if let (None, Some(at)) = (&question.vpce, plain) {
        return Ok(ConnFacts { peer: Some(client), local: None, tls, proxy: None, listener: index(at) });
    }
    let fronted = snapshot.listeners.iter().enumerate().find_map(|(at, listener)| {
        let balancer = listener.rules.proxy_protocol.as_ref()?.ranges().iter().next();
        // without one the peers are those of a Unix socket
        Some((at, balancer.map(|balancer| SocketAddr::new(balancer.addr(), 0))))
    });
    let (at, balancer) = fronted.ok_or(QuestionError::NoProxyListener)?;
    let header = ProxyHeader {
        version: ProxyVersion::V2,
        source: ProxySource::Client { source: client, destination: client },
        extra: Extra { vpce: question.vpce.as_deref().map(Into::into), ..Extra::default() },
    };
    Ok(ConnFacts { peer: balancer, local: None, tls, proxy: Some(header), listener: index(at) })
}
