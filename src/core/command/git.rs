//! Which calls of Git only read, whatever the repository says.

use super::readers::{Options, check_options};
use crate::core::action::Confinement;

/// They would write a file, or run another program.
const REFUSED: Options = Options::AnyBut {
    short: "O",
    long: &[
        "output",
        "ext-diff",
        "textconv",
        "show-signature",
        "filters",
        "open-files-in-pager",
        "paginate",
        "exec",
        "upload-pack",
        "contents",
        "order-file",
    ],
};

/// Refuses with the doubt in words.
pub(super) fn check(arguments: &[&str], confinement: Confinement) -> Result<(), String> {
    if confinement == Confinement::Weaker {
        // Filters, drivers and monitors that the repository's own settings name are programs.
        return Err("git runs what the repository's own settings name".to_owned());
    }
    let Some((&command, rest)) = arguments.split_first() else {
        return Err("git is given no command".to_owned());
    };
    let operands = rest.iter().filter(|word| !word.starts_with('-')).count();
    let allowed = match command {
        "--version" | "version" => rest.is_empty(),
        "status" | "log" | "diff" | "show" | "blame" | "ls-files" | "ls-tree" | "rev-parse"
        | "rev-list" | "describe" | "cat-file" | "merge-base" | "show-ref" | "count-objects"
        | "name-rev" | "whatchanged" => true,
        "shortlog" => operands > 0,
        "branch" => rest.iter().all(|word| LISTING.contains(word)),
        "tag" => rest
            .iter()
            .all(|word| matches!(*word, "-l" | "--list" | "-n")),
        "remote" => rest.is_empty() || rest == ["-v"],
        "stash" => rest == ["list"],
        "worktree" => rest == ["list"],
        _ => false,
    };
    if !allowed {
        return Err(format!("git {command} may change something"));
    }
    // `%G` in a format has signatures checked by another program.
    if rest.iter().any(|word| word.contains("%G")) {
        return Err("it has signatures checked".to_owned());
    }
    check_options("git", rest, &REFUSED)
}

const LISTING: [&str; 8] = [
    "-a",
    "-r",
    "-v",
    "-vv",
    "--all",
    "--list",
    "--remotes",
    "--show-current",
];
