//! The header of a frame on the wire (RFC 6455 §5.2), parsed and written without state.

use crate::mask::Key;
use crate::{MAX_CONTROL, WebSocketError};
use bytes::BytesMut;

/// The kind of a frame (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    /// RSV1, RSV2 and RSV3 as the bits 4, 2 and 1. Extensions give them a meaning.
    pub(crate) rsv: u8,
    pub(crate) opcode: Opcode,
    pub(crate) len: u64,
    pub(crate) key: Option<Key>,
}

/// The result of [`Header::parse`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The header is not complete: it has at least this many bytes.
    Needs(usize),
    /// A header, and its length.
    Header(Header, usize),
}

/// The frame that most frames are: a message by itself, of less than 64 KiB.
pub(crate) struct Plain {
    pub(crate) text: bool,
    /// The length of the header.
    pub(crate) start: usize,
    /// The length of the frame.
    pub(crate) end: usize,
    /// The key; zeros in a frame without one.
    pub(crate) key: Key,
}

/// The bytes of a header.
pub(crate) struct Emitted {
    bytes: [u8; Header::LONGEST],
    len: usize,
}

impl Opcode {
    pub(crate) fn is_control(self) -> bool {
        self as u8 & 8 != 0
    }

    fn parse(opcode: u8) -> Result<Self, WebSocketError> {
        Ok(match opcode {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return Err(WebSocketError::UnknownOpcode(opcode)),
        })
    }
}

impl Plain {
    /// Parses the header at the front of `bytes`, if it is whole and such a one.
    #[inline]
    pub(crate) fn parse(bytes: &[u8], masked: bool) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let text = match first {
            0x81 => true,
            0x82 => false,
            _ => return None,
        };
        let (len, rest) = match second ^ if masked { 0x80 } else { 0 } {
            len @ ..126 => (usize::from(len), rest),
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*len)), rest)
            }
            _ => return None,
        };
        if len < 126 && second & 0x7f == 126 {
            return None;
        }
        let (key, rest) = if masked {
            rest.split_first_chunk()?
        } else {
            (&[0; 4], rest)
        };
        let start = bytes.len() - rest.len();
        Some(Self {
            text,
            start,
            end: start + len,
            key: *key,
        })
    }
}

impl Header {
    /// The length of the longest header.
    pub(crate) const LONGEST: usize = 14;

    /// The length of the shortest header.
    pub(crate) const SHORTEST: usize = 2;

    /// Parses the header at the front of `bytes`. The peer must mask if `masked`, and must not
    /// otherwise.
    #[inline]
    pub(crate) fn parse(bytes: &[u8], masked: bool) -> Result<Parsed, WebSocketError> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(Parsed::Needs(Self::SHORTEST));
        };
        let opcode = Opcode::parse(first & 0x0f)?;
        let fin = first & 0x80 != 0;
        let short = second & 0x7f;
        let is_masked = second & 0x80 != 0;
        if masked && !is_masked {
            return Err(WebSocketError::Unmasked);
        }
        if is_masked && !masked {
            return Err(WebSocketError::Masked);
        }
        if opcode.is_control() {
            if !fin {
                return Err(WebSocketError::FragmentedControl);
            }
            if usize::from(short) > MAX_CONTROL {
                return Err(WebSocketError::LongControl);
            }
        }
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let needs = Ok(Parsed::Needs(2 + extended + if masked { 4 } else { 0 }));
        let (len, rest) = match short {
            126 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return needs,
            },
            127 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return needs,
            },
            len => (u64::from(len), rest),
        };
        // "the minimal number of bytes MUST be used to encode the length"
        match short {
            126 if len < 126 => return Err(WebSocketError::LongLength(len)),
            127 if len < 1 << 16 => return Err(WebSocketError::LongLength(len)),
            // "the most significant bit MUST be 0"
            127 if len >> 63 != 0 => return Err(WebSocketError::HugeLength),
            _ => {}
        }
        let (key, rest) = if masked {
            match rest.split_first_chunk() {
                Some((key, rest)) => (Some(*key), rest),
                None => return needs,
            }
        } else {
            (None, rest)
        };
        let header = Self {
            fin,
            rsv: first >> 4 & 7,
            opcode,
            len,
            key,
        };
        Ok(Parsed::Header(header, bytes.len() - rest.len()))
    }

    /// Appends the header to `buf`. A copy of a known length is one instruction, not a call.
    #[inline]
    pub(crate) fn append_to(&self, buf: &mut BytesMut) {
        let first = self.first_byte();
        match (self.len, self.key) {
            (len @ ..126, None) => buf.extend_from_slice(&[first, len as u8]),
            (len @ ..126, Some([a, b, c, d])) => {
                buf.extend_from_slice(&[first, 0x80 | len as u8, a, b, c, d]);
            }
            (len @ ..0x1_0000, None) => {
                let [high, low] = (len as u16).to_be_bytes();
                buf.extend_from_slice(&[first, 126, high, low]);
            }
            (len @ ..0x1_0000, Some([a, b, c, d])) => {
                let [high, low] = (len as u16).to_be_bytes();
                buf.extend_from_slice(&[first, 0x80 | 126, high, low, a, b, c, d]);
            }
            _ => buf.extend_from_slice(self.emit().as_bytes()),
        }
    }

    /// Returns the header as bytes.
    pub(crate) fn emit(&self) -> Emitted {
        let mut bytes = [0; Self::LONGEST];
        bytes[0] = self.first_byte();
        let mut len = match self.len {
            len @ 0..=125 => {
                bytes[1] = len as u8;
                2
            }
            len @ 126..=0xffff => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
                4
            }
            len => {
                bytes[1] = 127;
                bytes[2..10].copy_from_slice(&len.to_be_bytes());
                10
            }
        };
        if let Some(key) = self.key {
            bytes[1] |= 0x80;
            bytes[len..len + 4].copy_from_slice(&key);
            len += 4;
        }
        Emitted { bytes, len }
    }

    #[inline]
    fn first_byte(&self) -> u8 {
        u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode as u8
    }
}

impl Emitted {
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The reserved bit that marks a compressed message (RFC 7692 §6).
pub(crate) const RSV1: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_emitted_is_parsed_at_every_boundary_of_the_length() {
        for len in [0, 1, 125, 126, 127, 0xffff, 0x1_0000, u64::MAX >> 1] {
            for key in [None, Some([1, 2, 3, 4])] {
                let header = Header {
                    fin: len % 2 == 0,
                    rsv: 5,
                    opcode: Opcode::Binary,
                    len,
                    key,
                };
                let emitted = header.emit();
                let bytes = emitted.as_bytes();
                let mut appended = BytesMut::from("before");
                header.append_to(&mut appended);
                assert_eq!(appended, [b"before", bytes].concat());
                let parsed = Header::parse(bytes, key.is_some());
                assert_eq!(parsed, Ok(Parsed::Header(header, bytes.len())));
                for cut in 0..bytes.len() {
                    let Ok(Parsed::Needs(n)) = Header::parse(&bytes[..cut], key.is_some()) else {
                        panic!("{len} cut at {cut}");
                    };
                    assert!(cut < n && n <= bytes.len(), "{len} cut at {cut}: {n}");
                }
            }
        }
    }
}
