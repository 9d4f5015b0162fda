//! The JSON schema of the config file, for editors; made from the table of keys.
//! It must not refuse what the gate loads; what it cannot say (places that must agree) `check` says.

use serde_json::{Map, Value, json};

use super::keys::{Form, Key, Presence, ROOT, Section, Served};

/// The schema of the whole file (JSON Schema 2020-12).
#[must_use]
pub fn schema() -> Value {
    let mut schema = section(&ROOT);
    if let Some(root) = schema.as_object_mut() {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("title".to_owned(), json!("The config file of presign-gate"));
    }
    schema
}

fn section(section: &Section) -> Value {
    let served = || section.keys.iter().filter(|key| key.served != Served::No);
    let properties: Map<String, Value> = served().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        served().filter(|key| key.presence == Presence::Required).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn property(key: &Key) -> Value {
    let mut schema = match key.served {
        Served::Only("[]") => json!({ "type": "array", "maxItems": 0 }),
        Served::Only(word) => words(&[word]),
        Served::Yes | Served::No => form(key.form),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(key.doc));
        if let Presence::Default(text) = key.presence {
            schema.insert("default".to_owned(), default(text, key.form));
        }
    }
    schema
}

fn form(form: Form) -> Value {
    // whoever writes a number or a truth value where a text belongs has written that text
    let text = json!({ "type": ["string", "number", "boolean"], "minLength": 1 });
    match form {
        Form::Text | Form::File | Form::Address => text,
        Form::Flag => json!({ "type": "boolean" }),
        Form::Choice(choice) => words(choice),
        Form::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Form::Size(..) => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB|TiB)?$" },
        ] }),
        Form::Duration(..) => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
        Form::Ratio => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Form::Time => json!({ "type": ["string", "integer"] }),
        Form::Cidr => json!({ "type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$" }),
        Form::Endpoint => json!({ "type": "string", "pattern": "^https?://[^/?#@]+$" }),
        Form::Secret => {
            let name = json!({ "type": "string", "minLength": 1 });
            json!({
                "type": "object",
                "properties": { "file": name, "env": name, "value": text },
                "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
            })
        }
        Form::Policy => json!({ "type": ["string", "object"] }),
        Form::Texts => json!({ "type": "object", "additionalProperties": text }),
        Form::List(item, least) => json!({ "type": "array", "items": self::form(*item), "minItems": least }),
        Form::OneOrMore(item) => {
            let one = self::form(*item);
            json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
        }
        Form::Keys(keys) => section(keys),
        Form::Unread => json!({}),
    }
}

/// The words, also as the numbers and truth values that they look like.
fn words(words: &[&str]) -> Value {
    let values = words.iter().flat_map(|word| [Some(json!(word)), plain(word)]).flatten();
    json!({ "enum": values.collect::<Vec<_>>() })
}

/// What a word is when it is written without quotes, if that is no text.
fn plain(word: &str) -> Option<Value> {
    match word {
        "true" | "false" => Some(json!(word == "true")),
        _ => word.parse::<u64>().ok().map(Value::from),
    }
}

fn default(text: &str, form: Form) -> Value {
    let value = match form.item() {
        Form::Flag | Form::Count(..) => plain(text).unwrap_or_else(|| json!(text)),
        Form::Choice(_) if matches!(text, "true" | "false") => json!(text == "true"),
        _ => json!(text),
    };
    if matches!(form, Form::List(..)) { json!([value]) } else { value }
}

#[cfg(test)]
mod tests {
    use super::super::keys::all;
    use super::*;

    #[test]
    fn every_key_that_is_served_is_in_it() {
        let schema = schema();
        for (path, key) in all() {
            let mut at = &schema;
            let mut found = true;
            for part in path.split('.') {
                let at_list = part.ends_with("[]");
                at = &at["properties"][part.trim_end_matches("[]")];
                found = found && !at.is_null();
                if at_list {
                    at = &at["items"];
                }
            }
            assert_eq!(found, key.served != Served::No, "{path}");
        }
    }
}
