//! Keys: all are written in the plan's order, then all are read back. Reading back at the end costs no more than after
//! each write, and shows what writing one key does to another (`ip_forward` resets `conf.*`, `dirty_bytes` zeroes
//! `dirty_ratio`).

use crate::kernel::{Kernel, KernelError, Operation, WriteMode, reading_order};
use crate::model::expectation::Expectation;
use crate::model::ranges::Ranges;
use crate::model::setting::{Key, Setting};
use crate::model::value::{Kind, Value};
use crate::plan::{self, Action, Forecast, KeyStep, SkipReason, Unreadable};
use crate::report::{Outcome, Shortfall, Verdict};

use super::traced;

/// Reads a key and parses its value.
pub(super) fn read(kernel: &mut dyn Kernel, key: &Key, kind: Kind) -> Result<Value, Unreadable> {
    if matches!(key, Key::Sysctl(name) if name.is_pattern()) {
        return Err(Unreadable::NoMatch);
    }
    let mut value = None;
    traced::with_text(kernel, key, &mut |text| value = Some(kind.parse(text))).map_err(Unreadable::Refused)?;
    value.unwrap_or_else(|| kind.parse("")).map_err(Unreadable::UnexpectedValue)
}

/// What `read` gives of each of `keys`, in their order. They are read in the order that takes the least time.
pub(super) fn read_all<'a, T: Clone>(
    keys: impl Iterator<Item = &'a Key> + Clone,
    mut read: impl FnMut(usize) -> T,
) -> Vec<T> {
    let mut values: Vec<Option<T>> = vec![None; keys.clone().count()];
    for at in reading_order(keys) {
        values[at] = Some(read(at));
    }
    values.into_iter().flatten().collect()
}

/// How a value of this shape is written: a list of ports may take several writes.
pub(super) fn write_mode(kind: Kind) -> WriteMode {
    match kind {
        Kind::Ports => WriteMode::Lists,
        _ => WriteMode::One,
    }
}

/// The outcomes where nothing is written.
pub(super) fn check(kernel: &mut dyn Kernel, steps: &[KeyStep]) -> Vec<Outcome> {
    steps
        .iter()
        .map(|step| {
            let verdict = match (&step.current, &step.action) {
                (Err(why), _) => Verdict::Short(Shortfall::Unread(why.clone())),
                (Ok(_), Action::Skip(SkipReason::Satisfied)) => Verdict::Holds,
                (Ok(value), _) if step.requirement.wanted.holds(value) => Verdict::Holds,
                (Ok(_), Action::Skip(SkipReason::HostOwned)) => Verdict::Short(Shortfall::HostOwned),
                (Ok(_), _) => Verdict::Short(match step.forecast {
                    Some(Forecast::Refused(error)) => Shortfall::Foreseen(error),
                    _ => Shortfall::Differs,
                }),
            };
            outcome(kernel, step, shown(&step.current), verdict)
        })
        .collect()
}

/// Writes what differs, but for the steps that are marked in `is_last`, then reads everything back. A signal that asks us
/// to end is an end of the writing.
pub(super) fn write(kernel: &mut dyn Kernel, steps: &[KeyStep], is_last: &[bool]) -> Vec<Outcome> {
    let mut attempts: Vec<Attempt> = Vec::with_capacity(steps.len());
    for (step, is_last) in steps.iter().zip(is_last) {
        let is_due = !*is_last && (step.action.target().is_none() || kernel.ending_signal().is_none());
        let withheld = Attempt::Withheld(Shortfall::Differs);
        attempts.push(if is_due { attempt(kernel, step, steps, &attempts) } else { withheld });
    }
    // Where nothing was written, what was read a moment ago still is the current value.
    let wrote = attempts.iter().any(|attempt| matches!(attempt, Attempt::Written(_)));
    let read_again = |kernel: &mut dyn Kernel| -> Vec<Result<Value, Unreadable>> {
        let known = |step: &KeyStep| !wrote || matches!(step.current, Err(Unreadable::OtherNamespace(_)));
        read_all(steps.iter().map(|step| &step.key), |at| {
            let step = &steps[at];
            if known(step) { step.current.clone() } else { read(kernel, &step.key, step.requirement.kind) }
        })
    };
    let mut found = read_again(kernel);
    if rewrite(kernel, steps, &mut attempts, &found) {
        found = read_again(kernel);
    }
    let together = steps.iter().zip(attempts).zip(found);
    together.map(|((step, attempt), found)| judged(kernel, step, attempt, &found)).collect()
}

/// Whether nothing is known to keep us from writing the target of a step.
pub(super) fn can_be_written(kernel: &mut dyn Kernel, step: &KeyStep) -> bool {
    let evidence = kernel.inspect(&step.key);
    let is_refused = matches!(step.forecast, Some(Forecast::Refused(_)));
    !is_refused && evidence.denied != Some(true) && evidence.read_only_mount != Some(true)
}

/// A port range that would not be widened, since the reservation that it waits for falls short.
pub(super) fn preview_dependencies(outcomes: &mut [Outcome], steps: &[KeyStep]) {
    let is_short = |(outcome, step): &(&Outcome, &KeyStep)| {
        step.requirement.kind == Kind::Ports && matches!(outcome.verdict, Verdict::Short(_))
    };
    let reserved = outcomes.iter().zip(steps).find(|pair| is_short(pair));
    let Some(reserved) = reserved.map(|(_, step)| step.requirement.setting.clone()) else { return };
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.requirement.kind == Kind::PortRange) {
        if outcome.would_change() {
            outcome.verdict = Verdict::Short(Shortfall::DependencyFailed(reserved.clone()));
        }
    }
}

/// Writes `target` to one key, if there is one, and reads it back.
pub(super) fn write_one(kernel: &mut dyn Kernel, step: &KeyStep, target: Option<&Value>) -> Outcome {
    let attempt = target.map_or(Attempt::Skipped, |target| write_wanted(kernel, step, target));
    let found = read(kernel, &step.key, step.requirement.kind);
    judged(kernel, step, attempt, &found)
}

/// Writes keys that held until one of our writes reset them (`ip_forward` does that to `conf.*`); returns whether there
/// were any. Done once: a profile whose settings reset each other falls short.
fn rewrite(
    kernel: &mut dyn Kernel,
    steps: &[KeyStep],
    attempts: &mut [Attempt],
    found: &[Result<Value, Unreadable>],
) -> bool {
    let mut rewrote = false;
    for ((step, attempt), found) in steps.iter().zip(attempts).zip(found) {
        let (Action::Skip(SkipReason::Satisfied), Ok(found)) = (&step.action, found) else { continue };
        if let Some(target) = step.requirement.wanted.target(found).filter(|_| kernel.ending_signal().is_none()) {
            *attempt = write_wanted(kernel, step, &target);
            rewrote = true;
        }
    }
    rewrote
}

/// What was tried with one key.
enum Attempt {
    /// Nothing: its step says to write nothing.
    Skipped,
    /// A write, and how it went.
    Written(Result<(), KernelError>),
    /// Not the write that its step says to do, for this reason.
    Withheld(Shortfall),
}

fn attempt(kernel: &mut dyn Kernel, step: &KeyStep, steps: &[KeyStep], before: &[Attempt]) -> Attempt {
    let Some(target) = step.action.target() else { return Attempt::Skipped };
    if plan::is_zeroed_by_counterpart(step, steps, kernel.system()) {
        return Attempt::Skipped;
    }
    let others = if step.requirement.kind == Kind::PortRange { steps } else { &[] };
    if let Some(reserved) = others.iter().zip(before).find_map(|(other, its)| unreserved(kernel, other, its)) {
        return Attempt::Withheld(Shortfall::DependencyFailed(reserved));
    }
    write_wanted(kernel, step, target)
}

/// Writes `target`, or of `one_of` the first value that the kernel takes, as tuned and saptune do. That it takes one
/// shows when it is read back.
fn write_wanted(kernel: &mut dyn Kernel, step: &KeyStep, target: &Value) -> Attempt {
    let Expectation::OneOf(values) = &step.requirement.wanted else { return write_value(kernel, step, target) };
    let mut first = None;
    for value in values {
        let attempt = write_value(kernel, step, value);
        let is_taken = match &attempt {
            Attempt::Written(Ok(())) => read(kernel, &step.key, step.requirement.kind).as_ref() == Ok(value),
            // Of a file that can't be opened to write, no value is taken.
            Attempt::Written(Err(KernelError { operation: Operation::OpenToWrite, .. })) => true,
            _ => false,
        };
        if is_taken {
            return attempt;
        }
        first = first.or(Some(attempt));
    }
    first.unwrap_or(Attempt::Skipped)
}

fn write_value(kernel: &mut dyn Kernel, step: &KeyStep, value: &Value) -> Attempt {
    Attempt::Written(traced::write(kernel, &step.key, &value.to_kernel(), write_mode(step.requirement.kind)))
}

/// The port range is widened only together with the reservation of the service's ports: a range over a port
/// that is not reserved lets the kernel hand it to an outgoing connection, and the service's next bind fails.
/// Gives the setting of the reservation where some of its ports are not reserved.
fn unreserved(kernel: &mut dyn Kernel, reserved: &KeyStep, attempt: &Attempt) -> Option<Setting> {
    if reserved.requirement.kind != Kind::Ports
        || matches!((&reserved.action, attempt), (Action::Skip(SkipReason::Satisfied), Attempt::Skipped))
    {
        return None;
    }
    let Expectation::Includes(Value::Ranges(wanted)) = &reserved.requirement.wanted else { return None };
    let current = match read(kernel, &reserved.key, reserved.requirement.kind) {
        Ok(Value::Ranges(ranges)) => ranges,
        _ => Ranges::default(),
    };
    let exposed = wanted.without(&current);
    (!exposed.is_empty()).then(|| reserved.requirement.setting.clone())
}

/// What was read, also where it has another shape than what is asked for.
fn shown(read: &Result<Value, Unreadable>) -> Option<Value> {
    match read {
        Ok(value) => Some(value.clone()),
        Err(Unreadable::UnexpectedValue(unexpected)) => Some(Value::text(&unexpected.found)),
        Err(_) => None,
    }
}

fn judged(kernel: &mut dyn Kernel, step: &KeyStep, attempt: Attempt, found: &Result<Value, Unreadable>) -> Outcome {
    let verdict = judge(step, attempt, found);
    outcome(kernel, step, shown(found), verdict)
}

fn judge(step: &KeyStep, attempt: Attempt, found: &Result<Value, Unreadable>) -> Verdict {
    let value = match found {
        Ok(value) => value,
        Err(why) => return Verdict::Short(Shortfall::Unread(why.clone())),
    };
    if step.requirement.wanted.holds(value) {
        let held = match (&step.current, &attempt) {
            (Ok(current), Attempt::Skipped) => step.requirement.wanted.holds(current),
            (Err(_), Attempt::Skipped) => true,
            (current, _) => current.as_ref() == Ok(value),
        };
        return if held { Verdict::Holds } else { Verdict::Changed };
    }
    Verdict::Short(match (attempt, &step.action) {
        (Attempt::Withheld(shortfall), _) => shortfall,
        (Attempt::Written(Err(refusal)), _) => Shortfall::Refused(refusal),
        (Attempt::Skipped, Action::Skip(SkipReason::HostOwned)) => Shortfall::HostOwned,
        (Attempt::Skipped, Action::Skip(SkipReason::Deferred)) => Shortfall::Differs,
        (Attempt::Skipped, Action::Skip(SkipReason::Unreadable)) => match &step.current {
            Err(why) => Shortfall::Unread(why.clone()),
            Ok(_) => Shortfall::Differs,
        },
        (Attempt::Written(Ok(())) | Attempt::Skipped, _) => Shortfall::NotKept,
    })
}

fn outcome(kernel: &mut dyn Kernel, step: &KeyStep, found: Option<Value>, verdict: Verdict) -> Outcome {
    let evidence = matches!(verdict, Verdict::Short(_)).then(|| Box::new(kernel.inspect(&step.key)));
    Outcome {
        requirement: step.requirement.clone(),
        before: shown(&step.current),
        found,
        verdict,
        undone: None,
        evidence,
    }
}
