//! `tunectl explain`: what is known of a setting, a limit, a cause or a warning; change nothing.

use nix::errno::Errno;

use crate::catalog::{self, InNewNetns};
use crate::diagnose::search::{self, Subject};
use crate::diagnose::{self, Cause};
use crate::environment::Environment;
use crate::kernel::{KernelError, Process};
use crate::model::limit::Resource;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::{Key, Setting, System};
use crate::model::suggest;
use crate::output::{Candidate, Explained, ExplainedSetting, SettingState, explain};
use crate::profile::lint::WARNINGS;

use super::{CommandError, Execute, USAGE, World, print};

/// Arguments of `tunectl explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tunectl explain somaxconn\n  tunectl explain LimitNOFILE\n  tunectl explain too many open files"
)]
pub struct ExplainArgs {
    /// Setting, limit, code such as read-only-mount or W001, a part of one, or an error message.
    #[arg(value_name = "WHAT", required = true)]
    subject: Vec<String>,
}

impl Execute for ExplainArgs {
    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        let asked = self.subject.join(" ");
        let text = page(asked.trim(), world)?;
        print(world.out, &text);
        Ok(0)
    }
}

/// The page of what was asked for, or a list of all that it can mean.
fn page(asked: &str, world: &mut World<'_>) -> Result<String, CommandError> {
    if let Some(subject) = search::named(asked) {
        return Ok(page_of(subject, world));
    }
    // The first that there is, of what the name can mean.
    if let Some(text) = keys(asked).iter().find_map(|key| setting(key, world)) {
        return Ok(text);
    }
    if let Some(subject) = search::error_text(asked) {
        return Ok(page_of(subject, world));
    }
    match search::parts(asked, world.kernel.system()).as_slice() {
        [] => Err(unknown(asked, world.kernel.system())),
        [one] => Ok(page_of(*one, world)),
        several => {
            let candidates: Vec<Candidate> = several.iter().copied().map(candidate).collect();
            Ok(explain(&Explained::Candidates(&candidates)))
        }
    }
}

fn page_of(subject: Subject, world: &mut World<'_>) -> String {
    match subject {
        Subject::Cause(code) => explain(&Explained::Cause(code)),
        Subject::Warning(warning) => explain(&Explained::Warning(warning)),
        Subject::Limit(resource) => {
            explain(&Explained::Limit(catalog::limit(resource), world.kernel.limits(Process::Own, resource).ok()))
        }
        Subject::Limits => {
            let limits: Vec<Candidate> = Resource::ALL.into_iter().map(Subject::Limit).map(candidate).collect();
            explain(&Explained::Candidates(&limits))
        }
        Subject::Error(row) => explain(&Explained::Error(row)),
        Subject::Row(row) => {
            let key = search::key_of(row);
            key.and_then(|key| setting(&key, world)).unwrap_or_default()
        }
    }
}

fn candidate(subject: Subject) -> Candidate {
    Candidate { name: subject.name(), title: subject.title() }
}

/// The page of a setting of this system, or else of the other one; nothing where the catalog has no row of it and no
/// file is there.
fn setting(key: &Key, world: &mut World<'_>) -> Option<String> {
    let here = world.kernel.system();
    let environment = world.os.environment();
    let other = if here == System::Linux { System::MacOs } else { System::Linux };
    let (mut system, mut version) = (here, environment.version());
    let row = catalog::row(here, key).or_else(|| {
        let row = catalog::row(other, key)?;
        (system, version) = (other, catalog::KernelVersion::NEWEST);
        Some(row)
    });
    if row.is_none() {
        if !world.kernel.inspect(key).exists.unwrap_or(false) && !is_hidden(key, &environment) {
            return None;
        }
        if matches!(world.kernel.read(key), Err(KernelError { errno: Errno::EISDIR, .. })) {
            return Some(explain(&Explained::Directory(key)));
        }
    }
    let state = if system == here { state(key, &environment, world) } else { SettingState::OtherSystem };
    Some(explain(&Explained::Setting(ExplainedSetting { key, system, row: row.as_ref(), version, state })))
}

/// Whether it is known to be there but for the network namespace that we are in.
fn is_hidden(key: &Key, environment: &Environment) -> bool {
    // Of neighbours every key has a row.
    let neighbours =
        |name: &SysctlName| ["net/ipv4/neigh/", "net/ipv6/neigh/"].iter().any(|at| name.path().starts_with(at));
    if matches!(key, Key::Sysctl(name) if neighbours(name)) {
        return false;
    }
    let there = catalog::in_new_netns(environment.system, key, environment.version());
    environment.initial.net == Some(false) && there == InNewNetns::Absent
}

/// A sysctl's name, or a path below `/proc/sys` or `/sys`; a path that does not say below which may be either.
fn keys(asked: &str) -> Vec<Key> {
    let sysfs = |path: &str| SysfsName::parse(path).ok().map(Key::Sysfs);
    if let Some(path) = asked.strip_prefix("/sys/") {
        return sysfs(path).into_iter().collect();
    }
    let beneath_proc = asked.strip_prefix("/proc/sys/");
    let sysctl = SysctlName::parse(beneath_proc.unwrap_or(asked)).ok().map(Key::Sysctl);
    let sysfs = if beneath_proc.is_none() && asked.contains('/') { sysfs(asked) } else { None };
    sysctl.into_iter().chain(sysfs).collect()
}

/// The current value, what prevents changing it, and the files that set it.
fn state(key: &Key, environment: &Environment, world: &mut World<'_>) -> SettingState {
    let is_pattern = match key {
        Key::Sysctl(name) => name.is_pattern(),
        Key::Sysfs(name) => name.path().contains('*'),
    };
    if is_pattern {
        return SettingState::Pattern;
    }
    let value = world.kernel.read(key);
    let details = environment.details(&diagnose::runtime_files());
    let evidence = world.kernel.inspect(key);
    let unread = value.as_ref().err().copied();
    let obstacle = Box::new(diagnose::obstacle_to(key, unread, evidence, environment, &details));
    let config_lines = environment.config_lines(&[&Setting::Key(key.clone())], &details);
    SettingState::Read { value, obstacle, config_lines }
}

/// Nothing matches: names the nearest.
fn unknown(asked: &str, system: System) -> CommandError {
    let codes = Cause::codes().map(|code| code.name).chain(WARNINGS.iter().map(|warning| warning.code));
    let names = catalog::names(system).chain(Resource::ALL.map(Resource::name)).chain(codes);
    // However it was written: with slashes too.
    let typed = SysctlName::parse(asked).map_or_else(|_| asked.to_owned(), |name| name.to_string());
    let near = suggest::setting_hint(&typed, names);
    let nearest = search::nearest(&typed, system).into_iter().map(Subject::name);
    let nearest = nearest.collect::<Vec<_>>().join(", ");
    let shown: String = asked.chars().take(80).collect();
    CommandError::new(USAGE, format!("no setting, limit, code or error matches `{}`{near}", shown.escape_debug()))
        .help(format!("the nearest names: {nearest}"))
        .help("a part of a name is enough: `tunectl explain somaxconn`; so is an error: `tunectl explain EMFILE`")
}
