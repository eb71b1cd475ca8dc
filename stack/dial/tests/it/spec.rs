//! Stacks by name, from texts that nobody would write.

use wirestack_dial::{StackSpec, Target};

/// A sequence of numbers that depends on the seed only.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

const PIECES: &[&str] = &[
    "socks5",
    "socks4",
    "connect",
    "https",
    "h2",
    "tls",
    "websocket",
    "tcp",
    "(",
    ")",
    "|",
    ",",
    " | ",
    ", ",
    "=",
    "\"",
    "\\",
    "\\\"",
    "user=",
    "password=",
    "password-file=f",
    "password-env=V",
    "hunter2",
    "ntlm",
    "tls",
    "http2",
    "sni=",
    "ca=",
    "cert=a",
    "key=b",
    "header=",
    "unix=/s",
    "gate:1080",
    "h",
    ":22",
    "[::1]:1",
    "/path?x=1",
    "/",
    "user=me, password=hunter2",
    "(h:1)",
    "(gate)",
    "\u{fc}",
    "\u{1b}",
    "\n",
    "\u{1f600}",
    "@",
    "#",
    "%",
    " ",
    "\t",
    "subprotocol=chat",
    "Name: value",
    "0",
    "99999",
    "socks5(g) | ",
    "connect(p:1, user=u, password=hunter2)",
];

fn text(numbers: &mut Numbers) -> String {
    (0..numbers.below(14))
        .map(|_| PIECES[numbers.below(PIECES.len())])
        .collect()
}

#[test]
fn no_text_makes_a_stack_panic_and_what_it_shows_is_read_again() {
    let seed = 0x5eed_2026_u64;
    println!("seed {seed:#x}");
    let (mut numbers, mut read) = (Numbers(seed), 0);
    for _ in 0..200_000 {
        let text = text(&mut numbers);
        match text.parse::<StackSpec>() {
            Err(error) => {
                let place = error.place();
                assert!(
                    place.start <= place.end && place.end <= text.len(),
                    "{text:?}"
                );
                let (line, picture) = (error.to_string(), error.picture().to_string());
                assert!(!line.contains(['\n', '\u{1b}']), "{line:?}");
                assert_eq!(picture.lines().count(), 3, "{picture:?}");
                // A password stands nowhere else than behind its name.
                let elsewhere = text.replace("password=hunter2", "");
                if !elsewhere.contains("hunter2") {
                    let all = format!("{line} {picture} {error:?}");
                    assert!(!all.contains("hunter2"), "{text:?}: {all}");
                }
            }
            Ok(spec) => {
                read += 1;
                let shown = spec.to_string();
                let again: StackSpec = shown
                    .parse()
                    .unwrap_or_else(|error| panic!("{text:?} as {shown}: {error}"));
                assert_eq!(again.to_string(), shown, "{text:?}");
                if !shown.contains("password=***") {
                    assert_eq!(again, spec, "{text:?}");
                }
                if let Some(url) = spec.target_url() {
                    url.parse::<Target>()
                        .unwrap_or_else(|error| panic!("{text:?}: {url}: {error}"));
                }
                let spec = spec.with_secrets(|_| Ok(b"x".to_vec())).expect("secrets");
                spec.hops()
                    .unwrap_or_else(|error| panic!("{text:?}: {error}"));
            }
        }
    }
    assert!(read > 500, "only {read} of the texts were stacks");
}
