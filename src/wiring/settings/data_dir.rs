//! Where the data of a config lies: beside it, or, when that is `/etc`, in `/var/lib`.

use std::path::{Component, Path, PathBuf};

use crate::app::config::RuntimeConfig;

const ETC: &str = "/etc";
const VAR_LIB: &str = "/var/lib";

/// The folder that `runtime.data_dir` means in a config of the folder `base_dir`: an empty one is the usual one, as if
/// the key were not there.
pub(super) fn resolved(set: &Path, base_dir: &Path) -> PathBuf {
    let usual = RuntimeConfig::default().data_dir;
    let is_blank = set.to_str().is_some_and(|set| set.trim().is_empty());
    let set = if is_blank { usual.as_path() } else { set };
    resolved_below(Path::new(ETC), Path::new(VAR_LIB), set, base_dir)
}

/// Nothing is written in `/etc`, and a service may not: the usual `./data` beside `/etc/minibot/config.toml` is
/// `/var/lib/minibot`, for the service and for commands by hand alike. A database that is beside the config already
/// stays in use until there is another.
fn resolved_below(etc: &Path, var_lib: &Path, set: &Path, base_dir: &Path) -> PathBuf {
    let beside = base_dir.join(set);
    let is_usual = set.strip_prefix(".").unwrap_or(set) == Path::new("data");
    // Also where a link or dots led to it, or a link leads out of it.
    let real = base_dir.canonicalize();
    let places = [real.as_deref().unwrap_or(base_dir), base_dir];
    let is_folder = |name: &&Path| {
        name.components().next().is_some()
            && !name.components().any(|part| part == Component::ParentDir)
    };
    let mut names = places
        .iter()
        .filter_map(|place| place.strip_prefix(etc).ok());
    match names.find(is_folder) {
        Some(name) if is_usual => {
            let usual = var_lib.join(name);
            let has_one = |folder: &Path| folder.join("minibot.db").try_exists();
            if has_one(&beside).is_ok_and(|has| has) && has_one(&usual).is_ok_and(|has| !has) {
                beside
            } else {
                usual
            }
        }
        Some(_) | None => beside,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_config_in_etc_has_its_data_in_var_lib() {
        for (set, base_dir, meant) in [
            ("./data", "/etc/minibot", "/var/lib/minibot"),
            ("data", "/etc/minibot", "/var/lib/minibot"),
            ("data/", "/etc/bots/alice", "/var/lib/bots/alice"),
            ("/srv/bot", "/etc/minibot", "/srv/bot"),
            ("other", "/etc/minibot", "/etc/minibot/other"),
            ("data", "/etc", "/etc/data"),
            ("data", "/etcetera/minibot", "/etcetera/minibot/data"),
            ("./data", "/home/alice", "/home/alice/data"),
        ] {
            let (etc, var_lib) = (Path::new("/etc"), Path::new("/var/lib"));
            let found = resolved_below(etc, var_lib, Path::new(set), Path::new(base_dir));
            assert_eq!(found, Path::new(meant), "{set} in {base_dir}");
        }
    }

    #[test]
    fn links_and_dots_into_etc_and_links_out_of_it_count() {
        let root = tempfile::tempdir().unwrap();
        let [etc, var_lib, home] = ["etc", "var/lib", "home"].map(|name| root.path().join(name));
        for folder in [etc.join("here"), home.join("bot")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::os::unix::fs::symlink(home.join("bot"), etc.join("out")).unwrap();
        std::os::unix::fs::symlink(etc.join("here"), home.join("in")).unwrap();
        for (config, meant) in [
            (etc.join("out"), var_lib.join("out")),
            (home.join("in"), var_lib.join("here")),
            (home.join("../etc/here"), var_lib.join("here")),
            (etc.join("../home/bot"), etc.join("../home/bot/data")),
        ] {
            let found = resolved_below(&etc, &var_lib, Path::new("data"), &config);
            assert_eq!(found, meant, "{}", config.display());
        }
    }

    #[test]
    fn a_database_beside_the_config_stays_in_use_until_there_is_another() {
        let root = tempfile::tempdir().unwrap();
        let [etc, var_lib] = ["etc", "var/lib"].map(|name| root.path().join(name));
        let (config, data) = (etc.join("minibot"), var_lib.join("minibot"));
        let found = || resolved_below(&etc, &var_lib, Path::new("./data"), &config);
        for folder in [config.join("data"), data.clone()] {
            std::fs::create_dir_all(folder).unwrap();
        }
        assert_eq!(found(), data);
        std::fs::write(config.join("data/minibot.db"), "").unwrap();
        assert_eq!(found(), config.join("data"));
        std::fs::write(data.join("minibot.db"), "").unwrap();
        assert_eq!(found(), data);
    }
}
