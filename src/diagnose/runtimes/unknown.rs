//! A container or sandbox that nothing else recognises: bubblewrap, unshare(1), another engine. What is done from the host
//! to a process in it helps whatever started it, and the unit where systemd did.

use super::host::Host;
use super::{ContainerKey, Runtime, Signs};
use crate::catalog::Scope;
use crate::diagnose::context::DiagnosisContext;
use crate::diagnose::remedy::{Action, Remedy, UnitDirective};
use crate::model::limit::{Limit, Limits, Resource};

pub(super) struct Unknown;

impl Runtime for Unknown {
    fn signs(&self) -> Signs {
        Signs::NONE
    }

    fn set_key(&self, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        let (name, value, pid) = (key.key.clone(), key.value.clone(), context.pid);
        let action = match key.scope {
            Scope::NetNs | Scope::IpcNs | Scope::UtsNs => Action::ApplyKeyFromHost { pid, key: name, value },
            // Namespaces that `tunectl apply --pid` does not enter.
            Scope::UserNs | Scope::PidNs => Action::ApplyInside {
                pid,
                user_namespace: true,
                pid_namespace: key.scope == Scope::PidNs,
                key: name,
                value,
            },
            Scope::Host | Scope::HostNet => return Vec::new(),
        };
        vec![action.into()]
    }

    fn set_limit(&self, resource: Resource, limits: Limits, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        // Who names a process is on the host.
        if context.pid.is_some() {
            return Host.set_limit(resource, limits, context);
        }
        let from_host = Remedy::from(Action::ApplyLimitFromHost { resource, limits });
        match by_unit(UnitDirective::Limit(resource, limits), context) {
            Some(unit) => vec![unit, from_host.or()],
            None => vec![from_host],
        }
    }

    fn raise_pids(&self, most: Limit, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        by_unit(UnitDirective::TasksMax(most), context).into_iter().collect()
    }

    fn allow_limit_calls(&self, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        by_unit(UnitDirective::ResourceCallsAllowed, context).into_iter().collect()
    }

    fn without_apparmor(&self, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        by_unit(UnitDirective::AppArmorUnconfined, context).into_iter().collect()
    }
}

/// A directive of the unit that we are known to run in.
fn by_unit(directive: UnitDirective, context: &DiagnosisContext<'_>) -> Option<Remedy> {
    context.details.unit.is_some().then(|| Action::Unit(directive).into())
}
