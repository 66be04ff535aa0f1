//! The files that a chat can see: its own, and those that all chats share.

use crate::core::file_list::MOST_LISTED;
use crate::core::files::{
    Depth, FileError, Listing, SHARED, WorkspaceFiles, WorkspaceId, WorkspacePath,
};

/// Lists them, the chat's own first.
pub async fn all_files(
    files: &dyn WorkspaceFiles,
    workspace: &WorkspaceId,
) -> Result<Listing, FileError> {
    let mut all = files
        .list(workspace, None, Depth::Tree, MOST_LISTED)
        .await?;
    let shared = WorkspacePath::parse(SHARED)?;
    let common = files.list(workspace, Some(&shared), Depth::Tree, MOST_LISTED);
    let common = common.await?;
    all.entries.extend(common.entries);
    all.left_out += common.left_out;
    Ok(all)
}
