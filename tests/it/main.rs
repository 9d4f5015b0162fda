//! The integration tests: one binary, one module a subject.
//! It must not test pure functions; those have tables beside them.
