//! What the kernel's own files tell of how it was built, and which modules it can load.

use std::io;

use super::{DetailsSource, Environment};
use crate::model::capability::Capability;
use crate::sys::read_text;

impl Environment {
    /// Whether the kernel loads a module of this name when we use what it brings; `None` where that is not known. The
    /// kernel does so for the machine's own `CAP_NET_ADMIN` (`capable`), with the modprobe(8) and the files of the
    /// machine, which a container does not see.
    #[must_use]
    pub fn can_load(&self, module: &str) -> Option<bool> {
        if self.own_user_namespace_is_initial() == Some(false) {
            return Some(false);
        }
        let DetailsSource::Files(root, _) = &self.details else { return None };
        if self.details(&[]).has(Capability::NET_ADMIN.number()) == Some(false) {
            return Some(false);
        }
        if self.is_contained() {
            return None;
        }
        let list = root.join("lib/modules").join(self.release.as_ref()?).join("modules.dep");
        match read_text(&list) {
            Ok(text) => Some(text.lines().any(|line| module_of(line) == module)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
            Err(_) => None,
        }
    }

    /// The clock ticks of the kernel in a second, `CONFIG_HZ`, as the configuration beside the kernel's image tells;
    /// `None` where there is none.
    #[must_use]
    pub fn clock_ticks(&self) -> Option<u32> {
        let DetailsSource::Files(root, _) = &self.details else { return None };
        if self.is_contained() {
            return None;
        }
        let config = read_text(&root.join("boot").join(format!("config-{}", self.release.as_ref()?))).ok()?;
        config.lines().find_map(|line| line.strip_prefix("CONFIG_HZ="))?.trim().parse().ok()
    }
}

/// The name of the module that a line of `modules.dep` is about, `kernel/net/ipv4/tcp_bbr.ko.xz: …`: the kernel knows
/// it with underscores.
fn module_of(line: &str) -> String {
    let path = line.split(':').next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default();
    file.split('.').next().unwrap_or_default().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn modules_and_ticks_are_those_of_the_running_kernel() {
        let root = std::env::temp_dir().join(format!("tunectl-build-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/sys/kernel/osrelease", "6.12.0\n");
        write("boot/config-6.12.0", "# CONFIG_HZ_100 is not set\nCONFIG_HZ_250=y\nCONFIG_HZ=250\n");
        write("boot/config-6.11.0", "CONFIG_HZ=1000\n");
        write(
            "lib/modules/6.12.0/modules.dep",
            "kernel/net/ipv4/tcp_bbr.ko.xz:\nkernel/net/sched/sch-fq.ko: kernel/a.ko\n",
        );
        let mut here = Environment::linux(&root, 0, &|_| None);
        // Whether it is a container is not known: neither are its kernel's files.
        assert_eq!((here.clock_ticks(), here.can_load("tcp_bbr")), (None, None));
        let own = Some(true);
        here.initial = super::super::Namespaces { ipc: own, uts: own, user: own, pid: own, cgroup: own, net: own };
        assert_eq!(here.clock_ticks(), Some(250));
        for (module, is_there) in
            [("tcp_bbr", true), ("sch_fq", true), ("tcp_nonesuch", false), ("tcp", false), ("a", false)]
        {
            assert_eq!(here.can_load(module), Some(is_there), "{module}");
        }
        fs::remove_dir_all(root.join("lib")).unwrap();
        assert_eq!(here.can_load("tcp_bbr"), Some(false));
        here.initial.user = Some(false);
        assert_eq!(here.can_load("tcp_bbr"), Some(false));
        fs::remove_dir_all(root).unwrap();
    }
}
