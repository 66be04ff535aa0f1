//! Any expression is answered, within bounds, and what is answered means itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minibot::llm::tools::calculator::arithmetic::{
    Limits, MAX_DIGITS, MAX_EXPRESSION_LENGTH, MAX_SCALE, evaluate,
};

fuzz_target!(|input: (u16, u16, &str)| {
    let (exponent, scale, text) = input;
    let limits = Limits {
        max_expression_length: usize::MAX,
        max_exponent_abs: exponent.into(),
        default_scale: 28,
    };
    check(text, &limits, None);
    check(text, &limits, Some(scale.into()));
    check(text, &Limits::default(), None);
});

fn check(text: &str, limits: &Limits, scale: Option<u32>) {
    let Ok(result) = evaluate(text, limits, scale) else {
        return;
    };
    assert!(text.chars().count() <= limits.max_expression_length.min(MAX_EXPRESSION_LENGTH));
    assert!(result.len() as u64 <= 2 * MAX_DIGITS + 3, "{result}");
    assert!(scale.is_none_or(|scale| scale <= MAX_SCALE), "{scale:?}");
    let decimals = result
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    assert!(
        scale.is_none_or(|scale| decimals <= scale as usize),
        "{result}"
    );
    assert!(
        !result.contains('.') || !result.ends_with(['0', '.']),
        "{result}"
    );
    let digits = result.strip_prefix('-').unwrap_or(&result);
    let plain = |digit: char| digit.is_ascii_digit() || digit == '.';
    assert!(
        digits.starts_with(|digit: char| digit.is_ascii_digit()),
        "{result}"
    );
    assert!(digits.chars().all(plain), "{result}");
    if result.len() <= limits.max_expression_length.min(MAX_EXPRESSION_LENGTH) {
        assert_eq!(evaluate(&result, limits, scale).as_ref(), Ok(&result));
    }
}
