//! Conditions that are rates: what moved between two readings.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Reading;
use super::found::{number, percent, real, unparsed};
use crate::model::preflight::{Condition, FoundCondition};

/// Totals that two readings are compared of.
#[derive(Clone, Debug)]
pub(super) struct Totals {
    pub(super) at: Instant,
    /// Bytes received and sent, by interface.
    bytes: BTreeMap<String, u64>,
    /// CPU time given to other guests, and all.
    steal: Option<(u64, u64)>,
    /// How often CPUs were slowed down by their temperature.
    throttled: Option<u64>,
}

impl Totals {
    /// From the texts of `/proc/net/dev` and `/proc/stat`, and how often CPUs were slowed down.
    pub(super) fn new(dev: &str, stat: &str, throttled: Option<u64>) -> Self {
        let cpu = stat.lines().next().unwrap_or_default();
        let times: Vec<u64> = cpu.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
        Self {
            at: Instant::now(),
            bytes: dev.lines().filter_map(interface_bytes).collect(),
            // Guest time is part of user time (proc_stat(5)).
            steal: times.get(7).map(|steal| (*steal, times.iter().take(8).sum())),
            throttled,
        }
    }
}

/// A line of `/proc/net/dev`: eight columns received, eight sent, bytes the first of each. What is sent over the
/// loopback interface is received there too.
fn interface_bytes(line: &str) -> Option<(String, u64)> {
    let (name, rest) = line.split_once(':')?;
    let columns: Vec<u64> = rest.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (received, sent) = (columns.first()?, columns.get(8)?);
    let name = name.trim();
    Some((name.to_owned(), if name == "lo" { *received } else { received.saturating_add(*sent) }))
}

/// What moved between two readings.
pub(super) fn rate(condition: Condition, before: &Totals, now: &Totals) -> Reading {
    match condition {
        Condition::NetworkTraffic => {
            if now.bytes.is_empty() {
                return unparsed("proc/net/dev");
            }
            let moved = |(name, bytes): (&String, &u64)| bytes.saturating_sub(*before.bytes.get(name).unwrap_or(bytes));
            let bytes: u64 = now.bytes.iter().map(moved).sum();
            let seconds = now.at.saturating_duration_since(before.at).as_secs_f64().max(0.001);
            number(Ok((real(bytes) / seconds).round()))
        }
        Condition::CpuSteal => match (before.steal, now.steal) {
            (Some((stolen, all)), Some((stolen_now, all_now))) => {
                percent(stolen_now.saturating_sub(stolen), all_now.saturating_sub(all).max(1))
            }
            _ => unparsed("proc/stat"),
        },
        _ => match (before.throttled, now.throttled) {
            (Some(before), Some(now)) => Reading::Found(FoundCondition::Is(now > before)),
            _ => Reading::NotApplicable,
        },
    }
}
