//! CONNECT and Upgrade, client and server, without a socket.

mod connect_client;
mod connect_server;
mod junk;
mod kit;
mod pair;
mod upgrade;
