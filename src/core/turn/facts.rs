//! What can happen in a turn, and how one can end.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::core::approval::{Decision, Fingerprint, Ruling};
use crate::core::ids::CallId;
use crate::core::label::Labels;
use crate::core::media::{Artifact, ReceivedFile};
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
    /// The attachments of the message were read, as far as they can be.
    FilesRead {
        /// What became of each, in order.
        files: Vec<ReceivedFile>,
        /// Where their content comes from.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
        /// What the person is told, where nothing is left for a model to answer.
        answer: Option<String>,
    },
    /// The model gave no answer, for good.
    ModelFailed {
        /// Why.
        error: ModelError,
    },
    /// The rules were asked about a call. Of the calls that may run this need not be journalled:
    /// after a restart the rules are asked again.
    Judged {
        /// Which call.
        call: CallId,
        /// What they said.
        ruling: Ruling,
        /// When.
        at: DateTime<Utc>,
    },
    /// A person was asked about a call.
    Asked {
        /// Which call.
        call: CallId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The question about a call has ended.
    Decided {
        /// Which call.
        call: CallId,
        /// What exactly was decided about.
        fingerprint: Fingerprint,
        /// How.
        decision: Decision,
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
    /// A tool put a file before the model; its result follows.
    Inserted {
        /// Which call.
        call: CallId,
        /// The file.
        artifact: Artifact,
    },
    /// The process had ended in the middle, and the turn was taken up again.
    Resumed,
    /// The person wants the turn to go on. It may take as many steps again.
    Reopened,
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
    /// It asked the person too often.
    TooManyCards,
    /// The person went on to something else while they were asked.
    Superseded,
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
