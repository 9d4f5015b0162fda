//! A file that is closed and opened again.
//! It must not test the machine.
