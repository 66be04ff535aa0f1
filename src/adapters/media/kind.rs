//! What a file is, by its first bytes: never by its name or by what somebody says about it.

/// So many bytes tell what a file is.
pub(super) const HEAD: usize = 8 * 1024;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture that can be decoded.
    Picture(PictureType),
    Pdf,
    /// Something known that cannot be read here.
    Other(&'static str),
    /// Words, or something that nobody knows.
    Unknown,
}

/// The pictures that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PictureType {
    Jpeg,
    Png,
    Gif,
    WebP,
}

impl PictureType {
    pub(super) fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }
}

/// What the file is that begins like this.
pub(super) fn kind(head: &[u8]) -> Kind {
    // A PDF may begin a little late (its own standard lets it).
    let early = &head[..head.len().min(1024)];
    if early.windows(5).any(|bytes| bytes == b"%PDF-") {
        return Kind::Pdf;
    }
    let Some(known) = infer::get(head) else {
        return Kind::Unknown;
    };
    match known.mime_type() {
        "image/jpeg" => Kind::Picture(PictureType::Jpeg),
        "image/png" => Kind::Picture(PictureType::Png),
        "image/gif" => Kind::Picture(PictureType::Gif),
        "image/webp" => Kind::Picture(PictureType::WebP),
        // These are words.
        "text/html" | "text/xml" | "text/x-shellscript" => Kind::Unknown,
        other => Kind::Other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides() {
        let cases: [(&[u8], Kind); 8] = [
            (
                b"\xff\xd8\xff\xe0\x00\x10JFIF",
                Kind::Picture(PictureType::Jpeg),
            ),
            (b"\x89PNG\r\n\x1a\n", Kind::Picture(PictureType::Png)),
            (b"GIF89a", Kind::Picture(PictureType::Gif)),
            (
                b"RIFF\x00\x00\x00\x00WEBPVP8 ",
                Kind::Picture(PictureType::WebP),
            ),
            (b"\n\n%PDF-1.7", Kind::Pdf),
            (
                b"PK\x03\x04\x00\x00\x00\x00",
                Kind::Other("application/zip"),
            ),
            (b"<!DOCTYPE html><html>", Kind::Unknown),
            (b"just words", Kind::Unknown),
        ];
        for (head, expected) in cases {
            assert_eq!(kind(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
