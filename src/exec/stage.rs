//! The last stage before the service: takes its limits, gives up what it may not have, proves it, becomes it.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::accounts::{self, Account};
use super::privileges::Privileges;
use super::{Command, ExecError, attributes, become_service, find};
use crate::model::run::RunOptions;
use crate::sys::{self, Inherited};

/// All that is needed to become the service, resolved before anything is changed.
#[derive(Debug)]
pub struct Stage {
    command: Command,
    attributes: attributes::Attributes,
    privileges: Privileges,
    directory: Option<PathBuf>,
    death: Option<Death>,
}

/// The signal that the service gets when its parent dies.
#[derive(Clone, Copy, Debug)]
struct Death {
    signal: i32,
    parent: i32,
}

/// Why the service was not started.
#[derive(Debug)]
pub enum StageError {
    /// The command can't be executed.
    Exec(ExecError),
    /// Something that was asked for can't be had; one sentence.
    Refused(String),
}

impl StageError {
    /// 125 for what tunectl could not do, else as [`ExecError::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Exec(error) => error.exit_code(),
            Self::Refused(_) => 125,
        }
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exec(error) => error.fmt(f),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for StageError {}

impl From<ExecError> for StageError {
    fn from(error: ExecError) -> Self {
        Self::Exec(error)
    }
}

impl Stage {
    /// Looks up the user, the program and all the rest; changes nothing.
    ///
    /// # Errors
    /// An unknown user or group; a command that isn't there or can't be executed.
    pub fn prepare(options: &RunOptions, command: &[OsString]) -> Result<Self, StageError> {
        let (passwd, group) = match (&options.user, &options.groups) {
            (None, None) => (Ok(String::new()), Ok(String::new())),
            (None, Some(_)) => (Ok(String::new()), read(accounts::GROUP)),
            (Some(_), _) => (read(accounts::PASSWD), read(accounts::GROUP)),
        };
        let (users, members) = (passwd.as_deref().unwrap_or(""), group.as_deref().unwrap_or(""));
        let refused = |unknown: accounts::Unknown| {
            let file = if unknown.file == accounts::PASSWD { &passwd } else { &group };
            StageError::Refused(unknown.message(file.as_ref().err().map(sys::reason).as_deref()))
        };
        let account = options.user.as_ref().map(|wanted| accounts::resolve(wanted, users, members));
        let account = account.transpose().map_err(refused)?;
        // A file that is not there names no members; of one that can't be read nobody knows.
        let unread = group.as_ref().err().filter(|error| error.kind() != io::ErrorKind::NotFound);
        let of_members = options.user.as_ref().is_some_and(|wanted| !wanted.contains(':')) && options.groups.is_none();
        if let Some(error) = unread.filter(|_| of_members) {
            log::warn!("{}: {}: the service gets no supplementary groups", accounts::GROUP, sys::reason(error));
        }
        let number = |name: &String| accounts::group_number(name, members);
        let groups = options.groups.as_ref().map(|wanted| wanted.iter().map(number).collect::<Result<Vec<u32>, _>>());
        let groups = groups.transpose().map_err(refused)?;
        let environment = changed_environment(options, account.as_ref());
        let path = environment.as_deref().map_or_else(|| std::env::var_os("PATH"), path_of);
        let directory = options.working_directory.as_ref().map(PathBuf::from);
        let mut command = find(command, path.as_deref(), directory.as_deref())?;
        if let Some(environment) = environment {
            command.set_environment(environment);
        }
        Ok(Self {
            command,
            attributes: attributes::Attributes::new(options),
            privileges: Privileges::new(account.as_ref(), groups, options),
            directory,
            death: None,
        })
    }

    /// The command's name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        self.command.name()
    }

    /// The user that the service will be, where that is another one than we are.
    #[must_use]
    pub fn other_user(&self) -> Option<u32> {
        self.privileges.uid().filter(|&uid| uid != sys::effective_ids().effective_uid)
    }

    /// Has the service get `signal` when its parent, process `parent`, dies.
    pub fn die_with(&mut self, parent: i32, signal: i32) {
        self.death = Some(Death { signal, parent });
    }

    /// Sockets that were handed to us are for the service: `LISTEN_PID` names who is to take them (`sd_listen_fds(3)`).
    pub fn move_listener(&mut self, from: i32, to: i32) {
        const NAME: &str = "LISTEN_PID";
        if std::env::var(NAME).is_ok_and(|pid| pid == from.to_string()) {
            let mut environment = self.command.environment().unwrap_or_else(sys::environment);
            environment.retain(|entry| value_of(entry, NAME).is_none());
            environment.extend(CString::new(format!("{NAME}={to}")));
            self.command.set_environment(environment);
        }
    }

    /// Does all that, in this order, and becomes the service: `limits` are taken while we still have every right, and
    /// from there on nothing is allocated, which a limit on memory might forbid.
    ///
    /// # Errors
    /// The first thing that could not be done or that the kernel did not keep; the service is not started then.
    pub fn enter(
        &self,
        inherited: &Inherited,
        limits: &mut dyn FnMut() -> Result<(), String>,
    ) -> Result<Infallible, StageError> {
        let refused = StageError::Refused;
        self.attributes.apply().map_err(refused)?;
        limits().map_err(refused)?;
        self.privileges.apply().map_err(refused)?;
        if let Some(directory) = &self.directory {
            std::env::set_current_dir(directory).map_err(|error| {
                let reason = sys::reason(&error);
                refused(format!("the working directory `{}` can't be entered: {reason}", directory.display()))
            })?;
        }
        self.expect_death().map_err(refused)?;
        Ok(become_service(&self.command, inherited)?)
    }

    /// Comes after the change of user, which would undo it (`PR_SET_PDEATHSIG`(2const)).
    fn expect_death(&self) -> Result<(), String> {
        let Some(death) = self.death else { return Ok(()) };
        sys::die_with_parent(death.signal)
            .map_err(|error| format!("the service can't be made to die with its parent: {}", sys::reason(&error)))?;
        if sys::parent() == death.parent {
            return Ok(());
        }
        Err("the parent died before the service was started".to_owned())
    }
}

fn read(path: &str) -> io::Result<String> {
    sys::read_accounts(Path::new(path))
}

/// The environment of the service where it is not ours: `HOME` of another user as gosu sets it, then what was asked.
fn changed_environment(options: &RunOptions, account: Option<&Account>) -> Option<Vec<CString>> {
    let home = account.map(|account| ("HOME".to_owned(), Some(account.home.clone())));
    let changes: Vec<(String, Option<String>)> = home.into_iter().chain(options.env.iter().cloned()).collect();
    if changes.is_empty() {
        return None;
    }
    let mut entries = sys::environment();
    for (name, value) in changes {
        entries.retain(|entry| value_of(entry, &name).is_none());
        // Neither holds a NUL: the options were checked for it, and so are lines of /etc/passwd by being cut there.
        let entry = value.and_then(|value| CString::new(format!("{name}={value}")).ok());
        entries.extend(entry);
    }
    Some(entries)
}

fn value_of<'a>(entry: &'a CString, name: &str) -> Option<&'a [u8]> {
    entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

fn path_of(environment: &[CString]) -> Option<OsString> {
    environment.iter().find_map(|entry| value_of(entry, "PATH")).map(|path| OsStr::from_bytes(path).to_owned())
}
