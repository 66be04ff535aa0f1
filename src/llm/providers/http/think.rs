//! Leaves out the thoughts that some servers put before an answer, as `<think>…</think>`.

const OPENING: &str = "<think>";
const CLOSING: &str = "</think>";
/// Nobody begins with more blanks than that, in bytes.
const MOST_HELD: usize = 256;

/// Takes text piece by piece and gives back what is said aloud. Only what stands at the very start
/// is a thought: later on, the tags are part of the answer.
#[derive(Debug, Default)]
pub struct ThinkFilter {
    state: State,
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It may still begin with a thought; `held` is all that came.
    #[default]
    Undecided,
    /// Within a thought; `held` is what may be the beginning of its end.
    Thinking,
    /// After a thought, before the first letter of the answer.
    Waking,
    Speaking,
}

impl ThinkFilter {
    /// The part of `text`, and of what was held back before, that is said aloud.
    pub fn pass(&mut self, text: &str) -> String {
        if self.state == State::Speaking {
            return text.into();
        }
        self.held.push_str(text);
        if self.state == State::Undecided {
            let start = self.held.trim_start();
            if let Some(thought) = start.strip_prefix(OPENING) {
                self.held = thought.into();
                self.state = State::Thinking;
            } else if OPENING.starts_with(start) && self.held.len() <= MOST_HELD {
                return String::new();
            } else {
                self.state = State::Speaking;
            }
        }
        if self.state == State::Thinking {
            match self.held.find(CLOSING) {
                Some(end) => {
                    self.held.drain(..end + CLOSING.len());
                    self.state = State::Waking;
                }
                None => self.forget_all_but_the_end(),
            }
        }
        if self.state == State::Waking {
            let spaces = self.held.len() - self.held.trim_start().len();
            self.held.drain(..spaces);
            if !self.held.is_empty() {
                self.state = State::Speaking;
            }
        }
        if self.state == State::Speaking {
            std::mem::take(&mut self.held)
        } else {
            String::new()
        }
    }

    /// The text is over: what was held back in doubt.
    pub fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if self.state == State::Undecided {
            held
        } else {
            String::new()
        }
    }

    fn forget_all_but_the_end(&mut self) {
        let mut cut = self.held.len().saturating_sub(CLOSING.len() - 1);
        while !self.held.is_char_boundary(cut) {
            cut += 1;
        }
        self.held.drain(..cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(text: &str, size: usize) -> String {
        let mut filter = ThinkFilter::default();
        let letters: Vec<char> = text.chars().collect();
        let mut said = String::new();
        for piece in letters.chunks(size) {
            said.push_str(&filter.pass(&piece.iter().collect::<String>()));
        }
        said + &filter.finish()
    }

    #[test]
    fn thoughts_at_the_start_are_left_out_however_the_text_is_cut() {
        let cases = [
            ("", ""),
            ("hello", "hello"),
            ("<", "<"),
            ("<thin", "<thin"),
            ("<thinner> it is", "<thinner> it is"),
            ("<think>a</think>b", "b"),
            ("\n <think>\né😀 < </thin </think>\n\n b ", "b "),
            ("<think></think>b", "b"),
            ("<think>never ends", ""),
            ("<think>a</think>", ""),
            ("b <think>a</think>", "b <think>a</think>"),
            ("<think>a</think>b <think>c</think>", "b <think>c</think>"),
            ("  b", "  b"),
        ];
        for (text, expected) in cases {
            for size in [1, 2, 5, 100] {
                assert_eq!(
                    filtered(text, size),
                    expected,
                    "{text:?} in pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn what_is_held_back_is_little() {
        let mut filter = ThinkFilter::default();
        filter.pass("<think>");
        for _ in 0..1000 {
            filter.pass(&"x".repeat(1000));
        }
        assert!(filter.held.len() < 100);
        let blanks = " ".repeat(MOST_HELD + 1);
        assert_eq!(ThinkFilter::default().pass(&blanks), blanks);
    }
}
