use crate::stream_id::StreamId;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use wirestack_layer::{Flow, Pipe};

/// The pipe of one stream, borrowed from its [`Streams`](crate::Streams), which note every change.
///
/// ```
/// use wirestack_http2::{ConnectRequest, Streams};
/// use wirestack_layer::Flow;
///
/// let mut streams = Streams::default();
/// let stream = streams.open(ConnectRequest::tunnel("example.org", 22)?)?;
/// let mut pipe = streams.write(stream).unwrap();
/// pipe.write(b"bytes"); // it is a `Pipe`
/// pipe.finish();
/// drop(pipe);
/// assert_eq!(streams.read(stream).unwrap().unread(), b"bytes");
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub struct StreamPipe<'a> {
    pub(crate) pipe: &'a mut Pipe,
    pub(crate) before: State,
    pub(crate) marked: &'a mut bool,
    pub(crate) news: &'a mut VecDeque<StreamId>,
    pub(crate) moves: &'a mut u64,
    pub(crate) unread: &'a mut usize,
    /// For a reader.
    pub(crate) gathering: Option<Gathering<'a>>,
    pub(crate) stream: StreamId,
}

/// The bytes that were read, to be told to the writer together.
pub(crate) struct Gathering<'a> {
    pub(crate) credit: &'a mut Credit,
    pub(crate) marked: &'a mut bool,
    pub(crate) read: &'a mut Vec<StreamId>,
}

impl Deref for StreamPipe<'_> {
    type Target = Pipe;
    fn deref(&self) -> &Pipe {
        self.pipe
    }
}

impl DerefMut for StreamPipe<'_> {
    fn deref_mut(&mut self) -> &mut Pipe {
        self.pipe
    }
}

impl Drop for StreamPipe<'_> {
    #[inline]
    fn drop(&mut self) {
        let after = State::of(self.pipe);
        if after != self.before {
            self.note(after);
        }
    }
}

impl StreamPipe<'_> {
    /// Notes what has changed.
    fn note(&mut self, after: State) {
        let before = self.before;
        *self.unread = *self.unread + after.len - before.len;
        if let Some(Gathering {
            credit,
            marked,
            read,
        }) = &mut self.gathering
            && credit.step > 0
            && after.only_read_since(before)
        {
            credit.unheard += before.len - after.len;
            if !mem::replace(marked, true) {
                read.push(self.stream);
            }
            if credit.unheard < credit.step {
                return; // with more bytes
            }
        } else if !mem::replace(self.marked, true) {
            self.news.push_back(self.stream);
        }
        *self.moves += (after.revision - before.revision).max(1);
    }
}

/// The state of a pipe whose changes concern a writer and a reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    revision: u64,
    required: usize,
    len: usize,
}

impl State {
    pub(crate) fn of(pipe: &Pipe) -> Self {
        Self {
            revision: pipe.revision(),
            required: pipe.required(),
            len: pipe.len(),
        }
    }

    /// Returns `true` if bytes were read, and nothing is required.
    fn only_read_since(self, before: Self) -> bool {
        before.required == 0 && self.required == 0 && self.len < before.len
    }
}

impl fmt::Debug for StreamPipe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamPipe")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// The bytes that were read, and of which the writer need not hear yet.
#[derive(Debug, Default)]
pub(crate) struct Credit {
    pub(crate) unheard: usize,
    /// The writer hears of so many bytes at once.
    pub(crate) step: usize,
}
