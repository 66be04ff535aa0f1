//! Which characters a message can carry, which of them a reader sees, and where a text may be cut.

/// Appends `text` with the characters replaced or removed that Telegram would drop (the rule stands
/// in the module's head).
pub(super) fn push_clean(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            '\r' | '\u{202A}'..='\u{202E}' => {}
            '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push(' '),
            '\u{7F}' => out.push('\u{2421}'),
            control @ '\0'..='\u{1F}' => out.push(picture_of(control)),
            '\u{80}'..='\u{9F}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
}

/// The same as [`push_clean`], into a text of its own.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_clean(&mut out, text);
    out
}

/// The picture of a C0 control character, from the block "Control Pictures".
fn picture_of(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether nothing of the text can be seen: Telegram refuses a message of such characters only.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{FEFF}' | '\u{FFFC}' | '\u{E0000}'..='\u{E007F}')
}

/// Whether a cut between these two characters leaves both looking as before: no combining mark,
/// joiner, variation selector or skin tone is torn off (an approximation of Unicode's grapheme
/// clusters, UAX #29; flags are pairs and need counting).
pub(super) fn may_cut_between(before: char, after: char) -> bool {
    let joined = before == '\u{200D}' || is_extending(after);
    let line_end = before == '\r' && after == '\n';
    !joined && !line_end
}

/// Half of a flag.
pub(super) fn is_regional(character: char) -> bool {
    matches!(character, '\u{1F1E6}'..='\u{1F1FF}')
}

fn is_extending(character: char) -> bool {
    is_combining(character)
        || matches!(character, '\u{200C}' | '\u{200D}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}')
}

/// Marks drawn onto the character before them; the blocks that matter, not all of Unicode.
fn is_combining(character: char) -> bool {
    matches!(character,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}' | '\u{0900}'..='\u{0903}' | '\u{093A}'..='\u{094F}' | '\u{0E31}'
        | '\u{0E34}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{E0100}'..='\u{E01EF}')
}

/// The columns a text takes in a monospace font: two for East Asian wide characters and emoji, none
/// for combining marks.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(character: char) -> usize {
    match character {
        '\u{200B}'..='\u{200F}' => 0,
        other if is_combining(other) => 0,
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{303E}'
        | '\u{3041}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}'
        | '\u{2705}'
        | '\u{274C}'
        | '\u{2B50}'
        | '\u{1F300}'..='\u{1F64F}'
        | '\u{1F680}'..='\u{1F6FF}'
        | '\u{1F900}'..='\u{1FAFF}'
        | '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_or_removed() {
        let table = [
            ("a\0b", "a␀b"),
            ("\u{1B}[31m", "␛[31m"),
            ("a\r\nb", "a\nb"),
            ("a\tb", "a    b"),
            ("\u{202E}evil", "evil"),
            ("a\u{0C}b\u{2028}c", "a b c"),
            ("\u{7F}\u{9B}", "␡\u{FFFD}"),
            ("שלום\u{200F}", "שלום\u{200F}"),
        ];
        for (from, to) in table {
            assert_eq!(clean(from), to, "{from:?}");
        }
    }

    #[test]
    fn wide_characters_take_two_columns() {
        for (text, width) in [
            ("abc", 3),
            ("日本", 4),
            ("✅", 2),
            ("e\u{301}", 1),
            ("🎉", 2),
        ] {
            assert_eq!(columns(text), width, "{text}");
        }
    }

    #[test]
    fn characters_that_belong_together_are_not_cut() {
        let table = [
            ('a', 'b', true),
            ('e', '\u{301}', false),
            ('👩', '\u{200D}', false),
            ('\u{200D}', '💻', false),
        ];
        for (before, after, may) in table {
            assert_eq!(may_cut_between(before, after), may, "{before:?} {after:?}");
        }
    }
}
