//! Capabilities by name.

use std::fmt;

use super::suggest;

/// One capability of Linux, capabilities(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(u32);

/// Their names without `CAP_` and in lower case, in the order of their numbers in `linux/capability.h`.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

impl Capability {
    /// `CAP_DAC_OVERRIDE`: to read and write whatever the mode of a file says.
    pub const DAC_OVERRIDE: Self = Self(1);
    /// `CAP_KILL`: to signal processes of other users.
    pub const KILL: Self = Self(5);
    /// `CAP_SETUID`: to become another user.
    pub const SETUID: Self = Self(7);
    /// `CAP_NET_ADMIN`: to configure a network namespace.
    pub const NET_ADMIN: Self = Self(12);
    /// `CAP_SYS_PTRACE`: to look into processes of other users.
    pub const SYS_PTRACE: Self = Self(19);
    /// `CAP_SYS_ADMIN`: to mount, to enter namespaces, and much more.
    pub const SYS_ADMIN: Self = Self(21);
    /// `CAP_SYS_RESOURCE`: to override resource limits.
    pub const SYS_RESOURCE: Self = Self(24);

    /// The capability with this number, whether it has a name here or not.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (number < 64).then_some(Self(number))
    }

    /// Its number in linux/capability.h.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// The set that holds only this one, bit N for capability N.
    #[must_use]
    pub fn bit(self) -> u64 {
        1 << self.0
    }

    /// Reads `net_bind_service` or `CAP_NET_BIND_SERVICE`, in either case.
    ///
    /// # Errors
    /// Names the nearest capability, where one is near.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let short = lower.strip_prefix("cap_").unwrap_or(&lower);
        (0..)
            .zip(NAMES)
            .find(|&(_, name)| name == short)
            .map(|(number, _)| Self(number))
            .ok_or_else(|| format!("unknown capability `{}`{}", text.escape_debug(), suggest::hint(short, NAMES)))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::try_from(self.0).ok().and_then(|index| NAMES.get(index));
        match name {
            Some(name) => f.pad(name),
            None => write!(f, "capability {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_is_read_in_both_spellings() {
        for (number, name) in (0..).zip(NAMES) {
            assert_eq!(Capability::parse(name).map(Capability::number), Ok(number));
            assert_eq!(
                Capability::parse(&format!("CAP_{}", name.to_ascii_uppercase())).map(Capability::number),
                Ok(number)
            );
            assert_eq!(Capability(number).to_string(), name);
        }
        assert_eq!(Capability::parse("net_bind_service").map(Capability::bit), Ok(1 << 10));
    }

    #[test]
    fn an_unknown_one_is_refused_with_the_nearest() {
        assert_eq!(
            Capability::parse("net_bind_sevice").unwrap_err(),
            "unknown capability `net_bind_sevice`, did you mean `net_bind_service`?"
        );
        assert_eq!(Capability::parse("root").unwrap_err(), "unknown capability `root`");
    }
}
