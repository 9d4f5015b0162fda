//! The policy language a second time: slow, obvious, straight over the JSON of a case of `policy test`.
//! It must not share a line with the engine that it is compared with, nor care about speed.

// the fuzz targets read this file from another place
#[path = "slow/condition.rs"]
mod condition;
#[path = "slow/value.rs"]
mod value;

use serde_json::{Map, Value};
use value::{Pattern, glob};

/// Yes, no, or `None` for "cannot be known".
pub type Maybe = Option<bool>;

/// The outcome of a case: `Allowed`, `ExplicitlyDenied` or `ImplicitlyDenied`.
pub fn decide(case: &Value) -> &'static str {
    let request = Request::of(&case["request"]);
    let documents = |name: &str| match &case[name] {
        Value::Array(list) => list.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let layers = ["identity", "resource_policy", "boundary", "session", "vpce", "guardrails"];
    let has_boundary = !documents("boundary").is_empty();
    // IAM guide, "policy evaluation logic": any Deny, anywhere, also one that cannot be answered
    for document in layers.iter().flat_map(|name| documents(name)) {
        for statement in statements(&document).iter().filter(|statement| statement["Effect"] == "Deny") {
            let named = request.named_by(statement, has_boundary).is_some();
            if named && request.meets(statement, &document) != Some(false) {
                return "ExplicitlyDenied";
            }
        }
    }
    let grants = |name: &str| {
        let mut found = Vec::new();
        for document in documents(name) {
            for statement in statements(&document).iter().filter(|statement| statement["Effect"] == "Allow") {
                if let Some(closeness) = request.named_by(statement, false)
                    && request.meets(statement, &document) == Some(true)
                {
                    found.push(closeness);
                }
            }
        }
        found
    };
    let (identity, resource) = (grants("identity"), grants("resource_policy"));
    let within = |name: &str| documents(name).is_empty() || !grants(name).is_empty();
    let direct = resource.contains(&Closeness::Direct);
    let role = resource.contains(&Closeness::Role);
    let allowed = if !within("vpce") {
        false
    } else if request.principal.is_none() {
        direct
    } else if request.same_account {
        let limits = within("boundary") && within("session");
        direct || ((role || !identity.is_empty()) && limits)
    } else {
        !resource.is_empty() && !identity.is_empty() && within("boundary") && within("session")
    };
    if allowed { "Allowed" } else { "ImplicitlyDenied" }
}

fn statements(document: &Value) -> Vec<Value> {
    many(&document["Statement"])
}

/// The items of a list, or the one that stands without brackets.
fn many(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    }
}

/// A scalar as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// How closely a statement names a principal.
#[derive(Clone, Copy, PartialEq)]
enum Closeness {
    /// By its own name, as everybody, or by being attached to it.
    Direct,
    Role,
    /// By a role of its name, whose path may be another.
    RoleName,
    Account,
}

/// What is asked.
pub struct Request {
    /// The ARN; `None` for nobody.
    principal: Option<String>,
    action: String,
    resource: String,
    same_account: bool,
    /// Keys in lower case.
    context: Map<String, Value>,
}

impl Request {
    fn of(request: &Value) -> Self {
        let principal = request["principal"].as_str().map(str::to_owned);
        let account = principal.as_deref().map(|arn| arn.split(':').nth(4).unwrap_or_default());
        let owner = request["resource_account"].as_str();
        let context = request["context"].as_object().cloned().unwrap_or_default();
        Self {
            same_account: owner.is_none() || owner == account,
            action: text(&request["action"]),
            resource: match text(&request["resource"]).as_str() {
                "*" => "arn:aws:s3:::*".to_owned(),
                arn => arn.to_owned(),
            },
            context: context.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect(),
            principal,
        }
    }

    /// The one value of a key; nothing if there is none or several.
    fn value(&self, key: &str) -> Option<String> {
        match self.context.get(&key.to_lowercase()) {
            None | Some(Value::Array(_)) => None,
            Some(one) => Some(text(one)),
        }
    }

    /// How closely the statement names the principal; nothing if it does not.
    fn named_by(&self, statement: &Value, has_boundary: bool) -> Option<Closeness> {
        let listed = |element: &Value| {
            if element.is_string() {
                return Some(Closeness::Direct);
            }
            let found: Vec<_> =
                many(&element["AWS"]).iter().filter_map(|entry| self.is(&text(entry))).collect();
            let closest = [Closeness::Direct, Closeness::Role, Closeness::RoleName, Closeness::Account];
            closest.into_iter().find(|closeness| found.contains(closeness))
        };
        let deny = statement["Effect"] == "Deny";
        match (&statement["Principal"], &statement["NotPrincipal"]) {
            (Value::Null, Value::Null) => Some(Closeness::Direct),
            // not to know the path counts against the principal
            (principal, Value::Null) => {
                listed(principal).filter(|closeness| deny || *closeness != Closeness::RoleName)
            }
            (_, not) => {
                let root = self.principal.as_deref().is_some_and(|arn| arn.ends_with(":root"));
                let exempt = match listed(not) {
                    None => false,
                    Some(Closeness::RoleName) => !deny,
                    Some(Closeness::Account) => !deny || root,
                    Some(_) => true,
                };
                (!exempt || (deny && has_boundary)).then_some(Closeness::Direct)
            }
        }
    }

    /// How closely one entry of a Principal names the principal.
    fn is(&self, entry: &str) -> Option<Closeness> {
        if entry == "*" {
            return Some(Closeness::Direct);
        }
        let arn = self.principal.as_deref()?;
        let (own, parts): (Vec<&str>, Vec<&str>) = (arn.split(':').collect(), entry.split(':').collect());
        let names_account = matches!(parts[..], ["arn", _, "iam", "", _, "root"]) && parts[4] == own[4];
        if entry == own[4] || names_account {
            return Some(Closeness::Account);
        }
        let session = own[5].strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next());
        let role = match session {
            Some(role) => format!("arn:{}:iam::{}:role/{role}", own[1], own[4]),
            None => arn.to_owned(),
        };
        if entry == role && own[5] != "root" {
            return Some(if role.contains(":role/") { Closeness::Role } else { Closeness::Direct });
        }
        // a session does not tell the path of its role
        let same_name = parts.len() == 6
            && parts[2] == "iam"
            && parts[4] == own[4]
            && parts[5].starts_with("role/")
            && parts[5].rsplit('/').next() == session;
        if same_name {
            return Some(Closeness::RoleName);
        }
        (entry == arn).then_some(Closeness::Direct)
    }

    /// Whether action, resource and conditions are met.
    fn meets(&self, statement: &Value, document: &Value) -> Maybe {
        let variables = document["Version"] == "2012-10-17";
        let action = match (&statement["Action"], &statement["NotAction"]) {
            (Value::Null, not) => !self.is_action(not),
            (action, _) => self.is_action(action),
        };
        let resource = match (&statement["Resource"], &statement["NotResource"]) {
            (Value::Null, not) => !self.is_resource(not, variables),
            (resource, _) => self.is_resource(resource, variables),
        };
        if !action || !resource {
            return Some(false);
        }
        condition::all(&statement["Condition"], self, variables)
    }

    fn is_action(&self, element: &Value) -> bool {
        let own = self.action.to_lowercase();
        many(element).iter().any(|entry| {
            let entry = text(entry).to_lowercase();
            // no wildcard reaches over the colon: a service is named, or everything is
            entry == "*" || {
                let (service, name) = entry.split_once(':').unwrap_or_default();
                let (own_service, own_name) = own.split_once(':').unwrap_or_default();
                service == own_service && glob(&Pattern::wild(name), own_name)
            }
        })
    }

    fn is_resource(&self, element: &Value, variables: bool) -> bool {
        many(element).iter().any(|entry| {
            let entry = text(entry);
            entry == "*" || self.is_arn(&entry, &self.resource, variables)
        })
    }

    /// Whether the parts of an ARN match those of a pattern, one by one.
    fn is_arn(&self, pattern: &str, arn: &str, variables: bool) -> bool {
        let wanted: Vec<Pattern> = match Pattern::parse(pattern, true, variables, self) {
            Some(pattern) => pattern.split_arn(),
            None => return false,
        };
        let found: Vec<&str> = arn.splitn(6, ':').collect();
        found.len() == 6
            && wanted.len() == 6
            && wanted.iter().zip(found).all(|(wanted, part)| glob(wanted, part))
    }
}
