//! Many streams over one HTTP/2 connection.

use super::stream::{Http2Stream, Http2WebSocket};
use super::{Connection, connect::seed, websocket::over_http2};
use crate::http2::{Asks, Head, Request, StreamId, Streams, asks};
use crate::{BoxHttp2, End, Error, Flow, Layer, websocket};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep};

/// An HTTP/2 connection for many streams, on a client's side or a server's.
///
/// Clones and streams share it. Whoever waits for something in it drives it, for all: with many
/// streams, let one task do that, with [`spawn`](Self::spawn) or with [`driver`](Self::driver). When
/// the last clone and the last stream are gone, it closes: at once, or gracefully if a driver runs.
pub struct Http2<S = TcpStream> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) hold: Arc<Hold>,
}

/// Where a client's connection leads.
#[derive(Clone)]
pub(super) struct Origin {
    /// Scheme and authority, of a WebSocket.
    pub(super) url: String,
    pub(super) authorization: Option<HeaderValue>,
}

impl<S> Http2<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// Shares a connection whose application side is streams.
    pub fn new<L>(connection: Connection<S, L>) -> Self
    where
        L: Layer<In = Streams, Out = Streams> + Send + 'static,
    {
        let wakers = Arc::<Wakers>::default();
        Self {
            hold: Arc::new(Hold(wakers.clone())),
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    connection: connection.boxed(),
                    responses: HashMap::new(),
                    requests: VecDeque::new(),
                    answered: Vec::new(),
                }),
                fan: Waker::from(wakers.clone()),
                wakers,
                origin: None,
            }),
        }
    }
    pub(super) fn with_origin(mut self, origin: Origin) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.origin = Some(origin);
        }
        self
    }
    /// Opens a WebSocket at a path, with a query perhaps, of the server that was connected to.
    ///
    /// # Errors
    ///
    /// As [`websocket_with`](Self::websocket_with).
    pub async fn websocket(&self, path: &str) -> Result<Http2WebSocket<S>, Error> {
        let origin = self.shared.origin.as_ref().ok_or_else(no_origin)?;
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut request = websocket::Request::new(&format!("{}/{path}", origin.url))?;
        if let Some(value) = &origin.authorization {
            request = request.header(AUTHORIZATION, value.clone())?;
        }
        self.websocket_with(request, websocket::Settings::default())
            .await
    }
    /// Opens a WebSocket by an extended CONNECT (RFC 8441).
    ///
    /// # Errors
    ///
    /// What refused it, or ended the connection; [`http2::Cause`](crate::http2::Cause) tells.
    pub async fn websocket_with(
        &self,
        request: websocket::Request,
        settings: websocket::Settings,
    ) -> Result<Http2WebSocket<S>, Error> {
        let asked = Request::extended("websocket", request.to_http2())?;
        let (response, stream) = self.open(asked).await?;
        let client = websocket::Client::answered(&request, response, settings, seed())?;
        Ok(over_http2(stream, client))
    }
    /// Opens a stream: a tunnel, or any other protocol.
    ///
    /// Dropping the future resets the stream.
    ///
    /// # Errors
    ///
    /// What refused it, or ended the connection.
    pub async fn open(&self, request: Request) -> Result<(Response<()>, Http2Stream<S>), Error> {
        let id = self.shared.lock().streams().open(request)?;
        self.shared.go_on();
        let stream = Http2Stream::new(self, id);
        let response = poll_fn(|cx| {
            let interest = Interest::Read(id);
            self.shared.wait(interest, cx, |state| {
                if let Some(response) = state.responses.remove(&id) {
                    return Poll::Ready(Ok(response));
                }
                match state.cut_short(id) {
                    Some(error) => Poll::Ready(Err(error)),
                    None => Poll::Pending,
                }
            })
        });
        let response = response.await?;
        Ok((response.map(|_| ()), stream))
    }
    /// Waits for the next request; `None` once the client asks for no more.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// What ended the connection, again at every call.
    pub async fn accept(&self) -> Option<Result<Incoming<S>, Error>> {
        let next = poll_fn(|cx| {
            self.shared.wait(Interest::Connection, cx, |state| {
                if let Some(request) = state.requests.pop_front() {
                    return Poll::Ready(Some(Ok(request)));
                }
                match state.connection.engine().to_app().closed() {
                    None => Poll::Pending,
                    Some(End::Finished) => Poll::Ready(None),
                    Some(End::Aborted(error)) => Poll::Ready(Some(Err(error.clone()))),
                }
            })
        });
        Some(next.await?.map(|(id, request)| Incoming {
            request,
            stream: Some(Http2Stream::new(self, id)),
        }))
    }
    /// Says that no more streams will be opened or taken, and waits until those that are open have
    /// ended.
    ///
    /// # Errors
    ///
    /// What ended the connection instead.
    pub async fn close(&self) -> Result<(), Error> {
        poll_fn(|cx| {
            self.shared.wait(Interest::Connection, cx, |state| {
                state.streams().finish();
                let engine = state.connection.engine();
                let left = engine.has_left();
                match engine.to_app().closed() {
                    Some(End::Aborted(error)) => Poll::Ready(Err(error.clone())),
                    Some(End::Finished) if left => Poll::Ready(Ok(())),
                    _ => Poll::Pending,
                }
            })
        })
        .await
    }
    /// Reads facts from the stack, or takes a decision in it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Connection<S, BoxHttp2>) -> T) -> T {
        let result = act(&mut self.shared.lock().connection);
        self.shared.go_on();
        result
    }
    /// Returns a future that drives the connection until it is over, for all who wait.
    pub fn driver(&self) -> Driver<S> {
        Driver {
            shared: self.shared.clone(),
            goodbye: None,
        }
    }
    /// Drives the connection in a task of the current tokio runtime.
    pub fn spawn(&self) -> JoinHandle<()> {
        tokio::spawn(self.driver())
    }
}

impl<S> Clone for Http2<S> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            hold: self.hold.clone(),
        }
    }
}

/// A request that a server has not answered. Dropped, it is answered with 503.
pub struct Incoming<S: AsyncRead + AsyncWrite + Unpin + Send + 'static = TcpStream> {
    request: http::Request<()>,
    stream: Option<Http2Stream<S>>,
}

impl<S> Incoming<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// Returns the request.
    pub fn request(&self) -> &http::Request<()> {
        &self.request
    }
    /// Returns what it asks for.
    pub fn asks(&self) -> Asks<'_> {
        asks(&self.request)
    }
    /// Opens the tunnel that was asked for, with 200 and these fields; `None` if the request is an
    /// ordinary one, which is then answered with 501.
    pub fn accept(mut self, headers: HeaderMap) -> Option<Http2Stream<S>> {
        let opens = self.asks() != Asks::Response;
        let mut response = Response::new(Bytes::new());
        *response.headers_mut() = headers;
        if !opens {
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
        }
        let stream = self.stream.take()?;
        stream.respond(response);
        opens.then_some(stream)
    }
    /// Answers with a response and nothing more; a 2xx to a CONNECT is made 403.
    pub fn respond(mut self, mut response: Response<Bytes>) {
        if self.asks() != Asks::Response && response.status().is_success() {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        if let Some(stream) = self.stream.take() {
            stream.respond(response);
        }
    }
}

impl<S> Drop for Incoming<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            stream.respond(response);
        }
    }
}

/// Drives a connection for all its streams, until it is over. When nobody holds the connection any
/// more, it says goodbye, for at most ten seconds.
#[must_use = "it does nothing until it is polled"]
pub struct Driver<S> {
    shared: Arc<Shared<S>>,
    /// Until when it says goodbye.
    goodbye: Option<Pin<Box<Sleep>>>,
}

impl<S> Future for Driver<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { shared, goodbye } = &mut *self;
        shared.wakers.drive(cx.waker());
        if shared.wakers.abandoned.load(Ordering::Acquire) {
            shared.lock().streams().finish();
            let goodbye = goodbye.get_or_insert_with(|| Box::pin(sleep(GOODBYE)));
            if goodbye.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        shared.locked(|state, fan| {
            loop {
                if state.connection.is_over() {
                    return Poll::Ready(());
                }
                ready!(state.connection.advance(fan));
            }
        })
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        *self.shared.wakers.driver() = None;
        self.shared.wakers.wake_everyone(); // each drives for itself again
    }
}

/// What all hands share.
pub(super) struct Shared<S> {
    state: Mutex<State<S>>,
    wakers: Arc<Wakers>,
    /// What the transport and the timer wake.
    fan: Waker,
    origin: Option<Origin>,
}

pub(super) struct State<S> {
    pub(super) connection: Connection<S, BoxHttp2>,
    /// Responses that nobody has taken yet.
    pub(super) responses: HashMap<StreamId, Response<Bytes>>,
    requests: VecDeque<(StreamId, http::Request<()>)>,
    /// Streams whose responses have just arrived.
    answered: Vec<StreamId>,
}

/// What somebody waits for.
#[derive(Clone, Copy)]
pub(super) enum Interest {
    Read(StreamId),
    Write(StreamId),
    /// Until all has left.
    Flush(StreamId),
    Connection,
}

impl<S> Shared<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    pub(super) fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Does something with the connection, then tells those who wait for what came of it: outside
    /// of the lock, as nobody knows what a waker does.
    fn locked<T>(&self, act: impl FnOnce(&mut State<S>, &mut Context<'_>) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state, &mut Context::from_waker(&self.fan));
        let woken = state.news(&self.wakers);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        result
    }
    /// Tries until it is ready, and drives in between unless somebody else does.
    pub(super) fn wait<T>(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut State<S>) -> Poll<T>,
    ) -> Poll<T> {
        self.wakers.register(interest, cx.waker());
        self.locked(|state, fan| {
            let mut waits = self.wakers.is_driven();
            loop {
                let before = state.connection.moves();
                let tried = attempt(state);
                if tried.is_ready() || waits {
                    if state.connection.moves() != before {
                        self.move_on(state, fan);
                    }
                    return tried;
                }
                // The last word is the attempt's: it sees what was processed before the wait.
                waits = state.connection.advance(fan).is_pending();
                state.sort();
            }
        })
    }
    /// Lets what somebody did at the application's side have its effect.
    pub(super) fn go_on(&self) {
        self.locked(|state, fan| self.move_on(state, fan));
    }
    fn move_on(&self, state: &mut State<S>, fan: &mut Context<'_>) {
        if !self.wakers.wake_driver() {
            state.connection.push(fan);
        }
    }
    /// Forgets who waited at a stream.
    pub(super) fn dismiss(&self, id: StreamId) {
        self.wakers.streams().remove(&id);
    }
}

impl<S> State<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// The streams' way down.
    pub(super) fn streams(&mut self) -> &mut Streams {
        self.connection.engine().from_app()
    }
    /// Why a stream ended, if it was cut short.
    pub(super) fn cut_short(&mut self, id: StreamId) -> Option<Error> {
        let to_app = self.connection.engine().to_app();
        let whole = match to_app.closed() {
            Some(End::Aborted(error)) => Some(error.clone()),
            _ => None,
        };
        match to_app.read(id) {
            Some(pipe) => match pipe.closed() {
                Some(End::Aborted(error)) => Some(error.clone()),
                _ => None,
            },
            None => whole,
        }
    }
    /// Puts what arrived where those look who wait for it.
    fn sort(&mut self) {
        while let Some((id, head)) = self.connection.engine().to_app().arrived() {
            match head {
                Head::Response(response) => {
                    self.responses.insert(id, response);
                    self.answered.push(id);
                }
                Head::Request(request) => self.requests.push_back((id, request)),
            }
        }
    }
    /// Whom to wake for what has happened, and nobody else.
    fn news(&mut self, wakers: &Wakers) -> Vec<Waker> {
        self.sort();
        let mut woken = Vec::new();
        let engine = self.connection.engine();
        let mut streams = wakers.streams();
        let mut wake = |id: StreamId, at: usize| {
            woken.extend(streams.get_mut(&id).and_then(|both| both[at].take()));
        };
        self.answered.drain(..).for_each(|id| wake(id, 0));
        while let Some(id) = engine.to_app().readable() {
            wake(id, 0);
        }
        while let Some(id) = engine.from_app().writable() {
            wake(id, 1);
        }
        drop(streams);
        if engine.has_left() {
            woken.extend(mem::take(&mut *locked(&wakers.flushers)).into_values());
        }
        if !self.requests.is_empty() || engine.to_app().is_closed() {
            woken.append(&mut locked(&wakers.connection));
        }
        woken
    }
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct Wakers {
    driver: Mutex<Option<Waker>>,
    /// By stream: who reads, and who writes.
    streams: Mutex<HashMap<StreamId, [Option<Waker>; 2]>>,
    flushers: Mutex<HashMap<StreamId, Waker>>,
    connection: Mutex<Vec<Waker>>,
    abandoned: AtomicBool,
}

impl Wakers {
    fn register(&self, interest: Interest, waker: &Waker) {
        let (id, at) = match interest {
            Interest::Read(id) => (id, 0),
            Interest::Write(id) => (id, 1),
            Interest::Flush(id) => {
                locked(&self.flushers).insert(id, waker.clone());
                (id, 1)
            }
            Interest::Connection => {
                let mut waiting = locked(&self.connection);
                if !waiting.iter().any(|other| other.will_wake(waker)) {
                    waiting.push(waker.clone());
                }
                return;
            }
        };
        match &mut self.streams().entry(id).or_default()[at] {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }
    fn drive(&self, waker: &Waker) {
        match &mut *self.driver() {
            Some(old) => old.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }
    fn is_driven(&self) -> bool {
        self.driver().is_some()
    }
    fn wake_driver(&self) -> bool {
        let driver = self.driver().clone();
        driver.inspect(Waker::wake_by_ref).is_some()
    }
    fn wake_everyone(&self) {
        let mut woken: Vec<_> = mem::take(&mut *locked(&self.connection));
        woken.extend(mem::take(&mut *locked(&self.flushers)).into_values());
        for both in self.streams().values_mut() {
            woken.extend(both.iter_mut().filter_map(Option::take));
        }
        woken.into_iter().for_each(Waker::wake);
    }
    fn driver(&self) -> MutexGuard<'_, Option<Waker>> {
        locked(&self.driver)
    }
    fn streams(&self) -> MutexGuard<'_, HashMap<StreamId, [Option<Waker>; 2]>> {
        locked(&self.streams)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        if !self.wake_driver() {
            self.wake_everyone();
        }
    }
}

/// Held by every clone and every stream.
pub(super) struct Hold(Arc<Wakers>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.wake_driver();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_origin() -> Error {
    Error::local("http2", NoOrigin)
}

#[derive(Debug, thiserror::Error)]
#[error("this connection was not made from a URL: say with `websocket_with` where the path is")]
struct NoOrigin;

/// How long a driver says goodbye when nobody holds the connection any more.
const GOODBYE: Duration = Duration::from_secs(10);
