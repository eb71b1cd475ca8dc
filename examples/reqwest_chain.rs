//! How does a program go through a chain of proxies, if its library knows only one? A local proxy
//! makes the chain: here for reqwest, and in the same way for any other program.
//!
//!     reqwest_chain URL HOP...

use std::error::Error;
use wirestack::runtime::{Listener, spawn};
use wirestack::{AccessPolicy, ForwardProxy};

const HELP: &str = "\
usage: reqwest_chain URL HOP...
  gets an http:// or https:// URL through all hops, the nearest first, such as
  reqwest_chain http://example.org/ socks5h://gate.test:1080 http://me:secret@proxy.test:3128";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = match arguments.next() {
        Some(url) if !url.starts_with('-') => url,
        _ => {
            println!("{HELP}");
            return Ok(());
        }
    };

    // The hops decide where the target is, so this proxy permits all. Nobody else can use it: it
    // wants a password that is made for this run.
    let password = random_word()?;
    let mut chain = ForwardProxy::new(AccessPolicy::everything())
        .users([("me", password.as_str())].into_iter().collect())
        .access_log(|record| eprintln!("{record}"));
    for hop in arguments {
        chain = chain.via(hop.as_str());
    }
    let listener = Listener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    spawn(async move { drop(chain.serve(listener).await) })?;

    let proxy = reqwest::Proxy::all(format!("http://{address}"))?.basic_auth("me", &password);
    let client = reqwest::Client::builder().proxy(proxy).build()?;
    let response = client.get(url).send().await?;
    println!("{:?} {}", response.version(), response.status());
    print!("{}", response.text().await?);
    Ok(())
}

fn random_word() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
