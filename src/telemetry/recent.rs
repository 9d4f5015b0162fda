//! The last refusals and failures, some of each reason, for whoever looks at the console.
//! It must not make a request wait, hold more than a little of each reason, nor hold a query string or a secret.

use super::access::{AccessRecord, push_object};
use crate::clock::UnixMillis;
use crate::reason::Reason;
use std::collections::VecDeque;
use std::sync::Mutex;

/// How many of each reason are kept: a flood of one does not wash the others away.
pub const EACH: usize = 5;
/// How much of a text that a client sent is kept, in bytes.
const TEXT: usize = 512;

/// The last of one reason.
#[derive(Debug, Default)]
struct Kept {
    /// The second that the last one was taken in, and how many were.
    second: i64,
    taken: usize,
    lines: VecDeque<(UnixMillis, Box<str>)>,
}

/// The last of every reason.
#[derive(Debug)]
pub struct Recent(Vec<Mutex<Kept>>);

impl Default for Recent {
    fn default() -> Self {
        Self(Reason::ALL.iter().map(|_| Mutex::default()).collect())
    }
}

impl Recent {
    /// Whether another one of this reason is wanted: not more in a second than are kept, so that an attack costs a
    /// comparison and not a line. Whoever finds the place taken is not wanted either.
    #[must_use]
    pub fn wants(&self, reason: Reason, at: UnixMillis) -> bool {
        let Some(mut kept) = self.place(reason).and_then(|place| place.try_lock().ok()) else { return false };
        if kept.second != at.secs() {
            kept.second = at.secs();
            kept.taken = 0;
        }
        kept.taken += 1;
        kept.taken <= EACH
    }

    /// Keeps what is known about a request, in the fields of the access log, and lets go of the oldest of its reason.
    pub fn keep(&self, reason: Reason, record: &AccessRecord<'_>) {
        let cut = |text: &'_ [u8]| text.len().min(TEXT);
        let short = AccessRecord {
            path: record.path.and_then(|text| text.get(..cut(text))),
            user_agent: record.user_agent.and_then(|text| text.get(..cut(text))),
            ..*record
        };
        let mut line = Vec::new();
        push_object(&mut line, &short);
        let Some(place) = self.place(reason) else { return };
        if let (Ok(line), Ok(mut kept)) = (String::from_utf8(line), place.try_lock()) {
            if kept.lines.len() == EACH {
                kept.lines.pop_front();
            }
            kept.lines.push_back((record.at, line.into_boxed_str()));
        }
    }

    /// All that is kept, as one JSON object, the youngest first.
    #[must_use]
    pub fn json(&self) -> String {
        let mut lines = Vec::new();
        for place in &self.0 {
            let kept = place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            lines.extend(kept.lines.iter().cloned());
        }
        lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let lines: Vec<&str> = lines.iter().map(|(_, line)| &**line).collect();
        format!("{{\"denials\":[{}]}}\n", lines.join(","))
    }

    fn place(&self, reason: Reason) -> Option<&Mutex<Kept>> {
        // INVARIANT: a reason stands in the table at its own number
        self.0.get(reason as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::access::tests::{counted, full, identity};

    fn shown(recent: &Recent) -> Vec<serde_json::Value> {
        let value: serde_json::Value = serde_json::from_str(&recent.json()).unwrap();
        value["denials"].as_array().unwrap().clone()
    }

    fn keep(recent: &Recent, reason: Reason, second: i64, path: &[u8]) {
        let (identity, counted) = (identity(), counted());
        let at = UnixMillis::from_secs(second);
        if recent.wants(reason, at) {
            recent.keep(reason, &AccessRecord { at, path: Some(path), ..full(&identity, &counted) });
        }
    }

    #[test]
    fn reasons_stand_at_their_numbers() {
        assert!(Reason::ALL.iter().enumerate().all(|(at, reason)| *reason as usize == at));
    }

    #[test]
    fn a_flood_of_one_reason_leaves_the_others() {
        let recent = Recent::default();
        assert!(shown(&recent).is_empty());
        keep(&recent, Reason::WrongSignature, 1, b"/bkt/rare");
        for second in 2..50 {
            for _ in 0..100 {
                keep(&recent, Reason::Expired, second, format!("/bkt/{second}").as_bytes());
            }
        }
        let shown = shown(&recent);
        assert_eq!(shown.len(), EACH + 1);
        assert_eq!(
            (&shown[0]["url.path"], &shown[EACH]["url.path"]),
            (&"/bkt/49".into(), &"/bkt/rare".into())
        );
    }

    #[test]
    fn in_one_second_no_more_are_written_than_are_kept() {
        let recent = Recent::default();
        let at = UnixMillis::from_secs(7);
        let wanted = (0..1000).filter(|_| recent.wants(Reason::Expired, at)).count();
        assert_eq!(wanted, EACH);
        assert!(
            recent.wants(Reason::UnknownKey, at) && recent.wants(Reason::Expired, UnixMillis::from_secs(8))
        );
    }

    #[test]
    fn what_clients_send_is_cut_and_holds_no_query_and_no_secret() {
        let recent = Recent::default();
        keep(&recent, Reason::Expired, 1, &[b"/bkt/", &[b'a'; 5000][..]].concat());
        keep(&recent, Reason::BadTarget, 2, b"/bkt/key?X-Amz-Signature=abc");
        keep(&recent, Reason::UnknownHost, 3, b"/bkt/%3FX-Amz-Signature=abc");
        keep(&recent, Reason::UnknownKey, 4, b"/bkt/\"<script>\xff");
        let text = recent.json();
        assert!(!text.contains("=abc") && text.len() < 8000, "{text}");
        assert_eq!(shown(&recent)[0]["url.path"], "/bkt/\"<script>\u{fffd}");
    }
}
