//! The sockets that listen in our network namespace, and the processes that hold them.
//!
//! The length of a queue of connections is fixed at listen(2): raising `net.core.somaxconn` later changes nothing
//! until the service listens again. So for a service that runs, only the socket itself tells.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::{fmt, fs};

use super::netlink::Connection;
use super::process::{self, NamedProcess};
use super::sock_diag::{SocketDetails, SocketFamily, SocketState, inet_sockets, unix_listeners};
use crate::sys::{self, Netlink};

/// Where a socket listens; in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenAddress {
    /// TCP, port and address.
    Tcp(u16, IpAddr),
    /// A path, or with `@` an abstract name, unix(7). Empty where it has none.
    Unix(String),
}

impl fmt::Display for ListenAddress {
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
    /// The address that it is bound to.
    pub address: ListenAddress,
    /// The most connections that its queue takes, as the kernel cut it at listen(2).
    pub backlog: u32,
    /// How many wait in it now.
    pub waiting: u32,
    /// How many connection requests it dropped since it listens; nothing where the kernel does not say, as of unix(7).
    pub drops: Option<u32>,
    /// A process that holds it, where one could be found in its network namespace.
    pub holder: Option<NamedProcess>,
    /// The inode number of the socket, by which its holder is found.
    pub inode: u32,
}

/// The sockets of our network namespace, TCP and unix(7), whose queue takes fewer connections than `allowed`.
/// The processes that hold them are looked for in `proc`, where procfs is mounted.
///
/// # Errors
/// The kernel was built without `sock_diag(7)` (`ENOENT`, `EPROTONOSUPPORT`), or did not answer.
pub fn shorter_than(allowed: u64, proc: &Path) -> io::Result<Vec<Listener>> {
    let mut short = all(&mut Connection::open(Netlink::SockDiag)?)?;
    short.retain(|listener| u64::from(listener.backlog) < allowed);
    short.sort_by(|one, other| one.address.cmp(&other.address));
    find_holders(&mut short, proc);
    Ok(short)
}

/// All listening sockets of a connection's network namespace, TCP and unix(7), without those who hold them.
///
/// # Errors
/// As [`shorter_than`].
pub fn all(connection: &mut Connection) -> io::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    let details = SocketDetails { memory: true, timing: false };
    for family in [SocketFamily::Tcp4, SocketFamily::Tcp6] {
        // Of a listener, the queues are numbers of connections (`tcp_diag_get_info`, `net/ipv4/tcp_diag.c`).
        inet_sockets(connection, family, &[SocketState::LISTEN], details, &mut |socket| {
            listeners.push(Listener {
                address: ListenAddress::Tcp(socket.local.port(), socket.local.ip()),
                backlog: socket.send_queue,
                waiting: socket.receive_queue,
                drops: socket.memory.map(|memory| memory.drops),
                holder: None,
                inode: socket.inode,
            });
        })?;
    }
    let unix = unix_listeners(connection, &mut |socket| {
        let (address, backlog, waiting) = (ListenAddress::Unix(socket.name), socket.backlog, socket.waiting);
        listeners.push(Listener { address, backlog, waiting, drops: None, holder: None, inode: socket.inode });
    });
    // The module for these may be missing where that for TCP is there.
    if let Err(error) = unix {
        log::info!("listening sockets of unix(7): {}", sys::strerror(&error));
    }
    Ok(listeners)
}

/// Looks for the processes of our network namespace that hold these sockets. One socket may have several, as
/// where a service's workers have inherited it: then the one with the lowest PID, which started the others. Processes
/// that we may not look at are passed over.
pub fn find_holders(listeners: &mut [Listener], proc: &Path) {
    let network = |process: &str| fs::read_link(proc.join(process).join("ns/net")).ok();
    let Some(ours) = network("self") else { return };
    let mut pids = process::pids(proc).unwrap_or_default();
    pids.sort_unstable();
    let mut without: HashMap<u32, Vec<&mut Listener>> = HashMap::new();
    for listener in listeners.iter_mut().filter(|listener| listener.holder.is_none()) {
        without.entry(listener.inode).or_default().push(listener);
    }
    for pid in pids {
        if without.is_empty() {
            return;
        }
        if network(&pid.to_string()).as_ref() != Some(&ours) {
            continue;
        }
        let mut holder = None;
        for inode in sockets_of(pid, proc) {
            for listener in without.remove(&inode).into_iter().flatten() {
                listener.holder = Some(holder.get_or_insert_with(|| NamedProcess::read(proc, pid)).clone());
            }
        }
    }
}

/// The inode numbers of the sockets that a process has open, by links to `socket:[INODE]`, `proc_pid_fd(5)`.
pub fn sockets_of(pid: i32, proc: &Path) -> impl Iterator<Item = u32> {
    let descriptors = proc.join(pid.to_string()).join("fd").read_dir().into_iter().flatten().map_while(Result::ok);
    descriptors.filter_map(|descriptor| {
        let target = fs::read_link(descriptor.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}
