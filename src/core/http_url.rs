//! The address of a server that the person named in the settings.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use url::{Host, Url};

/// An http or https URL without credentials. Its `Debug` leaves out the query, which may hold a
/// key.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

impl HttpUrl {
    /// Parses an address; the error says what is expected and does not repeat the text.
    ///
    /// # Errors
    /// When it is no URL, of another scheme, or holds a user name or a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "expected an http or https URL")?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("expected an http or https URL");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("expected a URL without user name and password");
        }
        Ok(Self(url))
    }

    /// The parsed URL.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The text to append paths to: without a slash at the end.
    pub fn base(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether requests to it are encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.0.origin().ascii_serialization();
        write!(formatter, "HttpUrl({origin}{})", self.0.path())
    }
}

impl<'de> Deserialize<'de> for HttpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn only_web_addresses_without_credentials_are_taken() {
        for text in ["https://a.org", "http://localhost:1/v1", "http://[::1]/"] {
            assert!(HttpUrl::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "a.org",
            "ftp://a.org",
            "file:///etc",
            "http://",
            "https://u@a.org",
        ] {
            assert!(HttpUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_is_told_apart() {
        let is_loopback = |text| HttpUrl::parse(text).unwrap().is_loopback();
        for text in ["http://localhost", "http://127.8.9.1:80", "http://[::1]"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "http://localhost.org",
            "http://10.0.0.1",
            "http://[fd00::1]",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn paths_are_appended_to_the_base() {
        for text in ["https://a.org", "https://a.org/"] {
            assert_eq!(HttpUrl::parse(text).unwrap().base(), "https://a.org");
        }
        assert_eq!(
            HttpUrl::parse("https://a.org/v1/").unwrap().base(),
            "https://a.org/v1"
        );
    }
}
