use crate::TlsError;
use wirestack_layer::FirstBytes;

/// The front of the wire's unread bytes.
pub(crate) enum Front {
    /// A whole record of this length, its header included.
    Record(usize),
    /// Too little: this many bytes are needed to judge.
    Needs(usize),
    /// A record's header with a version or a length that no record has (RFC 8446 §5.1).
    BadHeader,
    /// Bytes of another protocol.
    Junk(TlsError),
}

impl Front {
    /// Judges by as few bytes as possible. The verdict does not depend on how they were cut.
    pub(crate) fn of(unread: &[u8]) -> Self {
        match *unread {
            [kind, ..] if !KINDS.contains(&kind) => match FirstBytes::read(unread, false) {
                Ok(seen) => Self::Junk(TlsError::NotTls(seen)),
                Err(needed) => Self::Needs(needed),
            },
            [kind, major, _, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let empty = length == 0 && kind != APPLICATION_DATA;
                if major != 3 || empty || length >= OVERSIZED {
                    return Self::BadHeader;
                }
                match HEADER + length {
                    whole if whole <= unread.len() => Self::Record(whole),
                    whole => Self::Needs(whole),
                }
            }
            _ => Self::Needs(HEADER),
        }
    }
}

/// The length of a record's header.
pub(crate) const HEADER: usize = 5;

/// The most plaintext that fits into one record (RFC 8446 §5.1).
pub(crate) const PLAINTEXT: usize = 1 << 14;

/// The content type `application_data`.
pub(crate) const APPLICATION_DATA: u8 = 23;

/// The content types from `change_cipher_spec` to `heartbeat`.
const KINDS: std::ops::RangeInclusive<u8> = 20..=24;

/// The first length that is too long. RFC 5246 §6.2.3: "The length MUST NOT exceed 2^14 + 2048." No
/// cipher needs the last byte.
const OVERSIZED: usize = PLAINTEXT + 2048;
