//! The other side of the machine tier: what the emulated machine runs beside tunectl, in one static program.
//!
//! - `guest mounts COMMAND…`: mounts what every service expects, then becomes COMMAND; so PID 1 stays PID 1.
//! - `guest drive SCRIPT`: what PID 1 becomes in the end; starts a `shell` and waits for it, as an init would.
//! - `guest shell SCRIPT [DEVICE]`: runs the script's steps, sends what it saw over the second serial line, ends the
//!   machine.
//! - `guest report`: a service that says what it was started with.
//! - `guest unshare net|user+net COMMAND…`: becomes COMMAND in namespaces of its own.
//! - `guest modprobe MODULE`: loads a kernel module, behind those that it needs.
//! - `guest exit CODE`: a service that ends with CODE.

mod report;
mod script;
mod tree;

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
    let flags = if user { CloneFlags::CLONE_NEWUSER } else { CloneFlags::empty() };
    sched::unshare(flags | CloneFlags::CLONE_NEWNET)?;
    if user {
        fs::write("/proc/self/uid_map", "0 0 1")?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/gid_map", "0 0 1")?;
    }
    Ok(())
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
