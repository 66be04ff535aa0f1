//! Types of documents: which are read, and whether a claim fits what a file turned out to be.

use super::limits::MediaLimits;
use super::received::Refusal;

/// What a file is of which the content says no more than that it is words.
const WORDS: &str = "text/plain";

/// What a file is of which the content says nothing.
const ANYTHING: &str = "application/octet-stream";

/// What an archive is, whatever it is used for.
const ARCHIVE: &str = "application/zip";

/// Types that are words although they do not begin with `text/`.
const WRITTEN: [&str; 12] = [
    "application/json",
    "application/ld+json",
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/x-sh",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
];

/// Beginnings and ends of types that are kept as an archive.
const PACKED: [&str; 5] = [
    "application/x-zip",
    "application/vnd.openxmlformats-officedocument",
    "application/vnd.oasis.opendocument",
    "application/vnd.android.package-archive",
    "application/java-archive",
];

impl MediaLimits {
    /// Why a document is not read whose content is of the type `found`, if it is not. Of many types
    /// only the claim says which it is: a table is words, and so is everything else that is written.
    pub fn refused_content(&self, claimed: Option<&str>, found: &str) -> Option<Refusal> {
        let agrees = claimed.is_some_and(|claimed| {
            agree(bare(claimed), found) && self.refused_type(claimed).is_none()
        });
        if agrees {
            return None;
        }
        self.refused_type(found)
    }

    /// Why a document is not fetched that claims this type, if it is not.
    pub(super) fn refused_type(&self, mime: &str) -> Option<Refusal> {
        let allowed = &self.document_types;
        let mime = bare(mime);
        let fits = |pattern: &String| {
            let pattern = pattern.trim();
            match pattern.strip_suffix("/*") {
                Some(family) => mime
                    .split_once('/')
                    .is_some_and(|(kind, _)| kind.eq_ignore_ascii_case(family)),
                None => mime.eq_ignore_ascii_case(pattern) || pattern == "*",
            }
        };
        (!allowed.is_empty() && !allowed.iter().any(fits)).then(|| Refusal::WrongType {
            mime: shown(mime),
            allowed: allowed.clone(),
        })
    }
}

/// The type without its parameters.
fn bare(mime: &str) -> &str {
    mime.split(';').next().unwrap_or_default().trim()
}

/// Whether what a file claims to be can be what it was found to be.
fn agree(claimed: &str, found: &str) -> bool {
    let claimed = claimed.to_ascii_lowercase();
    let is_written = claimed.starts_with("text/")
        || ["+json", "+xml"].iter().any(|end| claimed.ends_with(end))
        || WRITTEN.contains(&claimed.as_str());
    match found {
        WORDS => is_written,
        ARCHIVE => {
            claimed.ends_with("+zip") || PACKED.iter().any(|begin| claimed.starts_with(begin))
        }
        // What is written is found to be; of anything else nobody here knows better.
        ANYTHING => !is_written,
        _ => false,
    }
}

/// A type is a claim of a stranger, and shown to people: only the characters that types have
/// (RFC 6838, "Naming Requirements").
fn shown(mime: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || "/.+-_".contains(*letter);
    mime.chars().filter(plain).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::super::limits::MediaSwitch;
    use super::*;

    fn only(types: &[&str]) -> MediaLimits {
        MediaLimits {
            switch: MediaSwitch::On,
            photo_bytes: 1,
            document_bytes: 1,
            total_bytes: 1,
            count: 1,
            document_types: types.iter().map(|one| (*one).to_owned()).collect(),
            recording_seconds: None,
        }
    }

    #[test]
    fn a_claim_counts_where_the_content_says_no_more() {
        let cases = [
            ("text/csv", Some("text/csv"), "text/plain", true),
            ("text/csv", Some("TEXT/CSV; charset=x"), "text/plain", true),
            ("text/csv", None, "text/plain", false),
            ("text/*", None, "text/plain", true),
            ("text/csv", Some("text/html"), "text/plain", false),
            ("image/svg+xml", Some("image/svg+xml"), "text/plain", true),
            (
                "application/pdf",
                Some("application/pdf"),
                "text/plain",
                false,
            ),
            ("text/csv", Some("text/csv"), "application/zip", false),
            (
                "text/csv",
                Some("text/csv"),
                "application/octet-stream",
                false,
            ),
            (
                "model/stl",
                Some("model/stl"),
                "application/octet-stream",
                true,
            ),
            (
                "application/epub+zip",
                Some("application/epub+zip"),
                "application/zip",
                true,
            ),
            ("image/jpeg", Some("image/png"), "image/jpeg", true),
            ("image/png", Some("image/png"), "image/jpeg", false),
        ];
        for (allowed, claimed, found, is_read) in cases {
            let refused = only(&[allowed]).refused_content(claimed, found);
            assert_eq!(refused.is_none(), is_read, "{allowed} {claimed:?} {found}");
        }
        assert_eq!(only(&[]).refused_content(None, "x/y"), None);
    }

    #[test]
    fn of_a_claim_only_what_types_are_made_of_is_shown() {
        let refused = only(&["a/b"]).refused_type("x/`*<y>*`\u{202e}[z](http://e.example)");
        let Some(Refusal::WrongType { mime, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(mime, "x/yzhttp//e.example");
    }
}
