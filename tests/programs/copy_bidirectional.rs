//! Relays from one address to another by the function of tokio: the peer of `relay_costs.py`.
//!
//!     copy_bidirectional 127.0.0.1:8080 127.0.0.1:80
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use std::io;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: copy_bidirectional LISTEN TARGET"));
    };
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (mut near, _) = listener.accept().await?;
        let target = target.clone();
        tokio::spawn(async move {
            let mut far = TcpStream::connect(target).await?;
            tokio::io::copy_bidirectional(&mut near, &mut far).await
        });
    }
}
