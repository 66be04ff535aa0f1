//! The descriptors that a process was given by the one that started it.

use std::fs;

/// Closes all but the standard ones and `kept`. Only for the first step of a process: what it has
/// opened itself must not be among them.
pub(in super::super) fn close_inherited(kept: &[i32]) {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let open: Vec<i32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in open {
        if descriptor > 2 && !kept.contains(&descriptor) {
            // The listing's own descriptor is closed already; that is no failure.
            let _ = nix::unistd::close(descriptor);
        }
    }
}
