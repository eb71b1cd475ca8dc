//! Conversions of what users have into hops and targets: texts and URLs.

use crate::route::endpoint::RouteError;
use crate::route::hop::Hop;
use crate::route::target::Target;
use http::Uri;
#[cfg(feature = "url")]
use url::Url;
use zeroize::Zeroizing;

macro_rules! read_from {
    ($name:ident) => {
        impl TryFrom<&str> for $name {
            type Error = RouteError;

            fn try_from(text: &str) -> Result<Self, RouteError> {
                text.parse()
            }
        }

        impl TryFrom<String> for $name {
            type Error = RouteError;

            fn try_from(text: String) -> Result<Self, RouteError> {
                Zeroizing::new(text).parse()
            }
        }

        impl TryFrom<&String> for $name {
            type Error = RouteError;

            fn try_from(text: &String) -> Result<Self, RouteError> {
                text.parse()
            }
        }

        #[cfg(feature = "url")]
        impl TryFrom<Url> for $name {
            type Error = RouteError;

            fn try_from(url: Url) -> Result<Self, RouteError> {
                String::from(url).try_into() // which clears it
            }
        }

        #[cfg(feature = "url")]
        impl TryFrom<&Url> for $name {
            type Error = RouteError;

            fn try_from(url: &Url) -> Result<Self, RouteError> {
                url.as_str().parse()
            }
        }

        impl TryFrom<Uri> for $name {
            type Error = RouteError;

            fn try_from(uri: Uri) -> Result<Self, RouteError> {
                (&uri).try_into()
            }
        }

        impl TryFrom<&Uri> for $name {
            type Error = RouteError;

            fn try_from(uri: &Uri) -> Result<Self, RouteError> {
                uri.to_string().try_into()
            }
        }

        impl From<&$name> for $name {
            fn from(other: &$name) -> Self {
                other.clone()
            }
        }
    };
}
read_from!(Hop);
read_from!(Target);

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "url")]
    #[test]
    fn a_hop_and_a_target_are_read_from_each_type_that_users_have() {
        let text = "https://me:secret@proxy.test:8443";
        let (url, uri): (Url, Uri) = (text.parse().unwrap(), text.parse().unwrap());
        let owned = text.to_owned();
        let hops = [
            Hop::try_from(text),
            Hop::try_from(&owned),
            Hop::try_from(owned.clone()),
            Hop::try_from(&url),
            Hop::try_from(url.clone()),
            Hop::try_from(&uri),
            Hop::try_from(uri.clone()),
        ];
        for hop in hops {
            let hop = hop.unwrap();
            assert_eq!(hop.to_string(), "https://proxy.test:8443");
            assert_eq!(hop.known_credentials().unwrap().password, *b"secret");
            assert_eq!(Hop::from(&hop).to_string(), hop.to_string());
        }
        let targets = [
            Target::try_from(text),
            Target::try_from(&owned),
            Target::try_from(owned.clone()),
            Target::try_from(&url),
            Target::try_from(url),
            Target::try_from(&uri),
            Target::try_from(uri),
        ];
        for target in targets {
            let target = target.unwrap();
            assert_eq!(target.to_string(), "https://proxy.test:8443/");
            assert_eq!(target.credentials().unwrap().user, *b"me");
        }
    }

    #[test]
    fn a_uri_without_a_scheme_is_refused() {
        let uri: Uri = "proxy.test:3128".parse().unwrap();
        assert!(matches!(
            Hop::try_from(&uri).err(),
            Some(RouteError::NoScheme(_))
        ));
        let uri: Uri = "/chat".parse().unwrap();
        assert!(matches!(
            Target::try_from(&uri).err(),
            Some(RouteError::NoScheme(_))
        ));
    }
}
