//! `tunectl explain`: what is known of a setting, a limit, a cause or a warning; change nothing.

use std::fmt::Write;

use nix::errno::Errno;

use crate::catalog::{self, InNewNetns};
use crate::diagnose::{self, Cause, Code};
use crate::environment::Environment;
use crate::environment::config_files::ConfigReader;
use crate::kernel::{KernelError, Process};
use crate::model::limit::Resource;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::{Key, Setting, System};
use crate::model::suggest;
use crate::output;
use crate::profile::lint::{WARNINGS, Warning, warning};
use crate::snippet::visible;

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
        let text = if let Some(Code { name, explanation }) = Code::by_name(&asked.to_ascii_lowercase()) {
            output::paragraph(name, explanation)
        } else if let Some(Warning { code, title, explanation, .. }) = warning(asked) {
            output::paragraph(&format!("{code}: {title}"), explanation)
        } else if let Ok(resource) = Resource::parse(&asked.to_ascii_lowercase()) {
            limit(resource, world)
        } else {
            setting(asked, world).ok_or_else(|| unknown(asked, world.kernel.system()))?
        };
        print(world.out, &text);
        Ok(0)
    }
}

fn limit(resource: Resource, world: &mut World<'_>) -> String {
    let mut page = catalog::explain_limit(catalog::limit(resource));
    if let Ok(limits) = world.kernel.limits(Process::Own, resource) {
        line(&mut page, "now", &format!("soft {}, hard {}", limits.soft, limits.hard));
    }
    page
}

/// A setting of this system, or else of the other one; nothing where no system that we know has it and no file
/// is there.
fn setting(asked: &str, world: &mut World<'_>) -> Option<String> {
    keys(asked).iter().find_map(|key| page(key, world))
}

fn page(key: &Key, world: &mut World<'_>) -> Option<String> {
    let here = world.kernel.system();
    let environment = world.os.environment();
    let other = if here == System::Linux { System::MacOs } else { System::Linux };
    if let Some(row) = catalog::row(here, key) {
        let mut page = catalog::explain(&row, environment.version());
        // A row may stand for many.
        if let Key::Sysctl(name) = key {
            page.replace_range(..row.name.len(), &name.to_string());
        }
        standing(&mut page, key, &environment, world);
        return Some(page);
    }
    if let Some(row) = catalog::row(other, key) {
        let mut page = catalog::explain(&row, catalog::KernelVersion::NEWEST);
        let whose = if other == System::MacOs { "it exists on macOS only" } else { "it exists on Linux only" };
        line(&mut page, "now", &format!("nothing here: {whose}"));
        return Some(page);
    }
    if !world.kernel.inspect(key).exists.unwrap_or(false) && !is_hidden(key, &environment) {
        return None;
    }
    if matches!(world.kernel.read(key), Err(KernelError { errno: Errno::EISDIR, .. })) {
        return Some(format!("{key}\n  a directory of settings: name one of them\n"));
    }
    let mut page = catalog::explain_unknown(here, key, environment.version());
    standing(&mut page, key, &environment, world);
    Some(page)
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
fn standing(page: &mut String, key: &Key, environment: &Environment, world: &mut World<'_>) {
    let is_pattern = match key {
        Key::Sysctl(name) => name.is_pattern(),
        Key::Sysfs(name) => name.path().contains('*'),
    };
    if is_pattern {
        return;
    }
    let read = world.kernel.read(key);
    let now = read.as_ref().map_or_else(ToString::to_string, |text| shown(text));
    line(page, "now", &now);
    let around = environment.details(&diagnose::runtime_files());
    let evidence = world.kernel.inspect(key);
    if let Some(cause) = diagnose::obstacle_to(key, read.as_ref().err().copied(), evidence, environment, &around) {
        line(page, "from here", &format!("{} [{}]", output::why(&cause), cause.code()));
    }
    for other in environment.config_lines(&[&Setting::Key(key.clone())], &around) {
        let by = if other.reader == ConfigReader::Procps { "by `sysctl --system`, " } else { "" };
        let value = shown(&other.value);
        let title = if value == now { "set by" } else { "in a file" };
        let value = if value == EMPTY { "empty" } else { &value };
        line(page, title, &format!("{}:{} ({by}{value})", other.file, other.line));
    }
}

/// What stands for no words at all.
const EMPTY: &str = "(empty)";

/// Its words, each parted by one blank.
fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { EMPTY.to_owned() } else { words.join(" ") }
}

/// As the lines of the catalog's page.
fn line(page: &mut String, title: &str, text: &str) {
    // Writing to a string never fails.
    let _ = writeln!(page, "  {title:<16}{}", visible(text));
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
