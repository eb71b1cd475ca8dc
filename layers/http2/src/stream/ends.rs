//! The ends of a stream that are no END_STREAM.

use super::{Stream, StreamContext, ToApp};
use crate::error::{Http2Error, local, peer};
use crate::pending_stream::PendingStream;
use crate::streams::{Streams, is_aborted};
use h2::Reason;
use std::mem;
use std::time::Duration;
use wirestack_layer::{Error, Flow, Place};

impl Stream {
    /// Resets the stream (CANCEL), with all that waits in it.
    pub(crate) fn cancel(&mut self) {
        if let Some(mut send) = self.send.take() {
            send.send_reset(Reason::CANCEL);
        }
        // Without a handle, h2 resets a stream that the peer has not ended.
        (self.recv, self.pending) = (None, PendingStream::Done);
    }

    /// Ends a refused stream with its refusal, and what has arrived of the body.
    pub(super) fn report_refusal(&mut self, to_app: &mut ToApp<'_>) {
        if let PendingStream::Refused(refusal, body, _) = &mut self.pending {
            refusal.body = mem::take(body).freeze();
            let error = peer(Http2Error::Refused(refusal.clone()));
            self.cancel();
            self.fail(to_app, error);
        }
    }

    /// Ends a stream whose peer opens no window for its bytes, or sends no end of a refusal.
    pub(crate) fn give_up(&mut self, mut context: StreamContext<'_>, timeout: Duration) {
        if let PendingStream::Refused(..) = self.pending {
            return self.report_refusal(&mut context.to_app);
        }
        let error = peer(Http2Error::WriteTimedOut(timeout));
        self.wait = None;
        if let Some(mut pipe) = context.from_app.read(self.id) {
            pipe.refuse(error.clone().at(Place::Layer(context.to_app.index)));
        }
        if let Some(mut send) = self.send.take() {
            send.send_reset(Reason::CANCEL);
        }
        (self.recv, self.pending) = (None, PendingStream::Done);
        self.fail(&mut context.to_app, error);
    }

    /// Takes an abort of the application that comes behind its end.
    pub(super) fn take_late_abort(&mut self, from_app: &mut Streams, to_app: &mut ToApp<'_>) {
        let pipe = from_app.read(self.id);
        if self.recv.is_some() && pipe.is_some_and(|pipe| is_aborted(&pipe)) {
            self.cancel();
            self.fail(to_app, local(Http2Error::Closed));
        }
    }

    /// Ends the stream towards the application. The connection reports an error of the wire, with
    /// its true cause.
    pub(super) fn broken(&mut self, to_app: &mut ToApp<'_>, error: Option<Error>) {
        (self.recv, self.pending) = (None, PendingStream::Done);
        if let Some(error) = error {
            self.fail(to_app, error);
        }
    }

    pub(super) fn fail(&self, to_app: &mut ToApp<'_>, error: Error) {
        if let Some(mut pipe) = to_app.streams.write(self.id) {
            pipe.abort(error.at(Place::Layer(to_app.index)));
        }
    }
}
