//! A wire that is used where it must not be: it panics, or does no harm.

#![allow(clippy::disallowed_methods)] // threads are the subject

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use wirestack_layer::{Error, Flows, Instant, Layer, Parsed, Pipe, Progress, Tunnel, Wire};

const RULE: &str = "a `Wire` was used outside its handshake, at once by two threads, or in a \
    closure that it calls: use it only where the handshake itself runs";

/// The panic of a layer whose handshake has panicked before.
const LOST: &str = "the handshake of a `Tunnel` has panicked, and its state is lost";

/// Polls the handshake of a layer whose peer has sent these bytes.
fn receive(layer: &mut Tunnel, bytes: &[u8]) {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    from_wire.write(bytes);
    let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    layer.process(flows, Instant::ORIGIN);
}

/// Returns the text of the panic of `f`.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else {
        panic!("it did not panic");
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// Polls a future as the executor of somebody else would.
fn poll<R>(future: impl Future<Output = R>) -> Poll<R> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Uses a wire in every way.
fn uses() -> [fn(&Wire); 7] {
    [
        |wire| wire.learn("anything"),
        |wire| wire.state(String::clear),
        |wire| _ = poll(wire.write("anything")),
        |wire| _ = poll(wire.fill(|_| ())),
        |wire| _ = poll(wire.read(1, "a byte")),
        |wire| _ = poll(wire.read_with("nothing", |_| Ok::<_, Error>(Parsed::Complete(0, ())))),
        |wire| _ = poll(wire.decide("anything", |_| Some(()))),
    ]
}

/// Returns a layer that waits for a byte, and its wire.
fn waiting() -> (Tunnel, Arc<Wire>) {
    let mut out = None;
    let layer = Tunnel::new("leaks", |wire: Wire| {
        let wire = Arc::new(wire);
        out = Some(wire.clone());
        async move {
            wire.learn("begun");
            wire.read_array::<1>("a byte").await?;
            wire.learn("read");
            Ok(())
        }
    });
    (layer, out.unwrap())
}

#[test]
fn outside_its_handshake_it_panics_and_the_handshake_goes_on() {
    let (mut layer, wire) = waiting();
    for used in uses() {
        assert_eq!(panic_of(|| used(&wire)), RULE);
    }
    receive(&mut layer, b"");
    assert_eq!(layer.progress(), Progress::Opening("a byte"));
    for used in uses() {
        assert_eq!(panic_of(|| used(&wire)), RULE);
    }
    assert_eq!(layer.state(), "begun");
    receive(&mut layer, b"!");
    assert!(layer.is_open());
    assert_eq!(layer.state(), "read");
    for used in uses() {
        assert_eq!(panic_of(|| used(&wire)), RULE);
    }
    drop(layer);
    for used in uses() {
        assert_eq!(panic_of(|| used(&wire)), RULE);
    }
}

#[test]
fn a_future_of_it_that_somebody_else_polls_panics() {
    let (mut layer, wire) = waiting();
    let mut future = Box::pin(wire.read(1, "a byte"));
    receive(&mut layer, b"");
    assert_eq!(panic_of(|| poll(future.as_mut())), RULE);
    receive(&mut layer, b"!");
    assert!(layer.is_open());
}

#[test]
fn another_thread_panics_between_two_polls() {
    let (mut layer, wire) = waiting();
    receive(&mut layer, b"");
    let there = thread::spawn(move || uses().map(|used| panic_of(|| used(&wire))));
    for panic in there.join().unwrap() {
        assert_eq!(panic, RULE);
    }
    receive(&mut layer, b"!");
    assert!(layer.is_open());
}

#[test]
fn in_a_closure_that_it_calls_it_panics() {
    for used in uses() {
        let layers: [Tunnel; 4] = [
            Tunnel::new("state", async move |wire| {
                wire.state(|_| used(&wire));
                Ok(())
            }),
            Tunnel::new("fill", async move |wire| {
                wire.fill(|_| used(&wire)).await;
                Ok(())
            }),
            Tunnel::new("decide", async move |wire| {
                let decided = |_: &mut String| {
                    used(&wire);
                    Some(())
                };
                wire.decide("anything", decided).await;
                Ok(())
            }),
            Tunnel::new("read", async move |wire| {
                let parse = |_: &[u8]| {
                    used(&wire);
                    Ok::<_, Error>(Parsed::Complete(0, ()))
                };
                wire.read_with("nothing", parse).await
            }),
        ];
        for mut layer in layers {
            let name = layer.name();
            assert_eq!(panic_of(|| receive(&mut layer, b"")), RULE, "{name}");
            assert_eq!(panic_of(|| receive(&mut layer, b"")), LOST, "{name}");
        }
    }
}

#[test]
fn another_thread_panics_while_a_closure_runs() {
    let mut layer = Tunnel::new("threads", async |wire| {
        wire.state(|state| {
            thread::scope(|scope| {
                let wire = &wire;
                for used in uses() {
                    let there = scope.spawn(move || panic_of(|| used(wire)));
                    assert_eq!(there.join().unwrap(), RULE);
                }
            });
            state.push_str("well");
        });
        Ok(())
    });
    receive(&mut layer, b"");
    assert!(layer.is_open());
    assert_eq!(layer.state(), "well");
}

#[test]
fn the_layer_panics_if_another_thread_uses_it_when_the_poll_ends() {
    let (begun, begins) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    let mut layer = Tunnel::new("threads", async move |wire| {
        thread::spawn(move || {
            wire.state(|_| {
                begun.send(()).unwrap();
                ends.recv().unwrap();
            });
        });
        begins.recv().unwrap();
        Ok(())
    });
    assert_eq!(panic_of(|| receive(&mut layer, b"")), RULE);
    end.send(()).unwrap();
}

#[test]
fn another_thread_that_the_handshake_waits_for_does_no_harm() {
    let mut layer = Tunnel::new("threads", async |wire| {
        thread::scope(|scope| _ = scope.spawn(|| wire.learn("there")).join());
        Ok(())
    });
    receive(&mut layer, b"");
    assert!(layer.is_open());
    assert_eq!(layer.state(), "there");
}

#[test]
fn the_wire_of_an_outer_handshake_does_no_harm_in_an_inner_one() {
    let mut layer = Tunnel::new("outer", async |outer| {
        let outer = Arc::new(outer);
        let there = outer.clone();
        let mut inner = Tunnel::new("inner", async move |wire: Wire| {
            there.learn("the outer one");
            wire.learn("the inner one");
            Ok(())
        });
        receive(&mut inner, b"");
        assert_eq!(inner.state(), "the inner one");
        outer.state(|state| assert_eq!(state, "the outer one"));
        Ok(())
    });
    receive(&mut layer, b"");
    assert!(layer.is_open());
}
