//! What to do about a key, by its cause and by where we are.

use crate::catalog::{self, Scope};
use crate::environment::{Namespaces, Runtime};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits};
use crate::model::setting::System;
use crate::model::suggest;
use crate::model::value::Value;
use crate::report::Shortfall;

use super::key::Case;
use super::{Cause, Remedy, read_only, remedy};

impl Case<'_> {
    /// What mends it; several where all are needed, or as other ways, marked so.
    pub(super) fn remedies(&self, cause: Cause) -> Vec<Remedy> {
        let environment = self.scene.environment;
        match cause {
            Cause::NotApplied => {
                let boot = (!environment.is_contained()).then(|| remedy::at_boot(self.scene));
                std::iter::once(remedy::apply(self.scene)).chain(boot).collect()
            }
            Cause::SetElsewhere => self.set_elsewhere(),
            // Whoever sets it, it could not be seen.
            Cause::SecurityModule if matches!(self.shortfall, Shortfall::Unread(_)) => remedy::unconfined(self.scene),
            Cause::ReadOnlyMount | Cause::NotPermitted | Cause::MissingCapability | Cause::SecurityModule => {
                self.denied(cause)
            }
            Cause::OwnerNotMapped if environment.in_container() && !self.is_hosts() => self.by_container(None),
            Cause::HostSetting | Cause::OwnerNotMapped | Cause::ReadOnlyInNamespace => self.by_host(),
            Cause::HiddenInNamespace => self.by_host().into_iter().chain(self.not_required()).collect(),
            Cause::ModuleMissing => self.module(),
            Cause::NotInThisKernel | Cause::HiddenInUserNamespace => self.not_required().into_iter().collect(),
            Cause::NoMatch | Cause::ReadOnly => self.not_required().map(Remedy::or).into_iter().collect(),
            Cause::NoSuchKey => self.misspelt(),
            Cause::Masked => {
                let mask = self.finding.evidence().mask;
                mask.map(|mask| remedy::unmask(self.key, mask)).into_iter().collect()
            }
            Cause::NoProc => vec![remedy::mount_proc()],
            Cause::OutOfReach => {
                remedy::within(self.scope(), self.key, &self.value(), self.scene).into_iter().collect()
            }
            Cause::PortOrder => self.port_order(),
            Cause::UnknownName => self.known_name(),
            Cause::ValueRefused => self.in_range(),
            Cause::Rounded | Cause::Clamped | Cause::Truncated => self.as_kept(),
            Cause::Contradiction => self.as_left(),
            _ => Vec::new(),
        }
    }

    /// Whether the key is the host's: the whole machine's, or that of a namespace that we share with the host.
    pub(super) fn is_hosts(&self) -> bool {
        let Namespaces { ipc, uts, user, pid, net, .. } = self.scene.environment.initial;
        let shared = match self.scope() {
            Scope::NetNs => net,
            Scope::IpcNs => ipc,
            Scope::UtsNs => uts,
            Scope::UserNs => user,
            Scope::PidNs => pid,
            Scope::Host | Scope::HostNet => return true,
        };
        shared == Some(true)
    }

    fn by_host(&self) -> Vec<Remedy> {
        // In a lone network namespace the shell that we are in sees another network than the host's.
        let environment = self.scene.environment;
        let outside =
            environment.in_container() || self.scope() == Scope::HostNet && environment.initial.net == Some(false);
        remedy::host_key(self.key, &self.value(), outside)
    }

    fn by_container(&self, lacks: Option<&str>) -> Vec<Remedy> {
        let writable = self.finding.evidence().read_only_mount == Some(false);
        remedy::container_key(self.key, &self.value(), lacks, writable, self.scene)
    }

    /// Go on without it; nothing where the profile does so already.
    fn not_required(&self) -> Option<Remedy> {
        let finding = self.finding;
        finding
            .requirement
            .required
            .then(|| remedy::not_required(self.key, self.scene.environment.system, &finding.requirement.wanted))
    }

    /// The file is there, and we may not write it.
    fn denied(&self, cause: Cause) -> Vec<Remedy> {
        let environment = self.scene.environment;
        let capability = match self.scope() {
            _ if cause != Cause::MissingCapability => None,
            Scope::UserNs => Some("CAP_SYS_RESOURCE"),
            _ => self.row.and_then(|row| row.rare.capability).or(Some("CAP_NET_ADMIN")),
        };
        if environment.in_container() && !self.is_hosts() {
            // nspawn leaves the network's to root inside.
            let inside = self.scene.around.runtime == Some(Runtime::Nspawn) && cause == Cause::NotPermitted;
            return if inside && !read_only(&self.finding.evidence()) {
                vec![remedy::apply_as_root(self.scene)]
            } else {
                self.by_container(capability)
            };
        }
        if environment.in_container() {
            return self.by_host();
        }
        match (cause, capability) {
            _ if read_only(&self.finding.evidence()) => self.past_the_mount(),
            (Cause::ReadOnlyMount, _) => self.past_the_mount(),
            (Cause::SecurityModule, _) => self.unconfined(),
            (Cause::NotPermitted, _) => self.as_root(),
            (_, Some(capability)) if environment.user == 0 => vec![remedy::capability_in_unit(capability)],
            (_, Some(_)) => self.as_root(),
            _ => Vec::new(),
        }
    }

    /// Whoever is not confined sets it. What is of a lone namespace no file of the machine does.
    fn unconfined(&self) -> Vec<Remedy> {
        // What we start is confined as we are.
        let mut remedies = remedy::host_key(self.key, &self.value(), true);
        if self.scene.environment.is_contained() {
            remedies.truncate(1);
        }
        if self.scene.around.unit.is_some() {
            remedies.extend(remedy::unconfined(self.scene).pop().map(Remedy::or));
        }
        remedies
    }

    /// A unit is the usual reason for such a mount. Where we are known to be in none, the machine's own shell is another.
    fn past_the_mount(&self) -> Vec<Remedy> {
        if self.scene.around.unit.is_none() && self.is_hosts() {
            return remedy::host_key(self.key, &self.value(), true);
        }
        remedy::tunables_in_unit(self.key, &self.value())
    }

    /// Where no program that we start gets more rights than we have, another shell has to do it: one of the machine, so
    /// nothing that is not the machine's own.
    fn as_root(&self) -> Vec<Remedy> {
        match (self.scene.around.no_new_privileges, self.is_hosts()) {
            (Some(true), true) => remedy::host_key(self.key, &self.value(), true),
            (Some(true), false) => Vec::new(),
            _ => vec![remedy::apply_as_root(self.scene)],
        }
    }

    fn set_elsewhere(&self) -> Vec<Remedy> {
        let unlimited = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
        let line = self.scene.set_elsewhere(self.finding);
        let changed = line.map(|line| remedy::change_line(line, unlimited, &self.value()));
        std::iter::once(remedy::apply(self.scene)).chain(changed).collect()
    }

    fn module(&self) -> Vec<Remedy> {
        let outside = self.scene.environment.in_container();
        let Some(name) = self.row.and_then(|row| row.rare.module) else { return Vec::new() };
        vec![remedy::module(name, outside), remedy::module_at_boot(name, outside)]
    }

    fn misspelt(&self) -> Vec<Remedy> {
        let system = self.scene.environment.system;
        let typed = self.key.to_string();
        match suggest::nearest_setting(&typed, catalog::names(system)) {
            Some(near) if self.row.is_none() => {
                vec![remedy::ask_for_another(&near, system, &self.finding.requirement.wanted)]
            }
            _ => self.not_required().map(Remedy::or).into_iter().collect(),
        }
    }

    fn port_order(&self) -> Vec<Remedy> {
        let (name, wanted) = match self.value() {
            Value::Numbers(range) => {
                let at_most = range.first().copied().map(Value::Number);
                ("net.ipv4.ip_unprivileged_port_start", Expectation::Bounds { at_least: None, at_most })
            }
            Value::Number(first) => {
                // Both ends of one parity would waste the last port.
                let last = 65535 - first.rem_euclid(2);
                if last <= first {
                    return Vec::new();
                }
                ("net.ipv4.ip_local_port_range", Expectation::Exactly(Value::Numbers(vec![first, last])))
            }
            _ => return Vec::new(),
        };
        vec![remedy::ask_for_another(name, System::Linux, &wanted)]
    }

    /// The name that was asked for, or else the one that is there: the profile then holds on both kernels. And
    /// what would bring the first, for the two lists that modules extend.
    fn known_name(&self) -> Vec<Remedy> {
        let Some(found) = self.finding.found.clone() else { return Vec::new() };
        let either = Expectation::OneOf(vec![self.value(), found]);
        let mut remedies = vec![remedy::ask_for(self.key, System::Linux, &either)];
        let prefix = match self.key.to_string().as_str() {
            "net.ipv4.tcp_congestion_control" => "tcp_",
            "net.core.default_qdisc" => "sch_",
            _ => return remedies,
        };
        let module = format!("{prefix}{}", self.value());
        if module.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
            remedies.push(remedy::module(&module, self.scene.environment.in_container()).or());
        }
        remedies
    }

    /// The nearest value that the kernel is known to take.
    fn in_range(&self) -> Vec<Remedy> {
        let (Some((min, max)), Value::Number(number)) = (self.range(), self.value()) else { return Vec::new() };
        let nearest = Expectation::Exactly(Value::Number(number.clamp(min, max)));
        if (min..=max).contains(&number) {
            return Vec::new();
        }
        vec![remedy::ask_for(self.key, self.scene.environment.system, &nearest)]
    }

    /// What the kernel makes of it stays what it is when it is written.
    fn as_kept(&self) -> Vec<Remedy> {
        let kept = self.finding.found.clone().map(Expectation::Exactly);
        kept.map(|kept| remedy::ask_for(self.key, self.scene.environment.system, &kept)).into_iter().collect()
    }

    /// What the profile's other wish leaves it.
    fn as_left(&self) -> Vec<Remedy> {
        let left = self.contradiction().map(|(_, left)| Expectation::Exactly(left));
        left.map(|left| remedy::ask_for(self.key, self.scene.environment.system, &left)).into_iter().collect()
    }
}
