//! Basic authentication (RFC 7617) of a client.

use super::{Scheme, SchemeAction, SchemeInput};
use wirestack_http::basic_credentials;

/// The scheme Basic. Its one message is the password itself.
#[derive(Default)]
pub(crate) struct Basic {
    sent: bool,
}

impl Scheme for Basic {
    fn name(&self) -> &str {
        "Basic"
    }

    fn strength(&self) -> u8 {
        10
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        let is_challenge = matches!(input, SchemeInput::Challenge { .. });
        if is_challenge && self.sent {
            self.sent = false;
            return SchemeAction::Refused;
        }
        match input {
            SchemeInput::Request { credentials } | SchemeInput::Challenge { credentials, .. } => {
                let Some(known) = credentials else {
                    return SchemeAction::Authorize(None);
                };
                self.sent = true;
                match basic_credentials(&known.user, &known.password) {
                    Ok(value) => SchemeAction::Authorize(Some(value)),
                    Err(error) => SchemeAction::GiveUp(error.to_string()),
                }
            }
            _ => SchemeAction::Authorize(None),
        }
    }
}
