//! Profiles: TOML in, typed requirements out, each with its place in the file.
//!
//! [`load::load`] reads and merges, [`cli_overrides::add`] adds what the command line says, [`lint::lint`] warns.
#![forbid(unsafe_code)]

pub mod cli_overrides;
mod document;
mod expectation_parser;
mod file;
mod key_tables;
pub mod lint;
pub mod load;
pub mod problem;
mod rlimit_table;
mod small_tables;
mod value_expr;

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use crate::model::amount::Amount;
use crate::model::expectation::Expectation;
use crate::model::ranges::Ranges;
use crate::model::run::RunOptions;
use crate::model::setting::{Key, Setting, System, ValueSpec};
use crate::model::value::Kind;

/// What is known of a key's values, where the key is known: `catalog::spec`.
pub type Lookup<'a> = &'a dyn Fn(System, &Key) -> Option<ValueSpec>;

/// What the machine and the process should look like: one profile, or several merged key by key.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The names it was asked for by, in order.
    pub names: Vec<String>,
    /// The `description` of the last of them that has one.
    pub description: Option<String>,
    /// What it asks for, in the order of the files, of every system; each setting once. A pattern and a name
    /// that it matches may both be here: then the name's own wish is the one that counts, wherever it stands
    /// (sysctl.d(5)); of two patterns, the later.
    pub requirements: Vec<RawRequirement>,
    /// What was read for it: each file once, in the order in which they are merged, and options that add settings.
    pub sources: Vec<Rc<Source>>,
    /// The ports that the service listens on, so that no outgoing connection takes them.
    pub service_ports: Ranges,
    /// Where those are written; nothing where they were typed.
    pub ports_origin: Option<Origin>,
    /// How the service is started and supervised: `[run]`.
    pub run: RunOptions,
    /// What a later file of the same profile has replaced, for the warnings.
    pub replaced: Vec<RawRequirement>,
    /// The warnings that are silenced, `[lint] allow`: those of one file, or of all where none is named.
    pub allowed: Vec<(Option<String>, &'static str)>,
}

/// What a profile asks of one setting, or of all that a pattern stands for.
#[derive(Clone, Debug)]
pub struct RawRequirement {
    /// Which setting.
    pub setting: Setting,
    /// The one system it is for; limits are for both.
    pub system: Option<System>,
    /// What it should be.
    pub asked: Expectation<ValueExpr>,
    /// The shape of its values: from the catalog where the key is known, else from what was asked.
    pub kind: Kind,
    /// Whether falling short fails the whole. `required = false` makes it a warning.
    pub required: bool,
    /// Where it was written.
    pub origin: Origin,
}

/// A value as a profile has it, before the machine is known.
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
    /// For a limit: none. Of `nofile`, as many as the kernel ever allows.
    Unlimited,
    /// For a soft limit: whatever the hard limit is.
    Hard,
}

impl fmt::Display for ValueExpr {
    /// As the kernel's files have it where it is no amount that is still to be resolved.
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

/// Where a requirement is written, for messages that cite the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub source: Rc<Source>,
    /// The bytes of it.
    pub span: Range<usize>,
}

/// A profile's text and what to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As it was found: a path, `built-in profile loadtest`, or `command line`.
    pub label: String,
    /// The whole text.
    pub text: String,
}

impl Profile {
    /// Whether it has no setting of any system, no port and no option of `[run]`.
    #[must_use]
    pub fn asks_for_nothing(&self) -> bool {
        self.requirements.is_empty() && self.service_ports.is_empty() && self.run == RunOptions::default()
    }

    /// Whether it asks for something, but for nothing on this system.
    #[must_use]
    pub fn is_for_other_systems(&self, system: System) -> bool {
        let here = |requirement: &RawRequirement| requirement.system.is_none_or(|its| its == system);
        let elsewhere = !self.requirements.iter().any(here) && !self.requirements.is_empty();
        elsewhere && self.service_ports.is_empty() && self.run == RunOptions::default()
    }
}

impl RawRequirement {
    /// Whether this is about the same setting of the same system as `other`.
    #[must_use]
    pub fn same_setting(&self, other: &Self) -> bool {
        self.system == other.system && self.setting == other.setting
    }

    /// Whether this is about all settings that match a pattern.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        matches!(&self.setting, Setting::Key(Key::Sysctl(name)) if name.is_pattern())
    }

    /// Whether this is a pattern that stands for the setting of `other`, among others.
    #[must_use]
    pub fn stands_for(&self, other: &Self) -> bool {
        match (&self.setting, &other.setting) {
            (Setting::Key(Key::Sysctl(pattern)), Setting::Key(Key::Sysctl(name))) => {
                self.system == other.system && pattern.is_pattern() && pattern.matches(name)
            }
            _ => false,
        }
    }
}
