//! The users of a server: a file with hashed passwords.

use crate::exit::Failure;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use wirestack::constant_time_eq;
use zeroize::Zeroizing;

/// The users of a file, each with the hash of a password.
#[derive(Debug)]
pub(crate) struct Users {
    hashes: HashMap<String, String>,
    /// The hash that an unknown user is compared with, so that the time does not tell who is known.
    stranger: String,
    /// Logins that were right before: a hash costs milliseconds, and an HTTP client sends its password with
    /// each request. It is bounded by the number of users.
    right: Mutex<HashMap<String, Zeroizing<Vec<u8>>>>,
}

impl Users {
    /// Reads a file: `user:hash` in each line, as `wirestack passwd` writes it. Empty lines and those
    /// that begin with `#` do not count.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        let mut hashes = HashMap::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong =
                |why: &str| Failure::usage(format!("{}, line {}: {why}", path.display(), n + 1));
            let (user, hash) = line.split_once(':').ok_or_else(|| {
                wrong("a line is written user:hash; `wirestack passwd USER` makes one")
            })?;
            PasswordHash::new(hash).map_err(|error| {
                wrong(&format!(
                    "the hash of {user:?} cannot be read ({error}); `wirestack passwd` makes one"
                ))
            })?;
            if hashes.insert(user.to_owned(), hash.to_owned()).is_some() {
                return Err(wrong(&format!("{user:?} is there twice")));
            }
        }
        if hashes.is_empty() {
            let why = format!("{} has no users, so nobody could log in", path.display());
            return Err(Failure::usage(why));
        }
        Ok(Self {
            hashes,
            stranger: hash("stranger")?,
            right: Mutex::new(HashMap::new()),
        })
    }

    /// Returns the number of users.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Returns `true` if the password is that of the user. It works for milliseconds.
    pub(crate) fn verify(&self, user: &str, password: &[u8]) -> bool {
        let known = self.right().get(user).cloned();
        if known.is_some_and(|right| constant_time_eq(password, &right)) {
            return true;
        }
        let found = self.hashes.get(user);
        let hash = found.unwrap_or(&self.stranger);
        let is_right = PasswordHash::new(hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok());
        if found.is_some() && is_right {
            let right = Zeroizing::new(password.to_vec());
            self.right().insert(user.to_owned(), right);
        }
        found.is_some() && is_right
    }

    /// Returns `true` as [`verify`](Self::verify) does, on a thread that may work for long.
    pub(crate) async fn verify_later(
        self: &Arc<Self>,
        user: String,
        password: Zeroizing<Vec<u8>>,
    ) -> bool {
        let users = self.clone();
        let verified = tokio::task::spawn_blocking(move || users.verify(&user, &password));
        verified.await.unwrap_or(false)
    }

    fn right(&self) -> std::sync::MutexGuard<'_, HashMap<String, Zeroizing<Vec<u8>>>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the hash of a password, by Argon2id with a salt of its own.
pub(crate) fn hash(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    let hash =
        hash.map_err(|error| Failure::other(format!("the password was not hashed: {error}")))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(text: &str) -> Result<Users, Failure> {
        let folder = std::env::temp_dir().join(format!("wirestack-users-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{:x}", text.len()));
        std::fs::write(&path, text).unwrap();
        let read = Users::read(&path);
        std::fs::remove_file(&path).unwrap();
        read
    }

    #[test]
    fn the_right_password_is_taken_again_and_again_and_a_wrong_one_never() {
        let text = format!("# users\n\nme:{}\n", hash("secret").unwrap());
        let users = users(&text).unwrap();
        assert_eq!(users.len(), 1);
        for _ in 0..2 {
            assert!(users.verify("me", b"secret"));
            assert!(!users.verify("me", b"wrong"));
            assert!(!users.verify("you", b"secret"));
            assert!(!users.verify("you", b"stranger"));
        }
        assert!(!format!("{users:?}").contains("secret"));
    }

    #[test]
    fn a_file_that_cannot_be_read_says_the_line() {
        for (text, says) in [
            ("", "has no users"),
            ("me\n", "line 1: a line is written user:hash"),
            ("\nme:secret\n", "line 2: the hash of \"me\" cannot be read"),
        ] {
            let failure = users(text).expect_err(text);
            assert!(failure.to_string().contains(says), "{failure}");
        }
    }
}
