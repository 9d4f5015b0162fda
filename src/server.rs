//! Assembles listeners, admin endpoint and signals.
