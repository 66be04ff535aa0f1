//! Exact decimal arithmetic on one line of text: no floats, no names, no functions, bounded work.
//!
//! The grammar is `+ - * / % **`, unary signs and parentheses. Powers bind tightest and to the
//! right (`-2**2` is `-4`, `2**3**2` is `512`), the remainder takes the sign of its left side as in
//! Rust and C, and `0**0` is `1`. Values stay exact fractions until the end, so `1/3*3` is `1`;
//! only the final result is rounded, half to even.

mod fraction;
mod notation;

use bigdecimal::{BigDecimal, Zero};
use evalexpr::{Node, Operator, build_operator_tree};

use fraction::Fraction;

/// The most digits that any value of an expression may have, before and after its point.
pub const MAX_DIGITS: u64 = 10_000;

/// The most digits after the point that a caller may ask for.
pub const MAX_SCALE: u32 = 1_000;

/// The longest expression whatever the configuration says: the parsed tree is freed recursively,
/// and this many levels fit into the smallest stack we run on.
pub const MAX_EXPRESSION_LENGTH: usize = 1_000;

/// What one expression may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Characters in the expression; never more than [`MAX_EXPRESSION_LENGTH`].
    pub max_expression_length: usize,
    /// The largest exponent, positive or negative, of a power or of a literal such as `1e9`.
    pub max_exponent_abs: u32,
    /// Digits after the point of a quotient when the caller names no scale.
    pub default_scale: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_expression_length: 200,
            max_exponent_abs: 1_000,
            default_scale: 28,
        }
    }
}

/// Why an expression has no result, as a sentence that tells the model what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalcError {
    #[error("the expression is empty: write something like 2*(3+4)")]
    Empty,
    #[error("the expression has {length} characters and may have {max}: split it into parts")]
    TooLong { length: usize, max: usize },
    #[error(
        "\"{found}\" at character {position} is not understood: use only numbers, + - * / % ** and parentheses"
    )]
    UnexpectedCharacter { found: char, position: usize },
    #[error(
        "\"{name}\" is not known: there are no names or functions, only numbers, + - * / % ** and parentheses"
    )]
    UnknownName { name: String },
    #[error("\"{text}\" is not a number: write it like 1234.5")]
    BadNumber { text: String },
    #[error(
        "the comma in \"{text}\" is ambiguous: write the decimal point as . and leave out thousands separators"
    )]
    AmbiguousComma { text: String },
    #[error(
        "a number is missing at character {position}: every operator needs a number on both sides (20 percent is 20/100)"
    )]
    MissingNumber { position: usize },
    #[error("an operator is missing at character {position}: write every multiplication with *")]
    MissingOperator { position: usize },
    #[error("the parenthesis at character {position} has no partner: balance the parentheses")]
    UnbalancedParenthesis { position: usize },
    #[error("division by zero: change the divisor")]
    DivisionByZero,
    #[error("remainder of a division by zero: change the number after %")]
    RemainderByZero,
    #[error(
        "zero cannot have a negative exponent, that is a division by zero: change base or exponent"
    )]
    ZeroToNegativePower,
    #[error("the exponent {exponent} is not a whole number: roots are not supported")]
    FractionalExponent { exponent: String },
    #[error("the exponent is too large: it must be between -{max} and {max}")]
    ExponentTooLarge { max: u32 },
    #[error("a value has more than {max} digits: use smaller numbers or exponents")]
    TooManyDigits { max: u64 },
    #[error(
        "the result is not zero but has only zeros in its first {scale} digits after the point: pass a larger scale"
    )]
    TooSmall { scale: u32 },
    #[error("the scale {scale} is too large: it may be at most {max}")]
    ScaleTooLarge { scale: u32, max: u32 },
    #[error("the expression could not be read: use only numbers, + - * / % ** and parentheses")]
    Unreadable,
}

/// Evaluates `expression` and writes the result in plain notation, without trailing zeros.
///
/// With a `scale` the result is rounded to that many digits after the point, half to even. Without
/// one, results that need no division are exact however long they are, and quotients are rounded to
/// `limits.default_scale`.
///
/// Besides ASCII it reads `× · ÷ −` and `^` (a power), and thousands separators where no other
/// reading is possible: `1,234.5` and `1,234,567`, but not `1,234`.
pub fn evaluate(
    expression: &str,
    limits: &Limits,
    scale: Option<u32>,
) -> Result<String, CalcError> {
    let length = expression.chars().count();
    let max = limits.max_expression_length.min(MAX_EXPRESSION_LENGTH);
    if length > max {
        return Err(CalcError::TooLong { length, max });
    }
    let digits = scale.unwrap_or(limits.default_scale);
    if digits > MAX_SCALE {
        return Err(CalcError::ScaleTooLarge {
            scale: digits,
            max: MAX_SCALE,
        });
    }
    let parsed = notation::parse(expression, limits.max_exponent_abs)?;
    let tree = build_operator_tree(&parsed.formula).map_err(|_| CalcError::Unreadable)?;
    let value = walk(&tree, &parsed.literals, limits.max_exponent_abs)?;
    let result = match scale {
        None if value.is_plain_decimal() => value.into_decimal(),
        None => {
            let rounded = value.round(digits);
            if value.is_zero() || !rounded.is_zero() {
                rounded
            } else {
                return Err(CalcError::TooSmall { scale: digits });
            }
        }
        Some(_) => value.round(digits),
    };
    Ok(result.normalized().to_plain_string())
}

/// Evaluates the tree without recursion: the nodes in reverse pre-order are a postfix program whose
/// left operand is on top.
fn walk(
    tree: &Node,
    literals: &[BigDecimal],
    max_exponent_abs: u32,
) -> Result<Fraction, CalcError> {
    let nodes: Vec<&Node> = tree.iter().collect();
    let mut stack: Vec<Fraction> = Vec::new();
    for node in nodes.into_iter().rev() {
        let value = match (node.operator(), node.children().len()) {
            (Operator::RootNode, 1) => continue,
            (Operator::VariableIdentifierRead { identifier }, 0) => {
                let index = notation::literal_index(identifier).ok_or(CalcError::Unreadable)?;
                let literal = literals.get(index).ok_or(CalcError::Unreadable)?;
                Fraction::from_decimal(literal)?
            }
            (Operator::Neg, 1) => stack.pop().ok_or(CalcError::Unreadable)?.negate(),
            (operator, 2) => {
                let left = stack.pop().ok_or(CalcError::Unreadable)?;
                let right = stack.pop().ok_or(CalcError::Unreadable)?;
                apply(operator, &left, &right, max_exponent_abs)?
            }
            _ => return Err(CalcError::Unreadable),
        };
        stack.push(value);
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(value), true) => Ok(value),
        _ => Err(CalcError::Unreadable),
    }
}

fn apply(
    operator: &Operator,
    left: &Fraction,
    right: &Fraction,
    max_exponent_abs: u32,
) -> Result<Fraction, CalcError> {
    match operator {
        Operator::Add => left.add(right),
        Operator::Sub => left.add(&right.negate()),
        Operator::Mul => left.multiply(right),
        Operator::Div => left.divide(right),
        Operator::Mod => left.remainder(right),
        Operator::Exp => left.power(right, max_exponent_abs),
        _ => Err(CalcError::Unreadable),
    }
}
