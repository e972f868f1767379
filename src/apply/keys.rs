//! Keys: all are written, in the plan's order, and then all are read back. Reading back at the end costs no
//! more than doing it after each write, and it sees what one key does to another (`ip_forward` resets
//! `conf.*`, `dirty_bytes` zeroes `dirty_ratio`).

use crate::kernel::{Kernel, KernelError, WriteMode};
use crate::model::expectation::Expectation;
use crate::model::ranges::Ranges;
use crate::model::setting::{Key, Setting};
use crate::model::value::{Kind, Value};
use crate::plan::{KeyStep, Owner, Unreadable};
use crate::report::{Outcome, Shortfall, Verdict};

use super::traced;

/// Reads a key and understands what stands there.
pub(super) fn read(kernel: &mut dyn Kernel, key: &Key, kind: Kind) -> Result<Value, Unreadable> {
    if matches!(key, Key::Sysctl(name) if name.is_pattern()) {
        return Err(Unreadable::NoMatch);
    }
    let mut value = Err(String::new());
    traced::show(kernel, key, &mut |text| value = kind.read(text)).map_err(Unreadable::Refused)?;
    value.map_err(Unreadable::Shape)
}

/// Whether a key's list may be handed over in pieces.
pub(super) fn pieces(kind: Kind) -> WriteMode {
    match kind {
        Kind::Ports => WriteMode::Lists,
        _ => WriteMode::One,
    }
}

/// The outcomes of a walk that writes nothing.
pub(super) fn outcomes_unwritten(kernel: &mut dyn Kernel, steps: &[KeyStep]) -> Vec<Outcome> {
    steps
        .iter()
        .map(|step| {
            let verdict = match (&step.current, &step.target) {
                (Err(obstacle), _) => Verdict::Short(Shortfall::Unread(obstacle.clone())),
                (Ok(_), None) => Verdict::Holds,
                (Ok(_), Some(_)) if step.owner == Owner::Host => Verdict::Short(Shortfall::HostOwned),
                (Ok(_), Some(_)) => Verdict::Short(Shortfall::Differs),
            };
            outcome(kernel, step, step.current.as_ref().ok().cloned(), verdict)
        })
        .collect()
}

/// Writes what differs, but for those at the places in `last`, then reads everything back.
pub(super) fn write(kernel: &mut dyn Kernel, steps: &[KeyStep], last: &[usize]) -> Vec<Outcome> {
    let mut attempts: Vec<Attempt> = Vec::with_capacity(steps.len());
    for (place, step) in steps.iter().enumerate() {
        let attempt = if last.contains(&place) {
            Attempt::Withheld(Shortfall::Differs)
        } else {
            attempt(kernel, step, steps, &attempts)
        };
        attempts.push(attempt);
    }
    // Where nothing was written, what was read a moment ago still is what stands there.
    let wrote = attempts.iter().any(|attempt| matches!(attempt, Attempt::Written(_)));
    let read_all = |kernel: &mut dyn Kernel| -> Vec<Result<Value, Unreadable>> {
        let known = |step: &KeyStep| !wrote || matches!(step.current, Err(Unreadable::OtherNamespace(_)));
        let now = |step: &KeyStep| {
            if known(step) { step.current.clone() } else { read(kernel, &step.key, step.requirement.kind) }
        };
        steps.iter().map(now).collect()
    };
    let mut found = read_all(kernel);
    if rewrite(kernel, steps, &mut attempts, &found) {
        found = read_all(kernel);
    }
    let together = steps.iter().zip(attempts).zip(found);
    together
        .map(|((step, attempt), found)| {
            let verdict = judge(step, attempt, &found);
            outcome(kernel, step, found.ok(), verdict)
        })
        .collect()
}

/// Writes what held until one of our writes reset it (`ip_forward` does that to `conf.*`). Once: a profile whose
/// settings undo each other falls short.
fn rewrite(
    kernel: &mut dyn Kernel,
    steps: &[KeyStep],
    attempts: &mut [Attempt],
    found: &[Result<Value, Unreadable>],
) -> bool {
    let mut rewrote = false;
    for ((step, attempt), found) in steps.iter().zip(attempts).zip(found) {
        let (Attempt::Nothing, Ok(_), Ok(found), Owner::Ours) = (&attempt, &step.current, found, step.owner) else {
            continue;
        };
        if let Some(target) = step.requirement.wanted.target(found) {
            *attempt =
                Attempt::Written(traced::write(kernel, &step.key, &target.to_kernel(), pieces(step.requirement.kind)));
            rewrote = true;
        }
    }
    rewrote
}

/// What was tried with one key.
enum Attempt {
    /// Nothing had to be.
    Nothing,
    /// A write, and how it went.
    Written(Result<(), KernelError>),
    /// Nothing was, and why.
    Withheld(Shortfall),
}

fn attempt(kernel: &mut dyn Kernel, step: &KeyStep, steps: &[KeyStep], before: &[Attempt]) -> Attempt {
    let Some(target) = &step.target else { return Attempt::Nothing };
    if step.owner == Owner::Host {
        return Attempt::Withheld(Shortfall::HostOwned);
    }
    let others = if step.requirement.kind == Kind::PortRange { steps } else { &[] };
    if let Some(reserved) = others.iter().zip(before).find_map(|(other, its)| unreserved(kernel, step, other, its)) {
        return Attempt::Withheld(Shortfall::HeldBack(reserved));
    }
    Attempt::Written(traced::write(kernel, &step.key, &target.to_kernel(), pieces(step.requirement.kind)))
}

/// The port range is widened only together with the reservation of the service's ports: a range over a port
/// that is not reserved lets the kernel hand it to an outgoing connection, and the service's next bind fails.
fn unreserved(kernel: &mut dyn Kernel, range: &KeyStep, reserved: &KeyStep, tried: &Attempt) -> Option<Setting> {
    let (Kind::PortRange, Kind::Ports) = (range.requirement.kind, reserved.requirement.kind) else { return None };
    if matches!(tried, Attempt::Nothing) && reserved.current.is_ok() {
        return None;
    }
    let Expectation::Includes(Value::Ranges(wanted)) = &reserved.requirement.wanted else { return None };
    let standing = match read(kernel, &reserved.key, reserved.requirement.kind) {
        Ok(Value::Ranges(ranges)) => ranges,
        _ => Ranges::default(),
    };
    let exposed = wanted.without(&standing);
    (!exposed.is_empty()).then(|| Setting::Key(reserved.key.clone()))
}

fn judge(step: &KeyStep, attempt: Attempt, found: &Result<Value, Unreadable>) -> Verdict {
    let value = match found {
        Ok(value) => value,
        Err(obstacle) => return Verdict::Short(Shortfall::Unread(obstacle.clone())),
    };
    match attempt {
        _ if step.requirement.wanted.holds(value) => {
            let unchanged = step.target.is_none() && step.current.as_ref() == Ok(value);
            let by_others = step.target.is_none() && matches!(attempt, Attempt::Nothing);
            if unchanged || by_others { Verdict::Holds } else { Verdict::Changed }
        }
        Attempt::Withheld(shortfall) => Verdict::Short(shortfall),
        Attempt::Written(Err(refusal)) => Verdict::Short(Shortfall::Refused(refusal)),
        Attempt::Written(Ok(())) | Attempt::Nothing => Verdict::Short(Shortfall::NotKept),
    }
}

fn outcome(kernel: &mut dyn Kernel, step: &KeyStep, found: Option<Value>, verdict: Verdict) -> Outcome {
    let evidence = matches!(verdict, Verdict::Short(_)).then(|| Box::new(kernel.inspect(&step.key)));
    Outcome {
        requirement: step.requirement.clone(),
        before: step.current.as_ref().ok().cloned(),
        found,
        verdict,
        undone: None,
        evidence,
    }
}
