//! What `run`, `apply` and `check` begin with: read and check everything, touch nothing.

use std::path::PathBuf;

use crate::catalog;
use crate::cli::Asked;
use crate::context::Context;
use crate::model::setting::{Key, System};
use crate::plan::{self, Goals, Place};
use crate::profile::load::load as load_all;
use crate::profile::overlay::{self, Typed};
use crate::profile::problem::Problem;
use crate::profile::{Profile, Source};

use super::{Failure, USAGE, World};

/// A profile that has been read, checked and resolved on this machine.
pub(super) struct Ready {
    pub(super) profile: Profile,
    pub(super) goals: Goals,
    pub(super) context: Context,
    pub(super) place: Place,
    /// The files that were read, and those that would be read first if they were there.
    pub(super) files: Vec<PathBuf>,
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
    asked: &Asked,
    need: Need,
    allow_host_settings: bool,
    world: &World<'_>,
) -> Result<Ready, Failure> {
    let system = world.kernel.system();
    let mut files = Vec::new();
    let profile = load(asked, need, system, &mut files, world)?;
    let goals = plan::goals(&profile, system, world.machine)
        .map_err(|(origin, message)| problem(&Problem::error(message, Some(origin))))?;
    let context = (world.context)();
    let place = Place { system, version: context.version(), contained: context.contained(), allow_host_settings };
    Ok(Ready { profile, goals, context, place, files })
}

fn load(
    asked: &Asked,
    need: Need,
    system: System,
    files: &mut Vec<PathBuf>,
    world: &World<'_>,
) -> Result<Profile, Failure> {
    let typed = Typed { set: &asked.set, rlimit: &asked.rlimit, port: &asked.port };
    let nothing_asked =
        asked.profiles.is_empty() && asked.set.is_empty() && asked.rlimit.is_empty() && asked.port.is_empty();
    if nothing_asked && need == Need::Profile {
        return Err(Failure::new(USAGE, "no profile was named")
            .help("name one with `-p NAME` or in TUNECTL_PROFILE; `tunectl profile list` shows them"));
    }
    let mut find = |name: &str, named_by: Option<&Source>| {
        let found = world.library.find(name, named_by)?;
        files.push(world.library.file_of(name, &found));
        Ok(found)
    };
    load_all(&asked.profiles, &mut find, &spec)
        .and_then(|profile| overlay::add(profile, typed, system, &spec))
        .map_err(|problems| Failure { code: USAGE, message: format!("{problems}\n") })
}

/// What the catalog knows of a key's values.
pub(super) fn spec(system: System, key: &Key) -> Option<crate::model::setting::Spec> {
    catalog::spec(system, key)
}

fn problem(problem: &Problem) -> Failure {
    Failure { code: USAGE, message: format!("{problem}\n") }
}
