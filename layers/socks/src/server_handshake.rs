//! The handshake of a server: it reads the request, waits for the decision, and answers.

use crate::asked::Asked;
use crate::handshake::{NAME, read, refuse};
use crate::names::method;
use crate::server_login::log_in;
use crate::server_state::{Service, State};
use crate::wire::{self, v4, v5};
use crate::{Address, Command, Reply, Request, SocksError, Version};
use wirestack_layer::{Error, SeenProtocol, Wire};

/// The handshake.
pub(crate) async fn open(wire: Wire<State>) -> Result<(), Error> {
    let service = wire.state(|state| match state {
        State::New(service) => service.take(),
        _ => None,
    });
    let mut service = service.expect("the handshake begins once");
    let version = match service.socks4 {
        Some(_) => version(&wire).await?,
        None => Version::Socks5,
    };
    let opened = serve(&wire, version, &mut service).await;
    if let Err(error) = &opened {
        report(&wire, version, error).await;
    }
    opened
}

/// Returns the version that the client speaks, by its first byte, which stays unread.
async fn version(wire: &Wire<State>) -> Result<Version, Error> {
    read(wire, wire::GREETING, |fields| {
        Ok(if v4::begins_with(fields.first()?) {
            Version::Socks4
        } else {
            Version::Socks5
        })
    })
    .await
}

async fn serve(wire: &Wire<State>, version: Version, service: &mut Service) -> Result<(), Error> {
    let request = match version {
        Version::Socks4 => socks4_request(wire, service).await?,
        Version::Socks5 => socks5_request(wire, service).await?,
    };
    let command = request.command;
    let asked = Asked {
        request,
        bound: None,
        peer: None,
    };
    wire.state(|state| *state = State::Asked(asked));
    grant(wire, version, command.request(), |asked| &asked.bound).await?;
    if command == Command::Bind {
        grant(wire, version, wire::PEER, |asked| &asked.peer).await?;
    }
    Ok(())
}

/// Reads a request of SOCKS4, which has the user id too.
async fn socks4_request(wire: &Wire<State>, service: &mut Service) -> Result<Request, Error> {
    let request = read(wire, wire::SOCKS4_REQUEST, |fields| {
        v4::parse_request(fields, service.served)
    });
    let request = request.await?;
    let user = request.user().unwrap_or_default();
    if service.socks4.as_mut().is_some_and(|check| check(user)) {
        Ok(request)
    } else {
        Err(refuse(SocksError::WrongUserId))
    }
}

/// Authenticates a client of SOCKS5, and reads its request.
async fn socks5_request(wire: &Wire<State>, service: &mut Service) -> Result<Request, Error> {
    let user = log_in(wire, service.password.as_mut()).await?;
    let request = read(wire, wire::REQUEST, |fields| {
        v5::parse_request(fields, service.served)
    });
    let (command, target) = request.await?;
    Ok(Request {
        version: Version::Socks5,
        command,
        target,
        user,
    })
}

/// Waits until the application has accepted, and sends the client the address.
async fn grant(
    wire: &Wire<State>,
    version: Version,
    decision: &'static str,
    address: impl Fn(&Asked) -> &Option<Address>,
) -> Result<(), Error> {
    let decision = wire.decide(decision, |state| match state {
        State::Asked(asked) => address(asked).clone().map(Ok),
        State::Rejected(reply) => Some(Err(SocksError::Rejected(*reply))),
        _ => None,
    });
    let address = decision.await.map_err(|cause| Error::local(NAME, cause))?;
    wire.fill(|to| wire::emit_granted(to, version, &address))
        .await;
    Ok(())
}

/// Sends the client the reply to an error, if the protocol has one.
async fn report(wire: &Wire<State>, version: Version, error: &Error) {
    let Some(cause) = error.cause() else { return };
    let reply = match cause {
        SocksError::RequiredMethod { .. } => {
            return wire
                .fill(|to| v5::emit_choice(to, method::NONE_ACCEPTABLE))
                .await;
        }
        // "If the server returns a `failure' (STATUS value other than X'00') status, it MUST close
        // the connection" (RFC 1929 §2): also to a password of another version.
        SocksError::EmptyPassword
        | SocksError::WrongPassword
        | SocksError::BadVersion {
            message: wire::PASSWORD,
            ..
        } => {
            return wire.fill(|to| v5::emit_status(to, false)).await;
        }
        // A client of SOCKS4 that is not served understands a refusal in its own version alone.
        SocksError::NotSocks { seen, .. } if seen.protocol() == Some(SeenProtocol::Socks4) => {
            let reply = Reply::Socks4(v4::code::REJECTED);
            return wire
                .fill(|to| wire::emit_refusal(to, Version::Socks4, reply))
                .await;
        }
        SocksError::WrongUserId => Reply::Socks4(v4::code::WRONG_USER_ID),
        SocksError::UnsupportedCommand(_) => Reply::CommandNotSupported,
        SocksError::UnknownAddressType(_) => Reply::AddressTypeNotSupported,
        SocksError::BadAddress(_) | SocksError::TooLong(_) => Reply::GeneralFailure,
        SocksError::Rejected(reply) => *reply,
        _ => return,
    };
    wire.fill(|to| wire::emit_refusal(to, version, reply)).await;
}
