//! Connections that no task drives: an event wakes the task that it is for and one that drives, and
//! none of the others. The scheduler and the clock are scripted.

use crate::support::TIMEOUT;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, duplex};
use wirestack::http::{HeaderMap, Request};
use wirestack::http2::{ConnectRequest, Connection as Layer, Http2Config};
use wirestack::runtime::{AsyncTimer, BoxFuture, Runtime, TokioTransport, Transport};
use wirestack::{Connection, Engine, Http2, Http2Stream, Instant};

#[test]
fn a_message_wakes_the_task_of_its_stream_and_the_one_that_drives() {
    let mut bed = Bed::open(1000);
    for to in [0, 999, 500, 500, 17, 998, 999, 0] {
        let woken = bed.message(to);
        assert!(woken.len() <= 2 && woken.contains(&to), "{to}: {woken:?}");
    }
    bed.scheduler.polls.fill(0);
    bed.clock.advance(TIMEOUT);
    bed.run();
    let polls: usize = bed.scheduler.polls.iter().sum();
    assert_eq!(
        polls, 0,
        "nobody is woken by the time, as each task has answered"
    );
}

#[test]
fn another_task_drives_when_the_one_that_drove_is_dropped() {
    let mut bed = Bed::open(100);
    for to in 0..50 {
        let driver = bed.driver();
        bed.drop_reader(driver);
        let to = if to == driver { 99 } else { to };
        if bed.readers[to].is_some() {
            let woken = bed.message(to);
            assert!(woken.len() <= 2 && woken.contains(&to), "{to}: {woken:?}");
        }
    }
}

#[test]
fn another_task_drives_soon_when_the_one_that_drove_does_not_wait_any_more() {
    let mut bed = Bed::open(100);
    for round in 0..5 {
        let driver = bed.driver();
        bed.pause(driver, true);
        let to = (driver + 1) % 100;
        let before = bed.received(to);
        bed.send(to);
        assert_eq!(
            bed.received(to),
            before,
            "{round}: the task that was woken does not read"
        );
        bed.wait();
        assert_eq!(bed.received(to), before + 1, "{round}");
        let woken = bed.message(to);
        assert!(woken.len() <= 2 && woken.contains(&to), "{to}: {woken:?}");
        bed.pause(driver, false);
    }
}

#[test]
fn no_message_is_missed_whoever_comes_and_goes() {
    for seed in 1..30_u64 {
        println!("seed {seed}");
        let mut state = seed;
        let mut random = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut bed = Bed::open(12);
        let mut sent = [0; 12];
        for step in 0..200 {
            let at = random(12);
            match random(8) {
                0 if bed.readers.iter().flatten().count() > 2 => bed.drop_reader(at),
                1 | 2 => bed.pause(at, true),
                3 | 4 => bed.pause(at, false),
                _ if bed.readers[at].is_some() => {
                    bed.send(at);
                    sent[at] += 1;
                }
                _ => {}
            }
            bed.wait();
            for (at, sent) in sent.iter().enumerate() {
                let Some(reader) = &bed.readers[at] else {
                    continue;
                };
                let is_awake = !reader.is_paused.load(Ordering::SeqCst);
                assert!(
                    !is_awake || bed.received(at) == *sent,
                    "step {step}: {at} misses a message"
                );
            }
        }
    }
}

/// A client whose streams have a task each that reads, and its server.
struct Bed {
    scheduler: Scheduler,
    clock: Clock,
    readers: Vec<Option<Reader>>,
    server: Vec<Arc<tokio::sync::Mutex<Http2Stream>>>,
    _ends: [Http2; 2],
}

/// A task that reads.
struct Reader {
    task: usize,
    received: Arc<AtomicUsize>,
    is_paused: Arc<AtomicBool>,
}

impl Bed {
    fn open(streams: usize) -> Self {
        let clock = Clock::default();
        let mut scheduler = Scheduler::default();
        let (near, far) = duplex(1 << 20);
        let on = |io, layer| {
            let (io, runtime) = (TokioTransport::new(io), Arc::new(clock.clone()));
            let connection = Connection::from_transport_on(runtime, io, Engine::new(layer));
            Http2::new(connection.unwrap())
        };
        let config = Http2Config::server().streams(2000).idle_timeout(None);
        let client = on(near, Layer::client(config.clone()));
        let server = on(far, Layer::server(config));
        scheduler.spawn(server.driver());
        let opened = Arc::new(Mutex::new(Vec::new()));
        let (asking, accepting, list) = (client.clone(), server.clone(), opened.clone());
        scheduler.spawn(async move {
            for _ in 0..streams {
                let mut head = Request::new(());
                *head.uri_mut() = "http://example.org/".parse().unwrap();
                let request = ConnectRequest::extended("websocket", head).unwrap();
                let accepted = async {
                    let incoming = accepting.accept().await.unwrap().unwrap();
                    incoming.accept(HeaderMap::new()).unwrap()
                };
                let (asked, accepted) = tokio::join!(asking.open(request), accepted);
                list.lock().unwrap().push((asked.unwrap().1, accepted));
            }
        });
        scheduler.run();
        let opened = std::mem::take(&mut *opened.lock().unwrap());
        assert_eq!(opened.len(), streams);
        let mut bed = Self {
            scheduler,
            clock,
            readers: Vec::new(),
            server: Vec::new(),
            _ends: [client, server],
        };
        for (asked, accepted) in opened {
            bed.server.push(Arc::new(accepted.into()));
            bed.read(asked);
        }
        bed.run();
        bed.clock.advance(TIMEOUT); // what was called before is answered
        bed.run();
        bed
    }

    /// Starts a task that reads bytes from a stream.
    fn read(&mut self, mut stream: Http2Stream) {
        let (received, is_paused) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let (count, paused) = (received.clone(), is_paused.clone());
        let task = self.scheduler.spawn(poll_fn(move |cx| {
            while !paused.load(Ordering::SeqCst) {
                let mut buffer = [0; 1];
                let mut buffer = ReadBuf::new(&mut buffer);
                match Pin::new(&mut stream).poll_read(cx, &mut buffer) {
                    Poll::Pending => break,
                    Poll::Ready(read) => read.unwrap(),
                }
                if buffer.filled().is_empty() {
                    return Poll::Ready(());
                }
                count.fetch_add(1, Ordering::SeqCst);
            }
            Poll::Pending
        }));
        self.readers.push(Some(Reader {
            task,
            received,
            is_paused,
        }));
    }

    fn run(&mut self) {
        self.scheduler.run();
    }

    /// Waits for the time of an alarm. It may run since an earlier call, and then once more.
    fn wait(&mut self) {
        for _ in 0..2 {
            self.clock.advance(Duration::from_millis(50));
            self.run();
        }
    }

    /// Sends a byte on a stream.
    fn send(&mut self, to: usize) {
        let stream = self.server[to].clone();
        self.scheduler.spawn(async move {
            stream.lock().await.write_all(b"x").await.unwrap();
        });
        self.run();
    }

    /// Sends a byte on a stream, and returns the readers whose tasks were polled.
    fn message(&mut self, to: usize) -> Vec<usize> {
        let before = self.received(to);
        self.scheduler.polls.fill(0);
        self.send(to);
        assert_eq!(self.received(to), before + 1, "the message has arrived");
        let polls = &self.scheduler.polls;
        let readers = self.readers.iter().enumerate();
        let polled = readers.filter_map(|(at, reader)| {
            let task = reader.as_ref()?.task;
            (polls[task] > 0).then_some(at)
        });
        polled.collect()
    }

    /// Returns the reader whose task drives: it is woken for the messages of two others.
    fn driver(&mut self) -> usize {
        let present = |bed: &Self| -> Vec<usize> {
            let readers = bed.readers.iter().enumerate();
            readers
                .filter_map(|(at, reader)| reader.is_some().then_some(at))
                .collect()
        };
        for to in present(self) {
            let woken = self.message(to);
            let Some(driver) = woken.into_iter().find(|woken| *woken != to) else {
                continue;
            };
            let other = present(self)
                .into_iter()
                .find(|at| ![to, driver].contains(at));
            if other.is_some_and(|other| self.message(other).contains(&driver)) {
                return driver;
            }
        }
        panic!("nobody drives");
    }

    fn received(&self, at: usize) -> usize {
        let reader = self.readers[at].as_ref();
        reader.map_or(0, |reader| reader.received.load(Ordering::SeqCst))
    }

    fn pause(&mut self, at: usize, is_paused: bool) {
        if let Some(reader) = &self.readers[at] {
            reader.is_paused.store(is_paused, Ordering::SeqCst);
            if !is_paused {
                self.scheduler.wake(reader.task);
            }
        }
        self.run();
    }

    fn drop_reader(&mut self, at: usize) {
        if let Some(reader) = self.readers[at].take() {
            self.scheduler.tasks[reader.task] = None;
        }
        self.run();
    }
}

/// Polls the tasks that were woken, in order, and counts.
#[derive(Default)]
struct Scheduler {
    tasks: Vec<Option<(BoxFuture<()>, Waker)>>,
    polls: Vec<usize>,
    woken: Arc<Mutex<VecDeque<usize>>>,
}

impl Scheduler {
    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) -> usize {
        let id = self.tasks.len();
        let waker = Arc::new(Task {
            id,
            woken: self.woken.clone(),
        });
        self.tasks.push(Some((Box::pin(task), waker.into())));
        self.polls.push(0);
        self.wake(id);
        id
    }

    fn wake(&self, id: usize) {
        self.woken.lock().unwrap().push_back(id);
    }

    fn run(&mut self) {
        loop {
            let Some(id) = self.woken.lock().unwrap().pop_front() else {
                return;
            };
            let Some((task, waker)) = &mut self.tasks[id] else {
                continue;
            };
            self.polls[id] += 1;
            let waker = waker.clone();
            if task
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                self.tasks[id] = None;
            }
        }
    }
}

struct Task {
    id: usize,
    woken: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().push_back(self.id);
    }
}

/// A runtime whose clock stands still until it is advanced.
#[derive(Clone, Default)]
struct Clock(Arc<Mutex<Time>>);

#[derive(Default)]
struct Time {
    passed: Duration,
    timers: Vec<Due>,
    made: usize,
}

struct Due {
    id: usize,
    at: Instant,
    waker: Waker,
}

impl Clock {
    fn advance(&self, time: Duration) {
        let mut clock = self.0.lock().unwrap();
        clock.passed += time;
        let now = clock.now();
        let is_due = |timer: &Due| timer.at <= now;
        let (due, waiting) = clock.timers.drain(..).partition::<Vec<_>, _>(is_due);
        clock.timers = waiting;
        drop(clock);
        due.into_iter().for_each(|timer| timer.waker.wake());
    }
}

impl Time {
    fn now(&self) -> Instant {
        Instant::ORIGIN.checked_add(self.passed).unwrap()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Runtime for Clock {
    fn now(&self) -> Instant {
        self.0.lock().unwrap().now()
    }

    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        let mut clock = self.0.lock().unwrap();
        clock.made += 1;
        Box::pin(Timer {
            id: clock.made,
            at,
            clock: self.clone(),
        })
    }

    fn spawn(&self, _: BoxFuture<()>) {
        unreachable!("nothing is spawned");
    }

    fn connect_tcp(&self, _: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        unreachable!("nothing is connected");
    }
}

struct Timer {
    id: usize,
    at: Instant,
    clock: Clock,
}

impl AsyncTimer for Timer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.at = at;
    }

    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut clock = self.clock.0.lock().unwrap();
        clock.timers.retain(|timer| timer.id != self.id);
        if self.at <= clock.now() {
            return Poll::Ready(Ok(()));
        }
        clock.timers.push(Due {
            id: self.id,
            at: self.at,
            waker: cx.waker().clone(),
        });
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut clock = self.clock.0.lock().unwrap();
        clock.timers.retain(|timer| timer.id != self.id);
    }
}
