//! The calculator's arithmetic: exact results, plain refusals, bounded work on any text.

use minibot::llm::tools::calculator::arithmetic::{
    CalcError, Limits, MAX_DIGITS, MAX_EXPRESSION_LENGTH, MAX_SCALE, evaluate,
};
use proptest::prelude::*;

fn calculate(expression: &str) -> Result<String, CalcError> {
    evaluate(expression, &Limits::default(), None)
}

fn wide_limits() -> Limits {
    Limits {
        max_expression_length: usize::MAX,
        ..Limits::default()
    }
}

/// Expression and result.
const EXACT: &[(&str, &str)] = &[
    ("0.1+0.2", "0.3"),
    ("2**100", "1267650600228229401496703205376"),
    ("-2**2", "-4"),
    ("(-2)**2", "4"),
    ("2**3**2", "512"),
    ("(2**3)**2", "64"),
    ("2**-1", "0.5"),
    ("2**-1**2", "0.5"),
    ("2**-1*3", "1.5"),
    ("2*-3+4", "-2"),
    ("--5", "5"),
    ("-+-5", "5"),
    ("--2**2", "4"),
    ("+7", "7"),
    ("1 - -1", "2"),
    ("1-1-1", "-1"),
    ("8/4/2", "1"),
    ("2+3*4", "14"),
    ("(2+3)*4", "20"),
    ("7%3", "1"),
    ("-7%3", "-1"),
    ("7%-3", "1"),
    ("5.5%2", "1.5"),
    ("10%4*2", "4"),
    ("6/3", "2"),
    ("7/2", "3.5"),
    ("1/3", "0.3333333333333333333333333333"),
    ("2/3", "0.6666666666666666666666666667"),
    ("1/3*3", "1"),
    ("1/3+1/3+1/3", "1"),
    ("1/10**30*10**30", "1"),
    ("4**(4/2)", "16"),
    ("0**0", "1"),
    ("-0", "0"),
    ("0-0.0", "0"),
    ("0/5", "0"),
    ("100", "100"),
    ("1.500", "1.5"),
    (".5+5.", "5.5"),
    ("007", "7"),
    ("1e3", "1000"),
    ("1.5E-3", "0.0015"),
    ("1e+2-1", "99"),
    ("2 × 3 ÷ 4 − 1", "0.5"),
    ("2^10", "1024"),
    ("1,234.5*2", "2469"),
    ("1,234,567+1", "1234568"),
    ("0.1**30", "0.000000000000000000000000000001"),
    ("9007199254740993+0", "9007199254740993"),
    (
        "170141183460469231731687303715884105728*2",
        "340282366920938463463374607431768211456",
    ),
    (
        "10**20/3",
        "33333333333333333333.3333333333333333333333333333",
    ),
];

#[test]
fn results_are_exact_and_plain() {
    for (expression, expected) in EXACT {
        assert_eq!(
            calculate(expression).as_deref(),
            Ok(*expected),
            "{expression}"
        );
    }
}

#[test]
fn a_scale_rounds_half_to_even() {
    for (expression, scale, expected) in [
        ("19.99*1.21", 2, "24.19"),
        ("0.125", 2, "0.12"),
        ("0.135", 2, "0.14"),
        ("-0.125", 2, "-0.12"),
        ("-0.1251", 2, "-0.13"),
        ("1/2", 0, "0"),
        ("3/2", 0, "2"),
        ("5/2", 0, "2"),
        ("-1/2", 0, "0"),
        ("1250", 0, "1250"),
        ("1/7", 40, "0.1428571428571428571428571428571428571429"),
        ("2**-100", 31, "0.0000000000000000000000000000008"),
        ("1/1000", 2, "0"),
    ] {
        let result = evaluate(expression, &Limits::default(), Some(scale));
        assert_eq!(
            result.as_deref(),
            Ok(expected),
            "{expression} to {scale} digits"
        );
    }
}

/// Expression and how the refusal begins.
const REFUSED: &[(&str, &str)] = &[
    ("", "the expression is empty"),
    ("  \n", "the expression is empty"),
    ("1/0", "division by zero"),
    ("1/(2-2)", "division by zero"),
    ("1%0", "remainder of a division by zero"),
    ("0**-1", "zero cannot have a negative exponent"),
    (
        "2**0.5",
        "the exponent 0.5 is not a whole number: roots are not supported",
    ),
    ("4**(1/2)", "the exponent 0.5 is not a whole number"),
    (
        "2**1001",
        "the exponent is too large: it must be between -1000 and 1000",
    ),
    ("9**9**9", "the exponent is too large"),
    ("9**9**9**9**9**9", "the exponent is too large"),
    ("2**-1001", "the exponent is too large"),
    ("2**10**100", "the exponent is too large"),
    ("1e1001", "the exponent is too large"),
    ("1e99999999999999999999", "the exponent is too large"),
    ("(9**1000)**1000", "a value has more than 10000 digits"),
    ("(0.1**1000)**1000", "a value has more than 10000 digits"),
    (
        "1/10**30",
        "the result is not zero but has only zeros in its first 28 digits",
    ),
    ("1+", "a number is missing at character 3"),
    ("*1", "a number is missing at character 1"),
    ("20%", "a number is missing at character 4"),
    ("7//2", "a number is missing at character 3"),
    ("()", "a number is missing at character 2"),
    ("2***3", "a number is missing at character 4"),
    ("1 2", "an operator is missing at character 3"),
    ("2(3)", "an operator is missing at character 2"),
    ("(2)3", "an operator is missing at character 4"),
    ("(1", "the parenthesis at character 1 has no partner"),
    ("1)", "the parenthesis at character 2 has no partner"),
    ("sqrt(4)", "\"sqrt\" is not known"),
    ("n0+1", "\"n0\" is not known"),
    ("2*pi", "\"pi\" is not known"),
    ("0x10", "\"x10\" is not known"),
    ("1;2", "\";\" at character 2 is not understood"),
    ("\"a\"", "\"\"\" at character 1 is not understood"),
    ("1=1", "\"=\" at character 2 is not understood"),
    ("1.2.3", "\"1.2.3\" is not a number"),
    (".", "\".\" is not a number"),
    ("2e", "\"2e\" is not a number"),
    ("1,5", "the comma in \"1,5\" is ambiguous"),
    ("1,234", "the comma in \"1,234\" is ambiguous"),
    ("1.234,5", "the comma in \"1.234,5\" is ambiguous"),
    ("1,23,456", "the comma in \"1,23,456\" is ambiguous"),
];

#[test]
fn refusals_name_their_reason() {
    for (expression, expected) in REFUSED {
        let refusal = calculate(expression).unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{expression}: {refusal}");
    }
    let too_long = CalcError::TooLong {
        length: 201,
        max: 200,
    };
    assert_eq!(calculate(&"1".repeat(201)), Err(too_long));
    let too_large = CalcError::ScaleTooLarge {
        scale: MAX_SCALE + 1,
        max: MAX_SCALE,
    };
    assert_eq!(
        evaluate("1/3", &Limits::default(), Some(MAX_SCALE + 1)),
        Err(too_large)
    );
}

#[test]
fn the_deepest_expressions_fit_into_a_small_stack() {
    let half = MAX_EXPRESSION_LENGTH / 2 - 1;
    let cases = [
        format!("1{}", "+1".repeat(half)),
        format!("{}1{}", "(".repeat(half), ")".repeat(half)),
        format!("1{}", "^1".repeat(half)),
        format!("1{}", "**-1".repeat(half / 2)),
        format!("{}1", "-".repeat(half * 2)),
        format!("{}1{}", "-(".repeat(half / 2), ")".repeat(half / 2)),
        "(".repeat(half * 2),
    ];
    let worker = std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(move || cases.map(|expression| evaluate(&expression, &wide_limits(), None).is_ok()));
    assert_eq!(
        worker.unwrap().join().unwrap(),
        [true, true, true, true, true, true, false]
    );
}

#[test]
fn the_largest_values_are_bounded() {
    let wide = Limits {
        max_exponent_abs: u32::MAX,
        ..wide_limits()
    };
    for expression in [
        "2**4294967295",
        "10**4294967295",
        "0.5**4294967295",
        "1e4294967295+1",
    ] {
        let result = evaluate(expression, &wide, None);
        assert_eq!(
            result,
            Err(CalcError::TooManyDigits { max: MAX_DIGITS }),
            "{expression}"
        );
    }
    assert_eq!(
        evaluate("(0-1)**4294967295", &wide, None).as_deref(),
        Ok("-1")
    );
    assert_eq!(evaluate("10**9000", &wide, None).unwrap().len(), 9001);
}

#[derive(Debug, Clone)]
enum Tree {
    Number(u32),
    Negated(Box<Tree>),
    Binary(&'static str, Box<Tree>, Box<Tree>),
}

const SUM: u8 = 1;
const PRODUCT: u8 = 2;
const SIGN: u8 = 3;
const POWER: u8 = 4;
const ATOM: u8 = 5;

impl Tree {
    fn level(&self) -> u8 {
        match self {
            Tree::Number(_) => ATOM,
            Tree::Negated(_) => SIGN,
            Tree::Binary("+" | "-", ..) => SUM,
            Tree::Binary("**", ..) => POWER,
            Tree::Binary(..) => PRODUCT,
        }
    }

    /// With no more parentheses than it takes, so that precedence is tested.
    fn text(&self, least: u8) -> String {
        let text = match (self, self.level()) {
            (Tree::Number(value), _) => value.to_string(),
            (Tree::Negated(inner), _) => format!("-{}", inner.text(SIGN)),
            (Tree::Binary(operator, left, right), POWER) => {
                format!("{}{operator}{}", left.text(ATOM), right.text(SIGN))
            }
            (Tree::Binary(operator, left, right), level) => {
                format!("{}{operator}{}", left.text(level), right.text(level + 1))
            }
        };
        if self.level() < least {
            format!("({text})")
        } else {
            text
        }
    }

    fn value(&self) -> Option<i128> {
        match self {
            Tree::Number(value) => Some(i128::from(*value)),
            Tree::Negated(inner) => inner.value()?.checked_neg(),
            Tree::Binary(operator, left, right) => {
                let (left, right) = (left.value()?, right.value()?);
                match *operator {
                    "+" => left.checked_add(right),
                    "-" => left.checked_sub(right),
                    "*" => left.checked_mul(right),
                    "%" => left.checked_rem(right),
                    _ => {
                        left.checked_pow(u32::try_from(right).ok().filter(|power| *power <= 1000)?)
                    }
                }
            }
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let number = prop_oneof![0u32..10, 0u32..100_000].prop_map(Tree::Number);
    number.prop_recursive(6, 24, 2, |inner| {
        let boxed = inner.prop_map(Box::new);
        prop_oneof![
            1 => boxed.clone().prop_map(Tree::Negated),
            5 => (prop::sample::select(vec!["+", "-", "*", "%"]), boxed.clone(), boxed.clone())
                .prop_map(|(operator, left, right)| Tree::Binary(operator, left, right)),
            1 => (boxed, 0u32..5).prop_map(|(base, power)| {
                Tree::Binary("**", base, Box::new(Tree::Number(power)))
            }),
        ]
    })
}

fn decimal_text(value: i128, places: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

proptest! {
    #[test]
    fn whole_numbers_agree_with_the_machine(tree in trees()) {
        let text = tree.text(SUM);
        let result = evaluate(&text, &wide_limits(), None);
        if let (Some(expected), true) = (tree.value(), text.len() <= MAX_EXPRESSION_LENGTH) {
            prop_assert_eq!(result, Ok(expected.to_string()), "{}", text);
        }
    }

    #[test]
    fn decimals_agree_with_scaled_whole_numbers(
        left in -10i128.pow(12)..10i128.pow(12),
        right in -10i128.pow(12)..10i128.pow(12),
        places in 0usize..10,
    ) {
        let (a, b) = (decimal_text(left, places), decimal_text(right, places));
        let result = |operator: &str| calculate(&format!("({a}){operator}({b})"));
        prop_assert_eq!(result("+"), Ok(decimal_text(left + right, places)));
        prop_assert_eq!(result("-"), Ok(decimal_text(left - right, places)));
        prop_assert_eq!(result("*"), Ok(decimal_text(left * right, places * 2)));
        if right != 0 {
            prop_assert_eq!(result("%"), Ok(decimal_text(left % right, places)));
        }
    }

    #[test]
    fn quotients_are_the_nearest_decimal(
        left in any::<i64>(),
        right in any::<i64>(),
        scale in 0u32..12,
    ) {
        prop_assume!(right != 0);
        let (dividend, divisor) = (i128::from(left) * 10i128.pow(scale), i128::from(right));
        let mut nearest = dividend.div_euclid(divisor);
        let twice = 2 * dividend.rem_euclid(divisor);
        let away = if divisor > 0 { 1 } else { -1 };
        if twice > divisor.abs() || (twice == divisor.abs() && nearest % 2 != 0) {
            nearest += away;
        }
        let result = evaluate(&format!("({left})/({right})"), &Limits::default(), Some(scale));
        let expected = decimal_text(nearest, scale as usize);
        prop_assert_eq!(result, Ok(expected));
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = evaluate(&text, &wide_limits(), None);
    }

    #[test]
    fn any_formula_is_answered_within_bounds(
        text in "[0-9]{0,3}([0-9.,+*/%^() eE×÷−-]|\\*\\*|99){0,80}",
        scale in prop::option::of(0u32..1001),
    ) {
        if let Ok(result) = evaluate(&text, &Limits::default(), scale) {
            prop_assert!(result.len() as u64 <= 2 * MAX_DIGITS + 3);
            prop_assert!(!result.contains(['e', 'E', '+']));
            prop_assert!(!result.contains('.') || !result.ends_with(['0', '.']));
        }
    }
}
