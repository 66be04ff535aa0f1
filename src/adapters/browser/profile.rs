//! The folder in which a browser keeps what it knows: gone with its session, unless it is to be kept.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::core::files::WorkspaceId;

/// What is left of sessions stands here, and is removed at the next start.
const OPEN: &str = "open";
const KEPT: &str = "kept";

/// A browser that was killed may write a moment longer.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// A profile in use.
#[derive(Debug)]
pub(super) enum Profile {
    /// It outlives the session.
    Kept(PathBuf),
    /// It goes with the session.
    Passing(PathBuf),
}

/// Whether logins outlive a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    Keep,
    Forget,
}

impl Profile {
    /// Makes the folder of a session, or takes up the one that was kept.
    pub(super) fn open(root: &Path, chat: &WorkspaceId, keeping: Keeping) -> io::Result<Self> {
        let profile = match keeping {
            Keeping::Keep => Self::Kept(root.join(KEPT).join(plain_name(chat)?)),
            Keeping::Forget => {
                let folder = root.join(OPEN);
                make_folder(&folder)?;
                let made = tempfile::Builder::new().prefix("s-").tempdir_in(folder)?;
                Self::Passing(made.keep())
            }
        };
        let folder = profile.folder();
        make_folder(folder)?;
        make_folder(&folder.join("tmp"))?;
        for stale in [
            "SingletonLock",
            "SingletonCookie",
            "SingletonSocket",
            "DevToolsActivePort",
        ] {
            let _ = fs::remove_file(folder.join(stale));
        }
        let preferences = folder.join("Default/Preferences");
        if !preferences.exists() {
            make_folder(&folder.join("Default"))?;
            fs::write(preferences, first_preferences())?;
        }
        Ok(profile)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Kept(folder) | Self::Passing(folder) => folder,
        }
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let Self::Passing(folder) = self else { return };
        for _ in 0..TRIES {
            match fs::remove_dir_all(&*folder) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(_) => thread::sleep(PAUSE),
            }
        }
        let folder = folder.display();
        tracing::warn!(%folder, "a browser's folder is left; the next start removes it");
    }
}

/// Removes what sessions of a process that was killed left.
pub(super) fn remove_leftovers(root: &Path) {
    match fs::remove_dir_all(root.join(OPEN)) {
        Ok(()) => tracing::info!("removed what browsers of the last process left"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, "what browsers left cannot be removed"),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// The folder's name of a chat, which may hold nothing but what a chat's id is made of.
fn plain_name(chat: &WorkspaceId) -> io::Result<&str> {
    let name = chat.folder();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_@".contains(letter);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the chat's id cannot be a folder's name",
        ));
    }
    Ok(name)
}

/// Settings that have no argument: nothing is guessed ahead, no password is kept, nothing is downloaded.
fn first_preferences() -> String {
    json!({
        "net": { "network_prediction_options": 2 },
        "webrtc": { "ip_handling_policy": "disable_non_proxied_udp" },
        "credentials_enable_service": false,
        "autofill": { "enabled": false },
        "search": { "suggest_enabled": false },
        "safebrowsing": { "enabled": false },
        "alternate_error_pages": { "enabled": false },
        "download_restrictions": 3,
        "translate": { "enabled": false },
        "profile": { "password_manager_enabled": false }
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::core::channel::ChatTarget;

    fn chat(id: &str) -> WorkspaceId {
        WorkspaceId::of(&ChatTarget {
            channel: crate::core::ids::ChannelName::new("telegram"),
            chat: crate::core::ids::ChatId::new(id),
            thread: None,
        })
    }

    #[test]
    fn only_a_kept_profile_outlives_its_session() {
        let root = tempfile::tempdir().unwrap();
        let passing = Profile::open(root.path(), &chat("-5"), Keeping::Forget).unwrap();
        let kept = Profile::open(root.path(), &chat("-5"), Keeping::Keep).unwrap();
        let (gone, stays) = (passing.folder().to_owned(), kept.folder().to_owned());
        for folder in [&gone, &stays] {
            let mode = fs::metadata(folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop((passing, kept));
        assert!(!gone.exists());
        assert!(stays.join("Default/Preferences").exists());
        fs::create_dir_all(root.path().join("open/s-left")).unwrap();
        remove_leftovers(root.path());
        assert!(!root.path().join("open").exists());
        assert!(stays.exists());
    }

    #[test]
    fn a_chat_cannot_name_another_folder() {
        let root = tempfile::tempdir().unwrap();
        for id in ["", "..", "a/b", "/etc", "a\0"] {
            assert!(Profile::open(root.path(), &chat(id), Keeping::Keep).is_err());
        }
    }
}
