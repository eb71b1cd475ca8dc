//! The desktop that a user works at.

use std::ffi::OsString;

/// The desktop whose proxy settings count, on Linux and its relatives.
///
/// ```
/// use wirestack_dial::system::Desktop;
///
/// /// Returns the program that writes the settings of a desktop.
/// fn program(desktop: Desktop) -> Option<&'static str> {
///     (desktop == Desktop::Gnome).then_some("gsettings")
/// }
/// assert_eq!(program(Desktop::of(|_| None)), None); // there is no desktop
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Desktop {
    /// GNOME, or a desktop made of its parts, which has its settings too.
    Gnome,
    /// KDE.
    Kde,
    /// Another desktop, which has no settings for proxies, or none at all.
    Other,
}

impl Desktop {
    /// Returns the desktop that the variables of the environment name: `XDG_CURRENT_DESKTOP`, a list
    /// whose first known item counts; without it, older variables.
    ///
    /// ```
    /// use wirestack_dial::system::Desktop;
    ///
    /// let variable = |name: &str| (name == "XDG_CURRENT_DESKTOP").then(|| "ubuntu:GNOME".into());
    /// assert_eq!(Desktop::of(variable), Desktop::Gnome);
    /// ```
    pub fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            Some(value.to_string_lossy().to_ascii_lowercase())
        };
        if let Some(list) = text("XDG_CURRENT_DESKTOP") {
            let known = list.split(':').find_map(Self::named);
            return known.unwrap_or(Self::Other);
        }
        let session = text("DESKTOP_SESSION").and_then(|session| Self::named(&session));
        if let Some(desktop) = session {
            return desktop;
        }
        if text("KDE_FULL_SESSION").is_some() {
            return Self::Kde;
        }
        if text("GNOME_DESKTOP_SESSION_ID").is_some() {
            return Self::Gnome;
        }
        Self::Other
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name.trim() {
            "gnome" | "gnome-classic" | "gnome-flashback" | "gnome-xorg" | "unity" | "ubuntu"
            | "x-cinnamon" | "cinnamon" | "pantheon" | "deepin" | "budgie" | "ukui" => Self::Gnome,
            "kde" | "kde4" | "kde-plasma" | "plasma" | "plasmax11" | "plasmawayland" => Self::Kde,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_the_desktop() {
        for (variables, desktop) in [
            (&[("XDG_CURRENT_DESKTOP", "GNOME")][..], Desktop::Gnome),
            (&[("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")], Desktop::Gnome),
            (
                &[("XDG_CURRENT_DESKTOP", "Unity:Unity7:ubuntu")],
                Desktop::Gnome,
            ),
            (&[("XDG_CURRENT_DESKTOP", "X-Cinnamon")], Desktop::Gnome),
            (&[("XDG_CURRENT_DESKTOP", "Budgie:GNOME")], Desktop::Gnome),
            (&[("XDG_CURRENT_DESKTOP", "KDE")], Desktop::Kde),
            (&[("XDG_CURRENT_DESKTOP", "XFCE")], Desktop::Other),
            (
                &[
                    ("XDG_CURRENT_DESKTOP", "sway:wlroots"),
                    ("DESKTOP_SESSION", "gnome"),
                ],
                Desktop::Other,
            ),
            (
                &[("XDG_CURRENT_DESKTOP", ""), ("DESKTOP_SESSION", "plasma")],
                Desktop::Kde,
            ),
            (&[("DESKTOP_SESSION", "gnome")], Desktop::Gnome),
            (&[("KDE_FULL_SESSION", "true")], Desktop::Kde),
            (
                &[("GNOME_DESKTOP_SESSION_ID", "this-is-deprecated")],
                Desktop::Gnome,
            ),
            (&[], Desktop::Other),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(set, _)| *set == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(Desktop::of(variable), desktop, "{variables:?}");
        }
    }
}
