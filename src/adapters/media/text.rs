//! Words in a file of unknown encoding.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The words of a file, or nothing where its bytes are not words. UTF-8 and UTF-16 by their marks and
/// their looks; everything else is read as Windows-1252, in which Latin-1 is contained.
pub(super) fn words(bytes: &[u8]) -> Option<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decoded(encoding, &bytes[mark..]);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return plain(text.to_owned());
    }
    // Cut in the middle of a character, as the beginning of a long file is.
    for cut in 1..=3.min(bytes.len()) {
        if let Ok(text) = std::str::from_utf8(&bytes[..bytes.len() - cut])
            && !text.is_empty()
            && !text.is_ascii()
        {
            return plain(text.to_owned());
        }
    }
    match zeros(bytes) {
        Zeros::None => decoded(WINDOWS_1252, bytes),
        Zeros::First => decoded(UTF_16BE, bytes),
        Zeros::Second => decoded(UTF_16LE, bytes),
        Zeros::Anywhere => None,
    }
}

/// Where in pairs of bytes zeros stand: in UTF-16, ASCII letters have one of a kind.
enum Zeros {
    None,
    First,
    Second,
    Anywhere,
}

fn zeros(bytes: &[u8]) -> Zeros {
    let count = |place: usize| {
        let half = bytes.iter().skip(place).step_by(2);
        half.filter(|byte| **byte == 0).count()
    };
    let (first, second, pairs) = (count(0), count(1), bytes.len() / 2);
    match (first, second) {
        (0, 0) => Zeros::None,
        (0, some) if some > pairs / 2 => Zeros::Second,
        (some, 0) if some > pairs / 2 => Zeros::First,
        _ => Zeros::Anywhere,
    }
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let (text, _, broken) = encoding.decode(bytes);
    // Only UTF-8 and UTF-16 can be broken; a cut at the end is not worth a word.
    let odd = text.matches('\u{fffd}').count();
    if broken && encoding != UTF_8 && odd > text.len() / 100 + 1 {
        return None;
    }
    plain(text.into_owned())
}

/// Bytes that are no words have control characters all over.
fn plain(text: String) -> Option<String> {
    let odd = |letter: &char| {
        letter.is_control() && !matches!(letter, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}')
    };
    let count = text.chars().filter(odd).count();
    (count <= text.chars().count() / 200).then(|| text.replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_read() {
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            let units = text.encode_utf16();
            units
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        let text = "Grüße an alle, ¿qué tal?\nand the rest is plain";
        let latin: Vec<u8> = text.chars().map(|letter| letter as u32 as u8).collect();
        let cases = [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf".to_vec(), text.as_bytes().to_vec()].concat(),
            [b"\xff\xfe".to_vec(), utf16(text, false)].concat(),
            [b"\xfe\xff".to_vec(), utf16(text, true)].concat(),
            utf16(text, false),
            utf16(text, true),
            latin,
            text.replace('\n', "\r\n").into_bytes(),
        ];
        for bytes in cases {
            assert_eq!(words(&bytes).as_deref(), Some(text), "{bytes:x?}");
        }
        assert_eq!(words("日本".as_bytes()).as_deref(), Some("日本"));
        assert_eq!(words(&"日本".as_bytes()[..5]).as_deref(), Some("日"));
        assert_eq!(words(b"").as_deref(), Some(""));
    }

    #[test]
    fn bytes_are_no_words() {
        let noise: Vec<u8> = (0..=255).cycle().take(4_000).collect();
        assert_eq!(words(&noise), None);
        assert_eq!(words(b"MZ\x90\x00\x03\x00\x00\x00\x04\x00"), None);
    }
}
