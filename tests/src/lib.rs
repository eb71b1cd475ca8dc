//! The crate `wirestack-tests`.
