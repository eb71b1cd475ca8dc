//! Transports that are not sockets.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Duration;
use wirestack::blocking::Connection;
use wirestack::runtime::StdTransport;
use wirestack::{Engine, Identity, socks};

#[test]
fn any_reader_and_writer_can_be_a_transport() {
    let replies = [
        &b"\x05\x00"[..],
        b"\x05\x00\x00\x01\x7f\0\0\x01\0\x07he",
        b"llo",
    ];
    let script = Script {
        replies: replies.map(Vec::from).into(),
        received: Vec::new(),
    };
    let target = socks::Address::new("example.org", 80).unwrap();
    let mut stream = Connection::from_transport(
        StdTransport::new(script),
        Engine::new(socks::Client::new(target)),
    )
    .unwrap();
    stream.open().unwrap();
    let script = stream.get_ref().transport::<Script>().unwrap();
    assert_eq!(
        script.received,
        b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\0\x50"
    );
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    assert!(
        stream.split().is_err(),
        "a reader and writer has one handle"
    );
}

/// A transport with `Read` and `Write` and nothing else, not even time-outs.
struct Script {
    replies: VecDeque<Vec<u8>>,
    received: Vec<u8>,
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let reply = self.replies.pop_front().unwrap_or_default();
        buf[..reply.len()].copy_from_slice(&reply);
        Ok(reply.len())
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.received.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_time_out_ends_a_call_that_is_busy() {
    /// Never blocks and never has bytes, so its connection is polled again and again.
    struct Busy;

    impl Read for Busy {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    impl Write for Busy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let busy = StdTransport::new(Busy);
    let mut stream = Connection::from_transport(busy, Engine::new(Identity)).unwrap();
    stream.set_timeout(Some(Duration::from_millis(20)));
    let late = stream.read(&mut [0]).unwrap_err();
    assert_eq!(late.kind(), io::ErrorKind::TimedOut);
}
