//! Lines of files: units, limits.conf(5), sysctl.d(5), launchd.plist(5), profiles.

use crate::catalog;
use crate::diagnose::{FileContent, FileLocation, LoginSides, ProfileLine, ProfileTree, UnitDirective, launchd_name};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;
use crate::model::value::Value;
use crate::output::capability;
use crate::output::quote::{double, shell, unit};

use super::{in_units, launchctl, or_word};

/// A line of a unit, `LimitNOFILE=50000:65000`, systemd.exec(5).
pub(super) fn unit_directive(directive: &UnitDirective) -> String {
    match directive {
        UnitDirective::Limit(resource, Limits { soft, hard }) => {
            let name = resource.name().to_ascii_uppercase();
            let hard = if soft == hard { String::new() } else { format!(":{}", or_word(*hard, "infinity")) };
            format!("Limit{name}={}{hard}", or_word(*soft, "infinity"))
        }
        UnitDirective::TasksMax(most) => format!("TasksMax={}", or_word(*most, "infinity")),
        UnitDirective::TunablesWritable => "ProtectKernelTunables=no".to_owned(),
        UnitDirective::ExecStartPre { key: key @ Key::Sysctl(_), value } => {
            format!("ExecStartPre=+tunectl apply --set {}", unit(&format!("{key}={value}")))
        }
        UnitDirective::ExecStartPre { key: key @ Key::Sysfs(_), value } => {
            let script = format!("echo {} >{}", shell(&value.to_string()), shell(&key.to_string()));
            format!("ExecStartPre=+/bin/sh -c {}", unit(&script))
        }
        UnitDirective::CapabilityBoundingSet(kept) => format!("CapabilityBoundingSet={}", capability(*kept)),
        UnitDirective::ResourceCallsAllowed => "SystemCallFilter=@resources".to_owned(),
        UnitDirective::AppArmorUnconfined => "AppArmorProfile=unconfined".to_owned(),
    }
}

/// A file and line, `/etc/sysctl.d/50-queue.conf:3`.
pub(super) fn location(FileLocation { path, line, on_host }: &FileLocation) -> String {
    let line = line.map_or_else(String::new, |line| format!(":{line}"));
    let whose = if *on_host { " of the host" } else { "" };
    format!("{path}{line}{whose}")
}

pub(super) fn content(content: &FileContent) -> String {
    match content {
        FileContent::Sysctl(key, value) => format!("{key} = {value}"),
        FileContent::Unit(directive) => unit_directive(directive),
        FileContent::Login { domain, sides, resource, limits } => login(domain, *sides, *resource, *limits),
        FileContent::Module(name) => name.clone(),
        FileContent::LaunchDaemon(resource, limits) => launch_daemon(*resource, *limits),
    }
}

/// Lines of limits.conf(5).
fn login(domain: &str, sides: LoginSides, resource: Resource, limits: Limits) -> String {
    let line = |kind: &str, limit| format!("{domain} {kind} {resource} {}", at_login(resource, limit));
    match sides {
        LoginSides::One(side) => line(side.name(), limits.side(side)),
        LoginSides::Both if limits.soft == limits.hard => line("-", limits.hard),
        LoginSides::Both => format!("{}\n{}", line("soft", limits.soft), line("hard", limits.hard)),
    }
}

/// In the unit of limits.conf(5), which is that of the shell but for processor time, which it has in minutes.
fn at_login(resource: Resource, limit: Limit) -> String {
    in_units(limit, if resource == Resource::Cpu { 60 } else { catalog::limit(resource).shell_factor })
}

/// A daemon of launchd that runs `launchctl limit` once at boot, launchd.plist(5).
fn launch_daemon(resource: Resource, limits: Limits) -> String {
    let command = std::iter::once("/bin/launchctl".to_owned()).chain(launchctl(resource, limits));
    let words = command.fold(String::new(), |words, word| words + "<string>" + &word + "</string>");
    format!(
        "<plist version=\"1.0\"><dict><key>Label</key><string>tunectl.limit.{}</string><key>ProgramArguments</key>\
         <array>{words}</array><key>RunAtLoad</key><true/></dict></plist>",
        launchd_name(resource)
    )
}

/// The table of the profile, and the line: `"net.core.somaxconn" = { at_least = 4096 }`.
pub(super) fn profile_line(line: &ProfileLine) -> (String, String) {
    match line {
        ProfileLine::Key { system, tree, name, wanted, required } => {
            let tree = match tree {
                ProfileTree::Sysctl => "sysctl",
                ProfileTree::Sysfs => "sysfs",
            };
            let line = format!("{} = {}", double(name), requirement(wanted, *required));
            (format!("[{}.{tree}]", system.table()), line)
        }
        ProfileLine::Limit(resource, limit) => {
            let limit = toml(&Value::Limit(*limit));
            ("[rlimit]".to_owned(), format!("{resource} = {{ soft = {limit}, hard = {limit} }}"))
        }
    }
}

fn requirement(wanted: &Expectation<Value>, required: bool) -> String {
    let mut fields: Vec<String> = match wanted {
        Expectation::Exactly(value) if required => return toml(value),
        Expectation::Exactly(value) => vec![format!("exactly = {}", toml(value))],
        Expectation::Bounds { at_least, at_most } => {
            let low = at_least.iter().map(|value| format!("at_least = {}", toml(value)));
            low.chain(at_most.iter().map(|value| format!("at_most = {}", toml(value)))).collect()
        }
        Expectation::Covers(value) => vec![format!("covers = {}", toml(value))],
        Expectation::Includes(value) => vec![format!("includes = {}", toml(value))],
        Expectation::OneOf(values) => {
            vec![format!("one_of = [{}]", values.iter().map(toml).collect::<Vec<_>>().join(", "))]
        }
    };
    if !required {
        fields.push("required = false".to_owned());
    }
    format!("{{ {} }}", fields.join(", "))
}

fn toml(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Numbers(numbers) => format!("{numbers:?}"),
        Value::Limit(limit @ Limit::Value(_)) => limit.to_string(),
        Value::Limit(Limit::Unlimited) | Value::HardLimit | Value::Ranges(_) | Value::Text(_) => {
            double(&value.to_string())
        }
    }
}
