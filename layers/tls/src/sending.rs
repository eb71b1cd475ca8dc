//! The sending half of a session: records of what waits, and the end.

use crate::TlsError;
use crate::phase::Phase;
use crate::record::{APPLICATION_DATA, PLAINTEXT};
use crate::session::Tls;
use bytes::{BufMut, BytesMut};
use rustls::ConnectionCommon;
use std::io::{self, IoSlice, Write};
use std::ops::DerefMut;
use wirestack_layer::{End, Error, Flow, Flows, Pipe};

impl<C, D: 'static> Tls<C>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
{
    /// Encrypts record by record while there are data and room, then passes the end on.
    pub(crate) fn send(&mut self, p: &mut Flows<'_>) -> Result<(), Error> {
        if !self.conn.is_handshaking() {
            while p.to_wire.room() > 0 && !p.from_app.is_empty() {
                self.encrypt(p.from_app, p.to_wire)?;
            }
        }
        let end = if self.conn.is_handshaking() {
            // What waits leaves only behind the handshake, which may never end.
            p.from_app
                .closed()
                .filter(|end| matches!(end, End::Aborted(_)))
        } else {
            p.from_app.end()
        };
        match end.cloned() {
            Some(End::Finished) if p.to_wire.room() > 0 => {
                self.close_notify(p.to_wire);
                self.phase = match self.phase {
                    Phase::Duplex => Phase::Receiving { heard: false },
                    _ => Phase::Over,
                };
                Ok(())
            }
            Some(End::Aborted(error)) => {
                // Without close_notify, so that the peer sees a truncation.
                p.to_wire.abort(error.clone());
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Encrypts one record, of as many waiting pieces as fit.
    fn encrypt(&mut self, from_app: &mut Pipe, to_wire: &mut Pipe) -> Result<(), Error> {
        let mut slices = [IoSlice::new(&[]); GATHERED];
        let (mut filled, mut left) = (0, PLAINTEXT);
        for (slice, chunk) in slices.iter_mut().zip(from_app.chunks()) {
            let part = chunk.len().min(left);
            *slice = IoSlice::new(&chunk[..part]);
            (filled, left) = (filled + 1, left - part);
            if left == 0 {
                break;
            }
        }
        let written = self.conn.writer().write_vectored(&slices[..filled]);
        let n = written.map_err(|_| TlsError::WornOut.local())?;
        // For the records that follow too, instead of growing with each one.
        let expected = from_app.len().min(to_wire.room()).max(n);
        let expected = expected + expected.div_ceil(PLAINTEXT) * OVERHEAD;
        let sent = to_wire.fill(|buf| {
            let start = buf.len();
            buf.reserve(expected);
            while self.conn.wants_write() {
                self.write_records(buf);
            }
            // When the keys of TLS 1.2 are worn out, rustls drops the data and sends close_notify,
            // which the peer would take for the end of the data.
            let sent = buf.get(start) == Some(&APPLICATION_DATA);
            if !sent {
                buf.truncate(start);
            }
            sent
        });
        if !sent {
            return Err(TlsError::WornOut.local());
        }
        from_app.consume(n);
        Ok(())
    }

    pub(crate) fn close_notify(&mut self, to_wire: &mut Pipe) {
        self.conn.send_close_notify();
        self.flush_all(to_wire);
        to_wire.finish();
    }

    /// Sends the records that rustls has made, while there is room.
    pub(crate) fn flush(&mut self, to_wire: &mut Pipe) {
        while to_wire.room() > 0 && self.flush_some(to_wire) {}
    }

    pub(crate) fn flush_all(&mut self, to_wire: &mut Pipe) {
        while self.flush_some(to_wire) {}
    }

    /// Returns `false` if there was nothing to send.
    fn flush_some(&mut self, to_wire: &mut Pipe) -> bool {
        if !self.conn.wants_write() {
            return false;
        }
        if to_wire.is_closed() {
            self.conn.write_tls(&mut io::sink()).ok(); // nothing can be sent any more
        } else {
            to_wire.fill(|buf| self.write_records(buf));
        }
        true
    }

    fn write_records(&mut self, buf: &mut BytesMut) {
        self.conn.write_tls(&mut buf.writer()).ok(); // a buffer in memory takes all
    }
}

/// The most pieces in one record. A pipe's pieces have 4 KiB or more, except the first and the
/// last.
const GATHERED: usize = 8;

/// The most bytes of a record beside its plaintext: its header, a nonce of TLS 1.2 or the type of TLS 1.3,
/// and the tag of the cipher.
const OVERHEAD: usize = 32;
