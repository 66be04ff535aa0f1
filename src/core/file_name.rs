//! Names of files that others chose: made safe, so that a name means one file and shows as it is.

use super::files::LONGEST_NAME;

/// What a file is called that brought no usable name.
const NAMELESS: &str = "file";

/// Names that mean a device where such files are later unpacked, whatever follows the dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether a character hides or turns what is around it: controls, line separators, and the
/// invisible ones of Unicode (bidirectional, zero-width, tags, variation selectors stay).
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A safe name made of one that came from outside: the last part of a path, without characters that
/// hide or mean something to a shell or another system, not hidden, at most 255 bytes. Different
/// spellings of one letter in Unicode stay different.
pub fn safe_name(written: &str) -> String {
    let last = written.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .filter(|character| !is_deceptive(*character))
        .map(|character| match character {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' | '`' | '$' | '\u{fffd}' => '_',
            other if other.is_whitespace() => ' ',
            other => other,
        })
        .collect();
    let bare = plain
        .trim_start_matches(['.', '-', ' ', '~'])
        .trim_end_matches(['.', ' ']);
    let bare = if bare.is_empty() { NAMELESS } else { bare };
    let stem = bare.split('.').next().unwrap_or_default().to_lowercase();
    let is_device = DEVICES.contains(&stem.as_str())
        || ["com", "lpt"].iter().any(|port| {
            let number = stem.strip_prefix(port);
            number.is_some_and(|n| n.chars().count() == 1 && n.chars().all(char::is_numeric))
        });
    let name = if is_device {
        format!("_{bare}")
    } else {
        bare.to_owned()
    };
    fitting(&name, "")
}

/// The name with a number before its extension: `report (2).pdf`. The first has none.
pub fn numbered(name: &str, number: u32) -> String {
    match number {
        0 | 1 => name.to_owned(),
        number => fitting(name, &format!(" ({number})")),
    }
}

/// `name` with `insert` before its extension, in at most 255 bytes: the stem gives way.
fn fitting(name: &str, insert: &str) -> String {
    let dot = name.rfind('.').filter(|at| {
        let extension = name.len() - at;
        *at > 0 && extension <= 17
    });
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let room = LONGEST_NAME.saturating_sub(insert.len() + extension.len());
    let end = stem.floor_char_boundary(room);
    let stem = stem[..end].trim_end_matches(['.', ' ']);
    format!("{stem}{insert}{extension}")
}

#[cfg(test)]
mod tests {
    use super::{numbered, safe_name};
    use crate::core::files::WorkspacePath;

    #[test]
    fn names_from_outside_become_plain_ones() {
        for (written, safe) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\x.txt", "x.txt"),
            ("/", "file"),
            ("", "file"),
            (".", "file"),
            ("..", "file"),
            ("...", "file"),
            (".bashrc", "bashrc"),
            ("--rf", "rf"),
            ("-", "file"),
            ("~root", "root"),
            ("a\0b\n.txt", "ab.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("pay\u{200b}pal\u{feff}.txt", "paypal.txt"),
            ("\u{200b}\u{200b}", "file"),
            ("tab\tand\u{a0}space.txt", "taband space.txt"),
            ("name. . .", "name"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1.log", "_com1.log"),
            ("command.txt", "command.txt"),
            ("what?.txt", "what_.txt"),
            ("$(id).sh", "_(id).sh"),
            ("日本語.txt", "日本語.txt"),
        ] {
            assert_eq!(safe_name(written), safe, "{written:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension_and_whole_characters() {
        for name in [
            "n".repeat(300),
            format!("{}.tar.gz", "n".repeat(300)),
            format!("{}.jpeg", "語".repeat(100)),
            format!("a.{}", "x".repeat(300)),
        ] {
            for number in [1, 2, u32::MAX] {
                let found = numbered(&safe_name(&name), number);
                assert!(found.len() <= 255, "{} bytes", found.len());
                assert!(WorkspacePath::parse(&found).is_ok(), "{found}");
            }
        }
        let long = safe_name(&format!("{}.jpeg", "語".repeat(100)));
        assert!(numbered(&long, 12).ends_with("語 (12).jpeg"));
        assert_eq!(numbered("a.txt", 2), "a (2).txt");
        assert_eq!(numbered("a", 3), "a (3)");
    }
}
