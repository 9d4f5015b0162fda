//! Answers of the gate itself and what it changes on answers of S3.
