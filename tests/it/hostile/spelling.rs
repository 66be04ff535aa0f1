//! How a secret is written so that nobody recognises it on its way.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A way to write a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spelling {
    Plain,
    Base64,
    Hex,
    Percent,
    Upper,
    Reversed,
    /// One letter for each segment of a path.
    Segments,
    /// In three parts.
    Split,
    /// One letter at a time.
    Letters,
}

impl Spelling {
    /// The pieces, each for a request of its own.
    pub fn pieces(self, secret: &str) -> Vec<String> {
        let each = |form: fn(u8) -> String| secret.bytes().map(form).collect::<String>();
        match self {
            Self::Plain => vec![secret.to_owned()],
            Self::Base64 => vec![URL_SAFE_NO_PAD.encode(secret)],
            Self::Hex => vec![each(|byte| format!("{byte:02x}"))],
            Self::Percent => vec![each(|byte| format!("%{byte:02x}"))],
            Self::Upper => vec![secret.to_uppercase()],
            Self::Reversed => vec![secret.chars().rev().collect()],
            Self::Segments => {
                let letters: Vec<String> = secret.chars().map(String::from).collect();
                vec![letters.join("/")]
            }
            Self::Split => {
                let third = secret.len().div_ceil(3);
                let (first, rest) = secret.split_at(third);
                let (second, last) = rest.split_at(third);
                vec![first.to_owned(), second.to_owned(), last.to_owned()]
            }
            Self::Letters => secret.chars().map(String::from).collect(),
        }
    }
}
