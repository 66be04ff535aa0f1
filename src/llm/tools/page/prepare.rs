//! A first look at HTML, without building anything: takes out what nobody reads, and keeps tags from
//! nesting without end. Parsers and converters get slow, and deep, with the depth of a page.

/// Deeper tags are left out; their text stays.
const MAX_DEPTH: usize = 256;

/// Elements of which nothing is for readers. Their content ends at the first end tag.
const DROPPED: [&str; 13] = [
    "script", "style", "template", "svg", "math", "iframe", "object", "noembed", "noframes",
    "canvas", "audio", "video", "select",
];

/// Elements that end by themselves, or have no content: they add no depth.
const FLAT: [&str; 34] = [
    "area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html",
    "img", "input", "li", "link", "meta", "optgroup", "option", "p", "param", "rb", "rp", "rt",
    "rtc", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];

/// A page that can be parsed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prepared {
    /// The HTML, less what was taken out.
    pub(super) html: String,
    /// The text of the title, entities as they stand.
    pub(super) title: String,
    /// Where relative links start from, if the page says so.
    pub(super) base: Option<String>,
}

/// Looks through a page once.
pub(super) fn prepare(html: &str) -> Prepared {
    let mut prepared = Prepared::default();
    let mut depth = 0_usize;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        prepared.html.push_str(&rest[..start]);
        rest = &rest[start..];
        let Some(tag) = Tag::read(rest) else {
            rest = match skipped(rest) {
                Some(after) => after,
                None => {
                    prepared.html.push_str("&lt;");
                    &rest[1..]
                }
            };
            continue;
        };
        let (whole, after) = rest.split_at(tag.length);
        rest = after;
        if !tag.closes && DROPPED.contains(&tag.name.as_str()) {
            rest = after_end(rest, &tag.name).1;
            continue;
        }
        if !tag.closes && matches!(tag.name.as_str(), "title" | "textarea") {
            let (content, after) = after_end(rest, &tag.name);
            rest = after;
            if tag.name == "title" && prepared.title.is_empty() {
                prepared.title = content.replace("&amp;", "&");
            }
            continue;
        }
        if tag.name == "base" && prepared.base.is_none() {
            prepared.base = value_of(whole, "href");
        }
        if FLAT.contains(&tag.name.as_str()) {
            if depth < MAX_DEPTH {
                prepared.html.push_str(whole);
            }
            continue;
        }
        if tag.closes {
            depth = depth.saturating_sub(1);
        }
        if depth < MAX_DEPTH {
            prepared.html.push_str(whole);
        }
        if !tag.closes {
            depth += 1;
        }
    }
    prepared.html.push_str(rest);
    prepared
}

/// A start or end tag.
struct Tag {
    name: String,
    closes: bool,
    /// In bytes, brackets included.
    length: usize,
}

impl Tag {
    /// The tag at the beginning of the text, if there is one.
    fn read(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('<')?;
        let (closes, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        if !inner.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return None;
        }
        let is_end = |letter: char| letter.is_ascii_whitespace() || letter == '/' || letter == '>';
        let name = &inner[..inner.find(is_end).unwrap_or(inner.len())];
        // A tag that never ends takes the rest of the page with it, as it does in browsers.
        let length = tag_end(text.as_bytes()).unwrap_or(text.len());
        Some(Self {
            name: name.to_ascii_lowercase(),
            closes,
            length,
        })
    }
}

/// Just behind the bracket that ends a tag: one in a quoted value does not.
fn tag_end(text: &[u8]) -> Option<usize> {
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in text.iter().copied().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (None, b'>') => return Some(at + 1),
            (None, _) => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    None
}

/// What follows a comment, a declaration or an instruction; nothing if it is plain text.
fn skipped(text: &str) -> Option<&str> {
    if let Some(comment) = text.strip_prefix("<!--") {
        // `<!-->` is a whole comment.
        if let Some(after) = comment.strip_prefix('>') {
            return Some(after);
        }
        return Some(comment.find("-->").map_or("", |end| &comment[end + 3..]));
    }
    if text.starts_with("<!") || text.starts_with("<?") || text.starts_with("</") {
        return Some(text.find('>').map_or("", |end| &text[end + 1..]));
    }
    None
}

/// The content of an element whose start tag was read, and what follows its end tag.
fn after_end<'a>(text: &'a str, name: &str) -> (&'a str, &'a str) {
    let mut from = 0;
    while let Some(found) = text[from..].find("</") {
        let at = from + found;
        from = at + 2;
        let named = text.as_bytes()[from..].get(..name.len());
        let is_it = named.is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()));
        // Its end is looked for only once: looking for the end of each would take for ever.
        if is_it && let Some(tag) = Tag::read(&text[at..]).filter(|tag| tag.name == name) {
            return (&text[..at], &text[at + tag.length..]);
        }
    }
    (text, "")
}

/// The value of an attribute in a tag, for tags that are simple.
fn value_of(tag: &str, name: &str) -> Option<String> {
    let at = tag.to_ascii_lowercase().find(&format!("{name}="))?;
    let value = &tag[at + name.len() + 1..];
    let end = |letter: char| letter.is_ascii_whitespace() || letter == '>';
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split(end).next()?,
    };
    Some(value.replace("&amp;", "&"))
}
