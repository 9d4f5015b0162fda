//! The config in force as one JSON value: what the file says, defaults filled in, secrets left out.
//! It must not show a secret, nor a key that the table does not know.

use serde_json::{Map, Value};

use super::keys::{Form, Presence, ROOT, Section};
use super::tree::{Entry, Kind, Node, Scalar};

/// What stands where a secret was.
const REDACTED: &str = "REDACTED";

/// The whole file.
pub(super) fn shown(root: &Node) -> Value {
    section(Some(root), &ROOT)
}

fn section(node: Option<&Node>, table: &Section) -> Value {
    let given: &[Entry] = match node.map(|node| &node.kind) {
        Some(Kind::Map(entries)) => entries,
        _ => &[],
    };
    let find = |name: &str| given.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
    let mut shown = Map::new();
    for key in table.keys {
        let value = match (find(key.name), key.presence) {
            (Some(node), _) => value(node, key.form),
            (None, Presence::Default(text)) => default(text, key.form),
            (None, Presence::Defaults) => section(None, key.form.section()),
            (None, Presence::Required | Presence::Optional) => continue,
        };
        shown.insert(key.name.to_owned(), value);
    }
    Value::Object(shown)
}

fn value(node: &Node, form: Form) -> Value {
    match (&node.kind, form) {
        (Kind::Map(_), Form::Keys(table)) => section(Some(node), table),
        (Kind::Map(entries), Form::Secret) => secret(entries),
        (_, Form::Secret) => Value::from(REDACTED),
        (Kind::List(items), _) => items.iter().map(|item| value(item, form.item())).collect(),
        (Kind::Map(entries), _) => {
            entries.iter().map(|entry| (entry.key.clone(), value(&entry.value, Form::Unread))).collect()
        }
        (Kind::Scalar(text), _) => scalar(text, form),
        (Kind::Null, _) => Value::Null,
    }
}

/// Where a secret comes from, but not what it is.
fn secret(entries: &[Entry]) -> Value {
    let shown = |entry: &Entry| match (entry.key.as_str(), &entry.value.kind) {
        (key @ ("file" | "env"), Kind::Scalar(name)) => (key.to_owned(), Value::from(name.text.as_str())),
        _ => ("value".to_owned(), Value::from(REDACTED)),
    };
    entries.iter().map(shown).collect()
}

fn default(text: &str, form: Form) -> Value {
    let scalar = scalar(&Scalar { text: text.to_owned(), plain: true }, form.item());
    if matches!(form, Form::List(..)) { Value::from(vec![scalar]) } else { scalar }
}

fn scalar(scalar: &Scalar, form: Form) -> Value {
    let text = scalar.text.as_str();
    match form {
        Form::Flag => Value::from(text == "true"),
        Form::Choice(_) if matches!(text, "true" | "false") => Value::from(text == "true"),
        Form::Count(..) => text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from),
        _ => Value::from(without_user(text)),
    }
}

/// A URL without the name and password in it.
fn without_user(text: &str) -> String {
    if let Some((scheme, rest)) = text.split_once("://") {
        let end = rest.find('/').unwrap_or(rest.len());
        if let Some((authority, path)) = rest.split_at_checked(end)
            && let Some((_, host)) = authority.rsplit_once('@')
        {
            return format!("{scheme}://{REDACTED}@{host}{path}");
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn of(text: &str) -> Value {
        shown(&parse(text).unwrap())
    }

    #[test]
    fn defaults_are_filled_in() {
        let shown = of("version: 1\nsigning: { clock_skew: 1m }\n");
        assert_eq!(shown["signing"]["clock_skew"], "1m");
        assert_eq!(shown["signing"]["max_expires"], "7d");
        assert_eq!(shown["signing"]["header_auth"], true);
        assert_eq!(shown["signing"]["regions"], serde_json::json!(["us-east-1"]));
        assert_eq!(shown["limits"]["connections"], 50000);
        assert_eq!(shown["logs"]["access"]["path"], "-");
        assert_eq!((shown.get("admin"), shown.get("network")), (None, None));
    }

    #[test]
    fn secrets_are_left_out() {
        let text = "admin: { address: 'a:1', token: { value: hunter2 } }\n\
            credentials: [{ access_key_id: A, secret_access_key: { file: a.secret }, tags: { a: b } }]\n\
            upstreams: [{ name: s, credentials: { access_key_id: B, secret_access_key: hunter2, session_token: { hunter2: x } } }]\n";
        let shown = of(text);
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
        assert_eq!(shown["admin"]["token"]["value"], REDACTED);
        assert_eq!(shown["credentials"][0]["secret_access_key"]["file"], "a.secret");
        assert_eq!(shown["credentials"][0]["tags"]["a"], "b");
        assert_eq!(shown["upstreams"][0]["timeouts"]["connect"], "2s");
    }

    #[test]
    fn urls_lose_their_user() {
        for (text, expected) in [
            ("redis://user:pass@host:6379/0", "redis://REDACTED@host:6379/0"),
            ("redis://:p@ss@host", "redis://REDACTED@host"),
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("https://host/a@b", "https://host/a@b"),
            ("a@b", "a@b"),
        ] {
            assert_eq!(without_user(text), expected);
        }
    }
}
