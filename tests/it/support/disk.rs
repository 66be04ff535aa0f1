//! A disk that is soon full.

/// A file system of its own. Only root can mount one.
#[derive(Debug)]
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// One of this size, as `mount` reads it: `256k`.
    pub fn of(size: &str) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at.path())
            .status();
        mounted.ok()?.success().then_some(Self(at))
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let at = self.0.path();
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(at)
            .status();
    }
}
