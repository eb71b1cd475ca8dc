use crate::error::{Http2Error, Refusal, local, peer, typed};
use crate::streams::{Head, StreamId, Streams};
use crate::wire::{StreamWaker, Woken};
use bytes::{Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Response;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wirestack_layer::{End, Error, Flow, Place};

/// One stream of a connection, between h2 and the two pipes that bear its name.
pub(crate) struct Stream {
    id: StreamId,
    opening: Opening,
    send: Option<SendStream<Bytes>>,
    recv: Option<RecvStream>,
    /// How many bytes the peer was not given credit for again.
    unreleased: usize,
    /// The application's abort was seen: a reset leaves once h2 has written what it holds.
    resetting: bool,
    waker: (Arc<StreamWaker>, Waker),
}

enum Opening {
    /// A client waits for the response.
    Asked(ResponseFuture),
    /// A client reads why it was refused.
    Refused(Box<Refusal>, BytesMut, usize),
    /// A server waits for its application; whether the request can open a tunnel.
    Deciding(SendResponse<Bytes>, bool),
    Done,
}

impl Stream {
    pub(crate) fn asked(
        id: StreamId,
        (response, send): (ResponseFuture, SendStream<Bytes>),
        woken: &Arc<Woken>,
    ) -> Self {
        Self::new(id, Opening::Asked(response), Some(send), None, woken)
    }

    pub(crate) fn offered(
        id: StreamId,
        respond: SendResponse<Bytes>,
        recv: RecvStream,
        tunnel: bool,
        woken: &Arc<Woken>,
    ) -> Self {
        Self::new(
            id,
            Opening::Deciding(respond, tunnel),
            None,
            Some(recv),
            woken,
        )
    }

    fn new(
        id: StreamId,
        opening: Opening,
        send: Option<SendStream<Bytes>>,
        recv: Option<RecvStream>,
        woken: &Arc<Woken>,
    ) -> Self {
        let waker = woken.stream(id);
        Self {
            id,
            opening,
            send,
            recv,
            unreleased: 0,
            resetting: false,
            waker: (waker.clone(), waker.into()),
        }
    }

    /// Sends the application's answer.
    pub(crate) fn answer(&mut self, response: Response<Bytes>, up: &mut Streams, index: usize) {
        let up = &mut Up { up, index };
        let Opening::Deciding(mut respond, tunnel) = mem::replace(&mut self.opening, Opening::Done)
        else {
            return;
        };
        let status = response.status();
        let opens = tunnel && status.is_success();
        let (head, body) = response.into_parts();
        let (head, body) = (
            Response::from_parts(head, ()),
            if opens { Bytes::new() } else { body },
        );
        match respond.send_response(head, !opens && body.is_empty()) {
            Ok(send) if opens => self.send = Some(send),
            Ok(mut send) => {
                self.recv = None;
                if !body.is_empty() {
                    let _ = send.send_data(body, true); // fails on a dead stream only
                }
                self.fail(up, local(Http2Error::RefusedHere(status)));
            }
            Err(error) => {
                self.recv = None;
                if let Some(error) = typed(&error) {
                    self.fail(up, error);
                }
            }
        }
    }

    /// Moves what can move; whether it has to be called again after h2 was.
    pub(crate) fn process(&mut self, around: Around<'_>) -> bool {
        let Around { up, index, .. } = around;
        let up = &mut Up { up, index };
        self.waker.0.looked_at();
        let waker = self.waker.1.clone();
        let cx = &mut Context::from_waker(&waker);
        self.open(up, around.excerpt, cx);
        if let Opening::Done = self.opening {
            self.receive(up, cx);
        }
        self.transmit(around.down, up, around.blocked, cx)
    }

    pub(crate) fn id(&self) -> StreamId {
        self.id
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.opening, Opening::Done) && self.send.is_none() && self.recv.is_none()
    }

    fn open(&mut self, up: &mut Up<'_>, excerpt: usize, cx: &mut Context<'_>) {
        if let Opening::Asked(response) = &mut self.opening {
            let response = match Pin::new(response).poll(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(response)) => response,
                Poll::Ready(Err(error)) => return self.broken(up, &error),
            };
            let (head, recv) = response.into_parts();
            self.recv = Some(recv);
            self.opening = Opening::Done;
            if up.up.write(self.id).is_none() {
                // The application has forgotten the stream: it is not told.
            } else if head.status.is_success() {
                up.up.head(
                    self.id,
                    Head::Response(Response::from_parts(head, Bytes::new())),
                );
            } else {
                let refusal = Refusal {
                    status: head.status,
                    headers: head.headers,
                    body: Bytes::new(),
                };
                self.opening = Opening::Refused(refusal.into(), BytesMut::new(), excerpt);
            }
        }
        if let Opening::Deciding(..) = self.opening
            && up.up.write(self.id).is_none()
        {
            // The application has forgotten the stream without an answer: h2 resets it.
            (self.opening, self.recv) = (Opening::Done, None);
        }
        if let Opening::Deciding(respond, _) = &mut self.opening
            && let Poll::Ready(reset) = respond.poll_reset(cx)
        {
            self.opening = Opening::Done;
            let error = match reset {
                Ok(reason) => Some(peer(Http2Error::Reset(reason))),
                Err(error) => typed(&error),
            };
            self.receive(up, cx); // what came before
            self.recv = None;
            if let Some(error) = error {
                self.fail(up, error);
            }
        }
        if let Opening::Refused(refusal, body, most) = &mut self.opening {
            while let Some(recv) = self.recv.as_mut().filter(|_| body.len() < *most) {
                match recv.poll_data(cx) {
                    Poll::Ready(Some(Ok(data))) => {
                        let kept = data.len().min(*most - body.len());
                        body.extend_from_slice(&data[..kept]);
                        let _ = recv.flow_control().release_capacity(data.len()); // see `receive`
                    }
                    Poll::Ready(_) => break,
                    Poll::Pending => return,
                }
            }
            refusal.body = mem::take(body).freeze();
            let error = peer(Http2Error::Refused(refusal.clone()));
            self.opening = Opening::Done;
            self.recv = None;
            self.fail(up, error);
            if let Some(mut send) = self.send.take() {
                send.send_reset(Reason::CANCEL);
            }
        }
    }

    /// Takes everything that h2 has: what it keeps itself, it counts frame by frame, and it ends the
    /// connection for too many small ones. The window bounds what lies in the pipe then.
    fn receive(&mut self, up: &mut Up<'_>, cx: &mut Context<'_>) {
        let Some(recv) = &mut self.recv else { return };
        let Some(mut pipe) = up.up.write(self.id) else {
            self.recv = None; // the application has forgotten the stream
            return;
        };
        let mut failed = None;
        loop {
            match recv.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    self.unreleased += data.len();
                    if !pipe.is_closed() {
                        pipe.push(data);
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    failed = Some(error);
                    break;
                }
                Poll::Ready(None) => {
                    let error = peer(Http2Error::Trailers).at(Place::Layer(up.index));
                    match recv.poll_trailers(cx) {
                        Poll::Ready(Ok(Some(_))) => {
                            pipe.abort(error);
                            if let Some(mut send) = self.send.take() {
                                send.send_reset(Reason::PROTOCOL_ERROR);
                            }
                        }
                        _ => pipe.finish(),
                    }
                    break;
                }
                Poll::Pending => break,
            }
        }
        // Credit follows what was read. A reader that requires more than a window gets credit for
        // what lies there: it would wait for bytes that wait for it.
        let held = match pipe.wanted() {
            0 => pipe.len().min(self.unreleased),
            _ => 0,
        };
        let released = mem::replace(&mut self.unreleased, held) - held;
        if released > 0 {
            let _ = recv.flow_control().release_capacity(released); // fails on a dead stream only
        }
        let over = pipe.is_closed();
        drop(pipe);
        if over {
            self.recv = None;
        }
        if let Some(error) = failed {
            self.broken(up, &error);
        }
    }

    fn transmit(
        &mut self,
        down: &mut Streams,
        up: &mut Up<'_>,
        blocked: bool,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(send) = &mut self.send else {
            return false;
        };
        if let Poll::Ready(reset) = send.poll_reset(cx) {
            self.send = None;
            if let Some(mut pipe) = down.read(self.id) {
                let error = match &reset {
                    Ok(reason) => Some(peer(Http2Error::Reset(*reason))),
                    Err(error) => typed(error),
                };
                match error {
                    Some(error) => pipe.refuse(error.at(Place::Layer(up.index))),
                    None => pipe.discard(),
                }
            }
            // The peer may have finished before, and then owes nothing more.
            if self.recv.is_some() {
                match reset {
                    Ok(reason) => self.reset(up, reason),
                    Err(error) => self.broken(up, &error),
                }
            }
            return false;
        }
        let Some(mut pipe) = down.read(self.id) else {
            return false;
        };
        let opened = matches!(self.opening, Opening::Done);
        let finished = matches!(pipe.closed(), Some(End::Finished));
        while opened && !pipe.is_empty() {
            send.reserve_capacity(pipe.len());
            let n = send.capacity().min(pipe.first().len());
            if n == 0 {
                match send.poll_capacity(cx) {
                    Poll::Ready(Some(Ok(n))) if n > 0 => continue,
                    _ => break, // an error shows above, at the next call
                }
            }
            let last = finished && n == pipe.len();
            if send.send_data(pipe.take(n), last).is_err() || last {
                self.send = None;
                return false;
            }
        }
        if let Some(End::Aborted(_)) = pipe.closed() {
            // A reset overtakes what h2 has queued: that gets the chance to leave first.
            if !mem::replace(&mut self.resetting, true) || blocked {
                return true;
            }
            pipe.discard();
            send.send_reset(Reason::CANCEL); // "a stream error [...] of type CANCEL" (RFC 8441 §5)
            drop(pipe);
            (self.send, self.recv, self.opening) = (None, None, Opening::Done);
            self.fail(up, local(Http2Error::Closed));
        } else if opened && finished && pipe.is_empty() {
            let _ = send.send_data(Bytes::new(), true); // fails on a dead stream only
            self.send = None;
        }
        false
    }

    /// The peer wants no more of this stream: ends it towards the application.
    fn reset(&mut self, up: &mut Up<'_>, reason: Reason) {
        (self.recv, self.opening) = (None, Opening::Done);
        self.fail(up, peer(Http2Error::Reset(reason)));
    }

    fn broken(&mut self, up: &mut Up<'_>, error: &h2::Error) {
        (self.recv, self.opening) = (None, Opening::Done);
        if error.is_reset() && error.is_remote() {
            return self.reset(up, error.reason().unwrap_or(Reason::INTERNAL_ERROR));
        }
        // What is the wire's, the connection will tell, with the true cause.
        if let Some(error) = typed(error) {
            self.fail(up, error);
        }
    }

    fn fail(&self, up: &mut Up<'_>, error: Error) {
        if let Some(mut pipe) = up.up.write(self.id) {
            pipe.abort(error.at(Place::Layer(up.index)));
        }
    }
}

/// What a stream moves its bytes between, besides h2.
pub(crate) struct Around<'a> {
    pub(crate) down: &'a mut Streams,
    pub(crate) up: &'a mut Streams,
    /// How much of a refusal's body is kept.
    pub(crate) excerpt: usize,
    /// Whether h2 holds what the wire had no room for.
    pub(crate) blocked: bool,
    /// The place of the layer in its stack.
    pub(crate) index: usize,
}

/// Where errors go to, and what they bear.
struct Up<'a> {
    up: &'a mut Streams,
    index: usize,
}
