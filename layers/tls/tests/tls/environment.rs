//! The certificate authorities that the environment names. Each case is a process of its own, as
//! the variables belong to the process.

use crate::kit::{Authority, World, server};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use wirestack_tls::{Certificates, Client, ClientSettings, ServerSettings, server_name};

/// A folder of this test, which is removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wirestack-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a test in a process with these variables; returns what it found out about a server
/// whose identity is in the folder.
fn outcome(folder: &Folder, variables: &[(&str, &OsStr)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "environment::a_process_tells_if_its_environment_trusts_the_server",
        "--nocapture",
    ]);
    for name in [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
    ] {
        child.env_remove(name);
    }
    child.env(CHILD, &folder.0).envs(variables.iter().copied());
    let output = String::from_utf8_lossy(&child.output().unwrap().stdout).into_owned();
    let line = output
        .lines()
        .find_map(|line| Some(line.split_once("outcome: ")?.1.to_owned()));
    line.unwrap_or_else(|| panic!("{output}"))
}

/// The variable that has the folder of a child.
const CHILD: &str = "WIRESTACK_TEST_FOLDER";

/// Tells if the server in the folder is trusted by the settings that trust the system. Does nothing
/// in a run of all tests.
#[test]
fn a_process_tells_if_its_environment_trusts_the_server() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut settings = ClientSettings::new();
    if std::env::var_os("MORE").is_some() {
        settings = settings.ca_certificates(read("more.pem"));
    }
    if std::env::var_os("MORE_FILE").is_some() {
        let more = Certificates::new().ca_file(folder.join("more.pem"));
        settings = settings.certificates(&more);
    }
    let config = match settings.build() {
        Ok(config) => config,
        Err(error) => return println!("outcome: {error}"),
    };
    let client = Client::new(config, server_name("example.org").unwrap()).unwrap();
    let identity = ServerSettings::new(read("chain.pem"), read("key.pem"));
    let mut world = World::new(client, server(identity), 65536);
    world.converse();
    match world.client.error() {
        Some(error) => println!("outcome: {error}"),
        None => println!("outcome: trusted"),
    }
}

#[test]
fn pitfall_78_the_authorities_of_the_environment_take_the_place_of_the_systems() {
    let (mine, other) = (Authority::new("mine"), Authority::new("other"));
    let (chain, key) = mine.issue(&["example.org"], |_| {});
    let (folder, directory) = (Folder::new("roots"), Folder::new("roots-directory"));
    folder.write("chain.pem", &chain);
    folder.write("key.pem", &key);
    folder.write("more.pem", &mine.pem());
    let file = folder.write("mine.pem", &mine.pem());
    let both = folder.write("both.pem", &format!("{}{}", other.pem(), mine.pem()));
    let wrong = folder.write("other.pem", &other.pem());
    let junk = folder.write("junk.pem", "no certificate");
    directory.write("README", "no certificate");
    directory.write("0a1b2c3d.0", &mine.pem());
    let missing = std::env::join_paths([Path::new("/nowhere"), &directory.0]).unwrap();
    let (directory, missing) = (directory.0.as_os_str(), missing.as_os_str());
    let unknown = "the peer's certificate is not accepted";
    for (variables, wanted) in [
        (&[("SSL_CERT_FILE", file.as_os_str())][..], "trusted"),
        (&[("SSL_CERT_FILE", both.as_os_str())], "trusted"),
        (&[("SSL_CERT_FILE", wrong.as_os_str())], unknown),
        (
            &[("SSL_CERT_FILE", wrong.as_os_str()), ("MORE", "1".as_ref())],
            "trusted",
        ),
        // A file of the caller stands beside those of the variables.
        (
            &[
                ("SSL_CERT_FILE", wrong.as_os_str()),
                ("MORE_FILE", "1".as_ref()),
            ],
            "trusted",
        ),
        (&[("SSL_CERT_DIR", directory)], "trusted"),
        (&[("SSL_CERT_DIR", missing)], "trusted"),
        (
            &[
                ("SSL_CERT_FILE", wrong.as_os_str()),
                ("SSL_CERT_DIR", directory),
            ],
            "trusted",
        ),
        (
            &[("SSL_CERT_FILE", junk.as_os_str())],
            "SSL_CERT_FILE names",
        ),
        (
            &[
                ("SSL_CERT_FILE", "/nowhere".as_ref()),
                ("MORE", "1".as_ref()),
            ],
            "SSL_CERT_FILE names",
        ),
        (
            &[("SSL_CERT_DIR", "/nowhere".as_ref())],
            "SSL_CERT_DIR names",
        ),
        // An empty one is not set, and the variables of other programs are theirs.
        (
            &[("SSL_CERT_FILE", "".as_ref()), ("SSL_CERT_DIR", directory)],
            "trusted",
        ),
        (
            &[
                ("SSL_CERT_DIR", directory),
                ("CURL_CA_BUNDLE", wrong.as_os_str()),
            ],
            "trusted",
        ),
        (
            &[
                ("SSL_CERT_FILE", wrong.as_os_str()),
                ("NODE_EXTRA_CA_CERTS", file.as_os_str()),
            ],
            unknown,
        ),
    ] {
        let seen = outcome(&folder, variables);
        assert!(seen.contains(wanted), "{variables:?}: {seen}");
    }
}

/// A name that is not UTF-8 names a file all the same.
#[cfg(unix)]
#[test]
fn pitfall_70_a_file_of_authorities_may_have_any_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let mine = Authority::new("mine");
    let (chain, key) = mine.issue(&["example.org"], |_| {});
    let folder = Folder::new("roots-name");
    folder.write("chain.pem", &chain);
    folder.write("key.pem", &key);
    let path = folder.0.join(OsStr::from_bytes(b"\xe9.pem"));
    if std::fs::write(&path, mine.pem()).is_err() {
        return; // this file system has no such name
    }
    assert_eq!(
        outcome(&folder, &[("SSL_CERT_FILE", path.as_os_str())]),
        "trusted"
    );
}
