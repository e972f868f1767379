//! What stands in the way of writing a key that is there: its file's mode and owner, its mount, our rights, and what is
//! left when none of these does.

use nix::errno::Errno;

use crate::catalog::{Access, InNewNetns, Row, Scope};
use crate::kernel::KernelError;
use crate::model::capability::Capability;

use super::key::{Case, Found, found, read_only_mount};
use super::rights::{self, OVERFLOW_USER, Rights};
use super::{Cause, has_files, lsm, read_only};

const WRITE_BITS: u32 = 0o222;

impl Case<'_> {
    /// What keeps us from writing the file that is there. The mode is looked at before the mount, as the
    /// kernel does: a file without a write bit is refused with EACCES on a read-only mount too.
    pub(super) fn hindrance(&self) -> Option<Found> {
        let evidence = self.evidence();
        let environment = self.scene.environment;
        if evidence.mode.is_some_and(|mode| mode & WRITE_BITS == 0) {
            return Some(if self.only_shown_in_namespaces() {
                let why = "it can be written in the machine's own network namespace only";
                found(Cause::ReadOnlyInNamespace, why)
            } else {
                found(Cause::ReadOnly, "nobody can write it")
            });
        }
        // What belongs to a user namespace is shown as the host's, and written by capability (kernel/ucount.c).
        let by_others = evidence.mode.is_some_and(|mode| mode & 0o2 != 0);
        if evidence.owner == Some(OVERFLOW_USER) && self.scope() != Scope::UserNs && !by_others {
            let why = "its owner is a user that our user namespace does not map, such as root of the host";
            return Some(found(Cause::OwnerNotMapped, why));
        }
        let too = if read_only(&evidence) { "; its mount is read-only too" } else { "" };
        match rights::of(self.key, self.scope(), evidence.owner, environment, self.scene.around) {
            Rights::NotRoot(who) => {
                let why = format!("only {who} may write it, and we are user {}{too}", environment.user);
                return Some(found(Cause::NotPermitted, why));
            }
            Rights::Lacks(capability) => {
                let why = format!("writing it needs {capability}, which we do not have{too}");
                return Some(found(Cause::MissingCapability, why));
            }
            Rights::Held | Rights::Unclear => {}
        }
        if read_only(&evidence) {
            return Some(found(Cause::ReadOnlyMount, read_only_mount()));
        }
        // Of other users access(2) may forget the capabilities (before Linux 5.8), and root may become another owner.
        let roots = environment.user == 0 && evidence.owner == Some(0);
        self.confined("").filter(|_| roots && evidence.denied == Some(true))
    }

    /// Whether we are in a network namespace of our own, and this key can be written in the machine's.
    fn only_shown_in_namespaces(&self) -> bool {
        let environment = self.scene.environment;
        let shown = |row: Row| row.in_new_netns.at(environment.version()) == InNewNetns::ReadOnly;
        let never = self.row.is_some_and(|row| row.access == Access::ReadOnly);
        environment.initial.net == Some(false)
            && !never
            && (self.scope() == Scope::HostNet || self.row.is_some_and(shown))
    }

    /// Permission denied though mode, owner, mount and rights are all known to allow it: only a security module
    /// is left (`may_open`, fs/namei.c), or a filter of system calls, where nothing tells of a module.
    pub(super) fn confined(&self, what: &str) -> Option<Found> {
        if self.scene.around.confined.is_none() && self.scene.around.filtered() {
            return None;
        }
        let evidence = self.evidence();
        let rights = rights::of(self.key, self.scope(), evidence.owner, self.scene.environment, self.scene.around);
        let clear = evidence.mode.is_some() && evidence.owner.is_some() && evidence.read_only_mount == Some(false);
        (rights == Rights::Held && clear && has_files(self.scene.environment))
            .then(|| lsm::refuses(what, self.scene.around))
    }

    /// The capability that its writer needs besides, where we have it and the kernel says that we have not: a label
    /// that confines us keeps us from using it (`security_capable`).
    pub(super) fn incapacitated(&self, refusal: KernelError) -> Option<Found> {
        let name = self.row?.rare.capability?;
        let held = self.scene.around.has(Capability::parse(name).ok()?.number()) == Some(true);
        let ours = self.scene.environment.own_user_namespace_is_initial() == Some(true);
        let refused = refusal.errno == Errno::EPERM && self.scene.around.confined.is_some();
        (held && ours && refused).then(|| lsm::refuses(&format!(" us {name}, which we have"), self.scene.around))
    }

    /// The capability that its writer needs besides, if it is known that we do not have it.
    pub(super) fn lacked(&self) -> Option<Found> {
        let name = self.row?.rare.capability?;
        let number = Capability::parse(name).ok()?.number();
        let missing = self.scene.around.has(number) == Some(false);
        missing.then(|| found(Cause::MissingCapability, format!("writing it needs {name}, which we do not have")))
    }

    /// The kernel's own word that a capability is missing: held in a user namespace, it may not count.
    pub(super) fn not_capable(&self, refusal: KernelError) -> Option<Found> {
        let name = self.row?.rare.capability?;
        let foreign = self.scene.environment.own_user_namespace_is_initial() == Some(false);
        self.lacked().or_else(|| {
            let why = format!("writing it needs {name} in the machine's own user namespace, and we are in another");
            foreign.then(|| found(Cause::MissingCapability, format!("{why}, {refusal}")))
        })
    }

    pub(super) fn one_way(&self) -> Option<Found> {
        let last = self.row?.rare.one_way?;
        let stands = self.finding.found.as_ref().is_some_and(|found| found.to_string() == last);
        stands.then(|| found(Cause::OneWay, format!("from {last} nothing leads back before the next boot")))
    }
}
