use crate::traffic::{Traffic, pattern};
use std::cell::OnceCell;
use std::fmt;
use wirestack_layer::{ByteSize, Layer, Pipe, Queue};

/// A layer whose application sends and receives the same kind of flow.
///
/// ```
/// use wirestack_laws::Endpoint;
/// use wirestack_layer::{LayerExt, Pipe, Tunnel};
///
/// /// Returns the tunnel of a peer, whatever lies around it: for `Subject::deciding`.
/// fn tunnel(endpoint: &mut Endpoint<Pipe>) -> Option<&mut Tunnel> {
///     endpoint.part_mut()
/// }
/// ```
pub type Endpoint<F> = dyn Layer<In = F, Out = F>;

/// A protocol under test: it makes both peers, and states what they promise.
///
/// A new subject promises nothing: its bytes on the wire may vary, its end is not marked on the
/// wire, and its server makes no decision.
///
/// ```
/// use wirestack_laws::{Subject, check};
/// use wirestack_layer::{Error, Tunnel};
///
/// fn client() -> Tunnel {
///     Tunnel::new("hello", async |wire| {
///         wire.write("HELLO\n").await;
///         wire.read_line(100, "the greeting").await.map(drop)
///     })
/// }
///
/// fn server() -> Tunnel {
///     Tunnel::new("hello", async |wire| {
///         wire.read_line(100, "the greeting").await?;
///         wire.write("WELCOME\n").await;
///         Ok::<(), Error>(())
///     })
/// }
///
/// let subject = Subject::tunnel("hello", client, server)
///     .same_bytes() // what is written depends on nothing but the messages
///     .unit(128)
///     .memory(1024)
///     .largest(3_000)
///     .limits(&[100, 4096])
///     .samples(2); // few, so that this page is quick
/// check(&subject);
/// ```
///
/// A server whose application decides:
///
/// ```
/// use wirestack_laws::{Endpoint, Subject, check};
/// use wirestack_layer::{LayerExt, Pipe, Tunnel};
///
/// /// What the application of the server has decided.
/// #[derive(Debug, Default)]
/// struct Door(Option<bool>);
///
/// impl std::fmt::Display for Door {
///     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         Ok(())
///     }
/// }
///
/// fn client() -> Tunnel {
///     Tunnel::new("door", async |wire| {
///         wire.write("?").await;
///         wire.read(1, "the answer").await.map(drop)
///     })
/// }
///
/// fn server() -> Tunnel<Door> {
///     Tunnel::with_state("door", Door::default(), async |wire| {
///         wire.read(1, "the question").await?;
///         wire.decide("the question", |door| door.0).await;
///         wire.write("!").await;
///         Ok(())
///     })
/// }
///
/// /// Decides as the application does. The stack may have other layers too.
/// fn decide(endpoint: &mut Endpoint<Pipe>) -> bool {
///     match endpoint.part_mut::<Tunnel<Door>>() {
///         Some(door) if door.state().0.is_none() => {
///             door.state_mut().0 = Some(true);
///             true
///         }
///         _ => false,
///     }
/// }
///
/// let subject = Subject::tunnel("door", client, server).deciding(decide);
/// check(&subject.samples(2).largest(3_000));
/// ```
pub struct Subject<F: Traffic> {
    pub(crate) name: String,
    pub(crate) client: Make<F>,
    pub(crate) server: Make<F>,
    pub(crate) decide: Decide<F>,
    pub(crate) poke: Poke<F>,
    pub(crate) sample: Box<dyn Fn(usize) -> Vec<F::Item>>,
    join: Option<Join<F>>,
    pub(crate) limits: Vec<usize>,
    pub(crate) unit: usize,
    pub(crate) memory: usize,
    pub(crate) largest: usize,
    pub(crate) samples: usize,
    pub(crate) wire_bytes: WireBytes,
    pub(crate) marks_end: bool,
    pub(crate) refused: bool,
    pub(crate) half_closes: OnceCell<bool>,
}

/// The promise about the bytes on the wire. Each promises more than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WireBytes {
    /// Nothing is promised.
    Vary,
    /// The same calls write the same bytes.
    Repeat,
    /// The bytes depend on nothing but what is said.
    Same,
}

type Make<F> = Box<dyn Fn() -> Box<Endpoint<F>>>;
type Poke<F> = Box<dyn Fn(&mut Endpoint<F>)>;
type Decide<F> = Box<dyn Fn(&mut Endpoint<F>) -> bool>;
type Join<F> = Box<dyn Fn(&[<F as Traffic>::Item]) -> Vec<<F as Traffic>::Item>>;

impl Subject<Pipe> {
    /// Creates the subject of a tunnel: a layer that carries bytes for its application.
    pub fn tunnel<C, S>(
        name: impl Into<String>,
        client: impl Fn() -> C + 'static,
        server: impl Fn() -> S + 'static,
    ) -> Self
    where
        C: Layer<In = Pipe, Out = Pipe> + 'static,
        S: Layer<In = Pipe, Out = Pipe> + 'static,
    {
        Self::new(name, client, server, pattern)
    }
}

impl<T> Subject<Queue<T>>
where
    T: ByteSize + Clone + PartialEq + fmt::Debug + 'static,
{
    /// Creates the subject of an endpoint that carries messages. `sample` makes a message of about
    /// the given number of bytes.
    pub fn messages<C, S>(
        name: impl Into<String>,
        client: impl Fn() -> C + 'static,
        server: impl Fn() -> S + 'static,
        sample: impl Fn(usize) -> T + 'static,
    ) -> Self
    where
        C: Layer<In = Queue<T>, Out = Queue<T>> + 'static,
        S: Layer<In = Queue<T>, Out = Queue<T>> + 'static,
    {
        Self::new(name, client, server, move |size| vec![sample(size)])
    }
}

impl<F: Traffic> Subject<F> {
    fn new<C, S>(
        name: impl Into<String>,
        client: impl Fn() -> C + 'static,
        server: impl Fn() -> S + 'static,
        sample: impl Fn(usize) -> Vec<F::Item> + 'static,
    ) -> Self
    where
        C: Layer<In = F, Out = F> + 'static,
        S: Layer<In = F, Out = F> + 'static,
    {
        Self {
            name: name.into(),
            client: Box::new(move || Box::new(client())),
            server: Box::new(move || Box::new(server())),
            decide: Box::new(|_| false),
            poke: Box::new(|_| {}),
            sample: Box::new(sample),
            join: None,
            limits: vec![1, 100, 65536],
            unit: 1024,
            memory: 16 << 20,
            largest: 3 << 20,
            samples: 200,
            wire_bytes: WireBytes::Vary,
            marks_end: false,
            refused: false,
            half_closes: OnceCell::new(),
        }
    }

    /// Sets the function that makes decisions, which is called whenever a peer has run. It looks
    /// for a layer that waits for a decision, with
    /// [`LayerExt::part_mut`](wirestack_layer::LayerExt::part_mut), and returns `true` if it made
    /// one.
    #[must_use]
    pub fn deciding(mut self, decide: impl Fn(&mut Endpoint<F>) -> bool + 'static) -> Self {
        self.decide = Box::new(decide);
        self
    }

    /// Adds an action of the application besides sending and receiving, such as a ping. The laws
    /// call it at bad moments, on both peers.
    ///
    /// ```
    /// use wirestack_laws::Subject;
    /// use wirestack_layer::{LayerExt, Tunnel};
    ///
    /// #[derive(Debug, Default)]
    /// struct Pings(u32);
    ///
    /// impl std::fmt::Display for Pings {
    ///     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let peer = || Tunnel::with_state("pings", Pings::default(), async |_| Ok(()));
    /// let subject = Subject::tunnel("pings", peer, peer).poking(|endpoint| {
    ///     if let Some(peer) = endpoint.part_mut::<Tunnel<Pings>>() {
    ///         peer.state_mut().0 += 1; // the application asks for one more
    ///     }
    /// });
    /// drop(subject);
    /// ```
    #[must_use]
    pub fn poking(mut self, poke: impl Fn(&mut Endpoint<F>) + 'static) -> Self {
        self.poke = Box::new(poke);
        self
    }

    /// Sets how received items are joined before they are compared. A layer that delivers parts of
    /// messages needs it: its parts depend on how the input was cut.
    ///
    /// ```
    /// use wirestack_laws::Subject;
    /// use wirestack_layer::Tunnel;
    ///
    /// /// A stream of words, which arrive in parts.
    /// fn words(parts: &[u8]) -> Vec<u8> {
    ///     parts.split(|byte| *byte == b' ').collect::<Vec<_>>().concat()
    /// }
    ///
    /// let nothing = || Tunnel::new("nothing", async |_| Ok(()));
    /// let subject = Subject::tunnel("words", nothing, nothing).joining(words);
    /// drop(subject);
    /// ```
    #[must_use]
    pub fn joining(mut self, join: impl Fn(&[F::Item]) -> Vec<F::Item> + 'static) -> Self {
        self.join = Some(Box::new(join));
        self
    }

    /// Promises that the bytes on the wire depend on the messages alone: not on how the input is
    /// cut, on limits, on time or on randomness.
    #[must_use]
    pub fn same_bytes(mut self) -> Self {
        self.wire_bytes = WireBytes::Same;
        self
    }

    /// Promises that the same calls write the same bytes: they depend on nothing but the flows and
    /// the time of each call, and everything random comes from a [`Seed`](wirestack_layer::Seed).
    /// [`same_bytes`](Self::same_bytes) promises more.
    ///
    /// A protocol that fills its frames with the bytes that wait can promise it: HTTP/2 with its
    /// DATA frames, and a WebSocket that carries bytes. TLS cannot: its key exchange takes
    /// randomness from the system, and accepts no seed.
    ///
    /// [`associativity`](crate::associativity) then compares the bytes on the wire of several
    /// groupings. They are equal if every grouping calls the layer that makes the frames with the
    /// same flows:
    ///
    /// * The joint above that layer has the same limit in every grouping, because a frame carries
    ///   no more than the joint holds.
    /// * The joint below it dissolves, or has room for a few frames. The layer answers the frames
    ///   that have arrived, and through a smaller joint fewer of them arrive together.
    /// * At most one layer lies above it. If two layers above it write, one grouping calls it after
    ///   each of them, and another grouping only after both. It then makes two frames in the first
    ///   and one in the second. Both are right, and they carry the same bytes.
    ///
    /// In one case the bytes are not compared: an application aborts, and at the same time its peer
    /// finishes. The peer may see the abort before it finishes or after, which depends on the
    /// number of calls that carry the bytes before the abort, and so on the room of the joints.
    ///
    /// ```
    /// use wirestack_laws::Subject;
    /// use wirestack_layer::{Error, Tunnel};
    ///
    /// let open = || Tunnel::new("open", async |_| Ok::<(), Error>(()));
    /// let subject = Subject::tunnel("open", open, open).repeatable(); // for `associativity`
    /// drop(subject);
    /// ```
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.wire_bytes = self.wire_bytes.max(WireBytes::Repeat);
        self
    }

    /// Promises that the protocol marks its end on the wire, so that a connection that was cut is
    /// never taken for one that ended.
    ///
    /// ```
    /// use wirestack_laws::Subject;
    /// use wirestack_layer::Tunnel;
    ///
    /// // Once it is open, a plain tunnel ends where its connection ends: it cannot promise this.
    /// let client = || Tunnel::new("hello", async |wire| {
    ///     wire.write("HELLO\n").await;
    ///     Ok(())
    /// });
    /// let server = || Tunnel::new("hello", async |wire| {
    ///     wire.read_line(100, "the greeting").await.map(drop)
    /// });
    /// let plain = Subject::tunnel("hello", client, server);
    ///
    /// // A protocol with a last frame can, such as TLS with its close_notify.
    /// let framed = |subject: Subject<wirestack_layer::Pipe>| subject.marks_end();
    /// drop((plain, framed));
    /// ```
    #[must_use]
    pub fn marks_end(mut self) -> Self {
        self.marks_end = true;
        self
    }

    /// Declares that the server's application refuses. The laws then check how a refusal ends.
    ///
    /// ```
    /// use wirestack_laws::{Subject, check};
    /// use wirestack_layer::{Error, Tunnel};
    ///
    /// let client = || Tunnel::new("login", async |wire| {
    ///     match wire.read_array("the answer").await? {
    ///         [b'+'] => Ok(()),
    ///         _ => Err(Error::peer("login", "the password was refused")),
    ///     }
    /// });
    /// let server = || Tunnel::new("login", async |wire| {
    ///     wire.write("-").await;
    ///     Err(Error::local("login", "nobody may come in"))
    /// });
    /// check(&Subject::tunnel("login", client, server).refused().samples(2).largest(3_000));
    /// ```
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// Sets the size of the largest unit in bytes, without the message in it. So far a layer may
    /// overshoot the room of a flow, and so much it may hold itself. The default is 1 KiB; the unit
    /// of a stack includes its joints.
    #[must_use]
    pub fn unit(mut self, bytes: usize) -> Self {
        self.unit = bytes;
        self
    }

    /// Sets the number of bytes that the layer may [`require`](wirestack_layer::Pipe::require) at
    /// most, for anything that a peer sends. The default is 16 MiB.
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets the size of the largest message, in bytes. It should be larger than every limit and
    /// window of the layer. The default is 3 MiB.
    #[must_use]
    pub fn largest(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// Sets the limits of flows that are tried, in bytes. The default is 1, 100 and 65536.
    #[must_use]
    pub fn limits(mut self, limits: &[usize]) -> Self {
        self.limits = limits.to_vec();
        self.limits.sort_unstable();
        self
    }

    /// Sets the number of offsets at which a conversation is cut and gets faults. A shorter
    /// conversation gets them at every offset. The default is 200.
    #[must_use]
    pub fn samples(mut self, offsets: usize) -> Self {
        self.samples = offsets;
        self
    }

    /// Returns a message of each of the [`SIZES`].
    pub(crate) fn items(&self) -> Vec<F::Item> {
        SIZES.iter().flat_map(|size| (self.sample)(*size)).collect()
    }

    /// Returns `true` if an item may arrive in parts.
    pub(crate) fn has_parts(&self) -> bool {
        self.join.is_some()
    }

    /// Returns these items in the form in which they are compared.
    pub(crate) fn joined(&self, items: &[F::Item]) -> Vec<F::Item> {
        self.join
            .as_ref()
            .map_or_else(|| items.to_vec(), |join| join(items))
    }

    /// Returns the largest of the limits.
    pub(crate) fn largest_limit(&self) -> usize {
        self.limits.iter().copied().max().unwrap_or(65536)
    }
}

impl<F: Traffic> fmt::Debug for Subject<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The sizes of messages: around the edges of length fields.
const SIZES: [usize; 6] = [0, 1, 125, 126, 700, 3];
