//! What the two ends of a tunnel say to each other, beside SOCKS5. Decision 62 describes it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;
use wirestack::Escaped;
use wirestack::websocket::{Keepalive, WebSocketConfig};

/// The subprotocol of a tunnel in which SOCKS5 (RFC 1928) asks for the target.
pub(crate) const CONNECT: &str = "tunnel.wirestack";

/// The subprotocol of a tunnel with [`Line`]s: the far end listens, and announces connections.
pub(crate) const LISTEN: &str = "listen.tunnel.wirestack";

/// The subprotocol of a tunnel that takes an announced connection: it begins with the [`Token`].
pub(crate) const ACCEPT: &str = "accept.tunnel.wirestack";

/// The subprotocol of a tunnel with datagrams, each behind its length in two bytes, with the header
/// of RFC 1928 §7.
pub(crate) const UDP: &str = "udp.tunnel.wirestack";

/// Returns the settings of the WebSockets: proxies close connections that carry nothing for long.
pub(crate) fn config() -> WebSocketConfig {
    let mut config = WebSocketConfig::default();
    config.keepalive = Some(Keepalive {
        interval: KEEPALIVE,
        timeout: KEEPALIVE,
    });
    config
}

/// A line of a tunnel with [`LISTEN`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// To the far end: listen at this address.
    Listen(SocketAddr),
    /// The answer: it listens there.
    Listening(SocketAddr),
    /// The answer: it does not, for this reason.
    Refused(String),
    /// To the near end: a connection of this peer waits for a tunnel with the token.
    Connection(Token, SocketAddr),
    /// To the far end: the target was not reached, close that connection.
    Close(Token),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(at) => write!(f, "listen {at}"),
            Self::Listening(at) => write!(f, "listening {at}"),
            Self::Refused(why) => write!(f, "refused {}", Escaped::new(why).at_most(MAX_REASON)),
            Self::Connection(token, peer) => write!(f, "connection {} {peer}", token.hex()),
            Self::Close(token) => write!(f, "close {}", token.hex()),
        }
    }
}

impl FromStr for Line {
    type Err = NotALine;

    fn from_str(text: &str) -> Result<Self, NotALine> {
        let (verb, rest) = text.split_once(' ').ok_or(NotALine)?;
        let line = match verb {
            "listen" => rest.parse().ok().map(Self::Listen),
            "listening" => rest.parse().ok().map(Self::Listening),
            "refused" => Some(Self::Refused(rest.to_owned())),
            "connection" => rest.split_once(' ').and_then(|(token, peer)| {
                Some(Self::Connection(Token::parse(token)?, peer.parse().ok()?))
            }),
            "close" => Token::parse(rest).map(Self::Close),
            _ => None,
        };
        line.ok_or(NotALine)
    }
}

/// The error of a line that cannot be read.
#[derive(Debug)]
pub(crate) struct NotALine;

impl fmt::Display for NotALine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other end of the tunnel sent a line that is not one of this protocol")
    }
}

impl std::error::Error for NotALine {}

/// The right to one connection: nobody else can guess it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token([u8; Self::SIZE]);

impl Token {
    pub(crate) const SIZE: usize = 16;

    /// Creates a token from the entropy of the system.
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; Self::SIZE];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() != 2 * Self::SIZE || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u128::from_str_radix(text, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl From<[u8; Self::SIZE]> for Token {
    fn from(bytes: [u8; Self::SIZE]) -> Self {
        Self(bytes)
    }
}

/// Shows nothing of it.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The lines that arrive.
pub(crate) struct Lines<R>(BufReader<R>);

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(from: R) -> Self {
        Self(BufReader::with_capacity(MAX_LINE, from))
    }

    /// Waits for the next line; `None` is the end. Dropping the future may lose a part of a line.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        let mut from = (&mut self.0).take(most);
        if from.read_until(b'\n', &mut bytes).await? == 0 {
            return Ok(None);
        }
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, NotALine);
        let line = bytes.strip_suffix(b"\n").ok_or_else(wrong)?;
        let line = std::str::from_utf8(line).map_err(|_| wrong())?;
        line.parse().map(Some).map_err(|_| wrong())
    }
}

/// Reads a datagram behind its length into `buf`; `None` is the end. Dropping the future may lose a
/// part of it.
pub(crate) async fn read_datagram(
    from: &mut (impl AsyncRead + Unpin),
    buf: &mut Vec<u8>,
) -> io::Result<Option<()>> {
    let length = match from.read_u16().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    buf.resize(length.into(), 0);
    from.read_exact(buf).await?;
    Ok(Some(()))
}

/// Puts the length before a datagram; `None` if it is too long to be carried.
pub(crate) fn with_length(datagram: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(datagram.len()).ok()?;
    Some([&length.to_be_bytes(), datagram].concat())
}

/// Ends a direction of a tunnel, whose other end may have left.
pub(crate) async fn end(to: &mut (impl AsyncWrite + Unpin)) {
    let _ = timeout(GOODBYE, to.shutdown()).await;
}

/// The time for the goodbye of a tunnel or of a client that was refused.
pub(crate) const GOODBYE: Duration = Duration::from_secs(5);

/// The time without bytes after which a tunnel is asked if it is alive, and that for the answer.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The length of a line, with its end.
const MAX_LINE: usize = 512;

/// The number of characters of the reason for a refusal.
const MAX_REASON: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::time::Instant;
    use wirestack::websocket::Server;
    use wirestack::{Engine, Flow};

    #[test]
    fn the_reason_of_a_refusal_has_200_characters() {
        for (length, shown) in [(200, 200), (201, 200), (9999, 200)] {
            let line = Line::Refused("ä".repeat(length)).to_string();
            assert_eq!(line.matches('ä').count(), shown, "{line}");
            assert!(line.len() < MAX_LINE, "{} bytes", line.len());
        }
    }

    #[test]
    fn a_tunnel_without_a_sign_of_life_is_asked_after_30_seconds_and_given_up_30_later() {
        let seconds = |n| wirestack::Instant::ORIGIN + Duration::from_secs(n);
        let mut engine = Engine::new(Server::established(config()));
        engine.process(seconds(0));
        assert_eq!(engine.deadline(), Some(seconds(30)));
        engine.process(seconds(30));
        let asked = engine.to_wire().len();
        assert!(asked > 0, "no ping");
        engine.transmit(|to_wire| to_wire.consume(asked));
        assert_eq!(engine.deadline(), Some(seconds(60)));
        assert!(!engine.to_app().is_closed());
        engine.process(seconds(60));
        assert!(engine.to_app().is_closed(), "it is not given up");
    }

    /// A tunnel whose other end takes nothing.
    struct Stuck;

    impl AsyncWrite for Stuck {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_that_does_not_end_is_left_after_5_seconds() {
        let began = Instant::now();
        end(&mut Stuck).await;
        assert_eq!(began.elapsed().as_secs(), 5);
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let token = Token::from([0xA7; 16]);
        for line in [
            Line::Listen("127.0.0.1:80".parse().unwrap()),
            Line::Listening("[::1]:80".parse().unwrap()),
            Line::Refused("no".to_owned()),
            Line::Connection(token, "192.0.2.7:1".parse().unwrap()),
            Line::Close(token),
        ] {
            assert_eq!(line.to_string().parse::<Line>().unwrap(), line);
        }
        assert!(
            !Line::Refused("a\nlisten 1.1.1.1:1".to_owned())
                .to_string()
                .contains('\n')
        );
        for wrong in [
            "",
            "listen",
            "listen x",
            "close a7",
            "close +7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7",
            "hello x",
        ] {
            assert!(wrong.parse::<Line>().is_err(), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token");
    }

    #[tokio::test]
    async fn a_line_of_more_than_512_bytes_is_refused() {
        for (length, is_read) in [(511, true), (512, false)] {
            let line = format!("refused {}\n", "x".repeat(length - 8));
            let read = Lines::new(line.as_bytes()).next().await;
            assert_eq!(read.is_ok_and(|line| line.is_some()), is_read, "{length}");
        }
    }
}
