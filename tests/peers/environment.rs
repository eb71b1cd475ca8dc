//! Tells which proxy the environment of this process names for a URL.
//!
//!     environment URL

use wirestack::dial::Environment;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("say which URL")?;
    match Environment::of_this_process().proxy_for(&url.parse()?)? {
        Some(hop) => println!("{hop}"),
        None => println!("direct"),
    }
    Ok(())
}
