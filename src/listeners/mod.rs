//! The sockets that listen in our network namespace, and who holds them.
//!
//! The length of a queue of connections is taken at listen(2): raising `net.core.somaxconn` later changes
//! nothing until the service listens again. So of a service that runs, only the socket itself tells.

mod reply;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use crate::context::ancestry::{self, Ancestor};
use crate::model::order::by_place;
use crate::sys;

/// A TCP socket that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// The most connections that its queue takes, as it was cut to at listen(2).
    pub backlog: u32,
    /// How many wait in it now.
    pub waiting: u32,
    /// A process that holds it, where one could be found in its network namespace.
    pub holder: Option<Ancestor>,
    /// The socket's number among files, by which its holder is found.
    pub inode: u32,
}

/// The TCP sockets of our network namespace whose queue takes fewer connections than `allowed`, by their ports.
/// `processes` is `/proc`, where those who hold them are looked for.
///
/// # Errors
/// The kernel knows no such question (`ENOENT`, `EPROTONOSUPPORT`), or did not answer it.
pub fn shorter_than(allowed: u64, processes: &Path) -> io::Result<Vec<Listener>> {
    let mut socket = File::from(sys::diagnosis_socket()?);
    let mut short = Vec::new();
    for family in reply::FAMILIES {
        socket.write_all(&reply::question(family))?;
        let mut buffer = vec![0; reply::LONGEST];
        loop {
            let length = socket.read(&mut buffer)?;
            let answer = reply::read(&buffer[..length]).map_err(io::Error::from_raw_os_error)?;
            for listener in answer.listeners.into_iter().filter(|listener| u64::from(listener.backlog) < allowed) {
                let at = short.partition_point(|other| place(other) <= place(&listener));
                short.insert(at, listener);
            }
            if answer.last {
                break;
            }
        }
    }
    find_holders(&mut short, processes);
    Ok(short)
}

fn place(listener: &Listener) -> (u16, IpAddr) {
    (listener.address.port(), listener.address.ip())
}

/// Looks for the processes of our network namespace that hold these sockets. One socket may have several, as
/// where a service's workers have inherited it: then the first, which started the others.
fn find_holders(listeners: &mut [Listener], processes: &Path) {
    let network = |pid: &str| fs::read_link(processes.join(pid).join("ns/net")).ok();
    let Some(ours) = network("self") else { return };
    let entries = processes.read_dir().into_iter().flatten().flatten();
    let pids: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for pid in by_place(pids, |pid| usize::try_from(*pid).unwrap_or_default()) {
        if listeners.iter().all(|listener| listener.holder.is_some()) {
            return;
        }
        if network(&pid.to_string()).as_ref() != Some(&ours) {
            continue;
        }
        for inode in sockets_of(pid, processes) {
            for listener in listeners.iter_mut().filter(|l| l.inode == inode && l.holder.is_none()) {
                let name = ancestry::name_of(processes, pid).unwrap_or_default();
                listener.holder = Some(Ancestor { pid, name });
            }
        }
    }
}

/// The sockets that a process has open: links to `socket:[INODE]` (proc(5)).
fn sockets_of(pid: i32, processes: &Path) -> impl Iterator<Item = u32> {
    let entries = processes.join(pid.to_string()).join("fd").read_dir().into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let to = fs::read_link(entry.path()).ok()?;
        to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}
