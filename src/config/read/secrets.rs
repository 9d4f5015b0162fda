//! Reads secrets, from a file, the environment or the config itself, and the other files that a config names.
//! It must not put a secret, or anything that stands where one belongs, into a message.

use super::super::keys::Form;
use super::super::model::LoadedFile;
use super::super::reader::{Fields, Reported, wrong_kind};
use super::super::tree::{Kind, Node, Place, Scalar};
use crate::secret::Secret;

/// A secret that is given, or needed.
pub(super) fn secret(fields: &Fields<'_>, name: &'static str) -> Result<Secret, Reported> {
    let node = fields.needed(name)?;
    let path = fields.path_of(name);
    let Some((kind, at, text)) = reference(node) else {
        return Err(no_reference(fields, node, &path));
    };
    let secret = match kind {
        Where::File => from_file(fields, node, &path, text)?,
        Where::Env => fields.reader.source().env(text).map_err(|error| {
            fields.reader.error(at, &path, error.to_string(), "set it before the gate starts")
        })?,
        Where::Value => {
            let message = format!("`{path}` stands in the config file itself");
            fields.reader.warning(at, &path, message, "use `{file: NAME}` or `{env: NAME}`");
            Secret::new(text)
        }
    };
    if secret.expose().is_empty() {
        return Err(fields.reader.error(node.at, &path, format!("`{path}` is empty"), ""));
    }
    Ok(secret)
}

fn no_reference(fields: &Fields<'_>, node: &Node, path: &str) -> Reported {
    if !matches!(node.kind, Kind::Map(_)) {
        return wrong_kind(fields.reader, node, path, Form::Secret);
    }
    let message = format!("`{path}` must hold exactly one of `file`, `env` or `value`, with a text");
    fields.reader.error(node.at, path, message, "write `{file: NAME}`, `{env: NAME}` or `{value: TEXT}`")
}

#[derive(Clone, Copy)]
enum Where {
    File,
    Env,
    Value,
}

const WHERE: [(&str, Where); 3] = [("file", Where::File), ("env", Where::Env), ("value", Where::Value)];

/// The one entry of `{file: ..}`, `{env: ..}` or `{value: ..}`. Other keys are not named: they could be the secret.
fn reference(node: &Node) -> Option<(Where, Place, &str)> {
    let Kind::Map(entries) = &node.kind else { return None };
    let [entry] = entries.as_slice() else { return None };
    let (_, kind) = WHERE.iter().find(|(name, _)| *name == entry.key)?;
    match &entry.value.kind {
        Kind::Scalar(Scalar { text, .. }) => Some((*kind, entry.value.at, text)),
        _ => None,
    }
}

fn from_file(fields: &Fields<'_>, node: &Node, path: &str, name: &str) -> Result<Secret, Reported> {
    let loaded = load(fields, node, path, name, true)?;
    Ok(Secret::new(without_line_end(loaded.bytes.expose())))
}

/// The end of the last line is of the editor, not of the secret.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    let cut = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    cut.strip_suffix(b"\r").unwrap_or(cut)
}

/// A file that anybody may read.
pub(super) fn file(fields: &Fields<'_>, name: &'static str) -> Result<LoadedFile, Reported> {
    let located = fields.text(name)?;
    load(fields, fields.needed(name)?, &located.path, &located.value, false)
}

/// A file that only its owner should read.
pub(super) fn secret_file(fields: &Fields<'_>, name: &'static str) -> Result<LoadedFile, Reported> {
    let located = fields.text(name)?;
    load(fields, fields.needed(name)?, &located.path, &located.value, true)
}

fn load(
    fields: &Fields<'_>,
    node: &Node,
    path: &str,
    name: &str,
    secret: bool,
) -> Result<LoadedFile, Reported> {
    let reader = fields.reader;
    if name.len() > 1024 || name.contains(char::is_control) {
        // not shown: it may be the content of the file that was meant
        let message = format!("`{path}` must be the name of a file, and is something longer");
        return Err(reader.error(node.at, path, message, "put the content into a file and name it here"));
    }
    let (file, content) = reader.read_file(name).map_err(|error| {
        reader.error(node.at, path, error.to_string(), "file names are relative to the config file")
    })?;
    if secret && content.exposed {
        let message = format!("`{}` can be read by every user of this machine", file.display());
        reader.warning(node.at, path, message, "take the right away: `chmod o-r`");
    }
    Ok(LoadedFile { path: file, bytes: content.bytes })
}
