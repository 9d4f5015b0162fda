//! The Principal and `NotPrincipal` elements of a statement, and how they name a principal.
//! It must not match a part of a name: principals have no wildcards but the lone `*`.

use smallvec::SmallVec;

use super::{Principal, PrincipalKind};
use crate::policy::document::Effect;
use crate::policy::truth::Truth;

/// Why an entry of Principal is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A wildcard in a part of an entry.
    #[error("has a wildcard, and principals have none but `*` alone")]
    Wildcard,
    /// Neither account nor ARN of an account, user, role or session.
    #[error("is no account number and no ARN of an account, user, role or session")]
    Malformed,
}

/// One entry of Principal or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// `*`: everybody, anonymous too.
    Everyone,
    /// All principals of this account.
    Account(String),
    /// The user of this ARN.
    User(String),
    /// All sessions of the role of this ARN.
    Role(String),
    /// One session of a role.
    Session {
        /// The ARN of the session.
        arn: String,
        /// The ARN that the role has if its path is `/`.
        role_arn: String,
        /// The name of the role.
        role_name: String,
    },
    /// A federated user.
    FederatedUser(String),
    /// The account with this canonical id.
    CanonicalUser(String),
    /// A web identity or SAML provider, an AWS service, or the id of a deleted principal: nobody here.
    Nobody(String),
}

/// How an entry names a principal, from the widest to the closest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    /// By its account: in an Allow, the identity side must allow as well.
    Account,
    /// By the name of its role, whose path is not known: counts in a Deny only.
    RoleName,
    /// By its role: boundary and session policy limit it.
    Role,
    /// As everybody: as direct as by name.
    Everyone,
    /// By its own ARN.
    Direct,
}

impl Entry {
    /// Reads a value of the type `AWS`.
    ///
    /// # Errors
    /// Names with wildcards, and what names no principal.
    pub fn parse_aws(text: &str) -> Result<Self, EntryError> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if text.contains(['*', '?']) {
            return Err(EntryError::Wildcard);
        }
        if is_account(text) {
            return Ok(Self::Account(text.into()));
        }
        if is_unique_id(text) {
            return Ok(Self::Nobody(text.into()));
        }
        let parts: SmallVec<[&str; 6]> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, name] = *parts else {
            return Err(EntryError::Malformed);
        };
        // `cloudfront` is the account of origin access identities
        if !(partition == "aws" || partition.starts_with("aws-"))
            || !(is_account(account) || account == "cloudfront")
        {
            return Err(EntryError::Malformed);
        }
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let named = !rest.is_empty() && rest.split('/').all(|segment| !segment.is_empty());
        match (service, kind) {
            ("iam", "root") if name == "root" => Ok(Self::Account(account.into())),
            ("iam", "user") if named => Ok(Self::User(text.into())),
            ("iam", "role") if named => Ok(Self::Role(text.into())),
            ("sts", "federated-user") if named => Ok(Self::FederatedUser(text.into())),
            ("sts", "assumed-role") if named => match rest.split_once('/') {
                Some((role, session)) if !session.contains('/') => Ok(Self::Session {
                    arn: text.into(),
                    role_arn: format!("arn:{partition}:iam::{account}:role/{role}"),
                    role_name: role.into(),
                }),
                _ => Err(EntryError::Malformed),
            },
            _ => Err(EntryError::Malformed),
        }
    }

    /// The texts under which the entry is found; [`Principal::names`] gives the same texts.
    fn names(&self) -> SmallVec<[String; 2]> {
        match self {
            Self::Everyone | Self::Nobody(_) => SmallVec::new(),
            Self::Account(account) => [account.clone()].into_iter().collect(),
            Self::User(arn) | Self::FederatedUser(arn) | Self::Session { arn, .. } => {
                [arn.clone()].into_iter().collect()
            }
            Self::Role(arn) => [arn.clone(), role_name_of(arn)].into_iter().collect(),
            Self::CanonicalUser(id) => [id.clone()].into_iter().collect(),
        }
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Everyone => "*",
            Self::Session { arn, .. } => arn,
            Self::Account(text)
            | Self::User(text)
            | Self::Role(text)
            | Self::FederatedUser(text)
            | Self::CanonicalUser(text)
            | Self::Nobody(text) => text,
        })
    }
}

/// `role:ACCOUNT:NAME`: names of roles are unique in an account, whatever their paths.
fn role_name_of(arn: &str) -> String {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let name = arn.rsplit('/').next().unwrap_or_default();
    format!("role:{account}:{name}")
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What AWS puts into a stored policy in place of a principal that was deleted.
fn is_unique_id(text: &str) -> bool {
    let prefix =
        text.get(..4).is_some_and(|prefix| matches!(prefix, "AIDA" | "AROA" | "AGPA" | "AKIA" | "ASIA"));
    prefix
        && (16..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The texts under which entries name a principal, and how closely; made once, when the configuration is read.
pub(super) fn names_of(principal: &Principal) -> Vec<(String, Grant)> {
    let mut names = Vec::new();
    if let Some(arn) = principal.arn.as_ref().filter(|_| principal.kind != PrincipalKind::Account) {
        names.push((arn.clone(), Grant::Direct));
    }
    if let Some(role) = &principal.role {
        names.retain(|(name, _)| *name != role.arn);
        names.push((role.arn.clone(), Grant::Role));
        if !role.path_known {
            names.push((role_name_of(&role.arn), Grant::RoleName));
        }
    }
    for account in [&principal.account, &principal.canonical_id].into_iter().flatten() {
        names.push((account.clone(), Grant::Account));
    }
    names
}

/// The Principal or `NotPrincipal` element of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRule {
    negated: bool,
    entries: Vec<Entry>,
    // INVARIANT: sorted
    names: Vec<String>,
}

impl PrincipalRule {
    /// Everybody who is listed, or with `negated` everybody who is not.
    #[must_use]
    pub fn new(negated: bool, entries: Vec<Entry>) -> Self {
        let mut names: Vec<String> = entries.iter().flat_map(Entry::names).collect();
        names.sort_unstable();
        names.dedup();
        Self { negated, entries, names }
    }

    /// Whether this is a `NotPrincipal`.
    #[must_use]
    pub const fn is_negated(&self) -> bool {
        self.negated
    }

    /// Who is listed.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The names that are listed, besides `*`; sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether `*` is listed.
    #[must_use]
    pub fn lists_everyone(&self) -> bool {
        self.entries.contains(&Entry::Everyone)
    }

    /// Whether the rule is for this principal, where [`grant`](Self::grant) says that it is: of somebody unknown that is
    /// certain only if it is for everybody.
    #[must_use]
    pub fn certainty(&self, principal: &Principal) -> Truth {
        if principal.is_unknown() && (self.negated || !self.lists_everyone()) {
            Truth::Unknown
        } else {
            Truth::Yes
        }
    }

    /// How the rule names this principal; `None` if it does not.
    ///
    /// A `NotPrincipal` exempts users, roles and sessions by their own names. An account that is listed exempts its
    /// principals in an Allow and exempts nobody but its root in a Deny: AWS's pages do not say, this grants least.
    ///
    /// Somebody unknown may be anybody who is listed and anybody who is not: a Deny is for it unless it exempts
    /// everybody, an Allow only if it is for everybody.
    #[must_use]
    pub fn grant(&self, principal: &Principal, effect: Effect) -> Option<Grant> {
        if principal.is_unknown() {
            let is_for_it = match effect {
                Effect::Allow => !self.negated && self.lists_everyone(),
                Effect::Deny => !(self.negated && self.lists_everyone()),
            };
            return is_for_it.then_some(Grant::Everyone);
        }
        let listed = principal.names().iter().filter(|(name, _)| self.names.binary_search(name).is_ok());
        let everyone = self.lists_everyone().then_some(Grant::Everyone);
        let closest = listed.map(|(_, grant)| *grant).chain(everyone).max();
        if !self.negated {
            return closest.filter(|grant| *grant != Grant::RoleName || effect == Effect::Deny);
        }
        let exempt = match closest {
            None => false,
            Some(Grant::Account) => effect == Effect::Allow || principal.kind == PrincipalKind::Account,
            Some(Grant::RoleName) => effect == Effect::Allow,
            Some(Grant::Role | Grant::Everyone | Grant::Direct) => true,
        };
        (!exempt).then_some(Grant::Everyone)
    }
}

#[cfg(test)]
mod tests;
