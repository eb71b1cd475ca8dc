//! Threads that sleep in the read of a socket.

use super::{pair, within};
use crate::support::TIMEOUT;
use futures_util::future::{Either, select};
use std::future::poll_fn;
use std::io::ErrorKind::ConnectionReset;
use std::io::{Read, Write};
use std::mem;
use std::net::TcpStream;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use wirestack::blocking::{self, block_on};
use wirestack::{Connection, Engine, Identity};

fn plain(io: TcpStream) -> Connection<Identity> {
    block_on(async { Connection::from_transport(io, Engine::new(Identity)).unwrap() })
}

#[test]
fn another_thread_wakes_one_that_waits_for_a_socket_too() {
    within(TIMEOUT, || {
        let (a, _silent) = pair();
        let mut stream = plain(a);
        let (polled, go) = mpsc::channel::<tokio::sync::oneshot::Sender<u32>>();
        let other = thread::spawn(move || {
            for (n, channel) in (0..).zip(go) {
                channel.send(n).unwrap();
            }
        });
        for n in 0..300 {
            let (send, receive) = tokio::sync::oneshot::channel();
            let mut send = Some(send);
            let woken = block_on(async {
                let never = stream.wait_for(has_bytes);
                let receive = async {
                    let mut receive = pin!(receive);
                    poll_fn(|cx| {
                        let received = receive.as_mut().poll(cx);
                        if let Some(send) = send.take() {
                            polled.send(send).unwrap(); // it is waited for now
                        }
                        received
                    })
                    .await
                };
                match select(pin!(never), pin!(receive)).await {
                    Either::Left(_) => panic!("nothing was sent"),
                    Either::Right((received, _)) => received.unwrap(),
                }
            });
            assert_eq!(woken, n);
        }
        drop(polled);
        other.join().unwrap();
    });
}

#[test]
fn bytes_that_came_in_a_sleep_stay_for_the_next_call_and_in_order() {
    within(TIMEOUT, || {
        let (a, mut peer) = pair();
        let mut stream = plain(a);
        let (polled, go) = mpsc::channel();
        let sending = thread::spawn(move || {
            go.recv().unwrap();
            peer.write_all(b"one ").unwrap();
            peer
        });
        let mut has_slept = false;
        block_on(poll_fn(|cx| {
            if mem::replace(&mut has_slept, true) {
                return Poll::Ready(()); // it does not look at the stream again
            }
            assert!(pin!(stream.wait_for(has_bytes)).poll(cx).is_pending());
            polled.send(()).unwrap();
            Poll::Pending
        }));
        let mut peer = sending.join().unwrap();
        peer.write_all(b"two ").unwrap();
        let sending = thread::spawn(move || peer.write_all(&[7; 500_000]).unwrap());
        let mut heard = Vec::new();
        block_on(async { stream.read_to_end(&mut heard).await }).unwrap();
        sending.join().unwrap();
        assert_eq!(&heard[..8], b"one two ");
        assert!(heard.len() == 500_008 && heard[8..].iter().all(|byte| *byte == 7));
    });
}

#[test]
fn an_end_and_a_reset_end_a_read_in_which_a_thread_sleeps() {
    for is_reset in [false, true] {
        within(TIMEOUT, move || {
            let (a, b) = pair();
            let stream = blocking::Connection::from_transport(a, Engine::new(Identity));
            let mut stream = stream.unwrap();
            let (started, go) = mpsc::channel();
            let ending = thread::spawn(move || {
                go.recv().unwrap();
                if is_reset {
                    let b = socket2::SockRef::from(&b);
                    b.set_linger(Some(Duration::ZERO)).unwrap();
                }
            });
            started.send(()).unwrap();
            let read = stream.read(&mut [0]);
            ending.join().unwrap();
            match read {
                Ok(n) => assert!(!is_reset && n == 0),
                Err(error) => assert!(is_reset && error.kind() == ConnectionReset, "{error}"),
            }
        });
    }
}

#[test]
fn a_socket_that_was_made_nonblocking_elsewhere_is_waited_for_without_a_spin() {
    within(TIMEOUT, || {
        let (a, mut peer) = pair();
        let clone = a.try_clone().unwrap();
        let mut stream = plain(a);
        clone.set_nonblocking(true).unwrap();
        let (polled, go) = mpsc::channel();
        let sending = thread::spawn(move || {
            go.recv().unwrap();
            for _ in 0..100_000 {
                thread::yield_now(); // the reader would be called about as often
            }
            peer.write_all(b"x").unwrap();
        });
        let mut polls = 0;
        block_on(async {
            let mut waits = pin!(stream.wait_for(has_bytes));
            poll_fn(|cx| {
                let has_come = waits.as_mut().poll(cx);
                polls += 1;
                let _ = polled.send(());
                has_come
            })
            .await
        })
        .unwrap();
        sending.join().unwrap();
        assert!(polls < 100, "{polls} polls for one byte");
    });
}

fn has_bytes(engine: &mut Engine<Identity>) -> Option<()> {
    (!engine.to_app().is_empty()).then_some(())
}
