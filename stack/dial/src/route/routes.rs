//! The list of routes to a target.

use crate::route::endpoint::RouteError;
use crate::route::environment::Environment;
use crate::route::find::{Fetch, FindInput};
use crate::route::hop::Hop;
use crate::route::pac_result;
use crate::route::target::Target;
use std::fmt;
use std::sync::Arc;
use wirestack_layer::{Error, Instant};

/// The routes to a target, in the order in which they are tried.
///
/// Each route is a list of hops, the nearest first. A route without hops goes straight to the
/// target.
///
/// The next route is tried if a proxy of this one was not found, was not reached, took too long,
/// refused or broke. If the target itself refused, no other route is tried: the answer would be the
/// same.
///
/// ```
/// use wirestack_dial::Routes;
///
/// let hop = "http://proxy.test:3128".parse()?;
/// let routes = Routes::any_of([vec![hop], vec![]]);
/// assert_eq!(routes.to_string(), "http://proxy.test:3128; direct");
/// // The result of a proxy auto-config file:
/// let routes = Routes::pac("PROXY proxy.test:3128; SOCKS gate.test; DIRECT")?;
/// let shown = "http://proxy.test:3128; socks5h://gate.test:1080; direct";
/// assert_eq!(routes.to_string(), shown);
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone)]
pub struct Routes {
    kind: Kind,
    /// The items of a list that were passed over, each with the reason.
    skipped: Vec<String>,
}

#[derive(Clone)]
enum Kind {
    List(Vec<Arc<[Hop]>>),
    Environment(Environment),
    /// They are found while dialing.
    Found(Arc<dyn RouteSource>),
}

/// A place to find the routes to targets at: a proxy auto-config file, or the settings of a system.
///
/// It is a handle that lives as long as its user wants: a cache belongs here. For each dialing it
/// makes a [`FindRoutes`], which the dialer asks.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use wirestack_dial::find::{FindAction, FindInput, FindRoutes, RouteSource};
/// use wirestack_dial::{Routes, Target};
/// use wirestack_layer::Instant;
///
/// /// Knows two proxies, and prefers the one that was reached last.
/// struct TwoProxies(Mutex<[&'static str; 2]>);
///
/// impl RouteSource for TwoProxies {
///     fn name(&self) -> String {
///         "list of two proxies".to_owned()
///     }
///
///     fn finder(&self, _target: &Target) -> Box<dyn FindRoutes> {
///         let proxies = *self.0.lock().expect("no panic");
///         let hops = proxies.iter().filter_map(|url| url.parse().ok());
///         Box::new(Known(Routes::any_of(hops.map(|hop| vec![hop]))))
///     }
///
///     fn route_failed(&self, route: &str, _now: Instant) {
///         let mut proxies = self.0.lock().expect("no panic");
///         if proxies[0] == route {
///             proxies.swap(0, 1);
///         }
///     }
/// }
///
/// struct Known(Routes);
///
/// impl FindRoutes for Known {
///     fn step(&mut self, _: FindInput, _: Instant) -> FindAction {
///         FindAction::Found(self.0.clone())
///     }
///
///     fn take_notes(&mut self) -> Vec<String> {
///         vec!["the list has two proxies".to_owned()] // for the trace
///     }
/// }
///
/// let source = TwoProxies(Mutex::new(["http://a.test:3128", "http://b.test:3128"]));
/// let routes = Routes::found_by(Arc::new(source));
/// assert!(!routes.are_known());
/// assert_eq!(routes.to_string(), "by the list of two proxies");
/// ```
pub trait RouteSource: Send + Sync {
    /// Returns its name, for errors and traces: `proxy auto-config http://wpad.test/proxy.pac`.
    fn name(&self) -> String;

    /// Returns a finder of the routes to this target.
    fn finder(&self, target: &Target) -> Box<dyn FindRoutes>;

    /// Takes the name of a route that it found, as [`Routes`] shows it (`direct`, or the hops), and
    /// whose first address was not reached.
    fn route_failed(&self, _route: &str, _now: Instant) {}
}

/// Finds the routes to one target, without I/O: each input is answered by one action.
///
/// ```
/// use wirestack_dial::find::{FindAction, FindInput, FindRoutes, RouteSource};
/// use wirestack_dial::{Routes, Target};
/// use wirestack_layer::Instant;
///
/// /// Reads the proxy from a file, on a thread that may block.
/// struct ProxyFile(Option<Routes>);
///
/// impl FindRoutes for ProxyFile {
///     fn step(&mut self, input: FindInput, _: Instant) -> FindAction {
///         match (input, self.0.take()) {
///             (FindInput::Ran, Some(routes)) => FindAction::Found(routes),
///             (FindInput::Ran, None) => FindAction::Found(Routes::direct()),
///             _ => FindAction::RunBlocking,
///         }
///     }
///
///     fn run_blocking(&mut self) {
///         let text = std::fs::read_to_string("/etc/proxy").unwrap_or_default();
///         self.0 = text.trim().parse().ok().map(|hop| Routes::hops(vec![hop]));
///     }
/// }
/// ```
pub trait FindRoutes: Send {
    /// Decides what to do next. The first input is [`FindInput::Start`].
    fn step(&mut self, input: FindInput, now: Instant) -> FindAction;

    /// Does the work for which it asked with [`FindAction::RunBlocking`], on a thread that may wait.
    fn run_blocking(&mut self) {}

    /// Returns notes for the trace that were made since the last call, each one line: "the file of
    /// 10 minutes ago is used, because its server was not reached".
    ///
    /// ```
    /// use wirestack_dial::find::{FindAction, FindInput, FindRoutes};
    /// use wirestack_dial::Routes;
    /// use wirestack_layer::Instant;
    ///
    /// struct Direct;
    ///
    /// impl FindRoutes for Direct {
    ///     fn step(&mut self, _: FindInput, _: Instant) -> FindAction {
    ///         FindAction::Found(Routes::direct())
    ///     }
    ///
    ///     fn take_notes(&mut self) -> Vec<String> {
    ///         vec!["nobody has named a proxy".to_owned()]
    ///     }
    /// }
    /// assert_eq!(Direct.take_notes(), ["nobody has named a proxy"]);
    /// ```
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// The actions of a [`FindRoutes`].
///
/// ```
/// use wirestack_dial::find::{Fetch, FindAction};
/// use wirestack_dial::Routes;
/// use wirestack_layer::Error;
///
/// /// Decides on the file of a cache: it is used, or got anew.
/// fn next(cached: Option<Result<Routes, Error>>) -> FindAction {
///     match cached {
///         Some(Ok(routes)) => FindAction::Found(routes),
///         Some(Err(error)) => FindAction::Fail(error),
///         None => FindAction::Fetch(Fetch::new("http://wpad.test/proxy.pac", 1 << 20)),
///     }
/// }
/// assert!(matches!(next(None), FindAction::Fetch(_)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum FindAction {
    /// Ask for the time and the addresses of this machine.
    AskMachine,
    /// Get this resource.
    Fetch(Fetch),
    /// Look these names up.
    Resolve(Vec<String>),
    /// Run [`FindRoutes::run_blocking`].
    RunBlocking,
    /// The routes are found. They may again be routes that another source
    /// [finds](Routes::found_by).
    Found(Routes),
    /// There are no routes, for this reason.
    Fail(Error),
}

impl Routes {
    /// Goes straight to the target.
    pub fn direct() -> Self {
        Self::hops(Vec::new())
    }

    /// Goes through these hops, the nearest first.
    ///
    /// ```
    /// use wirestack_dial::{Hop, Routes, Target};
    ///
    /// let routes = Routes::hops(vec!["http://proxy.test:3128".parse::<Hop>()?]);
    /// let target: Target = "wss://example.org/".parse()?;
    /// assert_eq!(routes.to(&target)?[0].len(), 1);
    /// assert!(routes.are_known()); // nothing has to be asked
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn hops(hops: Vec<Hop>) -> Self {
        Self::any_of([hops])
    }

    /// Goes by the first of these routes that works.
    pub fn any_of(routes: impl IntoIterator<Item = Vec<Hop>>) -> Self {
        Self::of(Kind::List(routes.into_iter().map(Arc::from).collect()))
    }

    /// Goes through the proxy that the environment names for the target, or straight to the target.
    ///
    /// ```
    /// use wirestack_dial::{Environment, Routes, Target};
    ///
    /// let environment = Environment::new([("HTTPS_PROXY", "http://proxy.test:3128")]);
    /// let routes = Routes::environment(environment); // `Environment::of_this_process` for the real one
    /// let target: Target = "wss://example.org/".parse()?;
    /// assert_eq!(routes.to(&target)?[0][0].to_string(), "http://proxy.test:3128");
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn environment(environment: Environment) -> Self {
        Self::of(Kind::Environment(environment))
    }

    /// Goes by the routes that are found while dialing.
    ///
    /// The source is asked once for each dialing, and again after a redirect to another target.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack_dial::Routes;
    /// use wirestack_dial::find::RouteSource;
    ///
    /// /// The routes of a program whose user has named a source, such as a PAC file.
    /// fn routes(source: Option<Arc<dyn RouteSource>>) -> Routes {
    ///     source.map_or_else(Routes::direct, Routes::found_by)
    /// }
    /// assert!(routes(None).are_known());
    /// ```
    pub fn found_by(source: Arc<dyn RouteSource>) -> Self {
        Self::of(Kind::Found(source))
    }

    fn of(kind: Kind) -> Self {
        let skipped = Vec::new();
        Self { kind, skipped }
    }

    /// Reads the result of `FindProxyForURL`, the function of a proxy auto-config file: `DIRECT`,
    /// `PROXY`, `HTTP`, `HTTPS`, `SOCKS`, `SOCKS4` and `SOCKS5`, separated by semicolons.
    ///
    /// An item with another keyword (`QUIC`), or without a valid host and port, is passed over, as
    /// browsers do; the [trace](crate::Trace) of a dialing has a note of it. An empty list is
    /// `DIRECT`.
    ///
    /// # Errors
    ///
    /// [`RouteError::Pac`] if all items were passed over. Browsers then go straight to the target,
    /// which the author of the file did not say.
    pub fn pac(result: &str) -> Result<Self, RouteError> {
        let (routes, skipped) = pac_result::read(result)?;
        Ok(Self {
            kind: Kind::List(routes.into_iter().map(Arc::from).collect()),
            skipped,
        })
    }

    /// Returns `true` unless the routes are [found](Self::found_by) while dialing.
    ///
    /// ```
    /// use wirestack_dial::Routes;
    ///
    /// assert!(Routes::direct().are_known());
    /// ```
    pub fn are_known(&self) -> bool {
        self.source().is_none()
    }

    /// Returns the source that finds the routes, if they are not known yet.
    pub(crate) fn source(&self) -> Option<&Arc<dyn RouteSource>> {
        match &self.kind {
            Kind::Found(source) => Some(source),
            _ => None,
        }
    }

    /// Returns the items of a list that were passed over, each with the reason.
    pub(crate) fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Returns `true` if the hops were named one by one, and not found in settings of the machine.
    pub(crate) fn are_named(&self) -> bool {
        matches!(self.kind, Kind::List(_))
    }

    /// Returns the routes to this target.
    ///
    /// ```
    /// use wirestack_dial::Routes;
    ///
    /// let routes = Routes::pac("PROXY a.test:3128; DIRECT")?;
    /// let all = routes.to(&"wss://example.org".parse()?)?;
    /// assert_eq!((all.len(), all[0].len(), all[1].len()), (2, 1, 0));
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError`] if a variable of the environment is not the URL of a proxy, or if the routes are
    /// [found](Self::found_by) while dialing.
    pub fn to(&self, target: &Target) -> Result<Vec<Vec<Hop>>, RouteError> {
        let routes = self.shared_to(target)?;
        Ok(routes.iter().map(|hops| hops.to_vec()).collect())
    }

    /// Returns the routes to this target. Those of a list are shared with it.
    pub(crate) fn shared_to(&self, target: &Target) -> Result<Vec<Arc<[Hop]>>, RouteError> {
        match &self.kind {
            Kind::List(routes) => Ok(routes.clone()),
            Kind::Environment(environment) => {
                let proxy = environment.proxy_for(target)?;
                Ok(vec![proxy.into_iter().collect()])
            }
            Kind::Found(source) => Err(RouteError::NotFound(source.name())),
        }
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Environment(_) => f.write_str("by the proxy of the environment"),
            Kind::Found(source) => write!(f, "by the {}", source.name()),
            Kind::List(routes) => {
                for (n, hops) in routes.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { "; " })?;
                    f.write_str(&name(hops))?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Routes({self})")
    }
}

/// Returns the name of a route for users: its hops, the nearest first.
pub(crate) fn name(hops: &[Hop]) -> String {
    if hops.is_empty() {
        return "direct".to_owned();
    }
    let hops: Vec<_> = hops.iter().map(Hop::to_string).collect();
    hops.join(", then ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_75_an_unknown_keyword_spoils_no_list_of_a_pac_file() {
        for (result, shown, skipped) in [
            (
                "PROXY a.test:1; QUIC q.test:443; DIRECT",
                "http://a.test:1; direct",
                1,
            ),
            ("QUIC q.test:443; HTTPS a.test", "https://a.test:443", 1),
            ("proxy a.test:1;direct", "http://a.test:1; direct", 0),
            (
                " HTTP\ta.test:1 ;; Socks5  b.test ; ",
                "http://a.test:1; socks5h://b.test:1080",
                0,
            ),
            (
                "SOCKS b.test:2;SOCKS4 c.test:3",
                "socks5h://b.test:2; socks4a://c.test:3",
                0,
            ),
            ("PROXY [::1]:1", "http://[::1]:1", 0),
            (
                "PROXY; PROXY a.test:99999; MASQUE m.test; PROXY a.test:1",
                "http://a.test:1",
                3,
            ),
            ("", "direct", 0),
            (" ; ;", "direct", 0),
            ("\n", "direct", 0),
        ] {
            let routes = Routes::pac(result).unwrap();
            assert_eq!(routes.to_string(), shown, "{result:?}");
            assert_eq!(routes.skipped().len(), skipped, "{result:?}");
        }
        // Nobody said that it may go straight there.
        for result in [
            "QUIC q.test:443",
            "PROXY",
            "PROXY a.test:0;",
            "DIRECTLY",
            "\u{1b}[31m",
        ] {
            assert_eq!(
                Routes::pac(result).err(),
                Some(RouteError::Pac),
                "{result:?}"
            );
        }
        let routes = Routes::pac("QU\u{1b}IC x; DIRECT").unwrap();
        assert_eq!(routes.skipped(), [r"QU\u{1b}IC: the keyword is not known"]);
    }
}
