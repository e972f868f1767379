//! What a machine has for a load test.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

use super::Reading;
use super::load::{Load, Target};
use super::machine::Machine;
use crate::counters::processes::descriptor_limit;
use crate::counters::sockets;
use crate::linux::listeners::{self, ListenAddress, Listener};
use crate::linux::netlink::Connection;
use crate::sys::Netlink;

/// What there is of a need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Supply {
    /// So much of it, in the unit of the need.
    Found(u64),
    /// It is not bounded here: there is no conntrack table.
    NotApplicable,
    /// It could not be read, or is on another machine.
    #[default]
    Unknown,
}

/// What the machine has. `None` where it can't be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// The soft limit of open files of a process that is started here.
    pub client_descriptors: Option<u64>,
    /// That of the service, where its process is known.
    pub service_descriptors: Option<u64>,
    /// Local ports that are not in use towards the destination.
    pub free_ports: Option<u64>,
    /// Whether a port in `TIME_WAIT` is used again after a second (`tcp_tw_reuse`).
    pub reuses_ports: bool,
    /// The queue of the listener that is tested, where it is on this machine.
    pub queue: Option<u64>,
    /// `net.core.somaxconn`, where the service is on this machine.
    pub somaxconn: Option<u64>,
    /// Free entries of the conntrack table.
    pub conntrack: Supply,
    /// Memory that is available, in bytes.
    pub memory: Option<u64>,
    /// Whether the service is on this machine.
    pub is_local: bool,
}

/// Whether a host is this machine, in our network namespace. What is sent to an address of our own gets that address as
/// its source; that a socket can be bound to it tells nothing where the namespace has no address at all
/// (`inet_addr_type`), or with `net.ipv4.ip_nonlocal_bind`.
#[must_use]
pub fn is_local(host: &str) -> bool {
    addresses(host).into_iter().any(|ip| ip.is_loopback() || is_own(ip).unwrap_or(false))
}

/// The addresses of a host, by name or by itself.
#[must_use]
pub fn addresses(host: &str) -> Vec<IpAddr> {
    let found = (host, 0).to_socket_addrs();
    found.into_iter().flatten().map(|address| address.ip().to_canonical()).collect()
}

fn is_own(ip: IpAddr) -> io::Result<bool> {
    let any = if ip.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    // Sends nothing: it chooses a route and a source. 9 is the discard port.
    socket.connect(SocketAddr::new(ip, 9))?;
    Ok(socket.local_addr()?.ip() == ip)
}

impl Machine {
    /// What this machine has for a load test.
    #[must_use]
    pub fn stock(&self, load: &Load, client_descriptors: Option<u64>) -> Stock {
        let is_local = match &load.target {
            Some(Target::Tcp(host, _)) => is_local(host),
            Some(Target::Unix(_)) => true,
            None => false,
        };
        let on_loopback = |host: &String| addresses(host).iter().all(IpAddr::is_loopback);
        let loopback = matches!(&load.target, Some(Target::Tcp(host, _)) if on_loopback(host));
        let here = is_local || self.has_service();
        Stock {
            client_descriptors,
            service_descriptors: self.service_descriptors(here),
            free_ports: self.free_ports(),
            reuses_ports: self.reuses_ports(loopback),
            queue: self.queue(here),
            somaxconn: self.somaxconn().filter(|_| here),
            conntrack: self.free_conntrack(),
            memory: self.available_memory(),
            is_local,
        }
    }

    /// Whether the service's process was named.
    fn has_service(&self) -> bool {
        self.places.pid.is_some()
    }

    /// The soft limit of open files of the service: of the process that was named, else of one that listens on the port.
    fn service_descriptors(&self, here: bool) -> Option<u64> {
        let proc = self.places.root.join("proc");
        let holder = || {
            let mut tested = self.tested_listeners().filter(|_| here)?;
            listeners::find_holders(&mut tested, &proc);
            tested.into_iter().find_map(|listener| Some(listener.holder?.pid))
        };
        descriptor_limit(&proc, self.places.pid.or_else(holder)?)
    }

    /// Of the listeners on the tested port, the shortest queue.
    fn queue(&self, here: bool) -> Option<u64> {
        let tested = self.tested_listeners().filter(|_| here)?;
        tested.iter().map(|listener| u64::from(listener.backlog)).min()
    }

    fn tested_listeners(&self) -> Option<Vec<Listener>> {
        let target = self.places.target?;
        let mut all = listeners::all(&mut Connection::open(Netlink::SockDiag).ok()?).ok()?;
        all.retain(|listener| matches!(listener.address, ListenAddress::Tcp(port, _) if port == target));
        Some(all)
    }

    /// The value of `net.core.somaxconn`.
    fn somaxconn(&self) -> Option<u64> {
        self.number("proc/sys/net/core/somaxconn").ok()
    }

    /// Ports that are not in use towards the fullest destination with the tested port.
    fn free_ports(&self) -> Option<u64> {
        let mut connection = Connection::open(Netlink::SockDiag).ok()?;
        let count = sockets::fullest_destination(&mut connection, self.places.target, &self.places.ports).ok()?;
        Some(self.available_ports().ok()?.saturating_sub(count.unwrap_or_default().used))
    }

    /// `net.ipv4.tcp_tw_reuse`: 1, or towards the loopback interface 2 (ip-sysctl.rst).
    fn reuses_ports(&self, loopback: bool) -> bool {
        let reuse = self.number("proc/sys/net/ipv4/tcp_tw_reuse");
        matches!(reuse, Ok(1)) || (loopback && matches!(reuse, Ok(2)))
    }

    /// Free entries of the conntrack table.
    fn free_conntrack(&self) -> Supply {
        let max = match self.number("proc/sys/net/netfilter/nf_conntrack_max") {
            Err(Reading::NotApplicable) => return Supply::NotApplicable,
            max => max.ok(),
        };
        let count = self.number("proc/sys/net/netfilter/nf_conntrack_count").ok();
        max.zip(count).map_or(Supply::Unknown, |(max, count)| Supply::Found(max.saturating_sub(count)))
    }

    /// `MemAvailable`, in bytes.
    fn available_memory(&self) -> Option<u64> {
        let text = self.text("proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().split(' ').next()?.parse::<u64>().ok()?.checked_mul(1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_our_own_are_local() {
        assert!(is_local("127.0.0.1") && is_local("127.9.9.9") && is_local("localhost"));
        assert!(!is_local("192.0.2.1"), "kept for documentation, RFC 5737");
        assert!(!is_local("no such host."));
    }
}
