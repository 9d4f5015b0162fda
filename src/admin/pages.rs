//! What is read off the running gate: probes, metrics, version, config.
//! It must not change anything.

use super::Admin;
use super::answer::Answer;
use super::readiness::{Check, checks};
use super::route::Call;
use crate::telemetry::build;

pub(super) fn live(_: &Admin, _: &Call<'_>) -> Answer {
    Answer::text(200, "ok\n")
}

pub(super) fn ready(admin: &Admin, call: &Call<'_>) -> Answer {
    let checks = checks(&admin.world);
    let ready = checks.iter().all(Check::passes);
    let mut body = String::new();
    if call.asks_for("verbose") {
        body.extend(checks.iter().map(|check| format!("{check}\n")));
    }
    body.push_str(if ready { "ok\n" } else { "not ready\n" });
    Answer::text(if ready { 200 } else { 503 }, body)
}

pub(super) fn metrics(admin: &Admin, _: &Call<'_>) -> Answer {
    admin.world.measure();
    match admin.world.telemetry.metrics.render() {
        Ok(body) => Answer::new(200, "text/plain; version=0.0.4; charset=utf-8", body),
        Err(error) => Answer::refusal(500, &error.to_string()),
    }
}

pub(super) fn version(_: &Admin, _: &Call<'_>) -> Answer {
    Answer::new(200, "application/json", build::json())
}

/// Examples of every reason; keys and addresses of clients are among it, so that not everybody may see it who may read
/// the metrics.
pub(super) fn denials(admin: &Admin, _: &Call<'_>) -> Answer {
    Answer::new(200, "application/json", admin.world.telemetry.recent.json())
}

pub(super) fn config(admin: &Admin, _: &Call<'_>) -> Answer {
    Answer::json(200, &admin.world.running.load().shown)
}
