//! The authentication of a client of SOCKS5.

use crate::SocksError;
use crate::handshake::{read, refuse};
use crate::login::Credentials;
use crate::names::method;
use crate::server_state::{PasswordCheck, PendingLogin, State};
use crate::wire::{self, v5};
use alloc::boxed::Box;
use wirestack_layer::{Error, Wire};

/// Chooses the one method that is accepted (RFC 1928 §3), and returns the user, if it has one.
pub(crate) async fn log_in(
    wire: &Wire<State>,
    password: Option<&mut PasswordCheck>,
) -> Result<Option<Box<[u8]>>, Error> {
    let wanted = match password {
        None => method::NO_AUTHENTICATION,
        Some(_) => method::PASSWORD,
    };
    let offered = read(wire, wire::GREETING, |fields| {
        Ok(v5::parse_greeting(fields)?.contains(&wanted))
    });
    if !offered.await? {
        return Err(refuse(SocksError::RequiredMethod { wanted }));
    }
    wire.fill(|to| v5::emit_choice(to, wanted)).await;
    let Some(check) = password else {
        return Ok(None);
    };
    let user = match check {
        PasswordCheck::Now(check) => {
            let user = read(wire, wire::PASSWORD, |fields| {
                let (user, password) = v5::parse_password(fields)?;
                Ok(check(user, password).then(|| user.into()))
            });
            user.await?
        }
        PasswordCheck::Later => decided(wire).await?,
    };
    let Some(user) = user else {
        return Err(refuse(SocksError::WrongPassword));
    };
    wire.fill(|to| v5::emit_status(to, true)).await;
    Ok(Some(user))
}

/// Hands the user and the password to the application, and returns the user if they are right.
async fn decided(wire: &Wire<State>) -> Result<Option<Box<[u8]>>, Error> {
    let credentials = read(wire, wire::PASSWORD, |fields| {
        let (user, password) = v5::parse_password(fields)?;
        Ok(Credentials {
            user: user.into(),
            password: password.into(),
        })
    });
    let credentials = credentials.await?;
    let user = credentials.user.clone();
    let login = PendingLogin {
        credentials,
        is_right: None,
    };
    wire.state(|state| *state = State::Login(login));
    let decision = wire.decide(wire::PASSWORD, |state| match state {
        State::Login(login) => login.is_right,
        _ => None,
    });
    let is_right = decision.await;
    wire.state(|state| *state = State::New(None)); // which clears the password
    Ok(is_right.then_some(user))
}
