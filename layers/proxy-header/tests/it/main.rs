//! Both versions of the PROXY protocol, without a socket.

mod junk;
mod kit;
mod pitfalls;
mod refusals;
mod states;
mod tlvs;
mod transcripts;
