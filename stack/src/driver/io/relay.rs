//! Copying bytes between two connections in both directions, as a proxy does.

use super::Connection;
use super::carry::{Carried, Way, gives_bytes, takes_bytes};
use super::connection::Writing;
use super::idle::{IdleTimer, RELAY_IDLE, RelayIdle};
use super::spare;
use super::splice::{Splice, Step};
use crate::driver::error::socket;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_layer::{End, Error, Flow, Layer, Pipe, origin};
use wirestack_nest::Identity;

/// The number of bytes that a relay carried, for each direction.
///
/// ```
/// let nothing = wirestack::Relayed::default();
/// assert_eq!((nothing.sent, nothing.received), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relayed {
    /// The bytes from the first connection to the second.
    pub sent: u64,
    /// The bytes from the second connection to the first.
    pub received: u64,
}

/// Copies bytes between two connections in both directions, until both directions have ended, one
/// side accepts no more, or nothing was copied for 10 minutes.
/// [`relay_with_timeout`] sets that time.
///
/// Each end keeps its kind: a half-close stays a half-close, and a reset stays a reset. A slow side
/// slows the other one down; at most the limits of the flows wait in between, in bytes.
///
/// On Linux, with sockets of tokio, many bytes move inside the kernel (`splice`) once no layer changes
/// them on both sides. At most 256 KiB for each direction then wait in between. A process that does
/// not ignore `SIGPIPE` gets it when a peer leaves; programs in Rust ignore it.
///
/// # Errors
///
/// The error that aborted one of the connections, or [`RelayIdle`]. Both have then been aborted.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::runtime::Listener;
/// use wirestack::{Connection, Engine, Identity, connect_stream, relay};
///
/// let mut listener = Listener::bind("127.0.0.1:8080")?;
/// let (io, _) = listener.accept().await?;
/// let client = Connection::from_transport(io, Engine::new(Identity))?;
/// let server = connect_stream("tcp://example.org:80").await?;
/// let relayed = relay(client, server).await?;
/// println!("{} bytes sent, {} bytes received", relayed.sent, relayed.received);
/// # Ok(())
/// # }
/// ```
pub fn relay<L, M>(
    first: Connection<L>,
    second: Connection<M>,
) -> impl Future<Output = Result<Relayed, Error>>
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    relay_with_timeout(first, second, RELAY_IDLE)
}

/// Copies bytes as [`relay`] does, and ends when nothing was copied in either direction for a time.
/// With [`Duration::MAX`], it waits for ever.
///
/// ```
/// use std::time::Duration;
/// use wirestack::{ByteStream, relay_with_timeout};
///
/// async fn join(client: ByteStream, server: ByteStream) -> Result<(), wirestack::Error> {
///     let relayed = relay_with_timeout(client, server, Duration::from_secs(60)).await?;
///     println!("{} bytes there, {} back", relayed.sent, relayed.received);
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// The same as those of [`relay`], or [`RelayIdle`]. Both connections have then been aborted.
pub fn relay_with_timeout<L, M>(
    first: Connection<L>,
    second: Connection<M>,
    idle: Duration,
) -> impl Future<Output = Result<Relayed, Error>>
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    // An `async fn` would hold both connections twice, as arguments and in the relay.
    let relay = Relay::between(first, second);
    async move {
        let mut relayed = Relayed::default();
        relay.run(idle, &mut relayed).await?;
        Ok(relayed)
    }
}

/// Two connections, whose bytes go from one to the other.
pub(crate) struct Relay<L: Layer, M: Layer> {
    first: Connection<L>,
    second: Connection<M>,
}

/// The course of a relay.
struct Course<'a> {
    relayed: &'a mut Relayed,
    /// The bytes of the answer to the request for the tunnel, if it went the same way.
    said: u64,
    there: Way,
    back: Way,
    /// The stacks have had their turn: what was decided just before the relay has its effect.
    has_begun: bool,
    timer: IdleTimer,
    too_late: Option<Error>,
}

impl<L, M> Relay<L, M>
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    /// Creates a relay. The box is the only memory that waits for its bytes.
    pub(crate) fn between(first: Connection<L>, second: Connection<M>) -> Box<Self> {
        Box::new(Self { first, second })
    }

    /// Copies bytes as [`relay_with_timeout`] does. The counts are right at any time, also when the
    /// relay fails or is dropped.
    pub(crate) async fn run(
        self: Box<Self>,
        idle: Duration,
        relayed: &mut Relayed,
    ) -> Result<(), Error> {
        let mut course = Course {
            relayed,
            said: 0,
            there: Way::default(),
            back: Way::default(),
            has_begun: false,
            timer: IdleTimer::new(self.first.runtime.clone(), idle),
            too_late: None,
        };
        let mut bare = {
            let mut this = self;
            course.said = this.first.engine().from_app().total();
            let ended = poll_fn(|cx| match this.poll(&mut course, cx) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending if this.is_settled(&course) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            if let Some(ended) = ended.await {
                return ended;
            }
            // The handshakes are over: what they have left behind is freed.
            this.without_layers()
        };
        poll_fn(|cx| bare.poll(&mut course, cx)).await
    }

    fn is_settled(&mut self, course: &Course<'_>) -> bool {
        // Bytes that went straight from one to the other were not shown to the layers.
        self.first.process();
        self.second.process();
        let is_moving = course.there.splice.is_busy() || course.back.splice.is_busy();
        !is_moving && self.first.is_settled() && self.second.is_settled()
    }

    fn without_layers(self) -> Box<Relay<Identity, Identity>> {
        let Self { first, second } = self;
        Relay::between(first.without_layers(), second.without_layers())
    }

    fn poll(&mut self, course: &mut Course<'_>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if course.has_begun && course.too_late.is_none() && self.carry(course, cx) {
                if self.poll_idle(course, cx).is_pending() {
                    return Poll::Pending;
                }
            } else if let Poll::Ready(ended) = ready!(self.round(course, cx)) {
                return Poll::Ready(ended);
            }
        }
    }

    /// Passes bytes from one transport to the other, until both directions wait. Returns `false` if
    /// there is more to do.
    #[inline]
    fn carry(&mut self, course: &mut Course<'_>, cx: &mut Context<'_>) -> bool {
        let Self { first, second } = self;
        let Course { there, back, .. } = course;
        let before = (there.carried, back.carried);
        let mut spare = None;
        let mut sent = Carried::Moved;
        let mut received = Carried::Moved;
        // A direction that waits has registered its waker: it is not asked again.
        while sent == Carried::Moved || received == Carried::Moved {
            if sent == Carried::Moved {
                sent = there.carry(first, second, &mut spare, cx);
            }
            if sent == Carried::Otherwise {
                break;
            }
            if received == Carried::Moved {
                received = back.carry(second, first, &mut spare, cx);
            }
            if received == Carried::Otherwise {
                break;
            }
        }
        if let Some(memory) = spare {
            spare::keep(memory);
        }
        course.relayed.sent += there.carried - before.0;
        course.relayed.received += back.carried - before.1;
        matches!(
            (sent, received),
            (Carried::Waits, Carried::Waits | Carried::Over) | (Carried::Over, Carried::Waits)
        )
    }

    /// Moves what can move, with the layers of both sides. Returns the end of the relay, `Pending`
    /// inside if there is none yet.
    fn round(
        &mut self,
        course: &mut Course<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Poll<Result<(), Error>>> {
        course.has_begun = true;
        course.there.forget();
        course.back.forget();
        let Self { first, second } = self;
        let before = first.revision() + second.revision();
        first
            .engine()
            .to_app()
            .transfer_to(second.engine().from_app());
        second
            .engine()
            .to_app()
            .transfer_to(first.engine().from_app());
        *course.relayed = Relayed {
            sent: second.engine().from_app().total() + course.there.moved(),
            received: first.engine().from_app().total() - course.said + course.back.moved(),
        };
        first.process_and_write(cx);
        second.process_and_write(cx);
        let error = course.too_late.take().or_else(|| abort_error(first));
        let error = error.or_else(|| abort_error(second));
        let error = error.or_else(|| undelivered_error(first, second));
        if let Some(error) = error.or_else(|| undelivered_error(second, first)) {
            first.abort(error.clone());
            second.abort(error.clone());
            first.process_and_write(cx);
            second.process_and_write(cx);
            return Poll::Ready(Poll::Ready(Err(error)));
        }
        if has_left(first) && has_left(second) {
            return Poll::Ready(Poll::Ready(Ok(())));
        }
        let advanced = [
            advance(first, second, &mut course.there.splice, cx),
            advance(second, first, &mut course.back.splice, cx),
        ];
        let waits = advanced.iter().all(Poll::is_pending);
        if self.poll_idle(course, cx).is_ready() {
            return Poll::Ready(Poll::Pending);
        }
        // Bytes that left above may have made room for more bytes to copy.
        if waits && self.first.revision() + self.second.revision() == before {
            return Poll::Pending;
        }
        Poll::Ready(Poll::Pending)
    }

    /// Ready if nothing was copied for too long; the error then waits in `course`.
    #[inline]
    fn poll_idle(&mut self, course: &mut Course<'_>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { first, second } = self;
        let copied = first.engine().from_app().revision() + second.engine().from_app().revision();
        let copied = copied + course.there.moved() + course.back.moved();
        let expired = ready!(course.timer.poll_idle(copied, cx));
        let allowed = course.timer.allowed();
        course.too_late = Some(match expired {
            Ok(()) => Error::local(origin::CONNECTION, RelayIdle { allowed }),
            Err(error) => Error::local(origin::RUNTIME, error),
        });
        Poll::Ready(())
    }
}

/// Advances `from`. Many bytes for `to` move inside the kernel, if no layer is between the two.
fn advance<L, M>(
    from: &mut Connection<L>,
    to: &mut Connection<M>,
    splice: &mut Splice,
    cx: &mut Context<'_>,
) -> Poll<()>
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    let may_splice = splice.is_busy() || from.reads_much && gives_bytes(from) && takes_bytes(to);
    if !may_splice {
        return from.advance(cx);
    }
    let (Some(source), Some(target)) = (&from.io, &to.io) else {
        return from.advance(cx);
    };
    if !splice.connects(&**source, &**target) {
        return from.advance(cx);
    }
    match splice.advance(&**source, &**target, cx) {
        Step::Moved => Poll::Ready(()),
        Step::Pending => Poll::Pending,
        Step::Slow => {
            from.reads_much = false;
            Poll::Ready(())
        }
        Step::Read => from.advance(cx),
        Step::ReadFailed(error) => {
            from.engine.break_wire(socket(error));
            Poll::Ready(())
        }
        Step::WriteFailed(error) => {
            // As if an ordinary write had failed, with the same bytes undelivered.
            let error = socket(error);
            to.engine.to_wire().write(&splice.take_rest());
            to.engine.to_wire().lose(error.clone());
            to.writing = Writing::Broken(Some(Box::new(error)));
            Poll::Ready(())
        }
    }
}

/// Returns the error of bytes that could not be delivered to `one`. It waits until all bytes from
/// `one` have left, as a side that accepts no more is still read. A side that accepts no more, and
/// to which nothing more is sent, is no error.
fn undelivered_error<L, M>(one: &mut Connection<L>, other: &mut Connection<M>) -> Option<Error>
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    let refused = one.engine().from_app().refused().cloned();
    let error = refused.or_else(|| other.engine().to_app().refused().cloned())?;
    let is_stopped = other.engine().from_app().stopped().is_some();
    (is_stopped || has_left(other)).then_some(error)
}

fn abort_error<L>(connection: &mut Connection<L>) -> Option<Error>
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    match connection.engine().to_app().end() {
        Some(End::Aborted(error)) => Some(error.clone()),
        _ => None,
    }
}

/// Returns `true` if everything for the peer of this connection has left, its end too.
fn has_left<L>(connection: &mut Connection<L>) -> bool
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    // The shutdown of a transport with a buffer waits for what is in it.
    let waits = connection.io.as_ref().is_some_and(|io| !io.lingers());
    let has_shut = !waits || !matches!(connection.writing, Writing::Open);
    has_shut && connection.engine().to_wire().end().is_some()
}
