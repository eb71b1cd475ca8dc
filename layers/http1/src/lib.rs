//! The crate `wirestack-http1`.
