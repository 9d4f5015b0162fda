//! One immutable compiled world: keys, policies, buckets, hosts.
