//! One end of a connection, and the work that two ends do together.

use bytes::Bytes;
use wirestack::websocket::Message;
use wirestack::{BoxSocket, Connection, Error, Handle, Layer, Queue, Reader, Writer};

/// One end of a connection of messages.
pub(crate) trait End: Send + 'static {
    /// Receives a message.
    fn next(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> + Send;
    /// Accepts a message.
    fn feed(&mut self, message: Message) -> impl Future<Output = Result<(), Error>> + Send;
    /// Sends what was accepted.
    fn flushed(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Sends a message.
    fn send(&mut self, message: Message) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Two halves of a connection, in one task.
pub(crate) struct Halves<L: Layer>(pub(crate) Reader<L>, pub(crate) Writer<L>);

macro_rules! end {
    ($end:ident, $it:ident => $reader:expr, $writer:expr) => {
        impl<L> End for $end<L>
        where
            L: Layer<In = Queue<Message>, Out = Queue<Message>> + Send + 'static,
        {
            async fn next(&mut self) -> Option<Result<Message, Error>> {
                let $it = self;
                $reader.next().await
            }

            async fn feed(&mut self, message: Message) -> Result<(), Error> {
                let $it = self;
                $writer.feed(message).await
            }

            async fn flushed(&mut self) -> Result<(), Error> {
                let $it = self;
                $writer.flushed().await
            }

            async fn send(&mut self, message: Message) -> Result<(), Error> {
                let $it = self;
                $writer.send(message).await
            }
        }
    };
}
end!(Connection, it => it, it);
end!(Handle, it => it, it);
end!(Halves, it => it.0, it.1);

/// Splits a connection.
pub(crate) fn split(connection: Connection<BoxSocket>) -> Halves<BoxSocket> {
    let (writer, reader) = connection.split();
    Halves(reader, writer)
}

/// Sends a message and awaits its echo, so many times.
pub(crate) async fn ask(end: &mut impl End, message: &Bytes, times: usize) {
    for _ in 0..times {
        end.send(Message::Binary(message.clone()))
            .await
            .expect("sent");
        receive(end, message.len()).await;
    }
}

/// Sends back what comes, until the other end goes away.
pub(crate) async fn answer(mut end: impl End) {
    while let Some(Ok(message)) = end.next().await {
        end.send(message).await.expect("sent");
    }
}

/// Sends many messages, then awaits one.
pub(crate) async fn pour(end: &mut impl End, message: &Bytes, times: usize) {
    for _ in 0..times {
        end.feed(Message::Binary(message.clone()))
            .await
            .expect("accepted");
    }
    end.flushed().await.expect("sent");
    receive(end, 0).await;
}

/// Receives many messages, then sends one.
pub(crate) async fn drink(end: &mut impl End, size: usize, times: usize) {
    for _ in 0..times {
        receive(end, size).await;
    }
    end.send(Message::Binary(Bytes::new())).await.expect("sent");
}

async fn receive(end: &mut impl End, size: usize) {
    let message = end.next().await.expect("a message").expect("a message");
    assert_eq!(message.len(), size);
}
