//! The rules themselves: which layer may name what, and what a source file must look like.

use crate::lexer::{Kind, Token, tokens};
use crate::paths::{Named, Reach, named_paths};

const MOST_LINES: usize = 500;

/// Each layer, with the other layers that it may name.
const LAYERS: [(&str, &[&str]); 6] = [
    ("core", &[]),
    ("app", &["core"]),
    ("llm", &["core"]),
    ("adapters", &["core"]),
    ("wiring", &["core", "app", "llm", "adapters"]),
    ("cli", &["core", "app", "llm", "adapters", "wiring"]),
];

/// What the files at the root of the crate may name.
const ROOT_FILES: [(&str, &[&str]); 2] = [
    ("src/lib.rs", &[]),
    ("src/main.rs", &["core", "wiring", "cli"]),
];

/// `core` decides and does nothing: no input, no output, no runtime, no chance.
const NOT_IN_CORE: [&str; 25] = [
    "async_openai",
    "axum",
    "figment",
    "hyper",
    "rand",
    "reqwest",
    "rustls",
    "rustyline",
    "sea_query",
    "sea_query_sqlx",
    "sqlx",
    "std::env",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os::unix::fs",
    "std::os::unix::net",
    "std::process",
    "std::thread",
    "teloxide",
    "teloxide_core",
    "tokio",
    "tower",
];

/// One file to judge; `path` is relative to the repository, with `/` between its parts.
#[derive(Debug)]
pub struct SourceFile<'a> {
    path: &'a str,
    text: &'a str,
    /// The module that the file is, below the crate's root.
    module: Vec<String>,
}

impl<'a> SourceFile<'a> {
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let below = path
            .strip_prefix("src/")
            .unwrap_or_default()
            .trim_end_matches(".rs");
        let mut module: Vec<String> = below.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod") || is_root_file(path) {
            module.pop();
        }
        // Tests in a file of their own, `x_tests.rs`, are the module `tests` of `x`.
        if let Some(tested) = module.last().and_then(|last| last.strip_suffix("_tests")) {
            let tested = tested.to_owned();
            module.pop();
            module.extend([tested, "tests".to_owned()]);
        }
        Self { path, text, module }
    }

    /// One line for each broken rule: `path:line: what is wrong`.
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        let lines = self.text.lines().count();
        if lines > MOST_LINES {
            found.push(format!(
                "{}:{lines}: longer than {MOST_LINES} lines",
                self.path
            ));
        }
        if !self.text.starts_with("//! ") {
            found.push(format!(
                "{}:1: does not open with a `//! ` sentence",
                self.path
            ));
        }
        if self.path.starts_with("src/") {
            self.hidden_source(&mut found);
            self.imports(&mut found);
        }
        found
    }

    /// Source that the compiler sees in another place than it stands in would escape every other rule.
    fn hidden_source(&self, found: &mut Vec<String>) {
        let tokens = tokens(self.text);
        for (at, token) in tokens.iter().enumerate() {
            let follows = |offset: usize, sign: char| {
                tokens
                    .get(at + offset)
                    .is_some_and(|token: &Token| token.is_sign(sign))
            };
            // A bare file name stays in its folder, and so in its layer: `x_tests.rs` beside `x.rs`.
            let leads_away = tokens.get(at + 2).is_some_and(|token| {
                matches!(&token.kind, Kind::Text(text) if text.ends_with(".rs") && text.contains('/'))
            });
            if token.is_word("include") && follows(1, '!') {
                found.push(format!(
                    "{}:{}: `include!` hides source",
                    self.path, token.line
                ));
            }
            if token.is_word("path") && follows(1, '=') && leads_away {
                found.push(format!(
                    "{}:{}: `#[path]` hides a module",
                    self.path, token.line
                ));
            }
        }
    }

    fn imports(&self, found: &mut Vec<String>) {
        let Some(allowed) = self.allowed() else {
            found.push(format!("{}:1: stands in no layer", self.path));
            return;
        };
        for named in named_paths(self.text, &self.module) {
            let wrong = match named.segments.first().map(String::as_str) {
                Some("crate") => self.wrong_layer(&named, allowed),
                Some(_) if self.layer() == Some("core") => outside_world(&named),
                _ => None,
            };
            if let Some(wrong) = wrong {
                let path = named.segments.join("::");
                found.push(format!("{}:{}: `{path}`: {wrong}", self.path, named.line));
            }
        }
    }

    fn layer(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// The layers that this file may name besides its own; `None` if it stands in none.
    fn allowed(&self) -> Option<&'static [&'static str]> {
        let of = |table: &[(&str, &'static [&'static str])], name: &str| {
            table
                .iter()
                .find(|(entry, _)| *entry == name)
                .map(|(_, allowed)| *allowed)
        };
        match self.layer() {
            Some(layer) => of(&LAYERS, layer),
            None => of(&ROOT_FILES, self.path),
        }
    }

    fn wrong_layer(&self, named: &Named, allowed: &[&str]) -> Option<String> {
        let Some(layer) = named.segments.get(1) else {
            return Some("takes the whole crate, so that nobody sees what of it".to_owned());
        };
        if !LAYERS.iter().any(|(known, _)| known == layer) {
            return Some("nothing but the layers lives at the root of the crate".to_owned());
        }
        match self.layer() {
            Some(own) if own == layer => self.wrong_adapter(named),
            _ if allowed.contains(&layer.as_str()) => None,
            Some(own) => Some(format!("`{own}` must not name `{layer}`")),
            None => Some(format!("the root of the crate must not name `{layer}`")),
        }
    }

    /// An adapter is one outside thing, deletable whole: it names no other.
    fn wrong_adapter(&self, named: &Named) -> Option<String> {
        let own = self
            .module
            .get(1)
            .filter(|_| self.layer() == Some("adapters"))?;
        match named.segments.get(2) {
            Some(other) if other == own => None,
            Some(other) => Some(format!("the adapter `{own}` must not name `{other}`")),
            None => Some(format!("the adapter `{own}` must not take all adapters")),
        }
    }
}

fn is_root_file(path: &str) -> bool {
    ROOT_FILES.iter().any(|(root, _)| *root == path)
}

/// Why `core` must not name this path of another crate.
fn outside_world(named: &Named) -> Option<String> {
    NOT_IN_CORE.iter().find_map(|entry| {
        let entry: Vec<&str> = entry.split("::").collect();
        let common = entry
            .iter()
            .zip(&named.segments)
            .take_while(|(a, b)| a == b)
            .count();
        let inside = common == entry.len();
        let around = named.reach == Reach::Everything && common == named.segments.len();
        (inside || around).then(|| format!("`core` must not name `{}`", entry.join("::")))
    })
}
