//! What a test does to the machine: small disks, files that may not be written, and what only root may do.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A test that cannot do its part here says so. Where everything is checked (CI, or root's machine) it fails: a test that
/// does nothing has checked nothing.
pub fn cannot(what: &str) {
    let must = std::env::var_os("CI").is_some() || rustix::process::getuid().is_root();
    assert!(!must, "this must work here: {what}");
    eprintln!("not checked here, only root may: {what}");
}

/// A file system in memory that is soon full. It goes with its last word.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
    own: Option<TempDir>,
}

impl SmallDisk {
    /// One of so many kilobytes, in a folder of its own; `None` where nobody may mount.
    pub fn mount(kilobytes: u32) -> Option<Self> {
        let own = tempfile::tempdir().unwrap();
        let mut disk = Self::mount_at(own.path(), kilobytes)?;
        disk.own = Some(own);
        Some(disk)
    }

    /// The same over a folder, which is made.
    pub fn mount_at(folder: &Path, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let options = format!("size={kilobytes}k,mode=0700");
        let disk = Self {
            at: folder.to_owned(),
            own: None,
        };
        if disk.mounted(&["-t", "tmpfs", "-o", &options, "tmpfs"]) {
            return Some(disk);
        }
        std::mem::forget(disk);
        cannot("mount a small disk");
        None
    }

    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Leaves no room for a single byte more.
    pub fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for piece in [64 * 1024, 4096, 1] {
            while ballast.write_all(&vec![0; piece]).is_ok() {}
        }
    }

    /// Leaves so much room and no more.
    pub fn leave_kilobytes(&self, kilobytes: u64) {
        let found = rustix::fs::statvfs(&self.at).unwrap();
        let free = found.f_bavail * found.f_frsize;
        let ballast = free - kilobytes * 1024;
        std::fs::write(self.ballast(), vec![0; usize::try_from(ballast).unwrap()]).unwrap();
    }

    /// Takes the ballast away.
    pub fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    /// Nobody may write on it any more.
    pub fn make_read_only(&self) {
        assert!(self.mounted(&["-o", "remount,ro"]), "the disk is in use");
    }

    /// Everybody may write on it again.
    pub fn make_writable(&self) {
        assert!(self.mounted(&["-o", "remount,rw"]));
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }

    fn mounted(&self, options: &[&str]) -> bool {
        let mount = Command::new("mount")
            .args(options)
            .arg(&self.at)
            .stderr(Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}
