//! JSON as a tree that keeps what policies need: repeated names, the text of numbers, and where everything stands.
//! It must not decide what is valid JSON: `serde_json` has before.

use serde::de::IgnoredAny;

use crate::policy::error::ErrorKind;

/// Objects and lists within each other; a policy has seven.
const MAX_DEPTH: usize = 16;

/// A value and the byte at which it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) value: Json,
}

#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// The number as it was written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A name in an object, where it stands, and its value.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) node: Node,
}

type Failure = (usize, ErrorKind);

/// Reads a text that must be one JSON value.
pub(super) fn read(text: &str) -> Result<Node, Failure> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(syntax(text, &error));
    }
    // INVARIANT: from here on the text is one valid JSON value, but for the surrogates in its escapes
    let mut cursor = Cursor { text, at: 0 };
    cursor.node(0)
}

fn syntax(text: &str, error: &serde_json::Error) -> Failure {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (line_start + error.column().saturating_sub(1)).min(text.len());
    // the place is told by us, in the same way as for all errors
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    (at, ErrorKind::Syntax(message.into()))
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes over blanks and the separators `,` and `:`, whose places are known to be right.
    fn skip(&mut self) {
        let rest = self.rest();
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':');
        self.at += rest.bytes().take_while(blank).count();
    }

    /// Takes a token that ends before the first byte for which `end` holds.
    fn take_until(&mut self, end: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.bytes().position(end).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn node(&mut self, depth: usize) -> Result<Node, Failure> {
        self.skip();
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err((at, ErrorKind::TooDeep));
        }
        let value = match self.rest().bytes().next() {
            Some(b'"') => Json::Text(self.string()?),
            Some(b'{') => Json::Object(self.object(depth)?),
            Some(b'[') => Json::List(self.list(depth)?),
            _ => match self
                .take_until(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))
            {
                "null" => Json::Null,
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                number => Json::Number(number.into()),
            },
        };
        Ok(Node { at, value })
    }

    fn string(&mut self) -> Result<String, Failure> {
        let start = self.at;
        let mut escaped = false;
        let inner = self.text.bytes().skip(start + 1).position(|byte| {
            let end = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            end
        });
        self.at = start + 2 + inner.unwrap_or_default();
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(quoted).map_err(|error| {
            let message = error.to_string();
            (start, ErrorKind::Syntax(message.split(" at line ").next().unwrap_or_default().into()))
        })
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member>, Failure> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.skip();
            if self.rest().starts_with('}') {
                self.at += 1;
                return Ok(members);
            }
            let at = self.at;
            let name = self.string()?;
            members.push(Member { at, name, node: self.node(depth + 1)? });
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Failure> {
        let mut nodes = Vec::new();
        self.at += 1;
        loop {
            self.skip();
            if self.rest().starts_with(']') {
                self.at += 1;
                return Ok(nodes);
            }
            nodes.push(self.node(depth + 1)?);
        }
    }
}

/// The tree of a value that has been read already.
pub(super) fn convert(value: &serde_json::Value) -> Result<Node, Failure> {
    convert_at(value, 0)
}

fn convert_at(value: &serde_json::Value, depth: usize) -> Result<Node, Failure> {
    use serde_json::Value;
    if depth > MAX_DEPTH {
        return Err((0, ErrorKind::TooDeep));
    }
    let value = match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => Json::Number(number.to_string()),
        Value::String(text) => Json::Text(text.clone()),
        Value::Array(list) => {
            Json::List(list.iter().map(|item| convert_at(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let member = |(name, value): (&String, &Value)| {
                Ok(Member { at: 0, name: name.clone(), node: convert_at(value, depth + 1)? })
            };
            Json::Object(map.iter().map(member).collect::<Result<_, Failure>>()?)
        }
    };
    Ok(Node { at: 0, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(node: &Node) -> serde_json::Value {
        match &node.value {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => (*value).into(),
            Json::Number(text) => serde_json::from_str(text).unwrap(),
            Json::Text(text) => text.as_str().into(),
            Json::List(nodes) => nodes.iter().map(back).collect(),
            Json::Object(members) => {
                serde_json::Value::Object(members.iter().map(|m| (m.name.clone(), back(&m.node))).collect())
            }
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            ".{0,12}".prop_map(serde_json::Value::from),
            "[\\\\\"{}\\[\\],: \n]{0,8}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                prop::collection::vec(("[a-z\\\\\":]{0,5}", inner), 0..5)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_tree_is_that_of_serde(value in any_json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(back(&read(&text).unwrap()), value.clone());
            }
            prop_assert_eq!(back(&convert(&value).unwrap()), value);
        }

        #[test]
        fn what_serde_refuses_is_refused(text in "[\\[\\]{}\",:0-9a-z\\\\ .-]{0,16}") {
            let serde = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert_eq!(read(&text).is_ok(), serde.is_ok(), "{}", text);
        }
    }

    #[test]
    fn numbers_keep_their_text_and_names_their_repetition() {
        let node = read(r#"{"a":1.10,"a":-0e2}"#).unwrap();
        let Json::Object(members) = node.value else { panic!("no object") };
        let seen: Vec<_> = members.iter().map(|m| (m.at, m.name.as_str(), m.node.at)).collect();
        assert_eq!(seen, [(1, "a", 5), (10, "a", 14)]);
        assert!(matches!(&members[0].node.value, Json::Number(text) if text == "1.10"));
        assert!(matches!(&members[1].node.value, Json::Number(text) if text == "-0e2"));
    }

    #[test]
    fn both_readers_go_as_deep() {
        for (depth, is_read) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
            let text = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(read(&text).is_ok(), is_read, "{text}");
            assert_eq!(convert(&serde_json::from_str(&text).unwrap()).is_ok(), is_read, "{text}");
        }
    }

    #[test]
    fn places_of_syntax_errors() {
        for (text, at) in [("", 0), ("{\n  \"a\": x}", 9), ("[1,]", 3), ("{} x", 3), ("[\"\\ud800\"]", 1)] {
            assert!(
                matches!(read(text), Err((found, ErrorKind::Syntax(_))) if found == at),
                "{text}: {:?}",
                read(text)
            );
        }
        assert!(matches!(read(&"[".repeat(40)), Err((_, ErrorKind::Syntax(_)))));
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert!(matches!(read(&deep), Err((17, ErrorKind::TooDeep))));
    }
}
