//! The network path of a request and how it is proven.
