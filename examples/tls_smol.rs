//! How does one layer work on a socket of another library? TLS on a socket of smol.
//!
//!     tls_smol HOST:PORT [--cacert FILE]...
//!
//! Requests the front page of a web server, and prints the answer and the negotiated TLS
//! parameters.

use clap::Parser;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;
use std::process::ExitCode;
use wirestack::Instant;
use wirestack_layer::{End, Flow, Flows, Layer, Pipe};
use wirestack_tls::{Certificates, Client, ClientSettings, server_name};

/// Gets the front page of a web server by one layer of TLS on a socket of smol.
#[derive(Parser)]
struct Arguments {
    /// The server, as HOST:PORT
    server: String,
    /// A file of authorities to trust beside those of the system
    #[arg(long)]
    cacert: Vec<String>,
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

fn run(Arguments { server, cacert }: &Arguments) -> Result<(), AnyError> {
    let (host, _) = server.rsplit_once(':').ok_or("HOST:PORT has no port")?;
    let certificates = cacert
        .iter()
        .fold(Certificates::new(), |all, file| all.ca_file(file));
    let settings = ClientSettings::new().certificates(&certificates).build()?;
    let mut layer = Client::new(settings, server_name(host)?)?;
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
