//! The times of layers that open within one poll: each has its own.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wirestack::dial::Event;
use wirestack::runtime::{AsyncTimer, BoxFuture, Runtime, Transport};
use wirestack::{DialContext, Flow, Instant, Pipe, connect_stream};

/// A clock that goes on by a millisecond whenever somebody looks at it.
#[derive(Clone, Debug, Default)]
struct Ticking(Arc<AtomicU64>);

impl Runtime for Ticking {
    fn now(&self) -> Instant {
        Instant::after_origin(Duration::from_millis(
            self.0.fetch_add(1, Ordering::Relaxed),
        ))
    }

    fn new_timer(&self, _: Instant) -> Pin<Box<dyn AsyncTimer>> {
        unreachable!("nothing is waited for");
    }

    fn spawn(&self, _: BoxFuture<()>) {
        unreachable!("nothing is spawned");
    }

    fn connect_tcp(&self, _: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(async { Ok(Box::new(Prompt::default()) as Box<dyn Transport>) })
    }
}

/// Two proxies that have their answers at once.
#[derive(Default)]
struct Prompt {
    said: usize,
    written: usize,
}

const ANSWERS: [&[u8]; 3] = [
    &[5, 0],
    &[5, 0, 0, 1, 127, 0, 0, 1, 0, 1],
    b"HTTP/1.1 200 OK\r\n\r\n",
];

impl Transport for Prompt {
    fn poll_read(
        &mut self,
        _: &mut Context<'_>,
        to: &mut Pipe,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        if self.said == self.written {
            return Poll::Pending;
        }
        let answer = ANSWERS[self.said];
        self.said += 1;
        to.write(answer);
        Poll::Ready(Ok(answer.len()))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        let written = from.len();
        from.discard();
        self.written += 1;
        Poll::Ready(Ok(written))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn reset(&self) {}

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn layers_that_open_within_one_poll_have_times_of_their_own() {
    let context = DialContext::new().runtime(Arc::new(Ticking::default()));
    let connect = connect_stream("tcp://192.0.2.7:7");
    let connect = connect
        .via("socks5h://127.0.0.1:1")
        .via("http://127.0.0.2:2");
    let dialing = pin!(connect.context(context).traced());
    let opened = dialing.poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok((_, trace))) = opened else {
        panic!("not open within one poll");
    };
    let opened = trace.events().filter_map(|(at, event)| match event {
        Event::LayerOpen { .. } => Some(at),
        _ => None,
    });
    let opened: Vec<_> = opened.collect();
    assert!(
        opened.len() >= 2 && opened.is_sorted_by(|a, b| a < b),
        "{opened:?}"
    );
}
