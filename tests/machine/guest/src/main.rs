//! The other side of the machine tier: what the emulated machine runs beside tunectl, in one static program.
//!
//! - `guest mounts COMMAND…`: mounts what every service expects, then becomes COMMAND; so PID 1 stays PID 1.
//! - `guest drive SCRIPT`: what PID 1 becomes in the end; starts a `shell` and waits for it, as an init would.
//! - `guest shell SCRIPT [DEVICE]`: runs the script's steps, sends what it saw over the second serial line, ends the
//!   machine.
//! - `guest report`: a service that says what it was started with.
//! - `guest unshare net|user+net|uts+net COMMAND…`: becomes COMMAND in namespaces of its own.
//! - `guest policy FILE INTERFACE`: hands a compiled policy to the kernel's security module, and from then on it counts.
//! - `guest confined LABEL COMMAND…`: becomes COMMAND as the security module's `LABEL` lets it.
//! - `guest modprobe MODULE`: loads a kernel module, behind those that it needs.
//! - `guest exit CODE`: a service that ends with CODE.

mod report;
mod script;
mod tree;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::{env, fs, io};

use nix::errno::Errno;
use nix::kmod::ModuleInitFlags;
use nix::mount::{MsFlags, mount};
use nix::sched::{self, CloneFlags};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["mounts", command, args @ ..] => mounts().map_err(Into::into).and_then(|()| become_command(command, args)),
        ["drive", path] => drive(path),
        ["shell", path] => script::play(path, "/dev/results"),
        ["shell", path, results] => script::play(path, results),
        ["unshare", kinds, command, args @ ..] => unshare(kinds).and_then(|()| become_command(command, args)),
        ["policy", file, interface] => policy(file, interface),
        ["confined", label, command, args @ ..] => confined(label).and_then(|()| become_command(command, args)),
        ["modprobe", module] => modprobe(module),
        ["report"] => report::print(),
        ["exit", code] => code.parse::<u8>().map(ExitCode::from).map_err(io::Error::other),
        other => Err(io::Error::other(format!("guest doesn't know {other:?}"))),
    };
    done.unwrap_or_else(|error| {
        eprintln!("guest {words:?}: {error}");
        ExitCode::from(99)
    })
}

/// The file systems without which nothing but the kernel runs; an initramfs starts with none of them.
fn mounts() -> nix::Result<()> {
    for (kind, target) in [("proc", "/proc"), ("sysfs", "/sys")] {
        mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)?;
    }
    Ok(())
}

/// Root stays root in its user namespace, as with `unshare -r`.
fn unshare(kinds: &str) -> io::Result<()> {
    let user = kinds.split('+').any(|kind| kind == "user");
    let mut flags = CloneFlags::CLONE_NEWNET;
    flags.set(CloneFlags::CLONE_NEWUSER, user);
    flags.set(CloneFlags::CLONE_NEWUTS, kinds.split('+').any(|kind| kind == "uts"));
    sched::unshare(flags)?;
    if user {
        fs::write("/proc/self/uid_map", "0 0 1")?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/gid_map", "0 0 1")?;
    }
    Ok(())
}

/// In one write, as both modules want it. `SELinux` starts to refuse by it when it is told to.
fn policy(file: &str, interface: &str) -> io::Result<ExitCode> {
    for (kind, target) in [("securityfs", "/sys/kernel/security"), ("selinuxfs", "/sys/fs/selinux")] {
        let mounted = |line: &str| line.split(' ').nth(1) == Some(target);
        if fs::exists(target)? && !fs::read_to_string("/proc/mounts")?.lines().any(mounted) {
            mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)?;
        }
    }
    let policy = fs::read(file)?;
    let taken = fs::OpenOptions::new().write(true).open(interface)?.write(&policy)?;
    if taken != policy.len() {
        return Err(io::Error::other(format!("{interface} took {taken} of {} bytes", policy.len())));
    }
    if interface.starts_with("/sys/fs/selinux") {
        fs::write("/sys/fs/selinux/enforce", "1")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// At the next exec: `AppArmor` wants a verb before the name of a profile, `SELinux` the bare context.
fn confined(label: &str) -> io::Result<()> {
    let apparmor = fs::exists("/sys/kernel/security/apparmor/profiles")?;
    fs::write("/proc/self/attr/exec", if apparmor { format!("exec {label}") } else { label.to_owned() })
}

/// The modules are listed in an order in which they can be loaded, all that one needs before it. The kernel knows some
/// already, or not (EEXIST): as modprobe(8) has it, that is no error.
fn modprobe(module: &str) -> io::Result<ExitCode> {
    let order = fs::read_to_string("/lib/modules/order")?;
    if !order.lines().any(|listed| listed == module) {
        return Err(io::Error::other(format!("Module {module} not found")));
    }
    for name in order.lines() {
        let file = fs::File::open(format!("/lib/modules/{name}.ko"))?;
        match nix::kmod::finit_module(file, c"", ModuleInitFlags::empty()) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(io::Error::other(format!("{name}: {error}"))),
        }
        if name == module {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn become_command(command: &str, args: &[&str]) -> io::Result<ExitCode> {
    Err(Command::new(command).args(args).exec())
}

/// The steps run in a child: a person's shell, whose limits `apply` may change, is never PID 1.
fn drive(path: &str) -> io::Result<ExitCode> {
    let guest = fs::read_link("/proc/self/exe")?;
    let status = Command::new(guest).args(["shell", path]).status()?;
    Err(io::Error::other(format!("the shell left the machine running: {status}")))
}
