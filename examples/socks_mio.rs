//! How does one layer work without a runtime? SOCKS5 on mio, without the rest of this project.
//!
//!     socks_mio PROXY TARGET TEXT
//!
//! Prints the first line of the server, sends TEXT as a line, and prints the line that the server
//! sends back.

use clap::Parser;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::process::ExitCode;
use wirestack::Instant;
use wirestack_layer::{Flow, Flows, Layer, Pipe};
use wirestack_socks::{Address, Client};

/// Prints the first line of a server behind a proxy, sends a line, and prints the line that comes back.
#[derive(Parser)]
struct Arguments {
    /// The proxy, as ADDRESS:PORT
    proxy: String,
    /// The server, as HOST:PORT
    target: String,
    /// The line to send
    text: String,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), AnyError> {
    let Arguments {
        proxy,
        target,
        text,
    } = arguments;
    let (host, port) = target.rsplit_once(':').ok_or("HOST:PORT has no port")?;
    let mut layer = Client::new(Address::new(host, port.parse()?)?);
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    from_app.write(format!("{text}\n").as_bytes()); // it leaves once the tunnel is open

    let mut io = TcpStream::connect(proxy.parse()?)?;
    let mut poll = Poll::new()?;
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut io, Token(0), both)?;
    let (mut events, mut lines) = (Events::with_capacity(8), 0);
    while lines < 2 {
        poll.poll(
            &mut events,
            layer
                .deadline()
                .map(|due| due.saturating_duration_since(Instant::now())),
        )?;
        // mio reports edges, not levels: the loop must go on until the socket would block.
        loop {
            let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
            layer.process(flows, Instant::now());
            let before = from_wire.revision() + to_wire.revision();
            send(&mut io, &mut to_wire)?;
            receive(&mut io, &mut from_wire)?;
            if from_wire.revision() + to_wire.revision() == before {
                break;
            }
        }
        while let Some(end) = to_app.unread().iter().position(|byte| *byte == b'\n') {
            print!("{}", String::from_utf8_lossy(&to_app.take(end + 1)));
            lines += 1;
        }
        match to_app.end() {
            Some(wirestack_layer::End::Aborted(error)) => return Err(error.clone().into()),
            Some(wirestack_layer::End::Finished) => break,
            None => {}
        }
    }
    Ok(())
}

fn send(io: &mut TcpStream, to_wire: &mut Pipe) -> io::Result<()> {
    while !to_wire.is_empty() {
        match io.write(to_wire.first()) {
            Ok(n) => to_wire.consume(n),
            Err(error) if would_block(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn receive(io: &mut TcpStream, from_wire: &mut Pipe) -> io::Result<()> {
    let mut buf = [0; 4096];
    while from_wire.room() > 0 && !from_wire.is_closed() {
        match io.read(&mut buf) {
            Ok(0) => from_wire.finish(),
            Ok(n) => from_wire.write(&buf[..n]),
            Err(error) if would_block(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns `true` if the socket is not ready, or is not connected yet.
fn would_block(error: &io::Error) -> bool {
    use io::ErrorKind::{NotConnected, WouldBlock};
    matches!(error.kind(), WouldBlock | NotConnected)
}
