//! Requirements and current values → the plan: one step a setting, in order, each with its action. Pure: values are
//! read and written by `apply`.
#![forbid(unsafe_code)]

mod computed;
mod limits;
mod order;
mod requirement;

pub use limits::{LimitSide, LimitStep};
pub use requirement::{ExpandedRequirement, Requirement, Requirements, expand_patterns, outside_of_range, resolve};

use std::rc::Rc;

use nix::errno::Errno;

use crate::catalog::{self, KernelVersion, Row, Scope};
use crate::kernel::{KernelError, Operation};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::model::value::{UnexpectedValue, Value};

/// The settings in the order in which they are to be written. Made once; walked by `apply`, and shown by a dry run.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The kernel's keys. They come before limits: a hard `nofile` may need `fs.nr_open` raised first.
    pub keys: Vec<KeyStep>,
    /// The limits of a process. Those that restrict tunectl itself come last.
    pub limits: Vec<LimitStep>,
}

impl Plan {
    /// The step that writes the highest hard `nofile` that the kernel allows, [`ceiling_key`].
    #[must_use]
    pub fn ceiling_step(&self, system: System) -> Option<&KeyStep> {
        let key = ceiling_key(system)?;
        self.keys.iter().find(|step| step.key == key && step.action.target().is_some())
    }

    /// Whether there is a key to write.
    #[must_use]
    pub fn writes_keys(&self) -> bool {
        self.keys.iter().any(|step| step.action.target().is_some())
    }

    /// Leaves the limits to the calling shell: they are compared, and not set.
    pub fn leave_limits_to_shell(&mut self) {
        for step in self.limits.iter_mut().filter(|step| step.action.target().is_some()) {
            step.action = Action::Skip(SkipReason::CallingShell);
        }
    }

    /// Whether there is anything to write.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        self.writes_keys() || self.limits.iter().any(|step| step.action.target().is_some())
    }

    /// The keys that can't be restored before the next boot once the plan is carried out, each with its target.
    ///
    /// A hard limit that is lowered is not among them, though only a capability raises it again: it ends with its
    /// process.
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
    /// Names and patterns of the keys that have to be written before it, from the catalog's row.
    pub after: &'static [&'static str],
    /// What the kernel will say of the target, where that was looked for and is known before it is written.
    pub forecast: Option<Forecast>,
    /// Whether the target, where there is one, can't be undone before the next boot.
    irreversible: bool,
}

/// What is known of a write before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// The kernel will refuse it, with this error.
    Refused(KernelError),
    /// Only the write itself shows whether the kernel takes the value.
    Unforeseen(Unforeseen),
}

/// Why it is not known whether the kernel takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unforeseen {
    /// It may have to load a module that may not be there.
    Module,
    /// How far the range goes depends on the kernel's clock ticks, which are not known.
    ClockTicks,
    /// How far the range goes depends on how the kernel was built.
    Range,
    /// The kernel may store another value than it takes.
    ReadBack,
}

impl KeyStep {
    /// Whether it writes a value that can't be undone before the next boot.
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
    /// Write nothing, for this reason.
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
    /// It is a limit of the calling shell, and this system has no call that sets one of another process: the shell's own
    /// `ulimit` does.
    CallingShell,
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
    /// Reading it failed.
    Refused(KernelError),
    /// It has another shape than what is asked for.
    UnexpectedValue(UnexpectedValue),
    /// Nothing that exists matches the pattern.
    NoMatch,
    /// It belongs to a namespace of another process that was not entered: what we would read is another value.
    OtherNamespace(Scope),
}

/// Whether a step is to set its key to 0, and writing its counterpart, which another step does, sets it to that: written
/// by itself it would set the counterpart to 0 in turn.
#[must_use]
pub fn is_zeroed_by_counterpart(step: &KeyStep, steps: &[KeyStep], system: System) -> bool {
    let zero = Value::Number(0);
    if step.action.target() != Some(&zero) {
        return false;
    }
    let Some(counterpart) = catalog::counterpart(system, &step.key) else { return false };
    steps.iter().any(|other| other.key == counterpart && other.action.target().is_some_and(|target| *target != zero))
}

/// Where the plan is to be carried out: all of the environment that the plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct PlanEnvironment {
    /// The operating system.
    pub system: System,
    /// The kernel's version: which namespace a key belongs to depends on it.
    pub version: KernelVersion,
    /// Whether we are in a container or a namespace of our own, so that global settings belong to the host.
    pub contained: bool,
    /// Whether settings of the host are written nevertheless (`--allow-host-settings`).
    pub allow_host_settings: bool,
    /// Which of our namespaces are the host's: their settings belong to the host too.
    pub shared: SharedNamespaces,
    /// The scopes whose settings can't be read: those of namespaces of the process of `--pid` that were not entered.
    pub out_of_reach: &'static [Scope],
}

/// For each kind of namespace that has settings, whether ours is the host's or may be, as the network namespace is with
/// `docker run --network host`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "one for each kind of namespace, independent of each other")]
pub struct SharedNamespaces {
    /// The network namespace.
    pub net: bool,
    /// System V IPC and POSIX message queues.
    pub ipc: bool,
    /// Host name and domain name.
    pub uts: bool,
    /// User and group IDs, capabilities.
    pub user: bool,
    /// The PID namespace.
    pub pid: bool,
}

impl PlanEnvironment {
    /// Whether `key` belongs to the host, and so is not written. `row` is the catalog's.
    fn is_host_owned(self, key: &Key, row: Option<&Row>) -> bool {
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

    /// Why the value of `key` that we read would be another one than is asked for.
    fn other_namespace(self, key: &Key) -> Option<Unreadable> {
        let scope = (!self.out_of_reach.is_empty()).then(|| catalog::scope_of(self.system, key, self.version));
        scope.filter(|scope| self.out_of_reach.contains(scope)).map(Unreadable::OtherNamespace)
    }
}

/// The key whose value is the highest hard `nofile` that the kernel allows. `None` never comes: the names are valid.
#[must_use]
pub fn ceiling_key(system: System) -> Option<Key> {
    let name = match system {
        System::Linux => "fs.nr_open",
        System::MacOs => "kern.maxfilesperproc",
    };
    SysctlName::parse(name).ok().map(Key::Sysctl)
}

/// Makes the plan from its steps for keys. `limits` reads the current limits of the process that is meant; `ceiling` is
/// the current value of [`ceiling_key`], where that is known.
#[must_use]
pub fn plan(
    mut steps: Vec<KeyStep>,
    limit_requirements: &[Rc<Requirement>],
    limits: &mut dyn FnMut(Resource) -> Result<Limits, KernelError>,
    ceiling: Option<u64>,
    environment: PlanEnvironment,
) -> Plan {
    order::sort(&mut steps);
    let ceiling = planned_ceiling(&steps, environment.system).or(ceiling);
    Plan { keys: steps, limits: limits::steps(limit_requirements, limits, ceiling, environment.system) }
}

/// The step for a requirement of a key whose current value is `current`.
#[must_use]
pub fn key_step(
    key: Key,
    requirement: Rc<Requirement>,
    current: Result<Value, Unreadable>,
    environment: PlanEnvironment,
) -> KeyStep {
    let current = environment.other_namespace(&key).map_or(current, Err);
    let row = catalog::find(environment.system, &key);
    let action = if environment.is_host_owned(&key, row) {
        Action::Skip(SkipReason::HostOwned)
    } else {
        action(&requirement.wanted, &current)
    };
    let is_irreversible = |target: &Value| {
        row.and_then(|row| row.rare.one_way).is_some_and(|value| requirement.kind.parse(value).as_ref() == Ok(target))
    };
    // A secret that was never set can't be unset: there is no value to write for that (net/ipv6/addrconf.c).
    let irreversible = current.is_err() || action.target().is_some_and(is_irreversible);
    let after = row.map_or(&[][..], |row| row.rare.after);
    KeyStep { key, requirement, current, action, after, forecast: None, irreversible }
}

fn action(wanted: &Expectation<Value>, current: &Result<Value, Unreadable>) -> Action<Value> {
    match current {
        Ok(value) => wanted.target(value).map_or(Action::Skip(SkipReason::Satisfied), Action::Write),
        // A secret that was never set reads as EIO (`addrconf_sysctl_stable_secret`, net/ipv6/addrconf.c).
        Err(Unreadable::Refused(KernelError { operation: Operation::Read, errno: Errno::EIO })) => {
            wanted.nearest(None).map_or(Action::Skip(SkipReason::Unreadable), Action::Write)
        }
        Err(_) => Action::Skip(SkipReason::Unreadable),
    }
}

/// The highest hard `nofile` that the kernel will allow once the keys are written, where a step says so.
fn planned_ceiling(steps: &[KeyStep], system: System) -> Option<u64> {
    let key = ceiling_key(system)?;
    let step = steps.iter().find(|step| step.key == key)?;
    let value = step.action.target().or(step.current.as_ref().ok())?;
    match value {
        Value::Number(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
