//! One message to another server and its reply, for an authenticator: Kerberos over TCP (RFC 4120
//! §7.2.2).

use super::context::DialContext;
use super::turns::turn;
use crate::driver::runtime::{
    BULK_READ_SIZE, BoxFuture, Runtime, Transport, collect_addresses, sleep,
};
use bytes::Bytes;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wirestack_dial::{Endpoint, Target};
use wirestack_layer::{Error, Escaped, Pipe, origin};

impl DialContext {
    /// Sends a message of an authenticator to another server, and returns the reply: with the
    /// callback of [`exchange`](Self::exchange), or else over TCP.
    pub(super) fn fetch(
        &self,
        runtime: &Arc<dyn Runtime>,
        url: String,
        data: Bytes,
    ) -> BoxFuture<Result<Bytes, Error>> {
        if let Some(exchange) = &self.exchange {
            return exchange(url, data);
        }
        let (context, runtime) = (self.clone(), runtime.clone());
        Box::pin(async move {
            let _turn = turn(&url).await; // the time of the layer bounds it
            let mut talk = pin!(talk(&context, &*runtime, &url, data));
            let mut time = pin!(sleep(&*runtime, EXCHANGE_TIMEOUT));
            let done = poll_fn(|cx| match talk.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => time.as_mut().poll(cx).map(|_| Err(ExchangeError::TimedOut)),
            });
            done.await
                .map_err(|error| Error::peer(origin::DIALER, error))
        })
    }
}

/// The time-out of one exchange with another server, from the look-up of its name to the end of its
/// reply. Two servers that do not answer fit into the time of the layer that waits, so that the next
/// server or the next scheme has its turn.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(4);

/// The time-out for connecting to each address of the server but the last one.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// The largest reply. A ticket of a user in very many groups has 64 KiB.
const MAX_REPLY: usize = 1024 * 1024;

/// The cause of a failed exchange with another server.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error(
        "\"{}\" is not fetched here, tcp://host:port is: set `DialContext::exchange` for others",
        Escaped::excerpt(.0)
    )]
    Url(String),
    #[error("its name was not found: {0}")]
    Lookup(io::Error),
    #[error("its name has no address")]
    NoAddress,
    #[error("not reached: {0}")]
    Connect(io::Error),
    #[error("not reached within {} s", ADDRESS_TIMEOUT.as_secs())]
    ConnectTimedOut,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("no whole reply within {} s", EXCHANGE_TIMEOUT.as_secs())]
    TimedOut,
    #[error("it closed the connection after {0} bytes, in the middle of its reply or before it")]
    Truncated(usize),
    #[error("its reply claims {0} bytes, and {MAX_REPLY} are the most: is this a Kerberos server?")]
    TooLarge(u32),
}

async fn talk(
    context: &DialContext,
    runtime: &dyn Runtime,
    url: &str,
    data: Bytes,
) -> Result<Bytes, ExchangeError> {
    let not_tcp = || ExchangeError::Url(url.to_owned());
    if !url.starts_with("tcp://") {
        return Err(not_tcp());
    }
    let target: Target = url.parse().map_err(|_| not_tcp())?;
    let length = u32::try_from(data.len()).map_err(|_| not_tcp())?;
    let mut io = connect(context, runtime, target.endpoint()).await?;
    let mut request = Pipe::new();
    request.write(&length.to_be_bytes());
    request.push(data);
    while !request.is_empty() {
        let wrote = poll_fn(|cx| io.poll_write(cx, &mut request)).await;
        wrote.map_err(ExchangeError::Broken)?;
    }
    let flushed = poll_fn(|cx| io.poll_flush(cx)).await;
    flushed.map_err(ExchangeError::Broken)?;
    read_reply(&mut *io).await
}

/// Connects to the first address that answers.
async fn connect(
    context: &DialContext,
    runtime: &dyn Runtime,
    to: &Endpoint,
) -> Result<Box<dyn Transport>, ExchangeError> {
    let found = context.resolve(runtime, to.host.clone(), to.port);
    let found = collect_addresses(found).await;
    let addresses = found.map_err(ExchangeError::Lookup)?;
    let last = addresses.len().saturating_sub(1);
    let mut failed = ExchangeError::NoAddress;
    for (index, address) in addresses.into_iter().enumerate() {
        match connect_to(context, runtime, address, index < last).await {
            Ok(io) => return Ok(io),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn connect_to(
    context: &DialContext,
    runtime: &dyn Runtime,
    address: SocketAddr,
    is_bounded: bool,
) -> Result<Box<dyn Transport>, ExchangeError> {
    let mut opening = runtime.connect_tcp_with(address, context.tcp_options);
    let mut time = pin!(sleep(runtime, ADDRESS_TIMEOUT));
    poll_fn(|cx| match opening.as_mut().poll(cx) {
        Poll::Ready(opened) => Poll::Ready(opened.map_err(ExchangeError::Connect)),
        Poll::Pending if is_bounded => {
            let expired = time.as_mut().poll(cx);
            expired.map(|_| Err(ExchangeError::ConnectTimedOut))
        }
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Reads four octets of length and as many bytes as they say. What comes behind is left.
async fn read_reply(io: &mut dyn Transport) -> Result<Bytes, ExchangeError> {
    let mut reply = Pipe::new();
    read_until(io, &mut reply, LENGTH).await?;
    let head = reply.take(LENGTH);
    let length = u32::from_be_bytes(head[..].try_into().unwrap_or_default());
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if size > MAX_REPLY {
        return Err(ExchangeError::TooLarge(length));
    }
    read_until(io, &mut reply, size).await?;
    Ok(reply.take(size))
}

/// The octets that say how long a message is. The highest bit is reserved (RFC 4120 §7.2.2), and
/// makes it too large.
const LENGTH: usize = 4;

async fn read_until(
    io: &mut dyn Transport,
    reply: &mut Pipe,
    size: usize,
) -> Result<(), ExchangeError> {
    while reply.len() < size {
        let expected = (size - reply.len()).min(BULK_READ_SIZE);
        let read = poll_fn(|cx| io.poll_read(cx, reply, expected)).await;
        if read.map_err(ExchangeError::Broken)? == 0 {
            return Err(ExchangeError::Truncated(reply.len()));
        }
    }
    Ok(())
}
