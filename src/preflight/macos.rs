//! The conditions of a Mac: its power, by `pmset -g batt`, and its load.

use super::Reading;
use crate::model::preflight::{Condition, FoundCondition};

/// What was read of a Mac; nothing where it could not be.
#[derive(Clone, Debug, Default)]
pub struct Mac {
    /// The output of `pmset -g batt`.
    pub pmset: Option<String>,
    /// The text of `vm.loadavg`.
    pub loadavg: Option<String>,
    /// The number of CPUs.
    pub cpus: u32,
}

impl Mac {
    /// A condition of it. The rest of them are of Linux.
    #[must_use]
    pub fn read(&self, condition: Condition) -> Reading {
        match condition {
            Condition::OnAcPower => self.pmset.as_deref().map_or_else(|| unread("pmset -g batt"), power),
            Condition::LoadPerCpu => {
                let load = self.loadavg.as_deref().and_then(load);
                load.filter(|_| self.cpus > 0).map_or_else(
                    || unread("vm.loadavg"),
                    |load| Reading::Found(FoundCondition::Number(load / f64::from(self.cpus))),
                )
            }
            _ => Reading::NotApplicable,
        }
    }
}

/// `Now drawing from 'AC Power'`, and a line for each battery; a Mac without one has no such line.
fn power(text: &str) -> Reading {
    let source = text.split('\'').nth(1);
    match source {
        Some(_) if !text.contains("InternalBattery") => Reading::NotApplicable,
        Some("AC Power") => Reading::Found(FoundCondition::Is(true)),
        Some("Battery Power" | "UPS Power") => Reading::Found(FoundCondition::Is(false)),
        _ => unread("pmset -g batt"),
    }
}

/// `{ 1.23 1.10 1.05 }`
fn load(text: &str) -> Option<f64> {
    text.trim().trim_start_matches('{').split_whitespace().next()?.parse().ok()
}

fn unread(what: &str) -> Reading {
    Reading::Unknown(format!("`{what}` can't be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_of_a_mac() {
        const BATTERY: &str = " -InternalBattery-0 (id=4653155)\t95%; charged; 0:00 remaining present: true\n";
        let is = |on| Reading::Found(FoundCondition::Is(on));
        for (source, battery, expected) in [
            ("AC Power", BATTERY, is(true)),
            ("Battery Power", BATTERY, is(false)),
            ("AC Power", "", Reading::NotApplicable),
        ] {
            let mac = Mac { pmset: Some(format!("Now drawing from '{source}'\n{battery}")), ..Mac::default() };
            assert_eq!(mac.read(Condition::OnAcPower), expected, "{source} {battery}");
        }
        for pmset in [None, Some(String::new()), Some("Now drawing from 'the sun'\nInternalBattery".to_owned())] {
            let mac = Mac { pmset, ..Mac::default() };
            assert!(matches!(mac.read(Condition::OnAcPower), Reading::Unknown(_)));
        }
    }

    #[test]
    fn the_load_of_a_mac() {
        let mac = |text: &str, cpus| Mac { loadavg: Some(text.to_owned()), cpus, ..Mac::default() };
        let found = mac("{ 2.40 1.10 1.05 }", 8).read(Condition::LoadPerCpu);
        assert_eq!(found, Reading::Found(FoundCondition::Number(0.3)));
        for (text, cpus) in [("", 8), ("{ }", 8), ("{ 1.0 }", 0)] {
            assert!(matches!(mac(text, cpus).read(Condition::LoadPerCpu), Reading::Unknown(_)), "{text}");
        }
        assert_eq!(Mac::default().read(Condition::SwapInUse), Reading::NotApplicable);
    }
}
