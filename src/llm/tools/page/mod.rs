//! Pages: HTML as Markdown that a model can read, with its links.

mod links;
mod prepare;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use htmd::HtmlToMarkdown;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use url::Url;

/// What is beyond it is not read: no page is worth more, in bytes.
const MAX_HTML: usize = 2 * 1024 * 1024;
/// Converting goes down the tree one call for each level.
const STACK: usize = 64 * 1024 * 1024;
/// Threads that convert, over all chats.
const MAX_AT_ONCE: usize = 2;
/// For one page, the wait for a thread included.
const TIME: Duration = Duration::from_secs(10);

/// Why a page could not be turned into Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PageError {
    /// It takes too long.
    #[error("the page is too tangled to be read")]
    TooSlow,
    /// The converter gave up.
    #[error("the page cannot be read")]
    Unreadable,
}

/// Turns pages into Markdown, on threads of its own.
#[derive(Debug, Clone)]
pub(super) struct PageReader {
    places: Arc<Semaphore>,
}

impl Default for PageReader {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }
}

impl PageReader {
    /// The Markdown of a page; its links are absolute, seen from `address`.
    ///
    /// # Errors
    /// When it takes too long, or cannot be done.
    pub(super) async fn markdown(&self, html: String, address: Url) -> Result<String, PageError> {
        timeout(TIME, self.convert(html, address))
            .await
            .unwrap_or(Err(PageError::TooSlow))
    }

    async fn convert(&self, html: String, address: Url) -> Result<String, PageError> {
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| PageError::Unreadable)?;
        let (done, converted) = oneshot::channel();
        thread::Builder::new()
            .name("page".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                // A thread cannot be broken off: its place stays taken until it ends by itself.
                let _place = place;
                let _ = done.send(markdown_of(&html, &address));
            })
            .map_err(|_| PageError::Unreadable)?;
        match converted.await {
            Ok(Ok(markdown)) => Ok(markdown),
            Ok(Err(_)) | Err(_) => Err(PageError::Unreadable),
        }
    }
}

fn markdown_of(html: &str, address: &Url) -> io::Result<String> {
    let end = html.floor_char_boundary(MAX_HTML);
    let prepared = prepare::prepare(&html[..end]);
    let base = prepared
        .base
        .and_then(|base| address.join(&base).ok())
        .unwrap_or_else(|| address.clone());
    let converter = HtmlToMarkdown::builder()
        .options(htmd::options::Options {
            bullet_list_marker: htmd::options::BulletListMarker::Dash,
            ul_bullet_spacing: 1,
            ol_number_spacing: 1,
            ..Default::default()
        })
        .scripting_enabled(false)
        .skip_tags(vec!["head"])
        .add_handler(vec!["a"], links::link(base.clone()))
        .add_handler(vec!["img"], links::picture(base))
        .build();
    let markdown = converter.convert(&prepared.html)?;
    let title = prepared.title.split_whitespace().collect::<Vec<_>>();
    let title = title.join(" ");
    if title.is_empty() || markdown.contains(&title) {
        return Ok(markdown);
    }
    Ok(format!("Title: {title}\n\n{markdown}"))
}
