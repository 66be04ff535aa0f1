//! Pages of a list with buttons: how its entries are shortened, and how it is turned.

use super::card::ButtonData;
use super::outbox::Button;

/// The longest text of an entry, in characters.
const MAX_TEXT: usize = 80;

/// The beginning of a text, on one line.
pub fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_TEXT {
        return line;
    }
    let head: String = line.chars().take(MAX_TEXT).collect();
    format!("{}…", head.trim_end())
}

/// The last page of a list; pages count from 0.
pub fn last_page(total: u64, size: u32) -> u32 {
    let pages = total.div_ceil(size.max(1).into());
    u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX)
}

/// The buttons that turn the page, each with what `to` says of the page it leads to; `None` where
/// there is one page.
pub fn turning(page: u32, last: u32, to: impl Fn(u32) -> ButtonData) -> Option<Vec<Button>> {
    let back = page.checked_sub(1).map(|page| (page, "◀"));
    let on = (page < last).then(|| (page + 1, "▶"));
    let turns: Vec<Button> = back
        .into_iter()
        .chain(on)
        .map(|(page, label)| to(page).button(label))
        .collect();
    (!turns.is_empty()).then_some(turns)
}
