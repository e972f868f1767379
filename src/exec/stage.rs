//! The last stage before the service: takes its limits, gives up what it may not have, reads that back, becomes it.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::accounts::{self, Database, ServiceUser, UnknownName};
use super::attributes::Attributes;
use super::error::{LimitsFallShort, StageError, UnknownAccount};
use super::find::find;
use super::privileges::Privileges;
use super::{PreparedCommand, check_executable, exec_service};
use crate::model::run::RunOptions;
use crate::sys::{self, Inherited};

/// All that is needed to become the service, looked up before anything is changed.
#[derive(Debug)]
pub struct Stage {
    command: PreparedCommand,
    attributes: Attributes,
    privileges: Privileges,
    working_directory: Option<PathBuf>,
    parent_death: Option<ParentDeathSignal>,
    failure_pipe: Option<FailurePipe>,
}

/// The pipe by which a child tells its parent that it could not become the service: the reading end, and the writing
/// one, which an exec closes.
pub(crate) type FailurePipe = (OwnedFd, OwnedFd);

/// Sets the resource limits of the calling process. The error is that a required one falls short, which it has printed.
pub type TakeLimits<'a> = &'a mut dyn FnMut() -> Result<(), LimitsFallShort>;

/// The signal that the service gets when its parent dies.
#[derive(Clone, Copy, Debug)]
struct ParentDeathSignal {
    signal: i32,
    /// The process ID that the parent has in the service's PID namespace.
    parent: i32,
}

impl Stage {
    /// Looks up the user, the groups and the program; changes nothing.
    ///
    /// # Errors
    /// An unknown user or group; a command that is not there or can't be executed.
    pub(crate) fn prepare(options: &RunOptions, command: &[OsString]) -> Result<Self, StageError> {
        let (user, groups) = look_up_accounts(options)?;
        let environment = changed_environment(options, user.as_ref());
        let path = environment.as_deref().map_or_else(|| std::env::var_os("PATH"), path_of);
        let working_directory = options.working_directory.as_ref().map(PathBuf::from);
        let mut command = find(command, path.as_deref(), working_directory.as_deref())?;
        if let Some(environment) = environment {
            command.set_environment(environment);
        }
        Ok(Self {
            command,
            attributes: Attributes::new(options),
            privileges: Privileges::new(user.as_ref(), groups, options),
            working_directory,
            parent_death: None,
            failure_pipe: None,
        })
    }

    /// The command's name, for messages.
    pub(crate) fn command_name(&self) -> &str {
        &self.command.name
    }

    /// The user ID of the service, where it is another one than our effective one.
    pub(crate) fn other_uid(&self) -> Option<u32> {
        self.privileges.uid().filter(|&uid| uid != sys::effective_ids().effective_uid)
    }

    /// Has the service get `signal` when its parent, process `parent`, dies (`PR_SET_PDEATHSIG`(2const)).
    pub(crate) fn set_parent_death_signal(&mut self, parent: i32, signal: i32) {
        self.parent_death = Some(ParentDeathSignal { signal, parent });
    }

    /// Makes the failure pipe now, while there is still nothing to undo.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`: no descriptors are left.
    pub(crate) fn reserve_failure_pipe(&mut self) -> io::Result<()> {
        self.failure_pipe = Some(sys::pipe()?);
        Ok(())
    }

    /// The failure pipe that was made before, or else one that is made now; `None` where none can be had.
    pub(crate) fn take_failure_pipe(&mut self) -> Option<FailurePipe> {
        self.failure_pipe.take().or_else(|| sys::pipe().ok())
    }

    /// Whether becoming the service takes more than executing its program.
    pub(super) fn changes_process(&self) -> bool {
        self.working_directory.is_some() || self.attributes.change_anything() || self.privileges.change_anything()
    }

    /// Does all that [`Stage::exec`] does but for limits and the exec itself: for a child that only tries it.
    ///
    /// # Errors
    /// As [`Stage::exec`].
    pub(super) fn try_without_exec(&self) -> Result<(), StageError> {
        self.attributes.apply().map_err(StageError::Attribute)?;
        self.enter_identity()?;
        Ok(check_executable(&self.command)?)
    }

    /// Takes on the user, groups and capabilities of the service, then its working directory.
    fn enter_identity(&self) -> Result<(), StageError> {
        self.privileges.apply().map_err(StageError::Privileges)?;
        if let Some(path) = &self.working_directory {
            std::env::set_current_dir(path)
                .map_err(|error| StageError::WorkingDirectory { path: path.clone(), error })?;
        }
        Ok(())
    }

    /// Hands sockets that process `from` was given over to process `to`: `LISTEN_PID` names the process that is to take
    /// them (`sd_listen_fds(3)`).
    pub(crate) fn change_listen_pid(&mut self, from: i32, to: i32) {
        const NAME: &str = "LISTEN_PID";
        if std::env::var(NAME).is_ok_and(|pid| pid == from.to_string()) {
            let mut environment = self.command.environment().unwrap_or_else(sys::environment);
            environment.retain(|entry| value_of(entry, NAME).is_none());
            environment.extend(CString::new(format!("{NAME}={to}")));
            self.command.set_environment(environment);
        }
    }

    /// Becomes the service. Limits are taken while we still have all privileges; from there on nothing is allocated,
    /// which a limit on memory might forbid.
    ///
    /// # Errors
    /// The first thing that could not be done, or that the kernel did not keep.
    pub(crate) fn exec(&self, inherited: &Inherited, take_limits: TakeLimits<'_>) -> Result<Infallible, StageError> {
        self.attributes.apply().map_err(StageError::Attribute)?;
        take_limits().map_err(|LimitsFallShort| StageError::Limits { command: self.command.name.clone() })?;
        self.enter_identity()?;
        // After the change of user, which would undo it.
        self.request_parent_death_signal()?;
        Ok(exec_service(&self.command, inherited)?)
    }

    fn request_parent_death_signal(&self) -> Result<(), StageError> {
        let Some(wanted) = self.parent_death else { return Ok(()) };
        sys::die_with_parent(wanted.signal).map_err(StageError::ParentDeathSignal)?;
        if sys::parent() == wanted.parent { Ok(()) } else { Err(StageError::ParentDied) }
    }
}

/// The user that the service runs as and its supplementary groups, where they were asked for.
fn look_up_accounts(options: &RunOptions) -> Result<(Option<ServiceUser>, Option<Vec<u32>>), StageError> {
    let (passwd, group) = match (&options.user, &options.groups) {
        (None, None) => (Ok(String::new()), Ok(String::new())),
        (None, Some(_)) => (Ok(String::new()), read(Database::Group)),
        (Some(_), _) => (read(Database::Passwd), read(Database::Group)),
    };
    let (users, members) = (passwd.as_deref().unwrap_or(""), group.as_deref().unwrap_or(""));
    let user = options.user.as_ref().map(|wanted| accounts::resolve(wanted, users, members)).transpose();
    let number = |name: &String| accounts::group_number(name, members);
    let groups = options.groups.as_ref().map(|wanted| wanted.iter().map(number).collect::<Result<Vec<u32>, _>>());
    match user.and_then(|user| Ok((user, groups.transpose()?))) {
        Ok(found) => {
            warn_of_unknown_members(options, group.err());
            Ok(found)
        }
        Err(UnknownName { database, name }) => {
            let unread = match database {
                Database::Passwd => passwd.err(),
                Database::Group => group.err(),
            };
            Err(StageError::Account(UnknownAccount { database, name, unread }))
        }
    }
}

/// A file of groups that is not there names no members. Of one that can't be read nobody knows.
fn warn_of_unknown_members(options: &RunOptions, unread: Option<io::Error>) {
    let needs_members = options.user.as_ref().is_some_and(|wanted| !wanted.contains(':')) && options.groups.is_none();
    if let Some(error) = unread.filter(|error| needs_members && error.kind() != io::ErrorKind::NotFound) {
        let file = Database::Group.path();
        log::warn!("{file}: {}: starting the service without supplementary groups", sys::strerror(&error));
    }
}

fn read(database: Database) -> io::Result<String> {
    sys::read_accounts(Path::new(database.path()))
}

/// The environment of the service where it is not ours: `HOME` of another user as gosu sets it, then what was asked
/// for.
fn changed_environment(options: &RunOptions, user: Option<&ServiceUser>) -> Option<Vec<CString>> {
    let home = user.map(|user| ("HOME".to_owned(), Some(user.home.clone())));
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
