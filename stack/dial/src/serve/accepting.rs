//! The errors of `accept`: those of one connection, those that pass, and those that last.

use std::io::{self, ErrorKind};
use std::time::Duration;

/// The decisions of a loop that accepts connections, after its errors.
///
/// Linux passes errors of the network that a connection had before it was accepted, and "for
/// reliable operation the application should detect the network errors […] and treat them like
/// EAGAIN by retrying" (`accept(2)`). Where the process has no descriptor or memory left, nothing
/// is lost but time: the connection stays in the backlog.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use wirestack_dial::serve::{AcceptRetry, AfterError};
///
/// let mut retry = AcceptRetry::default();
/// let aborted = Error::from(ErrorKind::ConnectionAborted);
/// assert_eq!(retry.failed(&aborted), AfterError::Again);
/// let full = Error::from(ErrorKind::OutOfMemory);
/// assert!(matches!(retry.failed(&full), AfterError::Wait(_)));
/// retry.accepted();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AcceptRetry {
    /// The errors of single connections since the last accepted one.
    aborted: u32,
    /// The last wait, since the last accepted connection.
    waited: Option<Duration>,
}

/// The decision after an error of `accept`.
///
/// ```
/// use std::io;
/// use wirestack_dial::serve::{AcceptRetry, AfterError};
///
/// let mut retry = AcceptRetry::default();
/// let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
/// match retry.failed(&gone) {
///     AfterError::Again => {} // that client has left; the next one may be there
///     AfterError::Wait(_time) => unreachable!("nothing has run out"),
///     AfterError::End => unreachable!("the listener is well"),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterError {
    /// The error was that of one connection: accept the next one.
    Again,
    /// Something has run out: accept again after this time, or as soon as a connection has ended.
    Wait(Duration),
    /// The listener is dead: it will never accept another connection.
    End,
}

impl AcceptRetry {
    /// Records that a connection was accepted.
    pub fn accepted(&mut self) {
        *self = Self::default();
    }

    /// Decides what to do after an error.
    pub fn failed(&mut self, error: &io::Error) -> AfterError {
        match kind(error) {
            Kind::Connection if self.aborted < MAX_ABORTED => {
                self.aborted += 1;
                AfterError::Again
            }
            Kind::Listener => AfterError::End,
            Kind::Connection | Kind::Other => {
                let next = self.waited.map_or(SHORTEST_WAIT, |last| last * 2);
                let wait = next.min(LONGEST_WAIT);
                self.waited = Some(wait);
                AfterError::Wait(wait)
            }
        }
    }
}

enum Kind {
    /// One connection broke.
    Connection,
    /// The listener is no listener.
    Listener,
    /// Anything else, such as too many open files.
    Other,
}

fn kind(error: &io::Error) -> Kind {
    match error.kind() {
        ErrorKind::ConnectionAborted
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionRefused
        | ErrorKind::NetworkDown
        | ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::TimedOut
        | ErrorKind::PermissionDenied // a firewall forbids it
        | ErrorKind::Interrupted => return Kind::Connection,
        ErrorKind::InvalidInput | ErrorKind::Unsupported => return Kind::Listener,
        ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::QuotaExceeded => {
            return Kind::Other;
        }
        _ => {}
    }
    match error.raw_os_error() {
        Some(code) if NO_LISTENER.contains(&code) => Kind::Listener,
        Some(code) if CONNECTION.contains(&code) => Kind::Connection,
        Some(_) => Kind::Other,
        // The error of a runtime, for example one that has been shut down.
        None => Kind::Listener,
    }
}

/// EBADF, EFAULT, EINVAL and ENOTSOCK.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NO_LISTENER: &[i32] = &[9, 14, 22, 88];
#[cfg(windows)]
const NO_LISTENER: &[i32] = &[6, 10009, 10014, 10022, 10038, 10093];
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
const NO_LISTENER: &[i32] = &[9, 14, 22, 38];

/// ENONET, EPROTO, ENOPROTOOPT and EHOSTDOWN, which have no [`ErrorKind`].
#[cfg(any(target_os = "linux", target_os = "android"))]
const CONNECTION: &[i32] = &[64, 71, 92, 112];
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CONNECTION: &[i32] = &[];

/// The number of broken connections in a row after which the loop takes a breath.
const MAX_ABORTED: u32 = 32;

const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(error: io::Error) -> AfterError {
        AcceptRetry::default().failed(&error)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn errors_of_the_system_end_the_loop_only_if_the_listener_is_dead() {
        let wait = AfterError::Wait(SHORTEST_WAIT);
        for (name, code, wanted) in [
            ("EPERM", 1, AfterError::Again),
            ("EINTR", 4, AfterError::Again),
            ("EBADF", 9, AfterError::End),
            ("EAGAIN", 11, wait),
            ("ENOMEM", 12, wait),
            ("EFAULT", 14, AfterError::End),
            ("EINVAL", 22, AfterError::End),
            ("ENFILE", 23, wait),
            ("EMFILE", 24, wait),
            ("ENOSPC", 28, wait),
            ("ENONET", 64, AfterError::Again),
            ("EPROTO", 71, AfterError::Again),
            ("ENOTSOCK", 88, AfterError::End),
            ("ENOPROTOOPT", 92, AfterError::Again),
            ("ENETDOWN", 100, AfterError::Again),
            ("ENETUNREACH", 101, AfterError::Again),
            ("ECONNABORTED", 103, AfterError::Again),
            ("ECONNRESET", 104, AfterError::Again),
            ("ENOBUFS", 105, wait),
            ("ETIMEDOUT", 110, AfterError::Again),
            ("EHOSTDOWN", 112, AfterError::Again),
            ("EHOSTUNREACH", 113, AfterError::Again),
            ("EDQUOT", 122, wait),
            ("an unknown one", 4095, wait),
        ] {
            assert_eq!(failed(io::Error::from_raw_os_error(code)), wanted, "{name}");
        }
    }

    #[test]
    fn the_error_of_a_runtime_that_is_gone_ends_the_loop() {
        assert_eq!(
            failed(io::Error::other("the reactor is gone")),
            AfterError::End
        );
        let unsupported = io::Error::from(ErrorKind::Unsupported);
        assert_eq!(failed(unsupported), AfterError::End);
    }

    #[test]
    fn waits_grow_up_to_a_second_and_begin_again_after_a_connection() {
        let mut retry = AcceptRetry::default();
        let full = io::Error::from(ErrorKind::OutOfMemory);
        let waits: Vec<_> = (0..10).map(|_| retry.failed(&full)).collect();
        let of = |ms| AfterError::Wait(Duration::from_millis(ms));
        assert_eq!(waits[..4], [of(5), of(10), of(20), of(40)]);
        assert_eq!(waits[9], of(1000));
        retry.accepted();
        assert_eq!(retry.failed(&full), of(5));
    }

    #[test]
    fn a_flood_of_broken_connections_does_not_spin() {
        let mut retry = AcceptRetry::default();
        let aborted = || io::Error::from(ErrorKind::ConnectionAborted);
        let again = (0..1000).take_while(|_| retry.failed(&aborted()) == AfterError::Again);
        assert_eq!(again.count(), MAX_ABORTED as usize);
        assert!(matches!(retry.failed(&aborted()), AfterError::Wait(_)));
    }
}
