//! Keeps what is known about upstreams fresh: looks names up again, probes addresses, fetches credentials.
//! It must not be waited for by a request.

use super::aws;
use crate::clock::{Clock as _, SystemClock};
use crate::proxy::peer::address::now;
use crate::proxy::peer::health;
use crate::proxy::world::World;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_millis(100);
/// Starts the thread; it ends when the world does.
///
/// # Errors
/// The system has no room for a thread.
pub(super) fn start(world: &Arc<World>) -> std::io::Result<()> {
    let world = Arc::downgrade(world);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("keeper".to_owned()).spawn(move || runtime.block_on(keep(world)))?;
    Ok(())
}

async fn keep(world: Weak<World>) {
    while let Some(world) = world.upgrade() {
        let running = world.running.load_full();
        drop(world);
        for peer in &running.peers {
            if peer.endpoints.iter().any(|endpoint| endpoint.is_named()) && peer.lookups.take(now()) {
                let peer = Arc::clone(peer);
                tokio::spawn(async move { peer.resolve().await });
            }
            if let Some(probe) = &peer.spec.health
                && peer.probes.take(now())
            {
                peer.probes.again_in(probe.interval);
                health::probe(peer);
            }
        }
        for keys in running.keys.iter().flatten().filter(|keys| keys.fetches.take(now())) {
            let keys = Arc::clone(keys);
            tokio::spawn(async move {
                let outcome = aws::fetch(&keys.source).await;
                keys.fetched(outcome, SystemClock.now());
            });
        }
        drop(running);
        tokio::time::sleep(TICK).await;
    }
}
