//! The body of a refusal, read by its framing (RFC 9112 §6.3).

use crate::head::ResponseHead;
use crate::limits::Limits;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{StatusCode, Version};
use wirestack_layer::{Flow, Pipe};

/// Reads a body and keeps its start.
///
/// An error in the framing ends the body there, as the rest cannot be told from the next message.
pub(crate) struct Body {
    framing: Framing,
    excerpt: BytesMut,
    keep: usize,
    /// The number of bytes that may still be read, framing included.
    budget: usize,
    /// `true` to read up to the end even if enough is kept, as another message follows.
    whole: bool,
}

pub(crate) enum Framing {
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Complete,
    Broken,
}

impl Body {
    /// Creates the reader of a response's body. With `whole`, it reads beyond the excerpt, up to
    /// the end.
    pub(crate) fn new(framing: Framing, whole: bool, limits: &Limits) -> Self {
        Self {
            framing,
            excerpt: BytesMut::new(),
            keep: limits.excerpt,
            budget: limits.body,
            whole,
        }
    }

    /// Reads the bytes that are there. Returns `true` once nothing more will be read.
    pub(crate) fn read(&mut self, from: &mut Pipe) -> bool {
        while !self.is_over() && !from.is_empty() {
            let first = from.first();
            let n = self.take(first.get(..self.budget).unwrap_or(first));
            self.budget -= n;
            from.consume(n);
        }
        self.is_over() || from.is_closed()
    }

    /// Returns `true` if the body was read up to the end that its framing gives.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.framing, Framing::Complete)
    }

    /// Returns the start of the body.
    pub(crate) fn into_excerpt(self) -> Bytes {
        self.excerpt.freeze()
    }

    fn is_over(&self) -> bool {
        let enough = !self.whole && self.excerpt.len() == self.keep;
        let ended = matches!(self.framing, Framing::Complete | Framing::Broken);
        ended || enough || self.budget == 0
    }

    /// Takes the next piece, at least one byte of it.
    fn take(&mut self, bytes: &[u8]) -> usize {
        match &mut self.framing {
            Framing::Length(left) | Framing::Chunked(Chunked::Data { left }) => {
                let n = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= n as u64;
                if *left == 0 {
                    self.framing = match self.framing {
                        Framing::Length(_) => Framing::Complete,
                        _ => Framing::Chunked(Chunked::DataEnd { cr: false }),
                    };
                }
                self.keep(bytes, n);
                n
            }
            Framing::UntilClose => {
                self.keep(bytes, bytes.len());
                bytes.len()
            }
            Framing::Chunked(chunked) => {
                self.framing = bytes
                    .first()
                    .map_or(Framing::Broken, |&byte| chunked.next(byte));
                1
            }
            Framing::Complete | Framing::Broken => bytes.len(),
        }
    }

    fn keep(&mut self, bytes: &[u8], n: usize) {
        let n = n.min(self.keep - self.excerpt.len());
        self.excerpt
            .extend_from_slice(bytes.get(..n).unwrap_or_default());
    }
}

impl Framing {
    /// The framing before the first chunk.
    pub(crate) const CHUNKED: Self = Self::Chunked(Chunked::Size { size: 0, digits: 0 });

    /// Returns the framing of the body of a response to any request but a HEAD.
    pub(crate) fn of(head: &ResponseHead) -> Self {
        let headers = &head.headers;
        if matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            return Self::Complete;
        }
        Self::of_fields(head.version, headers)
    }

    /// Returns the framing that the fields of a message give it.
    pub(crate) fn of_fields(version: Version, headers: &HeaderMap) -> Self {
        if headers.contains_key(TRANSFER_ENCODING) {
            // "If a message is received with both a Transfer-Encoding and a Content-Length header
            // field [...] such a message might indicate an attempt to perform request smuggling";
            // HTTP/1.0 has no transfer codings (RFC 9112 §6.1, §6.3).
            let clear = version == Version::HTTP_11 && !headers.contains_key(CONTENT_LENGTH);
            return if !is_chunked(headers) {
                Self::UntilClose
            } else if clear {
                Self::CHUNKED
            } else {
                Self::Broken
            };
        }
        match length(headers) {
            None => Self::UntilClose,
            Some(Ok(0)) => Self::Complete,
            Some(Ok(length)) => Self::Length(length),
            Some(Err(_)) => Self::Broken,
        }
    }
}

/// Returns `true` if `chunked` is the only coding. No other one is understood.
fn is_chunked(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(TRANSFER_ENCODING).iter();
    let first = fields.next().map(|value| value.as_bytes());
    first.is_some_and(|first| first.trim_ascii().eq_ignore_ascii_case(b"chunked"))
        && fields.next().is_none()
}

/// Returns the length, if there is one; an error if it is no number, or not always the same.
fn length(headers: &HeaderMap) -> Option<Result<u64, ()>> {
    let fields = headers.get_all(CONTENT_LENGTH).iter();
    let items = fields.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    let lengths = items.map(|item| digits(item.trim_ascii()).ok_or(()));
    lengths.reduce(|one, other| if one == other { one } else { Err(()) })
}

/// Reads digits alone, where `str::parse` takes a sign too.
fn digits(text: &[u8]) -> Option<u64> {
    let all = text.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(text).ok().filter(|_| all)?;
    text.parse().ok()
}

/// The position of the next byte in a chunked body (RFC 9112 §7.1).
///
/// The grammar is taken strictly. A reader that takes a bare LF, a sign or any two bytes behind the
/// data disagrees with its neighbours about the end of the message.
pub(crate) enum Chunked {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataEnd { cr: bool },
    Trailer { empty: bool },
    TrailerEnd { empty: bool },
}

impl Chunked {
    pub(crate) fn next(&self, byte: u8) -> Framing {
        Framing::Chunked(match (self, byte) {
            (Self::Size { size, digits }, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                match digits {
                    16.. => return Framing::Broken,
                    _ => Self::Size {
                        size: size << 4 | digit,
                        digits: digits + 1,
                    },
                }
            }
            (Self::Size { digits: 0, .. }, _) => return Framing::Broken,
            (&Self::Size { size, .. }, b'\r') => Self::SizeEnd { size },
            (&Self::Size { size, .. }, b';' | b' ' | b'\t') => Self::Extension { size },
            (&Self::Extension { size }, b'\r') => Self::SizeEnd { size },
            (&Self::Extension { size }, b'\t' | b' '..=0x7e | 0x80..) => Self::Extension { size },
            (&Self::SizeEnd { size: 0 }, b'\n') => Self::Trailer { empty: true },
            (&Self::SizeEnd { size: left }, b'\n') => Self::Data { left },
            (Self::DataEnd { cr: false }, b'\r') => Self::DataEnd { cr: true },
            (Self::DataEnd { cr: true }, b'\n') => Self::Size { size: 0, digits: 0 },
            (&Self::Trailer { empty }, b'\r') => Self::TrailerEnd { empty },
            (Self::Trailer { .. }, b'\t' | b' '..=0x7e | 0x80..) => Self::Trailer { empty: false },
            (Self::TrailerEnd { empty: true }, b'\n') => return Framing::Complete,
            (Self::TrailerEnd { empty: false }, b'\n') => Self::Trailer { empty: true },
            _ => return Framing::Broken,
        })
    }
}
