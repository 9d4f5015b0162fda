//! A signer that the config file does not list, from a file or an answer of its own: an entry as in `credentials`.
//! It must not be milder than the config file is: whatever is an error there makes no signer here.

use super::policies::Policies;
use super::{Resolver, signer};
use crate::auth::keyring::{GuestKey, PrincipalId};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::identity::Credential;
use crate::config::reader::Reader;
use crate::config::source::Source;
use crate::config::{parse, read, with_snippets};
use crate::secret::Secret;
use crate::snapshot::Guest;
use std::path::{Path, PathBuf};

/// What came of a text.
#[derive(Debug)]
pub struct BuiltGuest {
    /// The signer; `None` if there is any error.
    pub guest: Option<Guest>,
    /// All findings.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that the text names.
    pub files: Vec<PathBuf>,
}

/// Reads one entry. What it names is read through `source`, relative to the folder of `path`; `origin` is the name of
/// whoever brought it, and stands before the names of its policies.
#[must_use]
pub fn build(source: &dyn Source, origin: &str, path: &Path, text: &Secret) -> BuiltGuest {
    let file = path.display().to_string();
    let refused = |diagnostic| BuiltGuest { guest: None, diagnostics: vec![diagnostic], files: Vec::new() };
    let Ok(text) = std::str::from_utf8(text.expose()) else {
        return refused(Diagnostic::about_file(&file, "the text is not UTF-8".to_owned()));
    };
    let root = match parse::parse(text) {
        Ok(root) => root,
        Err(problem) => return refused(Diagnostic::new(&file, problem, None)),
    };
    let reader = Reader::new(source, &file, path);
    let credential = read::credential(&reader, &root);
    let (mut problems, files) = reader.finish();
    problems.extend(crate::config::tree::lint(&root));
    let mut diagnostics = with_snippets(&file, text, &root, problems);
    let mut guest = None;
    if let Ok(credential) = credential {
        let mut resolver = Resolver { file, findings: Vec::new() };
        guest = resolver.guest(origin, credential);
        diagnostics.append(&mut resolver.findings);
    }
    let broken = diagnostics.iter().any(Diagnostic::is_error);
    BuiltGuest { guest: guest.filter(|_| !broken), diagnostics, files }
}

impl Resolver {
    fn guest(&mut self, origin: &str, mut credential: Credential) -> Option<Guest> {
        for policy in credential.policies.iter_mut().chain(&mut credential.boundary) {
            // never the name of a document of the config, whose statements are counted by name
            policy.name = format!("{origin}:{}:{}", credential.access_key_id.value, policy.name);
        }
        let identity = self.identity(&credential, &mut Policies::default());
        match GuestKey::new(signer(&credential, PrincipalId(u32::MAX))) {
            Ok(key) => identity.map(|identity| Guest { key, identity }),
            Err(error) => {
                self.error_at(&credential.access_key_id, error.to_string());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::MemorySource;

    const ALLOW: &str =
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#;

    fn check(text: &str, expected: Result<&str, &str>) {
        let source =
            MemorySource::default().with_file("keys/a.secret", "hunter2\n").with_file("keys/p.json", ALLOW);
        let built = build(&source, "tenants", Path::new("keys/a.yaml"), &Secret::new(text));
        let errors: Vec<_> =
            built.diagnostics.iter().filter(|it| it.is_error()).map(Diagnostic::line).collect();
        match (expected, &built.guest) {
            (Ok(id), Some(guest)) => {
                assert_eq!(guest.key.credential().access_key_id, id);
                assert!(guest.key.credential().secret.matches(b"hunter2"), "{text}");
                assert!(errors.is_empty(), "{errors:?}");
            }
            (Err(why), None) => assert!(errors.iter().any(|error| error.contains(why)), "{text}: {errors:?}"),
            (expected, _) => panic!("{text}: {errors:?} instead of {expected:?}"),
        }
        assert!(!format!("{built:?}").contains("hunter2"), "{built:?}");
    }

    #[test]
    fn an_entry_is_read_as_in_the_config() {
        check("{access_key_id: A, secret_access_key: {file: a.secret}, policies: [p.json]}", Ok("A"));
        check(
            &format!(
                "{{\"access_key_id\": \"A\", \"secret_access_key\": {{\"value\": \"hunter2\"}}, \"boundary\": {ALLOW}}}"
            ),
            Ok("A"),
        );
        for (text, why) in [
            ("", "the file is empty"),
            ("[]", "must be keys with values"),
            ("{access_key_id: A}", "`secret_access_key` is missing"),
            ("{access_key_id: A, access_key_id: B, secret_access_key: {value: hunter2}}", "access_key_id"),
            ("{access_key_id: A, secret_access_key: {value: hunter2}, policys: []}", "unknown key"),
            ("{access_key_id: A, secret_access_key: {value: hunter2}, boundary: ~}", "boundary"),
            (
                "{access_key_id: A/B, secret_access_key: {value: hunter2}, principal: 'arn:aws:iam::000000000000:user/x'}",
                "config file",
            ),
            ("{access_key_id: A, secret_access_key: hunter2}", "secret_access_key"),
            ("{access_key_id: A, secret_access_key: {file: b.secret}}", "b.secret"),
            ("{access_key_id: A, secret_access_key: {value: hunter2}, policies: [q.json]}", "q.json"),
            (
                "{access_key_id: A, secret_access_key: {value: hunter2}, boundary: {Version: '2012-10-17', Statement: [{Effect: Alow}]}}",
                "Effect",
            ),
            ("{access_key_id: A, secret_access_key: {value: hunter2}, principal: nobody}", "principal"),
        ] {
            check(text, Err(why));
        }
    }

    #[test]
    fn policies_bear_the_name_of_their_origin() {
        let source = MemorySource::default().with_file("p.json", ALLOW);
        let text = "{access_key_id: A, secret_access_key: {value: s}, policies: [p.json]}";
        let built = build(&source, "tenants", Path::new("a.yaml"), &Secret::new(text));
        let names: Vec<_> =
            built.guest.unwrap().identity.policies.iter().map(|it| it.name().to_owned()).collect();
        assert_eq!(
            (names, built.files),
            (vec!["tenants:A:p.json".to_owned()], vec![PathBuf::from("p.json")])
        );
    }
}
