//! What the command line adds to a profile: `--set`, `--rlimit` and `--port`, with the syntax of
//! `docker run --sysctl` and `--ulimit`.

use std::rc::Rc;

use super::expectation_parser::parse_expectation;
use super::key_tables::unknown_spec;
use super::load::merge;
use super::problem::{Help, Problem, Problems, ProfileError};
use super::rlimit_table::contradiction;
use super::small_tables::refuse_port_zero;
use super::value_expr::node_of;
use super::{COMMAND_LINE, Lookup, Origin, Profile, RawRequirement, Source, ValueExpr};
use crate::model::expectation::Expectation;
use crate::model::limit::{Resource, Side};
use crate::model::name::SysctlName;
use crate::model::ranges::Ranges;
use crate::model::setting::{Key, NumberOrder, Setting, System, ValueSpec};
use crate::model::value::{Kind, MAX_PORT};

/// What was cli.
#[derive(Clone, Copy, Debug, Default)]
pub struct CliSettings<'a> {
    /// Each `--set KEY=VALUE`.
    pub set: &'a [String],
    /// Each `--rlimit NAME=SOFT[:HARD]`.
    pub rlimit: &'a [String],
    /// Each `--port LIST`.
    pub port: &'a [String],
}

/// Adds what the command line says: settings and limits override those of the profile, ports are added to its ports.
///
/// # Errors
/// All errors in it.
pub fn add(
    mut profile: Profile,
    cli: CliSettings<'_>,
    system: System,
    lookup: Lookup<'_>,
) -> Result<Profile, Problems> {
    let (mut requirements, mut problems) = (Vec::new(), Vec::new());
    let mut keep = |result: Result<Vec<RawRequirement>, Problem>| match result {
        Ok(more) => drop(merge(&mut requirements, more)),
        Err(problem) => problems.push(problem),
    };
    for text in cli.set {
        keep(set(text, system, lookup).map(|requirement| vec![requirement]));
    }
    for text in cli.rlimit {
        keep(rlimit(text));
    }
    for text in cli.port {
        match port(text) {
            Ok(ports) => profile.service_ports = profile.service_ports.union(&ports),
            Err(problem) => problems.push(problem),
        }
    }
    profile.sources.extend(requirements.iter().map(|requirement| Rc::clone(&requirement.origin.source)));
    merge(&mut profile.requirements, requirements);
    if problems.is_empty() {
        problems.extend(contradiction(&profile.requirements));
    }
    if problems.is_empty() { Ok(profile) } else { Err(Problems(problems)) }
}

/// `--set KEY=VALUE`: exactly this value.
fn set(text: &str, system: System, lookup: Lookup<'_>) -> Result<RawRequirement, Problem> {
    let option = CliOption::new("--set ", text);
    let Some((name, value)) = text.split_once('=') else {
        return Err(
            option.error(ProfileError::new(0..text.len(), "expected KEY=VALUE, as in `net.core.somaxconn=4096`"))
        );
    };
    let key =
        SysctlName::parse(name.trim()).map_err(|message| option.error(ProfileError::new(0..name.len(), message)))?;
    let key = Key::Sysctl(key);
    let node = node_of(value.trim(), name.len() + 1..text.len());
    let known = lookup(system, &key);
    let parsed =
        parse_expectation(&node, &|operator, value| known.unwrap_or_else(|| unknown_spec(&key, operator, value)))
            .map_err(|error| option.error(error))?;
    Ok(RawRequirement {
        setting: Setting::Key(key),
        system: Some(system),
        wanted: parsed.wanted,
        kind: parsed.kind,
        required: true,
        origin: option.whole(),
    })
}

/// `--rlimit NAME=SOFT[:HARD]`: exactly these; a single number is for both sides, as with Docker, and -1 is no
/// limit.
fn rlimit(text: &str) -> Result<Vec<RawRequirement>, Problem> {
    let option = CliOption::new("--rlimit ", text);
    let Some((name, values)) = text.split_once('=') else {
        let message = "expected NAME=SOFT[:HARD], as in `nofile=50000:65000`";
        return Err(option.error(ProfileError::new(0..text.len(), message)));
    };
    let resource =
        Resource::parse(name.trim()).map_err(|message| option.error(ProfileError::new(0..name.len(), message)))?;
    let start = name.len() + 1;
    let (soft, hard) = values.split_once(':').map_or((values, None), |(soft, hard)| (soft, Some(hard)));
    let side = |side: Side, value: &str, start: usize| -> Result<RawRequirement, Problem> {
        let span = start..start + value.len();
        let value = if value.trim() == "-1" { "unlimited" } else { value.trim() };
        let node = node_of(value, span.clone());
        let spec = ValueSpec { kind: Kind::Limit, min: None, max: None, order: NumberOrder::Any };
        let parsed = parse_expectation(&node, &|_, _| spec).map_err(|error| option.error(error))?;
        if side == Side::Hard && parsed.wanted == Expectation::Exactly(ValueExpr::Hard) {
            return Err(option.error(ProfileError::new(span, "`hard` is not a value for the hard limit itself")));
        }
        let origin = option.whole();
        Ok(RawRequirement {
            setting: Setting::Limit(resource, side),
            system: None,
            wanted: parsed.wanted,
            kind: Kind::Limit,
            required: true,
            origin,
        })
    };
    let soft_side = side(Side::Soft, soft, start)?;
    match hard {
        Some(hard) => Ok(vec![soft_side, side(Side::Hard, hard, start + soft.len() + 1)?]),
        None if soft_side.wanted == Expectation::Exactly(ValueExpr::Hard) => Ok(vec![soft_side]),
        None => Ok(vec![soft_side, side(Side::Hard, soft, start)?]),
    }
}

/// `--port LIST`, as in `8080,9000-9010`.
fn port(text: &str) -> Result<Ranges, Problem> {
    let option = CliOption::new("--port ", text);
    match Ranges::parse(text, MAX_PORT).and_then(|ports| refuse_port_zero(ports).map_err(str::to_owned)) {
        Ok(ports) if ports.is_empty() => {
            Err(option.error(ProfileError::new(0..text.len(), "expected ports, as in `8080,9000-9010`")))
        }
        Ok(ports) => Ok(ports),
        Err(message) => Err(option.error(ProfileError::new(0..text.len(), message))),
    }
}

/// An option as a text that messages can show.
struct CliOption {
    source: Rc<Source>,
    /// Where the value of the option begins in it.
    start: usize,
}

impl CliOption {
    fn new(option: &str, value: &str) -> Self {
        let text = format!("{option}{value}");
        Self {
            source: Rc::new(Source { label: COMMAND_LINE.to_owned(), text, hidden_from: None }),
            start: option.len(),
        }
    }

    fn whole(&self) -> Origin {
        Origin { source: Rc::clone(&self.source), span: 0..self.source.text.len() }
    }

    fn error(&self, error: ProfileError) -> Problem {
        let span = self.start + error.span.start..self.start + error.span.end;
        let mut problem = Problem::error(error.message, Some(Origin { source: Rc::clone(&self.source), span }));
        problem.help.extend(error.help.map(Help::for_command_line));
        problem
    }
}
