//! Sums in figures or words, rewritten for a calculator that knows `+ - * / % **`, parentheses and
//! decimals.

use super::numbers;
use super::token::{Token, rest, starts_any, word};

/// Deepest nesting of parentheses, signs and powers: what people write, with room, and no deep
/// recursion.
const DEEPEST: usize = 40;

/// A sum in calculator notation.
pub(super) struct Sum {
    pub(super) text: String,
    pub(super) operators: usize,
}

/// Splits into numbers, words and signs; `None` at a sign no sum has.
pub(super) fn split(text: &str) -> Option<Vec<Token>> {
    let letters: Vec<char> = text.trim().to_lowercase().chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let (part, used) = if letter.is_ascii_digit() || (letter == '.' && next.is_ascii_digit()) {
            figures(&letters[at..])?
        } else if letter.is_alphabetic() {
            letters_of_word(&letters[at..])
        } else if letter.is_whitespace() || matches!(letter, '$' | '€' | '£' | '’') {
            (String::new(), 1)
        } else {
            let double = letter == '*' && next == '*';
            (sign(letter, double)?, 1 + usize::from(double))
        };
        at += used;
        if !part.is_empty() {
            parts.push(Token {
                text: part,
                start: 0,
                end: 0,
                glued: false,
            });
        }
    }
    Some(parts)
}

/// "1,234.5" at the start, without its commas, and its length; `None` for "1.2.3".
fn figures(letters: &[char]) -> Option<(String, usize)> {
    let digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let mut used = 0;
    while digit(used)
        || (letters.get(used) == Some(&'.') && digit(used + 1))
        || thousands(letters, used)
    {
        used += 1;
    }
    let number: String = letters[..used].iter().filter(|c| **c != ',').collect();
    if number.matches('.').count() > 1 {
        return None;
    }
    let lead = if number.starts_with('.') { "0" } else { "" };
    Some((format!("{lead}{number}"), used))
}

fn letters_of_word(letters: &[char]) -> (String, usize) {
    let letter = |at: usize| letters.get(at).is_some_and(|c| c.is_alphabetic());
    let mut used = 0;
    while letter(used)
        || letters.get(used) == Some(&'\'')
        || (letters.get(used) == Some(&'-') && letter(used + 1))
    {
        used += 1;
    }
    (letters[..used].iter().collect(), used)
}

fn sign(letter: char, double: bool) -> Option<String> {
    let sign = match letter {
        '*' if double => "**",
        '^' => "**",
        '×' | '·' | '∙' | '*' => "*",
        '÷' | '/' => "/",
        '−' | '–' | '-' => "-",
        '²' => "squared",
        '³' => "cubed",
        '+' | '%' | '(' | ')' | '?' | '.' | '=' | ':' | ',' => return Some(letter.to_string()),
        _ => return None,
    };
    Some(sign.to_owned())
}

/// The comma of "1,234.5": three digits follow, and no fourth.
fn thousands(letters: &[char], at: usize) -> bool {
    let digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    letters.get(at) == Some(&',')
        && at > 0
        && !letters[..at].contains(&'.')
        && (1..=3).all(|ahead| digit(at + ahead))
        && !digit(at + 4)
}

/// Rewrites the whole of the parts; `None` when anything in them is no part of a sum.
pub(super) fn normalise(parts: &[Token]) -> Option<Sum> {
    let mut reader = Reader {
        parts,
        at: 0,
        operators: 0,
        depth: 0,
    };
    let term = reader.command().or_else(|| {
        (reader.at, reader.operators, reader.depth) = (0, 0, 0);
        reader.sum()
    })?;
    (reader.at == parts.len()).then_some(Sum {
        text: term.text,
        operators: reader.operators,
    })
}

/// A part of the result and how tightly it binds.
struct Term {
    text: String,
    binds: Binding,
    /// "20%" with nothing after it: of what, the sum around it tells.
    percent: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Sign,
    Power,
    Atom,
}

impl Term {
    fn new(text: String, binds: Binding) -> Self {
        Self {
            text,
            binds,
            percent: None,
        }
    }

    fn within(&self, binds: Binding) -> String {
        if self.binds < binds {
            format!("({})", self.text)
        } else {
            self.text.clone()
        }
    }
}

impl Term {
    /// For the right side of an operator: no second sign directly after it.
    fn unsigned(&self, binds: Binding) -> String {
        if self.text.starts_with('-') {
            return format!("({})", self.text);
        }
        self.within(binds)
    }
}

struct Reader<'a> {
    parts: &'a [Token],
    at: usize,
    operators: usize,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, phrases: &str) -> bool {
        let taken = starts_any(rest(self.parts, self.at), phrases).unwrap_or(0);
        self.at += taken;
        taken > 0
    }

    /// "add 5 and 7", "subtract 3 from 10", "the sum of 2 and 3".
    fn command(&mut self) -> Option<Term> {
        const COMMANDS: [(&str, &str, &str); 8] = [
            ("add|the sum of|sum of|sum", "and|to|plus", "+"),
            ("subtract|take", "from", "from"),
            ("multiply|the product of|product of", "by|and|with", "*"),
            ("divide", "by", "/"),
            (
                "the difference between|difference between|the difference of",
                "and",
                "-",
            ),
            ("double|twice", "", "2"),
            ("triple", "", "3"),
            ("the average of|average of", "and", "average"),
        ];
        for (opening, joint, operator) in COMMANDS {
            if !self.take(opening) {
                continue;
            }
            let first = self.sum()?;
            self.operators += 1;
            if joint.is_empty() {
                return Some(Term::new(
                    format!("{operator}*{}", first.within(Binding::Sign)),
                    Binding::Product,
                ));
            }
            if !self.take(joint) {
                return None;
            }
            let second = self.sum()?;
            let (left, right) = (first.within(Binding::Sign), second.within(Binding::Sign));
            return Some(match operator {
                "from" => Term::new(format!("{right}-{left}"), Binding::Sum),
                "average" => Term::new(format!("({left}+{right})/2"), Binding::Product),
                "*" | "/" => Term::new(format!("{left}{operator}{right}"), Binding::Product),
                _ => Term::new(format!("{left}{operator}{right}"), Binding::Sum),
            });
        }
        None
    }

    fn sum(&mut self) -> Option<Term> {
        let mut left = self.product()?;
        loop {
            let operator = if self.take("+|plus") {
                '+'
            } else if self.take("-|minus|less") {
                '-'
            } else {
                return Some(left);
            };
            self.operators += 1;
            let right = self.product()?;
            left = match &right.percent {
                Some(percent) => Term::new(
                    format!(
                        "{}*(100{operator}{percent})/100",
                        left.within(Binding::Product)
                    ),
                    Binding::Product,
                ),
                None => Term::new(
                    format!(
                        "{}{operator}{}",
                        left.text,
                        right.unsigned(Binding::Product)
                    ),
                    Binding::Sum,
                ),
            };
        }
    }

    fn product(&mut self) -> Option<Term> {
        let mut left = self.sign()?;
        loop {
            let operator = if self.take("*|x|times|multiplied by|multiplied with") {
                '*'
            } else if self.take("/|divided by|over") {
                '/'
            } else if self.take("%|mod|modulo|modulus") {
                '%'
            } else {
                return Some(left);
            };
            self.operators += 1;
            let right = self.sign()?;
            let text = format!(
                "{}{operator}{}",
                left.within(Binding::Product),
                right.unsigned(Binding::Sign)
            );
            left = Term::new(text, Binding::Product);
        }
    }

    fn sign(&mut self) -> Option<Term> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let term = if self.take("-|minus|negative") {
            let term = self.sign()?;
            Some(Term::new(
                format!("-{}", term.within(Binding::Power)),
                Binding::Sign,
            ))
        } else if self.take("+") {
            self.sign()
        } else {
            self.power()
        };
        self.depth -= 1;
        term
    }

    fn power(&mut self) -> Option<Term> {
        let mut base = self.atom()?;
        loop {
            let exponent = if self.take("squared") {
                "2"
            } else if self.take("cubed") {
                "3"
            } else {
                break;
            };
            self.operators += 1;
            base = Term::new(
                format!("{}**{exponent}", base.within(Binding::Atom)),
                Binding::Power,
            );
        }
        if self.take("**|to the power of|raised to the power of|raised to|to the power|power") {
            self.operators += 1;
            let exponent = self.sign()?;
            let exponent = if exponent.binds == Binding::Sign {
                format!("({})", exponent.text)
            } else {
                exponent.within(Binding::Power)
            };
            return Some(Term::new(
                format!("{}**{exponent}", base.within(Binding::Atom)),
                Binding::Power,
            ));
        }
        Some(base)
    }

    fn atom(&mut self) -> Option<Term> {
        if self.take("(") {
            let inner = self.sum()?;
            return self
                .take(")")
                .then(|| Term::new(format!("({})", inner.text), Binding::Atom));
        }
        if let Some(share) = self.share() {
            return Some(share);
        }
        for (names, exponent) in [
            ("the square of|square of", "2"),
            ("the cube of|cube of", "3"),
        ] {
            if self.take(names) {
                let base = self.sign()?;
                self.operators += 1;
                return Some(Term::new(
                    format!("{}**{exponent}", base.within(Binding::Atom)),
                    Binding::Power,
                ));
            }
        }
        let number = self.number()?;
        self.percentage(number)
    }

    /// "half of 30", "a third of 90", "double 4".
    fn share(&mut self) -> Option<Term> {
        const SHARES: [(&str, &str); 5] = [
            ("half of|half|a half of", "/2"),
            ("a third of|one third of|third of", "/3"),
            ("a quarter of|one quarter of|quarter of", "/4"),
            ("two thirds of", "*2/3"),
            ("three quarters of", "*3/4"),
        ];
        let tail = SHARES
            .into_iter()
            .find_map(|(names, tail)| self.take(names).then_some(tail))?;
        let whole = self.sign()?;
        self.operators += 1;
        Some(Term::new(
            format!("{}{tail}", whole.within(Binding::Product)),
            Binding::Product,
        ))
    }

    fn number(&mut self) -> Option<String> {
        let here = rest(self.parts, self.at);
        let first = word(here, 0);
        if first.starts_with(|c: char| c.is_ascii_digit()) {
            self.at += 1;
            return Some(first.to_owned());
        }
        let (value, used) = numbers::spelled(here)?;
        self.at += used;
        Some(value.to_string())
    }

    fn percentage(&mut self, number: String) -> Option<Term> {
        let after = word(self.parts, self.at + 1);
        let modulo = after == "(" || after.starts_with(|c: char| c.is_ascii_digit());
        let sign = word(self.parts, self.at) == "%" && !modulo;
        if sign {
            self.at += 1;
        } else if !self.take("percent|per cent|pct|percentage") {
            return Some(Term::new(number, Binding::Atom));
        }
        self.operators += 1;
        let tip = self.take("tip on|tax on|vat on|of|on");
        if tip {
            let whole = self.sign()?;
            return Some(Term::new(
                format!("{}*{number}/100", whole.within(Binding::Product)),
                Binding::Product,
            ));
        }
        if self.take("off|discount on|off of|less than") {
            let whole = self.sign()?;
            let text = format!("{}*(100-{number})/100", whole.within(Binding::Product));
            return Some(Term::new(text, Binding::Product));
        }
        let mut term = Term::new(format!("{number}/100"), Binding::Product);
        term.percent = Some(number);
        Some(term)
    }
}
