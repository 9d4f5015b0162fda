//! One gate after another on the same addresses: by hand-over, and by sockets that a service manager keeps.
//! It must not test what a single gate does when it ends.

use crate::support::client::Client;
use crate::support::config::Config;
use crate::support::gate::{BINARY, Process, poll, poll_connect};
use crate::support::load::Load;
use crate::support::ports::{self, Reserved};
use crate::support::reply::{self, Latch};
use crate::support::request::Request;
use crate::support::upstream::Upstream;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const FILES: &str =
    "links: { store: { redb: links.redb }, grace: 0s }\nlogs: { audit: { path: audit.jsonl } }";
const OFFER: &str = "upgrade: { socket: upgrade.sock }";

/// Addresses and a folder that several gates have in turn.
struct Place {
    folder: TempDir,
    listener: Reserved,
    admin: Reserved,
    gates: usize,
}

impl Place {
    fn new(config: &Config) -> Self {
        let (listener, admin) = (ports::reserve(), ports::reserve());
        let place = Self { folder: tempfile::tempdir().unwrap(), listener, admin, gates: 0 };
        place.write(config);
        place
    }

    fn write(&self, config: &Config) {
        std::fs::write(self.path("gate.yaml"), config.text(self.listener.address, self.admin.address))
            .unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// Starts another gate, with a folder of its own for what it says.
    fn start(&mut self, more: &[&str]) -> Process {
        self.gates += 1;
        let own = self.path(&format!("gate-{}", self.gates));
        std::fs::create_dir(&own).unwrap();
        let mut command = Command::new(BINARY);
        command.args(["run", "--config"]).arg(self.path("gate.yaml")).args(more);
        Process::start(&mut command, &own)
    }

    /// What the gate said that was started last.
    fn said(&self) -> String {
        std::fs::read_to_string(self.path(&format!("gate-{}/stderr.log", self.gates))).unwrap()
    }

    /// Starts the first gate.
    fn first(&mut self) -> Process {
        let mut gate = self.start(&[]);
        poll_connect(&mut gate, self.admin.address);
        poll("the offer", || self.path("upgrade.sock").exists().then_some(()));
        gate
    }

    fn admin(&self, path: &str) -> u16 {
        let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        crate::support::client::ask(self.admin.address, "GET", request.as_bytes()).status
    }
}

/// So many upgrades under load.
#[track_caller]
fn upgrades(config: &Config, count: usize) {
    let mut place = Place::new(config);
    let mut gate = place.first();
    let load = Load::start(place.address(), 4);
    for _ in 0..count {
        let before = load.served();
        let new = place.start(&["--upgrade"]);
        assert_eq!(gate.wait().code(), Some(0));
        gate = new;
        assert_eq!(place.admin("/readyz"), 200);
        poll("requests of the new gate", || (load.served() > before + 20).then_some(()));
    }
    let served = load.finish();
    assert!(served > count * 20, "{served} requests");
    gate.signal("TERM");
    assert_eq!(gate.wait().code(), Some(0));
    assert!(!place.path("upgrade.sock").exists());
}

#[test]
fn ten_upgrades_under_load_fail_no_request() {
    let upstream = Upstream::ok();
    upgrades(&Config::resign(upstream.endpoint()).more(OFFER), 10);
}

#[test]
fn upgrades_with_files_of_one_gate_fail_no_request() {
    let upstream = Upstream::ok();
    let config = Config::resign(upstream.endpoint()).more(OFFER).more(FILES);
    upgrades(&config, 5);
}

#[test]
fn uses_of_a_link_and_the_audit_log_go_over() {
    let upstream = Upstream::ok();
    let mut place = Place::new(&Config::resign(upstream.endpoint()).more(OFFER).more(FILES));
    let mut gate = place.first();
    let link = Request::get("/bkt/key").query("x-gate-max-uses", "2").query("x-gate-pin", "ip").presigned();
    let other = Request::get("/bkt/other").query("x-gate-max-uses", "1").presigned();
    let ask = |bytes: &[u8]| crate::support::client::ask(place.listener.address, "GET", bytes);
    assert_eq!((ask(&link).status, ask(&other).status), (200, 200));
    assert_eq!(ask(&Request::get("/forbidden/key").presigned()).status, 403);
    let address = place.address();
    let ask = move |bytes: &[u8]| crate::support::client::ask(address, "GET", bytes).status;
    for _ in 0..2 {
        let new = place.start(&["--upgrade"]);
        assert_eq!(gate.wait().code(), Some(0));
        gate = new;
    }
    assert_eq!((ask(&link), ask(&other)), (200, 403));
    assert_eq!(ask(&link), 403);
    gate.signal("TERM");
    assert_eq!(gate.wait().code(), Some(0));
    let verified =
        Command::new(BINARY).args(["audit", "verify"]).arg(place.path("audit.jsonl")).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
    let audit = std::fs::read_to_string(place.path("audit.jsonl")).unwrap();
    assert_eq!(audit.matches("\"kind\":\"started\"").count(), 3, "{audit}");
    assert!(!audit.contains("\"kind\":\"dropped\""), "{audit}");
}

#[test]
fn a_gate_that_cannot_start_leaves_the_other_in_its_place() {
    let upstream = Upstream::ok();
    let good = Config::resign(upstream.endpoint()).more(OFFER).more(FILES);
    let mut place = Place::new(&good);
    let mut gate = place.first();
    let load = Load::start(place.address(), 2);
    std::fs::create_dir(place.path("folder")).unwrap();
    for (wrong, said, code) in [
        (good.text(place.address(), place.admin.address).replace("version: 1", "version: 7"), "version", 78),
        (good.text(place.address(), place.admin.address).replace("audit.jsonl", "folder"), "audit log", 1),
        (good.text(place.address(), place.admin.address).replace("links.redb", "folder"), "link store", 1),
    ] {
        std::fs::write(place.path("gate.yaml"), wrong).unwrap();
        let mut new = place.start(&["--upgrade"]);
        assert_eq!(new.wait().code(), Some(code));
        assert!(place.said().contains(said), "{}", place.said());
        let before = load.served();
        poll("the old gate to go on", || (load.served() > before + 20).then_some(()));
        assert!(gate.ended().is_none());
        let link = Request::get("/bkt/key").query("x-gate-max-uses", "9").presigned();
        assert_eq!(crate::support::client::ask(place.address(), "GET", &link).status, 200);
        assert_eq!(place.admin("/readyz"), 200);
    }
    place.write(&good);
    let mut new = place.start(&["--upgrade"]);
    assert_eq!(gate.wait().code(), Some(0));
    load.finish();
    new.signal("TERM");
    assert_eq!(new.wait().code(), Some(0));
}

#[test]
fn a_request_in_flight_ends_in_the_old_gate() {
    let latch = Latch::default();
    let upstream = Upstream::always(reply::delayed(&latch, "late"));
    let mut place = Place::new(&Config::resign(upstream.endpoint()).more(OFFER));
    let mut old = place.first();
    let mut client = Client::connect(place.address());
    client.send(&Request::get("/bkt/key").presigned());
    drop(upstream.wait(|seen| seen.requests.len() == 1));
    let mode = std::fs::metadata(place.path("upgrade.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // told of it beforehand, it waits
    old.signal("QUIT");
    let mut new = place.start(&["--upgrade"]);
    poll("the hand-over", || place.said().contains("took over").then_some(()));
    assert!(old.ended().is_none());
    old.signal("QUIT");
    latch.open();
    let answer = client.response("GET");
    assert_eq!(answer.text(), "late");
    drop(client);
    assert_eq!(old.wait().code(), Some(0));
    assert_eq!(new.ended(), None);
}

#[test]
fn without_a_gate_before_it_starts_by_itself() {
    let config = Config::resign("http://127.0.0.1:1");
    let mut place = Place::new(&config);
    let mut gate = place.start(&["--upgrade"]);
    assert_eq!(gate.wait().code(), Some(1));
    assert!(place.said().contains("upgrade.socket"), "{}", place.said());
    place.write(&config.clone().more(OFFER));
    let mut gate = place.start(&["--upgrade"]);
    poll_connect(&mut gate, place.admin.address);
    // a second one without the flag does not get in between
    let mut second = place.start(&[]);
    assert_eq!(second.wait().code(), Some(1));
    assert!(place.said().contains("cannot listen on"), "{}", place.said());
    // nobody listens at what a killed gate left behind
    drop(gate);
    let mut gate = place.start(&["--upgrade"]);
    poll_connect(&mut gate, place.admin.address);
    place.write(&config.more("upgrade: { socket: absent/upgrade.sock }"));
    gate.signal("TERM");
    assert_eq!(gate.wait().code(), Some(0));
    let mut gate = place.start(&[]);
    assert_eq!(gate.wait().code(), Some(1));
    assert!(place.said().contains("absent/upgrade.sock"), "{}", place.said());
}

/// Starts a gate with sockets passed as a service manager does, which `sh` brings to their numbers.
fn activated(place: &Place, sockets: [&TcpListener; 2]) -> Process {
    let fd = |socket: &TcpListener| OwnedFd::from(socket.try_clone().unwrap());
    let script = "exec 3<&0 4<&1 0</dev/null 1>>\"$0\"; LISTEN_FDS=2 LISTEN_PID=$$ exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(place.path("stdout.log")).arg(BINARY);
    command.args(["run", "--config"]).arg(place.path("gate.yaml"));
    command.stdin(fd(sockets[0])).stdout(fd(sockets[1]));
    let log = File::options().create(true).append(true).open(place.path("stderr.log")).unwrap();
    Process::adopt(command.stderr(Stdio::from(log)).spawn().unwrap())
}

#[test]
fn restarts_behind_kept_sockets_fail_no_request() {
    let upstream = Upstream::ok();
    let place = Place::new(&Config::resign(upstream.endpoint()).more(FILES));
    let listener = TcpListener::bind(place.address()).unwrap();
    let admin = TcpListener::bind(place.admin.address).unwrap();
    let mut gate = activated(&place, [&listener, &admin]);
    let load = Load::start(place.address(), 4);
    for _ in 0..10 {
        let before = load.served();
        poll("requests", || (load.served() > before + 20).then_some(()));
        gate.signal("TERM");
        assert_eq!(gate.wait().code(), Some(0));
        gate = activated(&place, [&listener, &admin]);
    }
    assert_eq!(place.admin("/readyz"), 200);
    let served = load.finish();
    assert!(served > 200, "{served} requests");
}

#[test]
fn a_socket_that_no_listener_has_is_an_error() {
    let place = Place::new(&Config::resign("http://127.0.0.1:1"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = TcpListener::bind(place.admin.address).unwrap();
    let mut gate = activated(&place, [&listener, &admin]);
    assert_eq!(gate.wait().code(), Some(1));
    let said = std::fs::read_to_string(place.path("stderr.log")).unwrap();
    assert!(said.contains(&listener.local_addr().unwrap().to_string()), "{said}");
}
