//! Both sides of a hand-over in one process.
//! It must not start a gate; `tests/it` does.

use super::*;
use crate::net::address::ListenAddress;
use crate::server::sockets::Socket;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

struct Old {
    folder: tempfile::TempDir,
    sockets: Arc<Vec<Socket>>,
    stages: Receiver<Stage>,
    successors: Receiver<Successor>,
    keep: Keep,
}

fn old() -> Old {
    let folder = tempfile::tempdir().unwrap();
    let unix = ListenAddress::Unix(folder.path().join("gate.sock"));
    let bound = ["127.0.0.1:0".parse().unwrap(), unix].iter().map(|at| Socket::bind(at).unwrap()).collect();
    let sockets: Arc<Vec<Socket>> = Arc::new(bound);
    let ((told, stages), (ended, successors)) = (channel(), channel());
    let keep = offer(
        &folder.path().join("upgrade.sock"),
        vec![Arc::clone(&sockets)],
        move |stage| told.send(stage).unwrap(),
        move |successor| ended.send(successor).unwrap(),
    )
    .unwrap();
    Old { folder, sockets, stages, successors, keep }
}

fn path(old: &Old) -> PathBuf {
    old.folder.path().join("upgrade.sock")
}

#[test]
fn sockets_go_over_and_the_old_gate_hears_each_word() {
    let old = old();
    assert_eq!(std::fs::metadata(path(&old)).unwrap().permissions().mode() & 0o777, 0o600);
    let (takeover, sockets) = Takeover::begin(&path(&old)).unwrap().unwrap();
    // one bound to port 0 is known by the port that it got
    assert_eq!(sockets.len(), 2);
    assert_eq!(sockets[1].address, old.sockets[1].address);
    let address = sockets[0].address.tcp().unwrap();
    assert!(std::net::TcpStream::connect(address).is_ok());
    takeover.release().unwrap();
    assert_eq!(old.stages.recv().unwrap(), Stage::Release);
    takeover.ready();
    let pid = i32::try_from(std::process::id()).unwrap();
    assert_eq!(old.successors.recv().unwrap(), Successor { pid: Some(pid) });
    // the file is the successor's
    old.keep.withdraw();
    assert!(path(&old).exists());
}

#[test]
fn a_new_gate_that_fails_changes_nothing() {
    let old = old();
    drop(Takeover::begin(&path(&old)).unwrap().unwrap());
    let (takeover, _sockets) = Takeover::begin(&path(&old)).unwrap().unwrap();
    takeover.release().unwrap();
    drop(takeover);
    assert_eq!([old.stages.recv().unwrap(), old.stages.recv().unwrap()], [Stage::Release, Stage::Resume]);
    assert!(Takeover::begin(&path(&old)).unwrap().is_some(), "it can be asked again");
    old.keep.withdraw();
    assert!(!path(&old).exists());
    assert!(Takeover::begin(&path(&old)).unwrap().is_none(), "nobody there");
}

#[test]
fn words_that_make_no_sense_end_it() {
    let old = old();
    for word in ["ready", "take 2", "release"] {
        let wire = Wire::connect(&path(&old), PATIENCE).unwrap().unwrap();
        wire.send(word, &[]).unwrap();
        assert!(wire.receive().is_err(), "{word}");
    }
    assert!(old.stages.try_recv().is_err());
    assert!(Takeover::begin(&path(&old)).unwrap().is_some());
}
