//! The shared parts of the programs that the checks run: servers made of this project's layers, and the command line.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // programs, not layers

pub mod arguments;
pub mod log;
pub mod servers;

/// The error of a program.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;
