//! Which markup, entities and keyboards are refused, and in which words.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn html() {
    let bench = Bench::new().await;
    let html = |source: &str| with(text(source), "parse_mode", json!("HTML"));
    let both = with(
        html("x"),
        "entities",
        json!([{ "type": "bold", "offset": 0, "length": 1 }]),
    );
    let padded = format!("<b>{}</b>", "x".repeat(4096));
    check(
        &bench,
        "sendMessage",
        vec![
            (
                html("<h1>x</h1>"),
                400,
                "can't parse entities: Unsupported start tag \"h1\"",
            ),
            (html("a < b"), 400, "can't parse entities: Un"),
            (
                html("<b>x"),
                400,
                "Can't find end tag corresponding to start tag \"b\"",
            ),
            (
                html("<b><i>x</b></i>"),
                400,
                "expected \"</i>\", found \"</b>\"",
            ),
            (html("x</b>"), 400, "Unexpected end tag at byte offset 1"),
            (html("<b"), 400, "Unclosed start tag at byte offset 0"),
            (html("x</b"), 400, "Unclosed end tag at byte offset 1"),
            (
                html("<span>x</span>"),
                400,
                "must have class \"tg-spoiler\"",
            ),
            (html("<a =x>y</a>"), 400, "Empty attribute name"),
            (
                html("<tg-emoji emoji-id=\"x\">🙂</tg-emoji>"),
                400,
                "custom emoji",
            ),
            (html("<b> </b>"), 400, "message text is empty"),
            (html(&padded), 200, ""),
            (html("1 &lt; 2 && 3 > 2 &copy;"), 200, ""),
            (
                html("<pre><code class=\"language-rust\">fn</code></pre>"),
                200,
                "",
            ),
            (
                html("<blockquote expandable><a href='https://a.b/?x=1&amp;y'>l</a></blockquote>"),
                200,
                "",
            ),
            (both, 400, "exclude each other"),
        ],
    )
    .await;
    let sent = bench.telegram.messages(ALICE);
    let [long, escaped, code, quote] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(
        long.entities,
        [json!({ "type": "bold", "offset": 0, "length": 4096 })]
    );
    assert_eq!(escaped.text, "1 < 2 && 3 > 2 &copy;");
    let pre = json!({ "type": "pre", "offset": 0, "length": 2, "language": "rust" });
    assert_eq!(code.entities, [pre]);
    assert_eq!(quote.entities[0]["type"], "expandable_blockquote");
    assert_eq!(quote.entities[1]["url"], "https://a.b/?x=1&y");
}

/// An entity of a kind at a place.
fn entity(kind: &str, offset: i64, length: i64) -> Value {
    json!({ "type": kind, "offset": offset, "length": length })
}

/// Eight UTF-16 units; the emoji takes the third and the fourth.
fn marked(entities: Value) -> Value {
    with(text("ab😀cdef"), "entities", entities)
}

#[tokio::test]
async fn single_entities() {
    let bench = Bench::new().await;
    let one = |kind: &str, offset, length| marked(json!([entity(kind, offset, length)]));
    let link = |url: &str| marked(json!([with(entity("text_link", 0, 1), "url", json!(url))]));
    let pre = |language| marked(json!([with(entity("pre", 0, 1), "language", language)]));
    let many = vec![entity("bold", 0, 1); 101];
    check(
        &bench,
        "sendMessage",
        vec![
            (one("bold", 0, 8), 200, ""),
            (one("bold", 0, 9), 400, "after the end of the text"),
            (one("bold", 9, 1), 400, "after the end of the text"),
            (one("bold", 0, 0), 400, "it is empty"),
            (one("bold", -1, 2), 400, "offset must be a number"),
            (one("bold", 2, 2), 200, ""),
            (one("bold", 3, 2), 400, "in the middle of a symbol"),
            (one("bold", 2, 1), 400, "in the middle of a symbol"),
            (one("shiny", 0, 1), 400, "unknown type \"shiny\""),
            (one("text_link", 0, 1), 400, "text_link needs a valid url"),
            (one("text_mention", 0, 1), 400, "text_mention needs a user"),
            (marked(json!(["bold"])), 400, "not an object"),
            (marked(json!("bold")), 400, "can't parse entities"),
            (marked(json!(many)), 400, "more than 100"),
            (
                link("javascript:alert(1)"),
                400,
                "text_link needs a valid url",
            ),
            (link("https://example.org"), 200, ""),
            (pre(json!("rust")), 200, ""),
            (pre(json!(1)), 400, "must be a string"),
        ],
    )
    .await;
}

#[tokio::test]
async fn nested_entities() {
    let bench = Bench::new().await;
    let pair = |outer: (&str, i64, i64), inner: (&str, i64, i64)| {
        let (outer, inner) = (
            entity(outer.0, outer.1, outer.2),
            entity(inner.0, inner.1, inner.2),
        );
        marked(json!([with(outer, "url", json!("https://a.b/")), inner]))
    };
    let quote = "blockquote";
    check(
        &bench,
        "sendMessage",
        vec![
            (pair(("bold", 0, 4), ("italic", 2, 4)), 400, "intersect"),
            (pair(("bold", 0, 4), ("italic", 4, 2)), 200, ""),
            (pair(("bold", 0, 6), ("italic", 0, 2)), 200, ""),
            (pair(("italic", 0, 2), ("bold", 0, 6)), 200, ""),
            (pair(("bold", 0, 6), ("code", 0, 2)), 400, "can't contain"),
            (pair(("pre", 0, 6), ("bold", 0, 6)), 400, "can't contain"),
            (pair(("bold", 0, 6), ("pre", 0, 6)), 400, "can't contain"),
            (pair(("code", 0, 6), ("code", 0, 2)), 400, "can't contain"),
            (pair((quote, 0, 6), ("code", 0, 2)), 200, ""),
            (pair((quote, 0, 6), (quote, 0, 2)), 400, "can't contain"),
            (
                pair(("expandable_blockquote", 0, 6), (quote, 4, 2)),
                400,
                "can't contain",
            ),
            (pair(("text_link", 0, 1), ("bold", 0, 1)), 200, ""),
            (
                pair(("text_link", 0, 2), ("code", 0, 1)),
                400,
                "can't contain",
            ),
            (
                pair(("text_link", 0, 2), (quote, 0, 1)),
                400,
                "can't contain",
            ),
            (
                pair((quote, 0, 2), ("text_link", 0, 1)),
                400,
                "text_link needs a valid url",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn keyboards() {
    let bench = Bench::new().await;
    let markup = |markup: Value| with(text("x"), "reply_markup", markup);
    let button = |button: Value| markup(json!({ "inline_keyboard": [[button]] }));
    let data = |data: &str| button(json!({ "text": "A", "callback_data": data }));
    let row: Vec<Value> = vec![json!({ "text": "A", "callback_data": "a" }); 101];
    check(
        &bench,
        "sendMessage",
        vec![
            (data(&"x".repeat(64)), 200, ""),
            (data(&"x".repeat(65)), 400, "BUTTON_DATA_INVALID"),
            (data(&"ü".repeat(33)), 400, "BUTTON_DATA_INVALID"),
            (data(""), 400, "BUTTON_DATA_INVALID"),
            (
                button(json!({ "text": "A" })),
                400,
                "Text buttons are unallowed",
            ),
            (
                button(json!({ "text": " ", "callback_data": "a" })),
                400,
                "BUTTON_TEXT_EMPTY",
            ),
            (
                button(json!({ "callback_data": "a" })),
                400,
                "must be a String",
            ),
            (
                button(json!({ "text": "A", "url": "nowhere" })),
                400,
                "BUTTON_URL_INVALID",
            ),
            (
                button(json!({ "text": "A", "url": "https://example.org" })),
                200,
                "",
            ),
            (
                markup(json!({ "inline_keyboard": [{}] })),
                400,
                "Array of Arrays",
            ),
            (markup(json!({ "inline_keyboard": [] })), 200, ""),
            (
                markup(json!({ "inline_keyboard": [row] })),
                400,
                "REPLY_MARKUP_TOO_LONG",
            ),
            (markup(json!({ "remove_keyboard": true })), 200, ""),
            (
                markup(json!({ "inline_keybord": [] })),
                400,
                "can't parse reply markup",
            ),
            (markup(json!([1])), 400, "object expected"),
            (markup(json!("{")), 400, "can't parse reply_markup"),
        ],
    )
    .await;
}
