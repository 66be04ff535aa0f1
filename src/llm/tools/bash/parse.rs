//! Reads a command line with a shell's parser, and tells it in the words of `core`.

use brush_parser::ast;
use brush_parser::word::{self, WordPiece, WordPieceWithSource};
use brush_parser::{Parser, ParserOptions};

use super::bounds;
use super::literal::literal;
use crate::core::command::{
    Command, CommandLine, Compound, Joiner, Part, Reading, Redirect, Script, Simple, Word,
    nested_scripts, piped_scripts,
};

/// Deep enough for whatever passes the bounds.
const STACK: usize = 32 * 1024 * 1024;

/// Scripts within scripts that are looked into, and how deep. What lies behind is never allowed anyway.
const MOST_NESTED: usize = 48;
const DEEPEST: usize = 6;

const NOT_UNDERSTOOD: &str = "it is not understood";

/// Reads a command line. It never fails: what is not understood says so.
pub fn read(line: &str) -> CommandLine {
    if let Some(why) = bounds::refuse(line) {
        return CommandLine::unclear(line, why);
    }
    let source = line.to_owned();
    // A stack of its own: the parser descends with the input, and whatever breaks there ends there.
    let thread = std::thread::Builder::new()
        .name("shell parser".to_owned())
        .stack_size(STACK);
    let read = thread.spawn(move || Reader::default().script(&source));
    let script = read.ok().and_then(|reader| reader.join().ok()).flatten();
    match script {
        Some(script) => CommandLine {
            source: line.to_owned(),
            reading: Reading::Understood(script),
        },
        None => CommandLine::unclear(line, NOT_UNDERSTOOD),
    }
}

fn options() -> ParserOptions {
    ParserOptions {
        enable_extended_globbing: false,
        tilde_expansion_at_word_start: false,
        ..ParserOptions::default()
    }
}

/// Maps the parser's tree, and counts what it has looked into.
#[derive(Debug, Default)]
struct Reader {
    nested: usize,
    depth: usize,
}

impl Reader {
    fn script(&mut self, text: &str) -> Option<Script> {
        let mut parser = Parser::new(text.as_bytes(), &options());
        let program = parser.parse_program().ok()?;
        let lists = program.complete_commands.iter();
        Some(Script(lists.flat_map(|list| self.list(list)).collect()))
    }

    /// A script that stands within the one being read.
    fn nested(&mut self, text: &str) -> Option<Script> {
        self.nested += 1;
        if self.nested > MOST_NESTED || self.depth >= DEEPEST || bounds::refuse(text).is_some() {
            return None;
        }
        self.depth += 1;
        let script = self.script(text);
        self.depth -= 1;
        script
    }

    fn list(&mut self, list: &ast::CompoundList) -> Vec<Part> {
        let mut parts = Vec::new();
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            parts.push(Part {
                command: self.pipeline(&and_or.first),
                then: Joiner::Next,
            });
            for next in &and_or.additional {
                let (joiner, pipeline) = match next {
                    ast::AndOr::And(pipeline) => (Joiner::IfDone, pipeline),
                    ast::AndOr::Or(pipeline) => (Joiner::IfFailed, pipeline),
                };
                if let Some(last) = parts.last_mut() {
                    last.then = joiner;
                }
                parts.push(Part {
                    command: self.pipeline(pipeline),
                    then: Joiner::Next,
                });
            }
            if let (ast::SeparatorOperator::Async, Some(last)) = (separator, parts.last_mut()) {
                last.then = Joiner::Background;
            }
        }
        parts
    }

    fn whole(&mut self, list: &ast::CompoundList) -> Script {
        Script(self.list(list))
    }

    fn pipeline(&mut self, pipeline: &ast::Pipeline) -> Command {
        let mut stages: Vec<Command> = pipeline
            .seq
            .iter()
            .map(|command| self.command(command))
            .collect();
        for script in piped_scripts(&stages) {
            let read = self.nested(&script);
            if let (Some(Command::Simple(last)), Some(script)) = (stages.last_mut(), read) {
                last.scripts.push(script);
            }
        }
        let plain = pipeline.timed.is_none() && !pipeline.bang;
        let command = match stages.pop() {
            Some(only) if stages.is_empty() => only,
            Some(last) => {
                stages.push(last);
                Command::Pipeline(stages)
            }
            None => compound("an empty command", Vec::new()),
        };
        if plain {
            return command;
        }
        let part = Part {
            command,
            then: Joiner::Next,
        };
        compound("a negation or a measurement", vec![Script(vec![part])])
    }

    fn command(&mut self, command: &ast::Command) -> Command {
        match command {
            ast::Command::Simple(simple) => Command::Simple(self.simple(simple)),
            ast::Command::Compound(inner, redirects) => {
                let mut command = self.compound(inner);
                command.redirects = self.redirects(redirects.as_ref());
                Command::Compound(command)
            }
            ast::Command::Function(function) => {
                let ast::FunctionBody(body, redirects) = &function.body;
                let mut command = self.compound(body);
                command.kind = "a function";
                command.defines = Some(function.fname.value.clone());
                command.redirects = self.redirects(redirects.as_ref());
                Command::Compound(command)
            }
            ast::Command::ExtendedTest(..) => compound("a test", Vec::new()),
        }
    }

    fn compound(&mut self, command: &ast::CompoundCommand) -> Compound {
        use ast::CompoundCommand as Kind;
        let (kind, body) = match command {
            // What the parser takes for arithmetic may as well be two groups.
            Kind::Arithmetic(inner) => {
                let script = self.nested(&inner.expr.value);
                ("arithmetic", script.into_iter().collect())
            }
            Kind::ArithmeticForClause(clause) => ("a loop", vec![self.whole(&clause.body.list)]),
            Kind::BraceGroup(group) => ("a group of commands", vec![self.whole(&group.list)]),
            Kind::Subshell(group) => ("a group of commands", vec![self.whole(&group.list)]),
            Kind::ForClause(clause) => {
                let mut body = self.commands_in(clause.values.iter().flatten());
                body.push(self.whole(&clause.body.list));
                ("a loop", body)
            }
            Kind::CaseClause(clause) => {
                let mut body = self.commands_in([&clause.value]);
                let lists = clause.cases.iter().filter_map(|case| case.cmd.as_ref());
                body.extend(lists.map(|list| self.whole(list)));
                ("a choice", body)
            }
            Kind::IfClause(clause) => {
                let mut lists = vec![&clause.condition, &clause.then];
                for branch in clause.elses.iter().flatten() {
                    lists.extend(branch.condition.as_ref());
                    lists.push(&branch.body);
                }
                (
                    "a condition",
                    lists.into_iter().map(|list| self.whole(list)).collect(),
                )
            }
            Kind::WhileClause(clause) | Kind::UntilClause(clause) => (
                "a loop",
                vec![self.whole(&clause.0), self.whole(&clause.1.list)],
            ),
            Kind::Coprocess(clause) => {
                let command = self.command(&clause.body);
                let then = Joiner::Background;
                ("a coprocess", vec![Script(vec![Part { command, then }])])
            }
        };
        Compound {
            kind,
            defines: None,
            body,
            redirects: Vec::new(),
        }
    }

    fn commands_in<'a>(&mut self, words: impl IntoIterator<Item = &'a ast::Word>) -> Vec<Script> {
        let words = words.into_iter();
        words
            .flat_map(|word| self.word(&word.value).commands)
            .collect()
    }

    fn simple(&mut self, command: &ast::SimpleCommand) -> Simple {
        let mut simple = Simple::default();
        let prefix = command.prefix.iter().flat_map(|prefix| &prefix.0);
        for item in prefix {
            match item {
                ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                    simple.assignments.push(self.word(&word.value));
                }
                other => self.item(other, &mut simple),
            }
        }
        if let Some(name) = &command.word_or_name {
            simple.words.push(self.word(&name.value));
        }
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(item, &mut simple);
        }
        for script in nested_scripts(&simple.words, &simple.redirects) {
            let read = self.nested(&script);
            simple.scripts.extend(read);
        }
        simple
    }

    fn item(&mut self, item: &ast::CommandPrefixOrSuffixItem, simple: &mut Simple) {
        match item {
            ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                let redirect = self.redirect(redirect);
                simple.redirects.push(redirect);
            }
            ast::CommandPrefixOrSuffixItem::Word(word)
            | ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                simple.words.push(self.word(&word.value));
            }
            ast::CommandPrefixOrSuffixItem::ProcessSubstitution(kind, inner) => {
                simple.words.push(self.substituted(kind, inner));
            }
        }
    }

    fn substituted(
        &mut self,
        kind: &ast::ProcessSubstitutionKind,
        inner: &ast::SubshellCommand,
    ) -> Word {
        let mut word = Word::open(format!("{kind}(…)"));
        word.commands.push(self.whole(&inner.list));
        word
    }

    fn redirects(&mut self, list: Option<&ast::RedirectList>) -> Vec<Redirect> {
        let list = list.map(|list| list.0.as_slice()).unwrap_or_default();
        list.iter()
            .map(|redirect| self.redirect(redirect))
            .collect()
    }

    fn redirect(&mut self, redirect: &ast::IoRedirect) -> Redirect {
        let (descriptor, operator, target) = match redirect {
            ast::IoRedirect::File(descriptor, kind, target) => {
                let target = match target {
                    ast::IoFileRedirectTarget::Filename(word)
                    | ast::IoFileRedirectTarget::Duplicate(word) => self.word(&word.value),
                    ast::IoFileRedirectTarget::Fd(number) => Word::literal(number.to_string()),
                    ast::IoFileRedirectTarget::ProcessSubstitution(kind, inner) => {
                        self.substituted(kind, inner)
                    }
                };
                (*descriptor, operator(kind), target)
            }
            ast::IoRedirect::OutputAndError(word, append) => {
                let operator = if *append { "&>>" } else { "&>" };
                (None, operator, self.word(&word.value))
            }
            ast::IoRedirect::HereString(descriptor, word) => {
                (*descriptor, "<<<", self.word(&word.value))
            }
            ast::IoRedirect::HereDocument(descriptor, document) => {
                let mut text = Word::open(document.doc.value.as_str());
                if document.requires_expansion
                    && let Ok(pieces) = word::parse_heredoc(&document.doc.value, &options())
                {
                    self.commands_of(&pieces, &mut text.commands);
                }
                (*descriptor, "<<", text)
            }
        };
        Redirect {
            descriptor,
            operator,
            target,
        }
    }

    fn word(&mut self, raw: &str) -> Word {
        if let Some(text) = literal(raw) {
            return Word::literal(text);
        }
        let mut word = Word::open("");
        match word::parse(raw, &options()) {
            Ok(pieces) => {
                self.commands_of(&pieces, &mut word.commands);
                spell(&pieces, raw, &mut word.text);
            }
            Err(_) => raw.clone_into(&mut word.text),
        }
        word
    }

    fn commands_of(&mut self, pieces: &[WordPieceWithSource], found: &mut Vec<Script>) {
        for piece in pieces {
            match &piece.piece {
                WordPiece::CommandSubstitution(text)
                | WordPiece::BackquotedCommandSubstitution(text) => found.extend(self.nested(text)),
                WordPiece::DoubleQuotedSequence(inner)
                | WordPiece::GettextDoubleQuotedSequence(inner) => self.commands_of(inner, found),
                _ => {}
            }
        }
    }
}

/// The word without its quotes, and otherwise as it stands there.
fn spell(pieces: &[WordPieceWithSource], raw: &str, text: &mut String) {
    for piece in pieces {
        match &piece.piece {
            WordPiece::Text(plain)
            | WordPiece::SingleQuotedText(plain)
            | WordPiece::AnsiCQuotedText(plain) => text.push_str(plain),
            WordPiece::EscapeSequence(escaped) => {
                text.push_str(escaped.strip_prefix('\\').unwrap_or(escaped));
            }
            WordPiece::DoubleQuotedSequence(inner)
            | WordPiece::GettextDoubleQuotedSequence(inner) => spell(inner, raw, text),
            _ => text.push_str(
                raw.get(piece.start_index..piece.end_index)
                    .unwrap_or_default(),
            ),
        }
    }
}

fn compound(kind: &'static str, body: Vec<Script>) -> Command {
    Command::Compound(Compound {
        kind,
        defines: None,
        body,
        redirects: Vec::new(),
    })
}

fn operator(kind: &ast::IoFileRedirectKind) -> &'static str {
    match kind {
        ast::IoFileRedirectKind::Read => "<",
        ast::IoFileRedirectKind::Write => ">",
        ast::IoFileRedirectKind::Append => ">>",
        ast::IoFileRedirectKind::ReadAndWrite => "<>",
        ast::IoFileRedirectKind::Clobber => ">|",
        ast::IoFileRedirectKind::DuplicateInput => "<&",
        ast::IoFileRedirectKind::DuplicateOutput => ">&",
    }
}
