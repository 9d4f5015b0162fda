//! `POST /explain`: a question as JSON, the answer of `explain --json`.
//! It must not take what it does not understand: a misspelt field would explain another request.

use super::Admin;
use super::answer::Answer;
use super::route::{Call, Later};
use crate::auth::keyring;
use crate::clock::UnixMillis;
use crate::config::scalar::{identifier, time::time};
use crate::explain::{Explained, Question, Report, Used, explain as ask};
use crate::snapshot::Guest;
use crate::store::keeper::WhenStoreFails;
use serde::Deserialize;
use std::net::IpAddr;

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    url: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: Option<Vec<(String, String)>>,
    #[serde(default)]
    source_ip: Option<IpAddr>,
    #[serde(default)]
    vpce: Option<String>,
    #[serde(default)]
    at: Option<serde_json::Value>,
}

pub(super) fn explain<'c>(admin: &'c Admin, call: &'c Call<'c>) -> Later<'c> {
    Box::pin(async {
        match answer(admin, call.body).await {
            Ok(report) => Answer::new(200, "application/json", report.json()),
            Err(error) => Answer::refusal(400, &error),
        }
    })
}

/// As a request: whose a key is that the config does not list is found out in between.
async fn answer(admin: &Admin, body: &[u8]) -> Result<Report, String> {
    let running = admin.world.running.load_full();
    let question = question(body, admin.world.clock.now())?;
    let explain = |asked: keyring::Asked<&Guest>, used: &Used| {
        let list = admin.world.keeper.list();
        ask(&running.snapshot, Some(&list), asked, used, &question).map_err(|error| error.to_string())
    };
    let found;
    let mut asked = running.signers.unasked();
    let mut explained = explain(asked, &Used::NotYet)?;
    if let Explained::AskKey(id) = &explained {
        found = running.signers.find(id, &running.metrics).await;
        asked = found.asked();
        explained = explain(asked, &Used::NotYet)?;
    }
    if let Explained::AskLink(link) = explained {
        let used = match admin.world.keeper.look(link).await {
            Ok(state) => Used::Known(state),
            Err(_) if running.when_store_fails == WhenStoreFails::Allow => Used::LetPass,
            Err(_) => Used::Unavailable,
        };
        explained = explain(asked, &used)?;
    }
    Ok(explained.into_report())
}

fn question(body: &[u8], now: UnixMillis) -> Result<Question, String> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let at = asked.at.filter(|at| !at.is_null()).map(|at| match at {
        serde_json::Value::String(text) => time(&text),
        other => time(&other.to_string()),
    });
    let vpce = asked.vpce.map(|id| identifier(&id, "vpce-", "a VPC endpoint id"));
    Ok(Question {
        url: asked.url,
        method: asked.method.unwrap_or_else(|| "GET".to_owned()),
        headers: asked.headers.unwrap_or_default(),
        source_ip: asked.source_ip,
        vpce: vpce.transpose().map_err(|wrong| wrong.message())?,
        at: at.transpose().map_err(|wrong| wrong.message())?.unwrap_or(now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::from_secs(1_000);

    #[test]
    fn what_is_left_out_is_usual() {
        let question = question(br#"{"url": "http://h/b"}"#, NOW).unwrap();
        assert_eq!((question.method.as_str(), question.at, question.vpce), ("GET", NOW, None));
    }

    #[test]
    fn every_field_is_read() {
        let body =
            br#"{"url": "http://h/b", "method": "PUT", "headers": [["A", "b"]], "source_ip": "10.0.0.1",
            "vpce": "vpce-0a1b", "at": "20260101T000000Z"}"#;
        let question = question(body, NOW).unwrap();
        assert_eq!(question.headers, [("A".to_owned(), "b".to_owned())]);
        assert_eq!(question.source_ip, Some("10.0.0.1".parse().unwrap()));
        assert_eq!((question.vpce.as_deref(), question.at.secs()), (Some("vpce-0a1b"), 1_767_225_600));
        for at in ["1767225600", "\"1767225600\"", "\"2026-01-01T00:00:00Z\""] {
            let body = format!(r#"{{"url": "http://h/b", "at": {at}}}"#);
            assert_eq!(super::question(body.as_bytes(), NOW).unwrap().at.secs(), 1_767_225_600);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"url": 1}"#,
            r#"{"url": "http://h/b", "sourceip": "10.0.0.1"}"#,
            r#"{"url": "http://h/b", "source_ip": "10.0.0.256"}"#,
            r#"{"url": "http://h/b", "vpce": "vpc-1"}"#,
            r#"{"url": "http://h/b", "at": "tomorrow"}"#,
            r#"{"url": "http://h/b", "headers": {"A": "b"}}"#,
            r#"{"url": "http://h/b", "url": "http://h/c"}"#,
        ] {
            assert!(question(body.as_bytes(), NOW).is_err(), "{body}");
        }
    }
}
