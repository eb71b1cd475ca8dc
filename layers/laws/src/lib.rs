//! The crate `wirestack-laws`.
