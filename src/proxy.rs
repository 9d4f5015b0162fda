//! The data path: connections, message framing, relaying.
//! It must not decide about a request: `pipeline` does, and every verdict comes from there.
