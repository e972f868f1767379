//! An archive for the kernel to unpack at boot, in the only format that it reads: `newc`, see cpio(5) and the
//! kernel's Documentation/driver-api/early-userspace/buffer-format.rst.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a file is, with its permissions, as in the `st_mode` of inode(7).
const FOLDER: u32 = 0o040_755;
const TERMINAL: u32 = 0o020_600;
const PROGRAM: u32 = 0o100_755;
const TEXT: u32 = 0o100_644;

#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    pub(crate) fn folder(&mut self, path: &str) {
        self.entry(path, FOLDER, (0, 0), &[]);
    }

    /// A character device by its numbers, see the kernel's Documentation/admin-guide/devices.txt.
    pub(crate) fn device(&mut self, path: &str, numbers: (u32, u32)) {
        self.entry(path, TERMINAL, numbers, &[]);
    }

    pub(crate) fn program(&mut self, path: &str, bytes: &[u8]) {
        self.entry(path, PROGRAM, (0, 0), bytes);
    }

    pub(crate) fn text(&mut self, path: &str, text: &str) {
        self.entry(path, TEXT, (0, 0), text.as_bytes());
    }

    /// A text and the folders that it is in, which may be there already.
    pub(crate) fn text_in_folders(&mut self, path: &str, text: &str) {
        for (end, _) in path.match_indices('/') {
            self.folder(&path[..end]);
        }
        self.text(path, text);
    }

    /// All that stands below a folder: files, links and folders.
    pub(crate) fn tree(&mut self, root: &Path) {
        self.below(root, "");
    }

    fn below(&mut self, root: &Path, folder: &str) {
        let entries = fs::read_dir(root.join(folder)).expect("a folder that can be read");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("a folder that stays").file_name()).collect();
        names.sort();
        for name in names {
            let path = format!("{folder}{}{}", if folder.is_empty() { "" } else { "/" }, name.to_string_lossy());
            let whole = root.join(&path);
            let about = fs::symlink_metadata(&whole).expect("a file that stays");
            if about.is_dir() {
                self.entry(&path, about.mode(), (0, 0), &[]);
                self.below(root, &path);
            } else if about.is_symlink() {
                let target = fs::read_link(&whole).expect("a link that stays");
                self.entry(&path, about.mode(), (0, 0), target.as_os_str().as_bytes());
            } else {
                self.entry(&path, about.mode(), (0, 0), &fs::read(&whole).expect("a file that can be read"));
            }
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), bytes: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(bytes.len()).expect("a file below 4 GiB");
        let name = u32::try_from(path.len() + 1).expect("a short name");
        let (inode, owner, group, links, time, check) = (self.entries, 0, 0, 1, 0, 0);
        let (on_major, on_minor) = (0, 0);
        let head = [inode, mode, owner, group, links, time, size, on_major, on_minor, device.0, device.1, name, check];
        self.bytes.extend(b"070701");
        for field in head {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(bytes);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[test]
fn archive_has_the_newc_format() {
    let mut archive = Archive::default();
    archive.device("dev/console", (5, 1));
    archive.text("a", "hello");
    let text = String::from_utf8(archive.finish()).expect("no other bytes were put in");

    let zero = "00000000";
    let console = format!(
        "07070100000001{mode}{zero}{zero}00000001{zero}{zero}{zero}{zero}00000005000000010000000c{zero}dev/console\0\0\0",
        mode = "00002180",
    );
    let file = format!(
        "07070100000002{mode}{zero}{zero}00000001{zero}00000005{zero}{zero}{zero}{zero}00000002{zero}a\0hello\0\0\0",
        mode = "000081a4",
    );
    assert_eq!(text.split_at(console.len()).0, console);
    assert_eq!(text[console.len()..].split_at(file.len()).0, file);
    assert!(text.ends_with("TRAILER!!!\0\0\0\0"));
    assert_eq!(text.len() % 4, 0);
}
