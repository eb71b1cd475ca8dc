//! The proxy settings of the system, read anew for each dialing.

#[cfg(unix)]
mod command;
#[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
mod desktop;
mod kept_pac;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use kept_pac::KeptPac;
use std::sync::Arc;
use wirestack_dial::find::{FindAction, FindInput, FindRoutes, RouteSource};
use wirestack_dial::system::{SystemRoutes, SystemSettings};
use wirestack_dial::{Environment, Routes, Target};
use wirestack_layer::{Error, Instant, origin};

/// The proxies that the settings of the system name, behind those of the environment.
///
/// If a variable of the environment names a proxy for the target, or `no_proxy` covers it, the
/// environment decides (see [`Environment`]). Otherwise the settings of the system do:
///
/// | system | read from | tried on a real one |
/// |---|---|---|
/// | GNOME, Unity, Cinnamon, Budgie, Pantheon, Deepin | the program `gsettings` | yes, on GNOME's schema |
/// | KDE | the files `kioslaverc` | the file only |
/// | macOS | the program `scutil` | no: only texts that were captured |
/// | Windows | the registry | no: only values that were captured |
///
/// Without settings the connection is direct. No setting is kept: one that has changed counts
/// from the next dialing on. The reading runs on a thread that may block. It takes some 10 ms where
/// a program runs, which has 5 s and 256 KiB, and less than 1 ms elsewhere.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = wirestack::connect("wss://example.org/chat").system_proxy().await?;
/// # drop(socket);
/// # Ok(())
/// # }
/// ```
///
/// A setting that names no proxy that can be used is an error, and never a way around the proxy.
/// Settings that name a proxy auto-config file need the feature `pac`. The file is kept and
/// refreshed as by `Pac`, as long as this value and its clones live: a builder that is cloned, or a
/// [`Connector`](crate::Connector), gets it once.
#[derive(Clone, Debug, Default)]
pub struct SystemProxy {
    pac: Arc<KeptPac>,
}

impl SystemProxy {
    /// Creates the source of routes.
    ///
    /// ```
    /// use wirestack::{SystemProxy, connect};
    ///
    /// let system = SystemProxy::new(); // one cache for the file that the settings may name
    /// for url in ["wss://example.org/chat", "wss://example.org/news"] {
    ///     assert!(connect(url).routes(system.clone().into()).plan().is_ok());
    /// }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }
}

impl From<SystemProxy> for Routes {
    fn from(source: SystemProxy) -> Self {
        Self::found_by(Arc::new(source))
    }
}

impl RouteSource for SystemProxy {
    fn name(&self) -> String {
        "proxy settings of the system".to_owned()
    }

    fn finder(&self, target: &Target) -> Box<dyn FindRoutes> {
        Box::new(Finder {
            target: target.clone(),
            pac: self.pac.clone(),
            read: None,
            notes: Vec::new(),
        })
    }
}

/// Finds the routes of one dialing.
struct Finder {
    target: Target,
    pac: Arc<KeptPac>,
    read: Option<Result<Found, Error>>,
    notes: Vec<String>,
}

/// The settings that were read, and a note for the trace.
pub(super) struct Found {
    pub(super) settings: SystemSettings,
    pub(super) note: Option<String>,
}

impl FindRoutes for Finder {
    fn step(&mut self, input: FindInput, _: Instant) -> FindAction {
        if matches!(input, FindInput::Start) {
            let environment = Environment::of_this_process();
            if environment.decides_about(&self.target) {
                self.notes.push("the environment decides".to_owned());
                return FindAction::Found(Routes::environment(environment));
            }
            return FindAction::RunBlocking;
        }
        match self.read.take() {
            Some(Ok(found)) => {
                self.notes.extend(found.note);
                self.decide(&found.settings)
            }
            Some(Err(error)) => FindAction::Fail(error),
            None => FindAction::RunBlocking,
        }
    }

    fn run_blocking(&mut self) {
        self.read = Some(read());
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

impl Finder {
    fn decide(&self, settings: &SystemSettings) -> FindAction {
        match settings.routes(&self.target) {
            Ok(SystemRoutes::Routes(routes)) => FindAction::Found(routes),
            Ok(SystemRoutes::Pac(url)) => match self.pac.routes(&url) {
                Ok(routes) => FindAction::Found(routes),
                Err(error) => FindAction::Fail(error),
            },
            Ok(SystemRoutes::AutoDetect) => FindAction::Fail(local(Unusable::AutoDetect)),
            Ok(_) => FindAction::Fail(local(Unusable::Unknown)),
            Err(error) => FindAction::Fail(local(error)),
        }
    }
}

/// Reads the settings of this system.
#[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
fn read() -> Result<Found, Error> {
    desktop::read()
}

/// Reads the settings of this system.
#[cfg(target_os = "macos")]
fn read() -> Result<Found, Error> {
    macos::read()
}

/// Reads the settings of this system.
#[cfg(windows)]
fn read() -> Result<Found, Error> {
    windows::read()
}

/// Returns no settings: this system has none that can be read here.
#[cfg(not(any(
    windows,
    target_os = "macos",
    all(unix, not(target_vendor = "apple"), not(target_os = "android"))
)))]
fn read() -> Result<Found, Error> {
    Ok(Found {
        settings: SystemSettings::direct(),
        note: Some("the settings of this system cannot be read".to_owned()),
    })
}

/// Returns an error that comes again as long as the settings are the same.
pub(super) fn local(error: impl Into<wirestack_layer::BoxError>) -> Error {
    Error::local(origin::ROUTE, error)
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(
        "they ask for automatic detection (WPAD), which is not done unasked: name the proxy with \
         `via`, or in the settings"
    )]
    AutoDetect,
    #[error("they are of a kind that is not known here")]
    Unknown,
}
