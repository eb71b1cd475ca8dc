use crate::{BoxError, Error, Flow, Pipe, Progress};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use core::future::poll_fn;
use core::task::Poll;
use spin::{Mutex, MutexGuard};

/// The two sides that the handshake of a [`Tunnel`](crate::Tunnel) talks to: the peer, and its own
/// application.
///
/// Reads and writes wait while there is no room to write, so that each message can be answered.
/// Each read has a name for the message that it awaits. [`Progress`] shows the name meanwhile, and
/// so does the error if the wire ends too early. The handshake does not see an abort: the layer
/// passes it on and drops the handshake.
///
/// ```
/// use wirestack_layer::{Error, Flows, Instant, Layer, Pipe, Tunnel};
///
/// let mut tunnel = Tunnel::new("demo", async |wire| {
///     wire.write("HELLO\n").await;
///     let line = wire.read_line(100, "the greeting").await?;
///     let [version] = wire.read_array("the version").await?;
///     let token = wire.read(4, "the token").await?;
///     wire.fill(|buffer| buffer.extend_from_slice(&token)).await;
///     wire.learn(format!("{} bytes of greeting, version {version}", line.len()));
///     Ok::<(), Error>(())
/// });
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"welcome\n\x02abcd");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// tunnel.process(flows, Instant::ORIGIN);
/// assert_eq!(to_wire.unread(), b"HELLO\nabcd");
/// assert_eq!(tunnel.state(), "7 bytes of greeting, version 2");
/// assert!(tunnel.is_open());
/// ```
///
/// # Panics
///
/// Every method panics if it is called, or its future polled, while the tunnel does not poll the
/// handshake; and in a closure that the wire calls. If a handshake gives its wire to other threads,
/// they or the tunnel may panic: none waits for another.
pub struct Wire<T = String> {
    name: &'static str,
    lent: Arc<Mutex<Lent<T>>>,
}

/// The buffers and the state of a block while it is polled. The tunnel and the wire share it,
/// because an `async` block cannot borrow an argument of the call that polls it.
pub(super) struct Lent<T> {
    /// The bytes that have arrived and were not read yet.
    pub(super) unread: BytesMut,
    /// `true` if the peer has finished: no more bytes will arrive.
    pub(super) finished: bool,
    /// The buffer to write to.
    pub(super) to_wire: BytesMut,
    /// The number of bytes that may be added to it. A unit that was begun may be completed beyond.
    pub(super) room: usize,
    /// `None` while the block is not polled.
    pub(super) state: Option<Box<T>>,
    pub(super) wait: Wait,
}

/// The event that a block waits for.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    progress: Progress,
    /// The number of unread bytes without which it cannot go on.
    bytes: usize,
}

/// The result of a parser of the unread bytes.
///
/// ```
/// use wirestack_layer::{Error, Parsed, Tunnel};
///
/// // A length, and so many bytes.
/// let tunnel = Tunnel::new("hello", async |wire| {
///     let name = wire.read_with("the name", |bytes| match bytes {
///         [n, rest @ ..] if rest.len() >= usize::from(*n) => {
///             let n = usize::from(*n);
///             Ok::<_, Error>(Parsed::Complete(1 + n, rest[..n].to_vec()))
///         }
///         [n, ..] => Ok(Parsed::Partial(1 + usize::from(*n))), // the bytes that are needed
///         [] => Ok(Parsed::Partial(1)),
///     });
///     name.await.map(drop)
/// });
/// assert!(!tunnel.is_over());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<R> {
    /// It read this many bytes, and this is their value. The bytes are consumed.
    Complete(usize, R),
    /// It needs at least this many bytes, counted from the first unread one.
    Partial(usize),
}

/// The failure of a read of a [`Wire`]: the cause in an [`Error`] of the peer.
///
/// ```
/// use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe, ReadError, Tunnel};
///
/// let mut tunnel = Tunnel::new("line", async |wire| {
///     wire.read_line(10, "a line").await?;
///     Ok::<(), Error>(())
/// });
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"a line without an end");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// tunnel.process(flows, Instant::ORIGIN);
/// let Some(End::Aborted(error)) = to_app.end() else { panic!() };
/// assert!(matches!(error.cause(), Some(ReadError::LineTooLong { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The peer finished before it had sent everything.
    Truncated {
        /// The name of the message that was awaited.
        awaited: &'static str,
        /// The number of bytes of it that had arrived.
        seen: usize,
    },
    /// A line is too long.
    LineTooLong {
        /// The name of the message that was awaited.
        awaited: &'static str,
        /// The number of bytes that it may have, without its end.
        most: usize,
    },
}

impl<T> Wire<T> {
    pub(super) fn new(name: &'static str, lent: Arc<Mutex<Lent<T>>>) -> Self {
        Self { name, lent }
    }

    // --- reading ---

    /// Reads `n` bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError::Truncated`] if the peer finishes before.
    pub fn read(
        &self,
        n: usize,
        awaited: &'static str,
    ) -> impl Future<Output = Result<Bytes, Error>> {
        self.next(awaited, move |unread| {
            Ok(if unread.len() < n {
                Parsed::Partial(n)
            } else {
                Parsed::Complete(n, unread.split_to(n).freeze())
            })
        })
    }

    /// Reads an array of `N` bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError::Truncated`] if the peer finishes before.
    pub fn read_array<const N: usize>(
        &self,
        awaited: &'static str,
    ) -> impl Future<Output = Result<[u8; N], Error>> {
        self.read_with(awaited, |unread| {
            Ok::<_, ReadError>(match unread.first_chunk() {
                Some(array) => Parsed::Complete(N, *array),
                None => Parsed::Partial(N),
            })
        })
    }

    /// Reads a line of at most `most` bytes, and returns it without the LF that ends it, and
    /// without a CR before that.
    ///
    /// # Errors
    ///
    /// [`ReadError::LineTooLong`], and [`ReadError::Truncated`] if the peer finishes before the LF.
    pub fn read_line(
        &self,
        most: usize,
        awaited: &'static str,
    ) -> impl Future<Output = Result<Bytes, Error>> {
        self.next(awaited, move |unread| {
            // The end may have two bytes, the first of which is no end alone.
            let up_to = most.saturating_add(2);
            match unread.iter().take(up_to).position(|byte| *byte == b'\n') {
                Some(n) => {
                    let end = match unread.get(..n) {
                        Some([.., b'\r']) => 2,
                        _ => 1,
                    };
                    if n + 1 - end > most {
                        return Err(ReadError::LineTooLong { awaited, most }.into());
                    }
                    let mut line = unread.split_to(n + 1);
                    line.truncate(line.len() - end);
                    Ok(Parsed::Complete(n + 1, line.freeze()))
                }
                None if unread.get(most).is_some_and(|byte| *byte != b'\r')
                    || unread.len() >= up_to =>
                {
                    Err(ReadError::LineTooLong { awaited, most }.into())
                }
                None => Ok(Parsed::Partial(unread.len() + 1)),
            }
        })
    }

    /// Reads a value by `parse`. It is called with all unread bytes that have arrived, and again
    /// when there are as many as it [needs](Parsed::Partial). The bytes are lent, not copied.
    ///
    /// ```
    /// # use wirestack_layer::{Error, Parsed, Tunnel};
    /// # Tunnel::new("counted", async |wire| {
    /// // A length of one byte, then the field.
    /// let field = wire.read_with("the field", |unread| {
    ///     let Some((n, rest)) = unread.split_first() else {
    ///         return Ok(Parsed::Partial(1));
    ///     };
    ///     let n = usize::from(*n);
    ///     match rest.get(..n) {
    ///         _ if n == 0 => Err("a field of 0 bytes, wanted 1 to 255"),
    ///         Some(field) => Ok(Parsed::Complete(1 + n, field.to_vec())),
    ///         None => Ok(Parsed::Partial(1 + n)),
    ///     }
    /// });
    /// let field = field.await?;
    /// # drop(field); Ok(())
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// The cause that `parse` returns, blamed on the peer. [`ReadError::Truncated`] if the peer
    /// finishes before.
    pub fn read_with<R, E: Into<BoxError>>(
        &self,
        awaited: &'static str,
        mut parse: impl FnMut(&[u8]) -> Result<Parsed<R>, E>,
    ) -> impl Future<Output = Result<R, Error>> {
        self.next(awaited, move |unread| {
            let parsed = parse(unread).map_err(Into::into)?;
            if let Parsed::Complete(n, _) = parsed {
                unread.advance(n);
            }
            Ok(parsed)
        })
    }

    /// Reads by `take`, which consumes the bytes itself.
    fn next<R>(
        &self,
        awaited: &'static str,
        mut take: impl FnMut(&mut BytesMut) -> Result<Parsed<R>, BoxError>,
    ) -> impl Future<Output = Result<R, Error>> {
        self.poll_lent(move |lent| {
            if lent.room == 0 {
                return lent.wait(Progress::Opening(awaited), 0);
            }
            let cause = match take(&mut lent.unread) {
                Ok(Parsed::Complete(_, read)) => return Poll::Ready(Ok(read)),
                Ok(Parsed::Partial(needed)) => {
                    let seen = lent.unread.len();
                    if !lent.finished {
                        // At least one more byte, because of the law "Demand".
                        return lent.wait(Progress::Opening(awaited), needed.max(seen + 1));
                    }
                    ReadError::Truncated { awaited, seen }.into()
                }
                Err(cause) => cause,
            };
            Poll::Ready(Err(Error::peer(self.name, cause)))
        })
    }

    // --- writing ---

    /// Writes bytes.
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> impl Future<Output = ()> {
        self.fill(move |to_wire| to_wire.extend_from_slice(bytes.as_ref()))
    }

    /// Writes one unit, such as a message, through `f`, which must only add to its buffer.
    pub fn fill<R>(&self, f: impl FnOnce(&mut BytesMut) -> R) -> impl Future<Output = R> {
        let mut f = Some(f);
        self.poll_lent(move |lent| {
            if lent.room == 0 {
                return lent.wait(Progress::Opening(ROOM), 0);
            }
            let f = f
                .take()
                .expect("a future that is not polled again once it is ready");
            let before = lent.to_wire.len();
            let result = f(&mut lent.to_wire);
            let written = lent.to_wire.len() - before;
            lent.room = lent.room.saturating_sub(written);
            Poll::Ready(result)
        })
    }

    // --- the application ---

    /// Waits for a decision of the application: until `decided` finds it in the state.
    ///
    /// Meanwhile the layer is [`Progress::Deciding`] on `what`, such as `the CONNECT request`. The
    /// request itself lies in the state too.
    ///
    /// ```
    /// use wirestack_layer::{Error, Tunnel};
    ///
    /// let mut tunnel = Tunnel::with_state("door", String::new(), async |wire| {
    ///     let opens = wire.decide("the application", |answer: &mut String| {
    ///         (!answer.is_empty()).then(|| answer == "yes")
    ///     });
    ///     if opens.await { Ok(()) } else { Err(Error::local("door", "not now")) }
    /// });
    /// *tunnel.state_mut() = "yes".to_owned(); // the application answers at any time
    /// assert_eq!(tunnel.state(), "yes");
    /// ```
    pub fn decide<R>(
        &self,
        what: &'static str,
        mut decided: impl FnMut(&mut T) -> Option<R>,
    ) -> impl Future<Output = R> {
        self.poll_lent(move |lent| match decided(lent.state()) {
            Some(decision) => Poll::Ready(decision),
            None => lent.wait(Progress::Deciding(what), 0),
        })
    }

    /// Reads or changes the state that the layer shares with its application.
    pub fn state<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(self.lent().state())
    }

    // --- the buffers and the state ---

    fn poll_lent<R>(&self, mut f: impl FnMut(&mut Lent<T>) -> Poll<R>) -> impl Future<Output = R> {
        poll_fn(move |_| f(&mut self.lent()))
    }

    fn lent(&self) -> MutexGuard<'_, Lent<T>> {
        let lent = lock(&self.lent);
        assert!(lent.state.is_some(), "{OUTSIDE}");
        lent
    }
}

impl Wire {
    /// Sets the facts that the handshake has learnt, for traces: one line without secrets.
    pub fn learn(&self, facts: impl Into<String>) {
        self.state(|state| *state = facts.into());
    }
}

impl<T> fmt::Debug for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Wire");
        shown.field("name", &self.name).finish_non_exhaustive()
    }
}

/// Locks without waiting: if the lock is taken, the wire is used where it must not be.
pub(super) fn lock<T>(lent: &Mutex<Lent<T>>) -> MutexGuard<'_, Lent<T>> {
    lent.try_lock().expect(OUTSIDE)
}

impl<T> Lent<T> {
    pub(super) fn new() -> Self {
        Self {
            unread: BytesMut::new(),
            finished: false,
            to_wire: BytesMut::new(),
            room: 0,
            state: None,
            wait: Wait::default(),
        }
    }

    fn state(&mut self) -> &mut T {
        self.state.as_mut().expect(OUTSIDE)
    }

    fn wait<R>(&mut self, progress: Progress, bytes: usize) -> Poll<R> {
        self.wait = Wait { progress, bytes };
        Poll::Pending
    }
}

impl Wait {
    pub(super) fn progress(self) -> Progress {
        self.progress
    }

    /// Returns `true` if the event may have come.
    pub(super) fn goes_on(self, from_wire: &Pipe, room: usize) -> bool {
        match self.progress {
            Progress::Deciding(_) => true,
            _ => room > 0 && (from_wire.len() >= self.bytes || from_wire.is_closed()),
        }
    }

    /// Requires the bytes that the block waits for. This is done on each call, because a stack may
    /// have replaced the pipe.
    pub(super) fn require(self, from_wire: &mut Pipe) {
        from_wire.require(self.bytes);
    }
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            progress: Progress::Opening(FIRST_CALL),
            bytes: 0,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { awaited, seen: 0 } => {
                write!(f, "the connection ended before {awaited}")
            }
            Self::Truncated { awaited, seen } => {
                write!(f, "the connection ended after {seen} bytes of {awaited}")
            }
            Self::LineTooLong { awaited, most } => {
                write!(f, "{awaited} has more than {most} bytes without a line end")
            }
        }
    }
}

impl core::error::Error for ReadError {}

// A handshake waits for these before it is first polled, and before it writes.
const FIRST_CALL: &str = "the first call";
const ROOM: &str = "room to write";

const OUTSIDE: &str = "a `Wire` was used outside its handshake, at once by two threads, or in a \
    closure that it calls: use it only where the handshake itself runs";
