//! Tells which proxy the environment of this process names for a URL, and asks it.
//!
//!     environment URL

use wirestack::dial::{Environment, Target};
use wirestack::{connect, connect_stream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("say which URL")?;
    let target: Target = url.parse()?;
    let Some(hop) = Environment::of_this_process().proxy_for(&target)? else {
        println!("direct");
        return Ok(());
    };
    println!("{hop}");
    if target.must_be_websocket().is_ok() {
        connect(&url).await?;
    } else {
        connect_stream(&url).await?;
    }
    Ok(())
}
