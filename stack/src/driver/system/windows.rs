//! The settings of Windows, in the registry.

use super::{Found, local};
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};
use wirestack_dial::system::{SystemSettings, WindowsValues};
use wirestack_layer::Error;

/// Reads the settings of the user, or those of the machine if a policy says that they count.
pub(super) fn read() -> Result<Found, Error> {
    let policy = LOCAL_MACHINE.open(POLICY);
    let per_user = policy.and_then(|key| key.get_u32("ProxySettingsPerUser"));
    let root = match per_user {
        Ok(0) => LOCAL_MACHINE,
        _ => CURRENT_USER,
    };
    let Ok(key) = root.open(SETTINGS) else {
        return Ok(Found {
            settings: SystemSettings::direct(),
            note: Some("the registry has no settings for proxies".to_owned()),
        });
    };
    let mut values = WindowsValues::default();
    values.proxy_enable = number(&key, "ProxyEnable")?;
    values.proxy_server = text(&key, "ProxyServer")?;
    values.proxy_override = text(&key, "ProxyOverride")?;
    values.auto_config_url = text(&key, "AutoConfigURL")?;
    Ok(Found {
        settings: SystemSettings::windows(&values),
        note: None,
    })
}

/// Returns a number; 0 if it is not set.
fn number(key: &Key, name: &'static str) -> Result<u32, Error> {
    if key.get_type(name).is_err() {
        return Ok(0);
    }
    key.get_u32(name).map_err(|error| unreadable(name, &error))
}

/// Returns a text; an empty one if it is not set.
fn text(key: &Key, name: &'static str) -> Result<String, Error> {
    if key.get_type(name).is_err() {
        return Ok(String::new());
    }
    key.get_string(name)
        .map_err(|error| unreadable(name, &error))
}

fn unreadable(name: &'static str, error: &impl ToString) -> Error {
    let why = error.to_string();
    local(Unreadable { name, why })
}

#[derive(Debug, thiserror::Error)]
#[error("the value {name} of the registry cannot be read: {why}")]
struct Unreadable {
    name: &'static str,
    why: String,
}

const SETTINGS: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
const POLICY: &str = r"Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";
