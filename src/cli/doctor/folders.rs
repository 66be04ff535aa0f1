//! Whether this user may write where the bot writes. Nothing is made or changed to find out.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::Found;
use crate::wiring::settings::Settings;

/// What is written, with the key that says where.
enum Written {
    Folder(&'static str, PathBuf),
    File(&'static str, PathBuf),
}

pub(super) fn folders(settings: &Settings) -> Found {
    let mut closed: Vec<(&str, String)> = Vec::new();
    for written in all_written(settings) {
        let (key, obstacle) = match written {
            Written::Folder(key, path) => (key, of_folder(&path)),
            Written::File(key, path) => (key, of_file(&path)),
        };
        // One closed folder is in the way of all that lies below it.
        let news = obstacle.filter(|why| closed.iter().all(|(_, told)| told != why));
        closed.extend(news.map(|why| (key, why)));
    }
    if closed.is_empty() {
        return Found::Well("this user may write wherever the bot does".to_owned());
    }
    let told: Vec<String> = closed
        .iter()
        .map(|(key, why)| format!("{why} ({key})"))
        .collect();
    Found::broken(
        told.join("; "),
        "give it to the user whom the bot runs as (chown), make its disk writable, or name another place",
    )
}

fn all_written(settings: &Settings) -> Vec<Written> {
    let mut all = vec![Written::Folder(
        "runtime.data_dir",
        settings.runtime.data_dir.clone(),
    )];
    let of_database = match settings.storage.path {
        Some(_) => "storage.path",
        None => "runtime.data_dir",
    };
    all.push(Written::File(of_database, settings.database()));
    let root = "tools.file_storage.root_dir";
    all.push(Written::Folder(root, settings.files_root()));
    let log = settings.logging.file.as_deref().and_then(Path::parent);
    all.extend(log.map(|folder| Written::Folder("logging.file", folder.into())));
    all
}

/// Why nothing can be made in a folder; one that is not there yet is made in the next one above.
fn of_folder(folder: &Path) -> Option<String> {
    for place in folder.ancestors() {
        let shown = place.display();
        return match access(place, Access::WRITE_OK | Access::EXEC_OK) {
            Err(Errno::NOENT) => continue,
            Ok(()) if place.is_dir() => None,
            Ok(()) | Err(Errno::NOTDIR) => Some(format!("{shown} is no folder")),
            Err(error) => Some(format!("{shown} cannot be written: {}", reason(error))),
        };
    }
    None
}

fn of_file(file: &Path) -> Option<String> {
    let folder = file.parent().and_then(of_folder);
    folder.or_else(|| match access(file, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) | Err(Errno::NOENT) => None,
        Err(error) => Some(format!(
            "{} cannot be written: {}",
            file.display(),
            reason(error)
        )),
    })
}

fn reason(error: Errno) -> String {
    match error {
        Errno::ACCESS | Errno::PERM => "it is closed to this user".to_owned(),
        Errno::ROFS => "its disk is read-only".to_owned(),
        other => other.to_string(),
    }
}
