//! WebSocket, client and server, without a socket and on a fake clock.

mod backpressure;
mod closing;
mod control;
mod deflate;
mod frames;
mod handshake;
mod http2;
mod keepalive;
mod kit;
mod messages;
mod pairs;
mod parts;
mod pings;
