//! The payloads of compressed messages (RFC 7692 §7.2), made and read by zlib.

use super::pool::Idle;
use super::settings::{Compression, Deflate, MAX_BITS};
use crate::WebSocketError;
use bytes::Bytes;
use flate2::{Compress, Compression as Level, Decompress, FlushCompress, FlushDecompress, Status};
use std::sync::Arc;

/// Compresses the messages that one side sends.
#[derive(Debug)]
pub(crate) struct Deflater {
    /// `None` if the window is too small for zlib. Then no message is compressed: compression is
    /// optional for each message (RFC 7692 §6).
    bits: Option<u8>,
    takes_over: bool,
    level: u8,
    threshold: usize,
    /// `true` if the present message is compressed.
    active: bool,
    zlib: Option<Compress>,
    idle: Arc<Idle<(u8, u8), Compress>>,
}

/// Decompresses the messages that one side receives.
#[derive(Debug)]
pub(crate) struct Inflater {
    takes_over: bool,
    zlib: Option<Decompress>,
    /// The number of bytes of the present message that came.
    came: usize,
    /// The number of bytes that the present message has brought.
    brought: usize,
    /// The bytes behind the last block of this message that was marked as final, if one was.
    behind_final: Option<Behind>,
    idle: Arc<Idle<(), Decompress>>,
}

/// The bytes of a message behind a block that was marked as final.
#[derive(Debug, Default)]
struct Behind {
    /// The number of compressed bytes.
    read: usize,
    /// The end of what they decompress to, as much as a window has.
    output: Vec<u8>,
}

/// The result of [`Inflater::inflate`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The number of bytes of the input that were read.
    pub(crate) read: usize,
    /// `true` if the output has its greatest length, and more may follow.
    pub(crate) full: bool,
}

/// One direction of a [`Compression`].
#[derive(Clone, Copy, Debug)]
struct Direction {
    bits: u8,
    takes_over: bool,
}

impl Compression {
    /// Creates the compressor and the decompressor of a client or of a server.
    pub(crate) fn codec(&self, is_client: bool, settings: &Deflate) -> (Deflater, Inflater) {
        let client = Direction {
            bits: self.client_max_window_bits,
            takes_over: !self.client_no_context_takeover,
        };
        let server = Direction {
            bits: self.server_max_window_bits,
            takes_over: !self.server_no_context_takeover,
        };
        let (sends, receives) = if is_client {
            (client, server)
        } else {
            (server, client)
        };
        let inflater = Inflater::new(receives, settings);
        (Deflater::new(sends, settings), inflater)
    }
}

impl Deflater {
    fn new(Direction { bits, takes_over }: Direction, settings: &Deflate) -> Self {
        Self {
            bits: (bits >= ZLIB_MIN_BITS).then_some(bits),
            takes_over,
            level: settings.level.min(9),
            threshold: settings.threshold.max(1),
            active: false,
            zlib: None,
            idle: Arc::clone(&settings.pool.compressors),
        }
    }

    /// Decides if the next message is compressed. `len` bytes of it are known; they are all if
    /// `whole`.
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
            let used = self.idle.take((bits, self.level));
            used.unwrap_or_else(|| Compress::new_with_window_bits(level, false, bits))
        });
        let before = zlib.total_in();
        // Most data shrink by half, and none grow by more than five bytes in 16 KiB.
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
                // Nothing was left to flush. This is an empty stored block without its tail.
                None => out.push(0),
            }
            if !self.takes_over
                && let Some(mut zlib) = self.zlib.take()
            {
                zlib.reset();
                self.idle.keep((bits, self.level), zlib);
            }
        }
        Ok(out.into())
    }
}

impl Inflater {
    fn new(Direction { takes_over, .. }: Direction, settings: &Deflate) -> Self {
        Self {
            takes_over,
            zlib: None,
            came: 0,
            brought: 0,
            behind_final: None,
            idle: Arc::clone(&settings.pool.decompressors),
        }
    }

    /// Decompresses a piece of a message into `out`, which grows to no more than `max` bytes.
    /// `whole` tells that the message ends with `input`.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        whole: bool,
        out: &mut Vec<u8>,
        max: usize,
    ) -> Result<Step, WebSocketError> {
        if whole && input.is_empty() && self.came == 0 {
            // Not even the 0x00 of an empty message (RFC 7692 §7.2.3.6): some senders flush, and
            // have nothing to flush. The tail alone would be half a block.
            return Ok(Step {
                read: 0,
                full: false,
            });
        }
        self.came += input.len();
        // A larger window than the peer's does no harm. One of another size would be freed and made
        // anew at each reset, which a peer can ask for with two bytes.
        let zlib = self.zlib.get_or_insert_with(|| {
            let used = self.idle.take(());
            used.unwrap_or_else(|| Decompress::new(false))
        });
        let (behind, before) = (&mut self.behind_final, out.len());
        let (read, full) = run(zlib, behind, input, out, max)?;
        self.brought += out.len() - before;
        if full || !whole {
            return Ok(Step { read, full });
        }
        // A sender has to put 0x00 behind a final block (RFC 7692 §7.2.3.4). Some do not: then the
        // message is whole, and the tail would be taken for the start of the next one.
        if behind.as_ref().is_none_or(|behind| behind.read > 0) {
            // "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload"
            let (was_behind, produced) = (behind.is_some(), out.len());
            let end = if self.brought == 0 || self.came >= LONG {
                END
            } else {
                &END[..SHORT_END]
            };
            let ended = run(zlib, behind, end, out, max);
            // A block that is cut takes the end for its own. What it makes of that is nothing that
            // the peer has sent.
            let grew = out.len() > produced;
            out.truncate(produced);
            ended?;
            if grew || (behind.is_some() && !was_behind) {
                return Err(WebSocketError::BadCompression);
            }
        }
        (self.came, self.brought) = (0, 0);
        if let Some(behind) = behind.take() {
            end_behind_final(zlib, &behind.output)?;
        }
        if !self.takes_over
            && let Some(mut zlib) = self.zlib.take()
        {
            end_with_final(&mut zlib)?;
            self.idle.keep((), zlib);
        }
        Ok(Step { read, full })
    }
}

/// Ends a message that goes on behind a final block. Refuses it if its last block is not whole: the
/// rest would be taken from the next message.
///
/// `output` is what the window has to hold.
fn end_behind_final(zlib: &mut Decompress, output: &[u8]) -> Result<(), WebSocketError> {
    end_with_final(zlib)?;
    if !output.is_empty() {
        let window = zlib.set_dictionary(output);
        window.or(Err(WebSocketError::BadCompression))?;
    }
    Ok(())
}

/// Puts a final block behind a message, and begins anew. Fails if the last block of the message is
/// not whole.
fn end_with_final(zlib: &mut Decompress) -> Result<(), WebSocketError> {
    let mut nothing = Vec::with_capacity(1);
    let status = zlib.decompress_vec(FINAL, &mut nothing, FlushDecompress::None);
    if !matches!(status, Ok(Status::StreamEnd)) || !nothing.is_empty() {
        return Err(WebSocketError::BadCompression);
    }
    zlib.reset(false);
    Ok(())
}

impl Behind {
    fn add(&mut self, read: usize, output: &[u8]) {
        self.read += read;
        let kept = output.len().saturating_sub(WINDOW);
        self.output.extend_from_slice(&output[kept..]);
        self.output
            .drain(..self.output.len().saturating_sub(WINDOW));
    }
}

/// Decompresses until the input is read or the output is full. Returns the number of bytes read,
/// and `true` if the output is full.
fn run(
    zlib: &mut Decompress,
    behind_final: &mut Option<Behind>,
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
        if let Some(behind) = behind_final {
            behind.add(n, &out[produced..]);
        }
        match status {
            // Another block may follow one that is marked as final (RFC 7692 §7.2.3.4). No sender
            // refers to what was before it.
            Ok(Status::StreamEnd) => {
                zlib.reset(false);
                *behind_final = Some(Behind::default());
                if read == input.len() && out.len() < max {
                    return Ok((read, false));
                }
            }
            // The output that is full comes first: what stands behind it may not have come yet. The
            // fault is found again.
            Err(_) if out.len() < max => return Err(WebSocketError::BadCompression),
            Ok(_) if read == input.len() && out.len() < out.capacity() => return Ok((read, false)),
            Ok(_) if n == 0 && out.len() == produced => return Err(WebSocketError::BadCompression),
            _ => {}
        }
    }
}

/// The end of a flush, which messages do not carry.
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];
/// The tail, and empty blocks behind it, of which nothing comes if the message is whole. They are as
/// long as the codes of a block can be, so that a block which is cut there is noticed.
const END: &[u8] = &{
    let mut end = [0; TAIL.len() + 5 * 64];
    let mut at = 2;
    while at < end.len() {
        (end[at], end[at + 1]) = (0xff, 0xff);
        at += 5;
    }
    end
};
/// The tail and one empty block: for a short message that brought something, so that its block is
/// most likely not cut in its codes.
const SHORT_END: usize = TAIL.len() + 5;
/// The bytes of a message for which the whole end takes no time to speak of.
const LONG: usize = 1024;
/// An empty block that is marked as final.
const FINAL: &[u8] = &[1, 0, 0, 0xff, 0xff];
/// The longest window, in bytes.
const WINDOW: usize = 1 << 15;
/// The smallest window of a zlib stream without a header.
const ZLIB_MIN_BITS: u8 = 9;
