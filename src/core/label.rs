//! Labels: which content comes from outside, and so may be written by somebody who means harm.
//!
//! A label is a field of everything that is stored with content in it (items, notes, files, jobs)
//! and goes wherever that content goes. What has none is the person's own, or ours.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// So many sources are told apart; what has more says only that it has many.
const MOST_SOURCES: usize = 16;

/// Where content came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// A model that had content from outside before it: what it wrote then stands nowhere outside,
    /// and is no more trusted for that. It goes beside the sources that the model had read.
    Model,
    /// A page or another answer of a server.
    Web {
        /// The host that answered.
        host: String,
    },
    /// A file that somebody sent, or that was made of such a file.
    Document {
        /// Its name, as shown.
        name: String,
    },
    /// A message of somebody else that the person passed on.
    Forwarded {
        /// Who wrote it, as shown.
        author: String,
    },
    /// A message of somebody else that the person replies to.
    Quoted {
        /// Who wrote it, as shown.
        author: String,
    },
    /// A tool of another program.
    Mcp {
        /// The server's name in the settings.
        server: String,
    },
    /// More sources than are told apart.
    Many,
}

/// The sources of a piece of content. Empty means: the person's own words, or ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeSet<Source>);

impl Labels {
    /// Of one source.
    pub fn of(source: Source) -> Self {
        Self(BTreeSet::from([source]))
    }

    /// Of content of which nothing is known: the worst that it could be.
    pub fn unknown() -> Self {
        Self(BTreeSet::from([Source::Model, Source::Many]))
    }

    /// Whether nothing of it is from outside.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same as [`Labels::is_empty`] in the words of the rule: content from outside is not trusted.
    pub fn is_untrusted(&self) -> bool {
        !self.is_empty()
    }

    /// Adds what another piece of content brings.
    pub fn join(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
        if self.0.len() > MOST_SOURCES {
            // The order of the sources keeps `Model`, which comes first.
            self.0 = self.0.iter().take(MOST_SOURCES - 1).cloned().collect();
            self.0.insert(Source::Many);
        }
    }

    /// Whether this says all that the other says.
    pub fn covers(&self, other: &Self) -> bool {
        let mut both = self.clone();
        both.join(other);
        both == *self
    }

    /// Whether a model wrote it, so that what stands in it need not stand anywhere outside.
    pub fn is_rewritten(&self) -> bool {
        self.0.contains(&Source::Model)
    }

    /// Of what a model makes while it has this content before it.
    #[must_use]
    pub fn rewritten(&self) -> Self {
        let mut labels = self.clone();
        if labels.is_untrusted() {
            labels.join(&Self::of(Source::Model));
        }
        labels
    }

    /// The sources, in a fixed order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }
}

impl<'a> FromIterator<&'a Labels> for Labels {
    fn from_iter<I: IntoIterator<Item = &'a Labels>>(pieces: I) -> Self {
        let mut all = Self::default();
        for piece in pieces {
            all.join(piece);
        }
        all
    }
}

impl Source {
    /// It in words for the person: `a page of example.org`.
    pub fn describe(&self) -> String {
        match self {
            Self::Model => "what I wrote after I had read it".to_owned(),
            Self::Web { host } => format!("a page of {host}"),
            Self::Document { name } => format!("the file {name}"),
            Self::Forwarded { author } => format!("a forwarded message of {author}"),
            Self::Quoted { author } => format!("a message of {author}"),
            Self::Mcp { server } => format!("the server {server}"),
            Self::Many => "other sources".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Labels, Source};

    #[test]
    fn what_a_model_writes_stays_known_as_such() {
        assert_eq!(Labels::default().rewritten(), Labels::default());
        let mut labels = Labels::of(Source::Document { name: "a".into() }).rewritten();
        for number in 0..100 {
            let host = format!("{number}.example");
            labels.join(&Labels::of(Source::Web { host }));
            assert!(labels.is_rewritten());
        }
    }

    #[test]
    fn labels_only_grow_and_stay_few() {
        let mut labels = Labels::default();
        assert!(!labels.is_untrusted());
        for number in 0..100 {
            let host = format!("{number}.example");
            labels.join(&Labels::of(Source::Web { host }));
            assert!(labels.is_untrusted());
            assert!(labels.sources().count() <= 16);
            assert!(labels.covers(&labels) && labels.covers(&Labels::default()));
            assert!(!Labels::default().covers(&labels));
        }
        assert!(labels.sources().any(|source| *source == Source::Many));
    }
}
