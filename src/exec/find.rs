//! Finding the program of a command, in the service's own `PATH`.

use std::ffi::{CString, OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::{ExecError, NotExecutableReason};
use super::{CStringArray, PreparedCommand};

/// Where execvp(3) of musl searches when `PATH` is not set.
const DEFAULT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

/// Finds the program of `command` (a name and its arguments) in `path`, the value of the service's `PATH`.
///
/// `directory` is the service's working directory, where it is not ours: names with a slash and relative entries of
/// `PATH` count from there. Nothing is executed or changed.
///
/// # Errors
/// [`ExecError::NotFound`], or [`ExecError::NotExecutable`] where only unfit files were found.
pub(super) fn find(
    command: &[OsString],
    path: Option<&OsStr>,
    directory: Option<&Path>,
) -> Result<PreparedCommand, ExecError> {
    let name = command.first().map_or(OsStr::new(""), OsString::as_os_str);
    let shown = name.to_string_lossy().into_owned();
    let searched = (!name.as_bytes().contains(&b'/')).then(|| path.unwrap_or(OsStr::new(DEFAULT_PATH)));
    let mut candidates = Vec::new();
    let mut unfit = None;
    for place in places(name, searched) {
        let from_our_directory = directory.map_or_else(|| place.clone(), |directory| directory.join(&place));
        match examine(&from_our_directory) {
            Ok(true) => candidates.push(c_string(place.into_os_string())),
            Ok(false) => {}
            Err(reason) => unfit = unfit.or(Some(ExecError::NotExecutable { path: place, reason })),
        }
    }
    if candidates.is_empty() {
        let searched = searched.map(|path| path.to_string_lossy().into_owned());
        return Err(unfit.unwrap_or(ExecError::NotFound { command: shown, searched }));
    }
    let arguments = CStringArray::new(command.iter().cloned().map(c_string).collect());
    Ok(PreparedCommand { name: shown, candidates, arguments, environment: None })
}

/// The paths at which the program may be. An empty entry of `PATH` is the working directory (POSIX, chapter 8.3).
fn places(name: &OsStr, searched: Option<&OsStr>) -> Vec<PathBuf> {
    if name.is_empty() {
        return Vec::new();
    }
    let Some(searched) = searched else { return vec![PathBuf::from(name)] };
    let entries = searched.as_bytes().split(|&byte| byte == b':');
    entries
        .map(|entry| if entry.is_empty() { &b"."[..] } else { entry })
        .map(|entry| Path::new(OsStr::from_bytes(entry)).join(name))
        .collect()
}

/// Whether `place` is a file that may be executed. One that can't be examined counts as such and is left to execve(2):
/// we may still be another user than the service will be.
fn examine(place: &Path) -> Result<bool, NotExecutableReason> {
    match place.metadata() {
        Ok(found) => is_executable(&found),
        Err(error) => match error.raw_os_error() {
            // A path that is too long leads nowhere: an entry of `PATH` must not end the search.
            Some(libc::ENOENT | libc::ENOTDIR | libc::ENAMETOOLONG) => Ok(false),
            Some(libc::EACCES) => Err(NotExecutableReason::UnsearchableDirectory),
            _ => Ok(true),
        },
    }
}

fn is_executable(found: &Metadata) -> Result<bool, NotExecutableReason> {
    if found.is_dir() {
        Err(NotExecutableReason::Directory)
    } else if !found.is_file() {
        Err(NotExecutableReason::NotRegularFile)
    } else if found.mode() & 0o111 == 0 {
        Err(NotExecutableReason::NoExecuteBit(found.mode() & 0o7777))
    } else {
        Ok(true)
    }
}

/// Arguments come from a C array and can't hold a NUL; one from elsewhere is cut there, as C would read it.
fn c_string(text: OsString) -> CString {
    let mut bytes = text.into_vec();
    if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
        bytes.truncate(end);
    }
    CString::new(bytes).unwrap_or_default()
}
