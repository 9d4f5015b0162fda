//! The config reference as Markdown, made from the table of keys.
//! It must not say more than the table: prose is written elsewhere.

use std::fmt::Write as _;

use super::keys::{Form, Key, Presence, Served, all};

/// Every key with its path, form, default and meaning.
#[must_use]
pub fn markdown() -> String {
    let mut text = "| key | form | if left out | meaning |\n|---|---|---|---|\n".to_owned();
    for (path, key) in all() {
        // writing to a String cannot fail
        let _ = writeln!(text, "| `{path}` | {} | {} | {} |", form(key), left_out(key), key.doc);
    }
    text
}

fn form(key: &Key) -> String {
    match key.served {
        Served::No => "not served by this version".to_owned(),
        Served::Only(value) => format!("only `{value}` in this version"),
        Served::Yes => form_of(key.form),
    }
}

fn form_of(form: Form) -> String {
    match form {
        Form::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        Form::Count(least, most) => format!("a whole number, {least} to {most}"),
        Form::List(item, _) => format!("a list; each item {}", form_of(*item)),
        Form::OneOrMore(item) => format!("{}, or a list", form_of(*item)),
        Form::Endpoint => "`http[s]://host[:port]`".to_owned(),
        Form::Duration(..) => "a duration, as `90s`".to_owned(),
        Form::Size(..) => "a size, as `64KiB`".to_owned(),
        other => other.describe().to_owned(),
    }
}

fn left_out(key: &Key) -> String {
    match key.presence {
        Presence::Required => "an error".to_owned(),
        Presence::Optional => "none".to_owned(),
        Presence::Default(text) => format!("`{text}`"),
        Presence::Defaults => "its defaults".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_row() {
        let text = markdown();
        assert_eq!(text.lines().count(), all().len() + 2);
        assert!(text.contains("| `signing.max_expires` | a duration, as `90s` | `7d` | the longest"));
    }
}
