//! No container: the machine's own systemd(1), logins and shells, and launchd of macOS.

use super::{ContainerKey, Runtime, Signs};
use crate::diagnose::context::DiagnosisContext;
use crate::diagnose::remedy::{
    Action, FileContent, FileLocation, LoginSides, Remedy, UnitDirective, host_key, launchd_name,
};
use crate::model::capability::Capability;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::System;

pub(super) struct Host;

impl Runtime for Host {
    fn signs(&self) -> Signs {
        Signs::NONE
    }

    fn set_key(&self, key: &ContainerKey<'_>, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        host_key(key.key, key.value, false)
    }

    /// Have what starts the process give it a higher hard limit: root, its unit, launchd.
    fn set_limit(&self, resource: Resource, limits: Limits, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        if context.environment.system == System::MacOs {
            return by_launchd(resource, limits);
        }
        let unit: Remedy = Action::Unit(UnitDirective::Limit(resource, limits)).into();
        // Root that may not raise it either gains nothing by sudo, nor does anyone whom exec can give nothing.
        if context.environment.user == 0 || !context.details.may_gain(Capability::SYS_RESOURCE.number()) {
            return vec![unit];
        }
        vec![context.apply_as_root(), unit.or()]
    }

    fn raise_pids(&self, most: Limit, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::Unit(UnitDirective::TasksMax(most)).into()]
    }

    fn allow_limit_calls(&self, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::Unit(UnitDirective::ResourceCallsAllowed).into()]
    }

    fn without_apparmor(&self, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::Unit(UnitDirective::AppArmorUnconfined).into()]
    }
}

/// launchd has its own limits, for all that it starts, now and at boot: launchctl(1), launchd.plist(5).
fn by_launchd(resource: Resource, limits: Limits) -> Vec<Remedy> {
    let path = format!("/Library/LaunchDaemons/tunectl.limit.{}.plist", launchd_name(resource));
    let location = FileLocation { path, line: None, on_host: false };
    let daemon = Action::File { location, content: FileContent::LaunchDaemon(resource, limits) };
    vec![Action::Launchctl { resource, limits }.into(), Remedy::from(daemon).or()]
}

/// Have every user but root of the host log in with a limit, limits.conf(5).
pub(super) fn at_login(resource: Resource, limits: Limits) -> Remedy {
    let path = "/etc/security/limits.d/99-tunectl.conf".to_owned();
    let location = FileLocation { path, line: None, on_host: true };
    let content = FileContent::Login { domain: "*".to_owned(), sides: LoginSides::Both, resource, limits };
    Action::File { location, content }.into()
}
