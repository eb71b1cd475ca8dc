//! A layer as a value of any type: found by its type, and shown.

use crate::escaped::Escaped;
use crate::progress::Progress;
use alloc::string::ToString;
use core::any::Any;
use core::fmt::{self, Write};

/// A layer as a value of any type: it can be found by its type, and shown.
///
/// Every layer has it; there is nothing to write. It lets [`Layer`](crate::Layer) have default
/// methods that work in a `Box<dyn Layer>`.
///
/// ```
/// use wirestack_layer::{AnyLayer, Error, Tunnel};
///
/// let layers: Vec<Box<dyn AnyLayer>> =
///     vec![Box::new(Tunnel::new("open", async |_| Ok::<(), Error>(())))];
/// assert_eq!(layers[0].own_status().name, "open");
/// assert!(layers[0].as_any().is::<Tunnel>());
/// ```
pub trait AnyLayer {
    /// Returns the layer as a value that can be downcast.
    fn as_any(&self) -> &dyn Any
    where
        Self: 'static;

    /// Returns the layer as a value that can be downcast and changed.
    ///
    /// ```
    /// use wirestack_layer::{AnyLayer, Error, Facts, Layer, Tunnel};
    ///
    /// let mut layer: Box<dyn AnyLayer> = Box::new(Tunnel::new("open", async |_| Ok::<(), Error>(())));
    /// let tunnel: Option<&mut Tunnel> = layer.as_any_mut().downcast_mut();
    /// assert!(tunnel.is_some_and(|tunnel| !tunnel.is_open()));
    /// ```
    fn as_any_mut(&mut self) -> &mut dyn Any
    where
        Self: 'static;

    /// Returns the state of this layer; see [`Layer::status`](crate::Layer::status).
    fn own_status(&self) -> Status<'_>;

    /// Writes the facts that the layer learnt; see [`Layer::facts`](crate::Layer::facts).
    ///
    /// ```
    /// use wirestack_layer::{AnyLayer, Error, Tunnel};
    ///
    /// /// Shows the facts of a layer of any type, without its name.
    /// struct Shown<'a>(&'a dyn AnyLayer);
    ///
    /// impl std::fmt::Display for Shown<'_> {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         self.0.write_facts(f)
    ///     }
    /// }
    ///
    /// let tunnel = Tunnel::new("open", async |_| Ok::<(), Error>(()));
    /// assert_eq!(Shown(&tunnel).to_string(), ""); // it has learnt nothing
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn write_facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// The state of one layer, as [`Layer::visit`](crate::Layer::visit) shows it. It borrows the layer:
/// nothing is allocated.
///
/// ```
/// use wirestack_layer::{Error, Layer, Progress, Tunnel};
///
/// let tunnel = Tunnel::new("password", async |wire| {
///     wire.read_array::<1>("the answer").await?;
///     Ok::<(), Error>(())
/// });
/// let status = tunnel.status();
/// assert_eq!((status.name, status.open), ("password", false));
/// assert!(matches!(status.progress, Progress::Opening(_)));
/// println!("{status}"); // one line for a log
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Status<'a> {
    /// The layer's name.
    pub name: &'static str,
    /// `true` once its handshake has succeeded.
    pub open: bool,
    /// The step of the protocol that it is at.
    pub progress: Progress,
    /// The facts that it learnt from the peer, in one line; may be empty.
    pub facts: Facts<'a>,
}

impl<'a> Status<'a> {
    pub(crate) fn new(
        name: &'static str,
        open: bool,
        progress: Progress,
        layer: &'a (dyn AnyLayer + 'a),
    ) -> Self {
        Self {
            name,
            open,
            progress,
            facts: Facts(layer),
        }
    }
}

/// Shows a line: `tls: open (TLS 1.3)`.
impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.progress)?;
        let mut bracketed = Bracketed { f, begun: false };
        write!(bracketed, "{}", self.facts)?;
        if bracketed.begun {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// The facts that a layer learnt while it opened, in one line without secrets, as
/// [`Layer::facts`](crate::Layer::facts) writes it. They may repeat what a peer wrote, so they are
/// [escaped](Escaped).
///
/// ```
/// use wirestack_layer::{Error, Flows, Instant, Layer, Pipe, Tunnel};
///
/// let mut tunnel = Tunnel::new("greeting", async |wire| {
///     wire.learn("version 2");
///     Ok::<(), Error>(())
/// });
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// tunnel.process(flows, Instant::ORIGIN);
/// assert_eq!(tunnel.status().facts.to_string(), "version 2");
/// ```
#[derive(Clone, Copy)]
pub struct Facts<'a>(&'a (dyn AnyLayer + 'a));

impl fmt::Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped::new(Unescaped(self.0)).at_most(FACTS_SHOWN).fmt(f)
    }
}

/// The facts as the layer writes them.
struct Unescaped<'a>(&'a (dyn AnyLayer + 'a));

impl fmt::Display for Unescaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_facts(f)
    }
}

/// The number of characters of a layer's facts that are shown.
const FACTS_SHOWN: usize = 500;

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// A formatter that opens a bracket before the first character.
struct Bracketed<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    begun: bool,
}

impl Write for Bracketed<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.begun && !text.is_empty() {
            self.begun = true;
            self.f.write_str(" (")?;
        }
        self.f.write_str(text)
    }
}
