//! Which host an address leads to, where a reader could take it for another.

use serde_json::Value;

use crate::core::egress::parse_url;

/// The host of an address, as it is asked, where the address is written so that another one may be read:
/// with letters that look like others, or like the end of the host.
pub(super) fn host_behind(value: &Value) -> Option<String> {
    let written = value.as_str()?.trim();
    let url = parse_url(written).ok()?;
    let host = url.host_str()?;
    let seen = format!("{}://{host}", url.scheme());
    let is_seen = written
        .split_at_checked(seen.len())
        .is_some_and(|(head, rest)| {
            head.eq_ignore_ascii_case(&seen)
                && (rest.is_empty() || rest.starts_with(['/', ':', '?', '#']))
        });
    (!is_seen).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_that_looks_like_another_is_said() {
        for (url, host) in [
            ("https://b\u{430}nk.com/", Some("xn--bnk-6cd.com")),
            ("https://b%61nk.com/", Some("bank.com")),
            ("https:\\\\bank.com/", Some("bank.com")),
            ("https://bank.com\\.evil.org/", Some("bank.com")),
            ("http://2130706433/", Some("127.0.0.1")),
            ("https://bank.com/ä?b", None),
            (" HTTP://Bank.com:8443 ", None),
            ("https://bank.com#a", None),
            ("a: b", None),
        ] {
            assert_eq!(host_behind(&json!(url)).as_deref(), host, "{url}");
        }
        let slash = host_behind(&json!("https://bank.com\u{2044}login.evil.org/"));
        assert!(slash.is_some_and(|host| host.is_ascii() && host.ends_with(".evil.org")));
        assert_eq!(host_behind(&json!(["https://b\u{430}nk.com/"])), None);
    }
}
