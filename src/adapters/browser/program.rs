//! Where the browser's program is.

use std::path::{Path, PathBuf};

use super::config::BrowserConfig;

/// Where it is looked for, best first. Debian's /usr/bin/chromium is a script around the first.
const PLACES: &[&str] = &[
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "/opt/chromium.org/chromium/chromium",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome-stable",
    "/usr/bin/google-chrome",
    "/usr/local/bin/chromium",
    "/usr/local/bin/chrome",
];

/// Where a bare name of the settings is looked up.
const FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

/// Finds the program; the error says what to do.
pub fn find(config: &BrowserConfig) -> Result<PathBuf, String> {
    let Some(named) = &config.executable_path else {
        return PLACES
            .iter()
            .map(PathBuf::from)
            .find(|place| place.is_file())
            .ok_or_else(|| {
                "no Chromium was found; install the package chromium, or set tools.browser.executable_path"
                    .to_owned()
            });
    };
    let is_bare = named.components().count() == 1;
    let found = if is_bare {
        let mut candidates = FOLDERS.iter().map(|folder| Path::new(folder).join(named));
        candidates.find(|candidate| candidate.is_file())
    } else {
        Some(named.clone()).filter(|path| path.is_file())
    };
    found.ok_or_else(|| {
        let named = named.display();
        format!("there is no program {named}; change tools.browser.executable_path")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_named_program_must_be_there() {
        let named = |path: &str| BrowserConfig {
            executable_path: Some(path.into()),
            ..BrowserConfig::default()
        };
        assert_eq!(find(&named("/bin/sh")).unwrap(), Path::new("/bin/sh"));
        assert!(find(&named("sh")).unwrap().ends_with("sh"));
        for missing in ["/nowhere/chromium", "no-such-browser"] {
            assert!(find(&named(missing)).unwrap_err().contains(missing));
        }
    }
}
