//! `KEY_file = "/run/secrets/x"`: keys whose value may stand in a file of its own.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::document::{Node, Origin, Value};
use super::{FileKey, Visibility};

const SUFFIX: &str = "_file";
/// Far more than any key or prompt needs; it keeps a wrong path from filling the memory.
const LARGEST_FILE: u64 = 256 * 1024;

/// A key whose file could not be used: the dotted path of the key it stands for, where it was
/// written, and why.
pub(super) struct Refused {
    pub path: Vec<String>,
    pub origin: Origin,
    pub message: String,
}

/// What came of reading them.
#[derive(Default)]
pub(super) struct FilesRead {
    pub refused: Vec<Refused>,
    /// Those that hold a secret.
    pub secret: Vec<PathBuf>,
}

/// Replaces every `KEY_file` by `KEY` with the content of the file, wherever in the tree.
pub(super) fn read_file_keys(root: &mut Node, keys: &[FileKey], base_dir: &Path) -> FilesRead {
    let mut reading = Reading {
        keys,
        base_dir,
        read: FilesRead::default(),
    };
    reading.section(root, &mut Vec::new());
    reading.read
}

struct Reading<'a> {
    keys: &'a [FileKey],
    base_dir: &'a Path,
    read: FilesRead,
}

impl Reading<'_> {
    fn section(&mut self, node: &mut Node, path: &mut Vec<String>) {
        let Value::Section(entries) = &mut node.value else {
            return;
        };
        for key in self.keys {
            let Some(pointer) = entries.remove(&format!("{}{SUFFIX}", key.name)) else {
                continue;
            };
            let origin = pointer.origin.clone();
            match self.content(key, &pointer, entries.get(key.name)) {
                Ok(Some(content)) => {
                    let value = Node {
                        value: Value::Text(content),
                        origin,
                        quotable: false,
                    };
                    entries.insert(key.name.to_owned(), value);
                }
                Ok(None) => {}
                Err(reason) => {
                    let mut path = path.clone();
                    path.push(key.name.to_owned());
                    self.read.refused.push(Refused {
                        message: format!("{}{SUFFIX}: {reason}", path.join(".")),
                        path,
                        origin,
                    });
                }
            }
        }
        for (name, entry) in entries {
            path.push(name.clone());
            self.section(entry, path);
            path.pop();
        }
    }

    /// The file's content, or `None` when the key itself counts.
    fn content(
        &mut self,
        key: &FileKey,
        pointer: &Node,
        direct: Option<&Node>,
    ) -> Result<Option<String>, String> {
        let (Value::Text(name) | Value::Untyped(name)) = &pointer.value else {
            return Err(format!(
                "expected the path of a file in quotes, found {}",
                pointer.describe()
            ));
        };
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(direct) = direct.filter(|node| !is_blank(node)) {
            match (is_override(pointer), is_override(direct)) {
                (false, true) => return Ok(None),
                (true, false) => {}
                _ => {
                    return Err(format!(
                        "{} is given as well; keep one of the two",
                        key.name
                    ));
                }
            }
        }
        let path = self.base_dir.join(name);
        let mut content = read(&path).map_err(|reason| format!("cannot read {name}: {reason}"))?;
        if key.visibility == Visibility::Secret {
            self.read.secret.push(path);
            content.truncate(content.trim_end_matches(['\n', '\r']).len());
            if content.is_empty() {
                return Err(format!("{name} is empty"));
            }
        }
        Ok(Some(content))
    }
}

fn is_blank(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) | Value::Untyped(text) if text.is_empty())
}

fn is_override(node: &Node) -> bool {
    matches!(node.origin, Origin::Variable(_))
}

/// Reads a regular file; reading a pipe or a device could wait for ever.
fn read(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| reason(&error))?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut content))
        .map_err(|error| reason(&error))?;
    if content.len() as u64 > LARGEST_FILE {
        return Err(format!("it is larger than {} KiB", LARGEST_FILE / 1024));
    }
    String::from_utf8(content).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// What went wrong with a file, without the number of the error.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}
