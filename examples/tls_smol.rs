//! How does one layer work on a socket of another library? TLS on a socket of smol.
//!
//!     tls_smol HOST:PORT [--cacert FILE]
//!
//! Requests the front page of a web server, and prints the answer and the negotiated TLS
//! parameters.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;
use wirestack::Instant;
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;
use wirestack_layer::{End, Flow, Flows, Layer, Pipe};
use wirestack_tls::{Client, server_name};

fn main() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[("--cacert", 1)])?;
    let [server] = &arguments.plain[..] else {
        return Err("usage: tls_smol HOST:PORT [--cacert FILE]".into());
    };
    let (host, _) = server.rsplit_once(':').ok_or("HOST:PORT has no port")?;
    let mut layer = Client::new(arguments.client_tls()?, server_name(host)?)?;
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    from_app.write(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes());

    smol::block_on(async {
        let mut io = TcpStream::connect(server).await?;
        loop {
            let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
            layer.process(flows, Instant::now());
            io.write_all(to_wire.unread()).await?;
            to_wire.discard();
            print!("{}", String::from_utf8_lossy(to_app.unread()));
            to_app.discard();
            match to_app.end() {
                Some(End::Finished) => break,
                Some(End::Aborted(error)) => return Err(error.clone().into()),
                None => {}
            }
            let mut buf = [0; 16 * 1024];
            match io.read(&mut buf).await? {
                0 => from_wire.finish(),
                n => from_wire.write(&buf[..n]),
            }
        }
        println!("{}", layer.status().facts);
        Ok(())
    })
}
