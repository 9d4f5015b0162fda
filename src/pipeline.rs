//! From a request head to a verdict.
