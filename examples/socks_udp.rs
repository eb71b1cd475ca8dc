//! How are UDP datagrams sent through a SOCKS5 proxy? Sends one, and prints the one that comes
//! back.
//!
//!     socks_udp PROXY-URL HOST:PORT TEXT
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use wirestack::associate;
use wirestack::socks::Address;
use wirestack_examples::AnyError;
use wirestack_examples::arguments::Arguments;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[])?;
    let [proxy, target, text] = &arguments.plain[..] else {
        return Err("usage: socks_udp PROXY-URL HOST:PORT TEXT".into());
    };
    let (host, port) = target.rsplit_once(':').ok_or("HOST:PORT has no port")?;
    let target = Address::new(host, port.parse()?)?;
    let mut association = associate(proxy).await?;
    association.send_to(text.as_bytes(), &target).await?;
    let (answer, from) = association.recv().await?;
    println!("{} from {from}", String::from_utf8_lossy(&answer));
    association.close().await?;
    Ok(())
}
