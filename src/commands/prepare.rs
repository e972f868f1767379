//! The first step of `run`, `apply`, `check` and `watch`: reads the profiles and resolves what they require here.
//! Nothing is written.

use std::path::PathBuf;

use nix::errno::Errno;

use crate::catalog::{self, Scope};
use crate::cli::ProfileArgs;
use crate::environment::{Environment, Namespaces};
use crate::linux::namespaces::{EnterError, EnteredNamespaces};
use crate::model::setting::{Key, System};
use crate::plan::{self, PlanEnvironment, Requirements, SharedNamespaces};
use crate::profile::cli_overrides::{self, CliSettings};
use crate::profile::lint::{other_system, unreserved_ports};
use crate::profile::load::{load as load_all, refuse_empty};
use crate::profile::problem::Problem;
use crate::profile::{Profile, Source};

use super::{CommandError, FALLS_SHORT, USAGE, World};

/// A profile that has been read, checked and resolved on this machine.
pub(super) struct Prepared {
    /// The profile; its `requirements` have moved to the field of that name.
    pub(super) profile: Profile,
    /// What the profile requires on this machine.
    pub(super) requirements: Requirements,
    /// Where we run, or where the process of `--pid` does.
    pub(super) environment: Environment,
    /// All of it that a plan depends on.
    pub(super) plan_environment: PlanEnvironment,
    /// The files of the profiles, and those that would be read first if they existed.
    pub(super) files: Vec<PathBuf>,
    /// Whether we have entered the namespaces of the process of `--pid`.
    pub(super) entered_namespaces: bool,
}

/// Whether a profile has to be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A profile has to be named.
    Profile,
    /// No: there is something to do without one, as for `run --init`.
    Nothing,
}

/// Reads the profiles and what the command line adds to them.
///
/// # Errors
/// Exit code 2, with every error in every file and its position.
pub(super) fn prepare(
    arguments: &ProfileArgs,
    need: Need,
    allow_host_settings: bool,
    world: &mut World<'_>,
) -> Result<Prepared, CommandError> {
    prepare_for(None, arguments, need, allow_host_settings, world)
}

/// [`prepare`] for another process: enters its namespaces once the profile is known to be valid.
///
/// # Errors
/// As [`prepare`]; exit code 1 where its namespaces can't be entered.
pub(super) fn prepare_for(
    pid: Option<i32>,
    arguments: &ProfileArgs,
    need: Need,
    allow_host_settings: bool,
    world: &mut World<'_>,
) -> Result<Prepared, CommandError> {
    let system = world.kernel.system();
    let mut files = Vec::new();
    let mut profile = load(arguments, need, system, &mut files, world)?;
    if let Some(warning) = other_system(&profile, system) {
        drop(writeln!(world.err, "{warning}"));
    }
    if let Some(first) = unreserved_ports(&profile, system) {
        log::warn!(
            "local ports from {first} on, and no service port is reserved: name those of services here with `--port PORTS` \
             (tunectl explain W001)"
        );
    }
    let raw = std::mem::take(&mut profile.requirements);
    let machine = || world.os.machine(pid.filter(|_| system == System::Linux));
    let requirements = plan::resolve(raw, &profile.service_ports, system, &machine)
        .map_err(|(origin, message)| CommandError::problems(Problem::error(message, Some(origin)).into()))?;
    let entered = match pid.filter(|_| system == System::Linux).map(|pid| (pid, world.os.enter_namespaces(pid))) {
        // Limits can be read and set from other namespaces.
        Some((pid, Err(error))) if !requirements.keys.is_empty() => {
            return Err(not_entered(pid, error, world.os.environment().user));
        }
        other => other.and_then(|(_, entered)| entered.ok()),
    };
    let mut environment = world.os.environment();
    if let Some(EnteredNamespaces { initial, other_users, .. }) = entered {
        environment = environment.for_process(initial, other_users);
    }
    let plan_environment = PlanEnvironment {
        system,
        version: environment.version(),
        contained: environment.is_contained(),
        allow_host_settings,
        shared: shared_namespaces(environment.initial),
        out_of_reach: entered.map_or(&[], out_of_reach),
    };
    let entered_namespaces = entered.is_some();
    Ok(Prepared { profile, requirements, environment, plan_environment, files, entered_namespaces })
}

fn shared_namespaces(initial: Namespaces) -> SharedNamespaces {
    // A namespace that may be the host's counts as the host's.
    let is_shared = |is_initial: Option<bool>| is_initial != Some(false);
    SharedNamespaces {
        net: is_shared(initial.net),
        ipc: is_shared(initial.ipc),
        uts: is_shared(initial.uts),
        user: is_shared(initial.user),
        pid: is_shared(initial.pid),
    }
}

/// The namespaces of `pid` can't be entered. `user` is our user ID: root lacks a capability in the user namespace of
/// the process, namespaces(7) and setns(2).
fn not_entered(pid: i32, error: EnterError, user: u32) -> CommandError {
    let failure = CommandError::new(FALLS_SHORT, format!("pid {pid}: {error}"));
    let (EnterError::Hidden(errno) | EnterError::Refused(_, errno)) = error else { return failure };
    match (errno, error) {
        (Errno::EACCES | Errno::EPERM, _) if user != 0 => {
            failure.help("it belongs to another user: try again with sudo, on the host")
        }
        (Errno::EACCES | Errno::EPERM, EnterError::Hidden(_)) => {
            failure.help("that needs CAP_SYS_PTRACE over the process: try again as root on the host")
        }
        (Errno::EACCES | Errno::EPERM, _) => {
            failure.help("that needs CAP_SYS_ADMIN over the process: try again as root on the host")
        }
        _ => failure,
    }
}

/// The scopes of the namespaces of a process that setns(2) does not enter, where they are not ours.
fn out_of_reach(entered: EnteredNamespaces) -> &'static [Scope] {
    match (entered.other_users, entered.other_pids) {
        (true, true) => &[Scope::UserNs, Scope::PidNs],
        (true, false) => &[Scope::UserNs],
        (false, true) => &[Scope::PidNs],
        (false, false) => &[],
    }
}

fn load(
    arguments: &ProfileArgs,
    need: Need,
    system: System,
    files: &mut Vec<PathBuf>,
    world: &World<'_>,
) -> Result<Profile, CommandError> {
    let typed = CliSettings { set: &arguments.set, rlimit: &arguments.rlimit, port: &arguments.port };
    let is_nothing_named = arguments.profiles.is_empty()
        && arguments.set.is_empty()
        && arguments.rlimit.is_empty()
        && arguments.port.is_empty();
    if is_nothing_named && need == Need::Profile {
        return Err(CommandError::new(USAGE, "no profile given")
            .help("name one with `-p NAME` or in TUNECTL_PROFILE; `tunectl profile list` shows them"));
    }
    let mut find = |name: &str, named_by: Option<&Source>| {
        let found = world.profiles.find(name, named_by)?;
        files.push(world.profiles.file_of(name, &found));
        Ok(found)
    };
    load_all(&arguments.profiles, &mut find, &spec)
        .and_then(|profile| cli_overrides::add(profile, typed, system, &spec))
        .and_then(|profile| refuse_empty(&profile).map(|()| profile))
        .map_err(CommandError::problems)
}

/// What the catalog knows of the values of a key.
pub(super) fn spec(system: System, key: &Key) -> Option<crate::model::setting::ValueSpec> {
    catalog::spec(system, key)
}
