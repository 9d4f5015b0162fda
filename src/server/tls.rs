//! The certificates of the listeners: taken from the config, looked at again and again, and told about.
//! It must not judge a file; what reads it does.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::model::{Config, LoadedFile, Tls};
use crate::config::source::SystemSource;
use crate::net::ListenerIndex;
use crate::proxy::certificates::{Certificates, Looked};
use crate::proxy::world::World;
use crate::secret::Secret;

/// The certificates of each listener, in the order of the configuration.
#[must_use]
pub fn certificates(config: &Config) -> Vec<Option<Arc<Certificates>>> {
    let one = |tls: &Tls| {
        let (paths, contents) = (tls.files.map(path), tls.files.map(content));
        Arc::new(Certificates::new(paths, contents, tls.served.clone()))
    };
    config.listeners.iter().map(|listener| listener.tls.as_ref().map(one)).collect()
}

fn path(file: &LoadedFile) -> PathBuf {
    file.path.clone()
}

fn content(file: &LoadedFile) -> Secret {
    file.bytes.clone()
}

/// Reads the certificate files of all listeners again: they are few and small, and compared by content, so that no way
/// to exchange them is missed. What changed and is good serves the next connections; what is not leaves the old ones in
/// force, and is said once. A config that is broken in another place does not matter.
pub fn reload(world: &World) {
    for (index, certificates) in served(world) {
        match certificates.look(&SystemSource) {
            Looked::Same | Looked::Odd => {}
            Looked::Changed => {
                log::info!("the certificates of {} were exchanged", name(world, index));
                tell_expired(world, index, &certificates);
            }
            Looked::Wrong(why) => {
                log::error!("{}: {why}; the certificates that were read before stay", name(world, index));
            }
        }
    }
    count(world);
}

/// Tells about the certificates that a configuration brought.
pub fn tell(world: &World) {
    for (index, certificates) in served(world) {
        tell_expired(world, index, &certificates);
    }
    count(world);
}

fn count(world: &World) {
    let running = world.running.load();
    for (index, tls) in (0..).zip(&running.tls) {
        let not_after = tls.as_ref().map(|certificates| certificates.not_after());
        running.metrics.certificates_expire(ListenerIndex(index), not_after);
    }
}

fn tell_expired(world: &World, index: ListenerIndex, certificates: &Certificates) {
    if certificates.not_after() < world.clock.now().secs() {
        log::warn!("a certificate of {} has expired", name(world, index));
    }
}

fn served(world: &World) -> Vec<(ListenerIndex, Arc<Certificates>)> {
    let running = world.running.load();
    let all = (0..).map(ListenerIndex).zip(&running.tls);
    all.filter_map(|(index, tls)| Some((index, Arc::clone(tls.as_ref()?)))).collect()
}

fn name(world: &World, index: ListenerIndex) -> String {
    world.running.load().snapshot.listener(index).map(|listener| listener.name.clone()).unwrap_or_default()
}
