//! The difference between Unix and Windows: how a thread interrupts the `poll` of another one.

pub(super) use platform::Notifier;

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
