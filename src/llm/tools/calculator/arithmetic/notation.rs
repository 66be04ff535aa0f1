//! Reads what people and models write and turns it into a formula for the parser.
//!
//! The parser knows only 64-bit numbers, no unary plus, and powers that bind to the left. So each
//! literal becomes a name, signs are folded, and the exponent of every power is put in parentheses.

use std::iter::Peekable;
use std::str::{CharIndices, FromStr};

use bigdecimal::BigDecimal;

use super::CalcError;

/// A formula over the names `n0`, `n1`, … and the numbers that they stand for.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) formula: String,
    pub(super) literals: Vec<BigDecimal>,
}

/// Checks `expression` and rewrites it; what it returns is well formed.
pub(super) fn parse(expression: &str, max_exponent_abs: u32) -> Result<Parsed, CalcError> {
    let mut reader = Reader {
        expression,
        characters: expression.char_indices().peekable(),
    };
    let mut writer = Writer::default();
    let mut position = 0;
    while let Some((token, start)) = reader.next_token(max_exponent_abs)? {
        position = expression[..start].chars().count() + 1;
        writer.push(token, position)?;
    }
    if position == 0 {
        return Err(CalcError::Empty);
    }
    writer.finish(expression.chars().count() + 1)
}

/// The number of the literal that a name of the formula stands for.
pub(super) fn literal_index(name: &str) -> Option<usize> {
    name.strip_prefix('n')?.parse().ok()
}

#[derive(Debug)]
enum Token {
    Number(BigDecimal),
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
    Power,
    Open,
    Close,
}

struct Reader<'a> {
    expression: &'a str,
    characters: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    /// The next token and the byte where it starts.
    fn next_token(&mut self, max_exponent_abs: u32) -> Result<Option<(Token, usize)>, CalcError> {
        while self
            .characters
            .next_if(|(_, character)| character.is_whitespace())
            .is_some()
        {}
        let Some((start, character)) = self.characters.next() else {
            return Ok(None);
        };
        let token = match character {
            '0'..='9' | '.' => self.number(start, max_exponent_abs)?,
            '+' => Token::Plus,
            '-' | '−' => Token::Minus,
            '*' if self.characters.next_if(|(_, next)| *next == '*').is_some() => Token::Power,
            '*' | '×' | '·' => Token::Times,
            '/' | '÷' => Token::Divide,
            '%' => Token::Remainder,
            '^' => Token::Power,
            '(' => Token::Open,
            ')' => Token::Close,
            letter if letter.is_alphabetic() || letter == '_' => {
                let name = self.run(start, |next| next.is_alphanumeric() || next == '_');
                return Err(CalcError::UnknownName {
                    name: name.to_owned(),
                });
            }
            found => {
                let position = self.expression[..start].chars().count() + 1;
                return Err(CalcError::UnexpectedCharacter { found, position });
            }
        };
        Ok(Some((token, start)))
    }

    /// The text from `start` on for as long as its characters are `wanted`.
    fn run(&mut self, start: usize, wanted: impl Fn(char) -> bool) -> &str {
        while self.characters.next_if(|(_, next)| wanted(*next)).is_some() {}
        let end = self
            .characters
            .peek()
            .map_or(self.expression.len(), |(index, _)| *index);
        &self.expression[start..end]
    }

    fn number(&mut self, start: usize, max_exponent_abs: u32) -> Result<Token, CalcError> {
        let mantissa = self.run(start, |next| {
            next.is_ascii_digit() || matches!(next, '.' | ',')
        });
        let mantissa = mantissa.to_owned();
        let exponent = self.exponent(start, max_exponent_abs)?;
        let bad_number = || CalcError::BadNumber {
            text: mantissa.clone(),
        };
        let plain = without_thousands(&mantissa)?;
        if !plain.contains(|digit: char| digit.is_ascii_digit()) {
            return Err(bad_number());
        }
        let value = BigDecimal::from_str(&plain).map_err(|_| bad_number())?;
        let (digits, scale) = value.into_bigint_and_scale();
        Ok(Token::Number(BigDecimal::new(digits, scale - exponent)))
    }

    /// The power of ten after the `e` of the number that began at `start`; 0 without one.
    fn exponent(&mut self, start: usize, max_abs: u32) -> Result<i64, CalcError> {
        let Some((letter, _)) = self
            .characters
            .next_if(|(_, next)| matches!(next, 'e' | 'E'))
        else {
            return Ok(0);
        };
        let _sign = self
            .characters
            .next_if(|(_, next)| matches!(next, '+' | '-' | '−'));
        let text = self
            .run(letter + 1, |next| next.is_ascii_digit())
            .replace('−', "-");
        if !text.ends_with(|last: char| last.is_ascii_digit()) {
            let text = format!("{}{text}", &self.expression[start..=letter]);
            return Err(CalcError::BadNumber { text });
        }
        text.parse::<i64>()
            .ok()
            .filter(|exponent| exponent.unsigned_abs() <= u64::from(max_abs))
            .ok_or(CalcError::ExponentTooLarge { max: max_abs })
    }
}

/// Takes the commas out where they can only be thousands separators. `1,234` alone is refused: half
/// of the world reads it as a little more than one.
fn without_thousands(text: &str) -> Result<String, CalcError> {
    if !text.contains(',') {
        return Ok(text.to_owned());
    }
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut groups = whole.split(',');
    let first_fits = groups
        .next()
        .is_some_and(|first| (1..=3).contains(&first.len()));
    let rest: Vec<&str> = groups.collect();
    let rest_fits = rest.iter().all(|group| group.len() == 3);
    let is_certain = rest.len() > 1 || (rest.len() == 1 && fraction.is_some());
    let fraction_fits = fraction.is_none_or(|digits| !digits.contains([',', '.']));
    if first_fits && rest_fits && is_certain && fraction_fits {
        Ok(text.replace(',', ""))
    } else {
        Err(CalcError::AmbiguousComma {
            text: text.to_owned(),
        })
    }
}

/// Where the writer stands: numbers and operators must take turns.
#[derive(Debug, Default, PartialEq)]
enum Expecting {
    #[default]
    Number,
    Operator,
}

#[derive(Debug, Default)]
struct Writer {
    formula: String,
    literals: Vec<BigDecimal>,
    expecting: Expecting,
    is_negated: bool,
    /// The open parentheses of the expression: where each stands, and how many of ours are open
    /// around exponents when it opens.
    open: Vec<(usize, usize)>,
    /// How many of our own parentheses are open around exponents at this level.
    exponents: usize,
}

impl Writer {
    fn push(&mut self, token: Token, position: usize) -> Result<(), CalcError> {
        match self.expecting {
            Expecting::Number => self.push_operand(token, position),
            Expecting::Operator => self.push_operator(token, position),
        }
    }

    fn push_operand(&mut self, token: Token, position: usize) -> Result<(), CalcError> {
        match token {
            Token::Plus => {}
            Token::Minus => self.is_negated = !self.is_negated,
            Token::Number(value) => {
                self.write_sign();
                self.formula.push_str(&format!("n{} ", self.literals.len()));
                self.literals.push(value);
                self.expecting = Expecting::Operator;
            }
            Token::Open => {
                self.write_sign();
                self.formula.push_str("( ");
                self.open
                    .push((position, std::mem::take(&mut self.exponents)));
            }
            _ => return Err(CalcError::MissingNumber { position }),
        }
        Ok(())
    }

    fn push_operator(&mut self, token: Token, position: usize) -> Result<(), CalcError> {
        let symbol = match token {
            Token::Power => {
                self.formula.push_str("^ ( ");
                self.exponents += 1;
                self.expecting = Expecting::Number;
                return Ok(());
            }
            Token::Close => {
                self.close_exponents();
                let unbalanced = CalcError::UnbalancedParenthesis { position };
                let (_, exponents) = self.open.pop().ok_or(unbalanced)?;
                self.exponents = exponents;
                self.formula.push_str(") ");
                return Ok(());
            }
            Token::Number(_) | Token::Open => return Err(CalcError::MissingOperator { position }),
            Token::Plus => "+ ",
            Token::Minus => "- ",
            Token::Times => "* ",
            Token::Divide => "/ ",
            Token::Remainder => "% ",
        };
        self.close_exponents();
        self.formula.push_str(symbol);
        self.expecting = Expecting::Number;
        Ok(())
    }

    fn finish(mut self, end: usize) -> Result<Parsed, CalcError> {
        if self.expecting == Expecting::Number {
            return Err(CalcError::MissingNumber { position: end });
        }
        if let Some((position, _)) = self.open.first() {
            return Err(CalcError::UnbalancedParenthesis {
                position: *position,
            });
        }
        self.close_exponents();
        Ok(Parsed {
            formula: self.formula,
            literals: self.literals,
        })
    }

    fn write_sign(&mut self) {
        if std::mem::take(&mut self.is_negated) {
            self.formula.push_str("- ");
        }
    }

    fn close_exponents(&mut self) {
        for _ in 0..std::mem::take(&mut self.exponents) {
            self.formula.push_str(") ");
        }
    }
}
