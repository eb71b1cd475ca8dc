//! The response of a server.

use super::{Stream, ToApp};
use crate::answer::{has_no_content, interim, is_interim, sendable};
use crate::error::{Http2Error, local, typed};
use crate::head::{ContentFollows, Interim};
use crate::pending_stream::{Asked, PendingStream};
use crate::streams::Streams;
use bytes::Bytes;
use http::Response;
use std::mem;
use wirestack_layer::{Flow, Pipe};

impl Stream {
    /// Sends a response of the application.
    pub(crate) fn answer(&mut self, response: Response<Bytes>, to_app: &mut ToApp<'_>) {
        if response.extensions().get::<Interim>().is_some() {
            return self.answer_interim(response.map(drop));
        }
        let PendingStream::Deciding(mut respond, asked) =
            mem::replace(&mut self.pending, PendingStream::Done)
        else {
            return;
        };
        let (mut head, body) = sendable(response, asked).into_parts();
        let status = head.status;
        let content_follows = head.extensions.remove::<ContentFollows>().is_some();
        let opens_tunnel = asked == Asked::Tunnel && status.is_success();
        self.is_exchange = content_follows && !opens_tunnel;
        self.has_no_content = self.is_exchange && has_no_content(asked, status);
        let opens = self.is_exchange || opens_tunnel;
        let is_end = self.has_no_content || (!opens && body.is_empty());
        match respond.send_response(Response::from_parts(head, ()), is_end) {
            Ok(_) if self.has_no_content => {}
            Ok(send) if opens => self.send = Some(send),
            Ok(send) => {
                self.give_credit_but(0);
                self.recv = None;
                if !body.is_empty() {
                    // Given to h2 whole, it would wait there without a time limit, and nothing would show
                    // that the stream is not over.
                    let mut content = Box::new(Pipe::new());
                    content.push(body);
                    content.finish();
                    (self.content, self.send) = (Some(content), Some(send));
                }
                self.fail(to_app, local(Http2Error::RefusedHere(status)));
            }
            Err(error) => {
                self.recv = None;
                if let Some(error) = typed(&error) {
                    self.fail(to_app, error);
                }
            }
        }
    }

    fn answer_interim(&mut self, response: Response<()>) {
        let PendingStream::Deciding(respond, _) = &mut self.pending else {
            return;
        };
        if is_interim(response.status()) {
            let _ = respond.send_informational(interim(response)); // fails on a dead stream only
        }
    }

    /// Throws away what the application writes behind a head that has no content, until it ends.
    pub(super) fn discard_content(&mut self, from_app: &mut Streams) {
        if let Some(mut pipe) = from_app.read(self.id).filter(|_| self.has_no_content) {
            pipe.discard();
            self.has_no_content = !pipe.is_closed();
        }
    }

    /// Returns `true` if the content of a complete response still waits for a window.
    pub(crate) fn has_content(&self) -> bool {
        self.content.is_some()
    }
}
