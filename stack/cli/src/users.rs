//! The users of a server: a file with hashed passwords.

use crate::exit::Failure;
use crate::files::read_text;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use wirestack::constant_time_eq;
use zeroize::Zeroizing;

/// The users of a file, each with the hash of a password.
#[derive(Debug)]
pub(crate) struct Users {
    hashes: HashMap<String, String>,
    /// The hash of one of them, which an unknown user is compared with, so that the time does not
    /// tell who is known.
    stranger: String,
    /// Logins that were right before: a hash costs milliseconds, and an HTTP client sends its password with
    /// each request. It is bounded by the number of users.
    right: Mutex<HashMap<String, Zeroizing<Vec<u8>>>>,
    /// A hash takes 19 MiB.
    hashing: Arc<Semaphore>,
}

impl Users {
    /// Reads a file: `user:hash` in each line, as `wirestack passwd` writes it. Empty lines and those
    /// that begin with `#` do not count.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_text(path)
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
            check(hash).map_err(|why| {
                wrong(&format!(
                    "the hash of {user:?} cannot be read ({why}); `wirestack passwd` makes one"
                ))
            })?;
            if hashes.insert(user.to_owned(), hash.to_owned()).is_some() {
                return Err(wrong(&format!("{user:?} is there twice")));
            }
        }
        let Some(stranger) = hashes.values().next().cloned() else {
            let why = format!("{} has no users, so nobody could log in", path.display());
            return Err(Failure::usage(why));
        };
        Ok(Self {
            hashes,
            stranger,
            right: Mutex::new(HashMap::new()),
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Returns the number of users.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Returns `true` if the password is that of the user. It waits for its turn, and works on a
    /// thread that may work for long.
    pub(crate) async fn verify_later(
        self: &Arc<Self>,
        user: String,
        password: Zeroizing<Vec<u8>>,
    ) -> bool {
        if self.was_right(&user, &password) {
            return true;
        }
        let Ok(turn) = self.hashing.clone().acquire_owned().await else {
            return false;
        };
        let users = self.clone();
        let verified = tokio::task::spawn_blocking(move || {
            let is_right = users.verify(&user, &password);
            drop(turn); // not before, although nobody may wait for the result any more
            is_right
        });
        verified.await.unwrap_or(false)
    }

    fn verify(&self, user: &str, password: &[u8]) -> bool {
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

    fn was_right(&self, user: &str, password: &[u8]) -> bool {
        let right = self.right();
        let known = right.get(user);
        known.is_some_and(|right| constant_time_eq(password, right))
    }

    fn right(&self) -> std::sync::MutexGuard<'_, HashMap<String, Zeroizing<Vec<u8>>>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks that a password can be compared with a hash. One of another algorithm would let nobody in, and
/// tell by its short time who is known.
fn check(hash: &str) -> Result<(), String> {
    let hash = PasswordHash::new(hash).map_err(|error| error.to_string())?;
    if Algorithm::try_from(hash.algorithm.as_str()).is_err() {
        return Err(format!(
            "its algorithm is {}, wanted argon2id",
            hash.algorithm
        ));
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("its salt or its end is missing".to_owned());
    }
    if let Some(version) = hash.version {
        Version::try_from(version).map_err(|error| error.to_string())?;
    }
    Params::try_from(&hash).map_err(|error| error.to_string())?;
    Ok(())
}

/// Returns the hash of a password, by Argon2id with a salt of its own.
pub(crate) fn hash(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    let hash =
        hash.map_err(|error| Failure::other(format!("the password was not hashed: {error}")))?;
    Ok(hash.to_string())
}

/// The number of passwords that are hashed at the same time.
const AT_ONCE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn users(text: &str) -> Result<Users, Failure> {
        let folder = std::env::temp_dir().join(format!("wirestack-users-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{:x}", text.len()));
        std::fs::write(&path, text).unwrap();
        let read = Users::read(&path);
        std::fs::remove_file(&path).unwrap();
        read
    }

    fn password(text: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn the_right_password_is_taken_again_and_again_and_a_wrong_one_never() {
        let text = format!("# users\n\nme:{}\n", hash("secret").unwrap());
        let users = Arc::new(users(&text).unwrap());
        assert_eq!(users.len(), 1);
        for _ in 0..2 {
            for (user, tried, is_right) in [
                ("me", "secret", true),
                ("me", "wrong", false),
                ("you", "secret", false),
                ("you", "wrong", false),
            ] {
                let verified = users.verify_later(user.to_owned(), password(tried));
                assert_eq!(verified.await, is_right, "{user} {tried}");
            }
        }
        assert!(!format!("{users:?}").contains("secret"));
    }

    #[tokio::test]
    async fn four_passwords_are_hashed_at_once_and_those_that_were_right_wait_for_none() {
        let users = Arc::new(users(&format!("me:{}\n", hash("secret").unwrap())).unwrap());
        assert!(
            users
                .verify_later("me".to_owned(), password("secret"))
                .await
        );
        let mut turns = Vec::new();
        for _ in 0..4 {
            turns.push(users.hashing.clone().try_acquire_owned().expect("a turn"));
        }
        assert!(
            users
                .verify_later("me".to_owned(), password("secret"))
                .await
        );
        let mut fifth = pin!(users.verify_later("me".to_owned(), password("wrong")));
        let mut context = Context::from_waker(Waker::noop());
        assert!(fifth.as_mut().poll(&mut context).is_pending());
        assert_eq!(users.hashing.available_permits(), 0);
        drop(turns);
        assert!(!fifth.await);
        assert_eq!(users.hashing.available_permits(), 4);
    }

    #[test]
    fn a_file_that_cannot_be_read_says_the_line() {
        for (text, says) in [
            ("", "has no users"),
            ("me\n", "line 1: a line is written user:hash"),
            ("\nme:secret\n", "line 2: the hash of \"me\" cannot be read"),
            (
                "me:$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E\n",
                "its algorithm is scrypt",
            ),
            (
                "me:$argon2id$v=19$m=19456,t=2,p=1$aM15713r3Xsvxbi31lqr1Q\n",
                "its salt or its end is missing",
            ),
            (
                "me:$argon2id$v=19$m=1,t=2,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E\n",
                "line 1: the hash of \"me\" cannot be read",
            ),
            (
                "me:$argon2id$v=20$m=19456,t=2,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E\n",
                "line 1: the hash of \"me\" cannot be read",
            ),
        ] {
            let failure = users(text).expect_err(text);
            assert!(failure.to_string().contains(says), "{failure}");
        }
    }
}
