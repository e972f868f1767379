//! Paths of another system, whose root is a directory of this one.

use std::fs;
use std::path::{Path, PathBuf};

/// Links that are followed on one path at most, as many as Linux follows, `path_resolution(7)`.
const LINKS: usize = 40;

/// Where a path leads for whoever has `root` for `/`: links in it, and at its end, never lead out of that. Too many of
/// them lead nowhere, to a name that no system takes.
#[must_use]
pub fn beneath(root: &Path, path: &Path) -> PathBuf {
    let parts = |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
    let (mut left, mut at, mut links) = (parts(path), PathBuf::new(), 0);
    while let Some(part) = left.pop() {
        if part == "/" {
            at.clear();
        } else if part == ".." {
            at.pop();
        } else if let Ok(target) = fs::read_link(root.join(&at).join(&part)) {
            links += 1;
            if links > LINKS {
                return root.join("\0too many links");
            }
            left.append(&mut parts(&target));
        } else if part != "." {
            at.push(part);
        }
    }
    root.join(at)
}
