//! tmp
mod account;
mod client;
mod exchange;
mod failure;
mod kdcs;
mod kerberos;
mod memory;
mod password_key;
mod random;
mod reply;
mod request;
mod scheme;
mod time;
mod token;
pub use kerberos::{Kerberos, NotKrb5Conf};
