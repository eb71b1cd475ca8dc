mod flow;

use crate::error::{Http2Error, local, unsent};
use crate::head::{ContentFollows, Head, Interim};
use crate::request::ConnectRequest;
use crate::stream_id::{StreamId, StreamMap};
use crate::stream_pipe::{Credit, Gathering, State, StreamPipe};
use bytes::Bytes;
use std::collections::VecDeque;
use std::mem;
use wirestack_layer::{End, Error, Flow, Pipe, Stop};

/// A flow of flows: both flows between a [`Connection`](crate::Connection) and its application.
///
/// Towards the wire, a client [opens](Self::open) streams and a server [responds](Self::respond).
/// Both arrive at the other side in [`arrived`](Self::arrived). The bytes of a stream go into
/// [`write`](Self::write) and come out of [`read`](Self::read). [`readable`](Self::readable) and
/// [`writable`](Self::writable) return the streams that have changed, so nobody has to look at the
/// others.
///
/// A reader that needs a stream no more calls [`forget`](Self::forget).
///
/// ```
/// use wirestack_http2::{ConnectRequest, Streams};
///
/// let mut from_app = Streams::default().with_room(16 * 1024); // for each stream
/// assert!(from_app.is_empty());
/// let stream = from_app.open(ConnectRequest::tunnel("example.org", 22)?)?;
/// from_app.write(stream).unwrap().write(b"SSH-2.0-x");
/// // The layer on the other side reads what has changed.
/// assert!(from_app.arrived().is_some());
/// assert_eq!(from_app.readable(), Some(stream));
/// from_app.read(stream).unwrap().consume(9);
/// assert_eq!((from_app.writable(), from_app.len()), (Some(stream), 1));
/// from_app.forget(stream); // it is needed no more
/// assert!(from_app.write(stream).is_none() && from_app.is_empty());
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Streams {
    heads: VecDeque<(StreamId, Head)>,
    /// Boxed, as a map that grows has room for twice as many.
    streams: StreamMap<Box<Entry>>,
    readable: VecDeque<StreamId>,
    writable: VecDeque<StreamId>,
    /// The number of bytes in all pipes.
    unread: usize,
    /// The streams of which bytes were read, and of which the writer need not hear yet.
    read: Vec<StreamId>,
    next: u64,
    /// The last stream that was added.
    newest: Option<StreamId>,
    /// The streams that were forgotten before they were added.
    forgotten: Vec<StreamId>,
    /// The limit of the pipe of each stream, if it is not the default.
    room: Option<usize>,
    end: Option<End>,
    stop: Option<Box<Stop>>,
    moves: u64,
    credit: Credit,
}

#[derive(Debug, Default)]
struct Entry {
    pipe: Pipe,
    readable: bool,
    writable: bool,
    /// It is in the list of streams that were read.
    read: bool,
}

impl Streams {
    /// Limits the pipe of each stream to so many bytes, instead of 64 KiB. Bytes from the wire are
    /// limited by the [window](crate::Http2Config::stream_window) instead.
    #[must_use]
    pub fn with_room(mut self, bytes: usize) -> Self {
        self.room = Some(bytes);
        self
    }

    /// Opens a stream with this request, as a client does. If it is one too many, it ends with
    /// [`TooManyStreams`](crate::Http2Error::TooManyStreams) where its bytes would arrive.
    ///
    /// # Errors
    ///
    /// [`Http2Error::Closed`] once the flow has ended.
    pub fn open(&mut self, request: ConnectRequest) -> Result<StreamId, Error> {
        if let Some(error) = self.stopped() {
            return Err(unsent(error.clone()));
        }
        if self.end.is_some() {
            return Err(unsent(local(Http2Error::Closed)));
        }
        Ok(self.push(Head::Request(request.into_http())))
    }

    /// Answers a request, as a server does. A 2xx to a CONNECT opens the tunnel and has no body;
    /// every other response is complete with its body.
    pub fn respond(&mut self, stream: StreamId, response: http::Response<Bytes>) {
        self.add(stream);
        self.head(stream, Head::Response(response));
    }

    /// Answers a request, as a server does, with a response whose content follows in
    /// [`write`](Self::write): its end is the end of the response. The content of the request goes
    /// on in [`read`](Self::read). A 2xx to a CONNECT opens the tunnel, as with
    /// [`respond`](Self::respond).
    ///
    /// Trailers are neither sent nor shown. What is written behind a head that has no content, such as
    /// the answer to a HEAD, is thrown away (RFC 9110 §6.4.1).
    ///
    /// ```
    /// use wirestack_http2::{Connection, Head, Http2Config, Streams};
    /// use wirestack_layer::Flow;
    ///
    /// /// Answers each request with a page that is sent in pieces.
    /// fn answer(heard: &mut Streams, answered: &mut Streams) {
    ///     while let Some((stream, Head::Request(_))) = heard.arrived() {
    ///         answered.respond_streaming(stream, http::Response::new(()));
    ///         let mut content = answered.write(stream).expect("a stream that has just come");
    ///         content.write(b"<p>one</p>"); // as far as there is `room`
    ///         content.finish();
    ///     }
    /// }
    /// let _server = Connection::server(Http2Config::server());
    /// answer(&mut Streams::default(), &mut Streams::default());
    /// ```
    pub fn respond_streaming(&mut self, stream: StreamId, response: http::Response<()>) {
        let mut response = response.map(|()| Bytes::new());
        response.extensions_mut().insert(ContentFollows);
        self.respond(stream, response);
    }

    /// Sends an interim response (1xx, RFC 9110 §15.2) before the response itself. Any number of them may
    /// be sent. A status that is no such one, and 101, which HTTP/2 does not have (RFC 9113 §8.6), is not
    /// sent.
    ///
    /// ```
    /// use wirestack_http2::{Head, Streams};
    ///
    /// /// Tells what a page will need, while it is made.
    /// fn hint(heard: &mut Streams, answered: &mut Streams) -> Result<(), http::Error> {
    ///     if let Some((stream, Head::Request(_))) = heard.arrived() {
    ///         let hints = http::Response::builder().status(103).header("link", "</a.css>; rel=preload");
    ///         answered.respond_interim(stream, hints.body(())?);
    ///     }
    ///     Ok(())
    /// }
    /// hint(&mut Streams::default(), &mut Streams::default())?;
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn respond_interim(&mut self, stream: StreamId, response: http::Response<()>) {
        let mut response = response.map(|()| Bytes::new());
        response.extensions_mut().insert(Interim);
        self.respond(stream, response);
    }

    /// Returns the next request or response.
    pub fn arrived(&mut self) -> Option<(StreamId, Head)> {
        let head = self.heads.pop_front()?;
        self.moves += 1;
        Some(head)
    }

    /// Returns the pipe of a stream, to write to it or to end it; `None` if there is no such stream
    /// any more.
    pub fn write(&mut self, stream: StreamId) -> Option<StreamPipe<'_>> {
        let entry = self.streams.get_mut(&stream)?;
        Some(StreamPipe {
            before: State::of(&entry.pipe),
            pipe: &mut entry.pipe,
            marked: &mut entry.readable,
            news: &mut self.readable,
            moves: &mut self.moves,
            unread: &mut self.unread,
            gathering: None,
            stream,
        })
    }

    /// Returns the pipe of a stream, to read from it.
    pub fn read(&mut self, stream: StreamId) -> Option<StreamPipe<'_>> {
        let entry = self.streams.get_mut(&stream)?;
        Some(StreamPipe {
            before: State::of(&entry.pipe),
            pipe: &mut entry.pipe,
            marked: &mut entry.writable,
            news: &mut self.writable,
            moves: &mut self.moves,
            unread: &mut self.unread,
            gathering: Some(Gathering {
                credit: &mut self.credit,
                marked: &mut entry.read,
                read: &mut self.read,
            }),
            stream,
        })
    }

    /// Returns the next stream to which something was written, or which ended.
    pub fn readable(&mut self) -> Option<StreamId> {
        let stream = self.readable.pop_front()?;
        if let Some(entry) = self.streams.get_mut(&stream) {
            entry.readable = false;
        }
        Some(stream)
    }

    /// Returns the next stream from which something was read, or which was forgotten.
    pub fn writable(&mut self) -> Option<StreamId> {
        let stream = match self.writable.pop_front() {
            Some(stream) => stream,
            None => self.credited()?,
        };
        if let Some(entry) = self.streams.get_mut(&stream) {
            entry.writable = false;
        }
        Some(stream)
    }

    /// Returns the first of the streams that were read, once that was enough. The others follow.
    fn credited(&mut self) -> Option<StreamId> {
        if self.read.is_empty() || self.credit.unheard < self.credit.step {
            return None;
        }
        self.credit.unheard = 0;
        for stream in self.read.drain(..) {
            if let Some(entry) = self.streams.get_mut(&stream) {
                entry.read = false;
                if !mem::replace(&mut entry.writable, true) {
                    self.writable.push_back(stream);
                }
            }
        }
        self.writable.pop_front()
    }

    /// Resets a stream, as its writer: it ends with this error, even if it was finished before. The
    /// bytes in its pipe are thrown away. An end that the peer knows of stays.
    ///
    /// To abort a stream behind the bytes in its pipe, abort the pipe.
    ///
    /// ```
    /// use wirestack_http2::{ConnectRequest, Http2Error, Streams};
    /// use wirestack_layer::{End, Error, Flow};
    ///
    /// let mut from_app = Streams::default();
    /// let stream = from_app.open(ConnectRequest::tunnel("example.org", 22)?)?;
    /// from_app.reset(stream, Error::local("app", Http2Error::Closed));
    /// assert!(matches!(from_app.read(stream).unwrap().end(), Some(End::Aborted(_))));
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    pub fn reset(&mut self, stream: StreamId, error: Error) {
        let Some(entry) = self.streams.get_mut(&stream) else {
            return;
        };
        if is_aborted(&entry.pipe) {
            return;
        }
        let mut pipe = Pipe::new();
        if let Some(stop) = entry.pipe.stop_state() {
            pipe.stop(stop.clone());
        }
        pipe.abort(error);
        self.moves += 1;
        self.unread -= entry.pipe.len();
        entry.pipe = pipe;
        if !entry.readable {
            entry.readable = true;
            self.readable.push_back(stream);
        }
    }

    /// Forgets a stream. Its unread bytes are lost, and its writer gets no pipe any more. A stream
    /// that both sides have not ended is reset, a second after its writer has finished. One that
    /// was opened and has not come here yet may be forgotten too.
    pub fn forget(&mut self, stream: StreamId) {
        self.heads.retain(|(id, _)| *id != stream);
        if let Some(entry) = self.streams.remove(&stream) {
            self.unread -= entry.pipe.len();
            self.moves += 1;
            if !entry.writable {
                self.writable.push_back(stream);
            }
        } else if self.newest < Some(stream) && !self.forgotten.contains(&stream) {
            self.forgotten.push(stream);
        }
        // The list must not grow for ever if its reader never reads it.
        if self.writable.len() > 2 * self.streams.len() + MAX_FORGOTTEN {
            let Self {
                writable, streams, ..
            } = self;
            writable.retain(|stream| streams.contains_key(stream));
        }
        if self.read.len() > 2 * self.streams.len() + MAX_FORGOTTEN {
            let Self { read, streams, .. } = self;
            read.retain(|stream| streams.contains_key(stream));
        }
    }

    /// Returns `true` if there is such a stream.
    pub(crate) fn has(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Returns the number of streams.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Returns `true` if there are no streams and nothing has arrived.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.heads.is_empty()
    }

    /// Adds a stream with the next name.
    pub(crate) fn push(&mut self, head: Head) -> StreamId {
        let stream = StreamId::new(self.next);
        self.next += 1;
        self.add(stream);
        self.head(stream, head);
        stream
    }

    /// Adds a stream that was named on the other side.
    pub(crate) fn add(&mut self, stream: StreamId) {
        self.newest = self.newest.max(Some(stream));
        if let Some(place) = self.forgotten.iter().position(|it| *it == stream) {
            self.forgotten.swap_remove(place);
            return;
        }
        let entry = self.streams.entry(stream).or_default();
        if let Some(room) = self.room {
            entry.pipe.set_limit(room);
        }
        if let Some(stop) = &self.stop {
            entry.pipe.stop((**stop).clone());
        }
    }

    pub(crate) fn head(&mut self, stream: StreamId, head: Head) {
        self.heads.push_back((stream, head));
        self.moves += 1;
    }

    /// Makes the writer hear of bytes that were read only when they are so many, of all streams
    /// together. It then has nothing to do for most reads.
    pub(crate) fn set_credit_step(&mut self, bytes: usize) {
        self.credit.step = bytes;
    }

    /// Returns `true` if no head and no byte waits here.
    pub(crate) fn is_unused(&self) -> bool {
        Flow::is_empty(self)
    }

    /// Returns `true` if a stream has no end yet.
    pub(crate) fn has_open(&self) -> bool {
        self.streams.values().any(|entry| !entry.pipe.is_closed())
    }
}

/// Returns `true` if the writer of a pipe has aborted it.
pub(crate) fn is_aborted(pipe: &Pipe) -> bool {
    matches!(pipe.closed(), Some(End::Aborted(_)))
}

/// The number of names of forgotten streams that are kept for their writer.
const MAX_FORGOTTEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_takes_a_bounded_place() {
        let mut streams = Streams::default();
        for n in 0..10_000 {
            let id = StreamId::new(n);
            streams.add(id);
            streams.forget(id);
            streams.forget(id); // it has been here
        }
        assert!(streams.forgotten.is_empty());
        assert!(streams.writable.len() <= MAX_FORGOTTEN + 1);
        let later = StreamId::new(20_000);
        for _ in 0..10 {
            streams.forget(later);
        }
        assert_eq!(streams.forgotten, [later]);
        streams.add(later);
        assert!(streams.forgotten.is_empty() && !streams.has(later));
    }

    #[test]
    fn each_stream_has_its_room() {
        let mut streams = Streams::default().with_room(3);
        streams.add(StreamId::new(7));
        assert_eq!(streams.write(StreamId::new(7)).unwrap().room(), 3);
    }
}
