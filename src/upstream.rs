//! The request that S3 gets: its head, its signature, its address.
