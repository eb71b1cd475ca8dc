//! Moving bytes from a socket to a socket inside the kernel: splice(2).

use crate::driver::runtime::{IDLE_READ_SIZE, Transport};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// The bytes that one direction of a relay moves inside the kernel, through a pipe. It has a pipe only
/// while bytes move.
#[derive(Default)]
pub(super) struct Splice {
    pipe: Option<Pipe>,
    /// The bytes in the pipe.
    inside: usize,
    /// The bytes that have left to the target.
    moved: u64,
    /// The system does not splice these sockets.
    is_refused: bool,
}

/// The result of moving bytes.
pub(super) enum Step {
    /// Bytes moved. Few arrive: an ordinary read costs less.
    Slow,
    Moved,
    /// The source has nothing, or the target takes nothing; the waker is registered.
    Pending,
    /// The source has ended, or the system does not splice it: read it.
    Read,
    ReadFailed(io::Error),
    WriteFailed(io::Error),
}

impl Splice {
    /// Returns `true` if bytes are in the pipe: they come before all that is read later.
    pub(super) fn is_busy(&self) -> bool {
        self.inside > 0
    }

    pub(super) fn moved(&self) -> u64 {
        self.moved
    }

    /// Returns `true` if bytes can go from one to the other.
    pub(super) fn connects(&self, from: &dyn Transport, to: &dyn Transport) -> bool {
        !self.is_refused && is_socket(from) && is_socket(to)
    }

    /// Moves bytes, until one of the two has to be waited for.
    pub(super) fn advance(
        &mut self,
        from: &dyn Transport,
        to: &dyn Transport,
        cx: &mut Context<'_>,
    ) -> Step {
        let mut has_moved = false;
        for _ in 0..MAX_ROUNDS {
            match self.empty(to, cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Step::WriteFailed(error),
                Poll::Pending if has_moved => return Step::Moved,
                Poll::Pending => return Step::Pending,
            }
            let Ok(pipe) = self.pipe.take().map_or_else(Pipe::new, Ok) else {
                self.is_refused = true; // there are no descriptors left, for example
                return Step::Read;
            };
            let read = on_socket(from, Way::In(&pipe.write), PIPE_SIZE, cx);
            match read {
                Poll::Ready(Ok(n)) if n > 0 => {
                    self.pipe = Some(pipe);
                    self.inside = n;
                    has_moved = true;
                    if n < IDLE_READ_SIZE {
                        return match self.empty(to, cx) {
                            Poll::Ready(Err(error)) => Step::WriteFailed(error),
                            _ => Step::Slow,
                        };
                    }
                }
                Poll::Pending => {
                    pipe.keep();
                    return if has_moved {
                        Step::Moved
                    } else {
                        Step::Pending
                    };
                }
                Poll::Ready(Ok(_)) => {
                    pipe.keep();
                    return Step::Read;
                }
                Poll::Ready(Err(error)) if is_unsupported(&error) => {
                    self.is_refused = true;
                    return Step::Read;
                }
                Poll::Ready(Err(error)) => return Step::ReadFailed(error),
            }
        }
        Step::Moved
    }

    /// Moves the bytes of the pipe to the target, and gives an empty pipe back.
    fn empty(&mut self, to: &dyn Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(pipe) = &self.pipe else {
            return Poll::Ready(Ok(()));
        };
        while self.inside > 0 {
            match ready!(on_socket(to, Way::Out(&pipe.read), self.inside, cx))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => {
                    self.inside -= n;
                    self.moved += n as u64;
                }
            }
        }
        if let Some(pipe) = self.pipe.take() {
            pipe.keep();
        }
        Poll::Ready(Ok(()))
    }

    /// Takes the bytes that are in the pipe.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        let mut rest = vec![0; std::mem::take(&mut self.inside)];
        let read = match self.pipe.take() {
            Some(pipe) => rustix::io::read(&pipe.read, &mut rest[..]).unwrap_or_default(),
            None => 0,
        };
        rest.truncate(read);
        rest
    }
}

/// A pipe of the system.
struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
}

impl Pipe {
    /// Takes the spare pipe of this thread, or a new one.
    fn new() -> io::Result<Self> {
        if let Some(pipe) = SPARE.try_with(Cell::take).ok().flatten() {
            return Ok(pipe);
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // A user has a bound for the sizes of all pipes. A smaller pipe does it too.
        let _ = fcntl_setpipe_size(&write, PIPE_SIZE);
        Ok(Self { read, write })
    }

    /// Keeps an empty pipe for the next connection that is polled in this thread.
    fn keep(self) {
        let _ = SPARE.try_with(|spare| spare.set(Some(self))); // fails while the thread ends
    }
}

thread_local! {
    static SPARE: Cell<Option<Pipe>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
enum Way<'a> {
    /// From the socket into this end of a pipe.
    In(&'a OwnedFd),
    /// From this end of a pipe to the socket.
    Out(&'a OwnedFd),
}

fn is_socket(io: &dyn Transport) -> bool {
    let socket = io.plain_socket();
    socket.is_some_and(|socket| socket.is::<TcpStream>() || socket.is::<UnixStream>())
}

fn on_socket(
    io: &dyn Transport,
    way: Way<'_>,
    most: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    macro_rules! moved {
        ($socket:expr) => {
            loop {
                let (ready, interest) = match way {
                    Way::In(_) => ($socket.poll_read_ready(cx), Interest::READABLE),
                    Way::Out(_) => ($socket.poll_write_ready(cx), Interest::WRITABLE),
                };
                ready!(ready)?;
                let moved = $socket.try_io(interest, || move_bytes($socket, way, most));
                match moved {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    moved => return Poll::Ready(moved),
                }
            }
        };
    }
    if let Some(any) = io.plain_socket() {
        if let Some(socket) = any.downcast_ref::<TcpStream>() {
            moved!(socket)
        }
        if let Some(socket) = any.downcast_ref::<UnixStream>() {
            moved!(socket)
        }
    }
    Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
}

fn move_bytes(socket: &impl AsFd, way: Way<'_>, most: usize) -> io::Result<usize> {
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    loop {
        let moved = match way {
            Way::In(pipe) => splice(socket, None, pipe, None, most, flags),
            Way::Out(pipe) => splice(pipe, None, socket, None, most, flags),
        };
        match moved {
            Err(Errno::INTR) => {}
            moved => return Ok(moved?),
        }
    }
}

/// Returns `true` if the system splices no sockets of this kind, or a filter of calls forbids it.
fn is_unsupported(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    let kinds = [Errno::INVAL, Errno::NOSYS, Errno::PERM, Errno::OPNOTSUPP];
    error.kind() == io::ErrorKind::Unsupported
        || kinds.iter().any(|kind| code == Some(kind.raw_os_error()))
}

/// The size of a pipe, in bytes.
const PIPE_SIZE: usize = 256 * 1024;

/// The number of moves before the other direction has its turn.
const MAX_ROUNDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Read;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (one, other) = tokio::join!(TcpStream::connect(at), listener.accept());
        (one.unwrap(), other.unwrap().0)
    }

    #[tokio::test]
    async fn a_target_that_takes_nothing_leaves_256_kib_in_the_pipe_and_the_source_waits() {
        let ((mut sender, source), (target, receiver)) = (pair().await, pair().await);
        let sending = tokio::spawn(async move {
            sender.write_all(&vec![7; 32 << 20]).await.unwrap(); // more than all buffers hold
        });
        let mut splice = Splice::default();
        let stuck = poll_fn(|cx| match splice.advance(&source, &target, cx) {
            Step::Pending if splice.is_busy() => Poll::Ready(splice.inside),
            Step::Pending => Poll::Pending, // more comes from the sender
            Step::Moved | Step::Slow => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => panic!("it does not splice"),
        });
        let waiting = stuck.await;
        assert!((1..=PIPE_SIZE).contains(&waiting), "{waiting} bytes");
        assert!(!sending.is_finished(), "{} bytes have left", splice.moved());
        let moved = splice.moved();
        let mut receiver = receiver.into_std().unwrap();
        receiver.set_nonblocking(false).unwrap();
        let mut taken = vec![0; usize::try_from(moved).unwrap()];
        receiver.read_exact(&mut taken).unwrap();
        poll_fn(|cx| {
            let step = splice.advance(&source, &target, cx);
            if splice.moved() > moved {
                return Poll::Ready(());
            }
            assert!(matches!(step, Step::Pending), "it does not go on");
            Poll::Pending
        })
        .await;
    }
}
