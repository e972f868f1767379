//! `tunectl profile`: list, show and validate.

use std::fmt::Write as _;

use crate::catalog::{self, Access, KernelVersion};
use crate::environment::Environment;
use crate::model::setting::{Key, System};
use crate::profile::lint::{Idle, KeyFacts, LintFacts, lint};
use crate::profile::load::{load as load_all, refuse_empty};
use crate::profile::problem::Problems;
use crate::profile::{Profile, Source};
use crate::snippet::visible;

use super::prepare::spec;
use super::{CommandError, Execute, USAGE, World, print};

/// Arguments of `tunectl profile`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tunectl profile list\n  tunectl profile show loadtest\n  tunectl profile validate production.toml"
)]
pub struct ProfileCommand {
    #[command(subcommand)]
    action: ProfileAction,
}

#[derive(Debug, clap::Subcommand)]
enum ProfileAction {
    /// List the available profiles.
    List,
    /// Print a profile.
    Show {
        /// Name or path.
        name: String,
    },
    /// Check profiles for mistakes and warnings; change nothing.
    Validate {
        /// Names or paths.
        #[arg(required = true, value_name = "PROFILE")]
        profiles: Vec<String>,
    },
}

impl Execute for ProfileCommand {
    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        match &self.action {
            ProfileAction::List => Ok(list(world)),
            ProfileAction::Show { name } => show(name, world),
            ProfileAction::Validate { profiles } => Ok(validate(profiles, world)),
        }
    }
}

fn list(world: &mut World<'_>) -> i32 {
    let names = world.profiles.names();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for name in &names {
        let loaded = load(std::slice::from_ref(name), world);
        let about = match &loaded {
            Ok(profile) => profile.description.as_deref().unwrap_or("(no description)"),
            Err(_) => "(unreadable: see `tunectl profile validate`)",
        };
        let _ = writeln!(text, "{name:<width$}  {about}");
    }
    print(world.out, &text);
    0
}

fn show(name: &str, world: &mut World<'_>) -> Result<i32, CommandError> {
    let source = world.profiles.find(name, None).map_err(|unfound| {
        let failure = CommandError::new(USAGE, unfound.message);
        unfound.help.into_iter().fold(failure, CommandError::help)
    })?;
    print(world.out, &source.text);
    Ok(0)
}

/// Each by itself, so that one that is broken hides nothing of the others.
fn validate(asked: &[String], world: &mut World<'_>) -> i32 {
    let names: Vec<(System, &str)> = [System::Linux, System::MacOs]
        .into_iter()
        .flat_map(|system| catalog::names(system).map(move |name| (system, name)))
        .collect();
    let environment = world.os.environment();
    let facts = LintFacts {
        system: world.kernel.system(),
        names: &names,
        key: &|system, key| key_facts(system, key, &environment),
    };
    let mut broken = 0;
    for name in asked {
        match load(std::slice::from_ref(name), world) {
            Err(problems) => {
                broken += 1;
                drop(writeln!(world.err, "{problems}\n"));
            }
            Ok(profile) => {
                let warnings = lint(&profile, &facts);
                for warning in &warnings {
                    drop(writeln!(world.err, "{warning}\n"));
                }
                let said = match warnings.len() {
                    0 => "valid".to_owned(),
                    1 => "valid, with 1 warning".to_owned(),
                    count => format!("valid, with {count} warnings"),
                };
                print(world.out, &format!("{}: {said}\n", visible(name)));
            }
        }
    }
    if broken > 0 { USAGE } else { 0 }
}

/// What the catalog knows of a key, for the checks: those are to hold on every supported kernel, so its scope is that of
/// the newest one.
fn key_facts(system: System, key: &Key, environment: &Environment) -> KeyFacts {
    let of_host = catalog::scope_of(system, key, KernelVersion::NEWEST).is_host();
    let Some(row) = catalog::row(system, key) else { return KeyFacts { of_host, ..KeyFacts::default() } };
    let linux = |version: KernelVersion| format!("Linux {version}");
    let release = environment
        .release
        .as_deref()
        .filter(|_| environment.system == system && !row.exists_on(environment.version()));
    let idle = row.rare.no_effect.map(|none| Idle {
        since: none.since.map(linux),
        works_on_older: none.since.is_some_and(|since| since > KernelVersion::OLDEST),
        reason: none.reason,
    });
    KeyFacts {
        since: row.rare.since.filter(|since| *since > KernelVersion::OLDEST).map(linux),
        gone: row.rare.removed_in.map(linux),
        lacked_here: release.map(|release| format!("Linux {release}")),
        of_host,
        one_way: row.rare.one_way,
        read_only: row.access == Access::ReadOnly,
        idle,
        instead: row.rare.removed_in.and_then(|_| row.notes.first().copied()),
    }
}

fn load(names: &[String], world: &World<'_>) -> Result<Profile, Problems> {
    let mut find = |name: &str, named_by: Option<&Source>| world.profiles.find(name, named_by);
    let profile = load_all(names, &mut find, &spec)?;
    refuse_empty(&profile)?;
    Ok(profile)
}
