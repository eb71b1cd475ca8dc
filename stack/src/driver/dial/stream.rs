//! Opening a stream of an HTTP/2 connection, which may be shared.

use super::context::{DialContext, OpenedStream};
use crate::driver::error::{no_runtime_error, seeds};
use crate::driver::http2::Http2;
use crate::driver::runtime::BoxFuture;
use std::sync::Arc;
use wirestack_dial::{Dialer, Plan, SharedConnection, Timeouts};
use wirestack_layer::{Error, origin};

impl DialContext {
    /// Opens a stream, on a connection of the pool or, without a pool, on a new connection.
    pub(super) fn open_stream(
        &self,
        share: Arc<SharedConnection>,
        timeouts: Timeouts,
    ) -> BoxFuture<OpenedStream> {
        let mut context = self.clone();
        match context.streams.take() {
            Some(open) => open(share, timeouts, context),
            None => Box::pin(async move {
                let http2 = dial_http2(&share, timeouts, &context).await?;
                http2.spawn();
                let (response, stream) = http2.open(share.request()).await?;
                Ok((Box::new(stream) as _, response))
            }),
        }
    }
}

/// Opens an HTTP/2 connection for streams.
pub(crate) async fn dial_http2(
    share: &SharedConnection,
    timeouts: Timeouts,
    context: &DialContext,
) -> Result<Http2, Error> {
    let plan = Plan::shared(share);
    let now = context.find_runtime().map_err(no_runtime_error)?.now();
    match context
        .dial(Dialer::new(plan, timeouts, seeds(), now))
        .await
    {
        Ok((connection, _)) => Ok(Http2::new(connection)),
        Err(error) => Err(match error.layer_error() {
            Some(error) => error.clone(),
            None => Error::peer(origin::DIALER, error),
        }),
    }
}
