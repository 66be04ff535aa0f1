//! Which links of an answer are links.

use std::sync::Arc;

use url::Url;

use super::KnownAddresses;
use super::pages::is_rendered;
use crate::core::label::Labels;
use crate::core::markup::{FormattedText, without_unknown_addresses, without_unknown_links};

/// Which addresses may be links in what a model writes.
#[derive(Debug, Clone, Default)]
pub enum Links {
    /// All: nothing from outside is before it.
    #[default]
    All,
    /// Those that the person or the sources themselves named.
    Only(Arc<KnownAddresses>),
}

impl Links {
    /// For text that was written under these labels some time ago: what was known then is not known
    /// any more.
    pub fn under(labels: &Labels) -> Self {
        if labels.is_untrusted() {
            Self::Only(Arc::default())
        } else {
            Self::All
        }
    }

    /// The text as it may be sent: the other links are shown as code.
    pub fn applied(&self, text: FormattedText) -> FormattedText {
        match self {
            Self::All => text,
            Self::Only(known) => without_unknown_links(&text, |address| is_known(known, address)),
        }
    }

    /// A whole answer as a file, and its name: as it was written or, where not all may be links, as it is
    /// read. Who opens Markdown is led to what stands in it.
    pub fn file(&self, markdown: &str, read: &FormattedText) -> (&'static str, String) {
        match self {
            Self::All => ("answer.md", markdown.to_owned()),
            Self::Only(known) => {
                let is_known = |address: &str| is_known(known, address);
                ("answer.txt", without_unknown_addresses(read, is_known))
            }
        }
    }

    /// The name for a file of code, so that opening it shows the code.
    pub fn code_name(&self, name: String) -> String {
        match self {
            Self::Only(_) if is_rendered(&name) => format!("{name}.txt"),
            Self::All | Self::Only(_) => name,
        }
    }
}

/// Whether parts of the path are taken back by later ones: parsers drop them, and not every client
/// does.
fn takes_back(written: &str) -> bool {
    let path = written.split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}

/// A client that makes a link of a name adds the scheme.
fn is_known(known: &KnownAddresses, address: &str) -> bool {
    let holds = |address: &str| {
        Url::parse(address).is_ok_and(|url| known.holds(&url)) && !takes_back(address)
    };
    if address.contains("://") {
        return holds(address);
    }
    ["https", "http"]
        .into_iter()
        .any(|scheme| holds(&format!("{scheme}://{address}")))
}
