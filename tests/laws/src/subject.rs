use crate::traffic::{Traffic, pattern};
use std::cell::OnceCell;
use std::fmt;
use wirestack_layer::{ByteSize, Layer, Pipe, Queue};

/// A layer whose application sends and receives the same kind of flow.
pub type Endpoint<F> = dyn Layer<In = F, Out = F>;

/// A protocol under test: how its two sides are made, and what it promises.
///
/// What is not stated is not promised: a fresh subject is one whose wire bytes may vary, whose end is
/// not marked on the wire, and which needs no decision.
pub struct Subject<F: Traffic> {
    pub(crate) name: String,
    pub(crate) client: Make<F>,
    pub(crate) server: Make<F>,
    pub(crate) decide: Decide<F>,
    pub(crate) poke: Poke<F>,
    pub(crate) sample: Box<dyn Fn(usize) -> Vec<F::Item>>,
    pub(crate) limits: Vec<usize>,
    pub(crate) unit: usize,
    pub(crate) memory: usize,
    pub(crate) largest: usize,
    pub(crate) samples: usize,
    pub(crate) same_bytes: bool,
    pub(crate) marks_end: bool,
    pub(crate) refused: bool,
    pub(crate) half_closes: OnceCell<bool>,
}

type Make<F> = Box<dyn Fn() -> Box<Endpoint<F>>>;
type Poke<F> = Box<dyn Fn(&mut Endpoint<F>)>;
type Decide<F> = Box<dyn Fn(&mut Endpoint<F>) -> bool>;

impl Subject<Pipe> {
    /// Describes a tunnel: a layer whose application side is bytes.
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
    /// Describes an endpoint that speaks in messages; `sample` makes one of about so many bytes.
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
            limits: vec![1, 100, 65536],
            unit: 1024,
            memory: 16 << 20,
            largest: 3 << 20,
            samples: 200,
            same_bytes: false,
            marks_end: false,
            refused: false,
            half_closes: OnceCell::new(),
        }
    }

    /// Says what the applications do whenever their side has run: it looks for a layer
    /// that waits for a decision, by [`LayerExt::part`](wirestack_layer::LayerExt::part), makes it,
    /// and returns whether it made one.
    #[must_use]
    pub fn deciding(mut self, decide: impl Fn(&mut Endpoint<F>) -> bool + 'static) -> Self {
        self.decide = Box::new(decide);
        self
    }

    /// Adds an action of the application besides sending and receiving, such as a ping. The laws
    /// call it at bad moments, on both sides.
    #[must_use]
    pub fn poking(mut self, poke: impl Fn(&mut Endpoint<F>) + 'static) -> Self {
        self.poke = Box::new(poke);
        self
    }

    /// Promises that the bytes on the wire depend only on what is said, and not on how it is cut,
    /// on limits, on time or on randomness.
    #[must_use]
    pub fn same_bytes(mut self) -> Self {
        self.same_bytes = true;
        self
    }

    /// Promises that the protocol says on the wire when it is done, so that a connection that was
    /// cut is never taken for one that ended.
    #[must_use]
    pub fn marks_end(mut self) -> Self {
        self.marks_end = true;
        self
    }

    /// Says that the server's application refuses: the laws are then checked on how that ends.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// States the largest unit in bytes, beyond the message in it: how far a layer may overshoot the
    /// room of a flow, and how much it may hold itself. 1 KiB unless stated; for a stack, count its
    /// joints.
    #[must_use]
    pub fn unit(mut self, bytes: usize) -> Self {
        self.unit = bytes;
        self
    }

    /// States how many bytes the layer may make a pipe hold with
    /// [`require`](wirestack_layer::Pipe::require), whatever a peer sends; 16 MiB unless stated.
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets the size of the largest message sent, which should be larger than every limit and window
    /// of the layer, in bytes; 3 MiB unless set.
    #[must_use]
    pub fn largest(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// Sets the limits of pipes that are tried, in bytes; 1, 100 and 65536 unless set.
    #[must_use]
    pub fn limits(mut self, limits: &[usize]) -> Self {
        self.limits = limits.to_vec();
        self.limits.sort_unstable();
        self
    }

    /// Sets how many offsets of a conversation are split, cut and bent, if it is longer than that;
    /// 200 unless set.
    #[must_use]
    pub fn samples(mut self, offsets: usize) -> Self {
        self.samples = offsets;
        self
    }

    /// Returns a message of each of the [`SIZES`].
    pub(crate) fn items(&self) -> Vec<F::Item> {
        SIZES.iter().flat_map(|size| (self.sample)(*size)).collect()
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

/// The sizes of what is said: around the edges of length fields.
const SIZES: [usize; 6] = [0, 1, 125, 126, 700, 3];
