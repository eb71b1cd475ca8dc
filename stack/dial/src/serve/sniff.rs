//! The version of HTTP that a client speaks, told from its first bytes.

use wirestack_layer::Pipe;

/// Returns `true` if a client begins with the preface of HTTP/2 (RFC 9113 §3.4), or `None` if more
/// bytes are needed.
pub fn speaks_http2(from_client: &mut Pipe) -> Option<bool> {
    let seen = from_client.unread();
    let n = seen.len().min(CLIENT_PREFACE.len());
    if seen[..n] != CLIENT_PREFACE[..n] {
        return Some(false);
    }
    (n == CLIENT_PREFACE.len()).then_some(true)
}

/// The connection preface of an HTTP/2 client. No HTTP/1.1 request begins with it.
const CLIENT_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_version() {
        for n in 0..=CLIENT_PREFACE.len() + 5 {
            let text = [CLIENT_PREFACE, b"hello"].concat();
            let mut pipe = Pipe::new();
            pipe.write(&text[..n]);
            let wanted = (n >= CLIENT_PREFACE.len()).then_some(true);
            assert_eq!(speaks_http2(&mut pipe), wanted, "{n} bytes");
        }
        for text in [
            &b"G"[..],
            b"GET / HTTP/1.1\r\n",
            b"PRI * HTTP/1.1\r\n",
            b"\x16\x03",
        ] {
            let mut pipe = Pipe::new();
            pipe.write(text);
            assert_eq!(speaks_http2(&mut pipe), Some(false));
        }
    }
}
