//! `tunectl explain`: what is known of a setting, a limit, a cause or a warning; change nothing.

use nix::errno::Errno;

use crate::catalog::{self, InNewNetns};
use crate::diagnose::{self, Cause, Code};
use crate::environment::Environment;
use crate::kernel::{KernelError, Process};
use crate::model::limit::Resource;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::{Key, Setting, System};
use crate::model::suggest;
use crate::output::{Explained, ExplainedSetting, SettingState, explain};
use crate::profile::lint::{WARNINGS, warning};

use super::{CommandError, Execute, USAGE, World, print};

/// Arguments of `tunectl explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Sysctl, path below /sys, limit, or a code such as read-only-mount or W001.
    #[arg(value_name = "KEY|LIMIT|CODE")]
    subject: String,
}

impl Execute for ExplainArgs {
    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        let asked = self.subject.trim();
        let text = if let Some(code) = Code::by_name(&asked.to_ascii_lowercase()) {
            explain(&Explained::Cause(code))
        } else if let Some(warning) = warning(asked) {
            explain(&Explained::Warning(warning))
        } else if let Ok(resource) = Resource::parse(&asked.to_ascii_lowercase()) {
            explain(&Explained::Limit(catalog::limit(resource), world.kernel.limits(Process::Own, resource).ok()))
        } else {
            // The first that there is, of what the name can mean.
            let text = keys(asked).iter().find_map(|key| setting(key, world));
            text.ok_or_else(|| unknown(asked, world.kernel.system()))?
        };
        print(world.out, &text);
        Ok(0)
    }
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

/// A sysctl's name, or a path beneath `/proc/sys` or `/sys`; a path that does not say beneath which may be either.
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

fn unknown(asked: &str, system: System) -> CommandError {
    let codes = Cause::codes().map(|code| code.name).chain(WARNINGS.iter().map(|warning| warning.code));
    let names = catalog::names(system).chain(Resource::ALL.map(Resource::name)).chain(codes);
    // However it was written: with slashes too.
    let typed = SysctlName::parse(asked).map_or_else(|_| asked.to_owned(), |name| name.to_string());
    let near = suggest::setting_hint(&typed, names);
    CommandError::new(USAGE, format!("no setting, limit or code named `{}` is known{near}", asked.escape_debug())).help(
        "try `tunectl explain net.core.somaxconn` (a setting), `tunectl explain nofile` (a limit), or \
            `tunectl explain read-only-mount` (a code that `-v` prints)",
    )
}
