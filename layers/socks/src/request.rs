use crate::Address;
use alloc::boxed::Box;
use core::fmt;

/// A command: the service that a client asks a proxy for.
///
/// ```
/// use wirestack_socks::Command;
///
/// assert_eq!(Command::UdpAssociate.to_string(), "UDP ASSOCIATE");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A connection to an address.
    Connect,
    /// One connection from an address to the proxy, as active FTP needs it.
    Bind,
    /// A relay of datagrams (only in SOCKS5; see [`datagram`](crate::datagram)).
    UdpAssociate,
}

impl Command {
    /// Returns the code on the wire, which is the same in every version.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Connect => 1,
            Self::Bind => 2,
            Self::UdpAssociate => 3,
        }
    }

    /// Returns the name of the request, while the application decides.
    pub(crate) fn request(self) -> &'static str {
        match self {
            Self::Connect => "the CONNECT request",
            Self::Bind => "the BIND request",
            Self::UdpAssociate => "the UDP ASSOCIATE request",
        }
    }

    /// Returns the name of the (first) reply, while the client waits for it.
    pub(crate) fn reply(self) -> &'static str {
        match self {
            Self::Connect => "the reply to CONNECT",
            Self::Bind => "the reply to BIND",
            Self::UdpAssociate => "the reply to UDP ASSOCIATE",
        }
    }
}

/// Shows the command as the RFC has it, such as `UDP ASSOCIATE`.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "CONNECT",
            Self::Bind => "BIND",
            Self::UdpAssociate => "UDP ASSOCIATE",
        })
    }
}

/// The version that a client speaks.
///
/// ```
/// assert_eq!(wirestack_socks::Version::Socks5.to_string(), "SOCKS5");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// SOCKS4, or SOCKS4a where the target is a name.
    Socks4,
    /// SOCKS5.
    Socks5,
}

/// Shows `SOCKS4` or `SOCKS5`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socks4 => "SOCKS4",
            Self::Socks5 => "SOCKS5",
        })
    }
}

/// The request of a client to a [`Server`](crate::Server).
///
/// ```
/// use wirestack_layer::{Flows, Instant, Layer, Pipe};
/// use wirestack_socks::{Address, Command, Server, Version};
///
/// let mut server = Server::new().with_socks4(|user| user == b"ada");
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"\x04\x01\x01\xbb\xc0\x00\x02\x07ada\0");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
/// let request = server.request().unwrap();
/// assert_eq!((request.version(), request.command()), (Version::Socks4, Command::Connect));
/// assert_eq!(request.target(), &Address::new("192.0.2.7", 443)?);
/// assert_eq!(request.user(), Some(&b"ada"[..]));
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub(crate) version: Version,
    pub(crate) command: Command,
    pub(crate) target: Address,
    pub(crate) user: Option<Box<[u8]>>,
}

impl Request {
    /// Returns the version that the client speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the command: one of those that the server serves.
    pub fn command(&self) -> Command {
        self.command
    }

    /// Returns the address of the request.
    ///
    /// For CONNECT it is the target; for BIND, the peer that the client expects; for UDP ASSOCIATE,
    /// the address from which the client will send datagrams, or zeros if it does not know it yet.
    pub fn target(&self) -> &Address {
        &self.target
    }

    /// Returns the user: the user name whose password was right, or the user id of SOCKS4, which
    /// may be empty. Returns `None` in SOCKS5 without authentication.
    pub fn user(&self) -> Option<&[u8]> {
        self.user.as_deref()
    }
}

/// Leaves the user out, so that no log shows it.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("version", &self.version)
            .field("command", &self.command)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The set of commands that a server serves.
#[derive(Clone, Copy)]
pub(crate) struct Commands(u8);

impl Commands {
    pub(crate) fn only(command: Command) -> Self {
        Self(1 << command.code())
    }

    pub(crate) fn and(self, command: Command) -> Self {
        Self(self.0 | 1 << command.code())
    }

    /// Returns the command with this code if it is in the set.
    pub(crate) fn find(self, code: u8) -> Option<Command> {
        let all = [Command::Connect, Command::Bind, Command::UdpAssociate];
        let mut served = all.into_iter().filter(|one| self.0 & 1 << one.code() != 0);
        served.find(|one| one.code() == code)
    }
}
