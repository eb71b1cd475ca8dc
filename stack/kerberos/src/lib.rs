//! tmp
mod account;
mod client;
mod failure;
mod kerberos;
mod memory;
mod random;
mod reply;
mod request;
mod time;
mod token;
pub use kerberos::{Kerberos, NotKrb5Conf};
