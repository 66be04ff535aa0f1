//! Commands that do great harm: what each of them would do, told in a few words.

use super::Word;
use super::programs::{base_name, is_download};
use super::targets::{is_all_here, is_device, is_key, is_whole};
use super::wrappers::layers;

/// Where the shell stands when a command begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// In the workspace, or nobody knows.
    #[default]
    Somewhere,
    /// At the root, in a home, or in a folder of the system.
    Whole,
}

/// The options and the other arguments of a command.
struct Arguments<'a> {
    options: Vec<&'a str>,
    operands: Vec<&'a str>,
}

impl<'a> Arguments<'a> {
    fn of(words: &'a [Word]) -> Self {
        let (mut options, mut operands) = (Vec::new(), Vec::new());
        let mut ended = false;
        for word in words {
            let text = word.text.as_str();
            if ended || !text.starts_with('-') || text == "-" {
                operands.push(text);
            } else if text == "--" {
                ended = true;
            } else {
                options.push(text);
            }
        }
        Self { options, operands }
    }

    fn has_short(&self, letters: &str) -> bool {
        self.options.iter().any(|option| {
            let cluster = option
                .strip_prefix('-')
                .filter(|rest| !rest.starts_with('-'));
            cluster.is_some_and(|cluster| cluster.contains(|letter| letters.contains(letter)))
        })
    }

    /// Also where it is cut short, as the tools allow.
    fn has_long(&self, name: &str, least: usize) -> bool {
        self.options.iter().any(|option| {
            let given = option.strip_prefix("--").unwrap_or_default();
            let given = given.split('=').next().unwrap_or_default();
            given.len() >= least && name.starts_with(given)
        })
    }

    fn is_recursive(&self) -> bool {
        self.has_short("rR") || self.has_long("recursive", 1)
    }

    fn whole(&self, place: Place) -> Option<&'a str> {
        let here = |word: &str| place == Place::Whole && is_all_here(word);
        let mut operands = self.operands.iter().copied();
        operands.find(|operand| is_whole(operand) || here(operand))
    }
}

/// What running it would break.
pub(super) fn harm(words: &[Word], place: Place) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let name = base_name(&first.text);
    let arguments = Arguments::of(rest);
    match name {
        "rm" => removes(&arguments, place),
        "mv" => moves(&arguments),
        "chmod" | "chown" | "chgrp" | "setfacl" => opens(&arguments, place),
        "dd" => arguments.operands.iter().find_map(|operand| {
            let file = operand.strip_prefix("of=")?;
            overwritten(file)
        }),
        "find" => finds(words, place),
        "kill" | "killall5" => kills(name, rest),
        "rsync" if arguments.has_long("delete", 3) => {
            let last = arguments.operands.last()?;
            is_whole(last).then(|| format!("it would replace {last}"))
        }
        _ => None,
    }
    .or_else(|| stops_the_machine(name, &arguments))
    .or_else(|| formats(name))
    .or_else(|| writes(name, &arguments))
}

fn removes(arguments: &Arguments<'_>, place: Place) -> Option<String> {
    if arguments.has_long("no-preserve-root", 4) {
        return Some("it asks for the root to be deleted".to_owned());
    }
    let whole = arguments
        .whole(place)
        .filter(|_| arguments.is_recursive())?;
    Some(format!("it would delete {whole}"))
}

fn moves(arguments: &Arguments<'_>) -> Option<String> {
    let sources = arguments.operands.split_last()?.1;
    let whole = sources.iter().find(|source| is_whole(source))?;
    Some(format!("it would move {whole} away"))
}

fn opens(arguments: &Arguments<'_>, place: Place) -> Option<String> {
    let whole = arguments
        .whole(place)
        .filter(|_| arguments.is_recursive())?;
    Some(format!("it would change who owns or may use {whole}"))
}

fn finds(words: &[Word], place: Place) -> Option<String> {
    let ends = |word: &&Word| !word.text.starts_with(['-', '(', '!']);
    let options = |word: &&Word| matches!(word.text.as_str(), "-H" | "-L" | "-P");
    let paths = words[1..].iter().skip_while(options).take_while(ends);
    let here = |word: &str| place == Place::Whole && is_all_here(word);
    let whole = paths
        .map(|word| word.text.as_str())
        .find(|path| is_whole(path) || here(path))?;
    let deletes = words.iter().any(|word| word.text == "-delete")
        || layers(words)[1..].iter().any(|inner| {
            let name = inner.first().map_or("", |first| base_name(&first.text));
            matches!(name, "rm" | "shred" | "unlink" | "mv")
        });
    deletes.then(|| format!("it would delete what is in {whole}"))
}

fn kills(name: &str, rest: &[Word]) -> Option<String> {
    let everyone = || Some("it would end every program".to_owned());
    if name == "killall5" {
        return everyone();
    }
    let texts: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
    let signalled = match texts.first() {
        Some(&("-s" | "-n")) => texts.get(2..),
        // The first one is the signal, be it -1.
        Some(first) if first.starts_with('-') && *first != "--" => texts.get(1..),
        _ => Some(&texts[..]),
    };
    signalled?.contains(&"-1").then(everyone)?
}

fn stops_the_machine(name: &str, arguments: &Arguments<'_>) -> Option<String> {
    const VERBS: [&str; 9] = [
        "poweroff",
        "reboot",
        "halt",
        "kexec",
        "suspend",
        "hibernate",
        "hybrid-sleep",
        "emergency",
        "rescue",
    ];
    let first = arguments.operands.first().copied().unwrap_or_default();
    let stops = match name {
        "shutdown" | "reboot" | "halt" | "poweroff" => true,
        "init" | "telinit" => matches!(first, "0" | "1" | "6"),
        "systemctl" | "loginctl" => VERBS.contains(&first),
        _ => false,
    };
    stops.then(|| "it would stop the machine".to_owned())
}

fn formats(name: &str) -> Option<String> {
    let formats = name.starts_with("mkfs.")
        || matches!(
            name,
            "mkfs" | "mke2fs" | "mkswap" | "wipefs" | "blkdiscard" | "sgdisk"
        );
    formats.then(|| "it would format a disk".to_owned())
}

fn writes(name: &str, arguments: &Arguments<'_>) -> Option<String> {
    let all = || arguments.operands.iter().copied().find_map(overwritten);
    match name {
        "tee" | "touch" | "truncate" | "chmod" | "chown" | "rm" | "shred" | "unlink" | "vi"
        | "vim" | "nano" | "ed" | "ex" | "sponge" => all(),
        "sed" | "perl" if arguments.has_short("i") || arguments.has_long("in-place", 2) => all(),
        "mv" => all(),
        "cp" | "install" | "ln" | "rsync" | "scp" => {
            let named = arguments
                .options
                .iter()
                .filter_map(|option| option.split_once('='));
            let into = named
                .map(|(_, value)| value)
                .chain(arguments.operands.last().copied());
            let first = arguments.operands.first().copied();
            // `cp -t FOLDER FILE`: the value of the option looks like an operand.
            let first = first.filter(|_| arguments.has_short("t"));
            into.chain(first).find_map(overwritten)
        }
        _ if is_download(name) => all(),
        _ => None,
    }
}

fn overwritten(file: &str) -> Option<String> {
    (is_device(file) || is_key(file)).then(|| format!("it would write to {file}"))
}
