//! A walk over everything that a command line would run, wherever it stands, in search of foot-guns.

use super::foot_guns::{self, Place};
use super::programs::{base_name, is_download, is_shell, runs_programs};
use super::targets::{is_device, is_key, is_whole};
use super::wrappers::{layers, spoken};
use super::{Command, Compound, Joiner, Redirect, Script, Simple, Word};

/// The walk; it knows where the shell stands.
#[derive(Debug, Default)]
pub(super) struct Walk {
    place: Place,
}

impl Walk {
    /// The first great harm, in words.
    pub(super) fn script(&mut self, script: &Script) -> Option<String> {
        script.0.iter().find_map(|part| self.command(&part.command))
    }

    fn command(&mut self, command: &Command) -> Option<String> {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Pipeline(stages) => self.pipeline(stages),
            Command::Compound(compound) => self.compound(compound),
        }
    }

    fn compound(&mut self, compound: &Compound) -> Option<String> {
        if is_fork_bomb(compound) {
            return Some("it is a fork bomb".to_owned());
        }
        let redirected = || compound.redirects.iter().find_map(overwrites);
        redirected().or_else(|| compound.body.iter().find_map(|script| self.script(script)))
    }

    fn pipeline(&mut self, stages: &[Command]) -> Option<String> {
        let mut downloaded = false;
        let mut said: Vec<String> = Vec::new();
        for stage in stages {
            if let Command::Simple(simple) = stage {
                if downloaded && is_run(simple) {
                    return Some(RUNS_A_DOWNLOAD.to_owned());
                }
                downloaded |= names(&simple.words).any(is_download);
                if names(&simple.words).any(|name| name == "xargs") {
                    let mut fed = simple.clone();
                    fed.words.extend(said.iter().map(Word::literal));
                    if let Some(harm) = self.simple(&fed) {
                        return Some(harm);
                    }
                }
                let words = spoken(simple).unwrap_or_default();
                said.extend(
                    words
                        .iter()
                        .flat_map(|text| text.split_whitespace())
                        .map(str::to_owned),
                );
            }
            if let Some(harm) = self.command(stage) {
                return Some(harm);
            }
        }
        None
    }

    fn simple(&mut self, simple: &Simple) -> Option<String> {
        let targets = simple.redirects.iter().map(|redirect| &redirect.target);
        let all = simple
            .assignments
            .iter()
            .chain(&simple.words)
            .chain(targets);
        let inner: Vec<&Script> = all.flat_map(|word| &word.commands).collect();
        if names(&simple.words).any(runs_programs) && inner.iter().any(|script| downloads(script)) {
            return Some(RUNS_A_DOWNLOAD.to_owned());
        }
        if let Some(harm) = simple.redirects.iter().find_map(overwrites) {
            return Some(harm);
        }
        for script in inner.into_iter().chain(&simple.scripts) {
            if names(&simple.words).any(runs_programs) && starts_with_download(script) {
                return Some(RUNS_A_DOWNLOAD.to_owned());
            }
            if let Some(harm) = self.script(script) {
                return Some(harm);
            }
        }
        let place = self.place;
        let harm = layers(&simple.words)
            .into_iter()
            .find_map(|words| foot_guns::harm(words, place));
        self.move_to(&simple.words);
        harm
    }

    fn move_to(&mut self, words: &[Word]) {
        if let Some((first, rest)) = words.split_first()
            && matches!(first.text.as_str(), "cd" | "pushd")
        {
            let whole = rest.last().is_none_or(|last| is_whole(&last.text));
            self.place = if whole {
                Place::Whole
            } else {
                Place::Somewhere
            };
        }
    }
}

const RUNS_A_DOWNLOAD: &str = "it runs what it downloads, unseen";

fn names(words: &[Word]) -> impl Iterator<Item = &str> {
    layers(words)
        .into_iter()
        .filter_map(|words| words.first())
        .map(|first| base_name(&first.text))
}

/// Whether what comes in through the pipe is run.
fn is_run(simple: &Simple) -> bool {
    layers(&simple.words).into_iter().any(|words| {
        let Some((first, arguments)) = words.split_first() else {
            return false;
        };
        let name = base_name(&first.text);
        let mut texts = arguments.iter().map(|word| word.text.as_str());
        if !runs_programs(name) {
            return false;
        }
        if texts
            .clone()
            .any(|text| matches!(text, "-" | "-s" | "/dev/stdin"))
        {
            return true;
        }
        if is_shell(name) {
            return texts.all(|text| text.starts_with(['-', '+']) && !text.contains('c'));
        }
        texts.next().is_none()
    })
}

fn downloads(script: &Script) -> bool {
    fn command(command: &Command) -> bool {
        match command {
            Command::Simple(simple) => names(&simple.words).any(is_download),
            Command::Pipeline(stages) => stages.iter().any(self::downloads_one),
            Command::Compound(compound) => compound.body.iter().any(downloads),
        }
    }
    script.0.iter().any(|part| command(&part.command))
}

fn downloads_one(stage: &Command) -> bool {
    matches!(stage, Command::Simple(simple) if names(&simple.words).any(is_download))
}

/// `sh -c "$(curl …)"`: the script that is run is the output of a download.
fn starts_with_download(script: &Script) -> bool {
    let Some(Command::Simple(simple)) = script.0.first().map(|part| &part.command) else {
        return false;
    };
    let first = simple.words.first();
    first.is_some_and(|first| first.commands.iter().any(downloads))
}

fn overwrites(redirect: &Redirect) -> Option<String> {
    let target = redirect.target.text.as_str();
    (redirect.writes() && (is_device(target) || is_key(target)))
        .then(|| format!("it would write to {target}"))
}

/// A function that calls itself twice, or in the background.
fn is_fork_bomb(compound: &Compound) -> bool {
    let Some(name) = &compound.defines else {
        return false;
    };
    let (calls, spawned) = compound
        .body
        .iter()
        .map(|script| calls(script, name))
        .fold((0, false), |sum, one| (sum.0 + one.0, sum.1 || one.1));
    calls > 1 || (calls > 0 && spawned)
}

fn calls(script: &Script, name: &str) -> (usize, bool) {
    let mut sum = (0, false);
    for part in &script.0 {
        let (count, spawned) = calls_of(&part.command, name);
        sum.0 += count;
        sum.1 |= spawned || (count > 0 && part.then == Joiner::Background);
    }
    sum
}

fn calls_of(command: &Command, name: &str) -> (usize, bool) {
    let add = |sum: (usize, bool), one: (usize, bool)| (sum.0 + one.0, sum.1 || one.1);
    match command {
        Command::Simple(simple) => {
            let called = names(&simple.words).any(|called| called == name);
            (usize::from(called), false)
        }
        Command::Pipeline(stages) => stages
            .iter()
            .map(|stage| calls_of(stage, name))
            .fold((0, false), add),
        Command::Compound(compound) => compound
            .body
            .iter()
            .map(|script| calls(script, name))
            .fold((0, false), add),
    }
}
