//! What the store knows about a link, and the list of revocations: shown, added to, taken back from.
//! It must not work out what an entry hits: `links::revocation` does.

use super::Admin;
use super::answer::Answer;
use super::route::{Call, Later};
use crate::clock::UnixMillis;
use crate::clock::civil::Civil;
use crate::links::identity::LinkId;
use crate::links::revocation::{Asked, Lifetimes, Revocation};
use crate::links::state::LinkState;
use crate::proxy::world::Running;
use crate::signers::Answer as Found;
use crate::telemetry::audit::Actor;
use serde_json::{Value, json};

pub(super) fn link<'c>(admin: &'c Admin, call: &'c Call<'c>) -> Later<'c> {
    Box::pin(async {
        let Some(id) = LinkId::parse(call.id) else {
            return Answer::refusal(400, "the name of a link is 32 lower-case hexadecimal digits");
        };
        let keeper = &admin.world.keeper;
        match keeper.look(id).await {
            Err(error) => Answer::refusal(503, &error.to_string()),
            Ok(None) if !keeper.is_listed(id) => Answer::refusal(404, "nothing is known about this link"),
            Ok(state) => Answer::json(200, &shown(id, &state.unwrap_or_default(), keeper.is_listed(id))),
        }
    })
}

fn shown(id: LinkId, state: &LinkState, revoked: bool) -> Value {
    let time = |millis: i64| Civil::from_instant(UnixMillis::from_millis(millis)).iso();
    let uses: Vec<Value> = state
        .uses
        .iter()
        .map(|open| json!({ "client": open.client, "bytes": open.got, "spent": open.done > 0, "last": time(open.last) }))
        .collect();
    json!({
        "id": id.to_string(),
        "revoked": revoked,
        "uses": state.spent,
        "recent_uses": uses,
        "requests_under_way": state.holds.len(),
        "bytes": state.bytes,
        "object_bytes": if state.size > 0 { json!(state.size) } else { Value::Null },
        "pinned_to": state.pin,
        "kept_until": if state.until > 0 { json!(time(state.until)) } else { Value::Null },
    })
}

pub(super) fn revoke<'c>(admin: &'c Admin, call: &'c Call<'c>) -> Later<'c> {
    Box::pin(async {
        let now = admin.world.clock.now();
        let entry = match entry(&admin.world.running.load_full(), call.body, now).await {
            Ok(entry) => entry,
            Err(error) => return Answer::refusal(400, &error),
        };
        // written down first: when the store fails it is in force here all the same
        admin.world.telemetry.audit.revocation(now, &entry, false, Actor::Admin(None));
        match admin.world.keeper.revoke(&entry).await {
            Ok(()) => Answer::json(201, &entry.to_json()),
            // it holds on this gate, but not for sure anywhere else, nor after a restart
            Err(error) => Answer::refusal(503, &error.to_string()),
        }
    })
}

/// The entry that a body asks for.
async fn entry(running: &Running, body: &[u8], now: UnixMillis) -> Result<Revocation, String> {
    let snapshot = &running.snapshot;
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let asked = Asked::from_json(&value, now).map_err(|error| error.to_string())?;
    let found = match asked.access_key_id() {
        Some(id) if snapshot.keyring.index(id.as_bytes()).is_none() => {
            running.signers.find(&id, &running.metrics).await
        }
        _ => Found::Nobody,
    };
    Revocation::of(asked, snapshot.keys(found.asked()), Lifetimes::of(&snapshot.signing), now)
        .map_err(|error| error.to_string())
}

pub(super) fn list(admin: &Admin, _: &Call<'_>) -> Answer {
    let entries: Vec<Value> = admin.world.keeper.entries().iter().map(Revocation::to_json).collect();
    Answer::json(200, &json!({ "revocations": entries }))
}

pub(super) fn restore<'c>(admin: &'c Admin, call: &'c Call<'c>) -> Later<'c> {
    Box::pin(async {
        match admin.world.keeper.restore(call.id).await {
            Ok(Some(entry)) => {
                let now = admin.world.clock.now();
                admin.world.telemetry.audit.revocation(now, &entry, true, Actor::Admin(None));
                Answer::json(200, &entry.to_json())
            }
            Ok(None) => Answer::refusal(404, "there is no such revocation"),
            Err(error) => Answer::refusal(503, &error.to_string()),
        }
    })
}
