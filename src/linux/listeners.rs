//! The sockets that listen in our network namespace, and the processes that hold them.
//!
//! The length of a queue of connections is fixed at listen(2): raising `net.core.somaxconn` later changes nothing
//! until the service listens again. So for a service that runs, only the socket itself tells.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::process::{self, NamedProcess};
use super::sock_diag;
pub use super::sock_diag::{ListenAddress, Listener};
use crate::model::order::by_place;
use crate::sys;

/// The sockets of our network namespace, TCP and unix(7), whose queue takes fewer connections than `allowed`.
/// The processes that hold them are looked for in `proc`, where procfs is mounted.
///
/// # Errors
/// The kernel was built without `sock_diag(7)` (`ENOENT`, `EPROTONOSUPPORT`), or did not answer.
pub fn shorter_than(allowed: u64, proc: &Path) -> io::Result<Vec<Listener>> {
    let mut short = Vec::new();
    for family in sock_diag::FAMILIES {
        let listeners = match ask(family) {
            // The module for these may be missing where that for TCP is there.
            Err(error) if family == sock_diag::AF_UNIX => {
                log::info!("listening sockets of unix(7): {}", sys::reason(&error));
                Vec::new()
            }
            asked => asked?,
        };
        for listener in listeners.into_iter().filter(|listener| u64::from(listener.backlog) < allowed) {
            let at = short.partition_point(|other: &Listener| other.address <= listener.address);
            short.insert(at, listener);
        }
    }
    find_holders(&mut short, proc);
    Ok(short)
}

/// All listeners of an address family.
fn ask(family: u8) -> io::Result<Vec<Listener>> {
    let mut socket = File::from(sys::diagnosis_socket()?);
    socket.write_all(&sock_diag::request(family))?;
    let (mut buffer, mut listeners) = (vec![0; sock_diag::LONGEST_PART], Vec::new());
    loop {
        let length = socket.read(&mut buffer)?;
        let part = sock_diag::parse(&buffer[..length]).map_err(io::Error::from_raw_os_error)?;
        listeners.extend(part.listeners);
        if part.last {
            return Ok(listeners);
        }
    }
}

/// Looks for the processes of our network namespace that hold these sockets. One socket may have several, as
/// where a service's workers have inherited it: then the one with the lowest PID, which started the others. Processes
/// that we may not look at are passed over.
fn find_holders(listeners: &mut [Listener], proc: &Path) {
    let network = |process: &str| fs::read_link(proc.join(process).join("ns/net")).ok();
    let Some(ours) = network("self") else { return };
    let pids = process::pids(proc).unwrap_or_default();
    for pid in by_place(pids, |pid| usize::try_from(*pid).unwrap_or_default()) {
        if listeners.iter().all(|listener| listener.holder.is_some()) {
            return;
        }
        if network(&pid.to_string()).as_ref() != Some(&ours) {
            continue;
        }
        for inode in sockets_of(pid, proc) {
            for listener in listeners.iter_mut().filter(|l| l.inode == inode && l.holder.is_none()) {
                listener.holder = Some(NamedProcess::read(proc, pid));
            }
        }
    }
}

/// The inode numbers of the sockets that a process has open, by links to `socket:[INODE]`, `proc_pid_fd(5)`.
fn sockets_of(pid: i32, proc: &Path) -> impl Iterator<Item = u32> {
    let descriptors = proc.join(pid.to_string()).join("fd").read_dir().into_iter().flatten().map_while(Result::ok);
    descriptors.filter_map(|descriptor| {
        let target = fs::read_link(descriptor.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}
