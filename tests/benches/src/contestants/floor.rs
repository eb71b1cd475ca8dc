//! The least that a WebSocket costs: a hand-written data path for binary messages in one frame,
//! without the checks, control frames and owned messages that a library owes its users.

use crate::contestant::{BUFFER, Conn, FIRST_READ, Kind, Peer};
use crate::tls::Io;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The estimate of what a library on tokio could reach.
pub(crate) struct Floor;

impl Peer for Floor {
    const NAME: &'static str = "floor";
    const KIND: Kind = Kind::Baseline;
    fn client<S: Io>(io: S, _: usize) -> impl Conn {
        FloorConn::new(io, true)
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        FloorConn::new(io, false)
    }
}

struct FloorConn<S> {
    io: S,
    masks: bool,
    received: BytesMut,
    at_once: usize,
    /// How much of the payload at the front has been unmasked, in whole keys.
    unmasked: usize,
    unsent: Unsent,
}

impl<S: Io> FloorConn<S> {
    fn new(io: S, masks: bool) -> Self {
        Self {
            io,
            masks,
            received: BytesMut::new(),
            at_once: FIRST_READ,
            unmasked: 0,
            unsent: Unsent::default(),
        }
    }

    /// Reads until a frame is there, at the front of `received`, and unmasks it where it lies:
    /// a large one as it arrives, while it is in the cache.
    async fn frame(&mut self) -> Option<Frame> {
        loop {
            let needed = match Frame::parse(&self.received)? {
                Ok(frame) => {
                    let missing = frame.end().saturating_sub(self.received.len());
                    if let Some(key) = frame.key {
                        let arrived = frame.payload - missing.min(frame.payload);
                        let whole = if missing > 0 { arrived & !3 } else { arrived };
                        let payload = &mut self.received[frame.header..];
                        unmask(&mut payload[self.unmasked..whole], key);
                        self.unmasked = whole;
                    }
                    if missing == 0 {
                        self.unmasked = 0;
                        return Some(frame);
                    }
                    frame.end()
                }
                Err(header) => header,
            };
            let goal = needed.max(self.at_once);
            self.received.reserve(goal - self.received.len());
            let n = self.io.read_buf(&mut self.received).await.ok()?;
            if n == 0 {
                return None;
            }
            if n >= self.at_once {
                self.at_once = BUFFER;
            }
        }
    }

    async fn write_unsent(&mut self) {
        self.io
            .write_all(self.unsent.bytes())
            .await
            .expect("written");
        self.unsent.end = 0;
    }
}

impl<S: Io> Conn for FloorConn<S> {
    async fn feed(&mut self, message: Bytes) {
        if self.unsent.end + message.len() > BUFFER {
            self.write_unsent().await;
        }
        let key = self.masks.then(|| fastrand::u32(..).to_ne_bytes());
        let (header, length) = header(message.len(), key);
        self.unsent.grow(length).copy_from_slice(&header[..length]);
        match key {
            // Piece by piece, each sent while it is in the cache.
            Some(key) => {
                for piece in message.chunks(BUFFER / 4) {
                    if self.unsent.end + piece.len() > BUFFER {
                        self.write_unsent().await;
                    }
                    mask(self.unsent.grow(piece.len()), piece, key);
                }
            }
            // Large and unmasked: not copied.
            None if message.len() > BUFFER / 16 => {
                let mut both = Buf::chain(self.unsent.bytes(), message);
                self.io.write_all_buf(&mut both).await.expect("written");
                self.unsent.end = 0;
            }
            None => self.unsent.grow(message.len()).copy_from_slice(&message),
        }
    }

    async fn flush(&mut self) {
        self.write_unsent().await;
        self.io.flush().await.expect("flushed");
    }

    async fn receive(&mut self) -> usize {
        let frame = self.frame().await.expect("a message");
        self.received.advance(frame.end());
        frame.payload
    }

    /// An unmasked header is shorter than the masked one it replaces, so the answer is written
    /// from where the message lies.
    async fn echo(&mut self) -> bool {
        let Some(frame) = self.frame().await else {
            return false;
        };
        let (header, length) = header(frame.payload, None);
        let start = frame.header - length;
        self.received[start..frame.header].copy_from_slice(&header[..length]);
        let answer = &self.received[start..frame.end()];
        let sent = self.io.write_all(answer).await.is_ok() && self.io.flush().await.is_ok();
        self.received.advance(frame.end());
        sent
    }
}

/// A buffer that keeps its length when it is empty, so that nothing is zeroed twice.
#[derive(Default)]
struct Unsent {
    buffer: Vec<u8>,
    end: usize,
}

impl Unsent {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.end]
    }

    /// Makes room for so many bytes more, for the caller to overwrite.
    fn grow(&mut self, bytes: usize) -> &mut [u8] {
        let start = self.end;
        self.end += bytes;
        if self.buffer.len() < self.end {
            self.buffer.resize(self.end, 0);
        }
        &mut self.buffer[start..self.end]
    }
}

/// A binary frame at the front of a buffer.
struct Frame {
    header: usize,
    payload: usize,
    key: Option<[u8; 4]>,
}

impl Frame {
    /// Parses the header; without enough bytes, `Err` says how many it takes. `None` for a frame
    /// of any other kind.
    fn parse(bytes: &[u8]) -> Option<Result<Self, usize>> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Some(Err(2));
        };
        if first != BINARY {
            return None;
        }
        let masked = second & MASKED != 0;
        let length_bytes = match second & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let header = 2 + length_bytes + if masked { 4 } else { 0 };
        if bytes.len() < header {
            return Some(Err(header));
        }
        let payload = match length_bytes {
            0 => usize::from(second & !MASKED),
            n => rest[..n]
                .iter()
                .fold(0, |sum, b| sum << 8 | usize::from(*b)),
        };
        let key = masked.then(|| rest[length_bytes..].first_chunk().copied());
        Some(Ok(Self {
            header,
            payload,
            key: key.flatten(),
        }))
    }

    /// Returns where it ends.
    fn end(&self) -> usize {
        self.header + self.payload
    }
}

/// Makes the header of a binary frame: the bytes and how many of them count.
fn header(payload: usize, key: Option<[u8; 4]>) -> ([u8; 14], usize) {
    let mut header = [0; 14];
    header[0] = BINARY;
    let mut end = match payload {
        0..126 => {
            header[1] = payload as u8;
            2
        }
        126..65536 => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        }
    };
    if let Some(key) = key {
        header[1] |= MASKED;
        header[end..end + 4].copy_from_slice(&key);
        end += 4;
    }
    (header, end)
}

/// Masks in the pass that copies, eight bytes at a time, which the compiler makes wider.
fn mask(to: &mut [u8], from: &[u8], key: [u8; 4]) {
    let (words, rest) = to.as_chunks_mut::<8>();
    let (from_words, from_rest) = from.as_chunks::<8>();
    for (word, from) in words.iter_mut().zip(from_words) {
        *word = (u64::from_ne_bytes(*from) ^ twice(key)).to_ne_bytes();
    }
    for ((byte, from), key) in rest.iter_mut().zip(from_rest).zip(key.into_iter().cycle()) {
        *byte = from ^ key;
    }
}

/// Unmasks in place.
fn unmask(bytes: &mut [u8], key: [u8; 4]) {
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ twice(key)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

fn twice(key: [u8; 4]) -> u64 {
    u64::from(u32::from_ne_bytes(key)) * 0x1_0000_0001
}

/// FIN and the opcode of a binary message (RFC 6455, section 5.2).
const BINARY: u8 = 0x82;

/// The bit that says that a masking key follows.
const MASKED: u8 = 0x80;
