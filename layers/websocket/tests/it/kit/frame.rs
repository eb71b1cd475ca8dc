//! Frames (RFC 6455 §5.2), written and read by a codec of the tests' own.

// The first byte of a frame: FIN, three reserved bits and the opcode.
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const RSV2: u8 = 0x20;
pub(crate) const RSV3: u8 = 0x10;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
/// An opcode that the RFC reserves.
pub(crate) const UNKNOWN: u8 = 0x3;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// The close code of a protocol error (RFC 6455 §7.4.1).
pub(crate) const PROTOCOL_ERROR: u16 = 1002;

/// A frame: its first byte and its payload.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame(pub(crate) u8, pub(crate) Vec<u8>);

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = &self.1[..self.1.len().min(40)];
        write!(f, "{:#x} {:?}", self.0, String::from_utf8_lossy(start))
    }
}

/// A frame with this first byte: `frame(FIN | TEXT, "hello")`.
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Frame {
    Frame(first, payload.as_ref().to_vec())
}

pub(crate) fn close_frame(code: u16, reason: &str) -> Frame {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.as_bytes());
    Frame(FIN | CLOSE, payload)
}

/// One of the two sides of a connection. A client masks its frames, a server does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    pub(crate) fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// Encodes frames as this side sends them.
    pub(crate) fn encode(self, frames: &[Frame]) -> Vec<u8> {
        let masked = self == Self::Client;
        let mut bytes = Vec::new();
        for (nth, Frame(first, payload)) in frames.iter().enumerate() {
            let bit = if masked { 0x80 } else { 0 };
            bytes.push(*first);
            match payload.len() {
                len @ 0..=125 => bytes.push(bit | len as u8),
                len @ 126..=0xffff => {
                    bytes.push(bit | 126);
                    bytes.extend((len as u16).to_be_bytes());
                }
                len => {
                    bytes.push(bit | 127);
                    bytes.extend((len as u64).to_be_bytes());
                }
            }
            if masked {
                let key = [0x37 ^ nth as u8, 0xfa, 0x21, 0x3d];
                bytes.extend(key);
                let pairs = payload.iter().zip(key.iter().cycle());
                bytes.extend(pairs.map(|(byte, key)| byte ^ key));
            } else {
                bytes.extend(payload);
            }
        }
        bytes
    }

    /// Decodes whole frames of this side. They must be masked or not, as its frames are, and their
    /// lengths must be encoded in as few bytes as possible.
    pub(crate) fn decode(self, mut bytes: &[u8]) -> Vec<Frame> {
        let masked = self == Self::Client;
        let mut frames = Vec::new();
        while let [first, second, rest @ ..] = bytes {
            assert_eq!(second & 0x80 != 0, masked, "masked by the wrong side");
            let (size, short) = match second & 0x7f {
                126 => (2, 0),
                127 => (8, 0),
                len => (0, usize::from(len)),
            };
            let (long, rest) = rest.split_at(size);
            let len = long.iter().fold(short, |len, b| len << 8 | usize::from(*b));
            let largest_shorter = match size {
                0 => None,
                2 => Some(125),
                _ => Some(0xffff),
            };
            assert!(Some(len) > largest_shorter, "a length in too many bytes");
            let (key, rest) = rest.split_at(if masked { 4 } else { 0 });
            let (payload, rest) = rest.split_at(len);
            let unmask = |(i, byte): (usize, &u8)| byte ^ key.get(i % 4).unwrap_or(&0);
            frames.push(Frame(
                *first,
                payload.iter().enumerate().map(unmask).collect(),
            ));
            bytes = rest;
        }
        assert!(bytes.is_empty(), "half a frame");
        frames
    }
}

/// The bytes of frames that a client sends.
pub(crate) fn client_bytes(frames: &[Frame]) -> Vec<u8> {
    Role::Client.encode(frames)
}

/// The bytes of frames that a server sends.
pub(crate) fn server_bytes(frames: &[Frame]) -> Vec<u8> {
    Role::Server.encode(frames)
}

/// The frames that a client has sent.
pub(crate) fn client_frames(bytes: &[u8]) -> Vec<Frame> {
    Role::Client.decode(bytes)
}

/// The frames that a server has sent.
pub(crate) fn server_frames(bytes: &[u8]) -> Vec<Frame> {
    Role::Server.decode(bytes)
}
