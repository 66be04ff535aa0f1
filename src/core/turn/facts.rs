//! What can happen in a turn, and how one can end.

use serde::{Deserialize, Serialize};

use crate::core::ids::CallId;
use crate::core::label::Labels;
use crate::core::model::{FinishReason, ModelError, ModelReply};
use crate::core::tool::ToolResult;

/// Something that happened. A row of `turn_facts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// The model answered.
    ModelReplied {
        /// What.
        reply: ModelReply,
    },
    /// The model gave no answer, for good.
    ModelFailed {
        /// Why.
        error: ModelError,
    },
    /// A tool that touches something outside is about to run.
    ToolStarted {
        /// Which call.
        call: CallId,
    },
    /// A tool answered.
    ToolFinished {
        /// Which call.
        call: CallId,
        /// What.
        result: ToolResult,
        /// Where its content comes from.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// The process had ended in the middle, and the turn was taken up again.
    Resumed,
    /// The turn was ended from outside.
    Stopped {
        /// Why.
        reason: StopReason,
    },
}

/// Why a turn ended before its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The person said so.
    Person,
    /// It took too long.
    Deadline,
    /// It asked the model too often.
    StepLimit,
    /// The process ended again and again while it ran.
    Crashes,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With an answer.
    Answered {
        /// The words; may be empty.
        text: String,
        /// Why the model stopped there.
        finish: FinishReason,
    },
    /// Without one, because no model gave any.
    Failed {
        /// Why.
        error: ModelError,
    },
    /// From outside, or by a limit.
    Stopped {
        /// Why.
        reason: StopReason,
    },
}
