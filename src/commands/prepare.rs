//! What `run`, `apply` and `check` begin with: read and check everything, touch nothing.

use std::path::PathBuf;

use nix::errno::Errno;

use crate::catalog::{self, Scope};
use crate::cli::ProfileArgs;
use crate::environment::{Environment, Namespaces};
use crate::linux::namespaces::{EnterError, EnteredNamespaces};
use crate::model::setting::{Key, System};
use crate::plan::{self, PlanEnvironment, Requirements};
use crate::profile::cli_overrides::{self, CliSettings};
use crate::profile::lint::other_system;
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
    pub(super) environment: Environment,
    pub(super) place: PlanEnvironment,
    /// The files that were read, and those that would be read first if they were there.
    pub(super) files: Vec<PathBuf>,
    /// Whether we are in the namespaces of the process that was named.
    pub(super) visiting: bool,
}

/// Whether there is anything to do without a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// No: it is an error to name none.
    Profile,
    /// Yes: `run --init` and the like.
    Nothing,
}

/// Reads the profiles and what the command line adds to them.
///
/// # Errors
/// Exit code 2, with every mistake of every file and its place.
pub(super) fn prepare(
    asked: &ProfileArgs,
    need: Need,
    allow_host_settings: bool,
    world: &mut World<'_>,
) -> Result<Prepared, CommandError> {
    prepare_for(None, asked, need, allow_host_settings, world)
}

/// The same for another process: enters its namespaces once the profile is known to be right.
///
/// # Errors
/// As [`prepare`]; exit code 1 where its settings can't be got at.
pub(super) fn prepare_for(
    pid: Option<i32>,
    asked: &ProfileArgs,
    need: Need,
    allow_host_settings: bool,
    world: &mut World<'_>,
) -> Result<Prepared, CommandError> {
    let system = world.kernel.system();
    let mut files = Vec::new();
    let mut profile = load(asked, need, system, &mut files, world)?;
    if let Some(warning) = other_system(&profile, system) {
        drop(writeln!(world.err, "{warning}"));
    }
    let raw = std::mem::take(&mut profile.requirements);
    let machine = || world.os.machine(pid.filter(|_| system == System::Linux));
    let requirements = plan::resolve(raw, &profile.service_ports, system, &machine)
        .map_err(|(origin, message)| CommandError::problems(Problem::error(message, Some(origin)).into()))?;
    let visit = match pid.filter(|_| system == System::Linux).map(|pid| (pid, world.os.enter_namespaces(pid))) {
        // Limits alone need nobody's namespaces, and whether they can be had shows when they are read.
        Some((pid, Err(why))) if !requirements.keys.is_empty() => {
            return Err(no_entry(pid, why, world.os.environment().user));
        }
        other => other.and_then(|(_, visit)| visit.ok()),
    };
    let mut environment = world.os.environment();
    if let Some(EnteredNamespaces { initial, other_users, .. }) = visit {
        environment = environment.for_process(initial, other_users);
    }
    let place = PlanEnvironment {
        system,
        version: environment.version(),
        contained: environment.is_contained(),
        allow_host_settings,
        shared: shared(environment.initial),
        out_of_reach: visit.map_or(&[], out_of_reach),
    };
    Ok(Prepared { profile, requirements, environment, place, files, visiting: visit.is_some() })
}

fn shared(initial: Namespaces) -> plan::Shared {
    // What may be the machine's is taken for that.
    let own = |namespace: Option<bool>| namespace != Some(false);
    let Namespaces { ipc, uts, user, pid, net, .. } = initial;
    plan::Shared { net: own(net), ipc: own(ipc), uts: own(uts), user: own(user), pid: own(pid) }
}

/// `user` is who we are: root was refused for want of a capability over the process, namespaces(7) and setns(2).
fn no_entry(pid: i32, why: EnterError, user: u32) -> CommandError {
    let failure = CommandError::new(FALLS_SHORT, format!("pid {pid}: {why}"));
    let (EnterError::Hidden(errno) | EnterError::Refused(_, errno)) = why else { return failure };
    match (errno, why) {
        (Errno::EACCES | Errno::EPERM, _) if user != 0 => {
            failure.help("it belongs to somebody else: try it with sudo, on the host")
        }
        (Errno::EACCES | Errno::EPERM, EnterError::Hidden(_)) => {
            failure.help("that takes CAP_SYS_PTRACE over it: try it as root of the host")
        }
        (Errno::EACCES | Errno::EPERM, _) => {
            failure.help("that takes CAP_SYS_ADMIN over it: try it as root of the host")
        }
        _ => failure,
    }
}

/// What of a process can't be seen from where we are then.
fn out_of_reach(visit: EnteredNamespaces) -> &'static [Scope] {
    match (visit.other_users, visit.other_pids) {
        (true, true) => &[Scope::UserNs, Scope::PidNs],
        (true, false) => &[Scope::UserNs],
        (false, true) => &[Scope::PidNs],
        (false, false) => &[],
    }
}

fn load(
    asked: &ProfileArgs,
    need: Need,
    system: System,
    files: &mut Vec<PathBuf>,
    world: &World<'_>,
) -> Result<Profile, CommandError> {
    let typed = CliSettings { set: &asked.set, rlimit: &asked.rlimit, port: &asked.port };
    let nothing_asked =
        asked.profiles.is_empty() && asked.set.is_empty() && asked.rlimit.is_empty() && asked.port.is_empty();
    if nothing_asked && need == Need::Profile {
        return Err(CommandError::new(USAGE, "no profile was named")
            .help("name one with `-p NAME` or in TUNECTL_PROFILE; `tunectl profile list` shows them"));
    }
    let mut find = |name: &str, named_by: Option<&Source>| {
        let found = world.profiles.find(name, named_by)?;
        files.push(world.profiles.file_of(name, &found));
        Ok(found)
    };
    load_all(&asked.profiles, &mut find, &spec)
        .and_then(|profile| cli_overrides::add(profile, typed, system, &spec))
        .and_then(|profile| refuse_empty(&profile).map(|()| profile))
        .map_err(CommandError::problems)
}

/// What the catalog knows of a key's values.
pub(super) fn spec(system: System, key: &Key) -> Option<crate::model::setting::ValueSpec> {
    catalog::spec(system, key)
}
