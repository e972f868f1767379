//! What several causes of a key have in common to be done about them: by the host, by what starts the container, by the
//! unit, by root.

use super::case::KeyCase;
use super::context::DiagnosisContext;
use super::remedy::{Action, Remedy, UnitDirective, host_key};
use super::runtimes::{self, ContainerKey};
use crate::catalog::Scope;
use crate::model::capability::Capability;

/// Why the file of a key that is there can't be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// Its mount is read-only.
    Mount,
    /// We are neither root nor anyone else who may.
    User,
    /// We lack a capability.
    Capability,
    /// A security module refuses.
    SecurityModule,
}

impl KeyCase<'_> {
    /// Have the host set it.
    pub(super) fn by_host(&self) -> Vec<Remedy> {
        // In a lone network namespace the shell that we are in sees another network than the host's.
        let environment = self.context.environment;
        let outside =
            environment.in_container() || self.scope() == Scope::HostNet && environment.initial.net == Some(false);
        host_key(self.key, &self.value(), outside)
    }

    /// Have whatever starts the container set it, or let the container do so. `lacks` is the capability that the
    /// container needs for that.
    pub(super) fn by_container(&self, lacks: Option<Capability>) -> Vec<Remedy> {
        let key = ContainerKey {
            key: self.key,
            value: &self.value(),
            row: self.row,
            scope: self.scope(),
            lacks,
            writable: self.evidence.read_only_mount == Some(false),
        };
        runtimes::of(self.context).set_key(&key, self.context)
    }

    /// The file is there, and we may not write it.
    pub(super) fn when_denied(&self, denial: Denial) -> Vec<Remedy> {
        let context = self.context;
        let capability = (denial == Denial::Capability).then(|| match self.scope() {
            Scope::UserNs => Capability::SYS_RESOURCE,
            _ => self.capability().unwrap_or(Capability::NET_ADMIN),
        });
        if context.environment.in_container() && !self.is_hosts() {
            let inside = runtimes::of(context).leaves_keys_to_root() && denial == Denial::User;
            return if inside && !self.read_only_mount() {
                vec![context.apply_as_root()]
            } else {
                self.by_container(capability)
            };
        }
        if context.environment.in_container() {
            return self.by_host();
        }
        match (denial, capability) {
            _ if self.read_only_mount() => self.past_the_mount(),
            (Denial::Mount, _) => self.past_the_mount(),
            (Denial::SecurityModule, _) => self.by_the_unconfined(),
            (Denial::Capability, Some(capability)) if context.environment.user == 0 => {
                vec![Action::Unit(UnitDirective::CapabilityBoundingSet(capability)).into()]
            }
            (Denial::User | Denial::Capability, _) => self.as_root(),
        }
    }

    /// Whoever is not confined sets it. What is of a lone namespace no file of the machine does.
    fn by_the_unconfined(&self) -> Vec<Remedy> {
        // What we start is confined as we are.
        let mut remedies = host_key(self.key, &self.value(), true);
        if self.context.environment.is_contained() {
            remedies.truncate(1);
        }
        if self.context.details.unit.is_some() {
            remedies.extend(runtimes::without_apparmor(self.context).pop().map(Remedy::or));
        }
        remedies
    }

    /// A unit is the usual reason for such a mount. Where we are known to be in none, the machine's own shell is another.
    fn past_the_mount(&self) -> Vec<Remedy> {
        if self.context.details.unit.is_none() && self.is_hosts() {
            return host_key(self.key, &self.value(), true);
        }
        let before = UnitDirective::ExecStartPre { key: self.key.clone(), value: self.value() };
        vec![Action::Unit(UnitDirective::TunablesWritable).into(), Remedy::from(Action::Unit(before)).or()]
    }

    /// Where no program that we start gets more rights than we have, another shell has to do it: one of the machine, so
    /// nothing that is not the machine's own.
    fn as_root(&self) -> Vec<Remedy> {
        match (self.context.details.no_new_privileges, self.is_hosts()) {
            (Some(true), true) => host_key(self.key, &self.value(), true),
            (Some(true), false) => Vec::new(),
            _ => vec![self.context.apply_as_root()],
        }
    }
}

/// Have a kernel module loaded.
pub(super) fn load_module(module: &str, context: &DiagnosisContext<'_>) -> Remedy {
    Action::LoadModule { module: module.to_owned(), on_host: context.environment.in_container() }.into()
}
