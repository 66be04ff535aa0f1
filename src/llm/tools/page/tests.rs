//! What becomes of pages, the ones that mean harm included.
#![allow(clippy::unwrap_used, clippy::panic)]

use url::Url;

use super::PageReader;
use super::prepare::prepare;

async fn markdown(html: &str) -> String {
    let address = Url::parse("https://a.org/dir/page?q=1").unwrap();
    let reader = PageReader::default();
    reader.markdown(html.to_owned(), address).await.unwrap()
}

#[tokio::test]
async fn pages_become_markdown_with_their_links() {
    let table = [
        (
            "<h1>Top</h1><p>A <b>bold</b> word.",
            "# Top\n\nA **bold** word.",
        ),
        ("<a href=other>x</a>", "[x](https://a.org/dir/other)"),
        (
            "<a href='/top?a=1&amp;b=2'>x</a>",
            "[x](https://a.org/top?a=1&b=2)",
        ),
        ("<a href='//b.org'>x</a>", "[x](https://b.org/)"),
        (
            "<a href='https://b.org/a b'>x\n y</a>",
            "[x y](https://b.org/a%20b)",
        ),
        ("<a href='/w_(x)'>x</a>", "[x](<https://a.org/w_(x)>)"),
        ("<a href='mailto:a@b.org'>x</a>", "[x](mailto:a@b.org)"),
        ("<a href='javascript:alert(1)'>x</a>", "x"),
        ("<a href='data:text/html,x'>x</a>", "x"),
        ("<a href='#there'>x</a>", "x"),
        ("<a href='/only-a-picture'><img src=x></a>", ""),
        (
            "<a href='/p'><img src=x alt='A cat'></a>",
            "[![A cat](https://a.org/dir/x)](https://a.org/p)",
        ),
        ("<img src='data:image/png;base64,AAAA' alt=dot>", "dot"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        (
            "<p>a</p><script>alert('<p>b</p>')</script><style>p{}</style><p>c",
            "a\n\nc",
        ),
        ("a<!-- <p>hidden</p> -->b<!-->c", "abc"),
        ("<noscript><p>Switch it on</p></noscript>", "Switch it on"),
        ("<p title='a > b'>c</p>", "c"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<title>The page</title><p>Text", "Title: The page\n\nText"),
        ("<title>Top</title><h1>Top</h1>", "# Top"),
        (
            "<base href='https://c.org/d/'><a href=e>x</a>",
            "[x](https://c.org/d/e)",
        ),
        (
            "<table><tr><th>a<th>b<tr><td>1<td>2</table>",
            "| a | b |\n| - | - |\n| 1 | 2 |",
        ),
        ("<select><option>a<option>b</select>c", "c"),
        // As the browser gives what is visible.
        ("<div><div><div>a</div></div></div><div>b</div>", "a\n\nb"),
        ("<pre><code>code  here</code></pre>", "```\ncode  here\n```"),
        ("<a href=\"tel:1\">call</a>", "call"),
        ("<code>[field #my_q: a*b]</code>", "`[field #my_q: a*b]`"),
        ("", ""),
        ("plain", "plain"),
        ("<p>unclosed <b>tag", "unclosed **tag**"),
        ("<p>cut off <a href=\"/x", "cut off"),
        ("<script>never closed <p>x", ""),
    ];
    for (html, expected) in table {
        assert_eq!(markdown(html).await.trim(), expected, "{html}");
    }
}

#[tokio::test]
async fn no_page_is_too_deep_or_too_tangled() {
    let deep = |tag: &str, count: usize| {
        let open = format!("<{tag}>").repeat(count);
        let close = format!("</{tag}>").repeat(count);
        format!("before {open}inside{close} after")
    };
    let tangled = "<b><p><i><a href=x><table><div>".repeat(500);
    for html in [
        deep("div", 20_000),
        deep("b", 20_000),
        deep("blockquote", 20_000),
        deep("ul", 20_000),
        deep("table", 20_000),
        deep("span", 50_000),
        format!("before inside after{}", "<div>".repeat(50_000)),
        format!("before inside after{}", "<p>".repeat(20_000)),
        format!("before inside after{}", "</div>".repeat(200_000)),
        format!("before inside after{}", "<a href=x>".repeat(5000)),
        format!("before inside after{}", "<".repeat(200_000)),
        format!("before inside after{}", "<!-- ".repeat(200_000)),
        format!("before inside after{}", "<a b=\"".repeat(200_000)),
        format!("before inside after<script>{}", "</a ".repeat(200_000)),
        format!("before inside after{tangled}"),
    ] {
        let text = markdown(&html).await;
        let start: String = html.chars().take(30).collect();
        for word in ["before", "inside", "after"] {
            assert!(text.contains(word), "{word} of {start}");
        }
    }
}

#[test]
fn long_lists_keep_their_tags() {
    let list = format!("<ul>{}</ul>", "<li>x".repeat(5000));
    assert_eq!(prepare(&list).html, list);
    let paragraphs = "<div><p>x</div>".repeat(5000);
    assert_eq!(prepare(&paragraphs).html, paragraphs);
}
