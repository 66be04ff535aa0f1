//! Any Markdown renders to what Telegram accepts, and its parts lose no character that a reader sees.
#![no_main]

#[path = "../../tests/it/core/markup/legality.rs"]
mod legality;

use legality::{MESSAGE, check, check_part, visible};
use libfuzzer_sys::fuzz_target;
use minibot::core::markup::{FormattedText, render, render_unfinished, split};

/// Some texts are repeated up to this length, which cuts them at Telegram's own limit too.
const LONGEST: usize = 6_000;
/// Longer ones are not cut into crumbs: that takes time and shows nothing new.
const LONGEST_IN_CRUMBS: usize = 500;
/// A surrogate pair must fit.
const SMALLEST_LIMIT: usize = 2;

fuzz_target!(|input: (u8, u8, &str)| {
    let (limit, times, piece) = input;
    let is_repeated = times > 0xf0;
    let times = if is_repeated {
        LONGEST / piece.len().max(1)
    } else {
        1
    };
    let text = piece.repeat(times.max(1));
    let rendered = render(&text);
    must(check(&rendered), &rendered);
    let unfinished = render_unfinished(&text);
    must(check(&unfinished), &unfinished);
    for shown in [&rendered, &unfinished] {
        check_parts(shown, MESSAGE);
        if shown.text.len() <= LONGEST_IN_CRUMBS {
            check_parts(shown, SMALLEST_LIMIT + usize::from(limit));
        }
    }
});

fn check_parts(whole: &FormattedText, limit: usize) {
    let parts = split(whole, limit);
    for part in &parts {
        must(check_part(part, limit), part);
    }
    let joined: String = parts.iter().map(|part| visible(&part.text)).collect();
    assert_eq!(joined, visible(&whole.text), "cut at {limit}");
}

fn must(verdict: Result<(), String>, shown: &FormattedText) {
    if let Err(broken) = verdict {
        panic!("{broken}: {shown:?}");
    }
}
