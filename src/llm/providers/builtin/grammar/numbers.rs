//! Numbers as people write them: "25", "1.5", "twenty five", "3rd", "third".

use super::token::{Token, rest, word};

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const ORDINALS: [&str; 19] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

/// A quantity in thousandths, so that "1.5 hours" is exact. Saturates.
pub(super) type Thousandths = u128;

/// A whole or decimal quantity at the start, in thousandths.
pub(super) fn amount(tokens: &[Token]) -> Option<(Thousandths, usize)> {
    let first = word(tokens, 0);
    if first.starts_with(|c: char| c.is_ascii_digit()) {
        return decimal(first).map(|value| (value, 1));
    }
    let (value, taken) = spelled(tokens)?;
    Some((u128::from(value) * 1000, taken))
}

fn decimal(text: &str) -> Option<Thousandths> {
    // "1,500" is a thousand and a half, "1,5" one and a half.
    let is_decimal = text
        .split(',')
        .skip(1)
        .any(|part| part.split('.').next().map(str::len) != Some(3));
    let text = if is_decimal {
        text.replacen(',', ".", 1)
    } else {
        text.replace(',', "")
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u128 = whole.parse().unwrap_or(u128::MAX);
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let fraction: u128 = fraction.parse().unwrap_or(0);
    Some(whole.saturating_mul(1000).saturating_add(fraction))
}

/// A whole number at the start, in digits or in words.
pub(super) fn whole(tokens: &[Token]) -> Option<(u64, usize)> {
    let first = word(tokens, 0);
    if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) {
        return first.parse().ok().map(|value| (value, 1));
    }
    spelled(tokens)
}

/// A number in words: "five", "twenty five", "twenty-five", "two hundred and ten", "three
/// thousand".
pub(super) fn spelled(tokens: &[Token]) -> Option<(u64, usize)> {
    let (mut total, mut group, mut taken) = (0_u64, None::<u64>, 0);
    loop {
        let here = rest(tokens, taken);
        let text = word(here, 0);
        if text == "and" && group.is_some_and(|value| value >= 100 && value % 100 == 0) {
            let Some(small) = below_hundred(word(here, 1)) else {
                break;
            };
            group = group.map(|value| value + small);
            taken += 2;
        } else if let Some(small) = below_hundred(text) {
            group = match group {
                None => Some(small),
                Some(value) if value % 100 == 0 && value > 0 => Some(value + small),
                Some(value) if value % 10 == 0 && value % 100 >= 20 && (1..10).contains(&small) => {
                    Some(value + small)
                }
                Some(_) => break,
            };
            taken += 1;
        } else if text == "hundred" && group.is_some_and(|value| value < 100) {
            group = group.map(|value| value * 100);
            taken += 1;
        } else if (text == "thousand" || text == "million") && group.is_some() {
            let factor = if text == "thousand" { 1000 } else { 1_000_000 };
            total = total.saturating_add(group.take()?.saturating_mul(factor));
            taken += 1;
            if below_hundred(word(tokens, taken)).is_none() {
                return Some((total, taken));
            }
        } else {
            break;
        }
        if taken > 12 {
            break;
        }
    }
    group.map(|value| (total.saturating_add(value), taken))
}

/// "seven", "forty", "forty-two".
pub(super) fn below_hundred(text: &str) -> Option<u64> {
    if let Some(value) = UNITS.iter().position(|unit| *unit == text) {
        return u64::try_from(value).ok();
    }
    let (tens, units) = text.split_once('-').unwrap_or((text, ""));
    let tens = (2_u64..).zip(TENS).find(|(_, name)| *name == tens)?.0 * 10;
    if units.is_empty() {
        return (!text.contains('-')).then_some(tens);
    }
    let units = (0_u64..).zip(UNITS).find(|(_, name)| *name == units)?.0;
    (1..10).contains(&units).then_some(tens + units)
}

/// "1st", "22nd", "first", "twenty-first", "thirty first".
pub(super) fn ordinal(tokens: &[Token]) -> Option<(u32, usize)> {
    let first = word(tokens, 0);
    if first.starts_with(|c: char| c.is_ascii_digit()) {
        let suffix = tokens.get(1).filter(|token| token.glued)?;
        let known = matches!(suffix.text.as_str(), "st" | "nd" | "rd" | "th");
        return first.parse().ok().filter(|_| known).map(|value| (value, 2));
    }
    if let Some(value) = simple_ordinal(first) {
        return Some((value, 1));
    }
    let (tens, unit, taken) = match first.split_once('-') {
        Some((tens, unit)) => (tens, unit, 1),
        None => (first, word(tokens, 1), 2),
    };
    let base = match tens {
        "twenty" => 20,
        "thirty" => 30,
        _ => return None,
    };
    simple_ordinal(unit)
        .filter(|value| *value < 10)
        .map(|value| (base + value, taken))
}

fn simple_ordinal(text: &str) -> Option<u32> {
    match text {
        "twentieth" => Some(20),
        "thirtieth" => Some(30),
        _ => (1_u32..)
            .zip(ORDINALS)
            .find(|(_, name)| *name == text)
            .map(|(value, _)| value),
    }
}
