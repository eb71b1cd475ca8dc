//! The cost of the transport alone: messages of one length, without any framing.

use crate::contestant::{BUFFER, Conn, FIRST_READ, Kind, Peer};
use crate::tls::Io;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The baseline of every ratio.
pub(crate) struct Raw;

impl Peer for Raw {
    const NAME: &'static str = "raw";
    const KIND: Kind = Kind::Baseline;
    fn client<S: Io>(io: S, size: usize) -> impl Conn {
        RawConn::new(io, size)
    }

    fn server<S: Io>(io: S, size: usize) -> impl Conn {
        RawConn::new(io, size)
    }
}

struct RawConn<S> {
    io: S,
    size: usize,
    received: BytesMut,
    at_once: usize,
    unsent: Vec<u8>,
}

impl<S: Io> RawConn<S> {
    fn new(io: S, size: usize) -> Self {
        Self {
            io,
            size,
            received: BytesMut::new(),
            at_once: FIRST_READ.max(size),
            unsent: Vec::new(),
        }
    }

    /// Reads until a message is there.
    async fn fill(&mut self) -> Option<()> {
        while self.received.len() < self.size {
            self.received.reserve(self.at_once - self.received.len());
            if self.io.read_buf(&mut self.received).await.ok()? == 0 {
                return None;
            }
            if self.received.len() >= self.at_once {
                self.at_once = self.at_once.max(BUFFER);
            }
        }
        Some(())
    }

    async fn write_unsent(&mut self) {
        self.io.write_all(&self.unsent).await.expect("written");
        self.unsent.clear();
    }
}

impl<S: Io> Conn for RawConn<S> {
    async fn feed(&mut self, message: Bytes) {
        if message.len() >= BUFFER / 4 {
            self.io.write_all(&message).await.expect("written");
            return;
        }
        if self.unsent.len() + message.len() > BUFFER {
            self.write_unsent().await;
        }
        self.unsent.extend_from_slice(&message);
    }

    async fn flush(&mut self) {
        self.write_unsent().await;
        self.io.flush().await.expect("flushed");
    }

    async fn receive(&mut self) -> usize {
        self.fill().await.expect("a message");
        self.received.advance(self.size);
        self.size
    }

    async fn echo(&mut self) -> bool {
        if self.fill().await.is_none() {
            return false;
        }
        let message = &self.received[..self.size];
        let sent = self.io.write_all(message).await.is_ok() && self.io.flush().await.is_ok();
        self.received.advance(self.size);
        sent
    }
}
