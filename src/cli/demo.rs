//! `presign-gate demo`: the gate over an embedded S3 on loopback, with requests that show what it does.
//! It must not touch anything outside its folder.

pub mod client;
pub mod embedded;
pub mod steps;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;

use log::LevelFilter;

use super::args::DemoArgs;
use super::{NO, USAGE, out};
use crate::clock::{Clock as _, SystemClock};
use crate::config::diagnostic::Diagnostic;
use crate::config::resolve;
use crate::config::source::SystemSource;
use crate::secret::Secret;
use crate::server::boot::{Access, boot};
use crate::server::front::{Front, Start};
use crate::server::reload::Reloader;
use crate::server::{self, Stop};
use crate::telemetry::log::{Format, install};
use client::{Ask, send};
use steps::Author;

const KEY: &str = "DEMOACCESSKEY0000001";
const STORE_KEY: &str = "DEMOSTOREKEY00000001";
const NETWORK: &str = include_str!("demo/network.json");
const IDENTITY: &str = include_str!("demo/identity.json");

pub(super) fn run(args: &DemoArgs) -> ExitCode {
    if let Some(other) = [args.listen, args.admin].iter().find(|address| !address.is_ipv4()) {
        // its clients come from 127.0.0.1 and 127.0.0.2; of `::1` there is one
        out::stderr(&format!(
            "presign-gate: the demo needs an IPv4 address, not `{other}`: its clients have two\n"
        ));
        return ExitCode::from(USAGE);
    }
    install(Format::Plain, LevelFilter::Info);
    match demo(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NO),
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}\n"));
            ExitCode::from(NO)
        }
    }
}

fn demo(args: &DemoArgs) -> io::Result<bool> {
    let folder = match &args.dir {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("presign-gate-demo-{:08x}", fastrand::u32(..))),
    };
    let outcome = in_folder(args, &folder);
    if args.dir.is_none() {
        // it was made for this run only
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome
}

fn in_folder(args: &DemoArgs, folder: &Path) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let objects = folder.join("objects");
    // a bucket of the embedded store is a folder
    std::fs::create_dir_all(objects.join("demo"))?;
    let store_secret = secret();
    let store = runtime.block_on(embedded::start(&objects, STORE_KEY, &store_secret))?;
    let listen = free(args.listen, args.once)?;
    let admin = free(args.admin, args.once)?;
    let secret = secret();
    let config = write_config(folder, listen, admin, store, (&secret, &store_secret))?;

    let built = resolve::build(&SystemSource, &config);
    let Some((model, snapshot)) = built.world else {
        return Err(io::Error::other(built.diagnostics.iter().map(Diagnostic::render).collect::<String>()));
    };
    let front = Front::open(&model, Start::Plain).map_err(io::Error::other)?;
    let world = boot(&model, snapshot, Access::Off).map_err(io::Error::other)?;
    let reloader = Reloader::new(&config, &model, built.files);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let stopped = std::sync::Mutex::new(Some(stopped));
    let once = args.once;
    let server = std::thread::spawn(move || {
        let stop = if once { Stop::When(stopped) } else { Stop::Signals };
        server::run(&world, front, reloader, stop).map_err(io::Error::other)
    });
    let shown = runtime.block_on(show(args.once, listen, admin, &Secret::new(secret.into_bytes())));
    if args.once || shown.is_err() {
        drop(stop);
        if shown.is_err() && !args.once {
            return shown;
        }
    } else {
        out::stdout("\nThe gate stays up until Ctrl-C.\n");
    }
    server.join().map_err(|_| io::Error::other("the gate failed"))??;
    shown
}

/// Waits for the gate, then prints or runs the steps.
async fn show(once: bool, gate: SocketAddr, admin: SocketAddr, secret: &Secret) -> io::Result<bool> {
    let author = Author { access_key_id: KEY, secret, gate, now: SystemClock.now() };
    let alive = Ask { method: "GET", target: "/livez".to_owned(), body: None, source: steps::HOME };
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while !send(admin, &alive).await.is_ok_and(|reply| reply.status == 200) {
        if tokio::time::Instant::now() > deadline {
            return Err(io::Error::other("the gate did not start"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut all = true;
    for step in author.steps() {
        let first = step.ask.method == "PUT";
        if !once && !first {
            out::stdout(&format!("\n# {}: {}\n{}\n", step.title, step.status, step.curl(gate)));
            continue;
        }
        let reply = send(gate, &step.ask).await?;
        let good = step.accepts(&reply);
        all &= good;
        let mark = if good { "ok  " } else { "FAIL" };
        out::stdout(&format!("{mark} {}: {} {}\n", step.title, reply.status, code(&reply.body)));
    }
    if !once {
        out::stdout(&format!("\n# what the gate counted\ncurl -sS 'http://{admin}/metrics'\n"));
        return Ok(all);
    }
    let page = send(admin, &Ask { target: "/metrics".to_owned(), ..alive }).await?;
    let counted = page.status == 200 && COUNTED.iter().all(|series| is_counted(&page.body, series));
    out::stdout(&format!("{} the metrics show all of it\n", if counted { "ok  " } else { "FAIL" }));
    Ok(all && counted)
}

/// Beginnings of series that must have counted something after the steps.
const COUNTED: &[&str] = &[
    "presign_gate_denied_total{reason=\"expired\"",
    "presign_gate_denied_total{reason=\"wrong_signature\"",
    "presign_gate_denied_total{reason=\"explicit_deny\"",
    "presign_gate_denied_total{reason=\"link_source_ip\"",
    "presign_gate_link_constraints_total{constraint=\"x-gate-source-ip\",result=\"broken\"",
    "presign_gate_link_constraints_total{constraint=\"x-gate-source-ip\",result=\"kept\"",
    "presign_gate_requests_total{bucket=\"demo\",decision=\"allow\"",
];

fn is_counted(page: &str, series: &str) -> bool {
    page.lines().any(|line| line.starts_with(series) && !line.ends_with(" 0"))
}

/// The S3 code of an error answer.
fn code(body: &str) -> &str {
    let start = body.find("<Code>").map(|at| at + "<Code>".len());
    start.and_then(|at| body.get(at..)?.split('<').next()).unwrap_or("")
}

fn secret() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(40).collect()
}

/// The address, or in a run that nobody types into a free one if it is taken.
fn free(wanted: SocketAddr, any: bool) -> io::Result<SocketAddr> {
    match TcpListener::bind(wanted) {
        Ok(listener) => listener.local_addr(),
        Err(_) if any => TcpListener::bind(SocketAddr::new(wanted.ip(), 0))?.local_addr(),
        Err(error) => Err(io::Error::other(format!(
            "cannot listen on `{wanted}`: {error}; see `--listen` and `--admin`"
        ))),
    }
}

fn write_config(
    folder: &Path,
    listen: SocketAddr,
    admin: SocketAddr,
    store: SocketAddr,
    (secret, store_secret): (&str, &str),
) -> io::Result<std::path::PathBuf> {
    std::fs::create_dir_all(folder.join("policies"))?;
    write_private(&folder.join("demo.secret"), secret)?;
    write_private(&folder.join("store.secret"), store_secret)?;
    std::fs::write(folder.join("policies/network.json"), NETWORK)?;
    std::fs::write(folder.join("policies/identity.json"), IDENTITY)?;
    let path = folder.join("presign-gate.yaml");
    let text = format!(
        "version: 1\n\
         listeners: [{{ address: '{listen}' }}]\n\
         admin: {{ address: '{admin}' }}\n\
         hosts: [{ip}, localhost]\n\
         credentials:\n\
         \x20 - access_key_id: {KEY}\n\
         \x20   secret_access_key: {{ file: demo.secret }}\n\
         \x20   principal: arn:aws:iam::111122223333:user/demo\n\
         \x20   policies: [policies/identity.json]\n\
         policy: {{ default: deny, guardrails: [policies/network.json] }}\n\
         buckets: [{{ name: demo, upstream: embedded }}]\n\
         upstreams:\n\
         \x20 - name: embedded\n\
         \x20   endpoint: http://{store}\n\
         \x20   region: us-east-1\n\
         \x20   credentials: {{ access_key_id: {STORE_KEY}, secret_access_key: {{ file: store.secret }} }}\n",
        ip = listen.ip(),
    );
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A file that nobody else can read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
