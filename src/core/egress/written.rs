//! Reads a URL as it was written, and refuses what parsers would quietly mend.

use url::{Host, Url};

use super::refusal::Refusal;

/// Longer ones are refused, in bytes.
const MAX_URL: usize = 8 * 1024;
/// The longest name that DNS knows.
const MAX_NAME: usize = 253;
/// The longest part of it.
const MAX_LABEL: usize = 63;

/// Reads an absolute http or https URL.
///
/// # Errors
/// When it is none, holds credentials or control characters, or its host is no host.
pub fn parse_url(written: &str) -> Result<Url, Refusal> {
    let written = written.trim_matches(' ');
    check_letters(written)?;
    let url = checked(Url::parse(written).map_err(|_| Refusal::NotAUrl)?)?;
    if has_user_info(written) {
        return Err(Refusal::Credentials);
    }
    Ok(url)
}

/// Reads where a redirect leads, as `Location` has it: absolute, or relative to the page.
///
/// # Errors
/// As [`parse_url`].
pub fn resolve_location(page: &Url, location: &str) -> Result<Url, Refusal> {
    let location = location.trim_matches(' ');
    check_letters(location)?;
    let url = page.join(location).map_err(|_| Refusal::NotAUrl)?;
    checked(url)
}

fn check_letters(written: &str) -> Result<(), Refusal> {
    if written.len() > MAX_URL {
        return Err(Refusal::TooLong(MAX_URL));
    }
    if written.chars().any(is_unseen) {
        return Err(Refusal::ControlCharacters);
    }
    Ok(())
}

/// Controls, and what turns the direction of text: a person who is asked about the URL would
/// read another one.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// Also sees the empty user of `https://@host/`, of which the parsed URL has no trace.
fn has_user_info(written: &str) -> bool {
    let Some((_, rest)) = written.split_once(':') else {
        return false;
    };
    let rest = rest.trim_start_matches(['/', '\\']);
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    rest[..end].contains('@')
}

fn checked(mut url: Url) -> Result<Url, Refusal> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    if url.as_str().len() > MAX_URL {
        return Err(Refusal::TooLong(MAX_URL));
    }
    let rooted = match url.host() {
        Some(Host::Domain(name)) => {
            let bare = name.strip_suffix('.').unwrap_or(name);
            if !is_name(bare) {
                return Err(Refusal::BadHost);
            }
            (bare.len() != name.len()).then(|| bare.to_owned())
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => None,
        None => return Err(Refusal::NotAUrl),
    };
    // One name for one host: certificates, lists and rules know no dot at the end.
    if let Some(bare) = rooted {
        url.set_host(Some(&bare)).map_err(|_| Refusal::BadHost)?;
    }
    Ok(url)
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= MAX_LABEL
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}
