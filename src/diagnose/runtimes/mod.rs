//! What starts our process, one file each: how it is recognised, and how it is told to set a key or a limit, or to give a
//! capability. A new one is a new file, its `mod` line and its entry of [`RUNTIMES`].

mod engine;
mod host;
mod kubernetes;
mod lxc;
mod nspawn;
mod unknown;

use super::context::DiagnosisContext;
use super::remedy::{Action, Remedy, UnitDirective};
use crate::catalog::{Row, Scope};
use crate::environment::{RuntimeHints, SecurityModule};
use crate::model::capability::Capability;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;
use crate::model::value::Value;

/// All that are recognised. Where the marks of two are found, the first of them counts.
const RUNTIMES: &[&dyn Runtime] =
    &[&kubernetes::Kubernetes, &engine::PODMAN, &engine::DOCKER, &nspawn::Nspawn, &lxc::Lxc];

/// What starts our process. Lists of remedies are empty where nothing is known that would help.
pub(super) trait Runtime {
    /// How it is recognised.
    fn signs(&self) -> Signs;

    /// Have a key that is the container's own set, or have the container let us set it.
    fn set_key(&self, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy>;

    /// Have both sides of a limit of the first process set.
    fn set_limit(&self, resource: Resource, limits: Limits, context: &DiagnosisContext<'_>) -> Vec<Remedy>;

    /// Have the control group allow so many processes.
    fn raise_pids(&self, most: Limit, context: &DiagnosisContext<'_>) -> Vec<Remedy>;

    /// Have the filter of system calls let setrlimit(2) and prlimit(2) pass.
    fn allow_limit_calls(&self, _context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        Vec::new()
    }

    /// Have it not confine us by `AppArmor`.
    fn without_apparmor(&self, _context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        Vec::new()
    }

    /// Whether root in the container may write the keys that are the container's own.
    fn leaves_keys_to_root(&self) -> bool {
        false
    }
}

/// What a runtime leaves in its containers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    /// The word for it in the JSON output.
    code: &'static str,
    /// The values of the environment variable `container` that stand for it (systemd's Container Interface).
    names: &'static [&'static str],
    /// Other environment variables that it sets, of [`RuntimeHints::variables`].
    variables: &'static [&'static str],
    /// Files that it creates in each container, relative to the root directory.
    files: &'static [&'static str],
    /// Whether it has other runtimes start its containers, so that its marks count before what those call themselves.
    uses_others: bool,
}

impl Signs {
    /// None at all.
    const NONE: Self = Self { code: "", names: &[], variables: &[], files: &[], uses_others: false };
}

/// A key of the container's own, to be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContainerKey<'a> {
    pub(super) key: &'a Key,
    pub(super) value: &'a Value,
    pub(super) row: Option<Row>,
    pub(super) scope: Scope,
    /// The capability that its writer would need in the container itself.
    pub(super) lacks: Option<Capability>,
    /// Whether the mount there lets him.
    pub(super) writable: bool,
}

/// The files by which runtimes are recognised, relative to the root directory.
#[must_use]
pub fn runtime_files() -> Vec<&'static str> {
    RUNTIMES.iter().flat_map(|runtime| runtime.signs().files).copied().collect()
}

/// The word for the runtime that the hints speak for, part of the JSON output.
#[must_use]
pub fn runtime_code(hints: &RuntimeHints) -> Option<&'static str> {
    recognised(hints).map(|runtime| runtime.signs().code)
}

/// What engines call themselves that build images, whoever they are.
const ANY_ENGINE: &str = "oci";

/// The runtime that the hints speak for: one that uses others before those, a name before a mark. A name that is not
/// known is that of another one.
fn recognised(hints: &RuntimeHints) -> Option<&'static dyn Runtime> {
    let is_marked = |signs: &Signs| {
        let marks = |found: &[&str], its: &[&str]| its.iter().any(|mark| found.contains(mark));
        marks(&hints.files, signs.files) || marks(&hints.variables, signs.variables)
    };
    let find = |is: &dyn Fn(&Signs) -> bool| RUNTIMES.iter().copied().find(|runtime| is(&runtime.signs()));
    let names = [hints.container.as_deref(), hints.container_manager.as_deref()];
    let mut names = names.into_iter().flatten().map(str::trim).filter(|name| ![ANY_ENGINE, ""].contains(name));
    let by_name = |name: &str| find(&|signs| signs.names.contains(&name));
    find(&|signs| signs.uses_others && is_marked(signs))
        .or_else(|| names.clone().find_map(by_name))
        .or_else(|| find(&is_marked).filter(|_| names.next().is_none()))
}

/// What starts our process, as far as that is known.
pub(super) fn of(context: &DiagnosisContext<'_>) -> &'static dyn Runtime {
    if context.environment.in_container() {
        recognised(&context.details.runtime_hints).unwrap_or(&unknown::Unknown)
    } else {
        &host::Host
    }
}

/// Have what starts us not confine us. Of `AppArmor` alone, and where it was seen to help: what another module's policy
/// lets through, and what a node makes of a pod's fields, can't be told from here.
pub(super) fn without_apparmor(context: &DiagnosisContext<'_>) -> Vec<Remedy> {
    match context.details.security_module() {
        Some(SecurityModule::AppArmor) if context.environment.target.is_some() => {
            // It is the label of tunectl, which looks at the container from outside.
            vec![Action::Unit(UnitDirective::AppArmorUnconfined).into()]
        }
        Some(SecurityModule::AppArmor) => of(context).without_apparmor(context),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_uses_others_goes_before_a_name_and_a_name_before_a_file() {
        let hints = |container: &str, manager: &str, files: &[&'static str]| RuntimeHints {
            container: Some(container.to_owned()).filter(|name| !name.is_empty()),
            container_manager: Some(manager.to_owned()).filter(|name| !name.is_empty()),
            files: files.to_vec(),
            ..RuntimeHints::default()
        };
        for (hints, code) in [
            (hints("podman", "", &["dev/termination-log"]), Some("kubernetes")),
            (hints("lxc", "podman", &[".dockerenv"]), Some("lxc")),
            (hints("oci", "systemd-nspawn\n", &[]), Some("systemd-nspawn")),
            (hints("", "", &[".dockerenv"]), Some("docker")),
            (hints("", "", &["run/.containerenv", ".dockerenv"]), Some("podman")),
            (hints("oci", "", &["run/.containerenv"]), Some("podman")),
            (hints("flatpak", "", &["run/.containerenv"]), None),
            (hints("flatpak", "podman", &[]), Some("podman")),
            (hints("", "", &[]), None),
        ] {
            assert_eq!(runtime_code(&hints), code, "{hints:?}");
        }
        let variables = vec!["KUBERNETES_SERVICE_HOST"];
        assert_eq!(runtime_code(&RuntimeHints { variables, ..RuntimeHints::default() }), Some("kubernetes"));
    }

    #[test]
    fn every_runtime_has_a_word_of_its_own() {
        for (at, runtime) in RUNTIMES.iter().enumerate() {
            let Signs { code, names, .. } = runtime.signs();
            assert!(!code.is_empty());
            let others = RUNTIMES[..at].iter().map(|other| other.signs());
            assert!(
                others
                    .into_iter()
                    .all(|other| other.code != code && names.iter().all(|name| !other.names.contains(name))),
                "{code}"
            );
        }
    }
}
