//! A configuration file of the machine that asks for another value.

use super::{AccessCause, Cause, Code, Family, obstacle};
use crate::diagnose::case::{KeyCase, LimitCase};
use crate::diagnose::remedy::{Action, FileContent, FileLocation, LAST_FILE, LoginSides, Remedy, UnitDirective};
use crate::environment::config_files::{ConfigLine, LineScope};
use crate::model::limit::Limits;
use crate::model::setting::Setting;
use crate::report::Shortfall;

const SET_ELSEWHERE: &Code = &Code {
    name: "set-elsewhere",
    explanation: "A configuration file of this system sets the value that was found. What you apply lasts \
                  until that file is read again: at boot by systemd-sysctl(8), by `sysctl --system` (which \
                  also reads /etc/sysctl.conf, last of all), at login by pam_limits(8), or when systemd \
                  starts the unit. Change that line too.",
};

/// The line that sets the value that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetElsewhere(pub ConfigLine);

impl Family for SetElsewhere {
    const CODES: &'static [&'static Code] = &[SET_ELSEWHERE];

    fn code(&self) -> &'static Code {
        SET_ELSEWHERE
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        // Where anything but the want of rights is in the way, that is the cause.
        let only_rights = || {
            let not_permitted = |cause| matches!(cause, Cause::AccessCause(AccessCause::NotPermitted { .. }));
            !case.read_only_mount() && obstacle(case).is_none_or(not_permitted)
        };
        let line = case.context.line_that_set(case.setting, case.found);
        let differs = *case.shortfall == Shortfall::Differs;
        line.filter(|_| differs && only_rights()).cloned().map(Self)
    }

    fn of_limit(case: &LimitCase<'_>) -> Option<Self> {
        let line = case.context.line_that_set(&case.outcome.requirement.setting, case.outcome.found.as_ref());
        let differs = *case.shortfall == Shortfall::Differs && case.exceeded_ceiling().is_none();
        line.filter(|_| differs).cloned().map(Self)
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        let content = FileContent::Sysctl(case.key.clone(), case.value());
        // The line sets others too: one that names this key wins over it, wherever it is (sysctl.d(5)).
        let location = if self.0.scope == LineScope::Pattern {
            FileLocation { path: LAST_FILE.to_owned(), line: None, on_host: false }
        } else {
            self.location()
        };
        vec![case.context.apply(), Action::File { location, content }.into()]
    }

    fn limit_remedies(&self, case: &LimitCase<'_>) -> Vec<Remedy> {
        let by_root = || (case.context.environment.user != 0).then(|| case.context.apply_as_root());
        let now = if case.is_below_hard() { Some(case.context.apply()) } else { by_root() };
        let changed = self.limit_line(case.limits());
        changed.into_iter().chain(now.map(Remedy::or)).collect()
    }
}

impl SetElsewhere {
    fn location(&self) -> FileLocation {
        FileLocation { path: self.0.file.clone(), line: Some(self.0.line), on_host: false }
    }

    /// Have the line set these limits.
    fn limit_line(&self, limits: Limits) -> Option<Remedy> {
        let Setting::Limit(resource, _) = self.0.setting else { return None };
        let content = match &self.0.scope {
            LineScope::Login { domain, side } => FileContent::Login {
                domain: domain.clone(),
                sides: side.map_or(LoginSides::Both, LoginSides::One),
                resource,
                limits,
            },
            LineScope::Setting | LineScope::Pattern => FileContent::Unit(UnitDirective::Limit(resource, limits)),
        };
        Some(Action::File { location: self.location(), content }.into())
    }
}
