//! Client against server in memory, over links that chop, cut and corrupt.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]

mod certificates;
mod ends;
mod environment;
mod faults;
mod files;
mod kit;
mod nesting;
mod records;
mod sessions;
