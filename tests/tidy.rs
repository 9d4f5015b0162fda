//! Keeps the shape of the code: import order, file and function sizes, tables and docs in step.
//! It must not test behaviour.
