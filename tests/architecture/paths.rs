//! Finds every path that a file names, and says which module or crate each one leads to.

use std::collections::HashMap;

use crate::lexer::{Kind, Token, tokens};

/// A path with its first segment resolved: `crate`, or the name of another crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
    pub reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The thing itself, and what is written behind it.
    Item,
    /// `use path::*`, or another name for the path: whatever lies below can be named without it.
    Everything,
}

/// Every path named by `source`, which is the module `module` (segments below the crate's root).
pub fn named_paths(source: &str, module: &[String]) -> Vec<Named> {
    let tokens = tokens(source);
    let mut finder = Finder {
        tokens: &tokens,
        at: 0,
        depth: 0,
        module: module.to_vec(),
        inline: Vec::new(),
        raw: Vec::new(),
        names: HashMap::new(),
    };
    finder.run();
    finder.resolve()
}

struct Finder<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// The module at this point of the file, with the inline ones it is nested in.
    module: Vec<String>,
    /// At which depth of braces each inline module was opened.
    inline: Vec<usize>,
    raw: Vec<Named>,
    /// What the `use` lines of this file call things.
    names: HashMap<String, Vec<String>>,
}

impl Finder<'_> {
    fn run(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::Word(word) if word == "use" => {
                    self.at += 1;
                    self.use_tree(&[]);
                }
                Kind::Word(word) if word == "mod" && self.opens_module() => self.enter_module(),
                Kind::Word(word) if word == "extern" && self.is_next_word("crate") => {
                    self.at += 2;
                    self.use_tree(&[]);
                }
                Kind::Word(_) | Kind::PathSeparator => self.inline_path(),
                Kind::Text(text) => {
                    self.path_in_text(text, token.line);
                    self.at += 1;
                }
                Kind::Sign(sign) => {
                    self.brace(*sign);
                    self.at += 1;
                }
            }
        }
    }

    fn brace(&mut self, sign: char) {
        match sign {
            '{' => self.depth += 1,
            '}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.inline.last() == Some(&self.depth) {
                    self.inline.pop();
                    self.module.pop();
                }
            }
            _ => {}
        }
    }

    fn is_next_word(&self, word: &str) -> bool {
        self.tokens
            .get(self.at + 1)
            .is_some_and(|token| token.is_word(word))
    }

    fn opens_module(&self) -> bool {
        self.tokens
            .get(self.at + 1)
            .is_some_and(|token| token.word().is_some())
            && self
                .tokens
                .get(self.at + 2)
                .is_some_and(|token| token.is_sign('{'))
    }

    fn enter_module(&mut self) {
        let name = self.tokens[self.at + 1]
            .word()
            .unwrap_or_default()
            .to_owned();
        self.module.push(name);
        self.inline.push(self.depth);
        self.depth += 1;
        self.at += 3;
    }

    /// One branch of a `use` tree; `prefix` is what stands before it.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        while let Some(token) = self.tokens.get(self.at) {
            let line = token.line;
            match &token.kind {
                Kind::Word(word) if word == "as" => {
                    let name = self
                        .tokens
                        .get(self.at + 1)
                        .and_then(Token::word)
                        .unwrap_or("_");
                    self.at += 2;
                    return self.import(path, name.to_owned(), line);
                }
                Kind::Word(word) => path.push(word.clone()),
                Kind::PathSeparator | Kind::Sign('$') => {}
                Kind::Sign('*') => {
                    self.at += 1;
                    let path = self.absolute(path);
                    return self.raw.push(Named {
                        segments: path,
                        line,
                        reach: Reach::Everything,
                    });
                }
                Kind::Sign('{') => return self.use_branches(&path),
                _ => break,
            }
            self.at += 1;
        }
        if path.len() > prefix.len() {
            let line = self
                .tokens
                .get(self.at.saturating_sub(1))
                .map_or(0, |token| token.line);
            let name = path.iter().rev().find(|segment| *segment != "self");
            let name = name.cloned().unwrap_or_default();
            self.import(path, name, line);
        }
    }

    fn use_branches(&mut self, prefix: &[String]) {
        self.at += 1;
        while let Some(token) = self.tokens.get(self.at) {
            if token.is_sign('}') {
                self.at += 1;
                return;
            }
            if token.is_sign(',') {
                self.at += 1;
                continue;
            }
            let before = self.at;
            self.use_tree(prefix);
            if self.at == before {
                self.at += 1;
            }
        }
    }

    fn import(&mut self, path: Vec<String>, name: String, line: usize) {
        let segments = self.absolute(path);
        self.names.insert(name, segments.clone());
        self.raw.push(Named {
            segments,
            line,
            reach: Reach::Item,
        });
    }

    /// `a::b::c` outside a `use`; a single word is no path.
    fn inline_path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut path = Vec::new();
        if self.tokens[self.at].kind == Kind::PathSeparator {
            self.at += 1;
        }
        while let Some(word) = self.tokens.get(self.at).and_then(Token::word) {
            path.push(word.to_owned());
            self.at += 1;
            let goes_on = self
                .tokens
                .get(self.at)
                .is_some_and(|t| t.kind == Kind::PathSeparator)
                && self
                    .tokens
                    .get(self.at + 1)
                    .is_some_and(|token| token.word().is_some());
            if !goes_on {
                break;
            }
            self.at += 1;
        }
        if path.len() > 1 {
            let segments = self.absolute(path);
            self.raw.push(Named {
                segments,
                line,
                reach: Reach::Item,
            });
        }
    }

    /// Attributes name functions in strings: `#[serde(with = "crate::…")]`.
    fn path_in_text(&mut self, text: &str, line: usize) {
        let segments: Vec<String> = text.split("::").map(str::to_owned).collect();
        let is_path = segments.len() > 1
            && segments.iter().all(|segment| {
                !segment.is_empty() && segment.chars().all(|c| c == '_' || c.is_alphanumeric())
            });
        if is_path {
            let segments = self.absolute(segments);
            self.raw.push(Named {
                segments,
                line,
                reach: Reach::Item,
            });
        }
    }

    /// Takes `self`, `super` and the crate's own name away.
    fn absolute(&self, path: Vec<String>) -> Vec<String> {
        let mut rest = path.as_slice();
        let mut base: Vec<String> = vec!["crate".to_owned()];
        match rest.first().map(String::as_str) {
            Some("crate" | "minibot") => rest = &rest[1..],
            Some("self" | "super") => {
                base.extend(self.module.iter().cloned());
                while let Some(word @ ("self" | "super")) = rest.first().map(String::as_str) {
                    if word == "super" && base.len() > 1 {
                        base.pop();
                    }
                    rest = &rest[1..];
                }
            }
            _ => base.clear(),
        }
        base.extend(rest.iter().filter(|segment| *segment != "self").cloned());
        base
    }

    /// Follows the names that this file's `use` lines made, also when they stand further down.
    fn resolve(self) -> Vec<Named> {
        let names = self.names;
        let mut paths = self.raw;
        for path in &mut paths {
            // Each name is followed once: `use a::b as a` must not run in circles.
            let mut followed = Vec::new();
            while let Some(first) = path.segments.first().cloned() {
                let Some(target) = names.get(&first).filter(|_| !followed.contains(&first)) else {
                    break;
                };
                path.segments.splice(..1, target.iter().cloned());
                followed.push(first);
            }
        }
        paths
    }
}
