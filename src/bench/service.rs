//! Finding the service that a load test is aimed at: by its process, or by the port or the path that it listens on.

use std::path::{Path, PathBuf};

use crate::counters::processes::with_descendants;
use crate::linux::listeners::{self, ListenAddress, Listener, find_holders, sockets_of};
use crate::linux::namespaces::{is_same_network, within_network_of};
use crate::linux::netlink::Connection;
use crate::linux::process::{NamedProcess, ProcessDir};
use crate::preflight::load::Target;
use crate::preflight::stock::addresses;
use crate::sys::Netlink;
use crate::verdict::observation::Settings;

use super::settings;

/// The service, as it was found before a run.
#[derive(Debug)]
pub(super) struct Service {
    /// Its process, where one was named, or could be found.
    pub(super) pid: Option<i32>,
    /// The name of that.
    pub(super) name: String,
    /// That process and those below it.
    pub(super) processes: Vec<i32>,
    /// The network namespace that it is in.
    pub(super) network: Network,
    /// Its listening sockets, by their inode numbers; nothing where they could not be seen.
    pub(super) listeners: Option<Vec<u32>>,
    /// All its sockets.
    pub(super) sockets: Vec<u32>,
    /// The ports that it listens on.
    pub(super) ports: Vec<u16>,
    /// Where it listens, for people.
    pub(super) address: Option<String>,
}

/// A network namespace, and what is needed to look into it.
#[derive(Debug)]
pub(super) struct Network {
    /// `/proc/PID/net` of a process in it, or our own.
    pub(super) folder: PathBuf,
    /// Whether it is our own, which is that of the load tester.
    pub(super) is_ours: bool,
    /// For its sockets; nothing where it can't be entered.
    pub(super) sockets: Option<Connection>,
    /// For the queues of its interfaces, likewise.
    pub(super) queues: Option<Connection>,
    /// The settings that bound it.
    pub(super) settings: Settings,
}

impl Network {
    /// Our own network namespace.
    pub(super) fn own(proc: &Path) -> Self {
        Self {
            folder: proc.join("self/net"),
            is_ours: true,
            sockets: Connection::open(Netlink::SockDiag).ok(),
            queues: Connection::open(Netlink::Route).ok(),
            settings: settings::read(proc),
        }
    }

    /// That of a process.
    fn of(proc: &Path, pid: i32) -> Self {
        if is_same_network(proc, pid) == Some(true) {
            return Self::own(proc);
        }
        let folder = proc.join(pid.to_string()).join("net");
        match within_network_of(proc, pid, || Self::own(proc)) {
            Ok(inside) => Self { folder, is_ours: false, ..inside },
            Err(error) => {
                log::warn!("pid {pid}: its sockets are not seen: {error}");
                Self { folder, is_ours: false, sockets: None, queues: None, settings: Settings::default() }
            }
        }
    }
}

impl Service {
    /// The service of process `pid`; of its listeners only those on the port that is tested, where it has one there.
    pub(super) fn of_process(proc: &Path, pid: i32, target: Option<&Target>) -> Self {
        let mut network = Network::of(proc, pid);
        let processes = with_descendants(proc, &[pid]);
        let sockets: Vec<u32> = processes.iter().flat_map(|pid| sockets_of(*pid, proc)).collect();
        let all = network.sockets.as_mut().and_then(|connection| listeners::all(connection).ok());
        let own = all.map(|all| {
            let own: Vec<Listener> = all.into_iter().filter(|listener| sockets.contains(&listener.inode)).collect();
            let tested: Vec<Listener> =
                own.iter().filter(|its| target.is_some_and(|t| is_at(its, t))).cloned().collect();
            if tested.is_empty() { own } else { tested }
        });
        // Somebody else's descriptors can't be seen: then none of its sockets is known.
        let own = own.filter(|_| !sockets.is_empty() || proc.join(pid.to_string()).join("fd").read_dir().is_ok());
        let name = ProcessDir::of(proc, pid).name().ok().flatten().unwrap_or_default();
        Self::new(Some(pid), name, processes, network, sockets, own)
    }

    /// The service that listens at `target` in our network namespace.
    pub(super) fn at(proc: &Path, target: &Target) -> Option<Self> {
        let mut network = Network::own(proc);
        let all = listeners::all(network.sockets.as_mut()?).ok()?;
        let mut tested: Vec<Listener> = all.into_iter().filter(|listener| is_at(listener, target)).collect();
        find_holders(&mut tested, proc);
        let holder = tested.first()?.holder.clone();
        let processes = holder.as_ref().map(|holder| with_descendants(proc, &[holder.pid])).unwrap_or_default();
        let sockets = processes.iter().flat_map(|pid| sockets_of(*pid, proc)).collect();
        let NamedProcess { pid, name } = holder.clone().unwrap_or(NamedProcess { pid: 0, name: String::new() });
        Some(Self::new(holder.map(|_| pid), name, processes, network, sockets, Some(tested)))
    }

    fn new(
        pid: Option<i32>,
        name: String,
        processes: Vec<i32>,
        network: Network,
        sockets: Vec<u32>,
        listeners: Option<Vec<Listener>>,
    ) -> Self {
        let own = listeners.as_deref().unwrap_or_default();
        let address = own.first().map(|listener| listener.address.to_string());
        let port = |listener: &Listener| match listener.address {
            ListenAddress::Tcp(port, _) => Some(port),
            ListenAddress::Unix(_) => None,
        };
        let ports = own.iter().filter_map(port).collect();
        let listeners = listeners.map(|own| own.iter().map(|listener| listener.inode).collect());
        Self { pid, name, processes, network, listeners, sockets, ports, address }
    }
}

/// Whether a socket listens where requests are sent to. One that listens on every address does.
fn is_at(listener: &Listener, target: &Target) -> bool {
    match (&listener.address, target) {
        (ListenAddress::Tcp(port, ip), Target::Tcp(host, tested)) => {
            port == tested && (ip.is_unspecified() || addresses(host).iter().any(|its| its == &ip.to_canonical()))
        }
        (ListenAddress::Unix(name), Target::Unix(path)) => name == path,
        _ => false,
    }
}

/// Whether something listens there, in our network namespace; nothing where that can't be seen.
pub(super) fn is_listening(network: &mut Network, target: &Target) -> Option<bool> {
    let all = listeners::all(network.sockets.as_mut()?).ok()?;
    Some(all.iter().any(|listener| is_at(listener, target)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(address: ListenAddress) -> Listener {
        Listener { address, backlog: 1, waiting: 0, drops: None, holder: None, inode: 1 }
    }

    #[test]
    fn a_listener_on_every_address_is_at_each() {
        let target = Target::Tcp("127.0.0.1".to_owned(), 8080);
        let tcp = |ip: &str, port| listener(ListenAddress::Tcp(port, ip.parse().unwrap()));
        for (listener, expected) in [
            (tcp("127.0.0.1", 8080), true),
            (tcp("0.0.0.0", 8080), true),
            (tcp("::", 8080), true),
            (tcp("::ffff:127.0.0.1", 8080), true),
            (tcp("127.0.0.2", 8080), false),
            (tcp("127.0.0.1", 8081), false),
            (listener(ListenAddress::Unix("127.0.0.1".to_owned())), false),
        ] {
            assert_eq!(is_at(&listener, &target), expected, "{}", listener.address);
        }
        let unix = Target::Unix("/run/a".to_owned());
        assert!(is_at(&listener(ListenAddress::Unix("/run/a".to_owned())), &unix));
    }
}
