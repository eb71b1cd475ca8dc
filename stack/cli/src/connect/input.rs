//! Standard input, in messages.

use crate::exit::Failure;
use bytes::Bytes;
use std::io::{self, BufRead, Read};
use tokio::sync::mpsc;

/// The messages of standard input.
pub(crate) struct Input {
    messages: mpsc::Receiver<Result<Bytes, Failure>>,
}

/// Where a message of the input ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Splitting {
    /// At this byte, which is left out.
    At(u8),
    /// As it comes.
    Chunks,
    /// At the end.
    Whole,
}

impl Input {
    /// Reads standard input on a thread. A message has at most `limit` bytes.
    pub(crate) fn start(splitting: Splitting, limit: usize) -> Self {
        Self::of(|| io::stdin().lock(), splitting, limit)
    }

    /// Reads on a thread, which opens the input.
    fn of<R: BufRead>(
        open: impl FnOnce() -> R + Send + 'static,
        splitting: Splitting,
        limit: usize,
    ) -> Self {
        let (sender, messages) = mpsc::channel(WAITING);
        std::thread::spawn(move || {
            let mut input = open();
            loop {
                let message = next(&mut input, splitting, limit).transpose();
                let Some(message) = message else { break };
                let is_last = message.is_err() || splitting == Splitting::Whole;
                if sender.blocking_send(message).is_err() || is_last {
                    break;
                }
            }
        });
        Self { messages }
    }

    /// Returns the next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        self.messages.recv().await
    }
}

fn next(
    input: &mut impl BufRead,
    splitting: Splitting,
    limit: usize,
) -> Result<Option<Bytes>, Failure> {
    let read_error = |error: io::Error| Failure::other(format!("standard input: {error}"));
    if splitting == Splitting::Chunks {
        let chunk = input.fill_buf().map_err(read_error)?;
        let chunk = Bytes::copy_from_slice(&chunk[..chunk.len().min(limit)]);
        input.consume(chunk.len());
        return Ok((!chunk.is_empty()).then_some(chunk));
    }
    let mut message = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(2);
    let mut bounded = input.take(most);
    match splitting {
        Splitting::At(end) => bounded.read_until(end, &mut message),
        _ => bounded.read_to_end(&mut message),
    }
    .map_err(read_error)?;
    if message.is_empty() && splitting != Splitting::Whole {
        return Ok(None);
    }
    if let Splitting::At(end) = splitting
        && message.last() == Some(&end)
    {
        message.pop();
        if end == b'\n' && message.last() == Some(&b'\r') {
            message.pop();
        }
    }
    if splitting == Splitting::Whole && message.last() == Some(&b'\n') {
        message.pop();
    }
    if message.len() > limit {
        return Err(Failure::usage(format!(
            "a message of the input is longer than {limit} bytes: raise --max-message, or send chunks with --binary"
        )));
    }
    Ok(Some(message.into()))
}

/// The number of messages that wait to be sent.
const WAITING: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// An endless input, which tells of each line that is read.
    struct Lines {
        read: usize,
        taken: Arc<AtomicUsize>,
        told: std::sync::mpsc::Sender<(usize, usize)>,
    }

    impl Read for Lines {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            unreachable!("lines are read from the buffer")
        }
    }

    impl BufRead for Lines {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            self.read += 1;
            let taken = self.taken.load(Ordering::SeqCst);
            self.told
                .send((self.read, taken))
                .map_err(io::Error::other)?;
            Ok(b"x\n")
        }

        fn consume(&mut self, _: usize) {}
    }

    #[test]
    fn sixteen_messages_wait_and_the_input_waits_behind_them() {
        let taken = Arc::new(AtomicUsize::new(0));
        let (told, lines) = std::sync::mpsc::channel();
        let reader = Lines {
            read: 0,
            taken: taken.clone(),
            told,
        };
        let mut input = Input::of(|| reader, Splitting::At(b'\n'), 10);
        // One more is in the hands of the thread.
        for line in 1..=17 {
            assert_eq!(lines.recv_timeout(LONG), Ok((line, 0)));
        }
        for line in 18..=40 {
            taken.store(line - 17, Ordering::SeqCst);
            assert!(matches!(input.messages.blocking_recv(), Some(Ok(_))));
            assert_eq!(lines.recv_timeout(LONG), Ok((line, line - 17)));
        }
    }

    const LONG: Duration = Duration::from_secs(30);

    fn all(input: &str, splitting: Splitting, limit: usize) -> Vec<String> {
        let mut input = input.as_bytes();
        let mut seen = Vec::new();
        loop {
            match next(&mut input, splitting, limit) {
                Ok(Some(message)) => seen.push(String::from_utf8_lossy(&message).into_owned()),
                Ok(None) => return seen,
                Err(failure) => {
                    seen.push(failure.to_string());
                    return seen;
                }
            }
            if splitting == Splitting::Whole {
                return seen;
            }
        }
    }

    #[test]
    fn the_input_is_split_at_lines_zeros_or_not_at_all() {
        let lines = Splitting::At(b'\n');
        assert_eq!(all("a\r\n\nlast", lines, 10), ["a", "", "last"]);
        assert_eq!(all("a\n\0b\0", Splitting::At(0), 10), ["a\n", "b"]);
        assert_eq!(all("a\nb\n", Splitting::Whole, 10), ["a\nb"]);
        assert_eq!(all("", Splitting::Whole, 10), [""]);
        assert_eq!(all("abcdef", Splitting::Chunks, 4), ["abcd", "ef"]);
        assert!(all("abcdef\n", lines, 5)[0].contains("longer than 5 bytes"));
        assert_eq!(all("abcde\n", lines, 5), ["abcde"]);
    }
}
