//! One layer in a foreign stack: HTTP CONNECT on a plain blocking socket of the standard library.
//!
//!     connect_blocking PROXY:PORT HOST:PORT TEXT
//!
//! Prints the line with which the server greets, sends TEXT as a line, and prints the line that comes
//! back. Once the tunnel stands, the layer has nothing more to do, and the socket is used as it is.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use wirestack::Instant;
use wirestack_examples::AnyError;
use wirestack_http1::connect::Client;
use wirestack_layer::{End, Flow, Flows, Layer, Pipe};

fn main() -> Result<(), AnyError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [proxy, target, text] = &words[..] else {
        return Err("say PROXY:PORT HOST:PORT TEXT".into());
    };
    let (host, port) = target.rsplit_once(':').ok_or("HOST:PORT")?;
    let mut io = TcpStream::connect(proxy)?;
    io.set_read_timeout(Some(Duration::from_secs(10)))?;

    let begun = tunnel(&mut io, Client::new(host, port.parse()?)?)?;

    // What came right behind the proxy's answer comes first.
    let mut lines = BufReader::new(begun.chain(&io)).lines();
    println!("{}", lines.next().ok_or("no greeting")??);
    writeln!(&io, "{text}")?;
    println!("{}", lines.next().ok_or("no answer")??);
    Ok(())
}

/// Opens a tunnel, and returns what the server has said in it already.
fn tunnel(io: &mut TcpStream, mut layer: Client) -> Result<std::io::Cursor<Vec<u8>>, AnyError> {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    loop {
        let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
        layer.process(flows, Instant::now());
        io.write_all(to_wire.unread())?;
        to_wire.discard();
        if let Some(End::Aborted(error)) = to_app.closed() {
            return Err(error.clone().into()); // behind a 407 are its headers and its body
        }
        if layer.is_transparent() {
            let begun = to_app.unread().to_vec();
            return Ok(std::io::Cursor::new(begun));
        }
        let mut buf = [0; 4096];
        match io.read(&mut buf)? {
            0 => from_wire.finish(),
            n => from_wire.write(&buf[..n]),
        }
    }
}
