//! Copies of files that are on their way: taken by the descriptor that was checked, kept out of
//! the reach of every program.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use image::{ImageFormat, ImageReader};

use super::area::Location;
use super::beneath::{self, Missing, failure};
use super::workspaces::blocking;
use crate::core::files::{FileError, WorkspaceId, WorkspacePath};
use crate::core::ids::CopyId;
use crate::core::outgoing_file::{ContentKind, KeptCopy, MAX_FILE, OutgoingFiles};

/// A file that keeps changing is given up after so many copies.
const MOST_TRIES: u32 = 3;

/// The copies in one folder.
#[derive(Debug, Clone)]
pub struct OutgoingCopies {
    workspaces: PathBuf,
    folder: PathBuf,
}

impl OutgoingCopies {
    /// Copies in `folder`, of files of the workspaces below `workspaces`.
    pub fn new(workspaces: PathBuf, folder: PathBuf) -> Self {
        Self { workspaces, folder }
    }

    /// Deletes the copies that nobody needs any more and that are older than `older_than`; says
    /// how many went.
    pub async fn prune(
        &self,
        in_use: Vec<CopyId>,
        older_than: DateTime<Utc>,
    ) -> Result<u64, FileError> {
        let folder = self.folder.clone();
        blocking(move || {
            if !folder.is_dir() {
                return Ok(0);
            }
            let failed = |error| failure("a copy", &error);
            let mut gone = 0;
            for entry in std::fs::read_dir(&folder).map_err(failed)?.flatten() {
                let name = entry.file_name();
                let is_needed = in_use.iter().any(|copy| name == copy.as_str());
                let modified = entry.metadata().and_then(|found| found.modified());
                let is_old = modified.is_ok_and(|at| at < SystemTime::from(older_than));
                if !is_needed && is_old && std::fs::remove_file(entry.path()).is_ok() {
                    gone += 1;
                }
            }
            Ok(gone)
        })
        .await
    }
}

#[async_trait]
impl OutgoingFiles for OutgoingCopies {
    async fn keep(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
    ) -> Result<KeptCopy, FileError> {
        let location = Location::of(workspace, Some(path))?;
        let copies = self.clone();
        blocking(move || {
            for _ in 0..MOST_TRIES {
                if let Some(kept) = copies.copy(&location)? {
                    return Ok(kept);
                }
            }
            let why = format!("{} keeps changing; try again later", location.shown);
            Err(FileError::Refused(why))
        })
        .await
    }

    fn place(&self, copy: &CopyId) -> PathBuf {
        // Ids are our own, but they come back from the database.
        let name = copy.as_str().replace(['/', '.'], "_");
        self.folder.join(name)
    }

    async fn discard(&self, copy: &CopyId) -> Result<(), FileError> {
        let place = self.place(copy);
        blocking(move || match std::fs::remove_file(place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failure("a copy", &error))
            }
            _ => Ok(()),
        })
        .await
    }
}

impl OutgoingCopies {
    /// One copy; `None` when the file changed meanwhile.
    fn copy(&self, location: &Location) -> Result<Option<KeptCopy>, FileError> {
        let shown = location.shown.as_str();
        let failed = |error| failure(shown, &error);
        let area = location.open_area(&self.workspaces)?;
        let (folders, name) = location.named()?;
        let parent = beneath::open_folder(&area, &folders, Missing::Fail)?;
        let opened = beneath::open_file(&parent, name, shown)?;
        let size_bytes = opened.stamp.size_bytes;
        if size_bytes == 0 {
            return Err(FileError::Refused(format!("{shown} is empty")));
        }
        if size_bytes > MAX_FILE {
            let why = format!(
                "{shown} has {size_bytes} bytes; a bot can send at most 50 MB, so compress or split it"
            );
            return Err(FileError::TooLarge(why));
        }
        beneath::make_private(&self.folder).map_err(failed)?;
        let mut copy = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(24)
            .tempfile_in(&self.folder)
            .map_err(failed)?;
        let mut content = (&opened.file).take(size_bytes);
        let copied = std::io::copy(&mut content, &mut copy).map_err(failed)?;
        let after = beneath::stamp(&opened.file.metadata().map_err(failed)?);
        if copied != size_bytes || after != opened.stamp {
            return Ok(None);
        }
        copy.as_file().sync_all().map_err(failed)?;
        let content = content_kind(copy.as_file_mut()).map_err(failed)?;
        let (_, place) = copy.keep().map_err(|error| failed(error.error))?;
        let id = place.file_name().unwrap_or_default().to_string_lossy();
        let origin = self.workspaces.join(&location.area).join(&location.path);
        Ok(Some(KeptCopy {
            copy: CopyId::new(id),
            size_bytes,
            content,
            origin: origin.display().to_string(),
        }))
    }
}

/// What the first bytes of a file say. Pictures are measured, not decoded.
fn content_kind(file: &mut File) -> std::io::Result<ContentKind> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    (&*file).take(128).read_to_end(&mut head)?;
    if head.starts_with(b"OggS") && head.windows(8).any(|bytes| bytes == b"OpusHead") {
        return Ok(ContentKind::Speech);
    }
    let shown = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];
    let format = image::guess_format(&head).ok();
    let Some(format) = format.filter(|format| shown.contains(format)) else {
        return Ok(ContentKind::Other);
    };
    file.seek(SeekFrom::Start(0))?;
    let size = ImageReader::with_format(BufReader::new(&*file), format).into_dimensions();
    Ok(
        size.map_or(ContentKind::Other, |(width, height)| ContentKind::Picture {
            width,
            height,
        }),
    )
}
