//! What must be in nothing that a gate writes or says: secrets, tokens, signatures, links that work.
//! It must not know what a test is about: every gate of the suite is searched, whatever it was started for.

use super::client::Response;
use super::sigv4::{MAIN, TEMPORARY, UPSTREAM, encode};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Shorter values are too common to be looked for.
const SHORTEST: usize = 6;

/// The secrets of the configs that a gate has had, and the files that they let it write.
#[derive(Debug, Default)]
pub struct Watch {
    secrets: BTreeSet<String>,
    logs: BTreeSet<PathBuf>,
    stores: BTreeSet<PathBuf>,
}

/// The scalars behind a key, wherever it stands in a config of the tests.
fn scalars<'t>(text: &'t str, key: &str) -> impl Iterator<Item = &'t str> {
    text.match_indices(key).map(move |(at, _)| {
        let rest = text[at + key.len()..].trim_start_matches(' ');
        match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => rest.split([' ', ',', '}', '\n']).next().unwrap_or_default(),
        }
    })
}

impl Watch {
    /// Takes in a config that a gate reads from `folder`.
    pub fn config(&mut self, text: &str, folder: &Path) {
        let keys = [MAIN, TEMPORARY, UPSTREAM];
        let known = keys.iter().flat_map(|key| [Some(key.secret), key.token]).flatten().map(str::to_owned);
        let written = scalars(text, "value:").map(str::to_owned);
        let kept = scalars(text, "file:").filter_map(|name| std::fs::read_to_string(folder.join(name)).ok());
        let kept = kept.map(|text| text.trim().to_owned());
        let all = known.chain(written).chain(kept);
        self.secrets.extend(all.filter(|secret| secret.len() >= SHORTEST && !secret.contains('\n')));
        let logs = text.lines().filter(|line| line.trim_start().starts_with("logs:"));
        let paths = logs.flat_map(|line| scalars(line, "path:")).filter(|path| *path != "-");
        self.logs.extend(paths.map(|path| folder.join(path)));
        self.stores.extend(scalars(text, "redb:").map(|path| folder.join(path)));
    }

    /// The first secret in something that may hold digests of other things.
    pub fn secret(&self, written: &[u8]) -> Option<String> {
        let inside = |secret: &&String| memchr::memmem::find(written, secret.as_bytes()).is_some();
        self.secrets.iter().find(inside).cloned()
    }

    /// The first secret, signature or link that works.
    pub fn leak(&self, written: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(written);
        let encoded = || {
            let all = self.secrets.iter().map(|secret| encode(secret.as_bytes(), false));
            all.filter(|secret| memchr::memmem::find(written, secret.as_bytes()).is_some()).min()
        };
        self.secret(written).or_else(encoded).or_else(|| digest(&text)).or_else(|| replayable(&text))
    }

    /// The first leak in the files that the gate has written, with its file.
    pub fn files(&self) -> Option<(PathBuf, String)> {
        let with_rotated = self.logs.iter().flat_map(|path| siblings(path));
        let logs = with_rotated.filter_map(|path| {
            let found = self.leak(&std::fs::read(&path).ok()?)?;
            Some((path, found))
        });
        // the names of links are in it, and nothing that opens one
        let stores = self.stores.iter().filter_map(|path| {
            let found = self.secret(&std::fs::read(path).ok()?)?;
            Some((path.clone(), found))
        });
        logs.chain(stores).next()
    }

    /// Fails if an answer tells a secret. A signature in it may be the one that the client has sent.
    #[track_caller]
    pub fn answer(&self, answer: &Response) {
        let lines: Vec<_> = answer.headers.0.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let head = lines.join(
            "
",
        );
        // S3 tells who sent a wrong or old token which one it was
        let text = answer.text();
        let echo = text.split_once("<Token-0>").and_then(|(start, rest)| {
            let (_, end) = rest.split_once("</Token-0>")?;
            Some(start.to_owned() + end)
        });
        let body = echo.map_or_else(|| answer.body.clone(), String::into_bytes);
        let found = self.secret(&body).or_else(|| self.secret(head.as_bytes()));
        assert!(found.is_none(), "an answer tells {found:?}: {head}\n{}", answer.text());
    }
}

/// A log and what it became when it was rotated; devices have no end, and are not read.
fn siblings(path: &Path) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten();
    let named = |path: &PathBuf| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with(&stem));
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file() && named(path))
        .collect()
}

/// A signature is 64 hex digits of many kinds; so are the links of an audit log, which are named.
fn digest(text: &str) -> Option<String> {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let begins =
        text.match_indices(|c: char| !c.is_ascii_hexdigit()).map(|(at, it)| at + it.len()).chain([0]);
    let linked = |at: usize| ["\"prev\":\"", "\"hash\":\""].iter().any(|name| text[..at].ends_with(name));
    begins.filter(|&at| !linked(at)).find_map(|at| {
        let digits: Vec<u8> = text[at..].bytes().take_while(is_digit).collect();
        let kinds: BTreeSet<_> = digits.iter().collect();
        (digits.len() == 64 && kinds.len() > 4).then(|| text[at..at + 64].to_owned())
    })
}

/// A parameter that holds a signature or a token, in any form of signing, and its value.
fn replayable(text: &str) -> Option<String> {
    ["X-Amz-Signature=", "X-Amz-Security-Token=", "&Signature=", "?Signature="].into_iter().find_map(|name| {
        text.match_indices(name).find_map(|(at, _)| {
            let value = text[at + name.len()..].split(['&', ' ', '"', '\'', '\\', '<', '\n']).next()?;
            let hidden = value.len() < 8 || value.starts_with("REDACTED") || value.starts_with("[redacted");
            (!hidden).then(|| format!("{name}{value}"))
        })
    })
}

#[test]
fn leaks_are_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("admin.token"), "token-in-a-file\n").unwrap();
    let mut watch = Watch::default();
    let text = "admin: { token: { file: admin.token } }\nkey: { value: \"my, secret\" }\n\
                logs: { access: { path: access.log, format: s3 }, audit: { path: audit.jsonl } }\n\
                links: { store: { redb: links.redb } }\n";
    watch.config(text, folder.path());
    let found = |text: &str| watch.leak(text.as_bytes());
    let digest = "01234567890abcde".repeat(4);
    for (text, leaks) in [
        (format!("GET /?X-Amz-Signature={digest} HTTP/1.1"), true),
        (digest.clone(), true),
        (format!("é {}", UPSTREAM.secret), true),
        ("x token-in-a-file y".to_owned(), true),
        ("x my, secret y".to_owned(), true),
        ("x my%2C%20secret y".to_owned(), true),
        ("/?AWSAccessKeyId=A&Signature=c2lnbmF0dXJlLW9mLXYy".to_owned(), true),
        ("X-Amz-Security-Token=some-token-of-a-session".to_owned(), true),
        ("X-Amz-Signature=REDACTED HTTP/1.1 X-Amz-Security-Token=[redacted, 8 bytes]".to_owned(), false),
        (format!("{{\"prev\":\"{digest}\",\"hash\":\"{digest}\"}} {digest}00"), false),
    ] {
        assert_eq!(found(&text).is_some(), leaks, "{text}");
    }
    for (file, content) in [
        ("access.log", digest.as_str()),
        ("access.log.1", digest.as_str()),
        ("audit.jsonl", "my, secret"),
        ("audit.1", "my, secret"),
        ("links.redb", "\0\0my, secret\0"),
    ] {
        assert_eq!(watch.files(), None);
        let path = folder.path().join(file);
        std::fs::write(&path, content).unwrap();
        assert_eq!(watch.files().map(|(path, _)| path), Some(path.clone()), "{file}");
        std::fs::remove_file(path).unwrap();
    }
}
