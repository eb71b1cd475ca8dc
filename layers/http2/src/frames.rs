//! The boundaries of frames (RFC 9113 §4.1).

/// Finds the ends of field blocks in the bytes that a client sends.
///
/// If a fault comes in the same read as a request before it, h2 reports the fault first and the
/// request never. So a server feeds h2 up to the end of a field block, takes the request, and goes
/// on. Then it does not matter how the bytes were cut.
#[derive(Debug)]
pub(crate) struct FieldBlocks {
    header: [u8; HEADER],
    /// The number of bytes of the header that are here.
    known: usize,
    /// The number of bytes of the payload that are still to come.
    payload: usize,
    ends_block: bool,
    /// The first frame is the SETTINGS of the client: `None` until its header is here.
    begins_with_settings: Option<bool>,
    /// `true` once the first frame is whole.
    has_frame: bool,
    /// The number of field blocks that have begun.
    begun: u64,
    is_in_block: bool,
}

impl FieldBlocks {
    /// Begins before the preface of the client.
    pub(crate) fn of_client() -> Self {
        Self {
            header: [0; HEADER],
            known: 0,
            payload: PREFACE,
            ends_block: false,
            begins_with_settings: None,
            has_frame: false,
            begun: 0,
            is_in_block: false,
        }
    }

    /// Returns `true` once the SETTINGS of the client have been read: "This sequence MUST be followed
    /// by a SETTINGS frame" (RFC 9113 §3.4).
    pub(crate) fn has_settings(&self) -> bool {
        self.has_frame && self.begins_with_settings == Some(true)
    }

    /// Returns the number of field blocks that have begun, if the last one is not whole yet.
    pub(crate) fn heading(&self) -> Option<u64> {
        self.is_in_block.then_some(self.begun)
    }

    /// Reads up to the end of a field block, or `len` bytes. Returns the number of bytes that it
    /// read.
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
                let is_whole = self.payload == 0 && self.known == 0;
                self.has_frame |= is_whole && self.begins_with_settings.is_some();
                if is_whole && std::mem::take(&mut self.ends_block) {
                    self.is_in_block = false;
                    return read;
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
            self.begins_with_settings.get_or_insert(kind == SETTINGS);
            if kind == HEADERS {
                self.begun += 1;
                self.is_in_block = true;
            }
            self.ends_block = matches!(kind, HEADERS | CONTINUATION) && flags & END_HEADERS != 0;
        }
        n
    }
}

/// The length of a frame header, in bytes.
const HEADER: usize = 9;

/// The length of the preface of a client, in bytes (RFC 9113 §3.4).
const PREFACE: usize = 24;

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![0, 0, payload as u8, kind, flags, 0, 0, 0, 1];
        frame.resize(HEADER + payload, 7);
        frame
    }

    #[test]
    fn bytes_are_let_through_up_to_the_end_of_each_field_block() {
        let frames = [
            vec![b'P'; PREFACE],
            frame(4, 0, 6),
            frame(HEADERS, END_HEADERS, 5),
            frame(0, 0, 100),
            frame(HEADERS, 0, 3),
            frame(CONTINUATION, END_HEADERS, 0),
            frame(0, END_HEADERS, 1),
        ];
        let ends = [0..=2, 3..=5, 6..=6].map(|frames_of| {
            let frames = &frames[frames_of];
            frames.iter().map(Vec::len).sum::<usize>()
        });
        let all = frames.concat();
        for size in 1..=all.len() {
            let mut blocks = FieldBlocks::of_client();
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
        let mut blocks = FieldBlocks::of_client();
        let whole = |blocks: &mut FieldBlocks, at: usize| {
            blocks.next(all.len() - at, [&all[at..]].into_iter())
        };
        assert_eq!(whole(&mut blocks, 0), ends[0]);
        assert_eq!(whole(&mut blocks, ends[0]), ends[1]);
        assert_eq!(whole(&mut blocks, ends[0] + ends[1]), ends[2]);
    }
}
