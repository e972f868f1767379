use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo, setfsuid};

use super::*;
use crate::model::name::SysfsName;

/// A directory of its own, with `sys`, `proc` and `outside` in it.
struct Sandbox(PathBuf);

impl Sandbox {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tunectl-kernel-{}-{number}", std::process::id()));
        for directory in ["proc/net/core", "sys", "outside"] {
            fs::create_dir_all(path.join(directory)).unwrap();
        }
        // For another user too, whatever the umask is.
        for directory in ["", "proc"] {
            fs::set_permissions(path.join(directory), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(path.join("outside/secret"), "secret").unwrap();
        Self(path)
    }

    fn file(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    fn link(&self, at: &str, to: impl AsRef<Path>) {
        symlink(to, self.0.join(at)).unwrap();
    }

    fn kernel(&self, access: AccessMode) -> Linux {
        Linux::new(self.0.join("proc"), self.0.join("sys"), access)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn sysctl(name: &str) -> Key {
    Key::Sysctl(SysctlName::parse(name).unwrap())
}

fn sysfs(path: &str) -> Key {
    Key::Sysfs(SysfsName::parse(path).unwrap())
}

fn refused<T>(operation: Operation, errno: Errno) -> Result<T, KernelError> {
    Err(KernelError { operation, errno })
}

#[test]
fn a_key_is_read_written_and_read_back() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("proc/net/core/somaxconn", "4096\n");
    let mut kernel = sandbox.kernel(AccessMode::Write);
    let key = sysctl("net.core.somaxconn");
    assert_eq!(kernel.read(&key).unwrap(), "4096\n");
    kernel.write(&key, "8192\n", WriteMode::One).unwrap();
    assert_eq!(kernel.read(&key).unwrap(), "8192\n");
    assert_eq!(fs::read_to_string(file).unwrap(), "8192\n");
}

#[test]
fn texts_of_every_length_are_read_whole() {
    let sandbox = Sandbox::new();
    for length in [0, 1, 511, 512, 513, 4095, 4096, 32_768, 200_000] {
        let text = "7".repeat(length);
        sandbox.file("proc/long", &text);
        assert!(sandbox.kernel(AccessMode::Read).read(&sysctl("long")).unwrap() == text, "{length}");
    }
    sandbox.file("proc/long", "7".repeat(LAST_READ + 1));
    assert_eq!(sandbox.kernel(AccessMode::Read).read(&sysctl("long")), refused(Operation::Read, Errno::EFBIG));
    sandbox.file("proc/raw", b"a\xffb");
    assert_eq!(sandbox.kernel(AccessMode::Read).read(&sysctl("raw")).unwrap(), "a\u{fffd}b");
}

#[test]
fn nothing_is_created_or_truncated() {
    let sandbox = Sandbox::new();
    let mut kernel = sandbox.kernel(AccessMode::Write);
    assert_eq!(
        kernel.write(&sysctl("net.core.nonsense"), "1", WriteMode::One),
        refused(Operation::OpenToWrite, Errno::ENOENT)
    );
    assert!(!sandbox.0.join("proc/net/core/nonsense").exists());
    let file = sandbox.file("proc/net/core/somaxconn", "4096\n");
    kernel.write(&sysctl("net.core.somaxconn"), "8", WriteMode::One).unwrap();
    assert_eq!(fs::read_to_string(file).unwrap(), "8096\n");
}

#[test]
fn a_kernel_for_reading_does_not_write() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("proc/key", "1\n");
    let mut kernel = sandbox.kernel(AccessMode::Read);
    assert_eq!(kernel.write(&sysctl("key"), "2", WriteMode::One), refused(Operation::Write, Errno::EBADF));
    assert_eq!(fs::read_to_string(file).unwrap(), "1\n");
}

#[test]
fn no_link_in_proc_sys_is_followed() {
    let sandbox = Sandbox::new();
    sandbox.link("proc/away", sandbox.0.join("outside"));
    sandbox.link("proc/near", "net");
    sandbox.link("proc/net/leaf", sandbox.0.join("outside/secret"));
    sandbox.file("proc/net/core/somaxconn", "4096\n");
    for access in [AccessMode::Read, AccessMode::Write] {
        let mut kernel = sandbox.kernel(access);
        for name in ["away.secret", "near.core.somaxconn", "net.leaf"] {
            assert_eq!(kernel.read(&sysctl(name)), refused(Operation::OpenToRead, Errno::ELOOP), "{name}");
        }
    }
    let mut kernel = sandbox.kernel(AccessMode::Write);
    assert_eq!(kernel.write(&sysctl("net.leaf"), "x", WriteMode::One), refused(Operation::OpenToWrite, Errno::ELOOP));
    assert_eq!(fs::read_to_string(sandbox.0.join("outside/secret")).unwrap(), "secret");
}

#[test]
fn links_in_sys_are_followed_while_they_stay_beneath_it() {
    let sandbox = Sandbox::new();
    sandbox.file("sys/devices/lo/mtu", "65536\n");
    sandbox.link("sys/lo", "devices/lo");
    sandbox.link("sys/out", "../outside");
    sandbox.link("sys/absolute", sandbox.0.join("outside"));
    let mut kernel = sandbox.kernel(AccessMode::Read);
    assert_eq!(kernel.read(&sysfs("lo/mtu")).unwrap(), "65536\n");
    assert_eq!(kernel.read(&sysfs("out/secret")), refused(Operation::OpenToRead, Errno::EXDEV));
    assert_eq!(kernel.read(&sysfs("absolute/secret")), refused(Operation::OpenToRead, Errno::EXDEV));
}

#[test]
fn no_path_leads_out_of_a_tree() {
    // No name holds `..`; if one ever did, the tree itself would still refuse.
    let sandbox = Sandbox::new();
    let mut tree = Tree::new(TreeKind::ProcSys, sandbox.0.join("proc"));
    assert_eq!(tree.open("net/../../outside/secret", OFlag::O_RDONLY).unwrap_err(), Errno::EXDEV);
}

#[test]
fn what_is_no_file_is_told_and_not_waited_for() {
    let sandbox = Sandbox::new();
    mkfifo(&sandbox.0.join("proc/fifo"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    for access in [AccessMode::Read, AccessMode::Write] {
        let mut kernel = sandbox.kernel(access);
        assert_eq!(kernel.read(&sysctl("fifo")), refused(Operation::Read, Errno::ESPIPE));
        assert_eq!(kernel.read(&sysctl("net.core")), refused(Operation::Read, Errno::EISDIR));
        assert_eq!(kernel.read(&sysctl("net.core.a.b")), refused(Operation::OpenToRead, Errno::ENOENT));
    }
}

#[test]
fn permissions_decide_and_are_told_apart() {
    let sandbox = Sandbox::new();
    for (name, mode) in [("secret", 0o600), ("shown", 0o444), ("trigger", 0o200), ("drop", 0o222)] {
        let file = sandbox.file(&format!("proc/{name}"), "1\n");
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }
    let check = |user: Uid| {
        // Of this thread alone; for root it also takes away the right to pass over modes (credentials(7)).
        setfsuid(user);
        let mut kernel = sandbox.kernel(AccessMode::Write);
        assert_eq!(kernel.read(&sysctl("shown")).unwrap(), "1\n");
        assert_eq!(kernel.write(&sysctl("shown"), "2", WriteMode::One), refused(Operation::OpenToWrite, Errno::EACCES));
        assert_eq!(kernel.read(&sysctl("trigger")), refused(Operation::Read, Errno::EACCES));
        assert_eq!(kernel.read(&sysctl("drop")), refused(Operation::Read, Errno::EACCES));
        assert_eq!(kernel.write(&sysctl("drop"), "2", WriteMode::One), Ok(()));
        assert_eq!(kernel.inspect(&sysctl("trigger")).mode, Some(0o200));
        kernel.read(&sysctl("secret"))
    };
    let own = Uid::effective();
    if own.is_root() {
        let other = std::thread::scope(|scope| scope.spawn(|| check(Uid::from_raw(65534))).join().unwrap());
        assert_eq!(other, refused(Operation::OpenToRead, Errno::EACCES));
    } else {
        assert_eq!(check(own).unwrap(), "1\n");
    }
}

#[test]
fn a_missing_tree_is_told_key_by_key() {
    let mut kernel = Linux::new("/nonexistent/proc/sys", "/nonexistent/sys", AccessMode::Write);
    assert_eq!(kernel.read(&sysctl("net.core.somaxconn")), refused(Operation::OpenToRead, Errno::ENOENT));
    assert_eq!(kernel.write(&sysctl("a"), "1", WriteMode::One), refused(Operation::OpenToWrite, Errno::ENOENT));
    let evidence = kernel.inspect(&sysfs("kernel/mm/ksm/run"));
    assert_eq!((evidence.exists, evidence.tree_present), (Some(false), Some(false)));
    assert_eq!(kernel.names(&SysctlName::parse("net.*").unwrap()), Ok(Vec::new()));
}

#[test]
fn what_stands_around_a_key() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("proc/key", "1\n");
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    let mut kernel = sandbox.kernel(AccessMode::Read);
    let found = Evidence {
        exists: Some(true),
        mode: Some(0o644),
        owner: Some(Uid::effective().as_raw()),
        read_only_mount: Some(false),
        denied: Some(false),
        tree_present: Some(true),
        ..Evidence::default()
    };
    assert_eq!(kernel.inspect(&sysctl("key")), found);
    let missing = kernel.inspect(&sysctl("net.nonsense"));
    assert_eq!(missing, Evidence { exists: Some(false), tree_present: Some(true), ..Evidence::default() });
    assert_eq!(Linux::here(AccessMode::Read).inspect(&sysctl("kernel.ostype")).tree_present, Some(true));
}

#[test]
fn names_are_found_sorted_and_whole() {
    let sandbox = Sandbox::new();
    for interface in ["lo", "eth0.100", "all", "eth0"] {
        sandbox.file(&format!("proc/net/ipv4/conf/{interface}/rp_filter"), "0\n");
    }
    sandbox.file("proc/net/ipv4/conf/stray", "0\n");
    sandbox.link("proc/net/ipv4/conf/link", "lo");
    let mut kernel = sandbox.kernel(AccessMode::Read);
    let mut names = |pattern| -> Vec<String> {
        kernel.names(&SysctlName::parse(pattern).unwrap()).unwrap().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        names("net.ipv4.conf.*.rp_filter"),
        ["all", "eth0/100", "eth0", "lo"].map(|interface| format!("net.ipv4.conf.{interface}.rp_filter"))
    );
    assert_eq!(names("net.ipv4.conf.e*.rp_*").len(), 2);
    assert_eq!(names("net.ipv4.conf.*"), ["net.ipv4.conf.link", "net.ipv4.conf.stray"]);
    assert_eq!(names("net.ipv4.conf.lo.rp_filter"), ["net.ipv4.conf.lo.rp_filter"]);
    assert!(names("net.ipv4.conf.tun0.rp_filter").is_empty());
    assert!(names("net.ipv6.*.x").is_empty());
}

/// A directory that can't be looked into may hold names that match.
#[test]
fn names_that_may_be_missing_are_an_error() {
    let sandbox = Sandbox::new();
    for path in ["proc/conf/a/mtu", "proc/conf/b/mtu"] {
        sandbox.file(path, "1\n");
    }
    let names = |pattern: &str| {
        let mut kernel = sandbox.kernel(AccessMode::Read);
        kernel.names(&SysctlName::parse(pattern).unwrap()).map(|names| names.len())
    };
    let as_other = |pattern: &str| {
        std::thread::scope(|scope| {
            let other = || {
                setfsuid(Uid::from_raw(65534));
                names(pattern)
            };
            scope.spawn(other).join().unwrap()
        })
    };
    let mode = |path: &str, mode| {
        fs::set_permissions(sandbox.0.join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    // Whatever the umask is.
    for path in ["", "proc", "proc/conf", "proc/conf/a", "proc/conf/b"] {
        mode(path, 0o755);
    }
    assert_eq!((as_other("conf.*.mtu"), as_other("conf.*.none"), as_other("none.*.mtu")), (Ok(2), Ok(0), Ok(0)));
    // Without the right to list, and without the right to search: for the owner too, where that is not root.
    for (path, bits) in [("proc/conf", 0o311), ("proc/conf/a", 0o000)] {
        mode(path, bits);
        if Uid::effective().is_root() {
            assert_eq!(as_other("conf.*.mtu"), refused(Operation::OpenToRead, Errno::EACCES), "{path}");
            assert_eq!(names("conf.*.mtu"), Ok(2));
        } else {
            assert_eq!(names("conf.*.mtu"), refused(Operation::OpenToRead, Errno::EACCES), "{path}");
        }
        mode(path, 0o755);
    }
}

#[test]
fn a_directory_that_was_replaced_is_opened_anew() {
    let sandbox = Sandbox::new();
    sandbox.file("proc/conf/eth0/mtu", "1\n");
    let mut kernel = sandbox.kernel(AccessMode::Read);
    let key = sysctl("conf.eth0.mtu");
    assert_eq!(kernel.read(&key).unwrap(), "1\n");
    fs::remove_dir_all(sandbox.0.join("proc/conf")).unwrap();
    assert_eq!(kernel.read(&key), refused(Operation::OpenToRead, Errno::ENOENT));
    sandbox.file("proc/conf/eth0/mtu", "2\n");
    assert_eq!(kernel.read(&key).unwrap(), "2\n");
}

#[test]
fn lists_are_cut_behind_commas() {
    let list = ["12345"; 1000].join(",");
    let pieces: Vec<&str> = cut(&list, WriteMode::Lists).collect();
    assert_eq!(pieces.concat(), list);
    assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), [4092, 1907]);
    assert!(pieces[0].ends_with(','));
    assert!(cut(&list, WriteMode::One).eq([list.as_str()]));
    assert!(cut("\n", WriteMode::Lists).eq(["\n"]));
}
