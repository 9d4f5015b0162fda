//! What may stand on the command line, read into typed values.
//! It must not act: a command gets its arguments and nothing else of the command line.

pub mod values;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use ipnet::IpNet;

use crate::clock::UnixMillis;
use crate::policy::document::Kind;
use values::{ByteRange, Field, ObjectUrl, Scheme};

/// Enforces presigned access in front of S3: signature, network path, and the link's own limits.
#[derive(Debug, Parser)]
#[command(name = "presign-gate", version, disable_help_subcommand = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the proxy
    Run(RunArgs),
    /// Run the proxy over an embedded S3, with sample objects and links to try
    Demo(DemoArgs),
    /// Check config files: every error and warning, with line and column
    Check(CheckArgs),
    /// Print a presigned URL
    Presign(PresignArgs),
    /// Tell what the gate would do with a URL, and why
    Explain(ExplainArgs),
    /// Call links back before they expire
    Revoke(RevokeArgs),
    /// Test policies, or tell what is doubtful about them
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check an audit log
    Audit(AuditArgs),
    /// Print the JSON schema of the config file
    Schema,
    /// Print the table of metrics
    Metrics,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
    /// Print which build this is
    Version(VersionArgs),
    /// Write the reference pages of the documentation
    #[command(hide = true)]
    Reference(ReferenceArgs),
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Take the place of the gate that listens at `upgrade.socket`, its listening sockets included; it ends by itself
    #[arg(long)]
    pub upgrade: bool,
}

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Run the sample requests, print each outcome and stop
    #[arg(long)]
    pub once: bool,
    /// Where to put objects and config; a temporary folder if left out
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Where clients connect
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the admin endpoint is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub admin: SocketAddr,
}

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The config files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `presign`.
#[derive(Debug, clap::Args)]
pub struct PresignArgs {
    /// The method that the link is for, as GET or PUT
    #[arg(value_name = "METHOD", value_parser = values::method)]
    pub method: String,
    /// The object: bucket and key, not percent-encoded
    #[arg(value_name = "s3://BUCKET/KEY", value_parser = ObjectUrl::parse)]
    pub object: ObjectUrl,
    /// The config file that holds the credential
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The credential to sign with
    #[arg(long, value_name = "ID")]
    pub access_key_id: String,
    /// How long the link is valid, 1s to 7d
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = values::expires)]
    pub expires: Duration,
    /// The host that the link is for, with its port if it has one; the first of `hosts` if left out
    #[arg(long, value_name = "NAME", value_parser = values::host)]
    pub host: Option<String>,
    /// The scheme that the link begins with
    #[arg(long, value_enum, default_value = "https")]
    pub scheme: Scheme,
    /// A header that requests must carry; may be repeated
    #[arg(long = "header", value_name = "'NAME: VALUE'", value_parser = values::header)]
    pub headers: Vec<Field>,
    /// A query parameter that is signed as well; may be repeated
    #[arg(long = "query", value_name = "NAME=VALUE", value_parser = values::parameter)]
    pub query: Vec<Field>,
    /// The addresses that requests must come from
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = values::cidr)]
    pub source_ip: Vec<IpNet>,
    /// The VPCs that requests must come from
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = values::vpc)]
    pub source_vpc: Vec<String>,
    /// The VPC endpoints that requests must come through
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = values::vpce)]
    pub source_vpce: Vec<String>,
    /// How often the link may be used, 1 to 1000000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_uses: Option<u32>,
    /// How many bytes the link may move in total
    #[arg(long, value_name = "N", value_parser = values::bytes)]
    pub max_bytes: Option<u64>,
    /// The least and the most bytes of an upload
    #[arg(long, value_name = "MIN,MAX", value_parser = ByteRange::parse)]
    pub content_length_range: Option<ByteRange>,
    /// When the link begins to work
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub not_before: Option<UnixMillis>,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The URL as a client would use it
    #[arg(value_name = "URL")]
    pub url: String,
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The method of the request
    #[arg(long, default_value = "GET", value_parser = values::method)]
    pub method: String,
    /// A header of the request; may be repeated
    #[arg(long = "header", value_name = "'NAME: VALUE'", value_parser = values::header)]
    pub headers: Vec<Field>,
    /// The address that the request comes from
    #[arg(long, value_name = "IP")]
    pub source_ip: Option<IpAddr>,
    /// The VPC endpoint that the request comes through
    #[arg(long, value_name = "ID", value_parser = values::vpce)]
    pub vpce: Option<String>,
    /// When the request is made; now if left out
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub at: Option<UnixMillis>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Arguments of `reference`.
#[derive(Debug, clap::Args)]
pub struct ReferenceArgs {
    /// The folder to write to
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("via").required(true).args(["config", "admin"]))]
pub struct RevokeArgs {
    /// What is called back.
    #[command(flatten)]
    pub target: RevokeTarget,
    /// Only what the key signed before this; now if left out
    #[arg(long, value_name = "TIME", value_parser = values::time, conflicts_with_all = ["link", "prefix", "signed_before"])]
    pub before: Option<UnixMillis>,
    /// The config file of the gate: its store is told, or the running gate
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The admin endpoint of a running gate, as `http://127.0.0.1:9090`
    #[arg(long, value_name = "URL")]
    pub admin: Option<String>,
    /// The file that holds the token of the admin endpoint
    #[arg(long, value_name = "FILE", requires = "admin", conflicts_with = "config")]
    pub token: Option<PathBuf>,
}

/// What is called back: exactly one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct RevokeTarget {
    /// One link, by its URL or by the name that the access log shows
    #[arg(long, value_name = "URL|LINK_ID")]
    pub link: Option<String>,
    /// What a key has signed
    #[arg(long, value_name = "ID")]
    pub access_key_id: Option<String>,
    /// What was signed for keys that begin like this
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    pub prefix: Option<String>,
    /// Everything that was signed before this
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub signed_before: Option<UnixMillis>,
}

/// The commands under `policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Run cases, one JSON object a line, and show those whose decision is not the expected one
    Test(PolicyTestArgs),
    /// Tell what is wrong or doubtful in policy documents
    Lint(PolicyLintArgs),
}

/// Arguments of `policy test`.
#[derive(Debug, clap::Args)]
pub struct PolicyTestArgs {
    /// The cases
    #[arg(value_name = "CASES.jsonl")]
    pub cases: PathBuf,
    /// Print the decision of each case as a JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Take condition keys that no gate can know without a warning: the cases bring their values
    #[arg(long)]
    pub any_key: bool,
}

/// Arguments of `policy lint`.
#[derive(Debug, clap::Args)]
pub struct PolicyLintArgs {
    /// The policy documents
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the documents are attached to; left out, a bucket if they name principals, else an access key
    #[arg(long, value_enum)]
    pub kind: Option<PolicyKind>,
    /// Fail on warnings too
    #[arg(long)]
    pub strict: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// What a policy document is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PolicyKind {
    /// An access key
    Identity,
    /// An access key, as the most that it may do
    Boundary,
    /// A bucket
    Bucket,
    /// A listener
    Endpoint,
    /// Every principal
    Guardrail,
}

impl From<PolicyKind> for Kind {
    fn from(kind: PolicyKind) -> Self {
        match kind {
            PolicyKind::Identity => Self::Identity,
            PolicyKind::Boundary => Self::Boundary,
            PolicyKind::Bucket => Self::Resource,
            PolicyKind::Endpoint => Self::Endpoint,
            PolicyKind::Guardrail => Self::Guardrail,
        }
    }
}

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// What to do with it
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What can be done with an audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Tell whether every line follows the one before; exit 1 and the first that does not
    Verify {
        /// The files, the oldest first: each must go on where the one before ends
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Arguments of `version`.
#[derive(Debug, clap::Args)]
pub struct VersionArgs {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests;
