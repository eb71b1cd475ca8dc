//! Pings and closing for the halves of a WebSocket.

use super::{Handle, Reader, Shared, Writer};
use crate::driver::io::wakers::Half;
use bytes::Bytes;
use std::future::poll_fn;
use std::time::Duration;
use wirestack_layer::{Error, Layer, Pipe, Queue};
use wirestack_websocket::{CloseCode, Payload};

impl<L, F> Shared<L>
where
    L: Layer<In = F, Out = F> + 'static,
    F: Payload,
{
    async fn close(&self, half: Half, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.lock().begin_close(code, reason)?;
        poll_fn(|cx| self.with(half, cx, |c, cx| c.closing(cx))).await
    }
}

macro_rules! pings {
    ($holder:ident, $handle:ident => $at:expr) => {
        impl<L, F> $holder<L>
        where
            L: Layer<In = F, Out = F> + 'static,
            F: Payload,
        {
            /// Sends a Ping (RFC 6455 §5.5.2) of up to 125 bytes, and returns the time until its
            /// Pong. Messages that arrive before the Pong wait to be received.
            ///
            /// # Errors
            ///
            /// The payload is too long, too many pings have no answer yet, or the error that ended
            /// the stack.
            pub async fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
                let $handle = &*self;
                let ping = $at.lock().begin_ping(payload.into())?;
                poll_fn(|cx| $at.with(Half::Writer, cx, |c, cx| c.answer(ping, cx))).await
            }
        }
    };
}
pings!(Handle, handle => handle.shared);
pings!(Writer, writer => writer.0.shared);

macro_rules! closes {
    ($holder:ident, $handle:ident => $at:expr, $half:expr) => {
        impl<L, I> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<I>> + 'static,
            Queue<I>: Payload,
        {
            /// Closes the WebSocket with a code and a reason (RFC 6455 §7.1), and waits for the
            /// peer's Close. Messages that still arrive are discarded.
            ///
            /// ```
            /// use wirestack::WebSocketReader;
            ///
            /// /// Leaves a room for a reason. A writer and a handle do it in the same way.
            /// async fn leave(mut reader: WebSocketReader) -> Result<(), wirestack::Error> {
            ///     reader.close(4001, "too loud").await
            /// }
            /// ```
            ///
            /// # Errors
            ///
            /// The code or the reason may not be sent, or the error that ended the stack instead.
            pub async fn close(
                &mut self,
                code: impl Into<CloseCode>,
                reason: &str,
            ) -> Result<(), Error> {
                let $handle = &*self;
                $at.close($half, code.into(), reason).await
            }
        }

        impl<L> $holder<L>
        where
            L: Layer<In = Pipe, Out = Pipe> + 'static,
        {
            /// Closes a WebSocket that carries bytes, with a code and a reason (RFC 6455 §7.1), and
            /// waits for the peer's Close. Bytes that still arrive are discarded.
            ///
            /// ```
            /// use wirestack::{Pipe, WebSocketHandle, WebSocketReader, WebSocketWriter};
            ///
            /// /// Ends a tunnel of bytes, and says why. A reader and a handle do it in the same way.
            /// async fn end(mut writer: WebSocketWriter<Pipe>) -> Result<(), wirestack::Error> {
            ///     writer.close_websocket(1001, "the program ends").await
            /// }
            /// ```
            ///
            /// # Errors
            ///
            /// There is no WebSocket in this stack, the code or the reason may not be sent, or the
            /// error that ended the stack instead.
            pub async fn close_websocket(
                &mut self,
                code: impl Into<CloseCode>,
                reason: &str,
            ) -> Result<(), Error> {
                let $handle = &*self;
                $at.close($half, code.into(), reason).await
            }
        }
    };
}
closes!(Handle, handle => handle.shared, Half::Writer);
closes!(Reader, reader => reader.0.shared, Half::Reader);
closes!(Writer, writer => writer.0.shared, Half::Writer);
