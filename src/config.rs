//! The configuration file: text to model to snapshot.
