//! Text of others made visible: nothing in it can hide, turn the direction of writing, or begin a
//! line of its own.

use std::fmt::Write;

use crate::core::markup::{limit, utf16_len};

/// `text` with every character that is not seen, or that changes how others are seen, as its
/// number: `⟨U+202E⟩`. Line ends stay.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | ' ' => shown.push(character),
            '\t' => shown.push('⇥'),
            hidden if is_hidden(hidden) => {
                let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(hidden));
            }
            seen => shown.push(seen),
        }
    }
    shown
}

/// The same on one line.
pub fn visible_line(text: &str) -> String {
    visible(text).replace('\n', "⟨U+000A⟩")
}

/// The words of others on one line of at most so many UTF-16 units, and a mark where there were more.
pub fn visible_head(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    head(&visible_line(&line), most)
}

/// The same of a line that is visible already.
pub(super) fn head(line: &str, most: usize) -> String {
    if utf16_len(line) <= most {
        return line.to_owned();
    }
    let shown = &line[..limit(line, 0, most)];
    // The number of a character stays whole or goes.
    let shown = match shown.rsplit_once('⟨') {
        Some((before, number)) if !number.contains('⟩') => before,
        _ => shown,
    };
    format!("{shown}…")
}

/// Controls, formats, separators, fillers and private characters (Unicode 16, general categories
/// Cc, Cf, Zl, Zp, Zs but the blank, Co, and the default ignorable ones), and the two brackets
/// that this writes itself.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(
            character,
            '⟨' | '⟩' | '⇥'
                | '\u{AD}'
                | '\u{34F}'
                | '\u{600}'..='\u{605}'
                | '\u{61C}'
                | '\u{6DD}'
                | '\u{70F}'
                | '\u{890}'..='\u{891}'
                | '\u{8E2}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202F}'
                | '\u{2060}'..='\u{206F}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{E000}'..='\u{F8FF}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{110BD}'
                | '\u{110CD}'
                | '\u{13430}'..='\u{1345F}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{10FFFF}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_hides_is_shown() {
        for (text, shown) in [
            ("ls -la", "ls -la"),
            ("año 😀 тест", "año 😀 тест"),
            ("a\nb", "a\nb"),
            ("a\tb", "a⇥b"),
            ("a\u{202E}txt.exe", "a⟨U+202E⟩txt.exe"),
            ("\u{2066}a\u{2069}", "⟨U+2066⟩a⟨U+2069⟩"),
            ("a\u{200B}b\u{FEFF}", "a⟨U+200B⟩b⟨U+FEFF⟩"),
            ("a\r\nb\u{1b}[2K", "a⟨U+000D⟩\nb⟨U+001B⟩[2K"),
            ("a\u{A0}b\u{3000}c", "a⟨U+00A0⟩b⟨U+3000⟩c"),
            ("\u{E0041}\u{7f}\0", "⟨U+E0041⟩⟨U+007F⟩⟨U+0000⟩"),
            ("⟨U+0000⟩", "⟨U+27E8⟩U+0000⟨U+27E9⟩"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
        assert_eq!(visible_line("a\nb"), "a⟨U+000A⟩b");
    }

    #[test]
    fn a_head_counts_what_is_shown_and_cuts_no_number() {
        for (text, most, shown) in [
            (" a \n b ", 3, "a b"),
            ("a b", 2, "a …"),
            ("😀😀", 3, "😀…"),
            ("a\u{202E}b", 10, "a⟨U+202E⟩b"),
            ("a\u{202E}b", 9, "a⟨U+202E⟩…"),
            ("a\u{202E}b", 8, "a…"),
        ] {
            assert_eq!(visible_head(text, most), shown, "{text:?} {most}");
        }
    }

    proptest! {
        #[test]
        fn two_texts_never_look_the_same(one in "\\PC{0,6}|[\\u{0}-\\u{2070}]{0,6}", two in "\\PC{0,6}") {
            prop_assert_eq!(visible(&one) == visible(&two), one == two);
            prop_assert!(!visible_line(&one).chars().any(char::is_control));
        }
    }
}
