//! The tool that asks servers: one request through the guard, and an answer that a model can read.

mod charset;
pub mod config;
mod content;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use url::Url;

use self::config::{HttpClientConfig, ResponseProcessing};
use self::content::{Content, recognize};
use self::request::Arguments;
use super::page::PageReader;
use super::typed::{TypedTool, failure};
use super::{Family, tool};
use crate::core::action::Action;
use crate::core::egress::{BodyEnding, FetchError, Fetched, Fetcher, parse_url};
use crate::core::files::{FileContent, FileError, SavedFile, WorkspaceId, Workspaces};
use crate::core::label::{Labels, Source};
use crate::core::tool::{
    ErrorCode, SchemaStrictness, ToolContext, ToolEffect, ToolOutcome, ToolResult,
};

/// Where answers are saved in the workspace.
const DOWNLOADS: &str = "downloads";
/// The headers of an answer that say something to a model.
const SHOWN_HEADERS: [&str; 12] = [
    "allow",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-length",
    "date",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-robots-tag",
];
/// Of a header's value, in characters.
const HEADER_CHARS: usize = 300;

/// The family, over the guard and, where files are kept, the workspaces.
pub fn family(
    web: Arc<dyn Fetcher>,
    files: Option<Arc<dyn Workspaces>>,
    config: &HttpClientConfig,
) -> Family {
    Family {
        ability: "Pages and interfaces on the web, by address",
        tools: vec![tool(HttpRequest {
            web,
            files,
            config: config.clone(),
            pages: PageReader::default(),
        })],
    }
}

#[derive(Debug)]
struct HttpRequest {
    web: Arc<dyn Fetcher>,
    files: Option<Arc<dyn Workspaces>>,
    config: HttpClientConfig,
    pages: PageReader,
}

#[async_trait]
impl TypedTool for HttpRequest {
    const NAME: &'static str = "http_request";
    const TEXTS: &'static str = include_str!("../../../../prompts/tools/http.md");
    // Effects are told by tool, not by call, and some calls write: after a crash none is repeated.
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    const SCHEMA: SchemaStrictness = SchemaStrictness::Loose;
    type Arguments = Arguments;

    async fn action(&self, _context: &ToolContext, arguments: Arguments) -> Action {
        match parse_url(&arguments.url) {
            Ok(url) => Action::Fetch {
                url,
                plain: arguments.plainness(),
            },
            // It will be refused.
            Err(_) => Action::Inside,
        }
    }

    async fn run(&self, context: &ToolContext, mut arguments: Arguments) -> ToolOutcome {
        let save_as = arguments.save_as.take().filter(|name| !name.is_empty());
        if save_as.is_some() && self.files.is_none() {
            return failure(
                ErrorCode::Unavailable,
                "no files are kept here; leave save_as out",
            );
        }
        let request = match arguments.request(&self.config) {
            Ok(request) => request,
            Err((code, message)) => return failure(code, message),
        };
        let answer = match self.web.fetch(request).await {
            Ok(answer) => answer,
            Err(error) => return refused(&error),
        };
        let labels = labels_of(&answer.url);
        let saved = match (save_as, &self.files) {
            (Some(name), Some(files)) => match save(&**files, context, &name, &answer).await {
                Ok(saved) => Some(saved),
                Err(error) => return not_saved(&error),
            },
            _ => None,
        };
        let result = self.result(answer, saved).await;
        ToolOutcome::Outside {
            result: ToolResult::ok(result),
            labels,
        }
    }
}

impl HttpRequest {
    async fn result(&self, answer: Fetched, saved: Option<SavedFile>) -> Value {
        let content_type = answer.header("content-type").unwrap_or_default().to_owned();
        let (text, processor) = self.readable(&answer, &content_type, saved.is_some()).await;
        let tidy = self.config.normalize_whitespace && !matches!(processor, "json" | "none");
        let text = if tidy { normalized(&text) } else { text };
        let (body, cut) = first_chars(&text, self.config.max_chars.get() as usize);
        let mut result = json!({
            "status": answer.status,
            "url": answer.url.as_str(),
            "headers": shown_headers(&answer),
            "content_type": first_chars(&content_type, HEADER_CHARS).0,
            "body": body,
            "truncated": cut || answer.ending != BodyEnding::Whole,
            "processor_used": processor,
        });
        if let (Some(saved), Some(object)) = (saved, result.as_object_mut()) {
            let saved = json!({ "path": saved.path.as_str(), "size_bytes": saved.size_bytes });
            object.insert("saved".to_owned(), saved);
        }
        result
    }

    /// The body in words, and what made them.
    async fn readable(
        &self,
        answer: &Fetched,
        content_type: &str,
        is_saved: bool,
    ) -> (String, &'static str) {
        let content = recognize(&answer.body, content_type);
        match content {
            Content::Binary(kind) => (self.described(&kind, answer, is_saved), "binary"),
            Content::Html(text) | Content::Json(text) | Content::Text(text)
                if self.config.response_processing_mode == ResponseProcessing::None =>
            {
                (text, "none")
            }
            Content::Json(text) => (text, "json"),
            Content::Text(text) => (text, "text"),
            Content::Html(text) => match self.pages.markdown(text, answer.url.clone()).await {
                Ok(markdown) => (markdown, "html_to_markdown"),
                Err(error) => (format!("({error})"), "html_to_markdown"),
            },
        }
    }

    fn described(&self, kind: &str, answer: &Fetched, is_saved: bool) -> String {
        let size = answer.body.len();
        let more = match answer.ending {
            BodyEnding::Whole => "",
            BodyEnding::Limit | BodyEnding::BrokenOff => " or more",
        };
        let hint = if self.files.is_some() && !is_saved {
            "; give save_as to keep it as a file"
        } else {
            ""
        };
        format!("(not text: {kind}, {size} bytes{more}{hint})")
    }
}

/// Of whom the content is.
fn labels_of(url: &Url) -> Labels {
    let host = url.host_str().unwrap_or_default().to_owned();
    Labels::of(Source::Web { host })
}

fn refused(error: &FetchError) -> ToolOutcome {
    let code = match error {
        FetchError::Refused(_) => ErrorCode::EgressRefused,
        FetchError::Timeout(_) => ErrorCode::Timeout,
        FetchError::Bomb => ErrorCode::TooLarge,
        FetchError::UnknownHost => ErrorCode::NotFound,
        FetchError::TooManyRedirects(_) | FetchError::Failed(_) => ErrorCode::Failed,
    };
    let prefix = match code {
        ErrorCode::EgressRefused => "refused: ",
        ErrorCode::NotFound => "not found: ",
        _ => "",
    };
    failure(code, format!("{prefix}{error}"))
}

async fn save(
    files: &dyn Workspaces,
    context: &ToolContext,
    name: &str,
    answer: &Fetched,
) -> Result<SavedFile, FileError> {
    if answer.ending != BodyEnding::Whole {
        let message = "the answer did not come whole, so it was not saved".to_owned();
        return Err(FileError::TooLarge(message));
    }
    let content = FileContent {
        bytes: answer.body.clone(),
        labels: labels_of(&answer.url),
    };
    let workspace = WorkspaceId::of(&context.target);
    files.save_new(&workspace, DOWNLOADS, name, content).await
}

fn not_saved(error: &FileError) -> ToolOutcome {
    let code = match error {
        FileError::BadPath(_) => ErrorCode::BadArguments,
        FileError::TooLarge(_) => ErrorCode::TooLarge,
        _ => ErrorCode::Failed,
    };
    failure(code, error)
}

fn shown_headers(answer: &Fetched) -> Map<String, Value> {
    SHOWN_HEADERS
        .iter()
        .filter_map(|name| {
            let value = answer.header(name)?;
            Some((
                (*name).to_owned(),
                first_chars(value, HEADER_CHARS).0.into(),
            ))
        })
        .collect()
}

/// Never two blanks or two empty lines in a row. Indentation stays, and so does code in fences.
fn normalized(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut in_code = false;
    for line in text.lines().map(str::trim_end) {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        let follows_empty = lines.last().is_none_or(String::is_empty);
        if line.is_empty() && follows_empty && !in_code {
            continue;
        }
        if in_code || is_fence {
            lines.push(line.to_owned());
        } else {
            let words = line.trim_start();
            let indent = &line[..line.len() - words.len()];
            let words: Vec<&str> = words.split_whitespace().collect();
            lines.push(format!("{indent}{}", words.join(" ")));
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// The beginning of a text, and whether there is more.
fn first_chars(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}
