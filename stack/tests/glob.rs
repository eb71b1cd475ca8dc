//! A program of its own, because users import everything into the root of their crate, beside
//! `#[tokio::main]` and the names of other crates.
#![allow(clippy::wildcard_imports, unused_imports)]

use wirestack::*;

#[tokio::test]
async fn attributes_of_tokio_find_their_crate() {
    tokio::task::yield_now().await;
    let plain: Engine<Identity> = Engine::new(Identity);
    assert!(plain.is_open());
}

#[test]
fn a_main_function_of_tokio_compiles() {
    #[tokio::main(flavor = "current_thread")]
    async fn main() -> usize {
        let (one, other) = tokio::join!(async { 1 }, async { 2 });
        one + other
    }
    assert_eq!(main(), 3);
}

#[test]
fn other_crates_are_found_too() {
    use futures_util::FutureExt;
    let _: http::Request<bytes::Bytes> = http::Request::default();
    #[cfg(feature = "url")]
    let _: Option<url::Url> = None;
    let _ = smol::block_on(async {}.map(|()| 1));
    let _: Option<hyper_util::rt::TokioExecutor> = None;
    let _ = rcgen::KeyPair::generate();
}
