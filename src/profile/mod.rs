//! Profiles: TOML in, typed wishes out, with the place in the file that each came from.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::rc::Rc;

use crate::model::amount::Amount;
use crate::model::expectation::Expectation;
use crate::model::ranges::Ranges;
use crate::model::setting::{Setting, System};
use crate::model::value::Kind;

/// What the machine and the process should look like: one profile, or several merged key by key.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The names it was asked for by, in order.
    pub names: Vec<String>,
    /// The `description` of the last of them that has one.
    pub description: Option<String>,
    /// What it asks for, in the order of the files, of every system; each setting once.
    pub wishes: Vec<Wish>,
    /// The ports that the service listens on, so that no outgoing connection takes them.
    pub service_ports: Ranges,
}

/// What a profile asks of one setting, or of all that a pattern stands for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which setting.
    pub setting: Setting,
    /// The one system it is for; limits are for both.
    pub system: Option<System>,
    /// What it should be.
    pub asked: Expectation<Asked>,
    /// The shape of its values: from the catalog where the key is known, else from what was asked.
    pub kind: Kind,
    /// Whether falling short fails the whole. `required = false` makes it a warning.
    pub required: bool,
    /// Where it was written.
    pub origin: Origin,
}

/// A value as a profile has it, before the machine is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
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

/// Where a wish was written: for messages that cite the place.
#[derive(Clone, Debug)]
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
