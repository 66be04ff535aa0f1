//! What of the attachments of a message is read at all: decided before anything is downloaded.

use super::attachment::{Attachment, AttachmentKind, FileVersion};
use super::received::Refusal;

/// The limits on what people send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaLimits {
    /// Whether attachments are read.
    pub switch: MediaSwitch,
    /// The largest photo, in bytes.
    pub photo_bytes: u64,
    /// The largest file of another kind, in bytes.
    pub document_bytes: u64,
    /// All files of a message together, in bytes.
    pub total_bytes: u64,
    /// Files of a message.
    pub count: u32,
    /// The MIME types of documents that are read, such as `image/*`; empty lets all in.
    pub document_types: Vec<String>,
    /// The longest recording that is listened to, in seconds; `None` when none is.
    pub recording_seconds: Option<u64>,
}

/// Whether attachments are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaSwitch {
    /// They are.
    On,
    /// Only words are.
    Off,
}

/// What happens to an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is downloaded.
    Take {
        /// This version of it.
        version: FileVersion,
        /// More bytes than this are not taken, whatever was claimed. What the files before it
        /// leave of the room of a message turns out when they are fetched.
        most_bytes: u64,
    },
    /// It is left where it is.
    Refuse(Refusal),
}

impl MediaLimits {
    /// What happens to each attachment of a message, in order. `channel_bytes` is the most that
    /// their channel hands out.
    pub fn judge<'a>(
        &self,
        attachments: impl Iterator<Item = &'a Attachment>,
        channel_bytes: Option<u64>,
    ) -> Vec<Verdict> {
        let mut judged = Vec::new();
        let (mut taken, mut left) = (0, self.total_bytes);
        for attachment in attachments {
            let verdict = self.judge_one(attachment, (taken, left), channel_bytes);
            if let Verdict::Take { version, .. } = &verdict {
                taken += 1;
                left = left.saturating_sub(version.size_bytes.unwrap_or(0));
            }
            judged.push(verdict);
        }
        judged
    }

    fn judge_one(
        &self,
        attachment: &Attachment,
        (taken, left): (u32, u64),
        channel_bytes: Option<u64>,
    ) -> Verdict {
        if self.switch == MediaSwitch::Off {
            return Verdict::Refuse(Refusal::SwitchedOff);
        }
        if !attachment.kind.is_read() || !attachment.has_file() {
            return Verdict::Refuse(Refusal::Unseen);
        }
        if taken >= self.count {
            return Verdict::Refuse(Refusal::TooMany { limit: self.count });
        }
        if let Some(refusal) = self.refused_kind(attachment) {
            return Verdict::Refuse(refusal);
        }
        let own = self.largest(attachment.kind);
        let limit = channel_bytes.map_or(own, |channel| channel.min(own));
        let Some(version) = attachment.within(limit) else {
            let size = attachment.file.size_bytes.unwrap_or_default();
            return Verdict::Refuse(match channel_bytes {
                Some(channel) if channel < own => Refusal::ChannelTooLarge { size, limit },
                _ => Refusal::TooLarge { size, limit },
            });
        };
        if left == 0 || version.size_bytes.is_some_and(|size| size > left) {
            return Verdict::Refuse(Refusal::TotalTooLarge {
                limit: self.total_bytes,
            });
        }
        Verdict::Take {
            version: version.clone(),
            most_bytes: limit,
        }
    }

    fn refused_kind(&self, attachment: &Attachment) -> Option<Refusal> {
        if attachment.kind == AttachmentKind::Document
            && let Some(claimed) = &attachment.mime
        {
            return self.refused_type(claimed);
        }
        if !attachment.kind.is_sound() {
            return None;
        }
        let Some(limit) = self.recording_seconds else {
            return Some(Refusal::NotHeard);
        };
        let seconds = u64::from(attachment.duration_seconds.unwrap_or_default());
        (seconds > limit).then_some(Refusal::TooLong { seconds, limit })
    }

    fn largest(&self, kind: AttachmentKind) -> u64 {
        match kind {
            AttachmentKind::Picture | AttachmentKind::Sticker => self.photo_bytes,
            _ => self.document_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::FileRef;

    fn limits() -> MediaLimits {
        MediaLimits {
            switch: MediaSwitch::On,
            photo_bytes: 500,
            document_bytes: 1_000,
            total_bytes: 1_200,
            count: 3,
            document_types: Vec::new(),
            recording_seconds: Some(60),
        }
    }

    fn version(id: &str, size: Option<u64>) -> FileVersion {
        FileVersion {
            id: FileRef::new(id),
            size_bytes: size,
            width: None,
            height: None,
        }
    }

    fn attachment(kind: AttachmentKind, size: Option<u64>) -> Attachment {
        Attachment {
            kind,
            file: version("large", size),
            smaller: Vec::new(),
            name: None,
            mime: None,
            duration_seconds: Some(10),
        }
    }

    /// Limits, attachments, what the channel hands out, and what becomes of each.
    type Case<'a> = (&'a MediaLimits, Vec<Attachment>, Option<u64>, Vec<&'a str>);

    fn words(
        limits: &MediaLimits,
        attachments: &[Attachment],
        channel: Option<u64>,
    ) -> Vec<String> {
        let judged = limits.judge(attachments.iter(), channel);
        judged
            .into_iter()
            .map(|verdict| match verdict {
                Verdict::Take {
                    version,
                    most_bytes,
                } => format!("{} {most_bytes}", version.id),
                Verdict::Refuse(refusal) => format!("{refusal:?}"),
            })
            .collect()
    }

    #[test]
    fn every_limit_is_checked_before_a_byte_is_fetched() {
        use AttachmentKind::{Document, Picture, Sticker, Video, Voice};
        let plain = limits();
        let off = MediaLimits {
            switch: MediaSwitch::Off,
            ..limits()
        };
        let deaf = MediaLimits {
            recording_seconds: None,
            ..limits()
        };
        let pdfs = MediaLimits {
            document_types: vec!["application/pdf".into(), "image/*".into()],
            ..limits()
        };
        let long = Attachment {
            duration_seconds: Some(61),
            ..attachment(Voice, Some(10))
        };
        let typed = |mime: &str| Attachment {
            mime: Some(mime.into()),
            ..attachment(Document, Some(10))
        };
        let one = |kind, size| vec![attachment(kind, size)];
        let cases: Vec<Case<'_>> = vec![
            (&plain, one(Picture, Some(500)), None, vec!["large 500"]),
            (
                &plain,
                one(Picture, Some(501)),
                None,
                vec!["TooLarge { size: 501, limit: 500 }"],
            ),
            (&plain, one(Document, Some(501)), None, vec!["large 1000"]),
            (&plain, one(Document, None), None, vec!["large 1000"]),
            (
                &plain,
                one(Document, Some(900)),
                Some(800),
                vec!["ChannelTooLarge { size: 900, limit: 800 }"],
            ),
            (&plain, one(Document, None), Some(800), vec!["large 800"]),
            (&off, one(Picture, Some(1)), None, vec!["SwitchedOff"]),
            (&plain, one(Video, Some(1)), None, vec!["Unseen"]),
            (
                &plain,
                vec![Attachment {
                    file: version("", None),
                    ..attachment(Sticker, None)
                }],
                None,
                vec!["Unseen"],
            ),
            (&deaf, one(Voice, Some(1)), None, vec!["NotHeard"]),
            (
                &plain,
                vec![long],
                None,
                vec!["TooLong { seconds: 61, limit: 60 }"],
            ),
            (
                &pdfs,
                vec![typed("IMAGE/png; x=1"), typed("application/pdf")],
                None,
                vec!["large 1000", "large 1000"],
            ),
            (
                &pdfs,
                vec![typed("application/zip")],
                None,
                vec![
                    "WrongType { mime: \"application/zip\", allowed: [\"application/pdf\", \"image/*\"] }",
                ],
            ),
            (
                &plain,
                [
                    one(Document, Some(1_000)),
                    one(Picture, Some(300)),
                    one(Picture, Some(200)),
                ]
                .concat(),
                None,
                vec!["large 1000", "TotalTooLarge { limit: 1200 }", "large 500"],
            ),
            (
                &plain,
                vec![attachment(Picture, Some(1)); 5],
                None,
                vec![
                    "large 500",
                    "large 500",
                    "large 500",
                    "TooMany { limit: 3 }",
                    "TooMany { limit: 3 }",
                ],
            ),
        ];
        for (limits, attachments, channel, expected) in cases {
            assert_eq!(
                words(limits, &attachments, channel),
                expected,
                "{attachments:?}"
            );
        }
    }

    #[test]
    fn the_largest_version_within_the_limit_is_taken() {
        let mut photo = attachment(AttachmentKind::Picture, Some(900));
        photo.smaller = vec![version("medium", Some(400)), version("small", Some(100))];
        assert_eq!(words(&limits(), &[photo], None), ["medium 500"]);
    }
}
