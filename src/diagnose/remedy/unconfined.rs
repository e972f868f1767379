//! What starts a service without the bounds of a security module.

use super::container::{start, unconfining};
use super::{Remedy, Where, at};
use crate::context::{Module, Runtime};
use crate::diagnose::Scene;

/// Have whoever starts us not confine us. Nothing where our label tells no module, or the words depend on its policy.
pub(in crate::diagnose) fn unconfined(scene: &Scene<'_>) -> Vec<Remedy> {
    let Some(module) = scene.around.module() else { return vec![] };
    let (place, apparmor, selinux) = match scene.around.runtime {
        // Of a visitor (`--pid`) it is his own label.
        _ if !scene.context.in_container() || scene.context.visitor.is_some() => {
            (Where::Unit, "AppArmorProfile=unconfined", "")
        }
        Some(Runtime::Kubernetes) => {
            (Where::Pod, "appArmorProfile: {type: Unconfined}", "seLinuxOptions: {type: spc_t}")
        }
        Some(Runtime::Lxc) => (Where::LxcConfig, "lxc.apparmor.profile = unconfined", ""),
        // It confines nobody by AppArmor.
        Some(Runtime::Nspawn) => return vec![],
        _ => {
            let option = unconfining(module);
            let compose = at(Where::Compose, format!("security_opt: [\"{option}\"]")).or();
            return vec![start(scene, &format!("--security-opt {option}")), compose];
        }
    };
    let text = if module == Module::AppArmor { apparmor } else { selinux };
    if text.is_empty() { vec![] } else { vec![at(place, text.to_owned())] }
}
