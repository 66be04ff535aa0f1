//! Which files a server shows its model, by what it has refused before, and the words that stand in
//! place of the others.

use super::learned;
use crate::core::media::Part;
use crate::core::model::ModelRequest;

/// The kinds of files that a server takes; all of them, until it refuses one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sight {
    pictures: Shown,
    pdfs: Shown,
}

/// Which parts a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    any: bool,
    pictures: bool,
    pdfs: bool,
}

impl Sent {
    /// Those of a request.
    pub fn with(request: &ModelRequest) -> Self {
        let has = |is_one: fn(&Part) -> bool| request.attached.iter().any(|one| is_one(&one.part));
        Self {
            any: has(|_| true),
            pictures: has(|part| matches!(part, Part::Picture { .. })),
            pdfs: has(|part| matches!(part, Part::Pdf { .. })),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    AsTheyAre,
    /// The model reads that there was one, and tells the person.
    InWords,
}

/// As said by OpenAI, OpenRouter, Ollama, llama.cpp, vLLM and DeepSeek. Not what is said of a
/// picture's form or size: another one may be fine.
const NO_PICTURES: [&str; 15] = [
    "support image input",
    "not support images",
    "images are not supported",
    "image input is not supported",
    "missing data required for image input",
    "not a multimodal model",
    "text-only",
    "does not support vision",
    "image_url is only supported by certain models",
    "image_url is not supported",
    "input_image is not supported",
    "unknown variant `image_url`",
    "part type: 'image_url'",
    "part type: image_url",
    "unknown part type: image",
];

const NO_PDFS: [&str; 13] = [
    "support file input",
    "not support files",
    "not support pdf",
    "file input is not supported",
    "input_file is not supported",
    "unknown variant `file`",
    "unknown variant `input_file`",
    "part type: 'file'",
    "part type: file",
    "part type: 'input_file'",
    "invalid value: 'file'",
    "invalid value: 'input_file'",
    "unsupported content[].type",
];

/// Servers that know nothing but text.
const NO_PARTS: [&str; 3] = [
    "content must be a string",
    "allowed values: ['text']",
    "list[textcontentpart]",
];

impl Sight {
    /// Before any refusal.
    pub const ALL: Self = Self {
        pictures: Shown::AsTheyAre,
        pdfs: Shown::AsTheyAre,
    };

    /// What is known after a refusal, whose words come in small letters. They say nothing of what was
    /// not sent: a server may repeat what a person wrote.
    pub fn after(mut self, said: &str, sent: Sent) -> Self {
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
        let no_parts = sent.any && says(&NO_PARTS);
        if no_parts || (sent.pictures && says(&NO_PICTURES)) {
            self.pictures = Shown::InWords;
        }
        if no_parts || (sent.pdfs && says(&NO_PDFS)) {
            self.pdfs = Shown::InWords;
        }
        self
    }

    /// It, and what `after` knows more than `before`.
    #[must_use]
    pub fn learning(self, before: Self, after: Self) -> Self {
        Self {
            pictures: learned(self.pictures, before.pictures, after.pictures),
            pdfs: learned(self.pdfs, before.pdfs, after.pdfs),
        }
    }

    /// Whether anything was refused.
    pub fn is_limited(self) -> bool {
        self != Self::ALL
    }

    /// What stands in place of a part, if that is not sent as it is.
    pub fn instead(self, request: &ModelRequest, part: &Part) -> Option<String> {
        match part {
            Part::Picture { .. } if self.pictures == Shown::InWords => Some(
                "[There is a picture here that you cannot be shown: this model takes no pictures. \
                 Tell the person so.]"
                    .to_owned(),
            ),
            Part::Pdf {
                text, spare, name, ..
            } if self.pdfs == Shown::InWords => Some(match text.as_ref().or(spare.as_ref()) {
                Some(text) => request.enclosed(text),
                None => format!(
                    "[There is a PDF here, {name:?}, that you cannot be shown: this model takes no \
                     PDFs, and its text is not at hand. Tell the person so.]"
                ),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Sight = Sight::ALL;
    const EVERYTHING: Sent = Sent {
        any: true,
        pictures: true,
        pdfs: true,
    };
    const NO_PICTURE: Sight = Sight {
        pictures: Shown::InWords,
        ..ALL
    };
    const NO_PDF: Sight = Sight {
        pdfs: Shown::InWords,
        ..ALL
    };
    const WORDS: Sight = Sight {
        pictures: Shown::InWords,
        pdfs: Shown::InWords,
    };

    #[test]
    fn refusals_of_a_kind_are_told_from_those_of_one_file() {
        let cases = [
            ("no endpoints found that support image input", NO_PICTURE),
            ("this model does not support image input", NO_PICTURE),
            (
                "image input is not supported - hint: if this is unexpected, you may need to provide \
              the mmproj",
                NO_PICTURE,
            ),
            ("squirtle_instruct is not a multimodal model", NO_PICTURE),
            (
                "messages[0]: unknown variant `image_url`, expected `text`",
                NO_PICTURE,
            ),
            (
                "invalid content type. image_url is only supported by certain models.",
                NO_PICTURE,
            ),
            (
                "unsupported content part type for text-only server: image_url",
                NO_PICTURE,
            ),
            (
                "unsupported chat content part type: 'file'. supported types: text",
                NO_PDF,
            ),
            ("unknown part type: file", NO_PDF),
            ("unsupported content[].type", NO_PDF),
            (
                "invalid value: 'file'. supported values are: 'text', 'image_url'",
                NO_PDF,
            ),
            ("messages.1.content must be a string", WORDS),
            (
                "you uploaded an unsupported image. please make sure it is a png",
                ALL,
            ),
            ("could not process image", ALL),
            ("we support images of type png and files up to 10 mb", ALL),
            ("image exceeds 5 mb maximum", ALL),
            ("invalid file data", ALL),
            ("the model does not support tools", ALL),
        ];
        for (said, expected) in cases {
            assert_eq!(ALL.after(said, EVERYTHING), expected, "{said}");
            assert_eq!(expected.after(said, EVERYTHING), expected, "{said}");
            let words = Sent::with(&ModelRequest::default());
            assert_eq!(ALL.after(said, words), ALL, "nothing was sent: {said}");
        }
    }
}
