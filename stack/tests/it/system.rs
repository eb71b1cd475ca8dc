//! The proxy settings of the desktop. Each case is a process of its own, as the variables that name
//! the desktop and its files belong to the process.

use crate::support::{TIMEOUT, listen};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::connect_stream;

/// A folder of this test, which is removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wirestack-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a program `gsettings` that prints this text.
    fn write_gsettings(&self, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.write("settings", text);
        let settings = self.0.join("settings");
        self.write(
            "gsettings",
            &format!("#!/bin/sh\ncat '{}'\n", settings.display()),
        );
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.0.join("gsettings"), all).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the case of this name in a process where the desktop has its files in the folder. Returns
/// the lines that it printed.
fn run(case: &str, folder: &Folder, variables: &[(&str, &str)]) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "system::a_process_dials_by_its_settings",
        "--nocapture",
    ]);
    for name in [
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "XDG_CURRENT_DESKTOP",
        "DESKTOP_SESSION",
    ] {
        child.env_remove(name);
    }
    child
        .env("WIRESTACK_TEST_CASE", case)
        .env("XDG_CONFIG_HOME", &folder.0)
        .env("XDG_CONFIG_DIRS", folder.0.join("system"))
        .env("HOME", &folder.0)
        .env("GSETTINGS_BACKEND", "keyfile")
        .envs(variables.iter().copied());
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let lines = text.lines().filter_map(|line| line.split_once("outcome: "));
    lines.map(|(_, line)| line.to_owned()).collect()
}

/// Starts a proxy that opens every tunnel, into nothing.
async fn proxy() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(io.read_u8().await?);
                }
                io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                io.read_to_end(&mut head).await
            });
        }
    });
    address
}

/// Dials, and returns the trace on one line, or the error.
async fn dial(url: &str) -> String {
    let dialing = connect_stream(url).system_proxy().traced();
    let dialed = tokio::time::timeout(TIMEOUT, dialing).await.unwrap();
    let trace = match dialed {
        Ok((_, trace)) => trace.to_string(),
        Err(error) => return error.to_string(),
    };
    trace.lines().collect::<Vec<_>>().join(" | ")
}

fn gsettings(arguments: &[&str]) {
    let status = Command::new("gsettings").args(arguments).status().unwrap();
    assert!(status.success());
}

/// Dials as a case says. Does nothing in a run of all tests.
#[tokio::test]
async fn a_process_dials_by_its_settings() {
    let Ok(case) = std::env::var("WIRESTACK_TEST_CASE") else {
        return;
    };
    let folder = PathBuf::from(std::env::var_os("XDG_CONFIG_HOME").unwrap());
    let (first, second) = (proxy().await, proxy().await);
    let same = |text: String| {
        let text = text.replace(&first.to_string(), "FIRST");
        println!("outcome: {}", text.replace(&second.to_string(), "SECOND"));
    };
    match &*case {
        "gnome" => {
            let [http, schema] = ["org.gnome.system.proxy.http", "org.gnome.system.proxy"];
            same(dial(&format!("tcp://{first}")).await);
            gsettings(&["set", http, "host", "127.0.0.1"]);
            gsettings(&["set", http, "port", &first.port().to_string()]);
            gsettings(&["set", schema, "mode", "manual"]);
            same(dial("tcp://target.test:1").await);
            gsettings(&["set", http, "port", &second.port().to_string()]);
            same(dial("tcp://target.test:1").await);
            gsettings(&["set", schema, "mode", "auto"]);
            let file = folder.join("proxy.pac");
            let script = format!("function FindProxyForURL() {{ return 'PROXY {first}' }}");
            std::fs::write(&file, script).unwrap();
            let url = format!("file://{}", file.display());
            gsettings(&["set", schema, "autoconfig-url", &url]);
            same(dial("tcp://target.test:1").await);
        }
        "kde" => {
            for port in [first.port(), second.port()] {
                let text =
                    format!("[Proxy Settings]\nProxyType=1\nhttpsProxy=http://127.0.0.1 {port}\n");
                std::fs::write(folder.join("kioslaverc"), text).unwrap();
                same(dial("tcp://target.test:1").await);
            }
        }
        "environment" => {
            // A process without threads of its own has set its variables before: the parent has.
            same(dial(&format!("tcp://{first}")).await);
            same(dial("tcp://target.test:1").await);
        }
        _ => same(dial(&format!("tcp://{first}")).await),
    }
}

/// The real `gsettings` on the real schema, if they are installed, with the settings in a file.
#[test]
fn a_setting_of_gnome_counts_from_the_next_dialing_on() {
    let schemas = Command::new("gsettings").arg("list-schemas").output();
    let schemas = schemas.map(|output| output.stdout).unwrap_or_default();
    if !String::from_utf8_lossy(&schemas).contains("org.gnome.system.proxy") {
        println!("not tried: there is no gsettings with the schema of GNOME");
        return;
    }
    let folder = Folder::new("gnome");
    let lines = run("gnome", &folder, &[("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")]);
    let file = if cfg!(feature = "pac") {
        "http://FIRST"
    } else {
        "/proxy.pac, which needs the feature `pac`: enable it, or name the proxy with `via`"
    };
    let wanted = ["direct", "http://FIRST", "http://SECOND", file];
    assert_eq!(lines.len(), wanted.len(), "{lines:#?}");
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(line.contains(wanted), "{wanted}: {lines:#?}");
    }
}

#[test]
fn a_setting_of_kde_counts_from_the_next_dialing_on() {
    let folder = Folder::new("kde");
    let lines = run("kde", &folder, &[("XDG_CURRENT_DESKTOP", "KDE")]);
    assert!(
        lines[0].contains("http://FIRST") && lines[1].contains("http://SECOND"),
        "{lines:#?}"
    );
}

#[test]
fn the_environment_counts_before_the_system_and_both_before_none() {
    let folder = Folder::new("order");
    folder.write_gsettings(
        "org.gnome.system.proxy mode 'manual'\norg.gnome.system.proxy.socks host 'a b'\n",
    );
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", folder.0.display());
    let gnome = [("XDG_CURRENT_DESKTOP", "GNOME"), ("PATH", &*path)];
    let with = |variable: (&'static str, &'static str)| {
        let mut all = gnome.to_vec();
        all.push(variable);
        run("environment", &folder, &all)
    };
    // The settings name no proxy for loopback, and a wrong one for all else.
    let lines = run("environment", &folder, &gnome);
    assert!(lines[0].contains("direct"), "{lines:#?}");
    let wrong = "proxy settings of the system: the setting host of GNOME (a b) cannot be used: the URL has a blank or a control character: take it out, or write it as %20";
    assert!(lines[1].contains(wrong), "{lines:#?}");
    // The environment decides about both.
    let lines = with(("all_proxy", "http://127.0.0.1:1"));
    let refused = "hop 1 (http://127.0.0.1:1)";
    assert!(
        lines.iter().all(|line| line.contains(refused)),
        "{lines:#?}"
    );
    let lines = with(("no_proxy", "target.test"));
    assert!(!lines[1].contains("GNOME"), "{lines:#?}");
}

#[test]
fn a_desktop_without_settings_is_no_error_and_is_noted() {
    let folder = Folder::new("none");
    let direct = |variables: &[(&str, &str)], note: &str| {
        let lines = run("other", &folder, variables);
        assert!(
            lines[0].contains("direct") && lines[0].contains(note),
            "{lines:#?}"
        );
    };
    direct(&[], "the desktop has no settings for proxies");
    direct(&[("XDG_CURRENT_DESKTOP", "KDE")], "direct");
    let empty = Path::new("/nowhere").to_str().unwrap();
    direct(
        &[("XDG_CURRENT_DESKTOP", "GNOME"), ("PATH", empty)],
        "the settings of GNOME cannot be read: there is no program gsettings",
    );
}
