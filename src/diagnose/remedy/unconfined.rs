//! What starts a service without the bounds of a security module.

use super::container::{FREE, start};
use super::{Remedy, Where, at};
use crate::diagnose::DiagnosisContext;
use crate::environment::{Runtime, SecurityModule};

/// Have whoever starts us not confine us. Of `AppArmor` alone, and where it was seen to help: what another module's policy
/// lets through, and what a node makes of a pod's fields, can't be told from here.
pub(in crate::diagnose) fn unconfined(scene: &DiagnosisContext<'_>) -> Vec<Remedy> {
    if scene.around.security_module() != Some(SecurityModule::AppArmor) {
        return vec![];
    }
    match scene.around.runtime {
        // Of a visitor (`--pid`) it is his own label.
        _ if !scene.environment.in_container() || scene.environment.target.is_some() => {
            vec![at(Where::Unit, "AppArmorProfile=unconfined".to_owned())]
        }
        Some(Runtime::Lxc) => vec![at(Where::LxcConfig, "lxc.apparmor.profile = unconfined".to_owned())],
        // nspawn confines nobody by AppArmor.
        Some(Runtime::Kubernetes | Runtime::Nspawn) => vec![],
        _ => vec![start(scene, FREE)],
    }
}
