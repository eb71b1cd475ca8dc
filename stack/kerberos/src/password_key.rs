//! The key of a password. To make it takes long on purpose.

use crate::account::Account;
use crate::failure::Failure;
use crate::reply::KeyRecipe;
use kerbcore::KerberosKey;
use wirestack_dial::auth::Credentials;

/// A key that is made of a password.
pub(crate) struct PasswordKey {
    recipe: KeyRecipe,
    key: Option<KerberosKey>,
}

impl PasswordKey {
    /// Begins with the recipe of a KDC, whose rounds are checked.
    pub(crate) fn new(recipe: KeyRecipe, kdc: &str) -> Result<Self, Failure> {
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&recipe.iterations) {
            return Err(Failure::Iterations {
                url: kdc.to_owned(),
                iterations: recipe.iterations,
                min: MIN_ITERATIONS,
                max: MAX_ITERATIONS,
            });
        }
        Ok(Self { recipe, key: None })
    }

    /// Makes the key.
    pub(crate) fn derive(&mut self, credentials: &Credentials, account: &Account) {
        let KeyRecipe {
            enctype,
            iterations,
            ..
        } = self.recipe;
        let salt = match &self.recipe.salt {
            Some(salt) => salt.clone(),
            None => account.default_salt(),
        };
        let password = str::from_utf8(&credentials.password).unwrap_or_default();
        let key = KerberosKey::string_to_key(enctype, password, salt.as_bytes(), iterations);
        self.key = Some(key);
    }

    /// Returns the key, if it was made.
    pub(crate) fn into_key(self) -> Option<KerberosKey> {
        self.key
    }
}

/// The fewest rounds of a password's key: those of RFC 3962 §4. With fewer, a liar between client
/// and KDC could guess passwords at ease.
const MIN_ITERATIONS: u32 = 4096;

/// The most rounds of a password's key: seconds of computing.
const MAX_ITERATIONS: u32 = 1_000_000;
