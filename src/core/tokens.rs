//! How many tokens a text takes: a cautious guess, and what a server's own counts make of it.

/// A cautious guess at the tokens of a text: one for each three bytes. English text has about
/// four bytes a token, code and other scripts fewer.
pub fn estimated_tokens(text: &str) -> usize {
    text.len() / 3
}

/// Guesses below this are mostly frame, and tell little of the text.
const SMALLEST: usize = 500;

/// What a count may make of a guess, in thousandths.
const BOUNDS: (u64, u64) = (500, 3000);

/// How much larger than counted the next request is taken to be, in thousandths: the next one has
/// other words.
const MARGIN: u64 = 50;

/// How the guesses for one model compare to its server's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenScale {
    per_mille: u64,
}

impl Default for TokenScale {
    fn default() -> Self {
        Self { per_mille: 1000 }
    }
}

impl TokenScale {
    /// Learns from a request that was guessed at `estimated` tokens and counted as `counted`; zero is
    /// no count. A guess that was too low counts at once, one that was too high little by little.
    pub fn observe(&mut self, estimated: usize, counted: u64) {
        if estimated < SMALLEST || counted == 0 {
            return;
        }
        let ratio = counted.saturating_mul(1000 + MARGIN) / estimated as u64;
        let ratio = ratio.clamp(BOUNDS.0, BOUNDS.1);
        self.per_mille = if ratio >= self.per_mille {
            ratio
        } else {
            self.per_mille - (self.per_mille - ratio).div_ceil(8)
        };
    }

    /// The largest guess that fits into so many tokens.
    pub fn fitting(self, tokens: usize) -> usize {
        let fitting = tokens as u64 * 1000 / self.per_mille;
        usize::try_from(fitting).unwrap_or(usize::MAX)
    }
}

/// What is known of a model's window beside what its settings say of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LearnedWindow {
    scale: TokenScale,
    /// More than this is not tried for now.
    most: Option<usize>,
}

impl LearnedWindow {
    /// The largest guess that fits, where the settings speak of so many tokens.
    pub fn room(self, tokens: usize) -> usize {
        let fitting = self.scale.fitting(tokens);
        self.most.map_or(fitting, |most| most.min(fitting))
    }

    /// A request that was guessed at `estimated` tokens was answered, and counted as `counted`. What
    /// was once too much is tried again, little by little: the server may have meant something else.
    pub fn answered(&mut self, estimated: usize, counted: u64) {
        self.scale.observe(estimated, counted);
        self.most = self.most.map(|most| {
            if estimated >= most / 4 * 3 {
                most.saturating_add(most / 4)
            } else {
                most
            }
        });
    }

    /// The same was too long: half of it is tried next.
    pub fn refused(&mut self, estimated: usize) {
        let half = estimated / 2;
        self.most = Some(self.most.map_or(half, |most| most.min(half)));
    }
}

/// What part of its window a model's answer gets where its settings do not say: four thousand
/// tokens, and of a small window a quarter.
pub fn answer_room(window: usize) -> usize {
    (window / 4).min(4096)
}

#[cfg(test)]
mod tests {
    use super::{LearnedWindow, TokenScale, answer_room};

    #[test]
    fn what_was_too_long_is_not_tried_again_at_once() {
        let mut window = LearnedWindow::default();
        assert_eq!(window.room(10_000), 10_000);
        window.refused(8000);
        assert_eq!(window.room(10_000), 4000);
        window.refused(4000);
        window.refused(9000);
        assert_eq!(window.room(10_000), 2000, "the smallest counts");
        window.answered(1400, 1400);
        assert_eq!(window.room(10_000), 2000, "a small one says nothing");
        window.answered(1600, 1500);
        assert_eq!(window.room(10_000), 2500);
        for _ in 0..9 {
            window.answered(9999, 9000);
        }
        assert!(window.room(10_000) > 9000, "{window:?}");
        assert_eq!([8000, 128_000].map(answer_room), [2000, 4096]);
    }

    #[test]
    fn counts_move_the_scale_cautiously_and_within_bounds() {
        let mut scale = TokenScale::default();
        assert_eq!(scale.fitting(1000), 1000);
        for nothing in [(499, 9000), (9000, 0)] {
            scale.observe(nothing.0, nothing.1);
            assert_eq!(scale, TokenScale::default());
        }
        scale.observe(1000, 2000);
        assert_eq!(scale.fitting(2100), 1000, "at once, with a margin");
        scale.observe(1000, 700);
        let after_one = scale.fitting(1000);
        assert!(
            (500..600).contains(&after_one),
            "little by little: {after_one}"
        );
        for _ in 0..99 {
            scale.observe(1000, 700);
        }
        assert_eq!(scale.fitting(735), 1000);
        for (counted, fitting) in [(1, 2000), (u64::MAX, 333)] {
            for _ in 0..99 {
                scale.observe(1000, counted);
            }
            assert_eq!(scale.fitting(1000), fitting);
        }
    }
}
