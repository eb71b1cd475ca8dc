//! A user and a password from the terminal. A password is not shown.

#[cfg(unix)]
pub(crate) use here::{read_line, read_password};

#[cfg(unix)]
mod here {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use std::fs::File;
    use std::io::{self, BufRead, BufReader, Write};
    use zeroize::Zeroizing;

    /// Asks at the terminal for a line. Standard input may be locked by the thread that reads it.
    pub(crate) fn read_line(question: &str) -> io::Result<String> {
        let terminal = terminal()?;
        (&terminal).write_all(question.as_bytes())?;
        let mut line = String::new();
        // The terminal itself bounds a line.
        BufReader::with_capacity(1, &terminal).read_line(&mut line)?;
        Ok(line)
    }

    fn terminal() -> io::Result<File> {
        File::options().read(true).write(true).open("/dev/tty")
    }

    /// Asks at the terminal. The terminal hides what is typed before the question is seen.
    pub(crate) fn read_password(question: &str) -> io::Result<Zeroizing<String>> {
        let terminal = terminal()?;
        let hidden = Hidden::new(&terminal)?;
        (&terminal).write_all(question.as_bytes())?;
        let typed = read_typed(BufReader::with_capacity(1, &terminal));
        drop(hidden);
        (&terminal).write_all(b"\n")?;
        typed
    }

    /// A terminal that shows nothing of what is typed, until it is dropped.
    struct Hidden<'a> {
        terminal: &'a File,
        before: Termios,
    }

    impl<'a> Hidden<'a> {
        fn new(terminal: &'a File) -> io::Result<Self> {
            let before = tcgetattr(terminal)?;
            let mut modes = before.clone();
            // Ctrl-C comes as a byte, so that the terminal is never left hidden.
            let shown =
                LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
            modes.local_modes &= !shown;
            // What was typed before is no password.
            tcsetattr(terminal, OptionalActions::Flush, &modes)?;
            Ok(Self { terminal, before })
        }
    }

    impl Drop for Hidden<'_> {
        fn drop(&mut self) {
            // A terminal that is gone needs it no more.
            let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
        }
    }

    /// Reads what is typed before Enter, with the keys that change it.
    pub(super) fn read_typed(from: impl BufRead) -> io::Result<Zeroizing<String>> {
        let mut typed = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD));
        for byte in from.bytes() {
            match byte? {
                b'\r' | b'\n' => break,
                CTRL_C => return Err(io::ErrorKind::Interrupted.into()),
                CTRL_D if typed.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                CTRL_D => break,
                CTRL_U => typed.clear(),
                BACKSPACE | DELETE => {
                    // A character of UTF-8 may have several bytes.
                    while typed.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
                }
                _ if typed.len() == MAX_PASSWORD => {
                    let text = format!("a password has at most {MAX_PASSWORD} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
                }
                byte => typed.push(byte),
            }
        }
        match std::str::from_utf8(&typed) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    const CTRL_C: u8 = 0x03;
    const CTRL_D: u8 = 0x04;
    const CTRL_U: u8 = 0x15;
    const BACKSPACE: u8 = 0x08;
    const DELETE: u8 = 0x7F;

    /// The length of a password, in bytes.
    const MAX_PASSWORD: usize = 1024;

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn keys_change_what_is_typed() {
            for (typed, wanted) in [
                ("secret\n", Some("secret")),
                ("sex\x7fcret\r", Some("secret")),
                ("wrong\x15right\n", Some("right")),
                ("ä\x7fa\n", Some("a")),
                ("ab\x04", Some("ab")),
                ("\x7f\n", Some("")),
                ("\x04", None),
                ("half\x03\n", None),
            ] {
                let read = read_typed(typed.as_bytes()).ok();
                assert_eq!(read.as_ref().map(|it| it.as_str()), wanted, "{typed:?}");
            }
        }

        #[test]
        fn a_password_of_more_than_1024_bytes_is_refused() {
            let long = "x".repeat(1025);
            assert!(read_typed(long.as_bytes()).is_err());
            assert!(read_typed(&long.as_bytes()[1..]).is_ok());
        }
    }
}

/// Asks at the terminal.
#[cfg(not(unix))]
pub(crate) fn read_password(question: &str) -> std::io::Result<zeroize::Zeroizing<String>> {
    rpassword::prompt_password(question).map(zeroize::Zeroizing::new)
}

/// Asks at the terminal for a line.
#[cfg(not(unix))]
pub(crate) fn read_line(question: &str) -> std::io::Result<String> {
    eprint!("{question}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line)
}
