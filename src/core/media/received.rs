//! What became of the attachments of a message: for the journal, the person, the model, and the
//! conversation.

use serde::{Deserialize, Serialize};

use super::attachment::{Attachment, AttachmentKind};
use crate::core::label::{Labels, Source};
use crate::core::units::ByteCount;

/// What became of one attachment. A part of a fact of the turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedFile {
    /// What it was.
    pub kind: AttachmentKind,
    /// Its name as shown.
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub origin: FileOrigin,
    /// Where in the workspace it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why it could not be kept where it should have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_kept: Option<NotKept>,
    /// What became of it.
    pub outcome: FileOutcome,
}

/// A file that could not be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotKept {
    /// Why, in words for a person and the model.
    pub why: String,
    /// For how long it should have been kept.
    pub term: Term,
}

/// For how long a file is kept that somebody sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// Until it is deleted.
    ForGood,
    /// For a day, so that tools can work on it.
    ForADay,
}

/// On which message a file hangs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOrigin {
    /// On the person's message.
    #[default]
    Own,
    /// On a message of somebody else that the person passed on.
    Forwarded,
    /// On the message that it replies to.
    Quoted,
    /// On a message of the bot that it replies to or passes on.
    Ours,
}

impl FileOrigin {
    /// Whose words stand in a file of this name. What the bot sent was written by a model, so an address in
    /// it need not stand anywhere outside.
    pub fn labels(self, name: String) -> Labels {
        let labels = Labels::of(Source::Document { name });
        match self {
            Self::Ours => labels.rewritten(),
            Self::Own | Self::Forwarded | Self::Quoted => labels,
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum FileOutcome {
    /// The model is given it, or what can be read of it.
    Read,
    /// It was listened to.
    Heard {
        /// What was said.
        text: String,
    },
    /// Nobody here can read it; it is kept, and tools may.
    Kept {
        /// Why.
        why: Refusal,
    },
    /// It was not read.
    Refused {
        /// Why.
        why: Refusal,
    },
}

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Refusal {
    /// No attachments are read.
    SwitchedOff,
    /// It is larger than allowed.
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is larger than its channel hands out to bots.
    ChannelTooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// With the files before it, it is more than a message may have.
    TotalTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A message may have fewer files.
    TooMany {
        /// The limit.
        limit: u32,
    },
    /// Its type is not allowed.
    WrongType {
        /// The type.
        mime: String,
        /// Those that are.
        allowed: Vec<String>,
    },
    /// It plays too long.
    TooLong {
        /// Its length in seconds.
        seconds: u64,
        /// The limit in seconds.
        limit: u64,
    },
    /// There is nothing in it that can be looked at here.
    Unseen,
    /// Recordings are not listened to.
    NotHeard,
    /// Nothing was said in it.
    Silent,
    /// It did not come through.
    NotFetched {
        /// What happened, in words for a person.
        detail: String,
    },
    /// It came through, and nobody here can read it.
    Unreadable {
        /// Why, in words for a person.
        detail: String,
    },
}

impl ReceivedFile {
    /// What became of `attachment`.
    pub fn of(attachment: &Attachment, origin: FileOrigin, outcome: FileOutcome) -> Self {
        Self {
            kind: attachment.kind,
            name: attachment.shown_name(),
            origin,
            path: None,
            not_kept: None,
            outcome,
        }
    }

    /// Whose words its name is: whoever made the file chose it.
    pub fn name_labels(&self) -> Labels {
        if self.is_unnamed() {
            return Labels::default();
        }
        self.labels()
    }

    /// Whose words the remark about it repeats: those of its name, and of the type that it claims.
    pub fn remark_labels(&self) -> Labels {
        match &self.outcome {
            FileOutcome::Refused {
                why: Refusal::WrongType { .. },
            } => self.labels(),
            _ => self.name_labels(),
        }
    }

    /// Whose words stand in it.
    pub fn labels(&self) -> Labels {
        self.origin.labels(self.name.clone())
    }

    fn is_unnamed(&self) -> bool {
        self.name == self.kind.describe()
    }

    /// What the person said in their own voice.
    pub fn spoken(&self) -> Option<&str> {
        match &self.outcome {
            FileOutcome::Heard { text }
                if self.origin == FileOrigin::Own && self.kind.is_spoken() =>
            {
                Some(text)
            }
            _ => None,
        }
    }

    /// What stays of it in the conversation: a mention, never its content.
    pub fn mention(&self) -> String {
        let what = match self.kind {
            AttachmentKind::Picture => "picture",
            kind => kind.noun(),
        };
        let mut words = vec![what.to_owned()];
        if !self.is_unnamed() {
            words[0] = format!("{what}: {}", self.name);
        }
        words.extend(self.path.iter().map(|path| format!("kept as {path}")));
        if matches!(
            self.outcome,
            FileOutcome::Refused { .. } | FileOutcome::Kept { .. }
        ) {
            words.push("not read".to_owned());
        }
        format!("[{}]", words.join(", "))
    }

    /// What the model is told about it, beside its content.
    pub fn remark(&self) -> String {
        let kept = match (&self.path, &self.not_kept) {
            (Some(path), _) => format!(" It is kept as {path}."),
            (None, Some(not)) => format!(" It is not kept: {}.", not.why),
            (None, None) => String::new(),
        };
        match &self.outcome {
            FileOutcome::Read => format!("The message comes with {}.{kept}", self.shown()),
            FileOutcome::Heard { .. } if self.kind == AttachmentKind::VideoNote => {
                format!(
                    "The message is the transcript of a video message; its pictures are not seen.{kept}"
                )
            }
            FileOutcome::Heard { .. } => {
                format!(
                    "The message holds the transcript of {}.{kept}",
                    self.shown()
                )
            }
            FileOutcome::Refused { why } | FileOutcome::Kept { why } => format!(
                "The message also has {}, which was not read: {}.{kept}",
                self.shown(),
                why.reason()
            ),
        }
    }

    fn shown(&self) -> String {
        if self.is_unnamed() {
            self.name.clone()
        } else {
            format!("{} ({})", self.kind.describe(), self.name)
        }
    }
}

impl Refusal {
    /// The reason, as the end of a sentence.
    pub fn reason(&self) -> String {
        let bytes = |bytes: &u64| ByteCount::new(*bytes).to_string();
        match self {
            Self::SwitchedOff => "files are switched off here (media_enabled)".to_owned(),
            Self::TooLarge { size: 0, limit } => {
                format!("it is larger than the limit of {}", bytes(limit))
            }
            Self::TooLarge { size, limit } => {
                format!("it has {}, and the limit is {}", bytes(size), bytes(limit))
            }
            Self::ChannelTooLarge { size: 0, limit } => {
                format!("Telegram hands files of at most {} to bots", bytes(limit))
            }
            Self::ChannelTooLarge { size, limit } => format!(
                "it has {}, and Telegram hands files of at most {} to bots",
                bytes(size),
                bytes(limit)
            ),
            Self::TotalTooLarge { limit } => {
                format!(
                    "the files of one message may have {} together",
                    bytes(limit)
                )
            }
            Self::TooMany { limit } => format!("a message may have at most {limit}"),
            Self::WrongType { mime, allowed } => format!(
                "files of the type `{mime}` are not allowed here, only {}",
                allowed.join(", ")
            ),
            Self::TooLong { seconds, limit } => {
                format!("it plays for {seconds} s, and the limit is {limit} s")
            }
            Self::Unseen => "I cannot look at things of this kind; describe it, or send a \
                             picture of it"
                .to_owned(),
            Self::NotHeard => "I cannot listen here; please write it instead, or switch on \
                               tools.audio_transcription"
                .to_owned(),
            Self::Silent => "no words were heard in it".to_owned(),
            Self::NotFetched { detail } | Self::Unreadable { detail } => detail.clone(),
        }
    }
}

/// What the person is told: what was heard, as a quote, and one line for each reason why files were
/// not read, or not kept although they should have been for good. `None` when there is nothing to say.
pub fn remarks_for_person(files: &[ReceivedFile]) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for file in files {
        if let FileOutcome::Heard { text } = &file.outcome {
            let lines: Vec<&str> = text.lines().collect();
            parts.push(format!("> 🎤 {}", lines.join("\n> ")));
        }
    }
    parts.extend(lines("read", files, |file| match &file.outcome {
        FileOutcome::Refused { why } => Some(why.reason()),
        _ => None,
    }));
    parts.extend(lines("keep", files, |file| {
        let not = file.not_kept.as_ref()?;
        (not.term == Term::ForGood).then(|| not.why.clone())
    }));
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// One line for each reason why something was not done.
fn lines(
    done: &str,
    files: &[ReceivedFile],
    why_not: impl Fn(&ReceivedFile) -> Option<String>,
) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&ReceivedFile>)> = Vec::new();
    for file in files {
        let Some(reason) = why_not(file) else {
            continue;
        };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, files)) => files.push(file),
            None => reasons.push((reason, vec![file])),
        }
    }
    let line = |(reason, files): (String, Vec<&ReceivedFile>)| match files[..] {
        [file] => format!("I did not {done} {}: {reason}.", plain(file)),
        _ => format!("I did not {done} {} of the files: {reason}.", files.len()),
    };
    reasons.into_iter().map(line).collect()
}

/// A name is not markup.
fn plain(file: &ReceivedFile) -> String {
    if file.is_unnamed() {
        format!("the {}", file.kind.noun())
    } else {
        format!("`{}`", file.name.replace('`', "'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, outcome: FileOutcome) -> ReceivedFile {
        ReceivedFile {
            kind: AttachmentKind::Document,
            name: name.to_owned(),
            origin: FileOrigin::Own,
            path: None,
            not_kept: None,
            outcome,
        }
    }

    #[test]
    fn the_person_reads_one_line_for_each_reason() {
        let too_many = || FileOutcome::Refused {
            why: Refusal::TooMany { limit: 1 },
        };
        let too_large = FileOutcome::Refused {
            why: Refusal::TooLarge {
                size: 25_000_000,
                limit: 10_000_000,
            },
        };
        let heard = FileOutcome::Heard {
            text: "buy milk\nand bread".to_owned(),
        };
        assert_eq!(remarks_for_person(&[file("a", FileOutcome::Read)]), None);
        assert_eq!(
            remarks_for_person(&[file("b`.zip", too_large)]).as_deref(),
            Some("I did not read `b'.zip`: it has 25.0 MB, and the limit is 10.0 MB.")
        );
        assert_eq!(
            remarks_for_person(&[
                file("a file", too_many()),
                file("c", too_many()),
                file("d", heard)
            ])
            .as_deref(),
            Some(
                "> 🎤 buy milk\n> and bread\n\nI did not read 2 of the files: a message may have at most 1."
            )
        );
    }

    #[test]
    fn what_should_have_been_kept_for_good_has_a_line() {
        let not_kept = |name, term| ReceivedFile {
            not_kept: Some(NotKept {
                why: "it is full".to_owned(),
                term,
            }),
            ..file(name, FileOutcome::Read)
        };
        let files = [not_kept("a", Term::ForGood), not_kept("b", Term::ForADay)];
        assert_eq!(
            remarks_for_person(&files).as_deref(),
            Some("I did not keep `a`: it is full.")
        );
        assert_eq!(remarks_for_person(&files[1..]), None);
        assert!(files[1].remark().ends_with("It is not kept: it is full."));
    }

    #[test]
    fn the_conversation_keeps_a_mention() {
        let mut kept = file("a.pdf", FileOutcome::Read);
        kept.path = Some("uploads/a.pdf".to_owned());
        assert_eq!(kept.mention(), "[file: a.pdf, kept as uploads/a.pdf]");
        let photo = ReceivedFile {
            kind: AttachmentKind::Picture,
            ..file("a photo", FileOutcome::Read)
        };
        assert_eq!(photo.mention(), "[picture]");
        let animation = ReceivedFile {
            kind: AttachmentKind::Animation,
            ..file(
                "an animation",
                FileOutcome::Refused {
                    why: Refusal::Unseen,
                },
            )
        };
        assert_eq!(animation.mention(), "[animation, not read]");
    }
}
