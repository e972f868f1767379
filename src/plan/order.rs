//! The order in which keys are written: those that others depend on come first, else the profile's order.

use crate::model::name::SysctlName;
use crate::model::setting::Key;
use crate::model::value::Value;

use super::KeyStep;

/// The lowest port that needs no privilege to bind. The kernel keeps it at or below the low end of
/// [`PORT_RANGE`], and refuses with EINVAL whichever of the two writes would break that (`net/ipv4/sysctl_net_ipv4.c`).
const UNPRIVILEGED: &str = "net/ipv4/ip_unprivileged_port_start";
const PORT_RANGE: &str = "net/ipv4/ip_local_port_range";

/// Sorts the steps. Stable: steps that do not depend on each other stay in the profile's order.
pub(super) fn sort(steps: &mut Vec<KeyStep>) {
    // Many keys (all `conf.*`) depend on the same few, which are looked up once.
    let mut known: Vec<(&[&str], Vec<usize>)> = Vec::new();
    let mut dependencies: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (its, step) in dependencies.iter_mut().zip(&*steps).filter(|(_, step)| !step.after.is_empty()) {
        let index = known.iter().position(|(names, _)| std::ptr::eq(*names, step.after)).unwrap_or_else(|| {
            known.push((step.after, indices(step.after, steps)));
            known.len() - 1
        });
        its.clone_from(&known[index].1);
    }
    if let Some((first, second)) = port_start_and_range(steps) {
        dependencies[second].push(first);
    }
    if dependencies.iter().all(Vec::is_empty) {
        return;
    }
    let mut order = Vec::with_capacity(steps.len());
    let mut seen = vec![false; steps.len()];
    for i in 0..steps.len() {
        append(i, &dependencies, &mut seen, &mut order);
    }
    if !order.is_sorted() {
        let mut taken: Vec<Option<KeyStep>> = steps.drain(..).map(Some).collect();
        steps.extend(order.into_iter().filter_map(|i| taken[i].take()));
    }
}

/// The indices of the steps whose keys have these names or match these patterns, ascending.
fn indices(names: &[&str], steps: &[KeyStep]) -> Vec<usize> {
    let names: Vec<SysctlName> = names.iter().filter_map(|name| SysctlName::parse(name).ok()).collect();
    let is_named = |key: &Key| match key {
        Key::Sysctl(its) => names.iter().any(|name| name == its || name.is_pattern() && name.matches(its)),
        Key::Sysfs(_) => false,
    };
    if names.is_empty() {
        return Vec::new();
    }
    (0..steps.len()).filter(|i| is_named(&steps[*i].key)).collect()
}

/// Appends a step after those that it depends on. A cycle, which the catalog's tests rule out, would be cut.
fn append(i: usize, dependencies: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[i], true) {
        return;
    }
    for dependency in &dependencies[i] {
        append(*dependency, dependencies, seen, order);
    }
    order.push(i);
}

/// The indices of the start of the unprivileged ports and of the port range, in the order in which they are to be
/// written: a start that is lowered comes before the range, one that is raised after it.
fn port_start_and_range(steps: &[KeyStep]) -> Option<(usize, usize)> {
    let index = |path: &str| steps.iter().position(|s| matches!(&s.key, Key::Sysctl(name) if name.path() == path));
    let (start, range) = (index(UNPRIVILEGED)?, index(PORT_RANGE)?);
    let (Some(Value::Number(to)), Ok(Value::Number(from))) = (steps[start].action.target(), &steps[start].current)
    else {
        return None;
    };
    Some(if to < from { (start, range) } else { (range, start) })
}
