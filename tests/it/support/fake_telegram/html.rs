//! The Bot API's HTML dialect: its tags only, properly nested, turned into text and entities.

use serde_json::{Value, json};

use super::entities::is_link;
use super::refusal::Refusal;

const TAGS: [&str; 17] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "span",
    "pre",
    "code",
    "blockquote",
    "tg-time",
];

/// Parses `source` to the visible text and its entities, or refuses it as the server does.
pub fn parse(source: &str) -> Result<(String, Vec<Value>), Refusal> {
    let mut parser = Parser::default();
    let mut position = 0;
    while let Some(character) = source[position..].chars().next() {
        match character {
            '<' => position = parser.tag(source, position)?,
            '&' => {
                let (decoded, length) = character_reference(&source[position..]);
                parser.put(decoded);
                position += length;
            }
            other => {
                parser.put(other);
                position += other.len_utf8();
            }
        }
    }
    parser.finish()
}

#[derive(Debug)]
struct OpenTag {
    name: String,
    attributes: Vec<(String, String)>,
    offset: usize,
    text_start: usize,
}

impl OpenTag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn language(&self) -> Option<&str> {
        self.attribute("class")?.strip_prefix("language-")
    }
}

#[derive(Debug, Default)]
struct Parser {
    text: String,
    offset: usize,
    open: Vec<OpenTag>,
    entities: Vec<Value>,
}

impl Parser {
    fn put(&mut self, character: char) {
        self.offset += character.len_utf16();
        self.text.push(character);
    }

    /// Reads the tag that begins at `begin`; answers where the text goes on.
    fn tag(&mut self, source: &str, begin: usize) -> Result<usize, Refusal> {
        let closing = source[begin + 1..].starts_with('/');
        let kind = if closing { "end" } else { "start" };
        let length = tag_length(&source[begin..]).ok_or_else(|| {
            Refusal::entities(format!("Unclosed {kind} tag at byte offset {begin}"))
        })?;
        let inside = &source[begin + 1 + usize::from(closing)..begin + length - 1];
        if closing {
            self.close(inside.trim().to_ascii_lowercase(), begin)?;
        } else {
            self.start(inside, begin)?;
        }
        Ok(begin + length)
    }

    fn start(&mut self, inside: &str, begin: usize) -> Result<(), Refusal> {
        let (name, rest) = inside
            .split_once(|c: char| c.is_whitespace())
            .unwrap_or((inside, ""));
        let name = name.to_ascii_lowercase();
        if !TAGS.contains(&name.as_str()) {
            return Err(Refusal::entities(format!(
                "Unsupported start tag \"{name}\" at byte offset {begin}"
            )));
        }
        let attributes = attributes(rest).map_err(|reason| {
            Refusal::entities(format!(
                "{reason} in the tag \"{name}\" at byte offset {begin}"
            ))
        })?;
        let tag = OpenTag {
            name,
            attributes,
            offset: self.offset,
            text_start: self.text.len(),
        };
        if tag.name == "span" && tag.attribute("class") != Some("tg-spoiler") {
            return Err(Refusal::entities(format!(
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"
            )));
        }
        self.open.push(tag);
        Ok(())
    }

    fn close(&mut self, name: String, begin: usize) -> Result<(), Refusal> {
        let Some(tag) = self.open.pop() else {
            return Err(Refusal::entities(format!(
                "Unexpected end tag at byte offset {begin}"
            )));
        };
        if !name.is_empty() && name != tag.name {
            return Err(Refusal::entities(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{}>\", found \"</{name}>\"",
                tag.name
            )));
        }
        if self.offset > tag.offset {
            self.add_entity(&tag)?;
        }
        Ok(())
    }

    fn add_entity(&mut self, tag: &OpenTag) -> Result<(), Refusal> {
        let length = self.offset - tag.offset;
        let mut entity = json!({ "type": "", "offset": tag.offset, "length": length });
        let kind = match tag.name.as_str() {
            "b" | "strong" => "bold",
            "i" | "em" => "italic",
            "u" | "ins" => "underline",
            "s" | "strike" | "del" => "strikethrough",
            "span" | "tg-spoiler" => "spoiler",
            "blockquote" if tag.attribute("expandable").is_some() => "expandable_blockquote",
            "blockquote" => "blockquote",
            "code" => return self.add_code(tag, entity),
            "pre" => return self.add_pre(entity),
            "a" => return self.add_link(tag, entity),
            "tg-emoji" => {
                let id = tag
                    .attribute("emoji-id")
                    .filter(|id| id.parse::<u64>().is_ok());
                let id = id.ok_or_else(|| {
                    Refusal::entities("Invalid custom emoji identifier specified")
                })?;
                entity["custom_emoji_id"] = id.into();
                "custom_emoji"
            }
            _ => return Ok(()),
        };
        entity["type"] = kind.into();
        self.entities.push(entity);
        Ok(())
    }

    /// A `code` that stands alone has no language; inside `pre` it gives the block its own.
    fn add_code(&mut self, tag: &OpenTag, mut entity: Value) -> Result<(), Refusal> {
        entity["type"] = "code".into();
        if let Some(language) = tag.language().filter(|_| self.encloses("pre", tag.offset)) {
            entity["language"] = language.into();
        }
        self.entities.push(entity);
        Ok(())
    }

    fn encloses(&self, name: &str, offset: usize) -> bool {
        self.open
            .last()
            .is_some_and(|tag| tag.name == name && tag.offset == offset)
    }

    fn add_pre(&mut self, mut entity: Value) -> Result<(), Refusal> {
        entity["type"] = "pre".into();
        let inner = self.entities.last().filter(|inner| {
            inner["type"] == "code"
                && inner["offset"] == entity["offset"]
                && inner["length"] == entity["length"]
                && inner.get("language").is_some()
        });
        if let Some(language) = inner.map(|inner| inner["language"].clone()) {
            entity["language"] = language;
            self.entities.pop();
        }
        self.entities.push(entity);
        Ok(())
    }

    /// An address that is no link leaves plain text, as on the real server.
    fn add_link(&mut self, tag: &OpenTag, mut entity: Value) -> Result<(), Refusal> {
        let address = tag.attribute("href").unwrap_or_default();
        let address = if address.is_empty() {
            &self.text[tag.text_start..]
        } else {
            address
        };
        if is_link(address) {
            entity["type"] = "text_link".into();
            entity["url"] = address.into();
            self.entities.push(entity);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(String, Vec<Value>), Refusal> {
        if let Some(tag) = self.open.pop() {
            return Err(Refusal::entities(format!(
                "Can't find end tag corresponding to start tag \"{}\"",
                tag.name
            )));
        }
        for entity in &mut self.entities {
            if entity["type"] == "code"
                && let Some(fields) = entity.as_object_mut()
            {
                fields.remove("language");
            }
        }
        Ok((self.text, self.entities))
    }
}

/// The length of the tag that `source` begins with, quotes respected.
fn tag_length(source: &str) -> Option<usize> {
    let mut quote = None;
    for (index, character) in source.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(index + 1),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn attributes(source: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut attributes = Vec::new();
    let mut rest = source.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c.is_whitespace() || "=/\"'".contains(c))
            .unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        if name.is_empty() {
            return Err("Empty attribute name");
        }
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = attribute_value(after.trim_start())?;
        }
        attributes.push((name, value));
        rest = rest.trim_start();
    }
    Ok(attributes)
}

fn attribute_value(source: &str) -> Result<(String, &str), &'static str> {
    if let Some(quote) = source.chars().next().filter(|c| "\"'".contains(*c)) {
        let (value, rest) = source[1..]
            .split_once(quote)
            .ok_or("Unclosed attribute value")?;
        return Ok((decode(value), rest));
    }
    let end = source
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'))
        .unwrap_or(source.len());
    let (token, rest) = source.split_at(end);
    if rest.chars().next().is_some_and(|c| !c.is_whitespace()) {
        return Err("Unexpected end of name token");
    }
    Ok((token.to_ascii_lowercase(), rest))
}

fn decode(source: &str) -> String {
    let mut decoded = String::new();
    let mut rest = source;
    while let Some(character) = rest.chars().next() {
        let (character, length) = match character {
            '&' => character_reference(rest),
            other => (other, other.len_utf8()),
        };
        decoded.push(character);
        rest = &rest[length..];
    }
    decoded
}

/// Decodes the reference at the start of `source`; anything else than the four names and numbers
/// stays a literal `&`.
fn character_reference(source: &str) -> (char, usize) {
    for (name, character) in [("&lt", '<'), ("&gt", '>'), ("&amp", '&'), ("&quot", '"')] {
        if let Some(rest) = source.strip_prefix(name) {
            return (character, name.len() + usize::from(rest.starts_with(';')));
        }
    }
    numeric_reference(source).unwrap_or(('&', 1))
}

fn numeric_reference(source: &str) -> Option<(char, usize)> {
    let digits = source.strip_prefix("&#")?;
    let (radix, digits) = match digits.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => (16, hexadecimal),
        None => (10, digits),
    };
    let end = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    let code = u32::from_str_radix(&digits[..end], radix)
        .ok()
        .filter(|code| *code != 0)?;
    let character = char::from_u32(code)?;
    let semicolon = usize::from(digits[end..].starts_with(';'));
    Some((character, source.len() - digits.len() + end + semicolon))
}
