//! The differences between systems: how a thread interrupts the `poll` of another one, and how it
//! reads and writes a socket without waiting.

pub(super) use platform::Notifier;
pub(super) use stream::{CAN_WAIT_IN_READ, prepare, read, read_or_wait, write};

/// A socket that waits where a call does not say that it must not: a thread that needs nothing but
/// its bytes then sleeps in the read itself, and not in `poll` before it.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod stream {
    use rustix::fd::AsFd;
    use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmsg};
    use std::io::{self, IoSlice};

    /// A thread may sleep in [`read_or_wait`].
    pub(in super::super) const CAN_WAIT_IN_READ: bool = true;

    /// Sets the mode that the other calls need, with `set_nonblocking` of the socket.
    pub(in super::super) fn prepare(
        set_nonblocking: impl FnOnce(bool) -> io::Result<()>,
    ) -> io::Result<()> {
        set_nonblocking(false)
    }

    /// Reads what is there.
    pub(in super::super) fn read(io: &impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
        Ok(recv(io, buf, RecvFlags::DONTWAIT)?.0)
    }

    /// Reads, and waits until something is there.
    pub(in super::super) fn read_or_wait(io: &impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
        Ok(recv(io, buf, RecvFlags::empty())?.0)
    }

    /// Writes what there is room for.
    pub(in super::super) fn write(io: &impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        Ok(match slices {
            [one] => send(io, one, flags)?,
            many => sendmsg(io, many, &mut SendAncillaryBuffer::default(), flags)?,
        })
    }
}

/// A socket that never waits.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod stream {
    use std::io::{self, IoSlice, Read, Write};

    pub(in super::super) const CAN_WAIT_IN_READ: bool = false;

    pub(in super::super) fn prepare(
        set_nonblocking: impl FnOnce(bool) -> io::Result<()>,
    ) -> io::Result<()> {
        set_nonblocking(true)
    }

    pub(in super::super) fn read<S>(mut io: &S, buf: &mut [u8]) -> io::Result<usize>
    where
        for<'a> &'a S: Read,
    {
        io.read(buf)
    }

    pub(in super::super) fn read_or_wait<S>(io: &S, buf: &mut [u8]) -> io::Result<usize>
    where
        for<'a> &'a S: Read,
    {
        read(io, buf)
    }

    pub(in super::super) fn write<S>(mut io: &S, slices: &[IoSlice<'_>]) -> io::Result<usize>
    where
        for<'a> &'a S: Write,
    {
        io.write_vectored(slices)
    }
}

#[cfg(unix)]
mod platform {
    use rustix::fd::{AsFd, BorrowedFd};
    use std::io::{self, Read, Write};
    use std::os::unix::net::UnixStream;

    /// Wakes a thread that sleeps in `poll`, with a byte on a pair of connected sockets.
    pub(in super::super) struct Notifier {
        near: UnixStream,
        far: UnixStream,
    }

    impl Notifier {
        pub(in super::super) fn new() -> io::Result<Self> {
            let (near, far) = UnixStream::pair()?;
            near.set_nonblocking(true)?;
            far.set_nonblocking(true)?;
            Ok(Self { near, far })
        }

        pub(in super::super) fn notify(&self) {
            let _ = (&self.far).write(&[1]); // without room, bytes wait there already
        }

        pub(in super::super) fn clear(&self) {
            let _ = (&self.near).read(&mut [0; 64]);
        }
    }

    impl AsFd for Notifier {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.near.as_fd()
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::io;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::os::windows::io::{AsSocket, BorrowedSocket};

    /// Wakes a thread that sleeps in `poll`, with a datagram. `WSAPoll` takes sockets only, so this
    /// is a UDP socket that is connected to itself.
    pub(in super::super) struct Notifier(UdpSocket);

    impl Notifier {
        pub(in super::super) fn new() -> io::Result<Self> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect(socket.local_addr()?)?;
            socket.set_nonblocking(true)?;
            Ok(Self(socket))
        }

        pub(in super::super) fn notify(&self) {
            let _ = self.0.send(&[1]); // without room, bytes wait there already
        }

        pub(in super::super) fn clear(&self) {
            while self.0.recv(&mut [0; 8]).is_ok() {}
        }
    }

    impl AsSocket for Notifier {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.0.as_socket()
        }
    }
}
