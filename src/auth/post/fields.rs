//! The fields of a form as S3 reads them: names in any letter case, several of one name as a list, the name of the
//! file put into the key.
//! It must not decide what a field means.

use crate::auth::error::AuthError;
use crate::request::form::Form;

/// What stands for the name of the file in a key.
const FILE_NAME: &str = "${filename}";

/// Fields that stand once: those of the signature, and those that more than one rule looks at.
const ONCE: [&str; 15] = [
    "acl",
    "awsaccesskeyid",
    "bucket",
    "key",
    "policy",
    "redirect",
    "signature",
    "success_action_redirect",
    "success_action_status",
    "tagging",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
];

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name as it was sent first.
    pub sent_name: String,
    /// Its name in lower case.
    pub name: String,
    /// Its value; of several fields with one name, all of them with `,` between.
    pub value: String,
}

/// All fields of a form before its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    list: Vec<Field>,
    bucket: String,
    file_length: u64,
}

impl Fields {
    /// Takes the fields of a form that was sent to a bucket.
    ///
    /// # Errors
    /// [`AuthError::FormArgument`] for a field that stands twice and must not.
    pub fn of(form: &Form, bucket: &str) -> Result<Self, AuthError> {
        let mut list: Vec<Field> = Vec::with_capacity(form.fields.len());
        for field in &form.fields {
            let name = field.name.to_ascii_lowercase();
            match list.iter_mut().find(|known| known.name == name) {
                None => {
                    list.push(Field { sent_name: field.name.clone(), name, value: field.value.clone() });
                }
                Some(known) if ONCE.contains(&name.as_str()) || name.starts_with("x-gate-") => {
                    let name = ONCE.iter().find(|once| **once == known.name).copied().unwrap_or("x-gate-*");
                    return Err(AuthError::FormArgument { name, value: field.value.clone() });
                }
                Some(known) => {
                    known.value.push(',');
                    known.value.push_str(&field.value);
                }
            }
        }
        let file_name = form.file_name.rsplit(['/', '\\']).next().unwrap_or_default();
        if let Some(key) = list.iter_mut().find(|field| field.name == "key") {
            key.value = key.value.replace(FILE_NAME, file_name);
        }
        Ok(Self { list, bucket: bucket.to_owned(), file_length: form.file_length })
    }

    /// The value of a field, whose name is given in lower case.
    #[must_use]
    pub fn get(&self, lower_name: &str) -> Option<&str> {
        self.list.iter().find(|field| field.name == lower_name).map(|field| field.value.as_str())
    }

    /// The value of a field that must be there, its name as S3 writes it.
    ///
    /// # Errors
    /// [`AuthError::FormField`].
    pub fn required(&self, name: &'static str) -> Result<&str, AuthError> {
        self.get(&name.to_ascii_lowercase()).ok_or(AuthError::FormField(name))
    }

    /// Every field, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// The bucket that the form was sent to.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The bytes of the file.
    #[must_use]
    pub const fn file_length(&self) -> u64 {
        self.file_length
    }
}
