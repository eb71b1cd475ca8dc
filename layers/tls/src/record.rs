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

#[cfg(test)]
mod tests {
    use super::*;

    /// A handshake record, and the same with one thing changed.
    #[test]
    fn a_header_of_another_version_or_without_content_is_bad() {
        let whole = |bytes: &[u8]| matches!(Front::of(bytes), Front::Record(n) if n == bytes.len());
        let is_bad = |bytes: &[u8]| matches!(Front::of(bytes), Front::BadHeader);
        assert!(whole(&[22, 3, 1, 0, 1, 7]) && whole(&[22, 3, 4, 0, 1, 7]));
        assert!(is_bad(&[22, 2, 1, 0, 1, 7]) && is_bad(&[22, 4, 0, 0, 1, 7]));
        assert!(is_bad(&[22, 3, 1, 0, 0]) && is_bad(&[21, 3, 1, 0, 0]));
        assert!(
            whole(&[APPLICATION_DATA, 3, 3, 0, 0]),
            "RFC 8446 §5.1 allows it"
        );
        assert!(is_bad(&[23, 3, 3, 0x48, 0]) && !is_bad(&[23, 3, 3, 0x47, 0xff]));
        for n in 1..5 {
            assert!(
                matches!(Front::of(&[22, 3, 1, 0, 1][..n]), Front::Needs(HEADER)),
                "{n}"
            );
        }
    }
}
