//! The memory and the thread of a handshake, and the limits of its `Wire`.

use super::{Side, client};
use std::sync::Arc;
use wirestack_layer::{Error, Layer, Tunnel};

#[test]
fn the_memory_of_the_handshake_is_freed_when_it_is_open_or_over() {
    let secret = Arc::new("sesame");
    for answer in ["++", "--"] {
        let kept = secret.clone();
        let layer = Tunnel::new("password", async move |wire| {
            wire.write(*kept).await;
            match wire.read(2, "the answer").await?.as_ref() {
                b"++" => Ok(()),
                _ => Err(Error::peer("password", "refused")),
            }
        });
        let mut side = Side::new(layer);
        side.process();
        assert_eq!(Arc::strong_count(&secret), 2);
        side.receive(answer);
        assert_eq!(Arc::strong_count(&secret), 1);
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // a thread, in a test
fn a_handshake_goes_on_in_another_thread() {
    let mut side = Side::new(client());
    side.receive("+");
    let there = std::thread::spawn(move || {
        side.receive("+");
        side
    });
    let mut side = there.join().unwrap();
    assert_eq!(side.sent(), "sesame\n");
    assert!(side.layer.is_open());
}

#[test]
fn a_handshake_may_drive_another_one() {
    let outer = Tunnel::new("outer", async |wire| {
        let mut inner = Side::new(client());
        inner.process();
        wire.write(inner.sent()).await;
        let answer = wire.read(2, "the answer").await?;
        inner.receive(answer);
        assert!(inner.layer.is_open());
        wire.learn("both");
        Ok(())
    });
    let mut side = Side::new(outer);
    side.receive("++");
    assert_eq!(
        (&*side.sent(), &*side.layer.status().facts.to_string()),
        ("sesame\n", "both")
    );
}
