//! The crate `wirestack-tls`.
