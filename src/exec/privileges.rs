//! Giving up privileges, in the one order that works, and reading everything back.
//!
//! Bounding set while `CAP_SETPCAP` is there; groups before group before user, or there is no right left to change
//! them; permitted, inheritable and ambient sets after the change of user, which empties them; `no_new_privs` last.

use std::io;

use super::accounts::ServiceUser;
use super::error::{Identity, PrivilegeError};
use crate::model::run::RunOptions;
use crate::sys;

/// The user and groups to become, and the capabilities to keep.
#[derive(Clone, Debug, Default)]
pub(super) struct Privileges {
    uid: Option<u32>,
    gid: Option<u32>,
    /// All supplementary groups, the user's own first, as initgroups(3) makes them.
    groups: Option<Vec<u32>>,
    /// The only capabilities that are kept, a bit for each.
    keep: Option<u64>,
    no_new_privs: bool,
}

impl Privileges {
    pub(super) fn new(user: Option<&ServiceUser>, groups: Option<Vec<u32>>, options: &RunOptions) -> Self {
        let own = user.map(|user| user.gid.into_iter().chain(user.groups.iter().copied()).collect());
        Self {
            uid: user.map(|user| user.uid),
            gid: user.and_then(|user| user.gid),
            groups: groups.or(own),
            keep: options.capabilities.as_ref().map(|kept| kept.iter().fold(0, |set, one| set | one.bit())),
            no_new_privs: options.no_new_privs == Some(true),
        }
    }

    pub(super) fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Whether there is anything to do.
    pub(super) fn change_anything(&self) -> bool {
        self.uid.is_some() || self.gid.is_some() || self.groups.is_some() || self.keep.is_some() || self.no_new_privs
    }

    /// Does it. The error is the first step that failed, or that does not read back as asked.
    pub(super) fn apply(&self) -> Result<(), PrivilegeError> {
        if let Some(keep) = self.keep {
            self.narrow_bounding(keep)?;
            // Else the change from root to another user empties the permitted set.
            sys::keep_capabilities(true).map_err(|error| call("PR_SET_KEEPCAPS", error))?;
        }
        self.change_user()?;
        if let Some(keep) = self.keep {
            keep_only(keep)?;
        }
        if self.no_new_privs {
            sys::set_no_new_privileges().map_err(|error| call("no_new_privs", error))?;
            if !sys::no_new_privileges() {
                return Err(PrivilegeError::NoNewPrivsNotKept);
            }
        }
        Ok(())
    }

    fn change_user(&self) -> Result<(), PrivilegeError> {
        if let Some(groups) = &self.groups {
            self.change_groups(groups)?;
        }
        if let Some(gid) = self.gid {
            sys::set_gid(gid).map_err(|error| set_identity(Identity::Group, gid, error))?;
        }
        if let Some(uid) = self.uid {
            sys::set_uid(uid).map_err(|error| set_identity(Identity::User, uid, error))?;
        }
        let found = sys::effective_ids();
        let uid = self.uid.unwrap_or(found.uid);
        let gid = self.gid.unwrap_or(found.gid);
        if (found.uid, found.effective_uid, found.gid, found.effective_gid) != (uid, uid, gid, gid) {
            return Err(PrivilegeError::IdentityNotKept { uid, gid, found });
        }
        Ok(())
    }

    fn change_groups(&self, groups: &[u32]) -> Result<(), PrivilegeError> {
        if let Err(error) = sys::set_groups(groups) {
            // Whoever is that user already and has these groups needs no right to keep them.
            if !sys::has_groups(groups) {
                return Err(set_identity(Identity::Groups, self.gid.unwrap_or(0), error));
            }
        }
        if sys::has_groups(groups) { Ok(()) } else { Err(PrivilegeError::GroupsNotKept) }
    }

    fn narrow_bounding(&self, keep: u64) -> Result<(), PrivilegeError> {
        for capability in (0..64).take_while(|&capability| sys::in_bounding(capability).is_some()) {
            if keep & (1 << capability) != 0 || sys::in_bounding(capability) == Some(false) {
                continue;
            }
            match sys::drop_from_bounding(capability) {
                Ok(()) if sys::in_bounding(capability) == Some(false) => {}
                // What is left in the bounding set can only be had by an exec, and those give nothing any more.
                Err(_) if self.no_new_privs => {}
                Ok(()) => return Err(PrivilegeError::BoundingKept { capability }),
                Err(error) => return Err(PrivilegeError::DropBounding { capability, error }),
            }
        }
        Ok(())
    }
}

/// Permitted, effective, inheritable and ambient become exactly `keep`.
fn keep_only(keep: u64) -> Result<(), PrivilegeError> {
    let now = sys::capabilities().map_err(|error| call("capget", error))?;
    if let Some(capability) = (0..64).find(|number| keep & !now.permitted & (1 << number) != 0) {
        return Err(PrivilegeError::NotPermitted { capability });
    }
    let only = sys::Capabilities { effective: keep, permitted: keep, inheritable: keep };
    sys::keep_capabilities(false).map_err(|error| call("PR_SET_KEEPCAPS", error))?;
    // What leaves the permitted or the inheritable set leaves the ambient set too (capabilities(7)).
    sys::set_capabilities(only).map_err(|error| call("the capability sets", error))?;
    for capability in (0..64).filter(|number| keep & (1 << number) != 0) {
        sys::raise_ambient(capability).map_err(|error| PrivilegeError::RaiseAmbient { capability, error })?;
    }
    let found = sys::capabilities().map_err(|error| call("capget", error))?;
    let ambient = (0..64).filter(|&number| sys::in_ambient(number)).fold(0, |set, number| set | 1 << number);
    if found == only && ambient == keep {
        return Ok(());
    }
    Err(PrivilegeError::CapabilitiesNotKept { wanted: keep, found, ambient })
}

fn call(operation: &'static str, error: io::Error) -> PrivilegeError {
    PrivilegeError::Call { operation, error }
}

fn set_identity(identity: Identity, id: u32, error: io::Error) -> PrivilegeError {
    PrivilegeError::SetIdentity { identity, id, error }
}
