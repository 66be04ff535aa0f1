//! What a tool call is about to do to the world: the part of a call on which rules decide.

use url::Url;

use super::command::CommandLine;
use super::egress::FetchMethod;

/// What a call would do, as the tool itself reads its arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Nothing leaves: it reads, computes, or changes what is the bot's own.
    Inside,
    /// Fetches an address.
    Fetch {
        /// The address.
        url: Url,
        /// Whether it only fetches it: GET, no headers of its own, no body.
        plain: Plainness,
    },
    /// Types into a page.
    FillField {
        /// The page.
        page: Option<Url>,
    },
    /// Clicks on a page.
    Click {
        /// The page.
        page: Option<Url>,
        /// What the click leads to, as far as that can be seen before.
        leads: ClickLeads,
    },
    /// Runs a command line.
    Command {
        /// The command line, and what it says.
        line: CommandLine,
        /// Whether it runs without a network and without the bot's data.
        confinement: Confinement,
    },
    /// Runs a program.
    Code {
        /// Whether it runs without a network and without the bot's data.
        confinement: Confinement,
    },
    /// Writes or moves files.
    ChangeFiles {
        /// Their paths in the workspace.
        paths: Vec<String>,
        /// What is not there any more then.
        loss: Loss,
    },
    /// Deletes a file.
    DeleteFile {
        /// Its path in the workspace.
        path: String,
    },
    /// Deletes something else of what the bot keeps.
    Forget(Kept),
    /// Sends a file into this chat.
    SendFile {
        /// Its path in the workspace.
        path: String,
        /// What stands below it.
        caption: String,
        /// What happens where it is opened.
        opened: Opened,
    },
    /// Plans a run of the model.
    ScheduleRun,
    /// Writes through another program.
    McpWrite {
        /// The server's name in the settings.
        server: String,
    },
}

impl Action {
    /// Where on the web it acts, for the card, when its arguments do not say so.
    pub fn place(&self) -> Option<String> {
        let (page, leads) = match self {
            Self::FillField { page } => (page, None),
            Self::Click { page, leads } => (page, Some(leads)),
            _ => return None,
        };
        let Some(page) = page.as_ref().map(shown) else {
            return Some("no page could be looked at".to_owned());
        };
        Some(match leads {
            None => format!("the page is {page}"),
            Some(ClickLeads::To(url)) => {
                format!(
                    "the page is {page} and shows a link there to {}",
                    shown(url)
                )
            }
            Some(ClickLeads::Unknown) => {
                format!("the page is {page}, and nobody can tell before what the click does")
            }
        })
    }
}

/// So many characters of a host are shown, its end, and of what stands behind it.
const MOST_HOST: usize = 80;
const MOST_PATH: usize = 60;

/// An address as it fits into a card: whose it is must be seen of any.
fn shown(url: &Url) -> String {
    let Some(host) = url.host_str() else {
        return url.as_str().chars().take(MOST_PATH).collect();
    };
    let (scheme, cut) = (url.scheme(), host.chars().count().saturating_sub(MOST_HOST));
    let host: String = host.chars().skip(cut).collect();
    let dots = if cut > 0 { "…" } else { "" };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let rest = &url[url::Position::BeforePath..];
    let mut path: String = rest.chars().take(MOST_PATH).collect();
    if path.len() < rest.len() {
        path.push('…');
    }
    format!("{scheme}://{dots}{host}{port}{path}")
}

/// What a change of files takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing, or only what the model itself wrote after it had read something from outside.
    Nothing,
    /// The content of a file, or a part of it.
    Content,
    /// The place of a file, which keeps its content.
    Place,
}

/// What happens where somebody opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// They see it, or it is not what a model wrote after it had read something from outside.
    Shown,
    /// It may load the addresses that stand in it.
    Leads,
}

/// What the bot keeps beside files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A note.
    Note,
    /// A reminder or a task.
    Reminder,
    /// What was said in the conversation.
    History,
}

/// Whether a fetch carries more than its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plainness {
    /// A GET or a navigation, and nothing else.
    Plain,
    /// Another method than GET, own headers, or a body.
    Carries(FetchMethod),
}

/// What a click leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum ClickLeads {
    /// It is on a link to this address, and on nothing else that shows. A script of the page may still
    /// make something else of it; it can do that without a click as well.
    To(Url),
    /// It is on anything else: nobody can tell before.
    Unknown,
}

/// What holds a program in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// The kernel: no network, none of the bot's data.
    Native,
    /// Less than that.
    Weaker,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_card_can_say_where_a_click_and_typing_would_be() {
        let page = Some(url("https://me@news.example:8443/a?b=1"));
        let click = |leads| Action::Click {
            page: page.clone(),
            leads,
        };
        for (action, place) in [
            (
                Action::FillField { page: page.clone() },
                "the page is https://news.example:8443/a?b=1",
            ),
            (
                click(ClickLeads::To(url("https://shop.example/"))),
                "the page is https://news.example:8443/a?b=1 and shows a link there to https://shop.example/",
            ),
            (
                click(ClickLeads::Unknown),
                "the page is https://news.example:8443/a?b=1, and nobody can tell before what the click does",
            ),
            (
                Action::FillField { page: None },
                "no page could be looked at",
            ),
        ] {
            assert_eq!(action.place().as_deref(), Some(place));
        }
        assert_eq!(Action::Inside.place(), None);
    }

    #[test]
    fn whose_an_address_is_is_seen_however_long_it_is() {
        let host = format!(
            "{}.good.example.{}.evil.example",
            "a".repeat(60),
            "b".repeat(60)
        );
        let long = url(&format!("https://{host}/{}", "c".repeat(2000)));
        let leads = ClickLeads::To(long.clone());
        let page = Some(long);
        let place = Action::Click { page, leads }.place().unwrap();
        assert_eq!(place.matches(".evil.example/c").count(), 2, "{place}");
        assert!(place.chars().count() < 340, "{place}");
    }
}
