//! Who signs a request, as policies see it: the ARNs that name a principal, its account, names and tags.
//! It must not hold secrets, nor decide what a principal may do.

mod rule;

pub use rule::{Entry, EntryError, Grant, PrincipalRule};

/// Why a principal of the configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// Not one of the ARNs of users, roles, sessions and accounts.
    #[error(
        "`{0}` is no principal: write `arn:aws:iam::ACCOUNT:user/NAME`, `arn:aws:iam::ACCOUNT:role/NAME`, \
         `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, `arn:aws:sts::ACCOUNT:federated-user/NAME` or \
         `arn:aws:iam::ACCOUNT:root`"
    )]
    Malformed(String),
    /// Two tags whose names differ in letter case only.
    #[error("the tag `{0}` is there twice; letter case does not make tags different")]
    DuplicateTag(String),
    /// A role ARN that is not the role of the session.
    #[error("`{0}` is not the role of this session")]
    OtherRole(String),
}

/// The type of a principal (`aws:PrincipalType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// The account itself.
    Account,
    /// An IAM user.
    User,
    /// A role, or a session of one.
    AssumedRole,
    /// A federated user.
    FederatedUser,
    /// Nobody: the request is not signed.
    Anonymous,
    /// Somebody, but nobody here can tell who: the store knows the key, the gate does not.
    Unknown,
}

impl PrincipalKind {
    /// The value of `aws:PrincipalType`.
    #[must_use]
    pub const fn key_value(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::User => "User",
            Self::AssumedRole => "AssumedRole",
            Self::FederatedUser => "FederatedUser",
            Self::Anonymous => "Anonymous",
            // no policy sees it: whoever this is has a type of its own
            Self::Unknown => "Unknown",
        }
    }
}

/// A principal of the configuration, nobody, or somebody unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    kind: PrincipalKind,
    arn: Option<String>,
    account: Option<String>,
    role: Option<Role>,
    username: Option<String>,
    userid: Option<String>,
    org_id: Option<String>,
    canonical_id: Option<String>,
    tags: Vec<(String, String)>,
    names: Vec<(String, Grant)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Role {
    arn: String,
    name: String,
    // a session ARN does not tell the path of its role
    path_known: bool,
}

impl Principal {
    /// Nobody: a request without signature.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { userid: Some("anonymous".into()), ..Self::of_kind(PrincipalKind::Anonymous) }
    }

    /// Whoever signed with a key that nobody here knows. It may be anybody: an Allow is for it only if it is for
    /// everybody, a Deny if it is for anybody, and nothing that policies can ask about it has an answer.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::of_kind(PrincipalKind::Unknown)
    }

    const fn of_kind(kind: PrincipalKind) -> Self {
        Self {
            kind,
            arn: None,
            account: None,
            role: None,
            username: None,
            userid: None,
            org_id: None,
            canonical_id: None,
            tags: Vec::new(),
            names: Vec::new(),
        }
    }

    /// The principal of this ARN: a user, role, session, federated user, or account root.
    ///
    /// # Errors
    /// Any other text, also ARNs with wildcards.
    pub fn from_arn(arn: &str) -> Result<Self, PrincipalError> {
        let malformed = || PrincipalError::Malformed(arn.into());
        let entry = Entry::parse_aws(arn).map_err(|_| malformed())?;
        let mut principal = match entry {
            Entry::Account(_) if arn.starts_with("arn:") => Self::of_kind(PrincipalKind::Account),
            Entry::User(_) => Self { username: last_segment(arn), ..Self::of_kind(PrincipalKind::User) },
            Entry::FederatedUser(_) => Self::of_kind(PrincipalKind::FederatedUser),
            Entry::Role(role) => {
                let role =
                    Role { name: last_segment(arn).ok_or_else(malformed)?, arn: role, path_known: true };
                Self { role: Some(role), ..Self::of_kind(PrincipalKind::AssumedRole) }
            }
            Entry::Session { role_arn, role_name, .. } => {
                let role = Role { arn: role_arn, name: role_name, path_known: false };
                Self { role: Some(role), ..Self::of_kind(PrincipalKind::AssumedRole) }
            }
            _ => return Err(malformed()),
        };
        principal.account = arn.split(':').nth(4).map(str::to_owned);
        principal.arn = Some(arn.into());
        Ok(principal.named())
    }

    /// Adds tags (`aws:PrincipalTag/…`).
    ///
    /// # Errors
    /// Names that differ in letter case only.
    pub fn with_tags<K: Into<String>, V: Into<String>>(
        mut self,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, PrincipalError> {
        for (name, value) in tags {
            let name: String = name.into();
            if self.tag(&name.to_ascii_lowercase()).is_some() {
                return Err(PrincipalError::DuplicateTag(name));
            }
            self.tags.push((name.to_ascii_lowercase(), value.into()));
        }
        Ok(self)
    }

    /// Sets the unique id (`aws:userid`): `AIDA…` of a user, `AROA…:session` of a session.
    #[must_use]
    pub fn with_userid(self, userid: impl Into<String>) -> Self {
        Self { userid: Some(userid.into()), ..self }
    }

    /// Sets the organization of the account (`aws:PrincipalOrgID`).
    #[must_use]
    pub fn with_org_id(self, org_id: impl Into<String>) -> Self {
        Self { org_id: Some(org_id.into()), ..self }
    }

    /// Sets the canonical id of the account, which a `CanonicalUser` of a policy names.
    #[must_use]
    pub fn with_canonical_id(self, id: impl Into<String>) -> Self {
        Self { canonical_id: Some(id.into()), ..self }.named()
    }

    /// Sets the ARN of the role of a session, with its path. Without it the path is taken to be `/` by Allow
    /// statements and `aws:PrincipalArn`, and a Deny for a role of the same name with any path holds.
    ///
    /// # Errors
    /// An ARN that is no role, or the role of another account or name.
    pub fn with_role_arn(mut self, arn: &str) -> Result<Self, PrincipalError> {
        let other = || PrincipalError::OtherRole(arn.into());
        let role = self.role.as_mut().ok_or_else(other)?;
        let same_account = arn.split(':').nth(4) == self.account.as_deref();
        if !matches!(Entry::parse_aws(arn), Ok(Entry::Role(_)))
            || !same_account
            || last_segment(arn).as_deref() != Some(&role.name)
        {
            return Err(other());
        }
        role.arn = arn.into();
        role.path_known = true;
        Ok(self.named())
    }

    fn named(self) -> Self {
        Self { names: rule::names_of(&self), ..self }
    }

    /// The texts under which policies name this principal, and how closely: its ARN, role and account.
    #[must_use]
    pub fn names(&self) -> &[(String, Grant)] {
        &self.names
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// Whether nobody can tell who it is.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self.kind, PrincipalKind::Unknown)
    }

    /// The ARN as configured; `None` for nobody.
    #[must_use]
    pub fn arn(&self) -> Option<&str> {
        self.arn.as_deref()
    }

    /// The value of `aws:PrincipalArn`: the role's ARN for its sessions; `None` for nobody.
    #[must_use]
    pub fn key_arn(&self) -> Option<&str> {
        self.role.as_ref().map(|role| role.arn.as_str()).or(self.arn.as_deref())
    }

    /// The account number; `None` for nobody.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The name of an IAM user; `None` for others.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The unique id; `anonymous` for nobody, `None` if not configured.
    #[must_use]
    pub fn userid(&self) -> Option<&str> {
        self.userid.as_deref()
    }

    /// The organization of the account, if configured.
    #[must_use]
    pub fn org_id(&self) -> Option<&str> {
        self.org_id.as_deref()
    }

    /// The value of a tag, its name in lower case.
    #[must_use]
    pub fn tag(&self, lower: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == lower).map(|(_, value)| value.as_str())
    }
}

fn last_segment(arn: &str) -> Option<String> {
    arn.rsplit('/').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_arn_tells() {
        for (arn, kind, key_arn, username) in [
            (
                "arn:aws:iam::111122223333:user/team/bob",
                PrincipalKind::User,
                "arn:aws:iam::111122223333:user/team/bob",
                Some("bob"),
            ),
            (
                "arn:aws:iam::111122223333:root",
                PrincipalKind::Account,
                "arn:aws:iam::111122223333:root",
                None,
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/up/s1",
                PrincipalKind::AssumedRole,
                "arn:aws:iam::111122223333:role/up",
                None,
            ),
            (
                "arn:aws-cn:iam::111122223333:role/a/up",
                PrincipalKind::AssumedRole,
                "arn:aws-cn:iam::111122223333:role/a/up",
                None,
            ),
            (
                "arn:aws:sts::111122223333:federated-user/f",
                PrincipalKind::FederatedUser,
                "arn:aws:sts::111122223333:federated-user/f",
                None,
            ),
        ] {
            let principal = Principal::from_arn(arn).unwrap();
            assert_eq!(principal.kind(), kind, "{arn}");
            assert_eq!((principal.arn(), principal.key_arn()), (Some(arn), Some(key_arn)));
            assert_eq!(principal.username(), username, "{arn}");
            assert_eq!(principal.account(), Some("111122223333"), "{arn}");
        }
        for arn in ["", "*", "111122223333", "arn:aws:iam::111122223333:user/*", "arn:aws:s3:::media"] {
            assert_eq!(Principal::from_arn(arn), Err(PrincipalError::Malformed(arn.into())), "{arn}");
        }
    }

    #[test]
    fn a_session_can_be_told_the_path_of_its_role() {
        let session = Principal::from_arn("arn:aws:sts::111122223333:assumed-role/up/s1").unwrap();
        let role = "arn:aws:iam::111122223333:role/team/up";
        assert_eq!(session.clone().with_role_arn(role).unwrap().key_arn(), Some(role));
        for other in [
            "arn:aws:iam::111122223333:role/team/down",
            "arn:aws:iam::444455556666:role/team/up",
            "arn:aws:iam::111122223333:user/up",
        ] {
            assert_eq!(session.clone().with_role_arn(other), Err(PrincipalError::OtherRole(other.into())));
        }
    }

    #[test]
    fn tags_are_told_apart_without_letter_case() {
        let bob = Principal::from_arn("arn:aws:iam::111122223333:user/bob").unwrap();
        let tagged = bob.clone().with_tags([("Team", "Blue")]).unwrap();
        assert_eq!((tagged.tag("team"), tagged.tag("Team")), (Some("Blue"), None));
        let twice = bob.with_tags([("Team", "a"), ("team", "b")]);
        assert_eq!(twice, Err(PrincipalError::DuplicateTag("team".into())));
    }
}
