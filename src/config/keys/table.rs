//! The rows of the key tables.
//! It must not hold code but the constructors of a row.

mod running;
mod sources;

use super::{Form, Key, Presence, Section, Served};
use running::{LIMITS, LINKS, LOGS, SHUTDOWN, TRACING, UPGRADE};
use sources::CREDENTIAL_SOURCE;

const fn key(name: &'static str, form: Form, presence: Presence, doc: &'static str) -> Key {
    Key { name, form, presence, served: Served::Yes, doc }
}

const fn required(name: &'static str, form: Form, doc: &'static str) -> Key {
    key(name, form, Presence::Required, doc)
}

const fn optional(name: &'static str, form: Form, doc: &'static str) -> Key {
    key(name, form, Presence::Optional, doc)
}

const fn default(name: &'static str, value: &'static str, form: Form, doc: &'static str) -> Key {
    key(name, form, Presence::Default(value), doc)
}

const fn defaults(name: &'static str, form: Form, doc: &'static str) -> Key {
    key(name, form, Presence::Defaults, doc)
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;

const CIDRS: Form = Form::List(&Form::Cidr, 1);
const POLICIES: Form = Form::List(&Form::Policy, 0);

/// The top of the file.
pub static ROOT: Section = Section {
    keys: &[
        required("version", Form::Choice(&["1"]), "the version of this format, `1`"),
        required("listeners", Form::List(&Form::Keys(&LISTENER), 1), "where clients connect"),
        optional("admin", Form::Keys(&ADMIN), "the admin endpoint; left out, there is none"),
        optional(
            "hosts",
            Form::List(&Form::Text, 1),
            "names that clients sign for; left out, any name, path-style only",
        ),
        optional("network", Form::Keys(&NETWORK), "what AWS knows about networks and a proxy must be told"),
        defaults("signing", Form::Keys(&SIGNING), "which signatures are accepted"),
        required("credentials", Form::List(&Form::Keys(&CREDENTIAL), 1), "who may sign"),
        optional(
            "credential_sources",
            Form::List(&Form::Keys(&CREDENTIAL_SOURCE), 0),
            "who else may sign: asked in this order for a key that `credentials` does not list, directories before webhooks",
        ),
        defaults("policy", Form::Keys(&POLICY), "policies that hold for everybody"),
        required("buckets", Form::List(&Form::Keys(&BUCKET), 1), "the buckets that clients see"),
        required("upstreams", Form::List(&Form::Keys(&UPSTREAM), 1), "where the objects are"),
        optional("links", Form::Keys(&LINKS), "the state that is kept about links"),
        defaults("limits", Form::Keys(&LIMITS), "what one client may take of the gate"),
        defaults("shutdown", Form::Keys(&SHUTDOWN), "how the gate ends on SIGTERM"),
        optional("upgrade", Form::Keys(&UPGRADE), "how another gate can take this one's place"),
        defaults("logs", Form::Keys(&LOGS), "what is written down"),
        optional("tracing", Form::Keys(&TRACING), "spans of requests; left out, none are made"),
        default(
            "expose_reasons",
            "false",
            Form::Flag,
            "answers carry `x-gate-reason`, which helps attackers as well",
        ),
    ],
};

static LISTENER: Section = Section {
    keys: &[
        required("address", Form::Address, "where to listen, as `0.0.0.0:8443` or `unix:/path/to.sock`"),
        default("mode", "0660", Form::Text, "the permissions of a Unix socket, in octal"),
        optional("tls", Form::Keys(&TLS), "TLS; left out, cleartext"),
        optional("proxy_protocol", Form::Keys(&PROXY_PROTOCOL), "a PROXY header precedes every connection"),
        optional("forwarded", Form::Keys(&FORWARDED), "a header that names the client is believed"),
        optional(
            "endpoint_policy",
            Form::Policy,
            "as the policy of a VPC endpoint, for all that comes in here",
        ),
    ],
};

static TLS: Section = Section {
    keys: &[
        required(
            "certificate",
            Form::File,
            "the certificate and those between it and its authority, PEM; read again when the file changes",
        ),
        required(
            "private_key",
            Form::File,
            "its private key, PEM, not encrypted; read again when the file changes",
        ),
        optional(
            "sni",
            Form::List(&Form::Keys(&SNI), 1),
            "further certificates, for clients that ask for one of their names; all others get the first",
        ),
        optional(
            "client_ca",
            Form::File,
            "clients must have a certificate of one of these authorities, PEM; read again when the file changes",
        ),
    ],
};

static SNI: Section = Section {
    keys: &[
        required("certificate", Form::File, "the certificate and those between it and its authority, PEM"),
        required("private_key", Form::File, "its private key, PEM, not encrypted"),
    ],
};

static PROXY_PROTOCOL: Section = Section {
    keys: &[required(
        "trusted",
        CIDRS,
        "peers that must send a PROXY header, every other peer is refused; `[unix]` on a Unix socket, whose requests come from nowhere otherwise",
    )],
};

static FORWARDED: Section = Section {
    keys: &[
        required(
            "trusted",
            CIDRS,
            "proxies whose header is believed, walked right to left; `unix` for those of a Unix socket",
        ),
        default(
            "header",
            "x-forwarded-for",
            Form::Choice(&["x-forwarded-for", "forwarded"]),
            "the header they write",
        ),
    ],
};

static ADMIN: Section = Section {
    keys: &[
        required("address", Form::Address, "the address and port of the admin endpoint"),
        optional(
            "token",
            Form::Secret,
            "needed for POST; without it POST is answered on a loopback address only",
        ),
    ],
};

static NETWORK: Section = Section {
    keys: &[
        optional(
            "vpc_endpoints",
            Form::List(&Form::Keys(&VPC_ENDPOINT), 0),
            "VPC endpoints that a PROXY header may name",
        ),
        optional(
            "vpcs",
            Form::List(&Form::Keys(&VPC), 0),
            "peers whose address lies here count as inside that VPC",
        ),
    ],
};

static VPC_ENDPOINT: Section = Section {
    keys: &[
        required("id", Form::Text, "the endpoint, as `vpce-0a1b2c3d`"),
        required("vpc", Form::Text, "the VPC that it is in, as `vpc-11112222`"),
        optional("account", Form::Text, "the account that owns it, 12 digits"),
        optional("org", Form::Text, "the organization of that account, as `o-abcd`"),
        optional("region", Form::Text, "the region that it is in"),
    ],
};

static VPC: Section = Section {
    keys: &[
        required("vpc", Form::Text, "the VPC, as `vpc-11112222`"),
        required("cidrs", CIDRS, "the addresses of its peers"),
    ],
};

static SIGNING: Section = Section {
    keys: &[
        default("regions", "us-east-1", Form::List(&Form::Text, 1), "regions accepted in credential scopes"),
        default(
            "max_expires",
            "7d",
            Form::Duration(SECOND, 7 * DAY),
            "the longest a link may be valid; S3's bound is 7d",
        ),
        default(
            "clock_skew",
            "15m",
            Form::Duration(0, 15 * MINUTE),
            "how far the clock of a signer may be off",
        ),
        default("header_auth", "true", Form::Flag, "signatures in the Authorization header are accepted too"),
        default("post_policy", "true", Form::Flag, "browser uploads with a signed form are accepted"),
        default("sigv4a", "true", Form::Flag, "signatures for several regions (SigV4A) are accepted"),
        default(
            "sigv2",
            "false",
            Form::Flag,
            "signatures of the old kind (SigV2) are accepted, weak as they are",
        ),
        default(
            "uniform_errors",
            "false",
            Form::Choice(&["false", "true", "all"]),
            "`true`: an unknown key and a wrong signature look the same; `all`: so does every refusal by key, signature, lifetime, policy, network or state of the link",
        ),
    ],
};

static CREDENTIAL: Section = Section {
    keys: &[
        required("access_key_id", Form::Text, "the name of the key, as signers send it"),
        required("secret_access_key", Form::Secret, "the secret that it signs with"),
        optional("session_token", Form::Secret, "a temporary credential: the token that requests must carry"),
        optional("principal", Form::Text, "the ARN that policies know the signer by"),
        optional("role", Form::Text, "of a session: the ARN of its role, if that has a path"),
        optional("user_id", Form::Text, "its `aws:userid`, as `AIDA..`, or `AROA..:session` of a session"),
        optional("org", Form::Text, "the organization of its account, as `o-abcd`"),
        optional("canonical_user", Form::Text, "the canonical id of its account, 64 hexadecimal digits"),
        optional("issued", Form::Time, "of a temporary credential: when it was issued"),
        optional(
            "expires",
            Form::Time,
            "of a temporary credential: when it runs out, and with it every link that it has signed",
        ),
        optional("tags", Form::Texts, "its `aws:PrincipalTag/..` values"),
        optional("policies", POLICIES, "its identity policies: file names or documents"),
        optional("boundary", Form::Policy, "its permissions boundary"),
        optional("retired", Form::Time, "links signed before this still work, newer ones do not"),
    ],
};

static POLICY: Section = Section {
    keys: &[
        default(
            "default",
            "deny",
            Form::Choice(&["deny", "pass"]),
            "when no statement matches: `deny`, or `pass` to S3",
        ),
        optional("guardrails", POLICIES, "policies attached to every principal, anonymous too"),
        optional("shadow", POLICIES, "guardrails on trial: evaluated and counted, never enforced"),
    ],
};

static BUCKET: Section = Section {
    keys: &[
        required("name", Form::Text, "the name that clients use; `*` is every other one"),
        required("upstream", Form::Text, "the name of the upstream that holds it"),
        optional("upstream_bucket", Form::Text, "its name there, if it is another"),
        optional("upstream_prefix", Form::Text, "what its keys begin with there, as `tenants/a/`"),
        optional("policy", Form::Policy, "its bucket policy"),
        optional("account", Form::Text, "the account that owns it, 12 digits; left out, that of each signer"),
        optional("org", Form::Text, "the organization of that account, as `o-abcd`"),
        optional(
            "cors",
            Form::List(&Form::Keys(&CORS), 0),
            "what pages of other origins may do; the first rule that fits",
        ),
        default("head_for_get", "false", Form::Flag, "a link signed for GET answers HEAD too"),
    ],
};

static CORS: Section = Section {
    keys: &[
        required(
            "origins",
            Form::List(&Form::Text, 1),
            "origins of the pages, as `https://app.example`; one `*` each",
        ),
        required(
            "methods",
            Form::List(&Form::Choice(&["GET", "HEAD", "PUT", "POST", "DELETE"]), 1),
            "methods that they may use",
        ),
        optional("headers", Form::List(&Form::Text, 0), "headers that they may send; one `*` each"),
        optional("expose", Form::List(&Form::Text, 0), "headers of answers that they may read"),
        optional("max_age", Form::Duration(0, DAY), "how long a browser may keep the answer to a preflight"),
    ],
};

static UPSTREAM: Section = Section {
    keys: &[
        required("name", Form::Text, "the name that buckets refer to"),
        required(
            "endpoint",
            Form::OneOrMore(&Form::Endpoint),
            "scheme, host and port of the store; several take turns, under the Host of the first",
        ),
        required("region", Form::Text, "the region that requests are signed for"),
        default(
            "addressing",
            "path",
            Form::Choice(&["path", "virtual"]),
            "where the bucket stands: path or host name",
        ),
        required("credentials", Form::Keys(&UPSTREAM_CREDENTIALS), "what requests are signed with"),
        default(
            "unknown_keys",
            "refuse",
            Form::Choice(&["refuse", "passthrough"]),
            "requests signed with a key that nobody here knows: `refuse`, or with `credentials: { passthrough: true }` also `passthrough`, for the store to verify",
        ),
        optional(
            "ca",
            Form::File,
            "the authorities that its certificate must come from, PEM; left out, the public ones",
        ),
        defaults("timeouts", Form::Keys(&TIMEOUTS), "how long the gate waits for it"),
        default(
            "retries",
            "2",
            Form::Count(0, 10),
            "how often a connection is tried again, while nothing was sent",
        ),
        optional(
            "health",
            Form::Keys(&HEALTH),
            "its addresses are probed, and get requests while they answer",
        ),
        optional(
            "deny_addresses",
            Form::List(&Form::Cidr, 0),
            "addresses that its name must not lead to, besides link-local ones and those of metadata services, where no name may",
        ),
        defaults("pool", Form::Keys(&POOL), "how many connections each endpoint gets"),
    ],
};

static POOL: Section = Section {
    keys: &[
        optional(
            "connections",
            Form::Count(1, 10_000_000),
            "the most that carry a request at a time, one more is answered 503; left out, as many as there are requests",
        ),
        default("idle", "1024", Form::Count(0, 1_000_000), "the most unused ones that each thread keeps"),
    ],
};

static HEALTH: Section = Section {
    keys: &[
        default("path", "/", Form::Text, "the path of an unsigned GET; any answer below 500 is good"),
        default("interval", "5s", Form::Duration(100, HOUR), "the time from one probe to the next"),
    ],
};

static UPSTREAM_CREDENTIALS: Section = Section {
    keys: &[
        optional("access_key_id", Form::Text, "the name of a key of the store"),
        optional("secret_access_key", Form::Secret, "the secret of that key"),
        optional("session_token", Form::Secret, "the token of a temporary key"),
        optional(
            "passthrough",
            Form::Choice(&["true"]),
            "requests keep their signature, since the store knows the keys",
        ),
        optional("anonymous", Form::Choice(&["true"]), "requests are not signed"),
        optional(
            "provider",
            Form::Choice(&["aws"]),
            "`aws`: found as AWS tools find them, and found again before they expire",
        ),
        optional("role_arn", Form::Text, "with `provider`: a role that is assumed with what was found"),
        optional("external_id", Form::Text, "with `role_arn`: what the owner of the role wants to be told"),
    ],
};

static TIMEOUTS: Section = Section {
    keys: &[
        default("connect", "2s", Form::Duration(1, 5 * MINUTE), "until a connection stands, TLS included"),
        default("read", "60s", Form::Duration(1, HOUR), "between two reads"),
        default("write", "60s", Form::Duration(1, HOUR), "between two writes"),
        default("idle", "50s", Form::Duration(0, HOUR), "that an unused connection is kept"),
    ],
};

/// Every key with its path, as `listeners[].tls.certificate`.
#[must_use]
pub fn all() -> Vec<(String, &'static Key)> {
    let mut rows = Vec::new();
    walk(&ROOT, "", &mut rows);
    rows
}

fn walk(section: &'static Section, prefix: &str, rows: &mut Vec<(String, &'static Key)>) {
    for key in section.keys {
        let path = format!("{prefix}{}", key.name);
        rows.push((path.clone(), key));
        match key.form {
            Form::Keys(inner) => walk(inner, &format!("{path}."), rows),
            Form::List(Form::Keys(inner), _) => walk(inner, &format!("{path}[]."), rows),
            _ => {}
        }
    }
}
