//! What the wire of a stack can be.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A transport that waits.
///
/// `Read` and `Write` are all that has to be written; without the time-outs, what is due while a call
/// waits for the peer is done when the peer is heard.
pub trait Socket: Read + Write + Sized {
    /// Sets how long a read may wait, before it fails with `WouldBlock` or `TimedOut`.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn set_read_timeout(&mut self, _limit: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
    /// Sets how long a write may wait, before it fails with `WouldBlock` or `TimedOut`.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn set_write_timeout(&mut self, _limit: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
    /// Ends the direction that is written to.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Makes the peer see that the connection was cut short, when it is dropped.
    fn cut(&mut self) {}
    /// Returns another handle of the same transport, for another thread.
    ///
    /// # Errors
    ///
    /// Those of the system; `Unsupported` unless it is written.
    fn try_clone(&self) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Socket for TcpStream {
    fn set_read_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, limit)
    }
    fn set_write_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, limit)
    }
    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
    fn cut(&mut self) {
        let _ = socket2::SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }
    fn try_clone(&self) -> io::Result<Self> {
        Self::try_clone(self)
    }
}

#[cfg(unix)]
impl Socket for UnixStream {
    fn set_read_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, limit)
    }
    fn set_write_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, limit)
    }
    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
    fn try_clone(&self) -> io::Result<Self> {
        Self::try_clone(self)
    }
}

/// What the wire of a connection is that was dialled here.
#[derive(Debug)]
#[non_exhaustive]
pub enum Transport {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A connection to a Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Does the same with whichever it is.
macro_rules! each {
    ($transport:expr, $io:ident => $act:expr) => {
        match $transport {
            Transport::Tcp($io) => $act,
            #[cfg(unix)]
            Transport::Unix($io) => $act,
        }
    };
}

impl Read for Transport {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        each!(self, io => io.read(buf))
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, io => io.write(bytes))
    }
    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        each!(self, io => io.write_vectored(slices))
    }
    fn flush(&mut self) -> io::Result<()> {
        each!(self, io => io.flush())
    }
}

impl Socket for Transport {
    fn set_read_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        each!(self, io => Socket::set_read_timeout(io, limit))
    }
    fn set_write_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        each!(self, io => Socket::set_write_timeout(io, limit))
    }
    fn finish(&mut self) -> io::Result<()> {
        each!(self, io => Socket::finish(io))
    }
    fn cut(&mut self) {
        each!(self, io => Socket::cut(io));
    }
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(io) => Self::Tcp(io.try_clone()?),
            #[cfg(unix)]
            Self::Unix(io) => Self::Unix(io.try_clone()?),
        })
    }
}
