//! Pictures, files and documents in the form of chat completions.

use async_openai::types::chat::{
    ChatCompletionRequestMessage, ChatCompletionRequestMessageContentPartFile,
    ChatCompletionRequestMessageContentPartImage, ChatCompletionRequestMessageContentPartText,
    ChatCompletionRequestUserMessage, ChatCompletionRequestUserMessageContent,
    ChatCompletionRequestUserMessageContentPart as ContentPart, FileObject, ImageUrl,
};

use super::request::user;
use crate::core::media::{Part, Place};
use crate::core::model::ModelRequest;
use crate::llm::providers::http::Pdfs;
use crate::llm::providers::http::body::Files;
use crate::llm::providers::http::sight::Sight;

/// Writes the messages of a person into a body.
pub(super) struct Writer<'a> {
    pub(super) files: &'a mut Files,
    pub(super) pdfs: Pdfs,
    pub(super) sight: Sight,
}

impl Writer<'_> {
    /// The words, unchanged, and what comes with them.
    pub(super) fn user(
        &mut self,
        request: &ModelRequest,
        text: &str,
        place: Place,
    ) -> ChatCompletionRequestMessage {
        let parts = request.parts_at(place);
        let mut content: Vec<ContentPart> = parts.map(|part| self.part(request, part)).collect();
        if content.is_empty() {
            return user(text);
        }
        if !text.is_empty() {
            content.insert(0, words(text));
        }
        if self.sight.is_limited()
            && let Some(text) = all_words(&content)
        {
            return user(&text);
        }
        ChatCompletionRequestMessage::User(ChatCompletionRequestUserMessage {
            content: ChatCompletionRequestUserMessageContent::Array(content),
            name: None,
        })
    }

    fn part(&mut self, request: &ModelRequest, part: &Part) -> ContentPart {
        if let Some(text) = self.sight.instead(request, part) {
            return words(&text);
        }
        match part {
            Part::Text(text) => words(text),
            Part::Document(document) => words(&request.enclosed(document)),
            Part::Picture { mime, content } => {
                ContentPart::ImageUrl(ChatCompletionRequestMessageContentPartImage {
                    image_url: ImageUrl {
                        url: self.files.data_url(mime, content),
                        detail: None,
                    },
                    prompt_cache_breakpoint: None,
                })
            }
            Part::Pdf {
                text: Some(text), ..
            } if self.pdfs == Pdfs::AsText => words(&request.enclosed(text)),
            Part::Pdf { name, content, .. } => {
                ContentPart::File(ChatCompletionRequestMessageContentPartFile {
                    file: FileObject {
                        file_data: Some(self.files.data_url("application/pdf", content)),
                        file_id: None,
                        filename: Some(name.clone()),
                    },
                    prompt_cache_breakpoint: None,
                })
            }
        }
    }
}

/// The words as one text, if there is nothing else: servers that know no pictures may know no parts.
fn all_words(content: &[ContentPart]) -> Option<String> {
    let texts = content.iter().map(|part| match part {
        ContentPart::Text(part) => Some(part.text.as_str()),
        _ => None,
    });
    let texts: Option<Vec<&str>> = texts.collect();
    texts.map(|texts| texts.join("\n\n"))
}

fn words(text: &str) -> ContentPart {
    ContentPart::Text(ChatCompletionRequestMessageContentPartText {
        text: text.to_owned(),
        prompt_cache_breakpoint: None,
    })
}
