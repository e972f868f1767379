//! Names of profiles → one profile: what they extend, depth first, and all of it merged key by key.

use std::collections::HashMap;
use std::rc::Rc;

use super::file::{self, ParsedFile};
use super::problem::{Problem, Problems};
use super::rlimit_table::contradiction;
use super::{Lookup, Origin, Profile, RawRequirement, Source};

/// Finds the text of a profile by its name, or by its path; for one that is named in `extends`, paths are
/// relative to the file that names it.
pub type FindProfile<'a> = &'a mut dyn FnMut(&str, Option<&Source>) -> Result<Source, LookupError>;

/// Why a profile could not be found or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupError {
    /// What was attempted, and why it failed.
    pub message: String,
    /// What to do, if something can be done.
    pub help: Option<String>,
}

/// How many profiles may extend each other in a row.
const DEEPEST_CHAIN: usize = 16;

/// Reads the profiles of these names, with all that they extend, and merges them: later ones override earlier ones, key
/// by key.
///
/// A profile that is extended twice counts once, at its first place: in `-p loadtest -p realtime` the `base` of the
/// second does not override the first.
///
/// # Errors
/// All errors in all of them.
pub fn load(names: &[String], find: FindProfile<'_>, lookup: Lookup<'_>) -> Result<Profile, Problems> {
    let mut loader = Loader { find, lookup, merged: Vec::new(), open: Vec::new(), problems: Vec::new() };
    let mut profile = Profile { names: names.to_vec(), ..Profile::default() };
    for name in names {
        loader.add(&mut profile, name, None);
    }
    if loader.problems.is_empty() {
        loader.problems.extend(contradiction(&profile.requirements));
    }
    if loader.problems.is_empty() { Ok(profile) } else { Err(Problems(loader.problems)) }
}

/// An error where a profile that was asked for, with all that was added to it, asks for nothing: it is a mistake, and
/// would hold on every machine.
///
/// # Errors
/// Names the last file.
pub fn refuse_empty(profile: &Profile) -> Result<(), Problems> {
    match profile.sources.last() {
        Some(source) if profile.asks_for_nothing() => {
            let message = format!("`{}` asks for nothing", source.label);
            let origin = Origin { source: Rc::clone(source), span: 0..0 };
            Err(Problem::error(message, Some(origin)).help(FILLED).into())
        }
        _ => Ok(()),
    }
}

const FILLED: &str = "it needs a setting, as in `linux.sysctl.\"net.core.somaxconn\" = { at_least = 4096 }`, or the table \
    `[rlimit]`, `[run]`, `[service]` or `[preflight]`";

struct Loader<'a> {
    find: FindProfile<'a>,
    lookup: Lookup<'a>,
    /// The labels of the files that are in the profile.
    merged: Vec<String>,
    /// The labels of those that are being read, each extended by the one before it.
    open: Vec<String>,
    problems: Vec<Problem>,
}

impl Loader<'_> {
    fn add(&mut self, profile: &mut Profile, name: &str, named_by: Option<Origin>) {
        let source = match (self.find)(name, named_by.as_ref().map(|origin| &*origin.source)) {
            Ok(source) => Rc::new(source),
            Err(error) => {
                let mut problem = Problem::error(error.message, named_by);
                problem.help.extend(error.help);
                self.problems.push(problem);
                return;
            }
        };
        if let Some(at) = self.open.iter().position(|label| *label == source.label) {
            let chain: Vec<&str> = self.open[at..].iter().chain([&source.label]).map(String::as_str).collect();
            self.problems.push(Problem::error(
                format!("profiles extend each other in a cycle: {}", chain.join(" → ")),
                named_by,
            ));
        } else if self.open.len() >= DEEPEST_CHAIN {
            self.problems.push(Problem::error(
                format!("more than {DEEPEST_CHAIN} profiles extend each other in a row"),
                named_by,
            ));
        } else if !self.merged.contains(&source.label) {
            self.merged.push(source.label.clone());
            match file::parse(&source, self.lookup) {
                Ok(file) => self.file(profile, &source, file),
                Err(problems) => self.problems.extend(problems.0),
            }
        }
    }

    fn file(&mut self, profile: &mut Profile, source: &Rc<Source>, file: ParsedFile) {
        self.open.push(source.label.clone());
        for (name, span) in file.extends {
            self.add(profile, &name, Some(Origin { source: Rc::clone(source), span }));
        }
        self.open.pop();
        profile.sources.push(Rc::clone(source));
        profile.description = file.description.or(profile.description.take());
        if let Some((ports, span)) = file.ports {
            profile.service_ports = ports;
            profile.ports_origin = Some(Origin { source: Rc::clone(source), span });
        }
        for (option, values) in file.run {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            // The values were checked when the table was parsed.
            let _ = option.set(&mut profile.run, &values);
        }
        for condition in file.preflight {
            match profile.preflight.iter_mut().find(|earlier| earlier.condition == condition.condition) {
                Some(earlier) => *earlier = condition,
                None => profile.preflight.push(condition),
            }
        }
        let whole = self.open.is_empty();
        profile.allowed.extend(file.allowed.into_iter().map(|code| ((!whole).then(|| source.label.clone()), code)));
        profile.replaced.extend(merge(&mut profile.requirements, file.requirements));
    }
}

/// Adds the requirements of a later file. Each replaces an earlier one for the same setting, as a whole and in its place
/// (the order of a base profile is deliberate), and a pattern also replaces earlier names that it matches.
///
/// Returns the requirements that were replaced by one for the same setting.
pub(super) fn merge(requirements: &mut Vec<RawRequirement>, later: Vec<RawRequirement>) -> Vec<RawRequirement> {
    let mut replaced = Vec::new();
    if requirements.is_empty() || later.is_empty() {
        requirements.extend(later);
        return replaced;
    }
    let earlier = requirements.len();
    let mut gone = vec![false; earlier];
    let key = |requirement: &RawRequirement| (requirement.system, requirement.setting.clone());
    let places: HashMap<_, _> =
        requirements.iter().enumerate().map(|(at, requirement)| (key(requirement), at)).collect();
    for requirement in &later {
        if requirement.is_pattern() {
            for (gone, old) in gone.iter_mut().zip(&requirements[..earlier]) {
                *gone |= requirement.matches(old);
            }
        }
    }
    for requirement in later {
        match places.get(&key(&requirement)) {
            Some(&at) => {
                gone[at] = false;
                replaced.push(std::mem::replace(&mut requirements[at], requirement));
            }
            None => requirements.push(requirement),
        }
    }
    let mut gone = gone.into_iter();
    requirements.retain(|_| !gone.next().unwrap_or(false));
    replaced
}
