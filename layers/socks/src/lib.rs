//! The crate `wirestack-socks`.
