//! Writes the files and takes them away, and nobody else's.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::wanted::{ATTRIBUTES, DROP_IN, File, JOBS, LABEL, LOGINS, MODULES, SYSCTLS, UNITS};
use crate::environment::root_path::beneath;
use crate::formats::{Seal, sealed};
use crate::sys::{self, read_text};

/// What files are called until they are whole, before the number of the process: it ends in nothing that any of the
/// readers looks for.
const BESIDE: &str = ".tunectl-new-";

/// Where the files stand.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was written.
    New,
    /// It stood there already.
    Same,
    /// It was taken away.
    Removed,
}

/// Why a file was left.
#[derive(Debug)]
pub enum PersistError {
    /// Somebody has changed it since tunectl wrote it.
    Changed(PathBuf),
    /// tunectl did not write it.
    Foreign(PathBuf),
    /// The system refused.
    Refused(PathBuf, io::Error),
}

impl Disk {
    /// Files beneath this directory.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a file is.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        match path.rsplit_once('/') {
            Some((folder, name)) => self.folder(folder).join(name),
            None => self.root.join(path),
        }
    }

    fn folder(&self, folder: &str) -> PathBuf {
        beneath(&self.root, Path::new(folder))
    }

    /// Takes away what runs of tunectl left that were killed before a file was in its place.
    pub fn sweep(&self) {
        let folders = self.names(UNITS).into_iter().map(|folder| format!("{UNITS}/{folder}"));
        let fixed = [MODULES, SYSCTLS, ATTRIBUTES, LOGINS].map(|path| path[..path.rfind('/').unwrap_or(0)].to_owned());
        for folder in folders.filter(|folder| folder.strip_suffix(".d").is_some()).chain(fixed).chain([JOBS.to_owned()])
        {
            let whole = self.folder(&folder);
            for name in self.names(&folder) {
                let number = name.strip_prefix(BESIDE).and_then(|number| number.parse().ok());
                // What is no process's number would be a group's or everybody's to kill(2).
                let Some(pid) = number.filter(|&pid| pid > 0) else { continue };
                let runs = pid != sys::own_pid()
                    && !matches!(sys::kill(pid, 0), Err(error) if error.raw_os_error() == Some(libc::ESRCH));
                if !runs {
                    drop(fs::remove_file(whole.join(name)));
                    if folder.starts_with(UNITS) {
                        drop(fs::remove_dir(&whole));
                    }
                }
            }
        }
    }

    /// Every file that stands where tunectl writes one, whoever wrote it.
    #[must_use]
    pub fn standing(&self) -> Vec<String> {
        let mut paths: Vec<String> = [MODULES, SYSCTLS, ATTRIBUTES, LOGINS].map(str::to_owned).to_vec();
        paths.extend(self.names(UNITS).iter().map(|folder| format!("{UNITS}/{folder}/{DROP_IN}")));
        let jobs = self.names(JOBS);
        paths.extend(jobs.iter().filter(|name| name.starts_with(LABEL)).map(|name| format!("{JOBS}/{name}")));
        paths.retain(|path| fs::symlink_metadata(self.path(path)).is_ok());
        paths
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(found) = fs::read_dir(self.folder(folder)) else { return Vec::new() };
        let mut names: Vec<String> = found.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Whether a file may be replaced or taken away: nothing stands there, or what tunectl wrote.
    ///
    /// # Errors
    /// Whose it is.
    pub fn is_ours(&self, path: &str) -> Result<(), PersistError> {
        let path = self.path(path);
        match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(PersistError::Refused(path, error)),
            Ok(None) => Err(PersistError::Foreign(path)),
            Ok(Some(text)) => match sealed(&text) {
                Seal::Whole { .. } => Ok(()),
                Seal::Broken => Err(PersistError::Changed(path)),
                Seal::None => Err(PersistError::Foreign(path)),
            },
        }
    }

    /// Whether a file may be taken away, see [`Disk::remove`].
    ///
    /// # Errors
    /// Whose it is.
    pub fn may_go(&self, path: &str, force: bool) -> Result<(), PersistError> {
        match self.is_ours(path) {
            Err(PersistError::Changed(_)) if force => Ok(()),
            result => result,
        }
    }

    /// The profiles that a file was written for, if tunectl wrote it.
    #[must_use]
    pub fn profiles_of(&self, path: &str) -> Option<String> {
        match sealed(&read(&self.path(path)).ok()??) {
            Seal::Whole { profiles } => Some(profiles),
            Seal::Broken | Seal::None => None,
        }
    }

    /// Whether a file stands there as it should.
    #[must_use]
    pub fn has(&self, file: &File) -> bool {
        matches!(read(&self.path(&file.path)), Ok(Some(text)) if text == file.text)
    }

    /// Puts a file in its place, whole, and nothing where it is as it should be.
    ///
    /// # Errors
    /// It is somebody else's, or the system refused: then what stood there still does.
    pub fn write(&self, file: &File) -> Result<Written, PersistError> {
        self.is_ours(&file.path)?;
        if self.has(file) {
            return Ok(Written::Same);
        }
        let path = self.path(&file.path);
        replace(&path, &file.text).map_err(|error| PersistError::Refused(path, error))?;
        Ok(Written::New)
    }

    /// Takes a file away, and the folder of a drop-in that is empty then. `force` takes also what somebody has
    /// changed since, never what tunectl did not write.
    ///
    /// # Errors
    /// As [`Disk::write`].
    pub fn remove(&self, path: &str, force: bool) -> Result<Written, PersistError> {
        self.may_go(path, force)?;
        let whole = self.path(path);
        fs::remove_file(&whole).map_err(|error| PersistError::Refused(whole.clone(), error))?;
        if let Some(folder) = whole.parent().filter(|_| path.starts_with(UNITS)) {
            // Fails where somebody else's drop-in is beside it, as it should.
            drop(fs::remove_dir(folder));
        }
        Ok(Written::Removed)
    }
}

/// The text of a regular file; nothing for anything else, a link to `/dev/null` above all, with which an administrator
/// says that there is to be none.
fn read(path: &Path) -> io::Result<Option<String>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    read_text(path).map(Some)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    let beside = folder.join(format!("{BESIDE}{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        drop(fs::remove_file(&beside));
    }
    written
}
