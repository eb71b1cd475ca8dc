//! The payloads of compressed messages (RFC 7692 §7.2), on zlib.

use super::{Deflate, Direction, MAX_BITS};
use crate::WebSocketError;
use bytes::Bytes;
use flate2::{Compress, Compression as Level, Decompress, FlushCompress, FlushDecompress, Status};
use std::sync::{Arc, Mutex, PoisonError};

/// Compresses the messages that one side sends.
#[derive(Debug)]
pub(crate) struct Deflater {
    /// `None` where zlib has no window that small: then nothing is compressed, as each message may
    /// do without (RFC 7692 §6).
    bits: Option<u8>,
    takes_over: bool,
    level: u8,
    threshold: usize,
    /// The present message is compressed.
    active: bool,
    zlib: Option<Compress>,
    pool: Pool,
}

/// Decompresses the messages that one side receives.
#[derive(Debug)]
pub(crate) struct Inflater {
    bits: u8,
    takes_over: bool,
    zlib: Option<Decompress>,
    /// How much of [`TAIL`] was read.
    tail: usize,
    pool: Pool,
}

/// How far [`Inflater::inflate`] came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// How much of the input was read.
    pub(crate) read: usize,
    /// The output is as long as it may be, and there may be more of it.
    pub(crate) full: bool,
}

impl Deflater {
    pub(super) fn new(Direction { bits, takes_over }: Direction, settings: &Deflate) -> Self {
        Self {
            bits: (bits >= ZLIB_MIN_BITS).then_some(bits),
            takes_over,
            level: settings.level.min(9),
            threshold: settings.threshold.max(1),
            active: false,
            zlib: None,
            pool: settings.pool.clone(),
        }
    }

    /// Decides on the next message, of which `len` bytes are known, and whether these are all.
    pub(crate) fn begin(&mut self, len: usize, whole: bool) {
        self.active = self.bits.is_some() && (!whole || len >= self.threshold);
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Compresses the next piece of a message.
    pub(crate) fn deflate(&mut self, piece: &[u8], last: bool) -> Result<Bytes, WebSocketError> {
        let bits = self.bits.unwrap_or(MAX_BITS);
        let level = Level::new(self.level.into());
        let zlib = self.zlib.get_or_insert_with(|| {
            let used = self.pool.0.compressors.take((bits, self.level));
            used.unwrap_or_else(|| Compress::new_with_window_bits(level, false, bits))
        });
        let before = zlib.total_in();
        // It mostly halves, and grows by no more than five bytes in 16 KiB.
        let mut out = Vec::with_capacity((piece.len() / 2).clamp(64, 64 << 10));
        loop {
            let read = (zlib.total_in() - before) as usize;
            zlib.compress_vec(&piece[read..], &mut out, FlushCompress::Sync)
                .or(Err(WebSocketError::Compressor))?;
            let read = (zlib.total_in() - before) as usize;
            if read == piece.len() && out.len() < out.capacity() {
                break;
            }
            out.reserve(out.len().max(64));
        }
        if last {
            match out.strip_suffix(TAIL) {
                // "remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end"
                Some(rest) => out.truncate(rest.len()),
                // Nothing was left to flush: an empty block without compression, less its tail.
                None => out.push(0),
            }
            if !self.takes_over
                && let Some(mut zlib) = self.zlib.take()
            {
                zlib.reset();
                self.pool.0.compressors.keep((bits, self.level), zlib);
            }
        }
        Ok(out.into())
    }
}

impl Inflater {
    pub(super) fn new(Direction { bits, takes_over }: Direction, pool: Pool) -> Self {
        Self {
            // A window that is too large does no harm.
            bits: bits.max(ZLIB_MIN_BITS),
            takes_over,
            zlib: None,
            tail: 0,
            pool,
        }
    }

    /// Decompresses some of a message into `out`, which grows to no more than `max` bytes. `whole`
    /// says that `input` is all that is left of it.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        whole: bool,
        out: &mut Vec<u8>,
        max: usize,
    ) -> Result<Step, WebSocketError> {
        let bits = self.bits;
        let zlib = self.zlib.get_or_insert_with(|| {
            let used = self.pool.0.decompressors.take(bits);
            used.unwrap_or_else(|| Decompress::new_with_window_bits(false, bits))
        });
        let (read, full) = run(zlib, input, out, max)?;
        if full || !whole {
            return Ok(Step { read, full });
        }
        // "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload"
        let (n, full) = run(zlib, &TAIL[self.tail..], out, max)?;
        self.tail += n;
        if full {
            return Ok(Step { read, full });
        }
        self.tail = 0;
        if !self.takes_over
            && let Some(mut zlib) = self.zlib.take()
        {
            zlib.reset(false);
            self.pool.0.decompressors.keep(bits, zlib);
        }
        Ok(Step { read, full })
    }
}

/// Decompresses until the input is read or the output is full; returns how much was read, and
/// whether it is full.
fn run(
    zlib: &mut Decompress,
    input: &[u8],
    out: &mut Vec<u8>,
    max: usize,
) -> Result<(usize, bool), WebSocketError> {
    let mut read = 0;
    loop {
        if out.len() >= max {
            return Ok((read, true));
        }
        if out.len() == out.capacity() {
            let more = out.len().max(input.len() * 2).clamp(256, 1 << 20);
            out.reserve_exact(more.min(max - out.len()));
        }
        let (before, produced) = (zlib.total_in(), out.len());
        let status = zlib.decompress_vec(&input[read..], out, FlushDecompress::None);
        let n = (zlib.total_in() - before) as usize;
        read += n;
        match status.or(Err(WebSocketError::BadCompression))? {
            // A block may say that it is the last (RFC 7692 §7.2.3.4): another may follow.
            Status::StreamEnd => zlib.reset(false),
            _ if read == input.len() && out.len() < out.capacity() => break,
            _ if n == 0 && out.len() == produced => return Err(WebSocketError::BadCompression),
            _ => continue,
        }
        if read == input.len() {
            break;
        }
    }
    Ok((read, false))
}

/// What holds no context between two messages, for whichever connection is next.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Idles>);

#[derive(Debug, Default)]
struct Idles {
    /// By window and level.
    compressors: Idle<(u8, u8), Compress>,
    /// By window.
    decompressors: Idle<u8, Decompress>,
}

#[derive(Debug)]
struct Idle<K, T>(Mutex<Vec<(K, T)>>);

impl<K, T> Default for Idle<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, T> Idle<K, T> {
    fn take(&self, kind: K) -> Option<T> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().position(|(other, _)| *other == kind)?;
        Some(idle.swap_remove(at).1)
    }

    fn keep(&self, kind: K, zlib: T) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push((kind, zlib));
        }
    }
}

/// What a flush ends with, and no message carries.
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];
/// The smallest window of a zlib stream without a header.
const ZLIB_MIN_BITS: u8 = 9;
/// How many of each are kept for later: about as many as there are threads at work.
const MAX_IDLE: usize = 8;
