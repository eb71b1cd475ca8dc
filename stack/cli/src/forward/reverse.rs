//! The near end of reverse forwards: the far end listens, and its connections go to a target here.

use super::rule::{ForwardTo, Rule};
use super::target::open;
use crate::carrier::Carrier;
use crate::exit::{Exit, Failure};
use crate::listen::ListenAt;
use crate::log::{Log, Record};
use crate::metrics::counted;
use crate::tunnel_end::NearEnd;
use crate::way::PreparedWay;
use crate::wire::{ACCEPT, LISTEN, Line, Lines, Token};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use wirestack::dial::{Backoff, Next, Reconnect};
use wirestack::{ByteStream, Instant, Seed, relay_with_timeout};

/// One reverse forward.
#[derive(Clone)]
pub(super) struct Reverse {
    pub(super) at: SocketAddr,
    pub(super) to: ForwardTo,
    pub(super) near: NearEnd,
    /// The way to the target, which is here: the tunnel takes the way of the user.
    pub(super) carrier: Carrier,
    pub(super) way: PreparedWay,
    pub(super) idle: Duration,
    pub(super) most: usize,
    pub(super) log: Log,
}

/// A far end that listens.
pub(super) struct Listening {
    lines: Lines<ReadHalf<ByteStream>>,
    to: WriteHalf<ByteStream>,
    at: SocketAddr,
}

/// The address to listen at, from a rule.
pub(super) fn address(text: &str, rule: &Rule) -> Result<SocketAddr, Failure> {
    let wrong = || {
        Failure::usage(format!(
            "-R {text}: the far end listens at a port or an address with a port: write 8080=tcp://host:22 or [::1]:8080=tcp://host:22"
        ))
    };
    match (&rule.listen, &rule.udp) {
        (ListenAt::Tcp(at), None) => at
            .replace("localhost", "127.0.0.1")
            .parse()
            .map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

impl Reverse {
    /// Lets the far end listen.
    pub(super) async fn listen(&self) -> Result<Listening, NotListening> {
        let tunnel = self.near.open(LISTEN).await.map_err(NotListening::Dial)?;
        let (from, mut to) = split(tunnel.boxed());
        let mut lines = Lines::new(from);
        let at = ask(&mut lines, &mut to, self.at).await?;
        Ok(Listening { lines, to, at })
    }

    /// Returns the words for a listener.
    pub(super) fn told(&self, listening: &Listening) -> String {
        format!(
            "listening on {} of the far end for {}",
            listening.at, self.to
        )
    }

    /// Carries what the far end accepts. Listens again when its tunnel breaks.
    pub(super) async fn run(self, mut listening: Listening) -> io::Result<()> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        let mut reconnect = waits(Seed::new(seed));
        let now = || Instant::from_std(std::time::Instant::now());
        reconnect.connected(now());
        let open = Arc::new(Semaphore::new(self.most));
        loop {
            let why = match self.carry_all(listening, &open).await {
                Ok(()) => "it has ended".to_owned(),
                Err(error) => error.to_string(),
            };
            self.log.note(&format!(
                "the tunnel that listens at {}: {why}; listening again",
                self.at
            ));
            let mut next = reconnect.broke(now());
            listening = loop {
                let Next::At(at) = next else {
                    return Err(io::Error::other(format!(
                        "the far end does not listen at {} any more",
                        self.at
                    )));
                };
                sleep(at.saturating_duration_since(now())).await;
                match self.listen().await {
                    Ok(listening) => break listening,
                    Err(error) => {
                        self.log.note(&error.to_string());
                        next = match &error {
                            NotListening::Dial(error) => reconnect.failed(error, now()),
                            // The port of the tunnel that broke may not be free yet.
                            _ => reconnect.broke(now()),
                        };
                    }
                }
            };
            reconnect.connected(now());
            self.log.note(&self.told(&listening));
        }
    }

    async fn carry_all(&self, listening: Listening, open: &Arc<Semaphore>) -> io::Result<()> {
        let Listening {
            mut lines, mut to, ..
        } = listening;
        let (close, mut closed) = mpsc::channel::<Token>(1);
        let writing = async {
            while let Some(token) = closed.recv().await {
                say(&mut to, &Line::Close(token)).await?;
            }
            Ok(())
        };
        let reading = async {
            while let Some(line) = lines.next().await? {
                let Line::Connection(token, peer) = line else {
                    continue;
                };
                let Ok(permit) = open.clone().acquire_owned().await else {
                    return Ok(());
                };
                let (this, close) = (self.clone(), close.clone());
                tokio::spawn(async move {
                    this.carry(token, peer, close).await;
                    drop(permit);
                });
            }
            Ok(())
        };
        tokio::select! {
            ended = reading => ended,
            ended = writing => ended,
        }
    }

    /// Connects to the target, then fetches the connection.
    async fn carry(&self, token: Token, peer: SocketAddr, close: mpsc::Sender<Token>) {
        let mut record = Record::new(peer, "reverse");
        record.target = Some(self.to.to_string());
        let connecting = Box::pin(async {
            let (tunnel, target) = self.connect(token, close).await?;
            Ok(relay_with_timeout(tunnel, target, self.idle))
        });
        let carried = match connecting.await {
            Ok(relaying) => counted(relaying.await),
            Err(error) => Err(error),
        };
        self.log.ended(&record, &carried);
    }

    async fn connect(
        &self,
        token: Token,
        close: mpsc::Sender<Token>,
    ) -> Result<(ByteStream, ByteStream), String> {
        let target = match open(&self.carrier, &self.way, &self.to).await {
            Ok(target) => target,
            Err(error) => {
                let _ = close.send(token).await; // its tunnel may have ended
                return Err(error.to_string());
            }
        };
        let tunnel = self.near.open(ACCEPT).await;
        let mut tunnel = tunnel.map_err(|error| error.to_string())?.boxed();
        let fetched = AsyncWriteExt::write_all(&mut tunnel, token.as_bytes()).await;
        fetched.map_err(|error| error.to_string())?;
        Ok((tunnel, target))
    }
}

/// The reason that the far end does not listen.
#[derive(Debug)]
pub(super) enum NotListening {
    Dial(wirestack::dial::DialError),
    Refused(String),
    Broken(String),
}

impl std::fmt::Display for NotListening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dial(error) => error.fmt(f),
            Self::Refused(text) | Self::Broken(text) => f.write_str(text),
        }
    }
}

impl From<NotListening> for Failure {
    fn from(error: NotListening) -> Self {
        match error {
            NotListening::Dial(error) => error.into(),
            NotListening::Refused(text) => Self::new(Exit::TargetRefused, text),
            NotListening::Broken(text) => Self::new(Exit::Broken, text),
        }
    }
}

/// Asks the far end to listen, and returns the address at which it does.
async fn ask(
    lines: &mut Lines<impl AsyncRead + Unpin>,
    to: &mut (impl AsyncWrite + Unpin),
    at: SocketAddr,
) -> Result<SocketAddr, NotListening> {
    let asked = async {
        say(to, &Line::Listen(at)).await?;
        lines.next().await
    };
    let why: &dyn std::fmt::Display = match timeout(ANSWER_TIMEOUT, asked).await {
        Ok(Ok(Some(Line::Listening(at)))) => return Ok(at),
        Ok(Ok(Some(Line::Refused(why)))) => {
            let why = crate::output::safe_text(why.as_bytes());
            return Err(NotListening::Refused(why));
        }
        Ok(Ok(_)) => &"it gave no answer",
        Ok(Err(error)) => &error.to_string(),
        Err(_) => &format!("no answer within {ANSWER_TIMEOUT:?}"),
    };
    Err(NotListening::Broken(format!(
        "the far end of the tunnel, asked to listen at {at}: {why}"
    )))
}

/// Returns the waits before the far end is asked again.
fn waits(seed: Seed) -> Reconnect {
    Reconnect::new(Backoff::default().first(FIRST_WAIT), seed)
}

async fn say(to: &mut (impl AsyncWrite + Unpin), line: &Line) -> io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes()).await?;
    to.flush().await
}

/// The time in which the far end says that it listens.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest first wait before the far end is asked again.
const FIRST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{duplex, empty};

    #[tokio::test(start_paused = true)]
    async fn a_far_end_that_does_not_say_that_it_listens_is_given_up_after_30_seconds() {
        let (ours, _theirs) = duplex(1000);
        let (from, mut to) = split(ours);
        let began = tokio::time::Instant::now();
        let at = "127.0.0.1:8080".parse().unwrap();
        let asked = ask(&mut Lines::new(from), &mut to, at).await;
        let error = asked.unwrap_err().to_string();
        let wanted =
            "the far end of the tunnel, asked to listen at 127.0.0.1:8080: no answer within 30s";
        assert_eq!((error.as_str(), began.elapsed().as_secs()), (wanted, 30));
        let asked = ask(&mut Lines::new(empty()), &mut to, at).await;
        assert!(
            asked
                .unwrap_err()
                .to_string()
                .ends_with("it gave no answer")
        );
    }

    #[test]
    fn the_first_wait_before_listening_again_has_a_second_at_most() {
        let mut longest = Duration::ZERO;
        for seed in 0..200 {
            let mut reconnect = waits(Seed::new([seed; 32]));
            reconnect.connected(Instant::ORIGIN);
            let Next::At(at) = reconnect.broke(Instant::ORIGIN) else {
                panic!("it gives up");
            };
            longest = longest.max(at - Instant::ORIGIN);
        }
        let bounds = Duration::from_millis(900)..=Duration::from_secs(1);
        assert!(bounds.contains(&longest), "{longest:?}");
    }
}
