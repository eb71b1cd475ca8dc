//! The list of all rows.

use crate::compressed;
use crate::http2::{self, Driver};
use crate::memory::{in_pieces, in_tunnels, parse};
use crate::opening::{Proxy, raw, through, upgrades};
use crate::relayed::{self, By};
use crate::sockets::{
    Net, Way, echo, echo_blocking, echo_in_tunnels, echo_on_threads, echo_raw, plain, split, stream,
};
use wirestack::Connection;

/// A kind of work, and how many messages of it are counted.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Its name in the table.
    pub(crate) name: &'static str,
    pub(crate) messages: usize,
    pub(crate) run: fn(usize),
}

impl Row {
    /// All rows, in the order of the table.
    pub(crate) const ALL: &[Self] = &[
        Self::new("echo 16 B, tokio alone", 400, |n| echo_raw(n, 16)),
        Self::new("echo 16 B, TCP", 400, |n| echo(n, 16, Net::Tcp, plain)),
        Self::new("echo 1 KiB, TCP", 400, |n| echo(n, 1024, Net::Tcp, plain)),
        Self::new("echo 16 KiB, TCP", 200, |n| echo(n, 16384, Net::Tcp, plain)),
        Self::new("echo 16 B, split", 400, |n| echo(n, 16, Net::Tcp, split)),
        Self::new("echo 16 B, spawned", 400, |n| {
            echo(n, 16, Net::Tcp, Connection::spawn)
        }),
        Self::new("echo 16 B, threads", 400, |n| echo_on_threads(n, 16)),
        Self::new("echo 16 B, calls that wait", 400, |n| echo_blocking(n, 16)),
        Self::new("echo 125 B, TLS", 200, |n| echo(n, 125, Net::Tls, plain)),
        Self::new("echo 16 KiB, TLS", 100, |n| echo(n, 16384, Net::Tls, plain)),
        Self::new("echo 16 B, 4 finished tunnels", 400, |n| {
            echo_in_tunnels(n, 16, 4)
        }),
        Self::new("125 B to the server, TCP", 4000, |n| {
            stream(n, 125, Net::Tcp, Way::Up, plain)
        }),
        Self::new("125 B to the client, TCP", 4000, |n| {
            stream(n, 125, Net::Tcp, Way::Down, plain)
        }),
        Self::new("125 B to the server, split", 4000, |n| {
            stream(n, 125, Net::Tcp, Way::Up, split)
        }),
        Self::new("125 B to the server, spawned", 4000, |n| {
            stream(n, 125, Net::Tcp, Way::Up, Connection::spawn)
        }),
        Self::new("16 KiB to the server, TCP", 400, |n| {
            stream(n, 16384, Net::Tcp, Way::Up, plain)
        }),
        Self::new("16 KiB to the client, TCP", 400, |n| {
            stream(n, 16384, Net::Tcp, Way::Down, plain)
        }),
        Self::new("1 MiB to the server, TCP", 16, |n| {
            stream(n, 1 << 20, Net::Tcp, Way::Up, plain)
        }),
        Self::new("16 MiB to the server, TCP", 2, |n| {
            stream(n, 16 << 20, Net::Tcp, Way::Up, plain)
        }),
        Self::new("125 B to the server, TLS", 2000, |n| {
            stream(n, 125, Net::Tls, Way::Up, plain)
        }),
        Self::new("125 B to the client, TLS", 2000, |n| {
            stream(n, 125, Net::Tls, Way::Down, plain)
        }),
        Self::new("16 KiB to the server, TLS", 100, |n| {
            stream(n, 16384, Net::Tls, Way::Up, plain)
        }),
        Self::new("16 KiB to the client, TLS", 100, |n| {
            stream(n, 16384, Net::Tls, Way::Down, plain)
        }),
        Self::new("echo 125 B, HTTP/2", 400, |n| {
            http2::echo(n, 125, Driver::Task)
        }),
        Self::new("echo 16 KiB, HTTP/2", 200, |n| {
            http2::echo(n, 16384, Driver::Task)
        }),
        Self::new("125 B to the server, HTTP/2", 4000, |n| {
            http2::stream(n, 125, Way::Up, Driver::Task)
        }),
        Self::new("125 B to the client, HTTP/2", 4000, |n| {
            http2::stream(n, 125, Way::Down, Driver::Task)
        }),
        Self::new("16 KiB to the server, HTTP/2", 400, |n| {
            http2::stream(n, 16384, Way::Up, Driver::Task)
        }),
        Self::new("16 KiB to the client, HTTP/2", 400, |n| {
            http2::stream(n, 16384, Way::Down, Driver::Task)
        }),
        Self::new("echo 125 B, HTTP/2, undriven", 400, |n| {
            http2::echo(n, 125, Driver::None)
        }),
        Self::new("echo 16 KiB, HTTP/2, undriven", 200, |n| {
            http2::echo(n, 16384, Driver::None)
        }),
        Self::new("125 B to the server, HTTP/2, undriven", 4000, |n| {
            http2::stream(n, 125, Way::Up, Driver::None)
        }),
        Self::new("125 B to the client, HTTP/2, undriven", 4000, |n| {
            http2::stream(n, 125, Way::Down, Driver::None)
        }),
        Self::new("16 KiB to the server, HTTP/2, undriven", 400, |n| {
            http2::stream(n, 16384, Way::Up, Driver::None)
        }),
        Self::new("16 KiB to the client, HTTP/2, undriven", 400, |n| {
            http2::stream(n, 16384, Way::Down, Driver::None)
        }),
        Self::new("echo 125 B, HTTP/2, 500 streams, undriven", 500, |n| {
            http2::in_turn(n, 125, 500)
        }),
        Self::new("a stream of HTTP/2 is opened", 400, http2::open_streams),
        Self::new("125 B in memory", 4000, |n| in_tunnels(n, 125, 0)),
        Self::new("125 B in memory, 1 finished tunnel", 4000, |n| {
            in_tunnels(n, 125, 1)
        }),
        Self::new("125 B in memory, 4 finished tunnels", 4000, |n| {
            in_tunnels(n, 125, 4)
        }),
        Self::new("a masked frame of 16 B is parsed", 4000, parse),
        Self::new("4 KiB of a message of 1 MiB", 256, |n| in_pieces(n, false)),
        Self::new("4 KiB of a message of 16 MiB", 4096, |n| {
            in_pieces(n, false)
        }),
        Self::new("a chunk of 4 KiB of a message of 1 MiB", 256, |n| {
            in_pieces(n, true)
        }),
        Self::new("a chunk of 4 KiB of a message of 16 MiB", 4096, |n| {
            in_pieces(n, true)
        }),
        Self::new("a connection is opened, tokio alone", 200, raw),
        Self::new("a connection is opened, SOCKS5", 200, |n| {
            through(n, Proxy::Socks)
        }),
        Self::new("a connection is opened, HTTP CONNECT", 200, |n| {
            through(n, Proxy::Http)
        }),
        Self::new("a connection is opened, upgrade", 200, upgrades),
        Self::new("echo 125 B, relayed by tokio alone", 400, |n| {
            relayed::echo(n, 125, By::Tokio)
        }),
        Self::new("echo 125 B, relayed", 400, |n| {
            relayed::echo(n, 125, By::Wirestack)
        }),
        Self::new("echo 16 KiB of text, deflate level 1", 40, |n| {
            compressed::echo(n, 16384, 1)
        }),
    ];

    const fn new(name: &'static str, messages: usize, run: fn(usize)) -> Self {
        Self {
            name,
            messages,
            run,
        }
    }

    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|row| row.name == name)
    }
}
