//! Looks at the folders of access keys while the gate runs.
//! It must not be waited for by a request.

use crate::clock::{Clock as _, SystemClock};
use crate::proxy::world::World;
use crate::telemetry::audit::Event;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often the folders are looked at: a key whose file is gone is gone a moment later.
const EVERY: Duration = Duration::from_millis(500);

/// Starts the thread; it ends when the world does.
///
/// # Errors
/// The system has no room for a thread.
pub(super) fn start(world: &Arc<World>) -> std::io::Result<()> {
    let world = Arc::downgrade(world);
    std::thread::Builder::new().name("signers".to_owned()).spawn(move || keep(&world))?;
    Ok(())
}

fn keep(world: &Weak<World>) {
    while let Some(world) = world.upgrade() {
        let running = world.running.load_full();
        for change in running.signers.look(&running.metrics) {
            let event = Event::Credential {
                access_key_id: &change.id,
                principal: change.principal.as_deref(),
                change: change.change,
            };
            world.telemetry.audit.record(SystemClock.now(), &event);
        }
        drop((running, world));
        std::thread::sleep(EVERY);
    }
}
