//! Bytes as text: which characters an answer is written in.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// So far a page is searched for what it says of itself (as browsers do).
const META_BYTES: usize = 1024;

/// The text of an answer. What says it wins in this order: a byte order mark, the header, the page
/// itself; else it is UTF-8 if it can be, and what old servers send if not.
pub(super) fn decode(bytes: &[u8], content_type: &str) -> String {
    let encoding = named_by_header(content_type)
        .or_else(|| named_by_page(bytes))
        .unwrap_or_else(|| if is_utf8(bytes) { UTF_8 } else { WINDOWS_1252 });
    // The mark at the beginning wins within.
    encoding.decode(bytes).0.into_owned()
}

/// Whether it begins with a mark of UTF-16, whose zero bytes are no sign of binary data.
pub(super) fn is_marked_utf16(bytes: &[u8]) -> bool {
    matches!(Encoding::for_bom(bytes), Some((encoding, _)) if encoding == UTF_16LE || encoding == UTF_16BE)
}

/// Whether it is UTF-8, but for a character that was cut at the end.
pub(super) fn begins_as_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// The same, where the last letter alone is not taken for the beginning of a character.
fn is_utf8(bytes: &[u8]) -> bool {
    let whole = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    whole == bytes.len() || (begins_as_utf8(bytes) && !bytes[..whole].is_ascii())
}

/// Whether the header says UTF-16, with or without a mark.
pub(super) fn says_utf16(content_type: &str) -> bool {
    matches!(named_by_header(content_type), Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE)
}

fn named_by_header(content_type: &str) -> Option<&'static Encoding> {
    label_after(content_type, "charset=")
}

fn named_by_page(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(META_BYTES)]).to_ascii_lowercase();
    let meta = start.split("<meta").skip(1);
    let encoding = meta
        .filter_map(|tag| label_after(tag.split('>').next()?, "charset="))
        .next()?;
    // It could not have been read this far.
    let is_wide = encoding == UTF_16LE || encoding == UTF_16BE;
    Some(if is_wide { UTF_8 } else { encoding })
}

fn label_after(text: &str, key: &str) -> Option<&'static Encoding> {
    let text = text.to_ascii_lowercase();
    let (_, label) = text.split_once(key)?;
    let label = label.trim_start_matches(['"', '\'', ' ']);
    let end = |letter: char| letter.is_whitespace() || "\"';,/>".contains(letter);
    Encoding::for_label(label.split(end).next()?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn characters_come_out_whoever_names_them() {
        let table: &[(&str, &[u8], &str)] = &[
            ("text/html; charset=utf-8", "é".as_bytes(), "é"),
            ("text/html", "é日".as_bytes(), "é日"),
            ("text/html; charset=iso-8859-1", b"caf\xe9", "café"),
            ("text/html; CHARSET=\"ISO-8859-15\"", b"\xa4", "€"),
            ("text/html", b"caf\xe9 \x80", "café €"),
            ("text/html; charset=windows-1251", b"\xcf\xf0\xe8", "При"),
            ("text/html; charset=koi8-r", b"\xf0\xd2\xc9", "При"),
            ("text/html; charset=Shift_JIS", b"\x93\xfa\x96\x7b", "日本"),
            ("text/html; charset=euc-jp", b"\xc6\xfc\xcb\xdc", "日本"),
            ("text/html; charset=gbk", b"\xd6\xd0\xce\xc4", "中文"),
            ("text/html; charset=big5", b"\xa4\xa4\xa4\xe5", "中文"),
            ("text/html; charset=euc-kr", b"\xc7\xd1", "한"),
            ("text/html; charset=utf-16le", b"h\0i\0", "hi"),
            ("text/html", b"\xff\xfeh\0i\0", "hi"),
            ("text/html", b"\xfe\xff\0h\0i", "hi"),
            // The mark wins over the header.
            (
                "text/html; charset=iso-8859-1",
                b"\xef\xbb\xbf\xc3\xa9",
                "é",
            ),
            (
                "text/html",
                b"<meta charset=koi8-r>\xf0",
                "<meta charset=koi8-r>П",
            ),
            (
                "text/html",
                b"<META http-equiv=Content-Type content='text/html; charset=windows-1250'>\xb9",
                "<META http-equiv=Content-Type content='text/html; charset=windows-1250'>ą",
            ),
            // The header wins over the page.
            (
                "text/html; charset=utf-8",
                b"<meta charset=koi8-r>\xc3\xa9",
                "<meta charset=koi8-r>é",
            ),
            (
                "text/html",
                b"<meta charset=utf-16>\xc3\xa9",
                "<meta charset=utf-16>é",
            ),
            ("text/html; charset=nonsense", "é".as_bytes(), "é"),
            ("text/html; charset=", b"\xe9", "é"),
            ("text/html; charset=utf-8", b"\xe9!", "\u{fffd}!"),
            ("", b"", ""),
        ];
        for (content_type, bytes, expected) in table {
            assert_eq!(
                decode(bytes, content_type),
                *expected,
                "{content_type} {bytes:?}"
            );
        }
    }
}
