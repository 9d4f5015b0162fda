//! Reads who may sign.
//! It must not look into policies.

use super::super::keys::Form;
use super::super::model::Located;
use super::super::model::identity::Credential;
use super::super::reader::{Fields, Reported, all, scalar, wrong_kind};
use super::super::scalar::{Malformed, time};
use super::super::tree::{Kind, Scalar, join};
use super::{access, policies, secrets};

pub(super) fn credentials(top: &Fields<'_>) -> Result<Vec<Credential>, Reported> {
    top.sections("credentials", credential)
}

pub(super) fn credential(fields: &Fields<'_>) -> Result<Credential, Reported> {
    let access_key_id = fields.scalar("access_key_id", access_key_id);
    let secret = secrets::secret(fields, "secret_access_key");
    let session_token = fields.if_given("session_token", secrets::secret);
    let principal = fields.if_given("principal", |fields, name| fields.scalar(name, arn));
    let role = fields.if_given("role", |fields, name| fields.scalar(name, arn));
    let user_id = fields.if_given("user_id", Fields::text);
    let org = fields.if_given("org", |fields, name| fields.scalar(name, access::org_id));
    let canonical_user =
        fields.if_given("canonical_user", |fields, name| fields.scalar(name, canonical_user));
    let issued =
        fields.if_given("issued", |fields, name| fields.scalar(name, |scalar| time::time(&scalar.text)));
    if let (Ok(Some(issued)), Ok(None)) = (&issued, &session_token) {
        let message = "a permanent credential has no time of issue".to_owned();
        let hint = "remove `issued`, or give the `session_token`";
        fields.reader.error(issued.at, &issued.path, message, hint);
    }
    let expires =
        fields.if_given("expires", |fields, name| fields.scalar(name, |scalar| time::time(&scalar.text)));
    if let (Ok(Some(expires)), Ok(None)) = (&expires, &session_token) {
        let message = "a permanent credential does not run out by itself".to_owned();
        let hint = "use `retired`, or give the `session_token`";
        fields.reader.error(expires.at, &expires.path, message, hint);
    }
    if let (Ok(Some(issued)), Ok(Some(expires))) = (&issued, &expires)
        && expires.value <= issued.value
    {
        let message = "the credential runs out before it was issued".to_owned();
        fields.reader.error(expires.at, &expires.path, message, "correct `issued` or `expires`");
    }
    let tags = tags(fields);
    let policies = policies::list(fields, "policies");
    let boundary = fields.if_given("boundary", policies::policy);
    let retired =
        fields.if_given("retired", |fields, name| fields.scalar(name, |scalar| time::time(&scalar.text)));
    let access_key_id = access_key_id?;
    let principal = principal?.map_or_else(|| default_principal(fields, &access_key_id), Ok);
    Ok(Credential {
        access_key_id,
        secret: secret?,
        session_token: session_token?,
        principal: principal?,
        role: role?,
        user_id: access::value(user_id?),
        org: access::value(org?),
        canonical_user: access::value(canonical_user?),
        issued: access::value(issued?),
        tags: tags?,
        policies: policies?,
        boundary: boundary?,
        retired: retired?.map(|retired| retired.value),
        expires: access::value(expires?),
    })
}

/// A key id that stands unchanged in a credential scope, in an Authorization header and in a query.
pub(super) fn access_key_id(scalar: &Scalar) -> Result<String, Malformed> {
    let id = scalar.text.as_str();
    if !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
        return Ok(id.to_owned());
    }
    Err(Malformed::new(id, "an access key id", "use 1 to 128 visible ASCII characters without `,`"))
}

/// A user of an account that nobody has.
fn default_principal(fields: &Fields<'_>, id: &Located<String>) -> Result<Located<String>, Reported> {
    let path = fields.path_of("principal");
    // the characters of IAM user names and paths
    if id.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=.@_-/".contains(&byte)) {
        let value = format!("arn:aws:iam::000000000000:user/{}", id.value);
        return Ok(Located { value, at: id.at, path });
    }
    let message = format!("`{}` needs a `principal`, since it is no name of a user", id.value);
    let hint = "add `principal: arn:aws:iam::ACCOUNT:user/NAME`";
    Err(fields.reader.error(id.at, &path, message, hint))
}

pub(super) fn arn(scalar: &Scalar) -> Result<String, Malformed> {
    let text = scalar.text.as_str();
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let digits = |account: &str| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        ["arn", partition, "iam" | "sts", "", account, resource]
            if !partition.is_empty()
                && digits(account)
                && !resource.is_empty()
                && !text.contains(['*', '?', ' ']) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(Malformed::new(
            text,
            "the ARN of a principal",
            "write `arn:aws:iam::111122223333:user/NAME` or `arn:aws:sts::111122223333:assumed-role/ROLE/SESSION`",
        )),
    }
}

/// 64 hexadecimal digits, in lower case as policies are compared.
fn canonical_user(scalar: &Scalar) -> Result<String, Malformed> {
    let text = scalar.text.as_str();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Malformed::new(text, "a canonical user id", "write its 64 hexadecimal digits"))
}

/// Tags; their names must differ in more than letter case, since condition keys are compared without it.
fn tags(fields: &Fields<'_>) -> Result<Vec<(String, String)>, Reported> {
    let Some(node) = fields.node("tags") else { return Ok(Vec::new()) };
    let path = fields.path_of("tags");
    let Kind::Map(entries) = &node.kind else {
        return Err(wrong_kind(fields.reader, node, &path, Form::Texts));
    };
    let mut seen: Vec<&str> = Vec::new();
    for entry in entries {
        if let Some(twin) = seen.iter().find(|name| name.eq_ignore_ascii_case(&entry.key)) {
            let message = format!("tags `{twin}` and `{}` are one name to a policy", entry.key);
            fields.reader.error(entry.key_at, &join(&path, &entry.key), message, "remove one of them");
        }
        seen.push(&entry.key);
    }
    all(entries.iter().map(|entry| {
        let take = |scalar: &Scalar| Ok(scalar.text.clone());
        let value = scalar(fields.reader, &entry.value, &join(&path, &entry.key), Form::Text, take)?;
        Ok((entry.key.clone(), value.value))
    }))
}
