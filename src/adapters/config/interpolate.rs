//! `${NAME}` and `${NAME:-fallback}` inside strings, filled in from the environment.

use super::environment::Environment;

/// Why a string cannot be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InterpolationError {
    Missing(String),
    Malformed,
}

impl InterpolationError {
    pub(super) fn message(&self, key: &str) -> String {
        match self {
            Self::Missing(name) => format!(
                "{key} needs the environment variable {name}, which is not set (a fallback is \
                 written as \"${{{name}:-fallback}}\")"
            ),
            Self::Malformed => format!(
                "{key}: expected \"${{NAME}}\" or \"${{NAME:-fallback}}\" (a plain \"${{\" is written \
                 as \"$${{\")"
            ),
        }
    }
}

/// Replaces every reference. `None` when there is none, so that the text stays what it is. As in a
/// shell, an empty variable takes the fallback, and `$${` stands for `${`.
pub(super) fn interpolate(
    text: &str,
    environment: &Environment,
) -> Result<Option<String>, InterpolationError> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, reference) = rest.split_at(start);
        let reference = &reference["${".len()..];
        if let Some(escaped) = before.strip_suffix('$') {
            filled.push_str(escaped);
            filled.push_str("${");
            rest = reference;
            continue;
        }
        filled.push_str(before);
        let (inside, after) = reference
            .split_once('}')
            .ok_or(InterpolationError::Malformed)?;
        filled.push_str(resolve(inside, environment)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(Some(filled))
}

fn resolve<'a>(
    inside: &'a str,
    environment: &'a Environment,
) -> Result<&'a str, InterpolationError> {
    let (name, fallback) = match inside.split_once(":-") {
        Some((name, fallback)) => (name, Some(fallback)),
        None => (inside, None),
    };
    // The brace of a reference in a fallback would end the outer one.
    let has_reference = fallback.is_some_and(|fallback| fallback.contains("${"));
    if !is_variable_name(name) || has_reference {
        return Err(InterpolationError::Malformed);
    }
    match (environment.get(name), fallback) {
        (None | Some(""), Some(fallback)) => Ok(fallback),
        (Some(value), _) => Ok(value),
        (None, None) => Err(InterpolationError::Missing(name.to_owned())),
    }
}

fn is_variable_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn references_are_filled_in_as_a_shell_would() {
        let environment = Environment::from_iter([("NAME", "Ada"), ("EMPTY", "")]);
        let missing = || Err(InterpolationError::Missing("GONE".to_owned()));
        let cases = [
            ("plain", Ok(None)),
            ("costs $5", Ok(None)),
            ("${NAME}", Ok(Some("Ada"))),
            ("a ${NAME} b ${NAME}", Ok(Some("a Ada b Ada"))),
            ("${GONE:-nobody}", Ok(Some("nobody"))),
            ("${GONE:-}", Ok(Some(""))),
            ("${GONE:-a:-b}", Ok(Some("a:-b"))),
            ("${EMPTY:-x}", Ok(Some("x"))),
            ("${EMPTY}", Ok(Some(""))),
            ("$${NAME} ${NAME}", Ok(Some("${NAME} Ada"))),
            ("${GONE}", missing()),
            ("${GONE:-${NAME}}", Err(InterpolationError::Malformed)),
            ("${GONE:-$${}", Err(InterpolationError::Malformed)),
            ("${NAME", Err(InterpolationError::Malformed)),
            ("${}", Err(InterpolationError::Malformed)),
            ("${9LIVES}", Err(InterpolationError::Malformed)),
            ("${é}", Err(InterpolationError::Malformed)),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|filled: Option<&str>| filled.map(str::to_owned));
            assert_eq!(interpolate(text, &environment), expected, "{text}");
        }
    }
}
