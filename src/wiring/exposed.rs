//! What confined programs must never be able to read: the bot's own files, wherever the settings put them.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::settings::Settings;

/// Something of the bot's own.
struct Guarded {
    /// What it is, in words for the person.
    what: &'static str,
    path: PathBuf,
    /// How it could be seen.
    kind: Kind,
}

/// How something of the bot's own could be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// From above: it lies in a place that is readable.
    Whole,
    /// From within as well: nothing of it is for all programs.
    EveryPart,
}

/// Refuses the start when one of the `readable` places shows what is the bot's own. `key` is the
/// setting that makes the place readable; `None` where every program sees it.
pub(super) fn refuse(
    settings: &Settings,
    readable: &[(Option<&str>, PathBuf)],
) -> anyhow::Result<()> {
    let guarded = guarded(settings);
    for (key, place) in readable {
        let place = resolved(place);
        for one in &guarded {
            let path = resolved(&one.path);
            let shows = path.starts_with(&place)
                || (one.kind == Kind::EveryPart && place.starts_with(&path));
            if !shows {
                continue;
            }
            let (what, path, place) = (one.what, path.display(), place.display());
            match key {
                Some(key) => bail!(
                    "{key} lets every program that a model writes read {place}, and with it {what} ({path}): \
                     keep the two apart"
                ),
                None => bail!(
                    "{what} ({path}) lies below {place}, which every program that a model writes can read: \
                     move it elsewhere, for example below /var/lib or /etc/minibot"
                ),
            }
        }
    }
    Ok(())
}

fn guarded(settings: &Settings) -> Vec<Guarded> {
    let data = &settings.runtime.data_dir;
    let one = |what, path: PathBuf, kind| Guarded { what, path, kind };
    let mut all = vec![
        one("runtime.data_dir", data.clone(), Kind::Whole),
        one("the database", settings.database(), Kind::Whole),
        one(
            "the files of all chats",
            settings.files_root(),
            Kind::EveryPart,
        ),
        one(
            "files on their way",
            settings.outgoing_copies(),
            Kind::EveryPart,
        ),
        one(
            "the folders of the runs",
            data.join("sandbox"),
            Kind::EveryPart,
        ),
    ];
    let read = settings.sources.iter();
    all.extend(read.map(|file| one("a file with settings", file.clone(), Kind::Whole)));
    let log = settings.logging.file.iter();
    all.extend(log.map(|file| one("logging.file", file.clone(), Kind::Whole)));
    all
}

/// The path without links in it, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            return real.join(rest);
        }
    }
    path.to_path_buf()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::refuse;
    use crate::wiring::settings::Settings;

    /// A bot below `top`, and a readable place.
    fn shown(change: impl FnOnce(&mut Settings, &Path), place: &str) -> Option<String> {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        for folder in ["system/lib", "data/venv", "data/files/chats/7", "elsewhere"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        symlink(at("system"), at("link")).unwrap();
        let mut settings = Settings::default();
        settings.runtime.data_dir = at("data");
        settings.sources = vec![at("config.toml")];
        change(&mut settings, top.path());
        let places: [(Option<&str>, PathBuf); 2] =
            [(None, at("system")), (Some("venv_path"), at(place))];
        refuse(&settings, &places)
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn nothing_of_the_bot_lies_where_every_program_reads() {
        let nothing = |_: &mut Settings, _: &Path| {};
        assert_eq!(shown(nothing, "elsewhere"), None);
        assert_eq!(shown(nothing, "data/venv"), None, "it shows only itself");
        type Change = fn(&mut Settings, &Path);
        let moved: [(Change, &str); 6] = [
            (
                |to, top| to.runtime.data_dir = top.join("system/lib/bot"),
                "runtime.data_dir",
            ),
            (
                |to, top| to.runtime.data_dir = top.join("link/bot"),
                "runtime.data_dir",
            ),
            (
                |to, top| to.storage.path = Some(top.join("system/a.db")),
                "the database",
            ),
            (
                |to, top| to.tools.file_storage.root_dir = Some(top.join("system/files")),
                "the files of all chats",
            ),
            (
                |to, top| to.sources.push(top.join("system/token")),
                "a file with settings",
            ),
            (
                |to, top| to.logging.file = Some(top.join("system/log")),
                "logging.file",
            ),
        ];
        for (change, what) in moved {
            let why = shown(change, "elsewhere").unwrap_or_default();
            assert!(
                why.starts_with(what) && why.contains("move it elsewhere"),
                "{what}: {why}"
            );
        }
        for place in [
            ".",
            "data",
            "data/files/chats/7/venv",
            "data/sandbox/x",
            "config.toml",
        ] {
            let why = shown(nothing, place).unwrap_or_default();
            assert!(why.starts_with("venv_path lets"), "{place}: {why}");
        }
    }
}
