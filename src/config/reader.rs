//! Reading a tree by the tables of keys, with everything that is wrong collected on the way.
//! It must not stop at the first mistake: what gives no value has reported why.

mod fields;

pub(crate) use fields::Fields;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Problem, Severity};
use super::keys::Form;
use super::model::Located;
use super::scalar::Malformed;
use super::source::Source;
use super::tree::{Kind, Node, Place, Scalar};

/// There is no value, and a finding says why.
///
/// INVARIANT: made only beside a finding, so that a config that does not read cannot be silent about it.
#[derive(Debug)]
pub(crate) struct Reported(());

/// What all sections of one file share.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    source: &'a dyn Source,
    folder: PathBuf,
    /// The config file, as the user named it.
    pub(crate) file: &'a str,
    problems: RefCell<Vec<Problem>>,
    files: RefCell<Vec<PathBuf>>,
    /// Policy files that were read; many credentials may share one.
    pub(crate) policy_files: RefCell<HashMap<PathBuf, Arc<str>>>,
}

impl<'a> Reader<'a> {
    /// A reader for the config file at `path`, which messages call `file`.
    pub(crate) fn new(source: &'a dyn Source, file: &'a str, path: &Path) -> Self {
        Self {
            source,
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            file,
            problems: RefCell::default(),
            files: RefCell::default(),
            policy_files: RefCell::default(),
        }
    }

    /// Notes something that keeps the file from loading.
    pub(crate) fn error(&self, at: Place, path: &str, message: String, hint: impl Into<String>) -> Reported {
        self.note(Severity::Error, at, path, message, hint.into());
        Reported(())
    }

    /// Notes something that somebody should look at.
    pub(crate) fn warning(&self, at: Place, path: &str, message: String, hint: impl Into<String>) {
        self.note(Severity::Warning, at, path, message, hint.into());
    }

    fn note(&self, severity: Severity, at: Place, path: &str, message: String, hint: String) {
        let hint = Some(hint).filter(|hint| !hint.is_empty());
        self.problems.borrow_mut().push(Problem { at, path: path.to_owned(), severity, message, hint });
    }

    /// Notes a text that is not of its form.
    pub(crate) fn malformed(&self, at: Place, path: &str, wrong: &Malformed) -> Reported {
        self.error(at, path, wrong.message(), wrong.hint.clone())
    }

    /// Reads a file that the config names; the file is remembered, even if it is not there, so that its changes can be seen.
    pub(crate) fn read_file(
        &self,
        name: &str,
    ) -> Result<(PathBuf, super::source::FileBytes), super::source::SourceError> {
        let path = self.folder.join(name);
        self.files.borrow_mut().push(path.clone());
        let file = self.source.read(&path)?;
        Ok((path, file))
    }

    /// Forgets one reading of a file, whose changes somebody else sees to.
    pub(crate) fn forget_file(&self, path: &Path) {
        let mut files = self.files.borrow_mut();
        if let Some(at) = files.iter().rposition(|known| known == path) {
            files.remove(at);
        }
    }

    /// A file name of the config, joined to the folder of the config file.
    pub(crate) fn locate(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where secrets come from.
    pub(crate) fn source(&self) -> &'a dyn Source {
        self.source
    }

    /// All problems and all files that were read.
    pub(crate) fn finish(self) -> (Vec<Problem>, Vec<PathBuf>) {
        (self.problems.into_inner(), self.files.into_inner())
    }
}

/// Every value, or that one was refused; looks at all of them first.
pub(crate) fn all<T>(values: impl Iterator<Item = Result<T, Reported>>) -> Result<Vec<T>, Reported> {
    let values: Vec<Result<T, Reported>> = values.collect();
    values.into_iter().collect()
}

/// A text that is not empty.
pub(crate) fn text(scalar: &Scalar) -> Result<String, Malformed> {
    match scalar.text.as_str() {
        "" => Err(Malformed::new("", "a text", "write one, or remove the key")),
        text => Ok(text.to_owned()),
    }
}

/// Reads a value that must be a scalar.
pub(crate) fn scalar<T>(
    reader: &Reader<'_>,
    node: &Node,
    path: &str,
    form: Form,
    parse: impl Fn(&Scalar) -> Result<T, Malformed>,
) -> Result<Located<T>, Reported> {
    let Kind::Scalar(scalar) = &node.kind else {
        return Err(wrong_kind(reader, node, path, form));
    };
    match parse(scalar) {
        Ok(value) => Ok(Located { value, at: node.at, path: path.to_owned() }),
        Err(wrong) => Err(reader.malformed(node.at, path, &wrong)),
    }
}

/// Reports a value of the wrong kind; its text is not shown, since it may be a secret in the wrong place.
pub(crate) fn wrong_kind(reader: &Reader<'_>, node: &Node, path: &str, form: Form) -> Reported {
    if node.kind == Kind::Null {
        return Reported(()); // by `tree::lint`
    }
    let name = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
    let message = format!("{name} must be {}, and is {}", form.describe(), node.kind.describe());
    reader.error(node.at, path, message, "")
}
