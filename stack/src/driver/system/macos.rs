//! The settings of macOS, by the program `scutil`: the list of exceptions that its libraries return
//! cannot be read without unsafe code.

use super::command::{Output, run};
use super::{Found, local};
use wirestack_dial::system::SystemSettings;
use wirestack_layer::Error;

/// Reads the settings of the network that is in use.
pub(super) fn read() -> Result<Found, Error> {
    match run("/usr/sbin/scutil", &["--proxy"])? {
        Output::Text(text) => Ok(Found {
            settings: SystemSettings::macos(&text),
            note: None,
        }),
        Output::None(why) => Err(local(why)),
    }
}
