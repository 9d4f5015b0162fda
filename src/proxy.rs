//! The data path: connections, message framing, relaying.
