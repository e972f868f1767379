//! systemd-nspawn(1). It confines nobody by `AppArmor`.

use super::{ContainerKey, Runtime, Signs, engine};
use crate::diagnose::context::{DiagnosisContext, is_named};
use crate::diagnose::remedy::{Action, Remedy, StartFlag, StartProgram, UnitDirective};
use crate::model::limit::{Limit, Limits, Resource};

pub(super) struct Nspawn;

fn start(flag: StartFlag) -> Vec<Remedy> {
    vec![engine::start(StartProgram::Nspawn, vec![flag])]
}

impl Runtime for Nspawn {
    fn signs(&self) -> Signs {
        Signs { code: "systemd-nspawn", names: &["systemd-nspawn"], ..Signs::NONE }
    }

    /// It sets none itself. It leaves all writable where its environment says so, but for users of a namespace of theirs:
    /// nspawn(1), `$SYSTEMD_NSPAWN_API_VFS_WRITABLE`.
    fn set_key(&self, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        if is_named(key.key, "kernel.hostname") {
            return start(StartFlag::Hostname(key.value.clone()));
        }
        match key.lacks {
            Some(capability) => start(StartFlag::NspawnCapability(capability)),
            None if context.is_rootless() => Vec::new(),
            None => start(StartFlag::NspawnApiWritable),
        }
    }

    fn set_limit(&self, resource: Resource, limits: Limits, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        start(StartFlag::NspawnRlimit(resource, limits))
    }

    /// The group that nspawn makes can't be seen from inside: this is that of a unit there.
    fn raise_pids(&self, most: Limit, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::Unit(UnitDirective::TasksMax(most)).into()]
    }

    /// It leaves the network's.
    fn leaves_keys_to_root(&self) -> bool {
        true
    }
}
