//! Writes and removes the files, and no file of anybody else.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::contents::{DROP_IN, FIXED, JOBS, LABEL, TargetFile, UNITS};
use crate::environment::config_files::resolve_beneath;
use crate::formats::checksum_header::{Header, read_header};
use crate::sys::{self, FileMode, read_text};

/// The directory that the files are below, usually `/`.
#[derive(Clone, Debug)]
pub struct PersistRoot {
    root: PathBuf,
}

/// One file, and what came of it.
#[derive(Debug)]
pub struct FileResult {
    /// Its path, the root included.
    pub path: PathBuf,
    /// What came of it.
    pub outcome: FileOutcome,
}

/// What came of a file.
#[derive(Debug)]
pub enum FileOutcome {
    /// It was written.
    Written {
        /// The profiles that the old file was written for, where there was one, separated by commas.
        replaced: Option<String>,
    },
    /// It would be written: the outcome of `--dry-run`.
    WouldWrite,
    /// It has the right text already.
    Unchanged,
    /// It was removed.
    Removed,
    /// It would be removed: the outcome of `--dry-run`.
    WouldRemove,
    /// It was kept: nothing that was asked for goes there, and it was not to be removed for that.
    Kept,
    /// It was left, since another file had to be.
    Skipped,
    /// It was left, or could not be written.
    Failed(PersistError),
}

/// Why a file was left.
#[derive(Debug)]
pub enum PersistError {
    /// tunectl wrote it, and it was edited since.
    Edited(PathBuf),
    /// tunectl did not write it.
    Foreign(PathBuf),
    /// A system call failed.
    Refused(PathBuf, io::Error),
}

/// Settings of a file of other profiles that another text does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostSettings {
    /// The profiles that the file was written for, separated by commas.
    pub profiles: String,
    /// The names of the settings, as the file has them.
    pub names: Vec<String>,
}

/// What a line of one of our files sets: what is before the value. `None` for a comment or a section.
fn setting_of_line(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', '[', '<']) {
        return None;
    }
    let name = line.split_once('=').map(|(name, _)| name.trim());
    // limits.d and tmpfiles.d have the value last.
    name.or_else(|| line.rsplit_once(char::is_whitespace).map(|(name, _)| name.trim())).or(Some(line))
}

impl PersistRoot {
    /// Files below this directory.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The whole path of a file.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        match path.rsplit_once('/') {
            Some((folder, name)) => self.folder(folder).join(name),
            None => self.root.join(path),
        }
    }

    fn folder(&self, folder: &str) -> PathBuf {
        resolve_beneath(&self.root, Path::new(folder))
    }

    /// Removes the unfinished files of tunectl processes that were killed while they wrote them.
    pub fn remove_leftovers(&self) {
        let units = self.names(UNITS).into_iter().filter(|name| name.strip_suffix(".d").is_some());
        let fixed = FIXED.iter().map(|file| file.path[..file.path.rfind('/').unwrap_or(0)].to_owned());
        let folders = units.map(|name| format!("{UNITS}/{name}")).chain(fixed).chain([JOBS.to_owned()]);
        for folder in folders {
            let whole = self.folder(&folder);
            for name in self.names(&folder) {
                let Some(pid) = sys::unfinished_by(name.as_ref()) else { continue };
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

    /// The paths of all existing files that tunectl writes to, whoever wrote them.
    #[must_use]
    pub fn existing(&self) -> Vec<String> {
        let mut paths: Vec<String> = FIXED.iter().map(|file| file.path.to_owned()).collect();
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

    /// Checks that a file may be replaced or removed: there is none, or tunectl wrote it and nobody edited it.
    ///
    /// # Errors
    /// Why not.
    pub fn check_ours(&self, path: &str) -> Result<(), PersistError> {
        let path = self.path(path);
        match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(PersistError::Refused(path, error)),
            Ok(None) => Err(PersistError::Foreign(path)),
            Ok(Some(text)) => match read_header(&text) {
                Header::Intact { .. } => Ok(()),
                Header::Edited => Err(PersistError::Edited(path)),
                Header::Missing => Err(PersistError::Foreign(path)),
            },
        }
    }

    /// Checks that a file may be removed, see [`PersistRoot::remove`].
    ///
    /// # Errors
    /// Why not.
    pub fn check_removable(&self, path: &str, force: bool) -> Result<(), PersistError> {
        match self.check_ours(path) {
            Err(PersistError::Edited(_)) if force => Ok(()),
            result => result,
        }
    }

    /// The profiles that a file was written for, if tunectl wrote it.
    #[must_use]
    pub fn profiles_of(&self, path: &str) -> Option<String> {
        match read_header(&read(&self.path(path)).ok()??) {
            Header::Intact { profiles } => Some(profiles),
            Header::Edited | Header::Missing => None,
        }
    }

    /// What of a file of other profiles would be lost if it were replaced; `None` where nothing would.
    #[must_use]
    pub fn lost_settings(&self, file: &TargetFile) -> Option<LostSettings> {
        let old = read(&self.path(&file.path)).ok()??;
        let theirs = match read_header(&old) {
            Header::Intact { profiles } => profiles,
            Header::Edited | Header::Missing => return None,
        };
        let kept: Vec<&str> = file.text.lines().filter_map(setting_of_line).collect();
        let lost = old.lines().filter_map(setting_of_line).filter(|name| !kept.contains(name));
        let names: Vec<String> = lost.map(str::to_owned).collect();
        let is_ours = matches!(read_header(&file.text), Header::Intact { profiles } if profiles == theirs);
        (!is_ours && !names.is_empty()).then_some(LostSettings { profiles: theirs, names })
    }

    /// Whether a file has the right text already.
    #[must_use]
    pub fn has(&self, file: &TargetFile) -> bool {
        matches!(read(&self.path(&file.path)), Ok(Some(text)) if text == file.text)
    }

    /// Writes a file whole, and nothing where it has the right text already.
    ///
    /// # Errors
    /// It is somebody else's, or a system call failed: then the old file is still there.
    pub fn write(&self, file: &TargetFile) -> Result<FileOutcome, PersistError> {
        self.check_ours(&file.path)?;
        if self.has(file) {
            return Ok(FileOutcome::Unchanged);
        }
        let (path, replaced) = (self.path(&file.path), self.profiles_of(&file.path));
        replace(&path, &file.text).map_err(|error| PersistError::Refused(path, error))?;
        Ok(FileOutcome::Written { replaced })
    }

    /// Removes a file, and the folder of a drop-in that is empty then. With `force` also a file that was edited, never
    /// one that tunectl did not write.
    ///
    /// # Errors
    /// As [`PersistRoot::write`].
    pub fn remove(&self, path: &str, force: bool) -> Result<(), PersistError> {
        self.check_removable(path, force)?;
        let whole = self.path(path);
        fs::remove_file(&whole).map_err(|error| PersistError::Refused(whole.clone(), error))?;
        if let Some(folder) = whole.parent().filter(|_| path.starts_with(UNITS)) {
            // Fails where there is another drop-in, as it should.
            drop(fs::remove_dir(folder));
        }
        Ok(())
    }
}

/// The text of a regular file; `None` for anything else, above all a link to `/dev/null`, with which an administrator
/// masks a file.
fn read(path: &Path) -> io::Result<Option<String>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    read_text(path).map(Some)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    sys::replace_file(path, text.as_bytes(), FileMode::Exactly(0o644))
}
