//! The program as a user types it, against servers in this test.
#![cfg(unix)] // they use signals and sockets of Unix
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

mod config;
mod connect;
mod echo_server;
mod ends;
mod files;
mod forward;
mod limits;
mod manual;
mod memory;
mod options;
mod probe;
mod reverse;
mod routes;
mod serve;
mod support;
