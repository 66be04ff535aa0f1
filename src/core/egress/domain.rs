//! A domain of `egress.allowed_domains` and `egress.denied_domains`.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};
use url::Host;

/// A domain, which covers what is below it. Kept in the form that hosts of URLs have, so that
/// `Bücher.example` and `xn--bcher-kva.example.` are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain(String);

impl Domain {
    /// Whether a host of a URL, without a dot at its end, is the domain or below it.
    pub fn covers(&self, host: &str) -> bool {
        host.strip_suffix(self.0.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for Domain {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // The parser would strip some of these, and take others for a part of the name.
        let odd = |letter: char| {
            letter.is_whitespace() || letter.is_control() || "/:*@?#\\[]%".contains(letter)
        };
        if text.contains(odd) {
            return Err(());
        }
        let host = Host::parse(text).map_err(|_| ())?.to_string();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let is_label = |label: &str| !label.is_empty() && label.len() <= 63;
        if !host.split('.').all(is_label) {
            return Err(());
        }
        Ok(Self(host.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| {
            D::Error::custom(
                "expected domains such as \"example.com\", without scheme, port, path or *",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_domain_covers_what_is_below_it() {
        let table = [
            ("example.com", "example.com", true),
            ("example.com", "a.b.example.com", true),
            ("example.com", "badexample.com", false),
            ("example.com", "example.com.evil.org", false),
            ("EXAMPLE.com.", "example.com", true),
            ("Bücher.example", "xn--bcher-kva.example", true),
            ("192.0.2.1", "192.0.2.1", true),
        ];
        for (domain, host, covers) in table {
            let domain: Domain = domain.parse().unwrap();
            assert_eq!(domain.covers(host), covers, "{domain:?} {host}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for text in [
            "",
            ".",
            "a..b",
            "*.example.com",
            "https://x.org",
            "x.org:443",
            "x.org/",
            "a b",
            "u@x.org",
            "exa\tmple.com",
        ] {
            assert!(text.parse::<Domain>().is_err(), "{text:?}");
        }
    }
}
