//! The sockets that listen in our network namespace, and who holds them.
//!
//! The length of a queue of connections is taken at listen(2): raising `net.core.somaxconn` later changes
//! nothing until the service listens again. So of a service that runs, only the socket itself tells.

mod reply;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::Path;

use crate::environment::parent_process::{self, ParentProcess};
use crate::model::order::by_place;
use crate::sys;

/// Where a socket listens; in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// TCP, port and address.
    Tcp(u16, std::net::IpAddr),
    /// A path, or with `@` an abstract name, unix(7). Empty where it has none.
    Unix(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port, ip) => SocketAddr::new(*ip, *port).fmt(f),
            Self::Unix(name) => f.write_str(name),
        }
    }
}

/// A socket that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where it listens.
    pub address: Address,
    /// The most connections that its queue takes, as it was cut to at listen(2).
    pub backlog: u32,
    /// How many wait in it now.
    pub waiting: u32,
    /// A process that holds it, where one could be found in its network namespace.
    pub holder: Option<ParentProcess>,
    /// The socket's number among files, by which its holder is found.
    pub inode: u32,
}

/// The sockets of our network namespace, TCP and unix(7), whose queue takes fewer connections than `allowed`.
/// `processes` is `/proc`, where those who hold them are looked for.
///
/// # Errors
/// The kernel knows no such question (`ENOENT`, `EPROTONOSUPPORT`), or did not answer it.
pub fn shorter_than(allowed: u64, processes: &Path) -> io::Result<Vec<Listener>> {
    let mut short = Vec::new();
    for family in reply::FAMILIES {
        let listeners = match ask(family) {
            // The module for these may be missing where that for TCP is there.
            Err(error) if family == reply::UNIX => {
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
    find_holders(&mut short, processes);
    Ok(short)
}

/// All listeners of a family.
fn ask(family: u8) -> io::Result<Vec<Listener>> {
    let mut socket = File::from(sys::diagnosis_socket()?);
    socket.write_all(&reply::question(family))?;
    let (mut buffer, mut listeners) = (vec![0; reply::LONGEST], Vec::new());
    loop {
        let length = socket.read(&mut buffer)?;
        let answer = reply::read(&buffer[..length]).map_err(io::Error::from_raw_os_error)?;
        listeners.extend(answer.listeners);
        if answer.last {
            return Ok(listeners);
        }
    }
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
                let name = parent_process::name_of(processes, pid).unwrap_or_default();
                listener.holder = Some(ParentProcess { pid, name });
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
