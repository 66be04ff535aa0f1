//! Text of others made visible: nothing in it can hide, turn the direction of writing, or begin a
//! line of its own.

use std::fmt::Write;

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

    proptest! {
        #[test]
        fn two_texts_never_look_the_same(one in "\\PC{0,6}|[\\u{0}-\\u{2070}]{0,6}", two in "\\PC{0,6}") {
            prop_assert_eq!(visible(&one) == visible(&two), one == two);
            prop_assert!(!visible_line(&one).chars().any(char::is_control));
        }
    }
}
