//! What the kernel will say of a plan's writes, as far as that is known before they are done: for `check` and
//! `apply --dry-run`. Rights and mounts are not looked at here: `diagnose` finds those.

use std::fmt;

use nix::errno::Errno;

use crate::catalog::{self, KernelVersion};
use crate::kernel::{Kernel, KernelError, Operation};
use crate::model::expectation::Expectation;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::model::value::{Kind, Value, choices};
use crate::plan::{self, Action, Forecast, KeyStep, Plan, Unforeseen};

/// What is known of the kernel besides its settings.
#[derive(Clone, Copy)]
pub struct KernelBuild<'a> {
    /// The kernel's version, which decides about ranges.
    pub version: KernelVersion,
    /// Whether it can load a module of this name for us; `None` where that is not known.
    pub can_load: &'a dyn Fn(&str) -> Option<bool>,
    /// Its clock ticks in a second, `CONFIG_HZ`; `None` where that is not known.
    pub ticks: &'a dyn Fn() -> Option<u32>,
}

impl fmt::Debug for KernelBuild<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelBuild").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The names of congestion controls that are loaded.
const AVAILABLE: &str = "net.ipv4.tcp_available_congestion_control";
/// The names of settings whose writes depend on another setting (`net/ipv4/sysctl_net_ipv4.c`).
const CONGESTION_CONTROL: &str = "net.ipv4.tcp_congestion_control";
const PORT_RANGE: &str = "net.ipv4.ip_local_port_range";
const UNPRIVILEGED: &str = "net.ipv4.ip_unprivileged_port_start";

/// Adds to each step that writes what is known of its write.
pub fn foresee(kernel: &mut dyn Kernel, plan: &mut Plan, build: KernelBuild<'_>) {
    let system = kernel.system();
    for step in plan.keys.iter_mut().filter(|step| step.action.target().is_some()) {
        let candidates = match &step.requirement.wanted {
            Expectation::OneOf(values) => values.clone(),
            _ => step.action.target().cloned().into_iter().collect(),
        };
        let forecasts = candidates.into_iter().map(|value| {
            let forecast = of_value(kernel, step, &value, system, build);
            (value, forecast)
        });
        // Of several values the first is written that the kernel takes; where it takes none, the first says why.
        let forecasts: Vec<_> = forecasts.collect();
        let is_taken = |forecast: &&(Value, Option<Forecast>)| !matches!(forecast.1, Some(Forecast::Refused(_)));
        let taken = forecasts.iter().filter(is_taken).chain(&forecasts).next().cloned();
        if let Some((value, forecast)) = taken {
            (step.action, step.forecast) = (Action::Write(value), forecast);
        }
    }
    let zeroed = |step: &KeyStep| plan::is_zeroed_by_counterpart(step, &plan.keys, system);
    let zeroed: Vec<bool> = plan.keys.iter().map(zeroed).collect();
    for (step, _) in plan.keys.iter_mut().zip(zeroed).filter(|(_, is_zeroed)| *is_zeroed) {
        step.forecast = None;
    }
    if system == System::Linux {
        foresee_port_order(kernel, &mut plan.keys);
    }
}

/// What the kernel makes of the value by itself.
fn of_value(
    kernel: &mut dyn Kernel,
    step: &KeyStep,
    target: &Value,
    system: System,
    build: KernelBuild<'_>,
) -> Option<Forecast> {
    if is_named(&step.key, CONGESTION_CONTROL) {
        return congestion_control(kernel, target, build);
    }
    if step.requirement.kind == Kind::Choice {
        return choice(kernel, &step.key, target);
    }
    let row = catalog::find(system, &step.key)?;
    let mut range = row.range_on(build.version);
    let mut is_certain = row.rare.range_varies.is_none();
    if row.counts_ticks() && !is_within(target, range) {
        match (build.ticks)() {
            // `proc_dointvec_jiffies`: seconds times ticks have to fit an `int`.
            Some(ticks) => {
                let most = i128::from(i32::MAX) / i128::from(ticks.max(1));
                (range, is_certain) = ((Some(-most), Some(most)), true);
            }
            None => return Some(Forecast::Unforeseen(Unforeseen::ClockTicks)),
        }
    }
    match is_within(target, range) {
        false if is_certain => Some(Forecast::Refused(refused(Errno::EINVAL))),
        false => Some(Forecast::Unforeseen(Unforeseen::Range)),
        true => row.rare.read_back.map(|_| Forecast::Unforeseen(Unforeseen::ReadBack)),
    }
}

fn is_within(value: &Value, (min, max): (Option<i128>, Option<i128>)) -> bool {
    let fits = |number: &i128| min.is_none_or(|min| min <= *number) && max.is_none_or(|max| *number <= max);
    match value {
        Value::Number(number) => fits(number),
        Value::Numbers(numbers) => numbers.iter().all(fits),
        _ => true,
    }
}

/// A word that the kernel does not list, where it lists all, `always [madvise] never`.
fn choice(kernel: &mut dyn Kernel, key: &Key, target: &Value) -> Option<Forecast> {
    let text = kernel.read(key).ok()?;
    let Value::Text(wanted) = target else { return None };
    let is_listed = choices(&text)?.iter().any(|word| word == wanted);
    (!is_listed).then_some(Forecast::Refused(refused(Errno::EINVAL)))
}

/// One that is not loaded is loaded on the way where we may (`tcp_ca_find_autoload`, `net/ipv4/tcp_cong.c`).
fn congestion_control(kernel: &mut dyn Kernel, target: &Value, build: KernelBuild<'_>) -> Option<Forecast> {
    let (Value::Text(name), Ok(available)) = (target, SysctlName::parse(AVAILABLE)) else { return None };
    let Ok(loaded) = kernel.read(&Key::Sysctl(available)) else {
        return Some(Forecast::Unforeseen(Unforeseen::Module));
    };
    if loaded.split_whitespace().any(|its| its == name) {
        return None;
    }
    match (build.can_load)(&format!("tcp_{name}")) {
        Some(true) => None,
        Some(false) => Some(Forecast::Refused(refused(Errno::ENOENT))),
        None => Some(Forecast::Unforeseen(Unforeseen::Module)),
    }
}

/// The kernel keeps the first local port at or above the first unprivileged one, at each of the plan's writes.
fn foresee_port_order(kernel: &mut dyn Kernel, steps: &mut [KeyStep]) {
    if !steps.iter().any(|step| step.action.target().is_some() && is_of_ports(&step.key)) {
        return;
    }
    let mut first = |name: &str| {
        let key = Key::Sysctl(SysctlName::parse(name).ok()?);
        kernel.read(&key).ok()?.split_whitespace().next()?.parse::<i128>().ok()
    };
    let (Some(mut start), Some(mut low)) = (first(UNPRIVILEGED), first(PORT_RANGE)) else { return };
    for step in steps.iter_mut().filter(|step| is_of_ports(&step.key)) {
        let (new_start, new_low) = match step.action.target() {
            Some(Value::Number(number)) => (*number, low),
            Some(Value::Numbers(range)) => (start, range.first().copied().unwrap_or(low)),
            _ => continue,
        };
        if new_low < new_start {
            step.forecast = Some(Forecast::Refused(refused(Errno::EINVAL)));
        } else {
            (start, low) = (new_start, new_low);
        }
    }
}

fn is_of_ports(key: &Key) -> bool {
    is_named(key, PORT_RANGE) || is_named(key, UNPRIVILEGED)
}

fn is_named(key: &Key, name: &str) -> bool {
    matches!(key, Key::Sysctl(_)) && key.to_string() == name
}

fn refused(errno: Errno) -> KernelError {
    KernelError { operation: Operation::Write, errno }
}
