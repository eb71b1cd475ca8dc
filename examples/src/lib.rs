//! What the examples share: servers made of this project's layers, and reading the command line.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // programs, not layers

pub mod arguments;
pub mod servers;

/// What an example fails with.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;
