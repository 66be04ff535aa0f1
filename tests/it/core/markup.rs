//! Markdown rendering and splitting: a gallery of real answers, and properties that hold for any
//! text.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::core::markup::{
    FormattedText, Span, Style, render, render_unfinished, split, utf16_len,
};

mod legality;
mod properties;

use legality::{MESSAGE, MOST_SPANS, check, check_part, visible};

/// The text with its styles as tags, for comparing with what is expected.
fn tagged(formatted: &FormattedText) -> String {
    let mut out = String::new();
    let mut open: Vec<&Span> = Vec::new();
    let mut spans = formatted.spans.iter().peekable();
    for at in (0..=formatted.text.len()).filter(|at| formatted.text.is_char_boundary(*at)) {
        while let Some(span) = open.pop_if(|span| span.end == at) {
            out.push_str(&format!(
                "</{}>",
                tag(&span.style).split(' ').next().unwrap()
            ));
        }
        while let Some(span) = spans.next_if(|span| span.start == at) {
            out.push_str(&format!("<{}>", tag(&span.style)));
            open.push(span);
        }
        out.extend(formatted.text[at..].chars().next());
    }
    out
}

fn tag(style: &Style) -> String {
    match style {
        Style::Bold => "b".into(),
        Style::Italic => "i".into(),
        Style::Underline => "u".into(),
        Style::Strikethrough => "s".into(),
        Style::Spoiler => "spoiler".into(),
        Style::Code => "code".into(),
        Style::Pre { language: None } => "pre".into(),
        Style::Pre {
            language: Some(language),
        } => format!("pre {language}"),
        Style::Link { url } => format!("a {url}"),
        Style::Quote => "quote".into(),
    }
}

/// A long answer with everything that models write.
const GALLERY: &str = include_str!("markup/gallery.md");
/// The same, rendered, with the styles as tags.
const GALLERY_RENDERED: &str = include_str!("markup/gallery.txt");

#[test]
fn a_gallery_of_answers_renders_as_expected() {
    let rendered: Vec<String> = GALLERY
        .split("\n=====\n")
        .map(|answer| tagged(&render(answer)))
        .collect();
    for (rendered, expected) in rendered.iter().zip(GALLERY_RENDERED.split("\n=====\n")) {
        assert_eq!(rendered, expected.trim_end_matches('\n'));
    }
    assert_eq!(rendered.len(), GALLERY_RENDERED.split("\n=====\n").count());
}

#[test]
fn inline_markup() {
    let table = [
        (
            "**bold** *italic* ~~gone~~ `code`",
            "<b>bold</b> <i>italic</i> <s>gone</s> <code>code</code>",
        ),
        ("***both* bold**", "<b><i>both</i> bold</b>"),
        ("**a `b` c**", "<b>a</b> <code>b</code> <b>c</b>"),
        ("[`a`](https://x.example)", "<a https://x.example>a</a>"),
        (
            "[a *b*](https://x.example)",
            "<a https://x.example>a <i>b</i></a>",
        ),
        ("||a *b* c||", "<spoiler>a <i>b</i> c</spoiler>"),
        ("||**a**||", "<b><spoiler>a</spoiler></b>"),
        ("||a `b`||", "<spoiler>a b</spoiler>"),
        ("a || b || c, x||y||z, ||", "a || b || c, x||y||z, ||"),
        (r"\||a||", "||a||"),
        ("`||a||`", "<code>||a||</code>"),
        ("~5 to ~10~", "~5 to ~10~"),
        ("a\\*b\\* &amp; &lt;", "a*b* & <"),
        ("line  \nbreak\\\nsoft\nend", "line\nbreak\nsoft\nend"),
        ("<b>x</b> <!-- c -->", "<b>x</b> <!-- c -->"),
        ("H<sub>2</sub>O[^1]", "H<sub>2</sub>O[^1]"),
    ];
    for (markdown, expected) in table {
        assert_eq!(tagged(&render(markdown)), expected, "{markdown}");
    }
}

#[test]
fn names_keep_their_underscores_and_operators_their_stars() {
    let same = [
        "edit __init__.py and call foo.__init__()",
        "the __init__ method, __name__ == '__main__'",
        "__FILE__ and __LINE__, pkg/__pycache__/x",
        "snake_case_name and _private_name_ and _x_.py",
        "2*3*4, a*b*c, 2**3 and 4**5",
        "https://x.example/_a_/*b*/__c__ and https://x.example/a_(b)_c",
    ];
    for markdown in same {
        assert_eq!(tagged(&render(markdown)), markdown);
    }
    let emphasis = [
        (
            "__Note__: _yes_ __two words__",
            "<b>Note</b>: <i>yes</i> <b>two words</b>",
        ),
        ("**__init__.py** is *2*", "<b>__init__.py</b> is <i>2</i>"),
        (
            "*see https://x.example/a*",
            "<i>see https://x.example/a</i>",
        ),
        ("强调**文字**强调", "强调<b>文字</b>强调"),
    ];
    for (markdown, expected) in emphasis {
        assert_eq!(tagged(&render(markdown)), expected, "{markdown}");
    }
}

#[test]
fn links() {
    let table = [
        (
            "[w](https://x.example/Foo_(bar)_baz)",
            "<a https://x.example/Foo_(bar)_baz>w</a>",
        ),
        (
            "[m](mailto:a@x.example) [t](tg://user?id=1)",
            "<a mailto:a@x.example>m</a> <a tg://user?id=1>t</a>",
        ),
        (
            "<https://x.example> <a@x.example>",
            "https://x.example a@x.example",
        ),
        (
            "[https://x.example](https://x.example)",
            "https://x.example",
        ),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](./a.md) <file:///etc>", "[x](./a.md) <file:///etc>"),
        (
            "![alt](https://x.example/a.png)",
            "<a https://x.example/a.png>alt</a>",
        ),
        (
            "[![alt](https://i.example)](https://x.example)",
            "<a https://x.example>alt</a>",
        ),
        (
            "[a][1]\n\n[1]: https://x.example",
            "<a https://x.example>a</a>",
        ),
        (
            "a\n\n[1]: https://x.example\n[2]: https://y.example",
            "a\n\n[1]: https://x.example\n[2]: https://y.example",
        ),
        (
            "[a][1]\n\n[1]: https://x.example\n[1]: https://y.example",
            "<a https://x.example>a</a>\n\n[1]: https://y.example",
        ),
        (
            "a[^1]\n\n[^1]: https://x.example",
            "a[^1]\n\n[^1]: https://x.example",
        ),
    ];
    for (markdown, expected) in table {
        assert_eq!(tagged(&render(markdown)), expected, "{markdown}");
    }
}

#[test]
fn markup_that_leaves_nothing_visible_is_shown_as_source() {
    let sources = [
        "```\n```",
        "```rust\n\n```",
        "![](https://x.example)",
        "[](https://x.example)",
        "<!-- lone -->",
        "[a]: https://x.example",
        "#",
        ">",
        "a\n\n```\n```\n\nb",
        "` `\u{200B}",
    ];
    for source in sources {
        assert_eq!(render(source), FormattedText::plain(source), "{source}");
    }
    for blank in [
        "",
        " \n\t ",
        "\u{200B}\u{FEFF}",
        "\u{2800}",
        "&nbsp;\u{200E}",
    ] {
        let rendered = render(blank);
        assert!(
            rendered.spans.is_empty() && (rendered.text.is_empty() || blank.starts_with('&')),
            "{blank:?}"
        );
        assert!(
            split(
                &FormattedText::plain(blank.replace("&nbsp;", "\u{A0}")),
                MESSAGE
            )
            .is_empty()
        );
    }
}

#[test]
fn an_unfinished_text_never_shows_half_of_something() {
    let table = [
        ("some **bo", "some <b>bo</b>"),
        ("some **", "some"),
        ("some **bo*", "some <b>bo</b>"),
        ("*a **b", "<i>a <b>b</b></i>"),
        ("see `co", "see <code>co</code>"),
        ("see `", "see"),
        ("a ||hid", "a <spoiler>hid</spoiler>"),
        ("a ||hid|", "a <spoiler>hid</spoiler>"),
        ("~~go", "<s>go</s>"),
        ("see [the do", "see"),
        ("see [the docs](https://x.exa", "see"),
        ("see [the docs](https://x.example/a_(b)", "see"),
        (
            "see [the docs](https://x.example) now",
            "see <a https://x.example>the docs</a> now",
        ),
        ("see ![im", "see"),
        ("see <https://x", "see"),
        ("a [1] b", "a [1] b"),
        ("text\n-", "text"),
        ("text\n\n```", "text"),
        ("text\n\n```py", "text"),
        ("```py\n", ""),
        ("```py\nx = 1", "<pre py>x = 1</pre>"),
        ("```py\nx = 1\n``", "<pre py>x = 1</pre>"),
        ("```py\nx = 1\n```", "<pre py>x = 1</pre>"),
        (
            "```py\nx = 1\n```\nmore **b",
            "<pre py>x = 1</pre>\n\nmore <b>b</b>",
        ),
        ("- a\n- **b", "• a\n• <b>b</b>"),
        ("1. a\n2.", "1. a"),
        ("- [", ""),
        ("text\n\n| a | b", "text"),
        ("| a | b |\n|---", ""),
        ("| a |\n|---|\n", "<pre>a\n-</pre>"),
        ("x = 2 * 3", "x = 2 * 3"),
        ("x = 2*3", "x = 2*3"),
        ("edit __ini", "edit __ini"),
        ("edit __init__", "edit __init__"),
        ("# He", "<b>He</b>"),
        ("> q **b", "<quote>q <b>b</b></quote>"),
    ];
    for (markdown, expected) in table {
        assert_eq!(
            tagged(&render_unfinished(markdown)),
            expected,
            "{markdown:?}"
        );
    }
}

#[test]
fn every_prefix_of_an_answer_is_legal() {
    for (end, _) in GALLERY.char_indices() {
        let unfinished = render_unfinished(&GALLERY[..end]);
        check(&unfinished).unwrap_or_else(|error| {
            panic!("{error} in …{:?}", &GALLERY[end.saturating_sub(40)..end])
        });
        assert!(
            !unfinished.text.ends_with("]("),
            "{:?}",
            &GALLERY[end - 40..end]
        );
    }
}

#[test]
fn a_text_that_fits_is_one_part() {
    let text = render("**a**\n\nb");
    assert_eq!(split(&text, MESSAGE), std::slice::from_ref(&text));
    assert!(split(&FormattedText::default(), MESSAGE).is_empty());
    let exact = FormattedText::plain("😀".repeat(MESSAGE / 2));
    assert_eq!(split(&exact, MESSAGE).len(), 1);
    let longer = FormattedText::plain("😀".repeat(MESSAGE / 2) + "a");
    assert_eq!(split(&longer, MESSAGE).len(), 2);
}

#[test]
fn cuts_prefer_blocks_then_lines_then_words() {
    let table = [
        ("aaaa bbbb\n\ncc dd", 14, vec!["aaaa bbbb", "cc dd"]),
        ("aaaa bbbb\ncc dd", 14, vec!["aaaa bbbb", "cc dd"]),
        ("aaaa bbbb cc dd", 14, vec!["aaaa bbbb cc", "dd"]),
        ("aaaabbbbccccdd", 5, vec!["aaaab", "bbbcc", "ccdd"]),
        ("aaaa\n\nbbbb\ncccc", 12, vec!["aaaa", "bbbb\ncccc"]),
        ("😀😀😀", 3, vec!["😀", "😀", "😀"]),
        ("aae\u{301}b", 3, vec!["aa", "e\u{301}b"]),
        ("🇩🇪🇫🇷", 6, vec!["🇩🇪", "🇫🇷"]),
        ("aa **bbb ccc** dd", 10, vec!["aa <b>bbb ccc</b>", "dd"]),
        (
            "aa [bb cc](https://x.example)",
            5,
            vec!["aa", "<a https://x.example>bb cc</a>"],
        ),
        (
            "```py\na = 1\nb = 2\n```",
            6,
            vec!["<pre py>a = 1</pre>", "<pre py>b = 2</pre>"],
        ),
        (
            "hello\n\n```\naaa\nbbb\n```",
            12,
            vec!["hello", "<pre>aaa\nbbb</pre>"],
        ),
        (
            "hi\n\n```\naaaaaaaa\nbbbbbbbbb\n```",
            20,
            vec!["hi", "<pre>aaaaaaaa\nbbbbbbbbb</pre>"],
        ),
        (
            "hi\n\n```\naaa\nbbb\n```",
            9,
            vec!["hi", "<pre>aaa\nbbb</pre>"],
        ),
        (
            "```py\nif x:\n    y\n```",
            6,
            vec!["<pre py>if x:</pre>", "<pre py>    y</pre>"],
        ),
        (
            "> aaaa\n> bbbb",
            6,
            vec!["<quote>aaaa</quote>", "<quote>bbbb</quote>"],
        ),
    ];
    for (markdown, max_units, expected) in table {
        let parts: Vec<String> = split(&render(markdown), max_units)
            .iter()
            .map(tagged)
            .collect();
        assert_eq!(parts, expected, "{markdown:?}");
    }
}

#[test]
fn a_part_keeps_at_most_a_hundred_styles_and_all_its_text() {
    let text = render(&"*a* `b` ".repeat(150));
    let parts = split(&text, MESSAGE);
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].spans.len(), MOST_SPANS);
    assert!(parts[0].spans.iter().all(|span| span.style == Style::Code));
    assert_eq!(parts[0].text, text.text);
}

#[test]
fn a_long_answer_is_cut_into_full_parts() {
    let block = "## Step\n\nSome **bold words** and [a link](https://x.example), then:\n\n```rust\nfn main() {\n    run();\n}\n```\n\n";
    let text = render(&block.repeat(200));
    assert!(utf16_len(&text.text) > 2 * MESSAGE);
    let parts = split(&text, MESSAGE);
    for part in &parts {
        check_part(part, MESSAGE).unwrap();
        assert!(
            part.text.starts_with("Step")
                || part.text.starts_with("Some")
                || part.text.starts_with("fn main")
        );
    }
    assert_eq!(parts.len(), utf16_len(&text.text).div_ceil(MESSAGE));
    let joined: String = parts.iter().map(|part| visible(&part.text)).collect();
    assert_eq!(joined, visible(&text.text));
}
