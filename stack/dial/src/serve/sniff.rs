use wirestack_layer::Pipe;

/// Whether a client begins with the preface of HTTP/2 (RFC 9113 §3.4); `None` until that is clear.
pub fn speaks_http2(begun: &mut Pipe) -> Option<bool> {
    let seen = begun.unread();
    let n = seen.len().min(PREFACE.len());
    match seen[..n] == PREFACE[..n] {
        true if n < PREFACE.len() => None,
        same => Some(same),
    }
}

/// No HTTP/1.1 request begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_version() {
        for n in 0..=PREFACE.len() + 5 {
            let text = [PREFACE, b"hello"].concat();
            let mut begun = Pipe::new();
            begun.write(&text[..n]);
            let wanted = (n >= PREFACE.len()).then_some(true);
            assert_eq!(speaks_http2(&mut begun), wanted, "{n} bytes");
        }
        for text in [
            &b"G"[..],
            b"GET / HTTP/1.1\r\n",
            b"PRI * HTTP/1.1\r\n",
            b"\x16\x03",
        ] {
            let mut begun = Pipe::new();
            begun.write(text);
            assert_eq!(speaks_http2(&mut begun), Some(false));
        }
    }
}
