//! Moving bytes between a socket and the wire of a stack, waiting no longer than is said.

use super::Socket;
use crate::Pipe;
use std::io::{self, IoSlice};
use std::time::Duration;

/// One handle of a socket, which remembers the time-outs that it was given.
pub(super) struct Wire<S> {
    pub(super) io: S,
    read_limit: Option<Option<Duration>>,
    write_limit: Option<Option<Duration>>,
    /// The last read was large: the next one is worth a large buffer.
    busy: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Moved {
    /// So many bytes; when reading, 0 is the end.
    Bytes(usize),
    /// The time is over.
    TimedOut,
    Broken(io::Error),
}

impl<S: Socket> Wire<S> {
    pub(super) fn new(io: S) -> Self {
        Self {
            io,
            read_limit: None,
            write_limit: None,
            busy: false,
        }
    }
    /// Reads once.
    pub(super) fn read(&mut self, to: &mut Pipe, limit: Option<Duration>) -> Moved {
        let limit = limit.map(|it| it.max(SHORTEST)); // zero is no time-out
        if self.read_limit != Some(limit) {
            if let Err(error) = self.io.set_read_timeout(limit) {
                return Moved::Broken(error);
            }
            self.read_limit = Some(limit);
        }
        let size = to.wanted().clamp(SMALL, LARGE);
        let read = if self.busy || size > SMALL {
            let size = if self.busy { LARGE } else { size };
            to.fill(|buf| {
                let had = buf.len();
                buf.resize(had + size, 0);
                let read = self.io.read(&mut buf[had..]);
                buf.truncate(had + *read.as_ref().unwrap_or(&0));
                read
            })
        } else {
            let mut buf = [0; SMALL];
            let read = self.io.read(&mut buf);
            to.write(&buf[..*read.as_ref().unwrap_or(&0)]);
            read
        };
        let moved = moved(read);
        if let Moved::Bytes(n) = moved {
            self.busy = n >= SMALL;
        }
        moved
    }
    /// Writes once, if there is something.
    pub(super) fn write(&mut self, from: &mut Pipe, limit: Option<Duration>) -> Moved {
        if from.is_empty() {
            return Moved::Bytes(0);
        }
        let limit = limit.map(|it| it.max(SHORTEST));
        if self.write_limit != Some(limit) {
            if let Err(error) = self.io.set_write_timeout(limit) {
                return Moved::Broken(error);
            }
            self.write_limit = Some(limit);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let n = from.io_slices(&mut slices);
        let written = match self.io.write_vectored(&slices[..n]) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            // Transports that buffer are told; an error shows at the next write.
            Ok(n) => {
                let _ = self.io.flush();
                Ok(n)
            }
            Err(error) => Err(error),
        };
        let moved = moved(written);
        if let Moved::Bytes(n) = moved {
            from.consume(n);
        }
        moved
    }
}

fn moved(done: io::Result<usize>) -> Moved {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    match done {
        Ok(n) => Moved::Bytes(n),
        Err(error) if matches!(error.kind(), TimedOut | WouldBlock | Interrupted) => {
            Moved::TimedOut
        }
        Err(error) => Moved::Broken(error),
    }
}

/// What a read takes that is not known to be large, in bytes.
const SMALL: usize = 8 * 1024;

/// What a read takes while much is coming, in bytes.
const LARGE: usize = 64 * 1024;

/// The shortest time-out there is.
const SHORTEST: Duration = Duration::from_millis(1);

/// How many pieces one write system call takes.
const SLICES: usize = 32;

/// How long one direction waits while the other one has something to do.
pub(super) const TURN: Duration = Duration::from_millis(2);
