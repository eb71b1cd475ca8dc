//! The crate `wirestack-examples`.
