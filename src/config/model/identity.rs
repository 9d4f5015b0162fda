//! Who may sign, and the policies that hold for them.
//! It must not hold parsed policies: the policy engine reads the texts.

use super::{Located, PolicySource};
use crate::clock::UnixMillis;
use crate::secret::Secret;

/// An access key and what its holder may do.
#[derive(Debug)]
pub struct Credential {
    /// The name of the key: visible ASCII without `,`; may hold `/`.
    pub access_key_id: Located<String>,
    /// The secret that it signs with; never empty.
    pub secret: Secret,
    /// The token that requests must carry, if the credential is a temporary one.
    pub session_token: Option<Secret>,
    /// The ARN that policies know the signer by; default `arn:aws:iam::000000000000:user/<access key id>`.
    pub principal: Located<String>,
    /// The ARN of the role of a session, with its path.
    pub role: Option<Located<String>>,
    /// `aws:userid`.
    pub user_id: Option<String>,
    /// The organization of the account, `o-..`.
    pub org: Option<String>,
    /// The canonical id of the account.
    pub canonical_user: Option<String>,
    /// When a temporary credential was issued.
    pub issued: Option<UnixMillis>,
    /// `aws:PrincipalTag/..` values; names differ in more than letter case.
    pub tags: Vec<(String, String)>,
    /// Identity policies. Without one, only a bucket policy can allow anything.
    pub policies: Vec<PolicySource>,
    /// The permissions boundary.
    pub boundary: Option<PolicySource>,
    /// Links signed before this still work, newer ones do not.
    pub retired: Option<UnixMillis>,
    /// When a temporary credential runs out: nothing that it has signed works after that.
    pub expires: Option<UnixMillis>,
}

/// Policies that hold for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRules {
    /// When no statement matches. Default deny.
    pub default: PolicyDefault,
    /// Attached to every principal, anonymous too.
    pub guardrails: Vec<PolicySource>,
    /// Guardrails that are evaluated and counted, never enforced; each document once.
    pub shadow: Vec<PolicySource>,
}

/// What happens when no statement matches. An explicit Deny always denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyDefault {
    /// Denied, as in IAM.
    Deny,
    /// Forwarded: S3 decides.
    Pass,
}
