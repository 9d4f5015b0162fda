//! Addresses for servers whose config must name a port before they run.
//! It must not hand out a port that another test holds.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below the range from which the kernel takes the ports of outgoing connections, so that none can get in between.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A loopback address nobody listens on. It is reserved among tests, in this process and others, until dropped.
#[derive(Debug)]
pub struct Reserved {
    pub address: SocketAddr,
    _lock: File,
}

/// Reserves an address.
#[track_caller]
pub fn reserve() -> Reserved {
    let folder = std::env::temp_dir().join("presign-gate-test-ports");
    std::fs::create_dir_all(&folder).unwrap();
    let start = u16::try_from(std::process::id() * 16 % u32::from(COUNT)).unwrap();
    for offset in 0..COUNT {
        let port = FIRST + (start + offset) % COUNT;
        let lock = OpenOptions::new().create(true).append(true).open(folder.join(port.to_string())).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if lock.try_lock().is_ok() && TcpListener::bind(address).is_ok() {
            return Reserved { address, _lock: lock };
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

#[test]
fn reserved_addresses_differ() {
    let (one, two) = (reserve(), reserve());
    assert_ne!(one.address, two.address);
}
