//! The boundaries of frames (RFC 9113 §4.1).

use std::mem;

/// Reads the headers of the frames that the peer sends, and nothing else of them.
///
/// It knows two things that h2 does not show. The first one is whether the SETTINGS of the peer
/// have arrived. The second one is where a field block or a stream ends: if a fault comes in the
/// same read behind it, h2 reports the fault, and the request or the end never. So h2 is fed up to
/// that place, what it has is taken, and it goes on. Then it does not matter how the bytes were cut.
#[derive(Debug)]
pub(crate) struct FrameScanner {
    header: [u8; HEADER],
    /// The number of bytes of the header that are here.
    known: usize,
    /// The number of bytes of the payload that are still to come.
    payload: usize,
    /// The present frame ends a field block or a stream.
    is_last: bool,
    first: FirstFrame,
    /// The number of field blocks that have begun.
    begun: u64,
    is_in_block: bool,
}

/// The first frame of the peer, which "MUST be" SETTINGS (RFC 9113 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstFrame {
    /// Its header is not whole yet.
    Awaited,
    /// It is SETTINGS, and its payload is not whole yet.
    Begun,
    /// It has arrived.
    Whole,
    /// It is no SETTINGS frame, but begins with these bytes.
    Other([u8; HEADER]),
}

impl FrameScanner {
    /// Begins before the preface of a client.
    pub(crate) fn of_client() -> Self {
        Self {
            payload: PREFACE,
            ..Self::of_server()
        }
    }

    /// Begins before the first frame of a server.
    pub(crate) fn of_server() -> Self {
        Self {
            header: [0; HEADER],
            known: 0,
            payload: 0,
            is_last: false,
            first: FirstFrame::Awaited,
            begun: 0,
            is_in_block: false,
        }
    }

    /// Returns `true` once the first SETTINGS frame has been read.
    pub(crate) fn has_settings(&self) -> bool {
        self.first == FirstFrame::Whole
    }

    /// Returns the first bytes of the peer if they begin no SETTINGS frame.
    pub(crate) fn not_settings(&self) -> Option<[u8; HEADER]> {
        match self.first {
            FirstFrame::Other(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the number of bytes up to the end of the first frame's header, until that is read. It
    /// is read whole: h2 judges the length before the type is there, so that its verdict would depend
    /// on how the bytes were cut.
    pub(crate) fn first_header(&self) -> Option<usize> {
        (self.first == FirstFrame::Awaited).then_some(self.payload + HEADER - self.known)
    }

    /// Returns the number of field blocks that have begun, if the last one is not whole yet.
    pub(crate) fn heading(&self) -> Option<u64> {
        self.is_in_block.then_some(self.begun)
    }

    /// Returns `true` if these bytes begin with the header of a large frame.
    pub(crate) fn begins_large(&self, bytes: &[u8]) -> bool {
        let is_between = self.payload == 0 && self.known == 0;
        let len = match *bytes {
            [a, b, c, ..] if is_between && bytes.len() >= HEADER => {
                u32::from_be_bytes([0, a, b, c]) as usize
            }
            _ => 0,
        };
        len >= LARGE
    }

    /// Reads up to the end of a field block or of a stream, or `len` bytes. Returns the number of
    /// bytes that it read.
    pub(crate) fn next<'a>(&mut self, len: usize, chunks: impl Iterator<Item = &'a [u8]>) -> usize {
        let mut read = 0;
        for chunk in chunks {
            let mut rest = &chunk[..chunk.len().min(len - read)];
            while !rest.is_empty() {
                let n = if self.payload > 0 {
                    let n = self.payload.min(rest.len());
                    self.payload -= n;
                    n
                } else {
                    self.read_header(rest)
                };
                rest = &rest[n..];
                read += n;
                if self.payload == 0 && self.known == 0 {
                    if self.first == FirstFrame::Begun {
                        self.first = FirstFrame::Whole;
                    }
                    if mem::take(&mut self.is_last) {
                        self.is_in_block = false;
                        return read;
                    }
                }
            }
        }
        read
    }

    /// Reads the part of a frame header that is here. Returns its length.
    fn read_header(&mut self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(HEADER - self.known);
        self.header[self.known..self.known + n].copy_from_slice(&bytes[..n]);
        self.known += n;
        if self.known == HEADER {
            self.known = 0;
            let [a, b, c, kind, flags, ..] = self.header;
            self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
            if kind == HEADERS {
                self.begun += 1;
                self.is_in_block = true;
            }
            self.is_last = match kind {
                DATA => flags & END_STREAM != 0,
                HEADERS | CONTINUATION => flags & END_HEADERS != 0,
                _ => false,
            };
            if self.first == FirstFrame::Awaited {
                self.first = if kind == SETTINGS && flags & ACK == 0 {
                    FirstFrame::Begun
                } else {
                    FirstFrame::Other(self.header)
                };
            }
        }
        n
    }
}

/// The length of a frame header, in bytes.
pub(crate) const HEADER: usize = 9;

/// The length of the preface of a client, in bytes (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// The length of a large frame, in bytes: h2 begins with memory for 8 KiB.
const LARGE: usize = 8 << 10;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![0, 0, payload as u8, kind, flags, 0, 0, 0, 1];
        frame.resize(HEADER + payload, 7);
        frame
    }

    #[test]
    fn bytes_are_let_through_up_to_the_end_of_each_field_block_and_stream() {
        let frames = [
            vec![b'P'; PREFACE],
            frame(4, 0, 6),
            frame(HEADERS, END_HEADERS, 5),
            frame(0, 0, 100),
            frame(HEADERS, 0, 3),
            frame(CONTINUATION, END_HEADERS, 0),
            frame(0, END_HEADERS, 1),
            frame(0, END_STREAM, 9),
        ];
        let ends = [0..=2, 3..=5, 6..=7].map(|frames_of| {
            let frames = &frames[frames_of];
            frames.iter().map(Vec::len).sum::<usize>()
        });
        let all = frames.concat();
        for size in 1..=all.len() {
            let mut blocks = FrameScanner::of_client();
            let mut stops = Vec::new();
            let mut at = 0;
            for piece in all.chunks(size) {
                let mut piece = piece;
                while !piece.is_empty() {
                    let halves = piece.split_at(piece.len() / 2);
                    let n = blocks.next(piece.len(), [halves.0, halves.1].into_iter());
                    at += n;
                    if n < piece.len() {
                        stops.push(at);
                    }
                    piece = &piece[n..];
                }
            }
            assert_eq!(at, all.len());
            for stop in stops {
                assert!(
                    stop == ends[0] || stop == ends[0] + ends[1],
                    "{stop} by {size}"
                );
            }
            if size == all.len() {
                assert_eq!(blocks.payload + blocks.known, 0);
            }
        }
        let mut blocks = FrameScanner::of_client();
        let whole = |blocks: &mut FrameScanner, at: usize| {
            blocks.next(all.len() - at, [&all[at..]].into_iter())
        };
        assert_eq!(whole(&mut blocks, 0), ends[0]);
        assert_eq!(whole(&mut blocks, ends[0]), ends[1]);
        assert_eq!(whole(&mut blocks, ends[0] + ends[1]), ends[2]);
    }

    #[test]
    fn no_more_bytes_are_read_than_there_is_room_for() {
        let bytes = frame(0, 0, 100);
        let mut scanner = FrameScanner::of_server();
        let pieces = || [&bytes[..5], &bytes[5..]].into_iter();
        assert_eq!(scanner.next(7, pieces()), 7);
        assert_eq!((scanner.known, scanner.payload), (7, 0));
        let mut scanner = FrameScanner::of_server();
        assert_eq!(scanner.next(50, pieces()), 50);
        assert_eq!((scanner.known, scanner.payload), (0, 59));
    }

    #[test]
    fn a_large_frame_is_seen_where_its_whole_header_begins() {
        let header = |len: u32| {
            let mut bytes = len.to_be_bytes()[1..].to_vec();
            bytes.extend([0; 6]);
            bytes
        };
        let seen = |before: &[u8], bytes: &[u8]| {
            let mut scanner = FrameScanner::of_server();
            scanner.next(before.len(), [before].into_iter());
            scanner.begins_large(bytes)
        };
        let large = header(8192);
        let [payload, a_part_of_a_header] = [header(1), vec![0; 4]];
        for (before, bytes, is_large) in [
            (&[][..], &large[..], true),
            (&[], &[&large[..], b"more"].concat(), true),
            (&frame(4, 0, 6), &large, true),
            (&[], &header(8191), false),
            (&[], &large[..8], false),
            (&[], &[], false),
            (&payload, &large, false),
            (&a_part_of_a_header, &large, false),
        ] {
            assert_eq!(seen(before, bytes), is_large, "{before:?} {bytes:?}");
        }
    }
}
