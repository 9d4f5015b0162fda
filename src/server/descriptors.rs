//! How many file descriptors the process may have, and so how many client connections fit.
//! It must not refuse to start: what fits is served, and what does not is told.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is not for connections: standard streams, logs, stores, lookups, the admin endpoint.
const RESERVED: u64 = 64;
/// What each thread needs for itself: its event loop, and its share of the listening sockets.
const EACH_THREAD: u64 = 8;

/// Raises the limit of open files to what the system allows at most.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // where that is refused, the old one stays
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// The client connections in force: those that the config allows, or as many as fit.
#[must_use]
pub fn connections(configured: usize) -> usize {
    let room = getrlimit(Resource::Nofile).current.map(|limit| room(limit, threads()));
    match room {
        Some(room) if room < configured => {
            log::warn!(
                "the limit of open files has room for {room} client connections, not for the {configured} of \
                 `limits.connections`: no more are accepted; raise it (`LimitNOFILE`, `ulimit -n`) to {} or more",
                needed(configured, threads())
            );
            room
        }
        _ => configured,
    }
}

fn threads() -> u64 {
    std::thread::available_parallelism().map_or(1, |threads| u64::try_from(threads.get()).unwrap_or(1))
}

/// The connections that fit below a limit: each needs one to the store as well.
fn room(limit: u64, threads: u64) -> usize {
    let rest = limit.saturating_sub(RESERVED + EACH_THREAD * threads);
    // a gate that accepts nobody would be of no use
    usize::try_from(rest / 2).unwrap_or(usize::MAX).max(1)
}

/// The limit that has room for so many connections.
fn needed(connections: usize, threads: u64) -> u64 {
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    connections.saturating_mul(2).saturating_add(RESERVED + EACH_THREAD * threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits() {
        for (limit, threads, expected) in
            [(0, 1, 1), (64, 1, 1), (256, 2, 88), (1024, 2, 472), (1024, 200, 1), (1_048_576, 8, 524_224)]
        {
            assert_eq!(room(limit, threads), expected, "{limit} {threads}");
        }
        for connections in [100, 50_000] {
            assert_eq!(room(needed(connections, 4), 4), connections);
        }
    }
}
