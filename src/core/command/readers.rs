//! The commands that only read, and with which arguments.

use super::git;
use super::targets::{is_private, leads_out};
use crate::core::action::Confinement;

/// Which options a command may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Options {
    /// Whatever it takes only shapes what it shows.
    Any,
    /// All but these, which write, run something or never end. A letter counts wherever it stands in a
    /// cluster, a long name also where it is cut short.
    AnyBut {
        short: &'static str,
        long: &'static [&'static str],
    },
    /// None at all.
    None,
}

/// How many arguments that are no options a command may have.
#[derive(Debug, Clone, Copy)]
enum Operands {
    Any,
    AtMost(usize),
    /// Each begins with this.
    Like(char),
    /// One, and nothing behind it: what looks like an option there is another file.
    OneAtTheEnd,
}

/// A command that only reads.
struct Reader {
    name: &'static str,
    options: Options,
    operands: Operands,
}

const fn free(name: &'static str) -> Reader {
    Reader {
        name,
        options: Options::Any,
        operands: Operands::Any,
    }
}

const fn but(name: &'static str, short: &'static str, long: &'static [&'static str]) -> Reader {
    Reader {
        name,
        options: Options::AnyBut { short, long },
        operands: Operands::Any,
    }
}

const fn with(name: &'static str, options: Options, operands: Operands) -> Reader {
    Reader {
        name,
        options,
        operands,
    }
}

const READERS: [Reader; 62] = [
    free("ls"),
    free("cat"),
    free("head"),
    but("tail", "fF", &["follow", "retry"]),
    free("wc"),
    free("tac"),
    free("nl"),
    free("rev"),
    free("cut"),
    free("tr"),
    free("fold"),
    free("fmt"),
    free("expand"),
    free("unexpand"),
    free("paste"),
    free("join"),
    free("column"),
    free("comm"),
    free("cmp"),
    but("diff", "l", &["paginate"]),
    but("grep", "f", &["file"]),
    but("egrep", "f", &["file"]),
    but("fgrep", "f", &["file"]),
    but(
        "rg",
        "fz",
        &["pre", "pre-glob", "hostname-bin", "search-zip", "file"],
    ),
    but(
        "sort",
        "oT",
        &["output", "compress-program", "temporary-directory"],
    ),
    with("uniq", Options::Any, Operands::AtMost(1)),
    // Some programs of that name can change files.
    but("jq", "i", &["in-place"]),
    free("echo"),
    free("pwd"),
    free("basename"),
    free("dirname"),
    free("realpath"),
    free("readlink"),
    free("stat"),
    but(
        "file",
        "CmMzZ",
        &["compile", "magic-file", "uncompress", "uncompress-noreport"],
    ),
    free("du"),
    free("df"),
    but("tree", "oR", &["output"]),
    free("md5sum"),
    free("sha1sum"),
    free("sha256sum"),
    free("sha512sum"),
    free("cksum"),
    free("od"),
    free("hexdump"),
    with(
        "xxd",
        Options::AnyBut {
            short: "r",
            long: &["revert"],
        },
        Operands::OneAtTheEnd,
    ),
    free("strings"),
    free("seq"),
    with(
        "date",
        Options::AnyBut {
            short: "sf",
            long: &["set", "file"],
        },
        Operands::Like('+'),
    ),
    free("cal"),
    free("whoami"),
    free("id"),
    free("groups"),
    free("uname"),
    with("hostname", Options::None, Operands::AtMost(0)),
    free("uptime"),
    free("nproc"),
    but("free", "s", &["seconds"]),
    free("which"),
    free("type"),
    free("true"),
    free("false"),
];

/// Programs that may be asked for their version, and look for no settings of the folder to tell it.
const VERSIONED: [&str; 10] = [
    "bash", "curl", "gcc", "make", "node", "perl", "python", "python3", "ruby", "sqlite3",
];

/// Refuses with the doubt in words.
pub(super) fn check(words: &[&str], confinement: Confinement) -> Result<(), String> {
    let Some((&name, arguments)) = words.split_first() else {
        return Err("there is no command in it".to_owned());
    };
    if let Some(private) = arguments.iter().find(|word| is_private(word)) {
        return Err(format!("{private} may hold what is private"));
    }
    if confinement == Confinement::Weaker {
        stays_here(name, arguments)?;
    }
    if name == "jq" {
        jq(arguments, confinement)?;
    }
    match name {
        "git" => git::check(arguments, confinement),
        "find" => find(arguments),
        "sed" => sed(arguments),
        "cd" => cd(arguments),
        _ if VERSIONED.contains(&name) && arguments == ["--version"] => Ok(()),
        _ => match READERS.iter().find(|reader| reader.name == name) {
            Some(reader) => reader.check(arguments),
            None => Err(format!("{name} is not known to only read")),
        },
    }
}

/// Where nothing holds a program in, it may only look at what lies in the workspace. A file there could
/// name others, so no command is pointed at a list of names or at a program of its own.
fn stays_here(name: &str, arguments: &[&str]) -> Result<(), String> {
    const LISTS: &[&str] = &[
        "files0-from",
        "from-file",
        "library-path",
        "rawfile",
        "slurpfile",
        "argfile",
        "exclude-from",
        "files-from",
        "fromfile",
        "ignore-file",
    ];
    let (short, long) = match name {
        "jq" => ("fL", LISTS),
        "file" => ("f", LISTS),
        "du" | "diff" => ("X", LISTS),
        // Sums are checked of the files that a list of them names.
        "md5sum" | "sha1sum" | "sha256sum" | "sha512sum" | "cksum" => ("c", &["check"][..]),
        _ => ("", LISTS),
    };
    let lists = Options::AnyBut { short, long };
    check_options(name, arguments, &lists)?;
    match arguments.iter().find(|word| leads_out(word)) {
        Some(word) => Err(format!("{word} may lie outside of the workspace")),
        None => Ok(()),
    }
}

/// A program of jq's shows the whole environment. Where nothing holds it in it also reads files that it names
/// itself, and a backslash spells any name.
fn jq(arguments: &[&str], confinement: Confinement) -> Result<(), String> {
    const ENVIRONMENT: [&str; 2] = ["env", "ENV"];
    const FILES: [&str; 5] = [
        "import",
        "include",
        "modulemeta",
        "input_filename",
        "get_search_list",
    ];
    let has = |word: &str, listed: &[&str]| {
        let mut names = word.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        names.any(|name| listed.contains(&name))
    };
    if arguments.iter().any(|word| has(word, &ENVIRONMENT)) {
        return Err("jq may show what stands in the environment".to_owned());
    }
    let is_held = confinement == Confinement::Native;
    let reaches_out = |word: &&&str| word.contains('\\') || has(word, &FILES);
    match arguments.iter().find(reaches_out) {
        Some(word) if !is_held => Err(format!("{word} may lie outside of the workspace")),
        _ => Ok(()),
    }
}

impl Reader {
    fn check(&self, arguments: &[&str]) -> Result<(), String> {
        check_options(self.name, arguments, &self.options)?;
        let operands: Vec<usize> = operands(arguments).collect();
        let fits = match self.operands {
            Operands::Any => true,
            Operands::AtMost(most) => operands.len() <= most,
            Operands::Like(sign) => operands.iter().all(|at| arguments[*at].starts_with(sign)),
            Operands::OneAtTheEnd => operands.first().is_none_or(|at| at + 1 == arguments.len()),
        };
        if fits {
            Ok(())
        } else {
            Err(format!(
                "{} may change something with these arguments",
                self.name
            ))
        }
    }
}

/// Where the arguments stand that are no options. Behind `--` none is one, whatever it looks like.
fn operands(arguments: &[&str]) -> impl Iterator<Item = usize> {
    let end = arguments.iter().position(|word| *word == "--");
    let behind = end.unwrap_or(arguments.len());
    let is_operand = move |(at, word): (usize, &&str)| {
        let is_one = at > behind || (at < behind && (!word.starts_with('-') || *word == "-"));
        is_one.then_some(at)
    };
    arguments.iter().enumerate().filter_map(is_operand)
}

/// Whether no option is among those that are not harmless.
pub(super) fn check_options(
    name: &str,
    arguments: &[&str],
    options: &Options,
) -> Result<(), String> {
    let refused = |word: &&&str| {
        let Some(option) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return false;
        };
        match options {
            Options::Any => false,
            Options::None => true,
            Options::AnyBut { short, long } => match option.strip_prefix('-') {
                Some(given) => {
                    let given = given.split('=').next().unwrap_or_default();
                    !given.is_empty() && long.iter().any(|name| name.starts_with(given))
                }
                None => option.contains(|letter| short.contains(letter)),
            },
        }
    };
    match arguments.iter().find(refused) {
        Some(option) => Err(format!("{name} {option} does more than read")),
        None => Ok(()),
    }
}

/// Tests and actions of `find` that only look.
const ALONE: [&str; 24] = [
    "-H",
    "-L",
    "-P",
    "-a",
    "-and",
    "-daystart",
    "-depth",
    "-empty",
    "-executable",
    "-false",
    "-follow",
    "-ls",
    "-mount",
    "-not",
    "-o",
    "-or",
    "-print",
    "-print0",
    "-prune",
    "-quit",
    "-readable",
    "-true",
    "-writable",
    "-xdev",
];

/// Those with a value.
const VALUED: [&str; 28] = [
    "-amin",
    "-anewer",
    "-atime",
    "-cmin",
    "-cnewer",
    "-ctime",
    "-group",
    "-iname",
    "-inum",
    "-ipath",
    "-iregex",
    "-links",
    "-maxdepth",
    "-mindepth",
    "-mmin",
    "-mtime",
    "-name",
    "-newer",
    "-path",
    "-perm",
    "-printf",
    "-regex",
    "-regextype",
    "-samefile",
    "-size",
    "-type",
    "-uid",
    "-user",
];

/// Only a look for files.
fn find(arguments: &[&str]) -> Result<(), String> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if VALUED.contains(word) {
            words.next();
        } else if word.starts_with('-') && !ALONE.contains(word) {
            return Err(format!("find {word} may do more than look"));
        }
    }
    Ok(())
}

/// Only `sed -n` that prints lines by their numbers.
fn sed(arguments: &[&str]) -> Result<(), String> {
    let doubt = || Err("sed may do more than print lines".to_owned());
    let [flag, script, files @ ..] = arguments else {
        return doubt();
    };
    let is_address = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || b",$".contains(&byte))
    };
    let prints = script.strip_suffix('p').is_some_and(is_address);
    if *flag == "-n" && prints && !files.iter().any(|file| file.starts_with('-')) {
        Ok(())
    } else {
        doubt()
    }
}

/// Only further into the workspace.
fn cd(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        [folder]
            if !folder.starts_with(['/', '-']) && !folder.split('/').any(|name| name == "..") =>
        {
            Ok(())
        }
        _ => Err("it leaves the workspace".to_owned()),
    }
}
