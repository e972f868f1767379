//! Where profiles come from: files by path, `/etc/tunectl/profiles/NAME.toml`, and the built-in ones.
#![forbid(unsafe_code)]

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::string::FromUtf8Error;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::builtin;
use crate::model::suggest;
use crate::profile::Source;
use crate::profile::load::LookupError;
use crate::sys;

/// Where the administrator's own profiles are.
pub const DIRECTORY: &str = "/etc/tunectl/profiles";

/// The largest profile, in bytes: one for every sysctl of a large host is a twentieth of this.
const LARGEST: u64 = 1 << 20;

/// How long a file has to be unchanged. The clock that files get their times from has steps of up to 10 ms (`CONFIG_HZ` of
/// 100), so two changes may leave the same time; and a rewrite takes a moment.
const SETTLED: Duration = Duration::from_millis(20);

/// How often a file that changes is read.
const ATTEMPTS: usize = 4;

/// Where profiles are looked for, and whose files are trusted.
#[derive(Clone, Debug)]
pub struct ProfileStore {
    /// The directory where a name is looked for first.
    pub directory: PathBuf,
    /// The users whose files are trusted; `None` where we have no privileges that a file could abuse.
    pub owners: Option<Vec<u32>>,
    /// The user and the group of whoever has called us through sudo(8).
    pub invoker: Option<(u32, u32)>,
}

impl ProfileStore {
    /// That of this host, for the user that we run as.
    ///
    /// With privileges, only root's files are trusted and, under sudo(8), those of whoever typed the command:
    /// they may do as root whatever their file says.
    #[must_use]
    pub fn host() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
        let is_root = nix::unistd::geteuid().is_root();
        // Whoever sets one of the two and not the other is in no group of ours that could read a file.
        let invoker = number("SUDO_UID").filter(|_| is_root).map(|uid| (uid, number("SUDO_GID").unwrap_or(u32::MAX)));
        let owners = is_root.then(|| [0].into_iter().chain(invoker.map(|(uid, _)| uid)).collect());
        Self { directory: PathBuf::from(DIRECTORY), owners, invoker }
    }

    /// Finds and reads a profile by its name or path. One with a slash, or that ends in `.toml`, is a path, relative to
    /// the file `named_by` that extends it; another one is a name, looked for in the directory and then among the
    /// built-in profiles. So a file of the directory can extend the built-in profile of its own name.
    ///
    /// # Errors
    /// What was looked for, why it could not be read, and what to do.
    pub fn find(&self, name: &str, named_by: Option<&Source>) -> Result<Source, LookupError> {
        if is_path(name) {
            let folder = named_by.and_then(|source| Path::new(&source.label).parent());
            let path = folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
            return self.read(&without_dots(&path)).map_err(|error| error.into_lookup_error(&path));
        }
        let own = self.directory.join(format!("{name}.toml"));
        if named_by.is_none_or(|source| Path::new(&source.label) != own) {
            match self.read(&own) {
                Err(FileError::Io(error))
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(error.into_lookup_error(&own)),
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
        let entries = self.directory.read_dir().into_iter().flatten().map_while(Result::ok);
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| !name.is_empty())
            .collect();
        names.sort();
        let hidden = names.clone();
        names.extend(builtin::names().filter(|name| !hidden.iter().any(|own| own == name)).map(str::to_owned));
        names
    }

    fn unknown(&self, name: &str) -> LookupError {
        let names = self.names();
        let hint = suggest::hint(name, names.iter().map(String::as_str));
        let all = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        LookupError {
            message: format!("unknown profile `{}`{hint}", name.escape_debug()),
            help: Some(format!("available: {all}; the path of a file contains a `/` or ends in `.toml`")),
        }
    }

    /// Reads a file whole. One that changes meanwhile is read again, since rewriting it in place leaves it empty or cut
    /// for a moment.
    fn read(&self, path: &Path) -> Result<Source, FileError> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                thread::sleep(SETTLED);
            }
            if let Some((bytes, found)) = self.read_unchanged(path)? {
                if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
                    return Err(FileError::Binary(at));
                }
                let binary = |error: FromUtf8Error| FileError::Binary(error.utf8_error().valid_up_to());
                let text = String::from_utf8(bytes).map_err(binary)?;
                let hidden_from = self.invoker.filter(|user| !may_read(path, &found, *user)).map(|(uid, _)| uid);
                return Ok(Source { label: path.to_string_lossy().into_owned(), text, hidden_from });
            }
        }
        Err(FileError::Changed)
    }

    /// The bytes of a file and its metadata; `None` where it may have changed while it was read.
    fn read_unchanged(&self, path: &Path) -> Result<Option<(Vec<u8>, Metadata)>, FileError> {
        // Without O_NONBLOCK the open of a fifo waits for a writer, for ever perhaps; with O_NOCTTY no terminal
        // becomes ours (open(2)). Every check is made on the descriptor, so that nobody can swap the file between.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let before = self.check(&file)?;
        // With room for one more byte than there are, the end shows with the next read.
        let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default() + 1);
        (&mut file).take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(FileError::TooLarge);
        }
        let after = file.metadata()?;
        let same = before.len() == bytes.len() as u64 && before.len() == after.len();
        let modified = (before.modified()?, after.modified()?);
        let settled = SystemTime::now().duration_since(modified.1).map_or(true, |age| age >= SETTLED);
        Ok((same && modified.0 == modified.1 && settled).then_some((bytes, after)))
    }

    /// An error unless it is a regular file, not too large, and where we have privileges one that only trusted users can
    /// write to. Returns its metadata.
    ///
    /// The directory is not checked: whoever can write to it can put another file in its place, but none that is owned by
    /// root. Group 0 is root's own; files copied into an image from a checkout with umask 002 are writable for it.
    fn check(&self, file: &File) -> Result<Metadata, FileError> {
        let found = file.metadata()?;
        let kind = found.file_type();
        if !kind.is_file() {
            return Err(FileError::NotAFile(match () {
                () if kind.is_dir() => "a directory",
                () if kind.is_fifo() => "a fifo",
                () if kind.is_socket() => "a socket",
                () => "a device",
            }));
        }
        if found.len() > LARGEST {
            return Err(FileError::TooLarge);
        }
        let Some(owners) = &self.owners else { return Ok(found) };
        if !owners.contains(&found.uid()) {
            return Err(FileError::UntrustedOwner { uid: found.uid() });
        }
        let by_others = found.mode() & 0o002 != 0;
        let by_group = found.mode() & 0o020 != 0 && found.gid() != 0;
        if by_others || by_group {
            return Err(FileError::WritableByOthers { mode: found.mode() & 0o7777 });
        }
        // The bits of the group are also the mask of an access control list, acl(5).
        if found.mode() & 0o020 != 0 {
            match sys::access_acl(file).map(|list| list.and_then(|list| other_writer(&list, owners))) {
                Ok(None) => {}
                Ok(Some(who)) => return Err(FileError::WritableByAcl { who }),
                Err(error) => return Err(FileError::Io(error)),
            }
        }
        Ok(found)
    }
}

/// A user who is not trusted, or a group but root's own, that an access control list lets write, as
/// `system.posix_acl_access` holds it (`linux/posix_acl_xattr.h`): a version, then tag, permissions and id of each entry. A
/// list that is not understood may let anybody.
fn other_writer(list: &[u8], owners: &[u32]) -> Option<String> {
    const VERSION: [u8; 4] = [2, 0, 0, 0];
    const WRITE: u8 = 2;
    let (version, entries) = list.split_at_checked(VERSION.len())?;
    if version != VERSION || entries.len() % 8 != 0 {
        return Some("somebody".to_owned());
    }
    entries.chunks_exact(8).find_map(|entry| {
        let [tag, _, permissions, _, id @ ..] = entry else { return None };
        let id = u32::from_le_bytes(id.try_into().ok()?);
        match tag {
            _ if permissions & WRITE == 0 => None,
            // ACL_USER, ACL_GROUP; the others are in the mode.
            0x02 if !owners.contains(&id) => Some(format!("uid {id}")),
            0x08 if id != 0 => Some(format!("gid {id}")),
            _ => None,
        }
    })
}

/// Whether a user with this group may read the file that was found at `path`, by the modes of the file and of the
/// directories that lead to it. In doubt not: other groups, and what an access control list adds, do not count.
fn may_read(path: &Path, found: &Metadata, (uid, gid): (u32, u32)) -> bool {
    let allows = |found: &Metadata, bits: u32| match () {
        () if uid == 0 => true,
        () if found.uid() == uid => found.mode() >> 6 & bits == bits,
        () if found.gid() == gid => found.mode() >> 3 & bits == bits,
        () => found.mode() & bits == bits,
    };
    let Ok(path) = path.canonicalize() else { return false };
    // The one that was read, and not another that was put in its place.
    let is_it = path.metadata().is_ok_and(|now| (now.dev(), now.ino()) == (found.dev(), found.ino()));
    let folders = path.ancestors().skip(1);
    is_it && allows(found, 0o4) && folders.map(Path::metadata).all(|folder| folder.is_ok_and(|its| allows(&its, 0o1)))
}

/// Whether this is a path and not a name.
fn is_path(name: &str) -> bool {
    name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// The path without its `.` components, so that files that extend each other in a circle are recognised however they are
/// written. A path that can only name a directory is left as it is (`path_resolution(7)`).
fn without_dots(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
        return path.to_owned();
    }
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// Why a file was not read.
enum FileError {
    Io(io::Error),
    /// It is this instead of a regular file.
    NotAFile(&'static str),
    TooLarge,
    /// It changed at each attempt.
    Changed,
    /// The offset of the first byte that is not UTF-8.
    Binary(usize),
    /// Its owner is not trusted.
    UntrustedOwner {
        uid: u32,
    },
    /// Its access control list lets this user or group write to it.
    WritableByAcl {
        who: String,
    },
    /// Others can write to it; its permission bits.
    WritableByOthers {
        mode: u32,
    },
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl FileError {
    fn into_lookup_error(self, path: &Path) -> LookupError {
        let path = path.display();
        let (reason, help) = match self {
            Self::Io(error) => (format!("can't be read: {}", sys::strerror(&error)), None),
            Self::NotAFile(what) => (format!("is {what}, not a file"), None),
            Self::Changed => ("changed while it was read".to_owned(), None),
            Self::TooLarge => (format!("is larger than {} MiB", LARGEST >> 20), None),
            Self::Binary(at) => (format!("is not a text file: byte {at} is not valid UTF-8"), None),
            Self::UntrustedOwner { uid } => (
                format!("is owned by uid {uid}, who could make tunectl set anything with our privileges"),
                Some(format!("if you trust its contents: `chown root {path}`")),
            ),
            Self::WritableByAcl { who } => (
                format!(
                    "is writable by {who} (its access control list), who could make tunectl set anything with our \
                     privileges"
                ),
                Some(format!("`setfacl -b {path}`")),
            ),
            Self::WritableByOthers { mode } => (
                format!(
                    "is writable by other users (mode {mode:04o}), who could make tunectl set anything with \
                     our privileges"
                ),
                Some(format!("`chmod go-w {path}`")),
            ),
        };
        LookupError { message: format!("profile `{path}` {reason}"), help }
    }
}
