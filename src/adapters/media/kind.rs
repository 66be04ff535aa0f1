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
    let Some(known) = infer::get(head) else {
        return if begins_late(head) {
            Kind::Pdf
        } else {
            Kind::Unknown
        };
    };
    match known.mime_type() {
        "image/jpeg" => Kind::Picture(PictureType::Jpeg),
        "image/png" => Kind::Picture(PictureType::Png),
        "image/gif" => Kind::Picture(PictureType::Gif),
        "image/webp" => Kind::Picture(PictureType::WebP),
        "application/pdf" if begins_late(head) => Kind::Pdf,
        // These are words.
        "text/html" | "text/xml" | "text/x-shellscript" | "application/pdf" => Kind::Unknown,
        other => Kind::Other(other),
    }
}

/// What marks the beginning of a PDF.
const PDF: &[u8] = b"%PDF-";

/// Whether a PDF begins here: at once, or a little late (its own standard lets it) at the start of a
/// line, behind something that is not text. A text may speak of PDFs.
fn begins_late(head: &[u8]) -> bool {
    let early = &head[..head.len().min(1024)];
    let mut places = early.windows(PDF.len()).enumerate();
    places.any(|(at, bytes)| {
        let before = &early[..at];
        let starts_line = matches!(before.last(), None | Some(b'\n' | b'\r')) || before == BOM;
        bytes == PDF && starts_line && !is_text(before)
    })
}

/// The mark that some editors put before everything.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Whether these are words; blanks are none.
fn is_text(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let is_odd = |letter: char| letter.is_control() && !letter.is_whitespace();
    std::str::from_utf8(bytes).is_ok_and(|text| !text.trim().is_empty() && !text.contains(is_odd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides() {
        let cases: [(&[u8], Kind); 16] = [
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
            (b"%PDF-1.7", Kind::Pdf),
            (b"\n\n%PDF-1.7", Kind::Pdf),
            (b"\xef\xbb\xbf%PDF-1.7", Kind::Pdf),
            (b"\x00\x01 some header\r\n%PDF-1.7", Kind::Pdf),
            (b"\x00\x01 some header %PDF-1.7", Kind::Unknown),
            (b"A PDF begins with\n%PDF-1.7\n", Kind::Unknown),
            (b"# %PDF- in the middle", Kind::Unknown),
            (
                b"\x89PNG\r\n\x1a\n\x00\n%PDF-1.7",
                Kind::Picture(PictureType::Png),
            ),
            (
                b"PK\x03\x04\x00\x00\x00\x00\n%PDF-1.7",
                Kind::Other("application/zip"),
            ),
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
