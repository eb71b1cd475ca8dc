//! How does one layer work without the driver? HTTP CONNECT on a blocking socket of the standard
//! library.
//!
//!     connect_blocking PROXY TARGET TEXT
//!
//! Prints the first line of the server, sends TEXT as a line, and prints the line that the server
//! sends back. Once the tunnel is open, the layer has nothing more to do, and the program uses the
//! socket itself.

use clap::Parser;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;
use wirestack::Instant;
use wirestack_http1::connect::Client;
use wirestack_layer::{End, Flow, Flows, Layer, Pipe};

/// Prints the first line of a server behind a proxy, sends a line, and prints the line that comes back.
#[derive(Parser)]
struct Arguments {
    /// The proxy, as HOST:PORT
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
    let mut io = TcpStream::connect(proxy)?;
    io.set_read_timeout(Some(Duration::from_secs(10)))?;

    let received = open_tunnel(&mut io, Client::new(host, port.parse()?)?)?;

    // Bytes that arrived together with the proxy's answer come first.
    let mut lines = BufReader::new(received.chain(&io)).lines();
    println!("{}", lines.next().ok_or("no greeting")??);
    writeln!(&io, "{text}")?;
    println!("{}", lines.next().ok_or("no answer")??);
    Ok(())
}

/// Opens a tunnel, and returns the bytes that the server has already sent through it.
fn open_tunnel(io: &mut TcpStream, mut layer: Client) -> Result<Cursor<Vec<u8>>, AnyError> {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    loop {
        let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
        layer.process(flows, Instant::now());
        io.write_all(to_wire.unread())?;
        to_wire.discard();
        if let Some(End::Aborted(error)) = to_app.closed() {
            return Err(error.clone().into()); // the cause of a 407 has its headers and its body
        }
        if layer.is_transparent() {
            return Ok(Cursor::new(to_app.unread().to_vec()));
        }
        let mut buf = [0; 4096];
        match io.read(&mut buf)? {
            0 => from_wire.finish(),
            n => from_wire.write(&buf[..n]),
        }
    }
}
