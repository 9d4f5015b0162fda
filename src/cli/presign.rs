//! `presign-gate presign`: a link signed with a credential of the config.
//! It must not show the secret, nor sign for a credential that the config does not have.

use std::process::ExitCode;

use super::args::PresignArgs;
use super::args::values::Field;
use super::{USAGE, bad_config, out};
use crate::auth::sigv4::key::KeyCache;
use crate::auth::sigv4::presigned::reserved;
use crate::auth::sigv4::sign::{Grant, SignedHeader, Signer, presign};
use crate::clock::civil::Civil;
use crate::clock::{Clock as _, SystemClock, UnixMillis};
use crate::config::model::identity::Credential;
use crate::config::model::{Config, Hosts};
use crate::config::scalar::show_duration;
use crate::config::source::SystemSource;
use crate::links::constraint::{Constraint, Constraints};

pub(super) fn run(args: &PresignArgs) -> ExitCode {
    let loaded = crate::config::load(&SystemSource, &args.config);
    let Some(config) = loaded.config else {
        let errors = loaded.diagnostics.iter().filter(|finding| finding.is_error());
        out::stderr(&errors.map(super::super::config::diagnostic::Diagnostic::render).collect::<String>());
        return ExitCode::from(bad_config(&args.config));
    };
    let now = SystemClock.now();
    match link(args, &config, now) {
        Ok(link) => {
            let warnings = doubts(args, &config, now);
            let warn = |doubt: String| {
                format!("presign-gate: warning: a gate with this config refuses the link: {doubt}\n")
            };
            out::stderr(&warnings.into_iter().map(warn).collect::<String>());
            out::stdout(&format!("{link}\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}\n"));
            ExitCode::from(USAGE)
        }
    }
}

fn link(args: &PresignArgs, config: &Config, now: UnixMillis) -> Result<String, String> {
    let credential = credential(args, config)?;
    let host = host(args, config)?;
    let query = parameters(args);
    if let Some((name, _)) = query.iter().find(|(name, _)| reserved(name.as_bytes()).is_some()) {
        return Err(format!("`{name}` is a parameter of the signature itself: leave it out"));
    }
    let query: Vec<_> = query.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let headers: Vec<(String, &[u8])> =
        args.headers.iter().map(|field| (field.name.to_ascii_lowercase(), field.value.as_bytes())).collect();
    let headers: Vec<SignedHeader<'_>> =
        headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let path = match args.object.key.as_str() {
        "" => format!("/{}", args.object.bucket),
        key => format!("/{}/{key}", args.object.bucket),
    };
    let grant = Grant {
        method: &args.method,
        host: &host,
        path: path.as_bytes(),
        query: &query,
        headers: &headers,
        signed_at: now,
        expires_secs: u32::try_from(args.expires.as_secs()).unwrap_or(u32::MAX),
    };
    let signer = Signer {
        access_key_id: &args.access_key_id,
        secret: &credential.secret,
        session_token: credential.session_token.as_ref(),
        region: config.signing.regions.first().map_or("us-east-1", String::as_str),
    };
    let target = presign(&grant, &signer, &KeyCache::default());
    Ok(format!("{}://{host}{}", args.scheme.name(), String::from_utf8_lossy(&target)))
}

/// Why a gate with this config refuses the link whatever comes with it. It is signed all the same: to see it refused is a
/// way to try a gate.
fn doubts(args: &PresignArgs, config: &Config, now: UnixMillis) -> Vec<String> {
    let retired = credential(args, config).ok().and_then(|credential| credential.retired);
    let retired = retired.filter(|retired| now >= *retired).map(|retired| {
        let (key, since) = (&args.access_key_id, Civil::from_instant(retired).iso());
        format!("`{key}` is retired since {since}: name a credential that is in force")
    });
    let most = config.signing.max_expires;
    let lives = (args.expires > most).then(|| {
        let [asked, most] = [args.expires, most].map(show_duration);
        format!("`--expires {asked}` is more than `signing.max_expires`, which is {most}: ask for less")
    });
    let query = parameters(args);
    let fields = query.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let constraint = Constraints::from_fields(fields).err().map(|error| error.to_string());
    [retired, lives, constraint].into_iter().flatten().collect()
}

/// The credential that is asked for.
fn credential<'c>(args: &PresignArgs, config: &'c Config) -> Result<&'c Credential, String> {
    let found =
        config.credentials.iter().find(|credential| credential.access_key_id.value == args.access_key_id);
    found.ok_or_else(|| {
        format!("the config has no credential `{}`: name one of its access_key_ids", args.access_key_id)
    })
}

/// The host that the link leads to: the first of the config unless another one is asked for.
fn host(args: &PresignArgs, config: &Config) -> Result<String, String> {
    Ok(match (&args.host, &config.hosts) {
        (Some(host), _) => host.clone(),
        (None, Hosts::Listed(names)) => {
            let name = names.first().cloned().unwrap_or_default();
            match config
                .listeners
                .first()
                .and_then(|listener| listener.address.value.tcp())
                .map(|at| at.port())
            {
                Some(port) if port != 443 && port != 80 => format!("{name}:{port}"),
                _ => name,
            }
        }
        (None, Hosts::AnyPathStyle) => {
            return Err("the config has no `hosts`: name the host with `--host`".to_owned());
        }
    })
}

/// The parameters of the link besides those of the signature: what is asked for, and the constraints.
fn parameters(args: &PresignArgs) -> Vec<(String, String)> {
    let asked = args.query.iter().map(|Field { name, value }| (name.clone(), value.clone()));
    asked.chain(constraints(args)).collect()
}

/// The constraints as parameters of the link.
fn constraints(args: &PresignArgs) -> Vec<(String, String)> {
    let join = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
    let nets: Vec<String> = args.source_ip.iter().map(ToString::to_string).collect();
    let range = args.content_length_range.as_ref().map(|range| format!("{},{}", range.min, range.max));
    [
        (Constraint::SourceIp, join(&nets)),
        (Constraint::SourceVpc, join(&args.source_vpc)),
        (Constraint::SourceVpce, join(&args.source_vpce)),
        (Constraint::MaxUses, args.max_uses.map(|uses| uses.to_string())),
        (Constraint::MaxBytes, args.max_bytes.map(|bytes| bytes.to_string())),
        (Constraint::NotBefore, args.not_before.map(|at| Civil::from_instant(at).iso())),
        (Constraint::ContentLengthRange, range),
    ]
    .into_iter()
    .filter_map(|(constraint, value)| Some((constraint.parameter().to_owned(), value?)))
    .collect()
}
