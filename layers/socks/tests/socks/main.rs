//! Both sides of SOCKS, without a socket.

mod bind;
mod datagram;
mod junk;
mod kit;
mod logins;
mod oracle;
mod pitfalls;
mod socks4;
mod transcripts;
mod words;
