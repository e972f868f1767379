//! The order in which keys are to be written: what others depend on comes first, else the profile's order.

use crate::model::name::SysctlName;
use crate::model::setting::Key;
use crate::model::value::Value;

use super::KeyStep;

/// The lowest port that needs no privilege to bind. The kernel keeps it at or below the low end of
/// [`PORT_RANGE`], and refuses with EINVAL whichever of the two writes would break that (`net/ipv4/sysctl_net_ipv4.c`).
const UNPRIVILEGED: &str = "net/ipv4/ip_unprivileged_port_start";
const PORT_RANGE: &str = "net/ipv4/ip_local_port_range";

/// Puts the steps in order. Stable: steps that do not depend on each other stay as the profile has them.
pub(super) fn keys(steps: &mut Vec<KeyStep>) {
    // Many keys (all `conf.*`) depend on the same few, which are looked up once.
    let mut known: Vec<(&[&str], Vec<usize>)> = Vec::new();
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (before, step) in before.iter_mut().zip(&*steps).filter(|(_, step)| !step.after.is_empty()) {
        let place = known.iter().position(|(its, _)| std::ptr::eq(*its, step.after)).unwrap_or_else(|| {
            known.push((step.after, places(step.after, steps)));
            known.len() - 1
        });
        before.clone_from(&known[place].1);
    }
    if let Some((first, second)) = port_start_and_range(steps) {
        before[second].push(first);
    }
    if before.iter().all(Vec::is_empty) {
        return;
    }
    let mut order = Vec::with_capacity(steps.len());
    let mut seen = vec![false; steps.len()];
    for i in 0..steps.len() {
        visit(i, &before, &mut seen, &mut order);
    }
    if order.iter().enumerate().any(|(place, step)| place != *step) {
        let mut taken: Vec<Option<KeyStep>> = steps.drain(..).map(Some).collect();
        steps.extend(order.into_iter().filter_map(|i| taken[i].take()));
    }
}

/// The places of the steps that these names stand for, ascending.
fn places(names: &[&str], steps: &[KeyStep]) -> Vec<usize> {
    let names: Vec<SysctlName> = names.iter().filter_map(|name| SysctlName::parse(name).ok()).collect();
    let meant = |key: &Key| match key {
        Key::Sysctl(its) => names.iter().any(|name| name == its || name.is_pattern() && name.matches(its)),
        Key::Sysfs(_) => false,
    };
    if names.is_empty() {
        return Vec::new();
    }
    (0..steps.len()).filter(|i| meant(&steps[*i].key)).collect()
}

/// Depth first; a circle, which the catalog's tests rule out, would be cut where it closes.
fn visit(i: usize, before: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[i], true) {
        return;
    }
    for dependency in &before[i] {
        visit(*dependency, before, seen, order);
    }
    order.push(i);
}

/// Which of the two goes first hangs on where the start of the unprivileged ports is to go: down, and it
/// makes room for the range; up, and the range has to make room for it.
fn port_start_and_range(steps: &[KeyStep]) -> Option<(usize, usize)> {
    let place = |path: &str| steps.iter().position(|s| matches!(&s.key, Key::Sysctl(name) if name.path() == path));
    let (start, range) = (place(UNPRIVILEGED)?, place(PORT_RANGE)?);
    let (Some(Value::Number(to)), Ok(Value::Number(from))) = (steps[start].action.target(), &steps[start].current)
    else {
        return None;
    };
    Some(if to < from { (start, range) } else { (range, start) })
}
