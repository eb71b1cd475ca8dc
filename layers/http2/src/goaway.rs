//! The debug data of GOAWAY frames (RFC 9113 §6.8): what one side tells the operator of the other.

use bytes::{BufMut, Bytes, BytesMut};
use h2::Reason;

/// Returns the debug data of the peer's GOAWAY, without what is no text. At most [`MOST`] bytes of
/// it are kept.
///
/// h2 shows them in no other way than in the text of its error, as `(b"…")`.
pub(crate) fn debug_data(error: &h2::Error) -> String {
    let text = error.to_string();
    let shown = text.split_once(" (b\"");
    let shown = shown.and_then(|(_, rest)| rest.strip_suffix("\")"));
    let mut data = Vec::new();
    let mut bytes = shown.unwrap_or_default().bytes();
    while let Some(byte) = bytes.next().filter(|_| data.len() < MOST) {
        data.push(match (byte, &mut bytes) {
            (b'\\', rest) => unescape(rest),
            (byte, _) => byte,
        });
    }
    String::from_utf8_lossy(&data).into_owned()
}

/// Returns the byte that an escape stands for, behind its backslash.
fn unescape(rest: &mut impl Iterator<Item = u8>) -> u8 {
    match rest.next() {
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'0') => 0,
        Some(b'x') => {
            let mut digit = || rest.next().and_then(|digit| (digit as char).to_digit(16));
            let (high, low) = (digit().unwrap_or(0), digit().unwrap_or(0));
            (high << 4 | low) as u8
        }
        Some(other) => other,
        None => b'\\',
    }
}

/// Returns a GOAWAY frame. `may_be_processed` names any stream of the peer that this side may have
/// seen.
pub(crate) fn frame(may_be_processed: u32, reason: Reason, debug_data: &str) -> Bytes {
    let mut frame = BytesMut::new();
    let length = 8 + debug_data.len();
    frame.put_slice(&(length as u32).to_be_bytes()[1..]);
    frame.put_slice(&[GOAWAY, 0, 0, 0, 0, 0]);
    frame.put_u32(may_be_processed);
    frame.put_u32(reason.into());
    frame.put_slice(debug_data.as_bytes());
    frame.freeze()
}

/// The type of the frame.
const GOAWAY: u8 = 7;
/// The bytes of debug data that are kept. A frame may have 80 KiB of them.
const MOST: usize = 1000;
