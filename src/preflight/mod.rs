//! What a load test needs before it runs: conditions of the machine (`[preflight]` of a profile), and what the command
//! line of a load tester asks for.

pub mod budget;
mod found;
pub mod load;
mod machine;
mod macos;
mod rates;
pub mod stock;
#[cfg(test)]
mod tests;

pub use machine::{Machine, Places};
pub use macos::Mac;

use std::collections::BTreeMap;

use load::Load;
use stock::Stock;

use crate::model::preflight::{Condition, FoundCondition};
use crate::profile::PreflightRequirement;

/// What reading a condition gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// This was found.
    Found(FoundCondition),
    /// The machine has no such thing: no battery, no swap space.
    NotApplicable,
    /// It could not be read: the file or the interface, and why.
    Unknown(String),
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds as asked.
    Holds,
    /// It does not.
    FallsShort,
    /// The machine has no such thing.
    NotApplicable,
    /// It could not be read.
    Unknown,
}

/// A condition that was asked for, and what was found of it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was asked for.
    pub requirement: PreflightRequirement,
    /// What was found.
    pub reading: Reading,
}

impl Finding {
    /// Whether it holds.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.reading {
            Reading::Found(found) if self.requirement.wanted.holds(found) => Verdict::Holds,
            Reading::Found(_) => Verdict::FallsShort,
            Reading::NotApplicable => Verdict::NotApplicable,
            Reading::Unknown(_) => Verdict::Unknown,
        }
    }

    /// Whether it is not known to hold, and should: what the machine does not have needs not hold.
    #[must_use]
    pub fn falls_short(&self) -> bool {
        matches!(self.verdict(), Verdict::FallsShort | Verdict::Unknown)
    }

    /// Whether `check` fails for it.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.requirement.required == Some(true) && self.falls_short()
    }

    /// Whether `bench` waits for it: it does not hold, and may in a while.
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        self.requirement.condition.row().can_pass && self.verdict() == Verdict::FallsShort
    }

    /// Whether `bench` starts nothing while it is so. What can pass must have passed, unless the profile says that it is
    /// not required; the rest is a warning, unless the profile says that it is.
    #[must_use]
    pub fn prevents(&self) -> bool {
        self.fails() || (self.is_waited_for() && self.requirement.required.is_none())
    }
}

/// Where conditions are read.
#[derive(Debug)]
pub enum Conditions {
    /// On this Linux machine.
    Linux(Machine),
    /// On this Mac.
    Mac(Mac),
    /// Nowhere: these are known, and the rest does not apply.
    Known(BTreeMap<Condition, Reading>),
}

impl Conditions {
    /// What a profile asks for, beside what is found.
    pub fn findings(&mut self, requirements: &[PreflightRequirement]) -> Vec<Finding> {
        let asked: Vec<Condition> = requirements.iter().map(|requirement| requirement.condition).collect();
        let mut readings = match self {
            Self::Linux(machine) => machine.read(&asked),
            Self::Mac(mac) => asked.iter().map(|condition| (*condition, mac.read(*condition))).collect(),
            Self::Known(known) => known.clone(),
        };
        let finding = |requirement: &PreflightRequirement| Finding {
            reading: readings.remove(&requirement.condition).unwrap_or(Reading::NotApplicable),
            requirement: requirement.clone(),
        };
        requirements.iter().map(finding).collect()
    }

    /// What there is for a load test. Of a Mac only the limits are known.
    #[must_use]
    pub fn stock(&self, load: &Load, client_descriptors: Option<u64>) -> Stock {
        match self {
            Self::Linux(machine) => machine.stock(load, client_descriptors),
            Self::Mac(_) | Self::Known(_) => Stock { client_descriptors, ..Stock::default() },
        }
    }
}
