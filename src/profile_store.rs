//! Where profiles come from: files by path, `/etc/tunectl/profiles/NAME.toml`, and what is built in.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use crate::builtin;
use crate::model::suggest;
use crate::profile::Source;
use crate::profile::load::Unfound;
use crate::sys;

/// Where the administrator's own profiles are.
pub const DIRECTORY: &str = "/etc/tunectl/profiles";

/// The largest profile, in bytes: one for every sysctl of a large host is a twentieth of this.
const LARGEST: u64 = 1 << 20;

/// A place to find profiles in, and how far to trust what is found.
#[derive(Clone, Debug)]
pub struct ProfileStore {
    /// Where a bare name is looked for first.
    pub directory: PathBuf,
    /// Whose files are trusted; `None` where we have no privileges that a file could abuse.
    pub owners: Option<Vec<u32>>,
}

impl ProfileStore {
    /// The one of this host, for the user that we run as.
    ///
    /// With privileges, only root's files are trusted and, under sudo(8), those of whoever typed the command:
    /// they may do as root whatever their file says.
    #[must_use]
    pub fn host() -> Self {
        let owners = nix::unistd::geteuid().is_root().then(|| {
            let invoker = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
            [0].into_iter().chain(invoker).collect()
        });
        Self { directory: PathBuf::from(DIRECTORY), owners }
    }

    /// Finds and reads a profile by its name or path. What holds a slash or ends in `.toml` is a path, relative
    /// to the file `named_by` where one named it; anything else is a name, looked for in the directory and then
    /// among what is built in. So a file of the directory can extend the built-in profile of its own name.
    ///
    /// # Errors
    /// What was looked for, why it could not be had, and what to do.
    pub fn find(&self, name: &str, named_by: Option<&Source>) -> Result<Source, Unfound> {
        if is_path(name) {
            let folder = named_by.and_then(|source| Path::new(&source.label).parent());
            let path = folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
            return self.read(&tidy(&path)).map_err(|failure| failure.explained(&path));
        }
        let own = self.directory.join(format!("{name}.toml"));
        if named_by.is_none_or(|source| Path::new(&source.label) != own) {
            match self.read(&own) {
                Err(Failure::Io(error))
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(failure) => return Err(failure.explained(&own)),
                Ok(source) => return Ok(source),
            }
        }
        builtin::find(name).ok_or_else(|| self.unknown(name))
    }

    /// The file that `found` came from when it was asked for by `name`; for a built-in profile, the one that would
    /// go before it.
    #[must_use]
    pub fn file_of(&self, name: &str, found: &Source) -> PathBuf {
        match builtin::find(name) {
            Some(builtin) if builtin.label == found.label => self.directory.join(format!("{name}.toml")),
            _ => PathBuf::from(&found.label),
        }
    }

    /// The names that can be asked for without a path: those of the directory, sorted, then the built-in ones
    /// that are not hidden by a file of the same name.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = self.directory.read_dir().into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| !name.is_empty())
            .collect();
        names.sort();
        let hidden = names.clone();
        names.extend(builtin::names().filter(|name| !hidden.iter().any(|own| own == name)).map(str::to_owned));
        names
    }

    fn unknown(&self, name: &str) -> Unfound {
        let names = self.names();
        let hint = suggest::hint(name, names.iter().map(String::as_str));
        let all = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Unfound {
            message: format!("unknown profile `{}`{hint}", name.escape_debug()),
            help: Some(format!("known by name: {all}; a file is named by a path that holds a `/` or ends in `.toml`")),
        }
    }

    fn read(&self, path: &Path) -> Result<Source, Failure> {
        // Without O_NONBLOCK the open of a fifo waits for a writer, for ever perhaps; with O_NOCTTY no terminal
        // becomes ours (open(2)). Every check is made on the descriptor, so that nobody can swap the file between.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let size = self.check(&file)?;
        // With room for one more byte than there are, the end shows with the next read.
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(Failure::TooLarge);
        }
        if bytes.contains(&0) {
            return Err(Failure::Binary(bytes.iter().position(|byte| *byte == 0).unwrap_or_default()));
        }
        let text = String::from_utf8(bytes).map_err(|error| Failure::Binary(error.utf8_error().valid_up_to()))?;
        Ok(Source { label: path.to_string_lossy().into_owned(), text })
    }

    /// A regular file, not too large, and with privileges one that nobody else can write to.
    ///
    /// The directory needs no such look: whoever can write to it can put another file in the place, but none
    /// that is root's. Group 0 is root's own; files copied into an image from a checkout with umask 002 are
    /// writable for it.
    ///
    /// Returns its size in bytes.
    fn check(&self, file: &File) -> Result<u64, Failure> {
        let found = file.metadata()?;
        let kind = found.file_type();
        if !kind.is_file() {
            return Err(Failure::NoFile(match () {
                () if kind.is_dir() => "a directory",
                () if kind.is_fifo() => "a fifo",
                () if kind.is_socket() => "a socket",
                () => "a device",
            }));
        }
        if found.len() > LARGEST {
            return Err(Failure::TooLarge);
        }
        let Some(owners) = &self.owners else { return Ok(found.len()) };
        if !owners.contains(&found.uid()) {
            return Err(Failure::Foreign { uid: found.uid() });
        }
        let by_others = found.mode() & 0o002 != 0;
        let by_group = found.mode() & 0o020 != 0 && found.gid() != 0;
        if by_others || by_group {
            return Err(Failure::Writable { mode: found.mode() & 0o7777 });
        }
        Ok(found.len())
    }
}

/// Whether this names a file and not a profile of the library.
fn is_path(name: &str) -> bool {
    name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// The path without its `.` components, so that a circle of files is seen as one whatever they call each other. One
/// that can only name a directory stays what it is (`path_resolution(7)`).
fn tidy(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
        return path.to_owned();
    }
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// Why a file was not taken.
enum Failure {
    Io(io::Error),
    NoFile(&'static str),
    TooLarge,
    /// The offset of the first byte that is no text.
    Binary(usize),
    Foreign {
        uid: u32,
    },
    Writable {
        mode: u32,
    },
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failure {
    fn explained(self, path: &Path) -> Unfound {
        let path = path.display();
        let (reason, help) = match self {
            Self::Io(error) => (format!("can't be read: {}", sys::reason(&error)), None),
            Self::NoFile(what) => (format!("is {what}, not a file"), None),
            Self::TooLarge => (format!("is larger than {} MiB", LARGEST >> 20), None),
            Self::Binary(at) => (format!("is a binary file: its byte {at} is no text"), None),
            Self::Foreign { uid } => (
                format!("belongs to uid {uid}, who could have tunectl set anything with our privileges"),
                Some(format!("if you trust what it says: `chown root {path}`")),
            ),
            Self::Writable { mode } => (
                format!(
                    "can be written to by others (mode {mode:04o}), who could have tunectl set anything with our \
                     privileges"
                ),
                Some(format!("`chmod go-w {path}`")),
            ),
        };
        Unfound { message: format!("profile `{path}` {reason}"), help }
    }
}
