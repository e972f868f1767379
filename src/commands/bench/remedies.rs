//! From what a verdict says is to be done to lines to paste: settings and limits by the way that `check` goes, the rest
//! by a command, a flag of the container, or a line of the service's own configuration.

use crate::apply;
use crate::bench::document::RemedyEntry;
use crate::bench::runs::Series;
use crate::catalog;
use crate::cli::ProfileArgs;
use crate::diagnose::Remedy;
use crate::kernel::Process;
use crate::linux::process::NamedProcess;
use crate::model::expectation::Expectation;
use crate::model::limit::Side as LimitSide;
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::output::{self, RemedyText, ReportOf};
use crate::verdict::observation::Service;
use crate::verdict::{Fix, Side};

use super::super::World;
use super::super::check::named;
use super::super::diagnosis::diagnosed;
use super::super::prepare::{Need, prepare_for};
use super::BenchArgs;

/// The remedies of some fixes. Enters the service's namespaces where its settings are meant: nothing is run after this.
pub(super) fn remedies(fixes: &[Fix], args: &BenchArgs, series: &Series, world: &mut World<'_>) -> Vec<RemedyEntry> {
    let service = series.runs.iter().rev().find_map(|run| run.observation.service.as_ref());
    let pid = service.and_then(|service| service.pid).or(args.pid);
    fixes.iter().flat_map(|fix| remedy(fix, service, pid, world)).collect()
}

fn remedy(fix: &Fix, service: Option<&Service>, pid: Option<i32>, world: &mut World<'_>) -> Vec<RemedyEntry> {
    let shell = |text: String| vec![RemedyEntry { place: "shell", spot: None, text, alternative: false }];
    match fix {
        Fix::Set(setting, wanted, side) => {
            let whose = match (side, setting) {
                (Side::Service, _) => pid,
                (Side::Client | Side::Host, _) => None,
            };
            set(setting, wanted, whose, world)
        }
        Fix::RaiseBacklog(length) => vec![backlog(*length, service)],
        Fix::RaiseCgroup { path, file } => shell(cgroup(path, file)),
        Fix::RaiseInterfaceQueue(interface) => shell(format!(
            "sudo ip link set dev {name} txqueuelen 10000; sudo tc qdisc replace dev {name} root pfifo limit 10000",
            name = output::shell(interface)
        )),
        Fix::RaiseReceiveBuffer(bytes) => vec![RemedyEntry {
            place: "service",
            spot: None,
            text: format!("setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){{{bytes}}}, sizeof(int));"),
            alternative: false,
        }],
    }
}

/// What `check` says of a profile that asks for this and nothing else.
fn set(setting: &Setting, wanted: &Expectation<Value>, pid: Option<i32>, world: &mut World<'_>) -> Vec<RemedyEntry> {
    let Some(args) = arguments(setting, wanted) else { return Vec::new() };
    let Ok(prepared) = prepare_for(pid, &args, Need::Profile, false, world) else { return Vec::new() };
    let process = pid.map_or(Process::Own, Process::Pid);
    let plan = apply::make_plan(world.kernel, &prepared.requirements, process, prepared.plan_environment);
    let report = apply::check(world.kernel, &plan);
    let whose: Option<NamedProcess> = pid.map(|pid| named(pid, world));
    let words = args.to_args();
    let diagnosed = diagnosed(ReportOf::Check, &prepared, whose.as_ref(), &report, &words, pid);
    let mut remedies: Vec<&Remedy> = Vec::new();
    for remedy in diagnosed.diagnoses.iter().flatten().flat_map(|diagnosis| &diagnosis.remedies) {
        if !remedies.iter().any(|other| other.action == remedy.action) {
            remedies.push(remedy);
        }
    }
    let entry = |remedy: &&Remedy| {
        let RemedyText { place, spot, text } = RemedyText::of(remedy);
        RemedyEntry { place: place.code(), spot, text, alternative: remedy.alternative }
    };
    remedies.iter().map(entry).collect()
}

/// The arguments by which the command line asks for a setting.
fn arguments(setting: &Setting, wanted: &Expectation<Value>) -> Option<ProfileArgs> {
    let none = ProfileArgs { profiles: Vec::new(), set: Vec::new(), rlimit: Vec::new(), port: Vec::new() };
    match (setting, wanted) {
        (Setting::Limit(resource, LimitSide::Soft), Expectation::Bounds { at_least: Some(value), .. }) => {
            Some(ProfileArgs { rlimit: vec![format!("{resource}={value}")], ..none })
        }
        (Setting::Key(Key::Sysctl(_)), Expectation::Includes(ports @ Value::Ranges(_))) => {
            Some(ProfileArgs { port: vec![ports.to_string()], ..none })
        }
        (Setting::Key(Key::Sysctl(name)), Expectation::Bounds { at_least: Some(value), .. }) => {
            // Higher than what was found, which the run was held back by.
            Some(ProfileArgs { set: vec![format!("{name}={value}")], ..none })
        }
        (Setting::Key(Key::Sysctl(name)), Expectation::Covers(value) | Expectation::Exactly(value)) => {
            Some(ProfileArgs { set: vec![format!("{name}={value}")], ..none })
        }
        _ => None,
    }
}

/// Raising the queue that the service asks for, by its own configuration where that is known.
fn backlog(length: u64, service: Option<&Service>) -> RemedyEntry {
    let row = catalog::backlog(service.map_or("", |service| service.name.as_str()));
    let address = service.and_then(|service| service.address.as_deref()).unwrap_or_default();
    let text = output::backlog_line(row, address, length);
    RemedyEntry { place: "service", spot: Some(row.place.to_owned()), text, alternative: false }
}

/// Takes the bound of a control group away, until whoever manages it writes it again.
fn cgroup(path: &str, file: &str) -> String {
    let none = if matches!(file, "cpu.cfs_quota_us" | "memory.limit_in_bytes" | "memory.kmem.tcp.limit_in_bytes") {
        "-1"
    } else {
        "max"
    };
    format!("echo {none} | sudo tee {}", output::shell(&format!("{path}/{file}")))
}
