//! Properties of rendering and splitting that hold for any text, hostile ones first.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::core::markup::{
    FormattedText, Span, Style, literal, render, render_apart, render_unfinished,
    render_unfinished_apart, split,
};
use proptest::prelude::*;

use super::legality::{MESSAGE, check, check_part, visible};

#[test]
fn hostile_texts_render_and_split() {
    let patterns = [
        "> ",
        ">",
        "*",
        "_",
        "[",
        "![",
        "<",
        "`",
        "- ",
        "1. ",
        "* a\n",
        "**a ",
        "*a_ ",
        "||",
        "||a",
        "[a](",
        "[a][",
        "\\",
        "<a",
        "<!--",
        "|",
        "|a",
        "[a]: b\n",
        "http://",
        "~",
        "# ",
        "```\n",
        "](",
        "x ``` `` ` ",
        ">a\n",
        "a**b",
        "![a](http://x) ",
        "||\u{200B}",
        "a://",
        "🇩",
        "\u{301}",
        "| a |\n|--|\n",
        "- [ ] ",
        "\0",
        "*a*`b`",
    ];
    for pattern in patterns {
        let text = pattern.repeat(20_000 / pattern.len());
        let rendered = render(&text);
        check(&rendered).unwrap_or_else(|error| panic!("{pattern:?}: {error}"));
        check(&render_unfinished(&text))
            .unwrap_or_else(|error| panic!("unfinished {pattern:?}: {error}"));
        for part in split(&rendered, MESSAGE) {
            check_part(&part, MESSAGE)
                .unwrap_or_else(|error| panic!("part of {pattern:?}: {error}"));
        }
    }
}

/// Pieces that models and attackers put together; each `w…` is a word that must stay visible.
fn markdownish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z]{1,6}".prop_map(|word| format!("w{word}")),
        3 => Just(" ".to_owned()),
        3 => prop::sample::select(vec!["\n", "\n\n", "  \n", "\n    ", "\n> ", "\n- ", "\n  - ", "\n1. ", "\n# ", "\n```\n", "\n```py\n",
            "\n| wa | wb |\n|---|:-:|\n| wc | wd |\n", "\n---\n", "\n- [ ] ", "\n\n[a]: https://wdef.example\n", "\n\n[b]: https://wother.example\n", "[a]", "\r\n"]).prop_map(str::to_owned),
        4 => prop::sample::select(vec!["*", "**", "_", "__", "~~", "||", "`", "``", "[", "](https://wx.example/a_(b))", "]", "](wrel)", "![",
            "<", ">", "<b>", "</b>", "\\", "|", "__wdunder__", "https://wurl.example/_x_", "&amp;", "😀", "👩\u{200D}💻", "שלום", "e\u{301}",
            "\0", "\t", "\u{200B}", "."]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn check_all(markdown: &str, max_units: usize) -> Result<(), TestCaseError> {
    let rendered = render(markdown);
    check(&rendered).map_err(TestCaseError::fail)?;
    check_unfinished(markdown)?;
    let parts = split(&rendered, max_units);
    for part in &parts {
        check_part(part, max_units).map_err(TestCaseError::fail)?;
    }
    let joined: String = parts.iter().map(|part| visible(&part.text)).collect();
    prop_assert_eq!(joined, visible(&rendered.text));
    Ok(())
}

/// What closes an unfinished text is never seen itself.
fn check_unfinished(markdown: &str) -> Result<(), TestCaseError> {
    let unfinished = render_unfinished(markdown);
    check(&unfinished).map_err(TestCaseError::fail)?;
    for mark in ['*', '_', '~', '`'] {
        let count = |text: &str| text.chars().filter(|character| *character == mark).count();
        prop_assert!(count(&unfinished.text) <= count(markdown), "{unfinished:?}");
    }
    Ok(())
}

/// The words of a source that a reader could miss: runs of letters that begin with `w`.
fn words(source: &str) -> impl Iterator<Item = &str> {
    source
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| word.starts_with('w'))
}

/// Long code, in whatever stands around it.
fn check_apart(markdown: &str) -> Result<(), TestCaseError> {
    let code = "\tw\n".repeat(60);
    for long in [
        format!("{markdown}\n```py\n{code}```\n{markdown}"),
        format!("```\n{code}\n{markdown}"),
        markdown.replace("\n```py\n", &format!("\n```py\n{code}")),
    ] {
        check(&render_apart(&long).0).map_err(TestCaseError::fail)?;
        check(&render_unfinished_apart(&long)).map_err(TestCaseError::fail)?;
    }
    check(&literal(markdown)).map_err(TestCaseError::fail)
}

proptest! {
    #[test]
    fn text_beside_long_code_is_legal(markdown in prop_oneof![markdownish(), any::<String>()]) {
        check_apart(&markdown)?;
    }

    #[test]
    fn any_text_is_legal(markdown in any::<String>(), max_units in 2_usize..200) {
        check_all(&markdown, max_units)?;
    }

    #[test]
    fn any_markdown_is_legal(markdown in markdownish(), max_units in 2_usize..200) {
        check_all(&markdown, max_units)?;
    }

    #[test]
    fn no_word_is_lost(markdown in markdownish()) {
        let rendered = render(&markdown);
        let mut shown = rendered.text.clone();
        for span in &rendered.spans {
            match &span.style {
                Style::Link { url } => shown.push_str(url),
                Style::Pre { language: Some(language) } => shown.push_str(language),
                _ => {}
            }
        }
        for word in words(&markdown) {
            prop_assert!(shown.contains(word), "{word} of {markdown:?} is not in {shown:?}");
        }
    }

    #[test]
    fn any_spans_are_made_legal(
        text in "[a-c \\n😀é]{0,40}",
        spans in prop::collection::vec((0_usize..60, 0_usize..60, 0_usize..9), 0..12),
        max_units in 2_usize..30,
    ) {
        let styles = [
            Style::Bold, Style::Italic, Style::Underline, Style::Strikethrough, Style::Spoiler, Style::Code, Style::Quote,
            Style::Pre { language: None }, Style::Link { url: "https://x.example".into() },
        ];
        let spans = spans.into_iter().map(|(start, end, style)| Span { start, end, style: styles[style].clone() });
        let formatted = FormattedText { text: text.clone(), spans: spans.collect() };
        let parts = split(&formatted, max_units);
        for part in &parts {
            check_part(part, max_units).map_err(TestCaseError::fail)?;
        }
        let joined: String = parts.iter().map(|part| visible(&part.text)).collect();
        prop_assert_eq!(joined, visible(&text));
    }
}
