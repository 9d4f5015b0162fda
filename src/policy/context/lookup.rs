//! From a key to its value: the presence rules of AWS's condition keys.
//! It must not give a key to an action that does not have it.

use super::value::{List, Value};
use super::{
    Context, Issued, KeyMap, NetworkPath, OperationValue, SignatureVersion, Signed, Tag, Tags, TlsVersion,
    Transport,
};
use crate::policy::action_keys;
use crate::policy::key::{Key, KeyRef};
use crate::policy::principal::Principal;
use crate::policy::query::Owner;
use crate::policy::value::Decimal;
use crate::s3::action::Action;

/// The value of `s3:max-keys` in a request that does not name one.
const DEFAULT_MAX_KEYS: i64 = 1000;

/// A request that came in, with all that decides over its keys.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    context: &'a Context<'a>,
    principal: &'a Principal,
    owner: Owner<'a>,
    // one bit for each key that the action has
    of_action: u128,
}

impl<'a> Facts<'a> {
    /// Facts about one action of a request; an action that is not known has the global keys only.
    #[must_use]
    pub fn new(
        context: &'a Context<'a>,
        principal: &'a Principal,
        owner: Owner<'a>,
        action: Option<Action>,
    ) -> Self {
        let of_action = action.map_or(0, action_keys::of);
        Self { context, principal, owner, of_action }
    }
}

/// Where values of keys come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A request.
    Request(Facts<'a>),
    /// A test case.
    Map(&'a KeyMap),
}

impl<'a> From<&'a KeyMap> for Source<'a> {
    fn from(map: &'a KeyMap) -> Self {
        Self::Map(map)
    }
}

impl<'a> Source<'a> {
    /// The value of this key.
    #[must_use]
    pub fn value(&self, key: &KeyRef) -> Value<'a> {
        match self {
            Self::Map(map) => map.value(key.lower()),
            Self::Request(facts) => key.key().map_or(Value::Missing, |known| facts.value(known, key.tag())),
        }
    }
}

impl<'a> Facts<'a> {
    fn value(&self, key: Key, tag: &str) -> Value<'a> {
        if key.is_of_actions() && self.of_action & key.bit() == 0 {
            return Value::Missing;
        }
        if key.is_of_principal() && self.principal.is_unknown() {
            return Value::Unknown;
        }
        let context = self.context;
        match key {
            Key::SourceIp
            | Key::VpcSourceIp
            | Key::SourceVpce
            | Key::SourceVpc
            | Key::SourceVpcArn
            | Key::VpceAccount
            | Key::VpceOrgId => network(context.network, key),
            Key::AzureLinkId => context.azure_link_id.map_or(Value::Missing, |id| Value::Id(id.into())),
            Key::GcpPscConnectionId => context.gcp_psc_connection_id.map_or(Value::Missing, Value::Id),
            Key::SecureTransport => Value::Bool(context.transport != Transport::Plain),
            Key::TlsVersion => tls_version(context.transport),
            Key::CurrentTime => Value::Time(context.now),
            Key::EpochTime => Value::Epoch(context.now.secs()),
            Key::UserAgent => Value::Text(context.user_agent),
            Key::Referer => context.referer.map_or(Value::Missing, Value::Text),
            Key::RequestedRegion => Value::Text(context.region.as_bytes()),
            Key::PrincipalIsAwsService if context.signed == Signed::Not => Value::Missing,
            // no service calls a gate, nor with the credentials of somebody else
            Key::ViaAwsService | Key::PrincipalIsAwsService => Value::Bool(false),
            Key::TokenIssueTime => match context.issued {
                Issued::Never => Value::Missing,
                Issued::At(at) => Value::Time(at),
                Issued::Untold => Value::Unknown,
            },
            Key::PrincipalArn
            | Key::PrincipalAccount
            | Key::PrincipalType
            | Key::PrincipalTag
            | Key::PrincipalOrgId
            | Key::UserId
            | Key::Username => principal(self.principal, key, tag),
            // an account that is not configured is not known, which is not the same as none
            Key::ResourceAccount | Key::S3ResourceAccount => told(self.owner.account),
            Key::ResourceOrgId => told(self.owner.org),
            Key::AuthType | Key::SignatureVersion | Key::SignatureAge => signature(context.signed, key),
            Key::RequestObjectTag => tag_value(context.object_tags, tag),
            Key::RequestObjectTagKeys => tag_names(context.object_tags),
            Key::RequestTag => tag_value(context.bucket_tags, tag),
            Key::TagKeys => tag_names(context.bucket_tags),
            _ => operation(context, key),
        }
    }
}

fn told(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Unknown, |text| Value::Text(text.as_bytes()))
}

fn operation<'a>(context: &'a Context<'a>, key: Key) -> Value<'a> {
    use crate::policy::key::Known;
    match key.known() {
        Known::NeverPresent => Value::Missing,
        Known::Never => Value::Unknown,
        Known::Gate => {
            let mut found = context.operation.iter().filter(|(set, _)| *set == key);
            match (found.next(), found.next()) {
                (None, _) if key == Key::MaxKeys => Value::Number(Decimal::from_int(DEFAULT_MAX_KEYS)),
                (None, _) => Value::Missing,
                (Some((_, OperationValue::Text(text))), None) => Value::Text(text),
                (Some((_, OperationValue::Path(bucket, key))), None) => Value::Path(bucket, key),
                (Some((_, OperationValue::Number(number))), None) => Value::Number(*number),
                (Some((_, OperationValue::Bool(value))), None) => Value::Bool(*value),
                // not read, or set twice: two readers could take different ones
                _ => Value::Unknown,
            }
        }
    }
}

fn network(path: NetworkPath<'_>, key: Key) -> Value<'_> {
    match (path, key) {
        (NetworkPath::Unknown, _) => Value::Unknown,
        (NetworkPath::Direct { ip }, Key::SourceIp) | (NetworkPath::Vpc { ip, .. }, Key::VpcSourceIp) => {
            Value::Ip(ip.to_canonical())
        }
        (NetworkPath::Vpc { vpc, .. }, Key::SourceVpc) => Value::from(Some(vpc)),
        (NetworkPath::Vpc { vpc_arn, .. } | NetworkPath::Endpoint { vpc_arn, .. }, Key::SourceVpcArn) => {
            Value::from(vpc_arn)
        }
        (NetworkPath::Endpoint { ip, .. }, Key::VpcSourceIp) => {
            ip.map_or(Value::Unknown, |ip| Value::Ip(ip.to_canonical()))
        }
        (NetworkPath::Endpoint { vpce, .. }, Key::SourceVpce) => Value::from(Some(vpce)),
        (NetworkPath::Endpoint { vpc, .. }, Key::SourceVpc) => Value::from(vpc),
        (NetworkPath::Endpoint { account, .. }, Key::VpceAccount) => Value::from(account),
        (NetworkPath::Endpoint { org, .. }, Key::VpceOrgId) => Value::from(org),
        _ => Value::Missing,
    }
}

fn tls_version<'a>(transport: Transport) -> Value<'a> {
    let version = match transport {
        Transport::Plain => return Value::Missing,
        Transport::TlsOfUnknownVersion => return Value::Unknown,
        Transport::Tls(TlsVersion::V1_0) => "1.0",
        Transport::Tls(TlsVersion::V1_1) => "1.1",
        Transport::Tls(TlsVersion::V1_2) => "1.2",
        Transport::Tls(TlsVersion::V1_3) => "1.3",
    };
    Value::Text(version.as_bytes())
}

fn signature<'a>(signed: Signed, key: Key) -> Value<'a> {
    let (place, version, age) = match signed {
        Signed::Not => return Value::Missing,
        Signed::Header(version) => ("REST-HEADER", version, None),
        Signed::Query(version, age) => ("REST-QUERY-STRING", version, Some(age)),
        Signed::Post(version, age) => ("POST", version, Some(age)),
    };
    match (key, version, age) {
        (Key::AuthType, ..) => Value::from(Some(place)),
        (Key::SignatureVersion, SignatureVersion::V2, _) => Value::from(Some("AWS")),
        (Key::SignatureVersion, SignatureVersion::V4, _) => Value::from(Some("AWS4-HMAC-SHA256")),
        (Key::SignatureVersion, SignatureVersion::V4A, _) => Value::from(Some("AWS4-ECDSA-P256-SHA256")),
        (Key::SignatureAge, SignatureVersion::V2, Some(_)) => Value::Number(Decimal::from_int(0)),
        (Key::SignatureAge, _, Some(age)) => Value::Number(Decimal::from_int(age.millis())),
        _ => Value::Missing,
    }
}

fn principal<'a>(principal: &'a Principal, key: Key, tag: &str) -> Value<'a> {
    match key {
        Key::PrincipalArn => Value::from(principal.key_arn()),
        Key::PrincipalAccount => Value::from(Some(principal.account().unwrap_or("anonymous"))),
        Key::PrincipalType => Value::from(Some(principal.kind().key_value())),
        Key::PrincipalTag => Value::from(principal.tag(tag)),
        Key::PrincipalOrgId => Value::from(principal.org_id()),
        Key::Username => Value::from(principal.username()),
        // always there in AWS: one that is not configured is not known
        Key::UserId => principal.userid().map_or(Value::Unknown, |id| Value::Text(id.as_bytes())),
        _ => Value::Missing,
    }
}

fn tag_value<'a>(tags: Tags<'a>, tag: &str) -> Value<'a> {
    let tags: &[Tag<'a>] = match tags {
        Tags::Absent => return Value::Missing,
        Tags::Unknown => return Value::Unknown,
        Tags::Present(tags) => tags,
    };
    let mut found = tags.iter().filter(|(name, _)| name.eq_ignore_ascii_case(tag.as_bytes()));
    match (found.next(), found.next()) {
        (None, _) => Value::Missing,
        (Some((_, value)), None) => Value::Text(value),
        // S3 keeps `team` and `Team` apart, keys of conditions do not
        _ => Value::Unknown,
    }
}

fn tag_names(tags: Tags<'_>) -> Value<'_> {
    match tags {
        Tags::Absent => Value::Missing,
        Tags::Unknown => Value::Unknown,
        Tags::Present(tags) => Value::List(List::TagNames(tags)),
    }
}

#[cfg(test)]
mod tests;
