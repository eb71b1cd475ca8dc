mod answer;
mod context;
mod credit;
mod ends;

pub(crate) use context::{News, StreamContext, ToApp};

use crate::error::{Http2Error, local, peer, typed, unanswered};
use crate::head::Head;
use crate::io::{StreamWaker, Woken};
use crate::lent::LARGE;
use crate::pending_stream::{Asked, PendingStream};
use crate::pieces::Pieces;
use crate::stream_id::StreamId;
use crate::times::{Wait, WaitFor};
use bytes::{Buf, Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::server::SendResponse;
use h2::{FlowControl, Reason, RecvStream, SendStream};
use http::Response;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wirestack_http::{Refusal, mark_secrets};
use wirestack_layer::{End, Flow, Pipe, Place};

/// One stream of a connection, between h2 and the two pipes that bear its name.
pub(crate) struct Stream {
    id: StreamId,
    pending: PendingStream,
    send: Option<SendStream<Pieces>>,
    recv: Option<RecvStream>,
    /// `true` for a response whose content is streamed. The request may end in trailers then.
    is_exchange: bool,
    /// `true` for a streamed response that has ended with its head, while the application writes.
    has_no_content: bool,
    /// The content of a complete response. It leaves before anything that the application has
    /// written or aborted.
    content: Option<Box<Pipe>>,
    /// The number of received bytes for which the peer has no credit yet.
    unreleased: usize,
    /// For credit behind the end of what the peer sends.
    late_credit: Option<FlowControl>,
    /// The turn of h2 behind which the application's abort becomes a reset: by then h2 has written
    /// all that it holds.
    resets_behind: Option<u64>,
    /// The event that the stream waits for, if there is a time limit for it.
    wait: Option<Wait>,
    woken: Arc<StreamWaker>,
    /// The same, as a waker; `None` while it is borrowed.
    waker: Option<Waker>,
}

impl Stream {
    pub(crate) fn asked(
        id: StreamId,
        name: String,
        (response, send): (ResponseFuture, SendStream<Pieces>),
        woken: &Woken,
    ) -> Self {
        let pending = PendingStream::Asked(response, name);
        Self::new(id, pending, Some(send), None, woken)
    }

    pub(crate) fn offered(
        id: StreamId,
        respond: SendResponse<Pieces>,
        recv: RecvStream,
        asked: Asked,
        woken: &Woken,
    ) -> Self {
        Self::new(
            id,
            PendingStream::Deciding(respond, asked),
            None,
            Some(recv),
            woken,
        )
    }

    fn new(
        id: StreamId,
        pending: PendingStream,
        send: Option<SendStream<Pieces>>,
        recv: Option<RecvStream>,
        woken: &Woken,
    ) -> Self {
        Self {
            id,
            pending,
            send,
            recv,
            is_exchange: false,
            has_no_content: false,
            content: None,
            unreleased: 0,
            late_credit: None,
            resets_behind: None,
            wait: None,
            woken: woken.stream(id),
            waker: None,
        }
    }

    /// Moves everything that can move. Returns `true` if it must be called again after h2 was
    /// polled.
    pub(crate) fn process(&mut self, context: StreamContext<'_>) -> bool {
        let waker = self.waker.take();
        let waker = waker.unwrap_or_else(|| self.woken.clone().into());
        let again = self.process_with(context, &mut Context::from_waker(&waker));
        self.waker = Some(waker);
        again
    }

    fn process_with(&mut self, mut context: StreamContext<'_>, cx: &mut Context<'_>) -> bool {
        let to_app = &mut context.to_app;
        let is_open = matches!(self.pending, PendingStream::Done);
        match context.news {
            News::Written if is_open => {}
            News::Read if is_open => {
                match to_app.streams.write(self.id) {
                    Some(pipe) => self.give_credit(&pipe),
                    None => self.skip(cx),
                }
                return false;
            }
            _ => {
                self.woken.begin();
                if !is_open {
                    self.open(to_app, context.excerpt, cx);
                }
                if !matches!(self.pending, PendingStream::Refused(..)) {
                    // Content comes before the answer too, and its reader gives credit.
                    let gathers = context.gathers_credit && !matches!(context.news, News::Read);
                    self.receive(to_app, gathers, cx);
                }
            }
        }
        let waited = self.wait;
        let again = self.transmit(&mut context, cx);
        if let PendingStream::Refused(..) = self.pending {
            // Nothing that comes prolongs the time.
            let wait = waited.unwrap_or(Wait::begin(WaitFor::RefusalBody, context.now));
            self.wait = Some(wait);
        }
        again
    }

    pub(crate) fn id(&self) -> StreamId {
        self.id
    }

    pub(crate) fn is_over(&self) -> bool {
        let is_answered = matches!(self.pending, PendingStream::Done) && !self.has_no_content;
        is_answered && self.send.is_none() && self.recv.is_none()
    }

    fn open(&mut self, to_app: &mut ToApp<'_>, excerpt: usize, cx: &mut Context<'_>) {
        if let PendingStream::Asked(response, name) = &mut self.pending {
            let response = match Pin::new(response).poll(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(response)) => response,
                Poll::Ready(Err(error)) => {
                    self.broken(to_app, unanswered(&error));
                    return;
                }
            };
            let name = mem::take(name);
            let (mut head, recv) = response.into_parts();
            mark_secrets(&mut head.headers);
            self.recv = Some(recv);
            self.pending = PendingStream::Done;
            if to_app.streams.write(self.id).is_none() {
                // The application has forgotten the stream.
            } else if head.status.is_success() {
                to_app.streams.head(
                    self.id,
                    Head::Response(Response::from_parts(head, Bytes::new())),
                );
            } else {
                let mut refusal = Refusal::new(head.status, head.headers);
                refusal.version = head.version;
                refusal.request = name;
                self.pending = PendingStream::Refused(refusal.into(), BytesMut::new(), excerpt);
            }
        }
        if let PendingStream::Deciding(..) = self.pending
            && to_app.streams.write(self.id).is_none()
        {
            // The application has forgotten the stream without an answer: h2 resets it.
            (self.pending, self.recv) = (PendingStream::Done, None);
        }
        if let PendingStream::Deciding(respond, _) = &mut self.pending
            && let Poll::Ready(reset) = respond.poll_reset(cx)
        {
            self.pending = PendingStream::Done;
            let error = match reset {
                Ok(reason) => Some(peer(Http2Error::Reset(reason))),
                Err(error) => typed(&error),
            };
            self.receive(to_app, false, cx); // deliver what came before the reset
            self.recv = None;
            if let Some(error) = error {
                self.fail(to_app, error);
            }
        }
        if let PendingStream::Refused(_, body, most) = &mut self.pending {
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
            self.report_refusal(to_app);
        }
    }

    /// Takes everything that h2 has received. h2 counts the frames that it holds, and ends the
    /// connection for too many small ones. The window bounds the bytes in the pipe. Bytes share
    /// the memory of h2 with other frames, which it would hold: those that have to wait behind
    /// others get memory of their own, if they are few.
    fn receive(&mut self, to_app: &mut ToApp<'_>, gathers_credit: bool, cx: &mut Context<'_>) {
        let Some(recv) = &mut self.recv else {
            return self.give_late_credit(to_app);
        };
        let Some(mut pipe) = to_app.streams.write(self.id) else {
            return self.skip(cx);
        };
        let mut failed = None;
        loop {
            match recv.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    self.unreleased += data.len();
                    if !pipe.is_closed() {
                        let is_small = (LARGE..OWN_MEMORY).contains(&data.len());
                        let has_to_wait = is_small && !pipe.is_empty();
                        pipe.push(if has_to_wait {
                            Bytes::copy_from_slice(&data)
                        } else {
                            data
                        });
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    failed = Some(error);
                    break;
                }
                Poll::Ready(None) => {
                    let error = peer(Http2Error::Trailers).at(Place::Layer(to_app.index));
                    match recv.poll_trailers(cx) {
                        Poll::Ready(Ok(Some(_)))
                            if self.pending.opens_tunnel() && !self.is_exchange =>
                        {
                            pipe.abort(error);
                            if let Some(mut send) = self.send.take() {
                                send.send_reset(Reason::PROTOCOL_ERROR);
                            }
                            self.pending.reset(Reason::PROTOCOL_ERROR);
                        }
                        _ => pipe.finish(),
                    }
                    break;
                }
                Poll::Pending => break,
            }
        }
        // A flow that gathers the credit says when to give it.
        if !gathers_credit || pipe.wanted() > 0 {
            self.give_credit(&pipe);
        }
        let over = pipe.is_closed();
        drop(pipe);
        if over {
            self.end_reading();
        }
        if let Some(error) = failed {
            self.broken(to_app, typed(&error));
        }
    }

    /// Returns the wait of its bytes for a window of the peer.
    pub(crate) fn wait(&mut self) -> &mut Option<Wait> {
        &mut self.wait
    }

    fn transmit(&mut self, context: &mut StreamContext<'_>, cx: &mut Context<'_>) -> bool {
        let waited = self.wait.take();
        let StreamContext {
            from_app,
            to_app,
            blocked,
            turn,
            now,
            io,
            ..
        } = context;
        let Some(send) = &mut self.send else {
            self.discard_content(from_app);
            self.take_late_abort(from_app, to_app);
            return false;
        };
        // h2 wakes the reader of a stream too when it is reset. So the writer need not be woken,
        // which h2 would do for every frame that leaves.
        if self.recv.is_none()
            && let Poll::Ready(reset) = send.poll_reset(cx)
        {
            self.send = None;
            if let Some(mut pipe) = from_app.read(self.id) {
                let error = match &reset {
                    Ok(reason) => Some(peer(Http2Error::Reset(*reason))),
                    Err(error) => typed(error),
                };
                match error {
                    Some(error) => pipe.refuse(error.at(Place::Layer(to_app.index))),
                    None => pipe.discard(),
                }
            }
            return false;
        }
        let mut written;
        let pipe: &mut Pipe = if let Some(content) = &mut self.content {
            content
        } else if let Some(pipe) = from_app.read(self.id) {
            written = pipe;
            &mut written
        } else {
            return false;
        };
        let opened = matches!(self.pending, PendingStream::Done);
        let finished = matches!(pipe.closed(), Some(End::Finished));
        let before = pipe.len();
        while opened && !pipe.is_empty() {
            send.reserve_capacity(pipe.len());
            let n = send.capacity().min(pipe.len());
            if n == 0 {
                let _ = send.poll_capacity(cx); // it wakes; an error shows at `poll_reset`
                break;
            }
            let last = finished && n == pipe.len();
            let pieces = Pieces::take(pipe, n);
            if pieces.remaining() >= LARGE {
                let lent = &mut io.pipes().lent;
                pieces.iter().for_each(|piece| lent.add(self.id, piece));
            }
            if send.send_data(pieces, last).is_err() || last {
                self.send = None;
                return false;
            }
        }
        if let Some(End::Aborted(_)) = pipe.closed() {
            // A reset overtakes the data that h2 has queued, so these may leave first. Then h2 may take
            // some more.
            let behind = match self.resets_behind {
                Some(behind) if pipe.len() == before => behind,
                _ => *turn,
            };
            self.resets_behind = Some(behind);
            if behind == *turn || *blocked {
                return true;
            }
            pipe.discard();
            send.send_reset(Reason::CANCEL); // "a stream error [...] of type CANCEL" (RFC 8441 §5)
            (self.send, self.recv, self.pending) = (None, None, PendingStream::Done);
            self.fail(to_app, local(Http2Error::Closed));
        } else if opened && finished && pipe.is_empty() {
            let _ = send.send_data(Pieces::default(), true); // fails on a dead stream only
            self.send = None;
        } else if opened && !pipe.is_empty() {
            let still = waited.filter(|_| pipe.len() == before);
            self.wait = Some(still.unwrap_or(Wait::begin(WaitFor::Window, *now)));
        }
        false
    }
}

/// Fewer bytes that have to wait do not hold the memory of h2, which is large enough for a frame of
/// 80 KiB.
const OWN_MEMORY: usize = 16 << 10;
