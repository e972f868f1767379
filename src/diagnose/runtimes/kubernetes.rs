//! A pod of Kubernetes, whatever runs its containers.

use super::{ContainerKey, Runtime, Signs};
use crate::catalog;
use crate::diagnose::context::{DiagnosisContext, is_named};
use crate::diagnose::remedy::{Action, KubeletFlag, Remedy, UnitDirective};
use crate::model::limit::{Limit, Limits, Resource};

pub(super) struct Kubernetes;

/// The first version of Kubernetes that has sysctls of pods.
const FIRST: &str = "1.4";

impl Runtime for Kubernetes {
    fn signs(&self) -> Signs {
        // Not every pod has a token or keeps its environment, but each of its containers has a termination log.
        Signs {
            code: "kubernetes",
            variables: &["KUBERNETES_SERVICE_HOST"],
            files: &["var/run/secrets/kubernetes.io", "dev/termination-log"],
            uses_others: true,
            ..Signs::NONE
        }
    }

    /// A pod's list of sysctls, and where the kubelet does not let every pod have it, its own list too. That takes no
    /// others than it knows to be of a namespace: with any other among them it does not start. From inside, nothing tells
    /// which version the node's kubelet is.
    fn set_key(&self, key: &ContainerKey<'_>, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        let rule = key.row.map(|row| row.kubernetes);
        if rule == Some(catalog::Kubernetes::NotPossible) || is_named(key.key, "kernel.hostname") {
            return Vec::new();
        }
        let pod = Action::PodSysctl { key: key.key.clone(), value: key.value.clone() }.into();
        let flag = KubeletFlag::AllowedUnsafeSysctl(key.key.clone());
        let kubelet = match rule {
            Some(catalog::Kubernetes::Safe { since: FIRST }) => None,
            Some(catalog::Kubernetes::Safe { since }) => Some(Action::Kubelet { flag, older_than: Some(since) }),
            _ => Some(Action::Kubelet { flag, older_than: None }),
        };
        std::iter::once(pod).chain(kubelet.map(Remedy::from)).collect()
    }

    /// A pod has no field for limits (kubernetes#3595): the unit of the runtime on the node decides.
    fn set_limit(&self, resource: Resource, limits: Limits, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::RuntimeUnit(UnitDirective::Limit(resource, limits)).into()]
    }

    fn raise_pids(&self, most: Limit, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::Kubelet { flag: KubeletFlag::PodMaxPids(most), older_than: None }.into()]
    }
}
