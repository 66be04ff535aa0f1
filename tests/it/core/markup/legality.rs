//! The rules of the Bot API that every message must obey, and what a reader sees of one.

use minibot::core::markup::{FormattedText, Span, Style, utf16_len, utf16_spans};

/// Telegram's limit for a message, in UTF-16 code units.
pub const MESSAGE: usize = 4096;
/// Telegram ignores the entities beyond.
pub const MOST_SPANS: usize = 100;

/// Checks the rules of the Bot API, "Formatting options", and those that Telegram applies in
/// silence.
pub fn check(formatted: &FormattedText) -> Result<(), String> {
    let text = &formatted.text;
    if text.is_empty() {
        return if formatted.spans.is_empty() {
            Ok(())
        } else {
            Err("spans without text".into())
        };
    }
    let starts_in_code = formatted
        .spans
        .first()
        .is_some_and(|span| span.start == 0 && is_pre(&span.style));
    if text.trim_end() != text {
        return Err("whitespace at the end".into());
    }
    let may_be_indented = starts_in_code && !text.starts_with('\n');
    if text.trim_start() != text && !may_be_indented {
        return Err("whitespace at the start".into());
    }
    if text
        .chars()
        .any(|character| character.is_control() && character != '\n')
    {
        return Err("control character".into());
    }
    for span in &formatted.spans {
        let inside = text
            .get(span.start..span.end)
            .ok_or("not on character borders")?;
        if inside.trim().is_empty() || inside.trim_end() != inside {
            return Err(format!("blank or untrimmed {span:?}"));
        }
        if let Style::Link { url } = &span.style
            && !["http://", "https://", "tg://", "mailto:"]
                .iter()
                .any(|scheme| url.to_lowercase().starts_with(scheme))
        {
            return Err(format!("link to {url}"));
        }
    }
    let mut open: Vec<&Span> = Vec::new();
    for span in &formatted.spans {
        open.retain(|outer| outer.end > span.start);
        for outer in &open {
            check_pair(outer, span)?;
        }
        open.push(span);
    }
    let units = utf16_len(text);
    let fits =
        |(offset, length, _): &(usize, usize, &Style)| *length > 0 && offset + length <= units;
    let entities = utf16_spans(formatted);
    if entities.len() != formatted.spans.len() || !entities.iter().all(fits) {
        return Err("entity out of the text".into());
    }
    Ok(())
}

fn check_pair(outer: &Span, inner: &Span) -> Result<(), String> {
    let monospace = |style: &Style| is_pre(style) || *style == Style::Code;
    let same = std::mem::discriminant(&outer.style) == std::mem::discriminant(&inner.style);
    let in_order = outer.start < inner.start || outer.end >= inner.end;
    if outer.end < inner.end || !in_order {
        Err(format!("crossing or unsorted {outer:?} {inner:?}"))
    } else if monospace(&outer.style) || monospace(&inner.style) {
        Err(format!("code shares text {outer:?} {inner:?}"))
    } else if same || inner.style == Style::Quote {
        Err(format!("nested {outer:?} {inner:?}"))
    } else {
        Ok(())
    }
}

fn is_pre(style: &Style) -> bool {
    matches!(style, Style::Pre { .. })
}

pub fn check_part(part: &FormattedText, max_units: usize) -> Result<(), String> {
    check(part)?;
    let units = utf16_len(&part.text);
    let is_one_character = part.text.chars().count() == 1;
    if units == 0 || (units > max_units && !is_one_character) {
        return Err(format!("{units} units"));
    }
    if part.spans.len() > MOST_SPANS {
        return Err(format!("{} spans", part.spans.len()));
    }
    Ok(())
}

/// The characters a reader sees, without whitespace.
pub fn visible(text: &str) -> String {
    let invisible = |character: &char| {
        character.is_whitespace()
            || matches!(character, '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{2800}'
                | '\u{FEFF}' | '\u{FFFC}' | '\u{E0000}'..='\u{E007F}')
    };
    text.chars()
        .filter(|character| !invisible(character))
        .collect()
}
