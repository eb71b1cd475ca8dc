//! Tasks in `block_on`: wakes, nested calls, and sockets that are dropped.

use super::{pair, within};
use crate::support::TIMEOUT;
use std::io::{Read, Write};
use std::thread;
use wirestack::websocket::{Client, WebSocketConfig};
use wirestack::{Engine, Identity, Seed};

#[test]
fn a_task_that_was_not_woken_still_waits() {
    within(TIMEOUT, wait_for_many);
}

fn wait_for_many() {
    use futures_util::stream::FuturesUnordered;
    use futures_util::{FutureExt, StreamExt};
    // A set polls only the woken tasks, so the interests of the others must be kept.
    let (sockets, mut peers): (Vec<_>, Vec<_>) = (0..10).map(|_| pair()).unzip();
    let heard = wirestack::blocking::block_on(async {
        let mut tasks: FuturesUnordered<_> = sockets
            .into_iter()
            .enumerate()
            .map(|(n, io)| async move {
                let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
                let engine = Engine::new(client);
                let mut socket = wirestack::Connection::from_transport(io, engine).unwrap();
                socket.next().await.unwrap().unwrap();
                n
            })
            .collect();
        let mut heard = Vec::new();
        // In reverse order, so that each answer wakes one task and leaves the others asleep.
        for peer in peers.iter_mut().rev() {
            assert!(tasks.next().now_or_never().is_none());
            peer.write_all(b"\x82\x01x").unwrap();
            heard.push(tasks.next().await.unwrap());
        }
        heard
    });
    assert_eq!(heard, (0..10).rev().collect::<Vec<_>>());
}

#[test]
fn a_nested_block_on_takes_no_wake_of_the_outer_one() {
    use wirestack::blocking::block_on;
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let (a, mut b) = pair();
    let outer = async {
        let inner = async {
            // It blocks this thread while the other thread wakes the outer one.
            block_on(async {
                let engine = Engine::new(Identity);
                let mut stream = wirestack::Connection::from_transport(a, engine).unwrap();
                stream
                    .wait_for(|engine| (!engine.to_app().is_empty()).then_some(()))
                    .await
                    .unwrap();
            });
            futures_util::future::pending::<()>().await;
        };
        futures_util::future::select(receive, Box::pin(inner)).await;
    };
    let other = thread::spawn(move || {
        send.send(()).unwrap();
        b.write_all(b"go on").unwrap();
        b
    });
    within(TIMEOUT, move || block_on(outer));
    drop(other.join().unwrap());
}

#[test]
fn a_dropped_socket_is_closed_although_a_call_waited_for_it() {
    use futures_util::FutureExt;
    let (a, mut b) = pair();
    b.set_read_timeout(Some(TIMEOUT)).unwrap();
    wirestack::blocking::block_on(async {
        let mut stream = wirestack::Connection::from_transport(a, Engine::new(Identity)).unwrap();
        assert!(stream.wait_for(|_| None::<()>).now_or_never().is_none());
        drop(stream);
        // Still inside of `block_on`, which holds the interest in the socket.
        assert_eq!(b.read(&mut [0]).unwrap(), 0);
    });
}
