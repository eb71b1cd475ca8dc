//! What differs between Unix and Windows: how another thread interrupts `poll`, and how a connect says
//! that it goes on.

pub(super) use platform::{Bell, is_connecting};

#[cfg(unix)]
mod platform {
    use rustix::fd::{AsFd, BorrowedFd};
    use rustix::io::Errno;
    use std::io::{self, Read, Write};
    use std::os::unix::net::UnixStream;

    /// Wakes a thread that sleeps in `poll`.
    pub(in super::super) struct Bell {
        near: UnixStream,
        far: UnixStream,
    }

    impl Bell {
        pub(in super::super) fn new() -> io::Result<Self> {
            let (near, far) = UnixStream::pair()?;
            near.set_nonblocking(true)?;
            far.set_nonblocking(true)?;
            Ok(Self { near, far })
        }

        pub(in super::super) fn ring(&self) {
            let _ = (&self.far).write(&[1]); // if there is no room, it has been rung already
        }

        pub(in super::super) fn silence(&self) {
            let _ = (&self.near).read(&mut [0; 64]);
        }
    }

    impl AsFd for Bell {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.near.as_fd()
        }
    }

    /// Returns whether a connect of a non-blocking socket goes on. A Unix socket whose backlog is full
    /// says `WouldBlock`, and does not go on.
    pub(in super::super) fn is_connecting(error: &io::Error) -> bool {
        error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error())
    }
}

#[cfg(windows)]
mod platform {
    use std::io;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::os::windows::io::{AsSocket, BorrowedSocket};

    /// Wakes a thread that sleeps in `poll`: `WSAPoll` takes sockets only, so it is a UDP socket that
    /// is connected to itself.
    pub(in super::super) struct Bell(UdpSocket);

    impl Bell {
        pub(in super::super) fn new() -> io::Result<Self> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect(socket.local_addr()?)?;
            socket.set_nonblocking(true)?;
            Ok(Self(socket))
        }

        pub(in super::super) fn ring(&self) {
            let _ = self.0.send(&[1]); // if there is no room, it has been rung already
        }

        pub(in super::super) fn silence(&self) {
            while self.0.recv(&mut [0; 8]).is_ok() {}
        }
    }

    impl AsSocket for Bell {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.0.as_socket()
        }
    }

    /// Returns whether a connect of a non-blocking socket goes on.
    pub(in super::super) fn is_connecting(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::WouldBlock
    }
}
