//! What was going on when settings fell short, as far as causes and remedies depend on it.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::remedy::{Action, Apply, Remedy};
use super::rights::{self, Rights};
use crate::catalog::{self, Scope};
use crate::environment::config_files::ConfigLine;
use crate::environment::{Environment, EnvironmentDetails, Namespaces};
use crate::model::setting::{Key, Setting, System};
use crate::model::value::Value;
use crate::report::{Outcome, Report, Shortfall, Verdict};

/// Where settings fell short, and what was asked for.
#[derive(Clone, Debug)]
pub struct DiagnosisContext<'a> {
    /// Where we run.
    pub environment: &'a Environment,
    /// What else is known of that place.
    pub details: &'a EnvironmentDetails,
    /// The lines of configuration files that set what falls short.
    pub config_lines: &'a [ConfigLine],
    /// All outcomes: a remedy may have to serve two of them.
    pub report: &'a Report,
    /// Whether the limits are those of our own process.
    pub own_limits: bool,
    /// The words of the command line that name the profiles and the single settings, `-p`, `loadtest`.
    pub args: &'a [String],
    /// The process that `--pid` named.
    pub pid: Option<i32>,
    /// Looked for once: see [`DiagnosisContext::needs_root`].
    needs_root: OnceCell<bool>,
    /// The indices of outcomes and lines by their settings: each setting that falls short looks for its own.
    outcomes: OnceCell<HashMap<Setting, usize>>,
    lines: OnceCell<HashMap<Setting, Vec<usize>>>,
}

impl<'a> DiagnosisContext<'a> {
    /// Nothing but the report and the place: no configuration files, our own limits, nothing typed.
    #[must_use]
    pub fn new(environment: &'a Environment, details: &'a EnvironmentDetails, report: &'a Report) -> Self {
        Self {
            environment,
            details,
            config_lines: &[],
            report,
            own_limits: true,
            args: &[],
            pid: None,
            needs_root: OnceCell::new(),
            outcomes: OnceCell::new(),
            lines: OnceCell::new(),
        }
    }

    /// `tunectl apply` for all that was asked for, as root where any of it needs that.
    pub(super) fn apply(&self) -> Remedy {
        self.apply_by(self.needs_root())
    }

    /// The same as root.
    pub(super) fn apply_as_root(&self) -> Remedy {
        self.apply_by(true)
    }

    /// The same as root, with the files that set it at each boot.
    pub(super) fn apply_for_good(&self) -> Remedy {
        Action::Apply(Apply { persist: true, ..self.call(true) }).into()
    }

    fn apply_by(&self, sudo: bool) -> Remedy {
        Action::Apply(self.call(sudo)).into()
    }

    fn call(&self, sudo: bool) -> Apply {
        Apply { sudo, best_effort: false, persist: false, args: self.args.to_vec(), pid: self.pid }
    }

    /// Whether some key falls short that only root may write: then `tunectl apply` without it would put all back.
    fn needs_root(&self) -> bool {
        let roots = |outcome: &Outcome| match &outcome.requirement.setting {
            Setting::Key(key)
                if matches!(outcome.verdict, Verdict::Short(Shortfall::Differs | Shortfall::Foreseen(_))) =>
            {
                let scope = catalog::scope_of(self.environment.system, key, self.environment.version());
                let owner = outcome.evidence().owner;
                matches!(rights::of(key, scope, owner, self.environment, self.details), Rights::NotOneOf(_))
            }
            _ => false,
        };
        *self.needs_root.get_or_init(|| self.report.outcomes.iter().any(roots))
    }

    /// The outcome of another setting.
    pub(super) fn outcome_of(&self, setting: &Setting) -> Option<&'a Outcome> {
        let indices = self.outcomes.get_or_init(|| {
            // Of two outcomes of one setting the first counts.
            let outcomes = self.report.outcomes.iter().enumerate().rev();
            outcomes.map(|(at, outcome)| (outcome.requirement.setting.clone(), at)).collect()
        });
        self.report.outcomes.get(*indices.get(setting)?)
    }

    /// The line of a configuration file that set a setting to the value that was found. In a container nobody reads
    /// these files.
    pub(super) fn line_that_set(&self, setting: &Setting, found: Option<&Value>) -> Option<&'a ConfigLine> {
        let found = words(&found?.to_string());
        let indices = self.lines.get_or_init(|| {
            let mut lines: HashMap<Setting, Vec<usize>> = HashMap::new();
            for (at, line) in self.config_lines.iter().enumerate() {
                lines.entry(line.setting.clone()).or_default().push(at);
            }
            lines
        });
        let lines = indices.get(setting).into_iter().flatten().filter_map(|at| self.config_lines.get(*at));
        let mut same = lines.filter(|line| words(&line.value) == found);
        same.next().filter(|_| !self.environment.in_container() && self.may_be_from_file(setting, &found))
    }

    /// Whether a file can have set what was found. At boot it does so in the machine's own namespaces; another one starts
    /// with the kernel's own value, and only a value that is not among them has been set since.
    fn may_be_from_file(&self, setting: &Setting, found: &[String]) -> bool {
        let Setting::Key(key) = setting else { return true };
        let (environment, version) = (self.environment, self.environment.version());
        let scope = catalog::scope_of(environment.system, key, version);
        let default = catalog::row(environment.system, key).map(|row| words(row.default.at(version)));
        let known = |word: &String| word.parse::<i64>().is_ok();
        belongs_to_host(scope, environment.initial) == Some(true)
            || default.is_some_and(|default| default.iter().all(known) && default != found)
    }

    /// Whether this is Linux, where settings are files with modes and owners.
    pub(super) fn is_linux(&self) -> bool {
        self.environment.system == System::Linux
    }

    /// Whether root in the container is another user outside.
    pub(super) fn is_rootless(&self) -> bool {
        self.environment.initial.user == Some(false)
    }
}

/// Whether what is of this scope is the host's: the whole machine's, or that of a namespace that we share with the host.
pub(super) fn belongs_to_host(scope: Scope, initial: Namespaces) -> Option<bool> {
    let Namespaces { ipc, uts, user, pid, net, .. } = initial;
    match scope {
        Scope::NetNs => net,
        Scope::IpcNs => ipc,
        Scope::UtsNs => uts,
        Scope::UserNs => user,
        Scope::PidNs => pid,
        Scope::Host | Scope::HostNet => Some(true),
    }
}

/// Whether a key is a sysctl of this name.
pub(super) fn is_named(key: &Key, name: &str) -> bool {
    matches!(key, Key::Sysctl(_)) && key.to_string() == name
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
