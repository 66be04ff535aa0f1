//! Shows links as code whose address nobody vouches for, also those that clients make by themselves
//! of what looks like an address.

use std::ops::Range;

use super::chars::clean;
use super::legal::{is_pre, legalise};
use super::{FormattedText, Span, Style};

/// The text with each link for whose address `is_known` does not hold shown as code. What only
/// looks like an address is asked for as it stands, without the marks around it; it may lack a
/// scheme.
pub fn without_unknown_links(
    text: &FormattedText,
    is_known: impl Fn(&str) -> bool,
) -> FormattedText {
    let mut shown = with_addresses(text, &is_known);
    let codes = unknown(&shown, &is_known, |_, is_inert| is_inert);
    if codes.is_empty() && shown == *text {
        return shown;
    }
    let mut spans = Vec::with_capacity(shown.spans.len() + codes.len());
    for span in shown.spans.drain(..) {
        cut_around(&codes, span, &mut spans);
    }
    spans.extend(codes.into_iter().map(|range| Span {
        start: range.start,
        end: range.end,
        style: Style::Code,
    }));
    shown.spans = legalise(&shown.text, spans);
    shown
}

/// The text for a file, with the address of each link behind its words. Addresses for which `is_known` does not
/// hold are broken up; in code a mere name stays, which is mostly one of a file.
pub fn without_unknown_addresses(text: &FormattedText, is_known: impl Fn(&str) -> bool) -> String {
    let shown = with_addresses(text, &|_: &str| false);
    let unknown = unknown(&shown, &is_known, |written, is_inert| {
        is_inert && !written.contains("//")
    });
    let mut text = shown.text;
    break_up(&mut text, &unknown);
    text
}

/// Where an address stands for which `is_known` does not hold, unless it `may_stay`: that is told what is written,
/// and whether a style keeps it from being a link.
fn unknown(
    shown: &FormattedText,
    is_known: &impl Fn(&str) -> bool,
    may_stay: impl Fn(&str, bool) -> bool,
) -> Vec<Range<usize>> {
    let text = &shown.text;
    let mut addresses: Vec<Range<usize>> = words(text)
        .into_iter()
        .map(|word| trimmed(text, word))
        .collect();
    addresses.retain(|address| {
        let written = &text[address.clone()];
        looks_like_link(written)
            && !is_known(written)
            && !may_stay(written, is_inert(&shown.spans, address))
    });
    addresses
}

/// Each unknown link as its words and, behind them, the address.
fn with_addresses(text: &FormattedText, is_known: &impl Fn(&str) -> bool) -> FormattedText {
    let mut shown = text.clone();
    let mut unknown: Vec<(usize, String)> = Vec::new();
    shown.spans.retain(|span| match &span.style {
        Style::Link { url } if !is_known(url) => {
            unknown.push((span.end, url.clone()));
            false
        }
        _ => true,
    });
    unknown.sort();
    // From the end, so that the places before stay where they are. A link that had to be cut in
    // two says its address twice.
    for (end, url) in unknown.into_iter().rev() {
        let address = format!(" ({})", clean(&url).replace('\n', " "));
        shown.text.insert_str(end, &address);
        for span in &mut shown.spans {
            if span.start >= end {
                span.start += address.len();
            }
            if span.end > end {
                span.end += address.len();
            }
        }
        shown.spans.push(Span {
            start: end + 2,
            end: end + address.len() - 1,
            style: Style::Code,
        });
    }
    // Nothing holds a code but what is cut around it.
    let codes: Vec<Range<usize>> = shown
        .spans
        .iter()
        .filter(|span| span.style == Style::Code)
        .map(|span| span.start..span.end)
        .collect();
    let mut spans = Vec::with_capacity(shown.spans.len());
    for span in shown.spans.drain(..) {
        match span.style {
            Style::Quote | Style::Spoiler => cut_around(&codes, span, &mut spans),
            _ => spans.push(span),
        }
    }
    shown.spans = legalise(&shown.text, spans);
    shown
}

/// The pieces between whitespace.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, space) in text.char_indices().filter(|(_, c)| c.is_whitespace()) {
        if start < at {
            words.push(start..at);
        }
        start = at + space.len_utf8();
    }
    if start < text.len() {
        words.push(start..text.len());
    }
    words
}

/// Signs that end a sentence or a quotation, and that clients leave out of an address before them.
const ENDS: &str = ".:;,('?!`\"’”“‘»›«‹…";

/// So many of them stand behind an address; more could spell something.
const MOST_ENDS: usize = 4;

/// A word without the marks around it. What stands behind an address and does not merely end it belongs to
/// it: a client may send it along.
fn trimmed(text: &str, word: Range<usize>) -> Range<usize> {
    let whole = &text[word.clone()];
    let front = whole.trim_start_matches(|c: char| !c.is_alphanumeric());
    let start = word.end - front.len();
    let mut address = front;
    for _ in 0..MOST_ENDS {
        address = without_end(address).unwrap_or(address);
    }
    if without_end(address).is_some() {
        address = front;
    }
    start..start + address.len()
}

/// A word without its last sign, where that ends it or closes what was opened before it.
fn without_end(word: &str) -> Option<&str> {
    let last = word.chars().next_back()?;
    let count = |sign: char| word.matches(sign).count();
    let ends = match last {
        ')' => count(')') > count('('),
        ']' => count(']') > count('['),
        '}' => count('}') > count('{'),
        '>' => count('>') > count('<'),
        other => ENDS.contains(other),
    };
    ends.then(|| &word[..word.len() - last.len_utf8()])
}

/// Whether some client would make a link of it: a scheme, or a dot between a name and what could be
/// a top-level domain. It says yes to more than that, such as names of files.
fn looks_like_link(word: &str) -> bool {
    if word.contains("://") || word.contains(':') && word.contains("//") {
        return true;
    }
    let may_be_address = word.matches('.').count() >= 3;
    word.match_indices(['.', '。', '．']).any(|(at, dot)| {
        let before = word[..at].chars().next_back();
        let label = word[at + dot.len()..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '-');
        let (mut length, mut letters) = (0, 0);
        for c in label {
            length += 1;
            letters += usize::from(c.is_alphabetic());
        }
        let is_address = length > 0 && may_be_address;
        before.is_some_and(char::is_alphanumeric) && (letters >= 2 || is_address)
    })
}

/// Whether clients make no link of it: it is code, or the words of a link that is known.
fn is_inert(spans: &[Span], range: &Range<usize>) -> bool {
    spans.iter().any(|span| {
        let holds = is_pre(&span.style) || matches!(span.style, Style::Code | Style::Link { .. });
        holds && span.start <= range.start && range.end <= span.end
    })
}

/// Whether a client would make a link of what the span holds, or another one, if the span were not there.
pub(super) fn is_guard(text: &str, span: &Span) -> bool {
    let inside = &text[span.start..span.end];
    let holds = match &span.style {
        Style::Code | Style::Pre { .. } => true,
        Style::Link { url } => url != inside,
        _ => false,
    };
    holds && inside.split_whitespace().any(looks_like_link)
}

/// Breaks the addresses in these ranges up, so that clients make no links of them without styles. The
/// ranges are sorted and disjoint.
pub(super) fn break_up(text: &mut String, ranges: &[Range<usize>]) {
    for range in ranges.iter().rev() {
        let mut broken = String::new();
        let mut letters = text[range.clone()].chars().peekable();
        while let Some(letter) = letters.next() {
            let goes_on = letters.peek().is_some_and(|next| !next.is_whitespace());
            let joins = goes_on && [':', '.', '。', '．'].contains(&letter);
            // One sign for another: what fits stays as long as it is.
            broken.push(if joins { '·' } else { letter });
        }
        text.replace_range(range.clone(), &broken);
    }
}

/// Adds what is left of a span outside these ranges.
fn cut_around(ranges: &[Range<usize>], span: Span, left: &mut Vec<Span>) {
    let mut start = span.start;
    for range in ranges
        .iter()
        .filter(|range| range.start < span.end && span.start < range.end)
    {
        if start < range.start {
            left.push(Span {
                start,
                end: range.start,
                style: span.style.clone(),
            });
        }
        start = start.max(range.end);
    }
    if start < span.end {
        left.push(Span { start, ..span });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{fitted, render, split, whole};
    use super::*;

    /// Markdown, and what is shown of it when only `known.example` is known.
    const TABLE: &[(&str, &str)] = &[
        ("[a](https://known.example/x)!", "{a}!"),
        (
            "see https://known.example/x.",
            "see https://known.example/x.",
        ),
        (
            "[a](https://evil.example/?q=1)!",
            "a (⟨https://evil.example/?q=1⟩)!",
        ),
        (
            "![](https://evil.example/i.png)",
            "![](⟨https://evil.example/i.png⟩)",
        ),
        (
            "go to https://evil.example/s, now",
            "go to ⟨https://evil.example/s⟩, now",
        ),
        ("<https://evil.example/s>", "⟨https://evil.example/s⟩"),
        (
            "secret.evil.example or 10.0.0.1/s",
            "⟨secret.evil.example⟩ or ⟨10.0.0.1/s⟩",
        ),
        ("a,https://evil.example/s", "⟨a,https://evil.example/s⟩"),
        ("tg://resolve?domain=x", "⟨tg://resolve?domain=x⟩"),
        (
            "[https://known.example](https://evil.example)",
            "https://known.example (⟨https://evil.example⟩)",
        ),
        (
            "[https://evil.example](https://known.example)",
            "{https://evil.example}",
        ),
        (
            "[known.example/x evil.example](https://evil.example)",
            "known.example/x ⟨evil.example⟩ (⟨https://evil.example⟩)",
        ),
        (
            "> **https://evil.example/s** x",
            "⟨https://evil.example/s⟩ x",
        ),
        ("||https://evil.example/s|| x", "⟨https://evil.example/s⟩ x"),
        (
            "> [a](https://evil.example/s)",
            "a (⟨https://evil.example/s⟩)",
        ),
        ("https://evil.example/**s**", "⟨https://evil.example/**s**⟩"),
        ("https://evil.example/`s`", "⟨https://evil.example/s⟩"),
        ("`https://evil.example/s`", "⟨https://evil.example/s⟩"),
        ("write to a@evil.example", "write to ⟨a@evil.example⟩"),
        (
            "3.14, 1.2.3, e.g. this. And a.m.",
            "3.14, 1.2.3, e.g. this. And a.m.",
        ),
    ];

    /// The text with `⟨code⟩` and `{link}`; other styles are not shown.
    fn shown(markdown: &str) -> String {
        let known = |address: &str| address.contains("known.example");
        let text = without_unknown_links(&render(markdown), known);
        let mut out = String::new();
        for (at, c) in text.text.char_indices() {
            for span in &text.spans {
                match span.style {
                    Style::Code if span.end == at => out.push('⟩'),
                    Style::Link { .. } if span.end == at => out.push('}'),
                    Style::Code if span.start == at => out.push('⟨'),
                    Style::Link { .. } if span.start == at => out.push('{'),
                    _ => {}
                }
            }
            out.push(c);
        }
        for span in text.spans.iter().filter(|span| span.end == text.text.len()) {
            match span.style {
                Style::Code => out.push('⟩'),
                Style::Link { .. } => out.push('}'),
                _ => {}
            }
        }
        out
    }

    /// The words that some client would make a link of by itself.
    fn by_itself(text: &FormattedText) -> Vec<&str> {
        let words = words(&text.text).into_iter();
        let words = words.map(|word| trimmed(&text.text, word));
        words
            .filter(|word| looks_like_link(&text.text[word.clone()]))
            .filter(|word| !is_inert(&text.spans, word))
            .map(|word| &text.text[word])
            .collect()
    }

    #[test]
    fn no_address_loses_its_code_to_other_styles() {
        let address = "https://evil.example/?q=1 ";
        for markdown in [
            format!("{}{address}", "`a` ".repeat(150)),
            format!("{}{address}", "**b** ".repeat(150)),
            format!("{}`{address}", "`a` ".repeat(100)),
            format!("{}[{address}](https://known.example)", "**b** ".repeat(150)),
            "s.example ".repeat(350),
            "s.example **b** ".repeat(250),
            format!("```\n{}\n```\n{address}", "s.example ".repeat(700)),
        ] {
            let text = without_unknown_links(&render(&markdown), |one| one.contains("known"));
            assert_eq!(by_itself(&text), [""; 0]);
            let parts = split(&text, 4096);
            for part in &parts {
                assert!(part.spans.len() <= 100, "{}", part.spans.len());
                assert_eq!(by_itself(part), [""; 0], "{markdown}");
            }
            let words = |text: &str| text.split_whitespace().collect::<String>();
            let joined: String = parts.iter().map(|part| words(&part.text)).collect();
            assert_eq!(joined, words(&text.text));
        }
    }

    #[test]
    fn what_cannot_be_split_has_its_last_addresses_broken_up() {
        let link = "[k.example](https://known.example) ";
        for markdown in [
            format!("{}{}", "`s.example` ".repeat(90), link.repeat(90)),
            format!("{}**b** {}", link.repeat(90), "s.example ".repeat(90)),
            format!("{}{}", "**b** s.example ".repeat(60), link.repeat(60)),
        ] {
            let text = without_unknown_links(&render(&markdown), |one| one.contains("known"));
            let fitted = fitted(&text);
            assert_eq!(fitted.spans.len(), 100);
            assert_eq!(by_itself(&fitted), [""; 0]);
            for span in &fitted.spans {
                let inside = &fitted.text[span.start..span.end];
                assert!(["s.example", "k.example"].contains(&inside), "{inside}");
            }
            assert_eq!(fitted.text.replace('·', "."), text.text);
        }
        let many = render(&"`s.example` ".repeat(300));
        assert_eq!(whole(&many), Some(many));
        let few = render("**a** `b.example`");
        assert_eq!(fitted(&few), few);
    }

    #[test]
    fn without_its_code_an_address_is_broken_up() {
        let markdown =
            "see https://evil.example/s, `10.0.0.1`, **b** [c.example](https://known.example)";
        let text = without_unknown_links(&render(markdown), |one| one.contains("known"));
        let plain = text.without_styles();
        assert_eq!(by_itself(&plain), [""; 0], "{plain:?}");
        assert_eq!(
            plain.text,
            "see https·//evil·example/s, 10·0·0·1, b c·example"
        );
        assert_eq!(plain.without_styles(), plain);
        let own = render("`a` **b** [c](https://known.example/)").without_styles();
        assert_eq!(own.text, "a b c");
    }

    /// Whether what stands there is shown as it is, when only one address is known.
    #[test]
    fn what_stands_behind_an_address_may_be_part_of_it() {
        for (text, is_link) in [
            ("https://known.example/x", true),
            ("is it https://known.example/x?!", true),
            ("(https://known.example/x).", true),
            ("\"https://known.example/x\",", true),
            ("„https://known.example/x“…", true),
            ("[{https://known.example/x}],", true),
            ("https://known.example/x?-=-==", false),
            ("https://known.example/x-", false),
            ("https://known.example/x/", false),
            ("https://known.example/x()", false),
            ("https://known.example/x😀", false),
            ("https://known.example/x\u{200b}\u{200c}", false),
            ("https://known.example/x!?!?!?!?", false),
        ] {
            let text = FormattedText::plain(text);
            let shown = without_unknown_links(&text, |one| one == "https://known.example/x");
            assert_eq!(shown.spans.is_empty(), is_link, "{shown:?}");
        }
    }

    #[test]
    fn only_known_addresses_are_links() {
        for (markdown, expected) in TABLE {
            assert_eq!(shown(markdown), *expected, "{markdown}");
        }
        let fenced = "```\nhttps://evil.example/s\n```";
        let text = render(fenced);
        assert_eq!(without_unknown_links(&text, |_| false), text);
        let text = render("1. **a** [b](https://evil.example) ~~c~~\n\n> d");
        assert_eq!(without_unknown_links(&text, |_| true), text);
    }
}
