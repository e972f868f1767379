//! Giving up rights, in the one order that works, and proving it by reading everything back.
//!
//! Bounding set while `CAP_SETPCAP` is there; groups before group before user, or there is no right left to change
//! them; permitted, inheritable and ambient sets after the change of user, which empties them; `no_new_privs` last.

use std::io;

use super::accounts::Account;
use crate::model::capability::Capability;
use crate::model::run::RunOptions;
use crate::sys;

/// Whom to become and what to keep.
#[derive(Clone, Debug, Default)]
pub(super) struct Privileges {
    uid: Option<u32>,
    gid: Option<u32>,
    /// All supplementary groups, the user's own first, as initgroups(3) makes them.
    groups: Option<Vec<u32>>,
    keep: Option<u64>,
    no_new: bool,
}

impl Privileges {
    pub(super) fn new(account: Option<&Account>, groups: Option<Vec<u32>>, options: &RunOptions) -> Self {
        let own = account.map(|account| account.gid.into_iter().chain(account.groups.iter().copied()).collect());
        Self {
            uid: account.map(|account| account.uid),
            gid: account.and_then(|account| account.gid),
            groups: groups.or(own),
            keep: options.capabilities.as_ref().map(|kept| kept.iter().fold(0, |set, one| set | one.bit())),
            no_new: options.no_new_privs == Some(true),
        }
    }

    pub(super) fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Does it, and fails unless everything reads back as asked.
    pub(super) fn apply(&self) -> Result<(), String> {
        if let Some(keep) = self.keep {
            self.narrow_bounding(keep)?;
            // Else the change from root to another user empties the permitted set.
            sys::keep_capabilities(true).map_err(|error| refused("PR_SET_KEEPCAPS", &error))?;
        }
        self.change_user()?;
        if let Some(keep) = self.keep {
            keep_only(keep)?;
        }
        if self.no_new {
            sys::set_no_new_privileges().map_err(|error| refused("no_new_privs", &error))?;
            if !sys::no_new_privileges() {
                return Err("no_new_privs was set, but the kernel reports it unset".to_owned());
            }
        }
        Ok(())
    }

    fn change_user(&self) -> Result<(), String> {
        if let Some(groups) = &self.groups {
            self.change_groups(groups)?;
        }
        if let Some(gid) = self.gid {
            sys::set_gid(gid).map_err(|error| refused_id("group", gid, &error))?;
        }
        if let Some(uid) = self.uid {
            sys::set_uid(uid).map_err(|error| refused_id("user", uid, &error))?;
        }
        let found = sys::effective_ids();
        let uid = self.uid.unwrap_or(found.uid);
        let gid = self.gid.unwrap_or(found.gid);
        if (found.uid, found.effective_uid, found.gid, found.effective_gid) != (uid, uid, gid, gid) {
            return Err(format!("asked to become user {uid} and group {gid}, but found {found:?}"));
        }
        Ok(())
    }

    fn change_groups(&self, groups: &[u32]) -> Result<(), String> {
        if let Err(error) = sys::set_groups(groups) {
            // Whoever is that user already and has these groups needs no right to keep them.
            if !sys::has_groups(groups) {
                return Err(refused_id("groups", self.gid.unwrap_or(0), &error));
            }
        }
        if sys::has_groups(groups) { Ok(()) } else { Err("the supplementary groups were not taken".to_owned()) }
    }

    fn narrow_bounding(&self, keep: u64) -> Result<(), String> {
        for number in (0..64).take_while(|&number| sys::in_bounding(number).is_some()) {
            if keep & (1 << number) != 0 || sys::in_bounding(number) == Some(false) {
                continue;
            }
            match sys::drop_from_bounding(number) {
                Ok(()) if sys::in_bounding(number) == Some(false) => {}
                // What is left in the bounding set can only be had by an exec, and those give nothing any more.
                Err(_) if self.no_new => {}
                Ok(()) => return Err(format!("{} stayed in the bounding set", name(number))),
                Err(error) => {
                    let why = refused(&format!("{} can't be taken out of the bounding set", name(number)), &error);
                    return Err(format!("{why} (needs CAP_SETPCAP; with no_new_privs it isn't needed)"));
                }
            }
        }
        Ok(())
    }
}

/// Permitted, effective, inheritable and ambient become exactly `keep`.
fn keep_only(keep: u64) -> Result<(), String> {
    let now = sys::capabilities().map_err(|error| refused("capget", &error))?;
    if let Some(number) = (0..64).find(|number| keep & !now.permitted & (1 << number) != 0) {
        let name = name(number);
        return Err(format!(
            "capability {name} can't be kept: we don't have it (start the container with `--cap-add {}`)",
            name.to_ascii_uppercase()
        ));
    }
    let only = sys::Capabilities { effective: keep, permitted: keep, inheritable: keep };
    sys::keep_capabilities(false).map_err(|error| refused("PR_SET_KEEPCAPS", &error))?;
    // What leaves the permitted or the inheritable set leaves the ambient set too (capabilities(7)).
    sys::set_capabilities(only).map_err(|error| refused("the capability sets", &error))?;
    for number in (0..64).filter(|number| keep & (1 << number) != 0) {
        sys::raise_ambient(number).map_err(|error| refused(&format!("ambient {}", name(number)), &error))?;
    }
    let found = sys::capabilities().map_err(|error| refused("capget", &error))?;
    let ambient = (0..64).filter(|&number| sys::in_ambient(number)).fold(0, |set, number| set | 1 << number);
    if found == only && ambient == keep {
        return Ok(());
    }
    Err(format!("asked to keep the capabilities {keep:#x}, but found {found:x?} and ambient {ambient:#x}"))
}

fn name(number: u32) -> String {
    Capability::new(number).map_or_else(|| number.to_string(), |known| known.to_string())
}

fn refused(what: &str, error: &io::Error) -> String {
    format!("{what}: {}", sys::reason(error))
}

fn refused_id(what: &str, number: u32, error: &io::Error) -> String {
    let hint = match error.raw_os_error() {
        Some(libc::EPERM) => " (needs CAP_SETUID and CAP_SETGID; start as root)",
        Some(libc::EINVAL) => " (the user namespace does not map that number)",
        Some(libc::EAGAIN) => " (it has more processes already than the limit nproc allows)",
        _ => "",
    };
    format!("can't change to {what} {number}: {}{hint}", sys::reason(error))
}
