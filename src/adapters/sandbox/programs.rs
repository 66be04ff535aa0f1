//! Finds an interpreter that programs in the sandbox can reach.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::confine::NOBODY;
use crate::core::sandbox::SandboxMode;

/// Why a program cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// There is none of that name.
    #[error("{0} was not found in the PATH")]
    NotFound(String),
    /// There is one, which cannot be run; the words say why.
    #[error("{0}")]
    Unusable(String),
}

/// Finds `name`, a path or a plain name, and the first one of that name in `search` (as in `PATH`) that
/// can be run in this mode. Where the bot is root, programs run as another user, who may not be able to
/// pass through the folders above.
pub fn find_program(name: &Path, search: &str, mode: SandboxMode) -> Result<PathBuf, ProgramError> {
    if name.components().count() > 1 {
        return usable(name, mode).map_err(ProgramError::Unusable);
    }
    let mut first_reason = None;
    for folder in search.split(':').filter(|folder| folder.starts_with('/')) {
        let path = Path::new(folder).join(name);
        if !path.is_file() {
            continue;
        }
        match usable(&path, mode) {
            Ok(path) => return Ok(path),
            Err(reason) => first_reason = first_reason.or(Some(reason)),
        }
    }
    Err(first_reason.map_or_else(
        || ProgramError::NotFound(name.display().to_string()),
        ProgramError::Unusable,
    ))
}

/// The path without changing it: a virtual environment's interpreter finds its packages by it.
fn usable(path: &Path, mode: SandboxMode) -> Result<PathBuf, String> {
    let shown = path.display();
    let real = fs::canonicalize(path).map_err(|error| format!("{shown}: {error}"))?;
    let found = fs::metadata(&real).map_err(|error| format!("{shown}: {error}"))?;
    if !found.is_file() || found.mode() & 0o111 == 0 {
        return Err(format!("{shown} is no program"));
    }
    if !geteuid().is_root() || mode == SandboxMode::None {
        return Ok(path.to_path_buf());
    }
    for one in [path, &real] {
        if let Some(closed) = closed_above(one) {
            return Err(format!(
                "{shown} lies below {}, which only its owner may enter: the bot is root, so programs run as the user \
                 {NOBODY}. Use one of the system's interpreters, or run the bot as another user",
                closed.display()
            ));
        }
    }
    if found.permissions().mode() & 0o001 == 0 {
        return Err(format!("{shown} may only be run by its owner"));
    }
    Ok(path.to_path_buf())
}

/// The first folder above `path` through which not everybody may pass.
fn closed_above(path: &Path) -> Option<&Path> {
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    above
        .into_iter()
        .find(|folder| fs::metadata(folder).is_ok_and(|found| found.mode() & 0o001 == 0))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{ProgramError, find_program};
    use crate::core::sandbox::SandboxMode;

    #[test]
    fn the_first_program_that_can_be_run_is_taken() {
        let top = tempfile::tempdir().unwrap();
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let put = |folder: &str, mode: u32, folder_mode: u32| {
            let folder = top.path().join(folder);
            fs::create_dir(&folder).unwrap();
            let path = folder.join("tool");
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(folder_mode)).unwrap();
            folder.display().to_string()
        };
        let text = put("text", 0o644, 0o755);
        let open = put("open", 0o755, 0o755);
        let find = |search: &str| find_program(Path::new("tool"), search, SandboxMode::Native);
        assert_eq!(
            find(&format!("relative:{text}:{open}")),
            Ok(top.path().join("open/tool"))
        );
        assert!(matches!(find(&text), Err(ProgramError::Unusable(_))));
        assert_eq!(
            find("/nowhere"),
            Err(ProgramError::NotFound("tool".to_owned()))
        );
        let closed = put("closed", 0o755, 0o700);
        if nix::unistd::geteuid().is_root() {
            assert!(
                matches!(find(&closed), Err(ProgramError::Unusable(why)) if why.contains("closed"))
            );
            assert_eq!(
                find(&format!("{closed}:{open}")),
                Ok(top.path().join("open/tool"))
            );
        }
        let plain = find_program(Path::new("tool"), &closed, SandboxMode::None);
        assert_eq!(plain, Ok(top.path().join("closed/tool")));
    }
}
