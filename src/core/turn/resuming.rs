//! Going on with a turn: after a restart, and at the person's word.

use super::{Ending, Fed, StopReason, Turn};

/// A turn that was taken up this often without getting any further is given up: it may be what
/// ends the process.
const MOST_RESUMES: u32 = 3;

impl Turn {
    pub(super) fn take_resume(&mut self) -> Fed {
        self.resumes += 1;
        if self.resumes > MOST_RESUMES {
            self.ending = Some(Ending::Stopped {
                reason: StopReason::Crashes,
            });
        }
        Fed::Taken
    }

    pub(super) fn take_reopening(&mut self) -> Fed {
        self.earlier_rounds = self.rounds.len();
        self.resumes = 0;
        self.ending = None;
        self.forget_open_questions();
        Fed::Taken
    }

    /// Whether it has ended only since it took so many steps, or was taken up so often: nothing is in the way of more.
    pub(super) fn is_at_its_limit(&self) -> bool {
        let limits = [StopReason::StepLimit, StopReason::Crashes];
        matches!(&self.ending, Some(Ending::Stopped { reason }) if limits.contains(reason))
    }
}
