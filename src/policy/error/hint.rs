//! What to do about an error or a warning of a policy document, in one line.
//! It must not repeat what the finding itself says.

use super::{ErrorKind, WarningKind};
use crate::nearest::nearest;
use crate::policy::action_names;
use crate::policy::arn::ArnError;
use crate::policy::key::{Arity, Key};
use crate::policy::operator::{Operator, OperatorError};
use crate::policy::principal::EntryError;

impl ErrorKind {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::TooLarge(..) | Self::TooMany(..) => "split it into several documents",
            Self::Syntax(_) => "check the commas, quotes and brackets before this place",
            Self::TooDeep => {
                "a policy is `Statement`, `Condition`, operator, key and values: remove what is around it"
            }
            Self::TooLong(..) => "no key or ARN of S3 is that long: shorten it",
            Self::WrongType(_) | Self::Missing(_) => "see the grammar of the IAM JSON policy language",
            Self::Null => "leave the element out instead",
            Self::Duplicate(_) => "merge the two: readers of JSON would drop one of them without a word",
            Self::UnknownElement(name, meant) => return Some(unknown_element(name, meant)),
            Self::Both(..) => "keep one; a second statement can hold the other",
            Self::Empty => "name something, or remove it",
            Self::Version(_) => "write `2012-10-17`",
            Self::NotInKind { element, .. } => return Some(not_in_kind(element)),
            Self::DuplicateSid(_) => "give each statement a name of its own, or none",
            Self::Sid(_) => "use letters and digits",
            Self::Effect(_) => "write `Allow` or `Deny`",
            Self::NotPrincipalAllow => "list the principals that may, under `Principal`",
            Self::PrincipalType(_) => "write `AWS`, `Federated`, `Service` or `CanonicalUser`",
            Self::PrincipalText(_) => "write `\"*\"` or `{\"AWS\": …}`",
            Self::Principal(_, EntryError::Wildcard) => {
                "write `*` alone, with a condition on `aws:PrincipalArn` with ArnLike"
            }
            Self::Principal(_, EntryError::Malformed) => {
                "write an account number, or the ARN of an account, user, role or session"
            }
            Self::CanonicalUser(_) => "write its 64 hexadecimal digits",
            Self::Action(_) => "write `service:Name` or `*`",
            Self::ActionService(_) => "write `*` alone, or name the service",
            Self::Resource(_, ArnError::Malformed) => {
                "write `*`, `arn:aws:s3:::BUCKET` or `arn:aws:s3:::BUCKET/KEY`"
            }
            Self::Resource(..) => "wildcards and variables belong in bucket and key",
            Self::Arn(..) => "write `arn:partition:service:region:account:resource`",
            Self::Variable(_) => {
                "variables can stand in the last part of a Resource and in values of String and Arn operators"
            }
            Self::Pattern(_) => {
                "write `${key}` or `${key, 'default'}`; `${*}`, `${?}` and `${$}` are the characters"
            }
            Self::Operator(name, error) => return Some(operator(name, *error)),
            Self::Key(_) => "write `aws:name`, `s3:name` or `aws:PrincipalTag/name`",
            Self::UnknowableKey(_) => {
                "remove the test: S3 itself can still enforce it in its own bucket policy"
            }
            Self::NeedsSetPrefix(_) => "put `ForAnyValue:` or `ForAllValues:` before the operator",
            Self::Number(_) => "write digits, as `600000` or `-1.5`, without exponent",
            Self::Date(_) => "write `2026-11-23T17:00:00Z` or seconds since 1970",
            Self::AmbiguousDate(_) => "write a full date, as `2026-01-01`",
            Self::Bool(_) => "write `true` or `false`",
            Self::Base64(_) => "write base64 with padding",
            Self::Ip(..) => "write an address or a range, as `203.0.113.0/24` or `2001:db8::/32`",
        };
        Some(text.to_owned())
    }
}

fn unknown_element(name: &str, known: &[&'static str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

fn not_in_kind(element: &str) -> String {
    match element {
        "Id" => "remove it: only bucket and endpoint policies have one".to_owned(),
        _ => "remove it: the policy is for the access key that it is attached to; bucket and endpoint policies name \
              principals"
            .to_owned(),
    }
}

fn operator(name: &str, error: OperatorError) -> String {
    if error == OperatorError::DecoratedNull {
        return "write `Null` alone: its value says whether the key must be absent".to_owned();
    }
    let (prefix, base) = name.split_once(':').map_or(("", name), |(prefix, base)| (prefix, base));
    let (base, suffix) = base.strip_suffix("IfExists").map_or((base, ""), |base| (base, "IfExists"));
    let prefix = nearest(prefix, ["ForAnyValue", "ForAllValues"].into_iter()).map_or("", |near| near);
    match nearest(base, Operator::names()) {
        Some(near) if prefix.is_empty() => format!("did you mean `{near}{suffix}`?"),
        Some(near) => format!("did you mean `{prefix}:{near}{suffix}`?"),
        None => format!("operators are {}", Operator::names().collect::<Vec<_>>().join(", ")),
    }
}

impl WarningKind {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::LiteralVariable => "write `\"Version\": \"2012-10-17\"` for variables",
            Self::NotForAws(_) => "fine here; a copy of it at AWS would be refused",
            Self::UnknownKey(name) => return Some(unknown_key(name)),
            Self::NeverPresentKey(_) => {
                "as a missing key it passes negated and IfExists tests and no others: remove the test if that is not meant"
            }
            Self::TypeMismatch { .. } => {
                "use an operator of the key's type, or `Null` to ask for its presence"
            }
            Self::UnknownAction(name) => return Some(unknown_action(name)),
            Self::NoServedAction => "name actions of S3, as `s3:GetObject`, or remove the statement",
            Self::NoServedResource(_) => {
                "write `arn:aws:s3:::BUCKET` or `arn:aws:s3:::BUCKET/KEY`: without region and account"
            }
            Self::NobodyPrincipal(_) => {
                "name accounts, users, roles or sessions of `credentials[].principal`"
            }
            Self::AllowWithoutEffect(_) => {
                "put Allow statements into `credentials[].policies` or `buckets[].policy`"
            }
            Self::Public => {
                "name principals, or add a condition on the network that nobody can choose to meet"
            }
            Self::AllowNotAction | Self::AllowNotResource => "list what is allowed, or pair it with a Deny",
            Self::LooseBucket(_) => "write `BUCKET` and `BUCKET/*`",
            Self::BucketNotListed { .. } => "add the bucket itself, as `arn:aws:s3:::BUCKET`",
            Self::ObjectsNotListed { .. } => "add the objects, as `arn:aws:s3:::BUCKET/*`",
            Self::VacuousForAll(key) => return Some(format!("add `\"Null\": {{\"{key}\": \"false\"}}`")),
            Self::NotPrincipalDeny => "use `Principal: *` with a condition on `aws:PrincipalArn`",
            Self::DeniesEverybody(_) => {
                "add a condition or name principals: nothing can allow what a Deny refuses"
            }
            Self::DeniesBothWays(_) => {
                "put both tests into one statement: NotIpAddressIfExists and StringNotEqualsIfExists"
            }
            Self::DeniesOutside(_) => "make sure that operators and consoles come from there too",
            Self::DeniesEndpoints => {
                "to let a VPC in as well: NotIpAddressIfExists, together with StringNotEqualsIfExists on `aws:SourceVpc`"
            }
            Self::DeniesFamily(_) => "add the ranges of that family, or keep it out knowingly",
            Self::AgeInSeconds(_) => "ten minutes are 600000",
            Self::NeverValue { .. } => "values are compared letter by letter: correct it",
            Self::AllowsMissing { key, .. } => {
                return Some(format!(
                    "add `\"Null\": {{\"{key}\": \"false\"}}`, or use an operator that asks for the value"
                ));
            }
            Self::SparesMissing { key, .. } => {
                return Some(format!(
                    "add a second Deny with `\"Null\": {{\"{key}\": \"true\"}}` if that is not meant"
                ));
            }
            Self::NeverTogether(_) => "split it into several statements",
            Self::KeyNotOfActions(_) => "name the actions that have the key, or drop the test",
            Self::ForeignBucket { bucket, .. } => {
                return Some(format!("write `arn:aws:s3:::{bucket}` and `arn:aws:s3:::{bucket}/*`"));
            }
        };
        Some(text.to_owned())
    }
}

fn unknown_key(name: &str) -> String {
    let (head, tag) = name.split_once('/').map_or((name, None), |(head, tag)| (head, Some(tag)));
    let tagged = |key: &&Key| (key.arity() == Arity::Tagged) == tag.is_some();
    let names = Key::ALL.iter().filter(tagged).map(|key| key.name().trim_end_matches('/'));
    match (nearest(head, names), tag) {
        (Some(near), None) => format!("did you mean `{near}`?"),
        (Some(near), Some(tag)) => format!("did you mean `{near}/{tag}`?"),
        (None, _) => {
            "a test on a key that is always missing passes if negated or IfExists, else never".to_owned()
        }
    }
}

fn unknown_action(name: &str) -> String {
    match nearest(name.get(3..).unwrap_or_default(), action_names::all()) {
        Some(near) => format!("did you mean `s3:{near}`?"),
        None => "see the list of actions of S3 in the service authorization reference".to_owned(),
    }
}
