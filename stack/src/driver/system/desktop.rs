//! The settings of the desktops of Linux and its relatives.

use super::command::{Output, run};
use super::{Found, local};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use wirestack_dial::system::{Desktop, SystemSettings};
use wirestack_layer::{Error, Escaped};

/// Reads the settings of the desktop that the environment names.
pub(super) fn read() -> Result<Found, Error> {
    match Desktop::of(|name| std::env::var_os(name)) {
        Desktop::Gnome => gnome(),
        Desktop::Kde => kde(),
        _ => Ok(Found {
            settings: SystemSettings::direct(),
            note: Some("the desktop has no settings for proxies".to_owned()),
        }),
    }
}

fn gnome() -> Result<Found, Error> {
    let arguments = ["list-recursively", "org.gnome.system.proxy"];
    match run("gsettings", &arguments)? {
        Output::Text(text) => Ok(Found {
            settings: SystemSettings::gnome(&text).map_err(local)?,
            note: None,
        }),
        Output::None(why) => Ok(Found {
            settings: SystemSettings::direct(),
            note: Some(format!("the settings of GNOME cannot be read: {why}")),
        }),
    }
}

fn kde() -> Result<Found, Error> {
    let mut files = Vec::new();
    for folder in config_folders() {
        files.extend(read_file(&folder.join("kioslaverc"))?);
    }
    let texts: Vec<_> = files.iter().map(String::as_str).collect();
    let settings = SystemSettings::kde(&texts, |name| std::env::var_os(name));
    Ok(Found {
        settings: settings.map_err(local)?,
        note: None,
    })
}

/// Returns the folders of settings, those that count less first (XDG Base Directory).
fn config_folders() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let system = set("XDG_CONFIG_DIRS").unwrap_or_else(|| OsString::from("/etc/xdg"));
    let mut folders: Vec<_> = std::env::split_paths(&system).collect();
    folders.reverse();
    let home = || Some(Path::new(&set("HOME")?).join(".config"));
    folders.extend(set("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home));
    // "All paths set in these environment variables must be absolute."
    folders.retain(|folder| folder.is_absolute());
    folders
}

/// Reads a file, if it is there.
fn read_file(path: &Path) -> Result<Option<String>, Error> {
    let mut content = Vec::new();
    let read = fs::metadata(path).and_then(|known| {
        // A pipe or a device could hold the thread for ever.
        if !known.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let file = File::open(path)?;
        file.take(MAX_FILE + 1).read_to_end(&mut content)
    });
    let why = match read {
        Ok(_) if content.len() as u64 <= MAX_FILE => {
            return Ok(Some(String::from_utf8_lossy(&content).into_owned()));
        }
        Ok(_) => "it is larger than 256 KiB".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => error.to_string(),
    };
    let path = Escaped::excerpt(path.to_string_lossy()).to_string();
    Err(local(Unreadable { path, why }))
}

#[derive(Debug, thiserror::Error)]
#[error("the file {path} cannot be read: {why}")]
struct Unreadable {
    path: String,
    why: String,
}

/// The number of bytes that a file may have.
const MAX_FILE: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_settings_has_at_most_256_kib() {
        let name = format!("wirestack-kioslaverc-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, vec![b'x'; 262_144]).unwrap();
        let read = read_file(&path).unwrap().map(|text| text.len());
        assert_eq!(read, Some(262_144));
        std::fs::write(&path, vec![b'x'; 262_145]).unwrap();
        let error = read_file(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read_file(&path).unwrap(), None);
        assert!(
            error.ends_with("cannot be read: it is larger than 256 KiB"),
            "{error}"
        );
        assert!(error.contains("wirestack-kioslaverc"), "{error}");
        let device = read_file(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(device.ends_with("it is not a regular file"), "{device}");
    }
}
