//! What can be done on the machine itself: by tunectl, by its own programs, in its files and units.

use super::quote::{shell, unit};
use super::{Remedy, Where, at, spotted};
use crate::catalog::{self, Scope};
use crate::diagnose::DiagnosisContext;
use crate::environment::config_files::{ConfigLine, ConfigReader};
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Key, Setting, System};
use crate::model::value::Value;

/// capabilities(7), by number: "override resource limits".
const CAP_SYS_RESOURCE: u32 = 24;

/// A name that sorts behind nearly every other in sysctl.d(5).
const LAST_FILE: &str = "/etc/sysctl.d/99-zz-tunectl.conf";

/// Have `tunectl apply` do it, as root.
pub(in crate::diagnose) fn apply_as_root(scene: &DiagnosisContext<'_>) -> Remedy {
    at(Where::Shell, format!("sudo tunectl apply{}", flags(scene)))
}

/// Have `tunectl apply` do it: as root, where any other of its settings needs that.
pub(in crate::diagnose) fn apply(scene: &DiagnosisContext<'_>) -> Remedy {
    if scene.needs_root() {
        return apply_as_root(scene);
    }
    at(Where::Shell, format!("tunectl apply{}", flags(scene)))
}

fn flags(scene: &DiagnosisContext<'_>) -> String {
    scene.asked.iter().fold(String::new(), |flags, word| flags + " " + &shell(word))
}

/// Have root set a key of the whole machine: outside of the container, if we are in one.
pub(in crate::diagnose) fn host_key(key: &Key, value: &Value, outside: bool) -> Vec<Remedy> {
    let place = if outside { Where::HostShell } else { Where::Shell };
    match key {
        Key::Sysctl(_) => {
            let command = format!("sudo sysctl -w {}", shell(&format!("{key}={value}")));
            let file = if outside { format!("{LAST_FILE} of the host") } else { LAST_FILE.to_owned() };
            vec![at(place, command), spotted(Where::File, file, format!("{key} = {value}")).or()]
        }
        Key::Sysfs(_) => {
            vec![at(place, format!("echo {} | sudo tee {}", shell(&value.to_string()), shell(&key.to_string())))]
        }
    }
}

/// Have `tunectl apply` write the files as well that set it at each boot.
pub(in crate::diagnose) fn at_boot(scene: &DiagnosisContext<'_>) -> Remedy {
    at(Where::Shell, format!("sudo tunectl apply --persist{}", flags(scene))).or()
}

/// A daemon of launchd that runs a command once at boot, launchd.plist(5).
fn launch_daemon(name: &str, command: &[String]) -> Remedy {
    let label = format!("tunectl.{name}");
    let escaped = |word: &String| word.replace('&', "&amp;").replace('<', "&lt;");
    let words = command.iter().fold(String::new(), |words, word| words + "<string>" + &escaped(word) + "</string>");
    let text = format!(
        "<plist version=\"1.0\"><dict><key>Label</key><string>{label}</string><key>ProgramArguments</key>\
         <array>{words}</array><key>RunAtLoad</key><true/></dict></plist>"
    );
    spotted(Where::File, format!("/Library/LaunchDaemons/{label}.plist"), text)
}

/// Have the line that sets another value set this one.
pub(in crate::diagnose) fn change_line(other: &ConfigLine, limits: Limits, value: &Value) -> Remedy {
    let place = format!("{}:{}", other.file, other.line);
    let text = match (&other.setting, other.reader) {
        (Setting::Limit(resource, _), ConfigReader::Unit) => unit_line(*resource, limits),
        (Setting::Limit(resource, side), _) => {
            let (domain, kind) = other.scope.rsplit_once(' ').unwrap_or(("*", "-"));
            match kind {
                "-" => login_lines(domain, *resource, limits),
                kind => login_line(domain, kind, *resource, limits.side(*side)),
            }
        }
        // The line sets others too: one that names this key wins over it, wherever it stands (sysctl.d(5)).
        (Setting::Key(key), _) if !other.scope.is_empty() => {
            return spotted(Where::File, LAST_FILE.to_owned(), format!("{key} = {value}"));
        }
        (Setting::Key(key), _) => format!("{key} = {value}"),
    };
    spotted(Where::File, place, text)
}

/// Both sides of a limit for limits.conf(5).
fn login_lines(domain: &str, resource: Resource, limits: Limits) -> String {
    let line = |kind, limit| login_line(domain, kind, resource, limit);
    if limits.soft == limits.hard {
        return line("-", limits.hard);
    }
    format!("{}\n{}", line("soft", limits.soft), line("hard", limits.hard))
}

fn login_line(domain: &str, kind: &str, resource: Resource, limit: Limit) -> String {
    format!("{domain} {kind} {resource} {}", in_units(resource, limit))
}

/// Have every user but root of the host log in with a limit, limits.conf(5).
pub(super) fn at_login(resource: Resource, limits: Limits) -> Remedy {
    spotted(
        Where::File,
        "/etc/security/limits.d/99-tunectl.conf of the host".to_owned(),
        login_lines("*", resource, limits),
    )
}

/// In the unit of limits.conf(5), which is that of the shell but for processor time, which it has in minutes.
fn in_units(resource: Resource, limit: Limit) -> String {
    let factor = if resource == Resource::Cpu { 60 } else { catalog::limit(resource).shell_factor };
    match limit {
        Limit::Value(number) => number.div_ceil(factor).to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
    }
}

/// `LimitNOFILE=50000:65000`, systemd.exec(5).
pub(super) fn unit_line(resource: Resource, limits: Limits) -> String {
    let word = |limit| match limit {
        Limit::Value(value) => value.to_string(),
        Limit::Unlimited => "infinity".to_owned(),
    };
    let (soft, hard) = (word(limits.soft), word(limits.hard));
    let both = if soft == hard { soft } else { format!("{soft}:{hard}") };
    format!("Limit{}={both}", resource.name().to_ascii_uppercase())
}

/// Have the unit of the service leave `/proc/sys` writable, systemd.exec(5); or have it prepared before, outside
/// of the unit's sandbox, which is what `+` stands for (systemd.service(5)). Each key by itself: it is not held up by what
/// falls short beside it, and no profile has to be found from where units start.
pub(in crate::diagnose) fn tunables_in_unit(key: &Key, value: &Value) -> Vec<Remedy> {
    let before = match key {
        Key::Sysctl(_) => format!("tunectl apply --set {}", unit(&format!("{key}={value}"))),
        Key::Sysfs(_) => {
            let script = format!("echo {} >{}", shell(&value.to_string()), shell(&key.to_string()));
            format!("/bin/sh -c {}", unit(&script))
        }
    };
    let before = format!("ExecStartPre=+{before}");
    vec![at(Where::Unit, "ProtectKernelTunables=no".to_owned()), at(Where::Unit, before).or()]
}

/// Have the unit of the service keep a capability.
pub(in crate::diagnose) fn capability_in_unit(capability: &str) -> Remedy {
    at(Where::Unit, format!("CapabilityBoundingSet={capability}"))
}

/// Have the unit start the service with a limit.
pub(in crate::diagnose) fn limit_in_unit(resource: Resource, limits: Limits) -> Remedy {
    at(Where::Unit, unit_line(resource, limits))
}

/// Have the unit's filter of system calls let limits pass, systemd.exec(5).
pub(in crate::diagnose) fn allowed_by_filter() -> Remedy {
    at(Where::Unit, "SystemCallFilter=@resources".to_owned())
}

/// Have the unit allow so many processes.
pub(in crate::diagnose) fn pids_in_unit(wanted: Limit) -> Remedy {
    let count = match wanted {
        Limit::Value(count) => count.to_string(),
        Limit::Unlimited => "infinity".to_owned(),
    };
    at(Where::Unit, format!("TasksMax={count}"))
}

/// Have `tunectl apply` set a key of a process's user or PID namespace from within. It needs no `/proc` of
/// its own: the files of `/proc/sys` speak of the namespaces of whoever opens them.
pub(in crate::diagnose) fn within(
    scope: Scope,
    key: &Key,
    value: &Value,
    scene: &DiagnosisContext<'_>,
) -> Option<Remedy> {
    let pid = scene.asked.iter().skip_while(|word| *word != "--pid").nth(1)?;
    // Nobody may enter the user namespace that he is in, setns(2), and not everyone there may change his groups.
    let user = if scene.environment.target?.other_user_namespace { " --user --preserve-credentials" } else { "" };
    let numbers = if scope == Scope::PidNs { " --pid" } else { "" };
    let wish = shell(&format!("{key}={value}"));
    Some(at(Where::Shell, format!("sudo nsenter --target {pid}{user}{numbers} tunectl apply --set {wish}")))
}

/// Take away what is mounted over the file of a key, or over a directory of so many bytes of its path.
pub(in crate::diagnose) fn unmask(key: &Key, mask: usize) -> Remedy {
    let (tree, path) = match key {
        Key::Sysctl(name) => ("/proc/sys/", name.path()),
        Key::Sysfs(name) => ("/sys/", name.path()),
    };
    at(Where::Shell, format!("sudo umount {}", shell(&format!("{tree}{}", path.get(..mask).unwrap_or(path)))))
}

/// Have `/proc` where everyone looks for it.
pub(in crate::diagnose) fn mount_proc() -> Remedy {
    at(Where::Shell, "sudo mount -t proc proc /proc".to_owned())
}

/// Have a module loaded.
pub(in crate::diagnose) fn module(name: &str, outside: bool) -> Remedy {
    at(if outside { Where::HostShell } else { Where::Shell }, format!("sudo modprobe {}", shell(name)))
}

/// Have a module loaded at each boot, modules-load.d(5).
pub(in crate::diagnose) fn module_at_boot(name: &str, outside: bool) -> Remedy {
    let file = format!("/etc/modules-load.d/{name}.conf");
    spotted(Where::File, if outside { format!("{file} of the host") } else { file }, name.to_owned()).or()
}

/// Set a limit of the shell itself. With its side: bash takes a bare `-n` for both, and a hard limit can't be raised again.
pub(in crate::diagnose) fn ulimit(resource: Resource, side: Side, limit: Limit) -> Remedy {
    let row = catalog::limit(resource);
    let side = match side {
        Side::Soft => 'S',
        Side::Hard => 'H',
    };
    let value = match limit {
        Limit::Value(value) => value.div_ceil(row.shell_factor).to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
    };
    at(Where::Shell, format!("ulimit -{side}{} {value}", row.flag))
}

/// Have whoever starts the process give it a higher hard limit: root, its unit, its login.
pub(in crate::diagnose) fn host_limit(resource: Resource, limits: Limits, scene: &DiagnosisContext<'_>) -> Vec<Remedy> {
    let unit = limit_in_unit(resource, limits);
    if scene.environment.system == System::MacOs {
        return mac_limit(resource, limits);
    }
    // Root that may not raise it either gains nothing by sudo, nor does anyone whom exec can give nothing.
    if scene.environment.user == 0 || !scene.around.may_gain(CAP_SYS_RESOURCE) {
        return vec![unit];
    }
    vec![apply_as_root(scene), unit.or()]
}

/// launchd has its own limits, for all that it starts: launchctl(1), `limit`.
fn mac_limit(resource: Resource, limits: Limits) -> Vec<Remedy> {
    let name = match resource {
        Resource::Nofile => "maxfiles",
        Resource::Nproc => "maxproc",
        other => other.name(),
    };
    let word = |limit| match limit {
        Limit::Value(value) => value.to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
    };
    let words = ["limit".to_owned(), name.to_owned(), word(limits.soft), word(limits.hard)];
    let command = at(Where::Shell, format!("sudo launchctl {}", words.join(" ")));
    let daemon = std::iter::once("/bin/launchctl".to_owned()).chain(words).collect::<Vec<_>>();
    vec![command, launch_daemon(&format!("limit.{name}"), &daemon).or()]
}
