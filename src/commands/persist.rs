//! `apply --persist` and `revert --persist`: what lasts beyond the boot.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use crate::catalog;
use crate::cli::{Apply, Format, Persist, Revert};
use crate::diagnose;
use crate::formats::{self, Lasting};
use crate::journal::{Standing, What};
use crate::kernel::Process;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Key, Setting, System};
use crate::model::value::Value;
use crate::persist::{self, Asked, Disk, File, Trouble, Wanted, Winner, Written};
use crate::plan::{LimitAsked, LimitGoal};
use crate::profile::Profile;
use crate::report::{Finding, Report, Shortfall, Verdict};
use crate::sys;

use super::prepare::Ready;
use super::{FALLS_SHORT, Failure, USAGE, World, print};

/// The most that the kernel takes of a list in one write, whatever its page size (`proc_do_large_bitmap`,
/// kernel/sysctl.c). Who writes on, as systemd's reader does (measured: 252), sets the rest; procps does not.
const ONE_WRITE: usize = 4095;

/// Refuses before anything is changed what could not be made to last afterwards.
pub(super) fn refuse(asked: &Persist, ready: &Ready) -> Result<(), Failure> {
    if !asked.persist {
        return Ok(());
    }
    if asked.root.is_none() && ready.context.contained() {
        return Err(Failure::new(
            USAGE,
            "nothing lasts beyond this container or namespace, and the host's files are not its own",
        )
        .help("leave `--persist` out, or name the directory of another system with `--root DIR`"));
    }
    if let Some(wrong) = asked.unit.iter().find(|name| unit(name).is_none()) {
        return Err(Failure::new(USAGE, format!("`{}` is not the name of a service", wrong.escape_debug())));
    }
    root_is_there(asked.root.as_deref())?;
    let disk = disk(asked.root.as_deref());
    let files = persist::files(&sample(units(asked)), ready.place.system);
    let paths = files.into_iter().map(|file| file.path).chain(disk.standing());
    match paths.map(|path| disk.is_ours(&path)).find_map(Result::err) {
        None => Ok(()),
        Some(trouble) => {
            let help = help(&trouble, asked.root.as_deref());
            let message = format!("error: {}; nothing was changed\n{help}", said(&trouble));
            Err(Failure { code: FALLS_SHORT, message })
        }
    }
}

/// Writes the files that say what holds now, and takes those away that say what nobody asks for any more.
pub(super) fn write(
    apply: &Apply,
    ready: &Ready,
    process: Process,
    report: &Report,
    world: &mut World<'_>,
) -> Result<(), Failure> {
    let (asked, dry_run) = (&apply.lasting, apply.dry_run);
    let wanted = wanted(asked, ready, process, report, world);
    let root = asked.root.as_deref();
    let disk = disk(root);
    let files = persist::files(&wanted, ready.place.system);
    let old: Vec<String> =
        disk.standing().into_iter().filter(|path| files.iter().all(|file| file.path != *path)).collect();
    let mut text = String::new();
    if !dry_run {
        disk.sweep();
    }
    for file in &files {
        let before = disk.profiles_of(&file.path);
        let written =
            if dry_run { Written::New } else { disk.write(file).map_err(|trouble| failed(&trouble, root))? };
        let path = disk.path(&file.path);
        let _ = match (written, dry_run) {
            (Written::Same, _) => writeln!(text, "{} is as it should be", path.display()),
            (_, true) => writeln!(text, "{} would be written", path.display()),
            (_, false) => writeln!(text, "{} written{}", path.display(), instead_of(before, &wanted.profiles)),
        };
    }
    for path in &old {
        if !dry_run {
            disk.remove(path, false).map_err(|trouble| failed(&trouble, root))?;
        }
        let done = if dry_run { "would be taken away" } else { "taken away: nothing of it is asked for any more" };
        let _ = writeln!(text, "{} {done}", disk.path(path).display());
    }
    for finding in report.findings.iter().filter(|finding| lasting(finding).is_none()) {
        let _ = writeln!(text, "{} falls short, and is not made to last", finding.setting);
    }
    text += &notes(asked, &wanted, &files);
    match apply.format {
        Format::Text => print(world.out, &text),
        Format::Json => print(world.err, &text),
    }
    Ok(())
}

/// Refuses a root that is not there: one that was mistyped is not to be made.
pub(super) fn root_is_there(root: Option<&Path>) -> Result<(), Failure> {
    match root.filter(|root| !root.is_dir()) {
        None => Ok(()),
        Some(root) => Err(Failure::new(USAGE, format!("`--root {}` is not a directory", root.display()))),
    }
}

/// What became of the files.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Whether one had to be left.
    pub(super) left: bool,
    /// Each of them, for programs.
    pub(super) files: Vec<serde_json::Value>,
}

/// Takes the files away, or none where one of them has to be left.
pub(super) fn take_away(revert: &Revert, world: &mut World<'_>) -> Taken {
    let Revert { force, dry_run, .. } = *revert;
    let root = revert.lasting.root.as_deref();
    let disk = disk(root);
    if !dry_run {
        disk.sweep();
    }
    let standing = disk.standing();
    let blocked = standing.iter().any(|path| disk.may_go(path, force).is_err());
    let mut taken = Taken::default();
    for path in standing {
        let gone = disk
            .may_go(&path, force)
            .and_then(|()| if blocked || dry_run { Ok(()) } else { disk.remove(&path, force).map(drop) });
        let (done, outcome) = match &gone {
            Ok(()) if blocked => ("", "left"),
            Ok(()) if dry_run => ("would be taken away", "would-take-away"),
            Ok(()) => ("taken away", "taken-away"),
            Err(_) => ("", "left"),
        };
        let whole = disk.path(&path);
        let why = gone.err().map(|trouble| (said(&trouble), help(&trouble, root)));
        if let Some((why, help)) = &why {
            taken.left = true;
            drop(write!(world.err, "error: {why}; nothing was put back\n{help}"));
        } else if !blocked {
            let text = format!("{} {done}\n", whole.display());
            print(if revert.format == Format::Text { &mut *world.out } else { &mut *world.err }, &text);
        }
        let why = why.map(|(why, _)| why);
        taken.files.push(serde_json::json!({ "file": whole.to_string_lossy(), "outcome": outcome, "why": why }));
    }
    taken
}

/// The file that says what stands there now, for people.
pub(super) fn who_says(revert: &Revert, what: &What, now: &Standing) -> String {
    let root = revert.lasting.root.as_deref().unwrap_or(Path::new("/"));
    let said = match (what, now) {
        (What::Key { key: Key::Sysctl(name), .. }, Standing::Text(text)) => persist::who_says(root, name, text),
        _ => None,
    };
    said.map_or_else(String::new, |(path, line)| format!(" (`{}` says so in line {line})", path.display()))
}

fn disk(root: Option<&Path>) -> Disk {
    Disk::at(root.unwrap_or(Path::new("/")))
}

fn units(asked: &Persist) -> Vec<String> {
    asked.unit.iter().filter_map(|name| unit(name)).collect()
}

/// The whole name of a service, systemd.unit(5).
fn unit(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let may = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c);
    let other_kind = [".socket", ".mount", ".swap", ".slice", ".scope", ".timer", ".target", ".path", ".device"];
    let fits = !stem.is_empty() && stem.len() < 240 && stem.chars().all(may) && !stem.starts_with('.');
    (fits && !other_kind.iter().any(|kind| stem.ends_with(kind))).then(|| format!("{stem}.service"))
}

/// Something for every file that there can be, so that each is looked at.
fn sample(units: Vec<String>) -> Wanted {
    let lasting = || vec![Lasting { name: String::new(), value: Value::Number(0), asked: String::new() }];
    let none = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
    Wanted {
        sysctls: lasting(),
        attributes: lasting(),
        modules: vec![""],
        limits: vec![(Resource::Nofile, none), (Resource::Nproc, none)],
        logins: vec![("*", Resource::Nofile, Side::Soft, Limit::Unlimited)],
        units: units.into_iter().map(|unit| (unit, vec![(Resource::Nofile, none)])).collect(),
        ..Wanted::default()
    }
}

fn wanted(asked: &Persist, ready: &Ready, process: Process, report: &Report, world: &mut World<'_>) -> Wanted {
    let mut wanted = Wanted { profiles: ready.profile.names.clone(), hash: hash(&ready.profile), ..Wanted::default() };
    let mut sides: BTreeMap<Resource, [Option<&Finding>; 2]> = BTreeMap::new();
    for finding in &report.findings {
        match (&finding.setting, lasting(finding)) {
            (Setting::Key(key), Some(value)) => {
                let lasting = Lasting { name: key.to_string(), value, asked: finding.wanted.to_string() };
                let module = catalog::row(ready.place.system, key).and_then(|row| row.module);
                wanted.modules.extend(module.filter(|module| !wanted.modules.contains(module)));
                match key {
                    Key::Sysctl(_) => wanted.sysctls.push(lasting),
                    Key::Sysfs(_) => wanted.attributes.push(lasting),
                }
            }
            (Setting::Limit(resource, side), Some(_)) => {
                sides.entry(*resource).or_default()[usize::from(*side == Side::Hard)] = Some(finding);
            }
            _ => {}
        }
    }
    if ready.place.system == System::MacOs {
        wanted.limits =
            sides.into_iter().map(|(resource, sides)| (resource, jobs(resource, sides, process, world))).collect();
        return wanted;
    }
    let sides = sides.into_iter().map(|(resource, sides)| {
        let first = world.kernel.limits(Process::Pid(1), resource).ok();
        let is_hard =
            |goal: &LimitGoal| goal.resource == resource && goal.wanted == Expectation::Exactly(LimitAsked::Hard);
        let asked = Asked::of(resource, sides.map(|side| side.map(|finding| finding.wanted.clone())), first);
        Asked { as_hard: ready.goals.limits.iter().any(is_hard), ..asked }
    });
    let sides: Vec<Asked> = sides.collect();
    let root = asked.root.as_deref().unwrap_or(Path::new("/"));
    wanted.logins = persist::logins(root, &sides);
    wanted.units = units(asked).into_iter().map(|name| (name.clone(), persist::unit(root, &name, &sides))).collect();
    wanted
}

/// On macOS, which has no files that say what there would be without us, the other side is the shell's.
fn jobs(resource: Resource, sides: [Option<&Finding>; 2], process: Process, world: &mut World<'_>) -> Limits {
    let now = world.kernel.limits(process, resource).ok();
    let [soft, hard] = sides.map(|side| match lasting(side?)? {
        Value::Limit(limit) => Some(limit),
        _ => None,
    });
    let hard = hard.or(now.map(|now| now.hard)).unwrap_or(Limit::Unlimited);
    Limits { soft: soft.or(now.map(|now| now.soft)).unwrap_or(hard).min(hard), hard }
}

/// What is to last of a finding: what stands there and is what is asked for, so that nothing is lowered that was
/// higher; on macOS, whose limits nobody could set, what is asked for.
fn lasting(finding: &Finding) -> Option<Value> {
    match &finding.verdict {
        Verdict::Holds | Verdict::Changed => finding.found.clone(),
        Verdict::WouldChange(value) => Some(value.clone()),
        Verdict::Short(Shortfall::Differs) if matches!(finding.setting, Setting::Limit(..)) => {
            finding.wanted.nearest(finding.found.as_ref())
        }
        Verdict::Short(_) => None,
    }
}

/// The hash of the text of all the profiles, in the order in which they have a say.
fn hash(profile: &Profile) -> u64 {
    let texts: Vec<&str> = profile.sources.iter().map(|source| source.text.as_str()).collect();
    formats::hash(&texts.concat())
}

fn instead_of(before: Option<String>, now: &[String]) -> String {
    match before {
        Some(before) if before != now.join(", ") => format!(", in place of what was written for {before}"),
        _ => String::new(),
    }
}

/// What else there is to know or to do.
fn notes(asked: &Persist, wanted: &Wanted, files: &[File]) -> String {
    let mut text = String::new();
    let root = asked.root.as_deref().unwrap_or(Path::new("/"));
    for winner in persist::winners(root, files) {
        let (path, Winner { line, name, theirs, ours, reader, .. }) = (winner.path.display(), &winner);
        let _ = writeln!(
            text,
            "warning: {path} line {line} sets {name} to {theirs}, not to {ours}, and is read later by {reader}"
        );
    }
    for long in wanted.sysctls.iter().filter(|lasting| lasting.value.to_string().len() > ONE_WRITE) {
        let _ = writeln!(
            text,
            "warning: {} is longer than {ONE_WRITE} bytes: systemd-sysctl sets it whole, `sysctl --system` its beginning",
            long.name
        );
    }
    let units: Vec<&str> =
        wanted.units.iter().filter(|(_, limits)| !limits.is_empty()).map(|(unit, _)| unit.as_str()).collect();
    if !units.is_empty() {
        let _ = writeln!(text, "for the limits of {}: systemctl daemon-reload, and restart", units.join(", "));
    }
    text
}

fn failed(trouble: &Trouble, root: Option<&Path>) -> Failure {
    Failure { code: FALLS_SHORT, message: format!("error: {}\n{}", said(trouble), help(trouble, root)) }
}

fn said(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Changed(path) => format!("`{}` was changed by hand since tunectl wrote it", path.display()),
        Trouble::Foreign(path) => format!("`{}` was not written by tunectl", path.display()),
        Trouble::Refused(path, error) => {
            format!("`{}` could not be written: {}", path.display(), sys::reason(error))
        }
    }
}

/// A line of help, where there is any.
fn help(trouble: &Trouble, root: Option<&Path>) -> String {
    let root = root.map_or_else(String::new, |root| format!(" --root {}", diagnose::shell(&root.to_string_lossy())));
    let help = match trouble {
        Trouble::Changed(_) => {
            format!("keep it under another name, or `tunectl revert --persist{root} --force` takes it away")
        }
        Trouble::Foreign(_) => "move it away if it is not needed".to_owned(),
        Trouble::Refused(_, error) if error.kind() == ErrorKind::PermissionDenied => "try it with sudo".to_owned(),
        Trouble::Refused(..) => return String::new(),
    };
    format!("  = help: {help}\n")
}
