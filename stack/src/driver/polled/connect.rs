//! Connecting by URL.

use super::{Connection, Dialed, Outside, Resolve, Runtime, dial};
use crate::connect::{Connect, ConnectHttp2, ConnectStream, Connector, Prepared};
use crate::dial::{Asked, Credentials, DialError, Dialer};
use crate::driver::seed;
use crate::websocket::Payload;
use crate::{BoxSocket, BoxTunnel, Layer};
use std::pin::Pin;

/// Carries out what was prepared.
pub(in crate::driver) async fn go<L, R>(
    prepared: Prepared<L, Outside<R>>,
) -> Result<Dialed<L, R>, DialError>
where
    L: Layer<In: Default, Out: Default>,
    R: Runtime,
{
    let Prepared {
        plan,
        timeouts,
        outside,
    } = prepared;
    let (plan, now) = (outside.shared(plan), outside.runtime.now());
    dial(Dialer::new(plan, timeouts, seed(), now), &outside).await
}

/// What connecting gets from outside.
macro_rules! from_outside {
    ($builder:ident $(, $form:ident)?) => {
        impl<$($form: Payload,)? R: Runtime> $builder<$($form,)? Outside<R>> {
            /// Looks names up with this resolver, instead of the system's.
            pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
                self.outside = self.outside.resolver(resolver);
                self
            }
            /// Asks this for credentials when an HTTP proxy that is
            /// [`asking`](crate::dial::Hop::asking) wants some.
            pub fn credentials<Fut>(
                mut self,
                ask: impl Fn(Asked) -> Fut + Send + Sync + 'static,
            ) -> Self
            where
                Fut: Future<Output = Option<Credentials>> + Send + 'static,
            {
                self.outside = self.outside.credentials(ask);
                self
            }
        }
    };
}
from_outside!(Connect, F);
from_outside!(ConnectStream);
from_outside!(ConnectHttp2);
from_outside!(Connector);

/// Connecting itself.
macro_rules! goes {
    ($builder:ident $(, $form:ident)? => $layer:ty) => {
        impl<$($form: Payload,)? R: Runtime> $builder<$($form,)? Outside<R>> {
            /// Connects, and tells what was done for it too.
            ///
            /// # Errors
            ///
            /// What connecting failed at, hop by hop.
            pub async fn traced(self) -> Result<Dialed<$layer, R>, DialError> {
                let now = self.outside.runtime.now();
                go(self.prepare(now)?).await
            }
        }
        impl<$($form: Payload,)? R: Runtime> IntoFuture for $builder<$($form,)? Outside<R>> {
            type Output = Result<Connection<R::Transport, $layer, R>, DialError>;
            type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async { Ok(self.traced().await?.0) })
            }
        }
    };
}
goes!(Connect, F => BoxSocket<F>);
goes!(ConnectStream => BoxTunnel);
