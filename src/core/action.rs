//! What a tool call is about to do to the world: the part of a call on which rules decide.

use url::Url;

use super::command::CommandLine;

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
    /// Deletes a file.
    DeleteFile {
        /// Its path in the workspace.
        path: String,
    },
    /// Sends a file into this chat.
    SendFile {
        /// Its path in the workspace.
        path: String,
        /// What stands below it.
        caption: String,
    },
    /// Plans a run of the model.
    ScheduleRun,
    /// Writes through another program.
    McpWrite {
        /// The server's name in the settings.
        server: String,
    },
}

/// Whether a fetch carries more than its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plainness {
    /// A GET or a navigation, and nothing else.
    Plain,
    /// Another method, own headers, or a body.
    Carries,
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
