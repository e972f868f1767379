//! Profile → ordered changes. Pure: what stands in the kernel comes in as readings, what comes out is a
//! list of steps with their targets, and nothing has been touched.
#![forbid(unsafe_code)]

mod limits;
mod order;
mod requirement;

pub use limits::{LimitSide, LimitStep};
pub use requirement::{LimitRequirement, LimitTarget, Requirement, Requirements, expand_patterns, resolve};

use std::rc::Rc;

use nix::errno::Errno;

use crate::catalog::{self, KernelVersion, Row, Scope};
use crate::kernel::{KernelError, Operation};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::model::value::Value;

/// The settings in the order in which they are to be written. Made once; walked by `apply`, and shown by a dry run.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Keys come before limits: a hard `nofile` may need `fs.nr_open` raised first.
    pub keys: Vec<KeyStep>,
    /// The limits, those last that could keep tunectl itself from going on.
    pub limits: Vec<LimitStep>,
}

impl Plan {
    /// Whether there is anything to write.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        self.keys.iter().any(|step| step.action.target().is_some())
            || self.limits.iter().any(|step| step.action.target().is_some())
    }

    /// The keys that can't be put back before the next boot once the plan is carried out, each with its target.
    ///
    /// A hard limit that is lowered is not among them: it is the process's own, and ends with it.
    pub fn irreversible(&self) -> impl Iterator<Item = (&Key, &Value)> {
        let steps = self.keys.iter().filter(|step| step.is_irreversible());
        steps.filter_map(|step| Some((&step.key, step.action.target()?)))
    }
}

/// One key: its current value, and what to do about it.
#[derive(Clone, Debug)]
pub struct KeyStep {
    /// The key of `requirement.setting`.
    pub key: Key,
    /// What is required of it.
    pub requirement: Rc<Requirement>,
    /// Its current value, or why that is not known.
    pub current: Result<Value, Unreadable>,
    /// What to do about it.
    pub action: Action<Value>,
    /// What has to be in place before it is written (the catalog's `after`).
    pub after: &'static [&'static str],
    /// Whether the target, where there is one, can't be put back before the next boot.
    irreversible: bool,
}

impl KeyStep {
    /// Whether it writes what can't be put back before the next boot.
    #[must_use]
    pub fn is_irreversible(&self) -> bool {
        self.irreversible && self.action.target().is_some()
    }

    /// Whether it may be written: now, or after another of our own writes has reset it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        matches!(self.action, Action::Write(_) | Action::Skip(SkipReason::Satisfied))
    }
}

/// What to do about a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<T> {
    /// Write this, which is not the current value.
    Write(T),
    /// Write nothing.
    Skip(SkipReason),
}

/// Why a setting is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Its current value satisfies the requirement.
    Satisfied,
    /// It belongs to the host, and we are in a container or namespace: it is checked only.
    HostOwned,
    /// Its current value is not known.
    Unreadable,
    /// What is required of the two sides of a limit can't both be had, and the current values are as near as can be.
    Conflict,
    /// Not now: a watch tries it again later, or has given up.
    Deferred,
}

impl<T> Action<T> {
    /// What to write, if anything.
    #[must_use]
    pub fn target(&self) -> Option<&T> {
        match self {
            Self::Write(target) => Some(target),
            Self::Skip(_) => None,
        }
    }
}

/// Why a value is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The kernel refused.
    Refused(KernelError),
    /// What stands there has another shape than what is asked for; the sentence says which.
    Shape(String),
    /// Nothing that exists matches the pattern.
    NoMatch,
    /// It is of a namespace of another process that was not entered: what can be read is not that one's.
    OtherNamespace(Scope),
}

/// Where the plan is to be carried out, as far as order and ownership hang on it.
#[derive(Clone, Copy, Debug)]
pub struct PlanEnvironment {
    /// The operating system.
    pub system: System,
    /// The kernel's version: scopes change with it.
    pub version: KernelVersion,
    /// Whether we are in a container or a namespace of our own, so that global settings are somebody else's.
    pub contained: bool,
    /// Whether global settings are to be written all the same (`--allow-host-settings`).
    pub allow_host_settings: bool,
    /// Which namespaces we share with the whole machine: what belongs to those is the machine's too.
    pub shared: Shared,
    /// Whose settings are out of reach: those of namespaces that a process with `--pid` has to itself.
    pub out_of_reach: &'static [Scope],
}

/// For each kind of namespace that has settings, whether ours is the machine's own, or may be, as the network is with
/// `docker run --network host`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "one for each kind, and no two of them hang together")]
pub struct Shared {
    /// The network.
    pub net: bool,
    /// System V IPC and POSIX message queues.
    pub ipc: bool,
    /// Host and domain name.
    pub uts: bool,
    /// Users and capabilities.
    pub user: bool,
    /// Process numbers.
    pub pid: bool,
}

impl PlanEnvironment {
    /// Whether `key` is not ours to write; `row` is what the catalog knows of it.
    fn is_hosts(self, key: &Key, row: Option<&Row>) -> bool {
        self.contained && !self.allow_host_settings && self.is_global(key, row)
    }

    fn is_global(self, key: &Key, row: Option<&Row>) -> bool {
        match catalog::scope_with(row, self.system, key, self.version) {
            Scope::Host | Scope::HostNet => true,
            Scope::NetNs => self.shared.net,
            Scope::IpcNs => self.shared.ipc,
            Scope::UtsNs => self.shared.uts,
            Scope::UserNs => self.shared.user,
            Scope::PidNs => self.shared.pid,
        }
    }

    fn beyond_reach(self, key: &Key) -> Option<Unreadable> {
        // Where there is nothing, as nearly always, nothing is looked up.
        let scope = (!self.out_of_reach.is_empty()).then(|| catalog::scope_of(self.system, key, self.version));
        scope.filter(|scope| self.out_of_reach.contains(scope)).map(Unreadable::OtherNamespace)
    }
}

/// The key whose value is the ceiling of a hard `nofile`.
///
/// # Errors
/// Never: the names are constant and tested.
#[must_use]
pub fn ceiling_key(system: System) -> Option<Key> {
    let name = match system {
        System::Linux => "fs.nr_open",
        System::MacOs => "kern.maxfilesperproc",
    };
    SysctlName::parse(name).ok().map(Key::Sysctl)
}

/// Makes the plan of its steps for keys. `limits` gives the present limits of the process that is meant, `ceiling`
/// the present value of [`ceiling_key`], where that is known.
#[must_use]
pub fn plan(
    mut steps: Vec<KeyStep>,
    limit_requirements: &[LimitRequirement],
    limits: &mut dyn FnMut(Resource) -> Result<Limits, KernelError>,
    ceiling: Option<u64>,
    place: PlanEnvironment,
) -> Plan {
    order::keys(&mut steps);
    let ceiling = planned_ceiling(&steps, place.system).or(ceiling);
    Plan { keys: steps, limits: limits::steps(limit_requirements, limits, ceiling, place.system) }
}

/// What is to be done for a requirement of a key, of which `current` was read.
#[must_use]
pub fn key_step(
    key: Key,
    requirement: Rc<Requirement>,
    current: Result<Value, Unreadable>,
    place: PlanEnvironment,
) -> KeyStep {
    let current = place.beyond_reach(&key).map_or(current, Err);
    let row = catalog::find(place.system, &key);
    let action = if place.is_hosts(&key, row) {
        Action::Skip(SkipReason::HostOwned)
    } else {
        action(&requirement.wanted, &current)
    };
    let is_one_way = |target: &Value| {
        row.and_then(|row| row.rare.one_way).is_some_and(|value| requirement.kind.read(value).as_ref() == Ok(target))
    };
    // A secret that was never set can't be unset: there is no value to write for that (net/ipv6/addrconf.c).
    let irreversible = current.is_err() || action.target().is_some_and(is_one_way);
    let after = row.map_or(&[][..], |row| row.rare.after);
    KeyStep { key, requirement, current, action, after, irreversible }
}

fn action(wanted: &Expectation<Value>, current: &Result<Value, Unreadable>) -> Action<Value> {
    match current {
        Ok(value) => wanted.target(value).map_or(Action::Skip(SkipReason::Satisfied), Action::Write),
        // So the kernel says of a secret that was never set (`addrconf_sysctl_stable_secret`, net/ipv6/addrconf.c).
        Err(Unreadable::Refused(KernelError { operation: Operation::Read, errno: Errno::EIO })) => {
            wanted.nearest(None).map_or(Action::Skip(SkipReason::Unreadable), Action::Write)
        }
        Err(_) => Action::Skip(SkipReason::Unreadable),
    }
}

/// What the ceiling of `nofile` will be once the keys are written.
fn planned_ceiling(steps: &[KeyStep], system: System) -> Option<u64> {
    let key = ceiling_key(system)?;
    let step = steps.iter().find(|step| step.key == key)?;
    let value = step.action.target().or(step.current.as_ref().ok())?;
    match value {
        Value::Number(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
