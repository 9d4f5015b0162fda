//! The scripts against the machine.
//! It must not test a gate.
