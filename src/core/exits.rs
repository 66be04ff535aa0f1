//! Exits: the ways by which a model that has turned against its user could carry something out, and
//! which of them a person must open once content from outside stands in the request.
//!
//! The rule is one table over types. Nothing that a model writes decides it.

mod addresses;
mod links;
mod pages;

use std::fmt;

pub use self::addresses::{KnownAddresses, Visited, Words};
pub use self::links::Links;
pub use self::pages::{leads_nowhere, may_be_rendered};
use super::action::{Action, Confinement, Kept, Loss, Opened, Plainness};
use super::label::Labels;
use url::Url;

/// Addresses from fetched content that a turn may follow without asking; going to one of the person's
/// again counts as well: which, and how often, tells its server something.
pub const MOST_FOLLOWED: usize = 10;

/// What a call stands in.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The labels of all that the model has before it.
    pub labels: Labels,
    /// The addresses that it may visit without asking.
    pub known: KnownAddresses,
    /// How many calls before this one in the turn went to an address that only fetched content
    /// knows, or to one where the turn had been before.
    pub followed: usize,
    /// Where the turn has been before.
    pub visited: Visited,
}

/// Why a call must be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The address stands neither in the person's words nor in fetched content.
    UnknownAddress(Url),
    /// The turn has followed as many addresses from fetched content as it may.
    ManyFollowed,
    /// It sends more than an address.
    Carries(Url),
    /// It types into a page.
    FillsField,
    /// It clicks on a page.
    Clicks,
    /// It runs something that could reach a network.
    Runs,
    /// It deletes a file.
    DeletesFile,
    /// It puts something else in the place of what a file says.
    Replaces,
    /// It sends a file that leads whoever opens it somewhere.
    SendsPage,
    /// It moves a file.
    Moves,
    /// It deletes something else that is kept.
    Forgets(Kept),
    /// It plans a run of the model.
    PlansRun,
    /// It writes through another program.
    WritesThrough(String),
}

/// Whether a call must at least be asked for, whatever else allows it. `None` leaves the decision
/// as it is.
pub fn escalation(action: &Action, surroundings: &Surroundings) -> Option<Reason> {
    if !surroundings.labels.is_untrusted() {
        return None;
    }
    match action {
        Action::Inside => None,
        Action::SendFile { opened, .. } => (*opened == Opened::Leads).then_some(Reason::SendsPage),
        Action::ChangeFiles { loss, .. } => match loss {
            Loss::Nothing => None,
            Loss::Content => Some(Reason::Replaces),
            Loss::Place => Some(Reason::Moves),
        },
        Action::Fetch {
            url,
            plain: Plainness::Carries(_),
        } => Some(Reason::Carries(url.clone())),
        Action::Fetch {
            url,
            plain: Plainness::Plain,
        } => visit(url, surroundings),
        Action::FillField { .. } => Some(Reason::FillsField),
        // The page hears which element it was, and its scripts may send that on.
        Action::Click { .. } => Some(Reason::Clicks),
        Action::Command { confinement, .. } | Action::Code { confinement } => {
            (*confinement != Confinement::Native).then_some(Reason::Runs)
        }
        Action::DeleteFile { .. } => Some(Reason::DeletesFile),
        Action::Forget(what) => Some(Reason::Forgets(*what)),
        Action::ScheduleRun => Some(Reason::PlansRun),
        Action::McpWrite { server } => Some(Reason::WritesThrough(server.clone())),
    }
}

fn visit(url: &Url, surroundings: &Surroundings) -> Option<Reason> {
    let known = &surroundings.known;
    if !known.holds(url) {
        Some(Reason::UnknownAddress(url.clone()))
    } else if known.is_said(url) && !surroundings.visited.holds(url) {
        None
    } else {
        (surroundings.followed >= MOST_FOLLOWED).then_some(Reason::ManyFollowed)
    }
}

impl fmt::Display for Reason {
    /// For the card: why the person is asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAddress(_) => {
                f.write_str("this address stands neither in your words nor in what was read")
            }
            Self::ManyFollowed => {
                write!(
                    f,
                    "{MOST_FOLLOWED} addresses were followed already that others wrote, or visited again"
                )
            }
            Self::Carries(_) => f.write_str("it sends data, not only an address"),
            Self::FillsField => f.write_str("a page hears at once what is typed into it"),
            Self::Clicks => f.write_str("a click tells the page something"),
            Self::Runs => f.write_str("what it runs could reach a network"),
            Self::DeletesFile => f.write_str("it deletes a file"),
            Self::Replaces => f.write_str("it replaces what a file says"),
            Self::SendsPage => {
                f.write_str("opening this file may load the addresses that stand in it")
            }
            Self::Moves => f.write_str("it moves a file"),
            Self::Forgets(Kept::Note) => f.write_str("it deletes a note"),
            Self::Forgets(Kept::Reminder) => f.write_str("it ends a reminder or a task"),
            Self::Forgets(Kept::History) => f.write_str("it deletes what was said"),
            Self::PlansRun => f.write_str("it plans work for later"),
            Self::WritesThrough(server) => write!(f, "it changes something at {server}"),
        }
    }
}

#[cfg(test)]
mod tests;
