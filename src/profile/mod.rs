//! Profiles: TOML → raw requirements, each with its position in the file.
//!
//! [`load::load`] reads and merges, [`cli_overrides::add`] adds the options of the command line, [`lint::lint`] warns.
#![forbid(unsafe_code)]

pub mod cli_overrides;
mod document;
mod expectation_parser;
mod file;
mod key_tables;
pub mod lint;
pub mod load;
mod preflight_table;
pub mod problem;
mod rlimit_table;
mod small_tables;
mod value_expr;

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use crate::model::amount::Amount;
use crate::model::expectation::Expectation;
use crate::model::preflight::{Condition, WantedCondition};
use crate::model::ranges::Ranges;
use crate::model::run::RunOptions;
use crate::model::setting::{Key, Setting, System, ValueSpec};
use crate::model::value::Kind;

/// What is known of a key's values, where the key is known: `catalog::spec`.
pub type Lookup<'a> = &'a dyn Fn(System, &Key) -> Option<ValueSpec>;

/// What the machine and the process should look like: one profile, or several merged key by key.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The names of the profiles as they were given, in order.
    pub names: Vec<String>,
    /// The `description` of the last of them that has one.
    pub description: Option<String>,
    /// What it requires of every system, in the order of the files; each setting once. Where a pattern and a name that
    /// it matches are both here, the name overrides the pattern wherever it is (sysctl.d(5)); of two patterns that
    /// match a name, the later one does.
    pub requirements: Vec<RawRequirement>,
    /// The texts that it was read from: each file once, in the order in which they are merged, and options of the command
    /// line that add settings.
    pub sources: Vec<Rc<Source>>,
    /// The ports that the service listens on, so that no outgoing connection takes them.
    pub service_ports: Ranges,
    /// Where those are written; `None` for the command line.
    pub ports_origin: Option<Origin>,
    /// How the service is started and supervised: `[run]`.
    pub run: RunOptions,
    /// The conditions of the machine for a load test, each once: `[preflight]`.
    pub preflight: Vec<PreflightRequirement>,
    /// What a later file has overridden, for the warnings.
    pub replaced: Vec<RawRequirement>,
    /// The warnings that are silenced, `[lint] allow`: those of one file, or of all where none is named.
    pub allowed: Vec<(Option<String>, &'static str)>,
}

/// What a profile requires of one setting, or of all that match a pattern, as it is written: amounts may be relative to
/// the machine. `plan::resolve` makes requirements of them.
#[derive(Clone, Debug)]
pub struct RawRequirement {
    /// The setting, or a pattern of names.
    pub setting: Setting,
    /// The system that it is for; `None` for limits, which are for both.
    pub system: Option<System>,
    /// The values that satisfy it.
    pub wanted: Expectation<ValueExpr>,
    /// The shape of its values: from the catalog where the key is known, else guessed from the values in the profile.
    pub kind: Kind,
    /// Whether the whole profile fails where it is not satisfied; `required = false` makes that a warning.
    pub required: bool,
    /// Where it was written.
    pub origin: Origin,
}

/// What a profile requires of the machine before a load test.
#[derive(Clone, Debug)]
pub struct PreflightRequirement {
    /// Of which condition.
    pub condition: Condition,
    /// What it has to be.
    pub wanted: WantedCondition,
    /// `required`, where that is written.
    pub required: Option<bool>,
    /// Where it was written.
    pub origin: Origin,
}

/// A value as it is written in a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueExpr {
    /// For a number.
    Amount(Amount),
    /// For a list of numbers.
    Amounts(Vec<Amount>),
    /// For a list of ports or processors.
    Ranges(Ranges),
    /// For words and text.
    Text(String),
    /// For a limit: no limit, or for `nofile` the most that the kernel allows.
    Unlimited,
    /// For a soft limit: the value of the hard limit.
    Hard,
}

impl fmt::Display for ValueExpr {
    /// As the kernel prints it; an amount as it is written in the profile.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amount(amount) => amount.fmt(f),
            Self::Amounts(amounts) => {
                for (i, amount) in amounts.iter().enumerate() {
                    write!(f, "{}{amount}", if i == 0 { "" } else { " " })?;
                }
                Ok(())
            }
            Self::Ranges(ranges) => ranges.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Unlimited => f.write_str("unlimited"),
            Self::Hard => f.write_str("as much as the hard limit"),
        }
    }
}

/// The position of a requirement, for messages that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file that asks for it.
    pub source: Rc<Source>,
    /// The range of bytes in its text.
    pub span: Range<usize>,
}

/// The text of a profile, and its name for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A path, `built-in profile loadtest`, or `command line`.
    pub label: String,
    /// The whole text.
    pub text: String,
    /// The user who has called us through sudo(8) and may not read the file: an error shows none of its text then.
    pub hidden_from: Option<u32>,
}

/// The name of the command line in messages.
const COMMAND_LINE: &str = "command line";

impl Source {
    /// Whether there is a place in it to show: not of what the command line or the ports of the service ask for.
    #[must_use]
    pub fn is_file(&self) -> bool {
        !self.text.is_empty() && self.label != COMMAND_LINE
    }
}

impl Profile {
    /// Whether it has no setting of any system, no port, no option of `[run]` and no condition.
    #[must_use]
    pub fn asks_for_nothing(&self) -> bool {
        self.requirements.is_empty() && self.is_for_no_system()
    }

    /// Whether it has nothing that is for every system, but perhaps settings.
    fn is_for_no_system(&self) -> bool {
        self.service_ports.is_empty() && self.run == RunOptions::default() && self.preflight.is_empty()
    }

    /// Whether it asks for something, but for nothing on this system.
    #[must_use]
    pub fn is_for_other_systems(&self, system: System) -> bool {
        let here = |requirement: &RawRequirement| requirement.system.is_none_or(|its| its == system);
        let elsewhere = !self.requirements.iter().any(here) && !self.requirements.is_empty();
        elsewhere && self.is_for_no_system()
    }
}

impl RawRequirement {
    /// Whether both are for the same setting of the same system.
    #[must_use]
    pub fn same_setting(&self, other: &Self) -> bool {
        self.system == other.system && self.setting == other.setting
    }

    /// Whether it is for all settings that match a pattern.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        matches!(&self.setting, Setting::Key(Key::Sysctl(name)) if name.is_pattern())
    }

    /// Whether it is for a pattern that matches the setting of `other`.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        match (&self.setting, &other.setting) {
            (Setting::Key(Key::Sysctl(pattern)), Setting::Key(Key::Sysctl(name))) => {
                self.system == other.system && pattern.is_pattern() && pattern.matches(name)
            }
            _ => false,
        }
    }
}
