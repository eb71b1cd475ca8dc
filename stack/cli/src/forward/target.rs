//! Opening the target of a rule.

use super::rule::ForwardTo;
use crate::carrier::Carrier;
use crate::exit::Failure;
use crate::way::PreparedWay;
use crate::wire;
use wirestack::{ByteStream, Connect, ConnectStream, DialContext};

/// Opens a connection to a target.
pub(super) async fn open(
    carrier: &Carrier,
    way: &PreparedWay,
    to: &ForwardTo,
) -> Result<ByteStream, Failure> {
    match to {
        ForwardTo::Stream { url, endpoint } => Ok(carrier.open_url(url, endpoint).await?),
        ForwardTo::Unix(path) => {
            let connect = ConnectStream::new("tcp://localhost:1", DialContext::new());
            Ok(connect.direct().unix_socket(path).await?)
        }
        ForwardTo::WebSocket(url) => {
            let connect = Connect::new(url, DialContext::new()).tunnel();
            let connect = way.apply(connect, way.context())?;
            Ok(connect.config(wire::config()).await?.boxed())
        }
        ForwardTo::Udp(_) => Err(Failure::usage(
            "udp:// wants udp: before the port: udp:5353=udp://host:53",
        )),
    }
}
