//! A fixed list of users and passwords.

use crate::auth::Credentials;
use std::fmt;
use std::sync::Arc;
use wirestack_layer::constant_time_eq;

/// The users of a server with their passwords, compared in constant time and cleared from memory.
///
/// Passwords that are stored as hashes need a function of the program instead.
///
/// ```
/// use wirestack_dial::serve::UserList;
///
/// let users = UserList::new().user("ada", "secret").user("bob", "hidden");
/// assert!(users.contains("ada", "secret"));
/// assert!(!users.contains("ada", "hidden") && !users.contains("eve", "secret"));
/// assert_eq!(format!("{users:?}"), "UserList(2 users)");
/// ```
#[derive(Clone, Default)]
pub struct UserList(Arc<Vec<Credentials>>);

impl UserList {
    /// Creates an empty list, which lets nobody in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user. A user may have several passwords, while they are changed.
    #[must_use]
    pub fn user(mut self, name: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        Arc::make_mut(&mut self.0).push(Credentials::new(name, password));
        self
    }

    /// Returns `true` if the user is in the list, with this password. The time depends on the
    /// lengths alone, and not on the user.
    pub fn contains(&self, name: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> bool {
        let (name, password) = (name.as_ref(), password.as_ref());
        // No early end: the place of a user in the list must not show.
        self.0.iter().fold(false, |found, known| {
            found
                | (constant_time_eq(&known.user, name)
                    & constant_time_eq(&known.password, password))
        })
    }
}

impl<U: Into<Vec<u8>>, P: Into<Vec<u8>>> FromIterator<(U, P)> for UserList {
    fn from_iter<I: IntoIterator<Item = (U, P)>>(users: I) -> Self {
        let users = users.into_iter();
        Self(Arc::new(
            users
                .map(|(name, password)| Credentials::new(name, password))
                .collect(),
        ))
    }
}

impl fmt::Debug for UserList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserList({} users)", self.0.len())
    }
}
