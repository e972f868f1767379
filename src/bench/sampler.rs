//! Watching one run: counters before and after, samples in between. Every sample reads a few files and one list of
//! listeners, whatever the number of connections; what grows with that is looked at by its `Pace`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::pace::{Pace, next_sample};
use super::seen::{Datagrams, Drops, Ports, Processes, Transfers};
use super::service::{Network, Service, is_listening};
use super::settings::available_ports;
use crate::counters::cgroup::{Group, groups};
use crate::counters::sockets::{PortCount, fullest_destination, is_port_held, udp_sockets};
use crate::counters::{Counter, Snapshot, read, sockets};
use crate::linux::cgroup::Cgroups;
use crate::linux::listeners::{self, ListenAddress};
use crate::linux::process::ProcessDir;
use crate::preflight::load::{Load, Target};
use crate::preflight::stock::is_local;
use crate::verdict::observation::{self, Cgroup, Observation, Outcome, Sample, Use};

/// Where things are read.
#[derive(Clone, Debug)]
pub struct Places {
    /// The root of the file system, usually `/`.
    pub root: PathBuf,
    /// `/proc` in it.
    pub proc: PathBuf,
}

/// What one run is watched with.
#[derive(Debug)]
pub struct Sampler<'a> {
    places: &'a Places,
    load: &'a Load,
    started: Instant,
    own: Network,
    service: Option<Service>,
    before: Before,
    client: Processes,
    service_processes: Processes,
    samples: Vec<Sample>,
    drops: Drops,
    datagrams: Datagrams,
    ports: Ports,
    transfers: Transfers,
    last_of_service: Option<Snapshot>,
}

/// Counters before the run.
#[derive(Debug)]
struct Before {
    client: Snapshot,
    service: Option<Snapshot>,
    host: Snapshot,
    client_drops: BTreeMap<u32, u64>,
    service_drops: BTreeMap<u32, u64>,
    client_groups: Option<Vec<(Group, Snapshot)>>,
    service_groups: Option<Vec<(Group, Snapshot)>>,
}

impl<'a> Sampler<'a> {
    /// Reads what is to be compared later. `pid` is the service's process where one was named.
    #[must_use]
    pub fn new(places: &'a Places, load: &'a Load, pid: Option<i32>) -> Self {
        let proc = &places.proc;
        let target = load.target.as_ref();
        let named = pid.map(|pid| Service::of_process(proc, pid, target));
        let service = named.or_else(|| target.and_then(|target| Service::at(proc, target)));
        let mut own = Network::own(proc);
        let own_groups = Cgroups::own(&places.root).ok();
        let its_groups = service.as_ref().and_then(|service| Cgroups::of(&places.root, service.pid?).ok());
        let before = Before {
            client: network(&mut own),
            service: None,
            host: read::host(proc),
            client_drops: drops(&mut own),
            service_drops: BTreeMap::new(),
            client_groups: own_groups.as_ref().map(counted),
            service_groups: its_groups.as_ref().map(counted),
        };
        let roots = service.as_ref().map(|service| service.processes.clone()).unwrap_or_default();
        let mut sampler = Self {
            places,
            load,
            started: Instant::now(),
            own,
            service,
            before,
            client: Processes::new(Vec::new()),
            service_processes: Processes::new(roots),
            samples: Vec::new(),
            drops: Drops::default(),
            datagrams: Datagrams::default(),
            ports: Ports::default(),
            transfers: Transfers::default(),
            last_of_service: None,
        };
        if let Some(service) = &mut sampler.service {
            sampler.before.service = Some(network(&mut service.network));
            sampler.before.service_drops = drops(&mut service.network);
        }
        sampler.ports.before = sampler.count_ports().map_or(0, |count| count.used);
        sampler.sample_at(Duration::ZERO);
        sampler
    }

    /// The run has begun: the load tester is this process.
    pub fn start(&mut self, pid: i32) {
        self.started = Instant::now();
        self.client = Processes::new(vec![pid]);
    }

    /// Takes a sample; says at which moment since the start the next one is due.
    pub fn sample(&mut self) -> Duration {
        let at = self.started.elapsed();
        self.sample_at(at);
        next_sample(self.started.elapsed())
    }

    /// For how long the run has been going on.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The newest sample, for showing how it goes.
    #[must_use]
    pub fn latest(&self) -> Option<&Sample> {
        self.samples.last()
    }

    fn sample_at(&mut self, at: Duration) {
        let proc = self.places.proc.clone();
        let mut sample = Sample { at, ..Sample::default() };
        self.look_at_listeners(&mut sample);
        self.client.look(&proc, at);
        self.service_processes.look(&proc, at);
        sample.client_descriptors = self.client.descriptors(&proc);
        sample.service_descriptors = self.service_processes.descriptors(&proc);
        let now = read::network(&self.own.folder);
        let mut entries = now.get(Counter::ConntrackEntries).ok();
        if let Some(service) = self.service.as_ref().filter(|service| !service.network.is_ours) {
            let its = read::network(&service.network.folder);
            entries = entries.max(its.get(Counter::ConntrackEntries).ok());
            // A service that ends takes the way into its namespace with it.
            if its.get(Counter::PassiveOpens).is_ok() {
                self.last_of_service = Some(its);
            }
        }
        sample.conntrack = entries;
        sample.tcp_memory = self.tcp_memory();
        self.look_at_ports(at, &now);
        self.look_at_transfers(at);
        self.samples.push(sample);
    }

    /// The queues of the service's listeners, and what they dropped.
    fn look_at_listeners(&mut self, sample: &mut Sample) {
        let Some(service) = &mut self.service else { return };
        let (Some(connection), Some(own)) = (service.network.sockets.as_mut(), &service.listeners) else { return };
        let Ok(all) = listeners::all(connection) else { return };
        for listener in all.iter().filter(|listener| own.contains(&listener.inode)) {
            let queue = Use { used: listener.waiting.into(), limit: listener.backlog.into() };
            let slot = match listener.address {
                ListenAddress::Tcp(..) => &mut sample.accept_queue,
                ListenAddress::Unix(_) => &mut sample.unix_queue,
            };
            // The one with the fewest places left.
            let left = |queue: Use| i128::from(queue.limit) - i128::from(queue.used);
            if slot.is_none_or(|other| left(queue) < left(other)) {
                *slot = Some(queue);
            }
            self.drops.note(listener.inode, listener.drops.unwrap_or(0));
        }
    }

    /// The control group with a bound on the memory of TCP that is nearest to it.
    fn tcp_memory(&self) -> Option<Use> {
        let groups = [&self.before.service_groups, &self.before.client_groups].into_iter().flatten().flatten();
        let uses = groups.filter_map(|(group, _)| {
            let limit = group.tcp_memory_limit()?;
            Some(Use { used: group.tcp_memory().ok()?, limit })
        });
        uses.max_by_key(|its| u128::from(its.used) * 1000 / u128::from(its.limit.max(1)))
    }

    /// Only where there are so many sockets that the range may be used up.
    fn look_at_ports(&mut self, at: Duration, now: &Snapshot) {
        let sockets = [Counter::SocketsInUse, Counter::Sockets6InUse, Counter::SocketsTimeWait];
        let all: u64 = sockets.into_iter().filter_map(|counter| now.get(counter).ok()).sum();
        let many = available_ports(&self.own.settings).is_some_and(|available| all * 100 >= available * 95);
        if !many || !self.ports.pace.is_due(at) {
            return;
        }
        let from = Instant::now();
        let count = self.count_ports();
        self.ports.note(count);
        self.ports.pace.took(at, from.elapsed());
    }

    fn count_ports(&mut self) -> Option<PortCount> {
        let listening = self.service.as_ref().map(|service| service.ports.clone()).unwrap_or_default();
        let count = fullest_destination(self.own.sockets.as_mut()?, self.load.port(), &listening).ok()?;
        Some(count.unwrap_or_default())
    }

    fn look_at_transfers(&mut self, at: Duration) {
        if !self.transfers.pace.is_due(at) {
            return;
        }
        let from = Instant::now();
        let port = self.load.port().or_else(|| self.service.as_ref()?.ports.first().copied());
        let mut flows = self.own.sockets.as_mut().and_then(|c| sockets::flows(c, port).ok()).unwrap_or_default();
        let ports = self.service.as_ref().map(|service| service.ports.clone()).unwrap_or_default();
        if let Some(service) = self.service.as_mut().filter(|service| !service.network.is_ours) {
            flows.extend(
                service.network.sockets.as_mut().and_then(|c| sockets::flows(c, port).ok()).unwrap_or_default(),
            );
        }
        self.transfers.note(&flows, &ports);
        if let Some(service) = &mut self.service {
            let its = service.network.sockets.as_mut().and_then(|c| udp_sockets(c, &service.sockets).ok());
            self.datagrams.note(its.unwrap_or_default().iter().map(|its| (its.inode, its.drops, its.buffer)));
        }
        self.transfers.pace.took(at, from.elapsed());
    }

    /// The run is over: what was seen of it.
    #[must_use]
    pub fn finish(mut self, outcome: Outcome) -> Observation {
        let duration = self.started.elapsed();
        self.transfers.pace = Pace::from(Duration::ZERO);
        self.sample_at(duration);
        let count = self.count_ports();
        self.ports.note(count);
        let target = self.target();
        let proc = self.places.proc.clone();
        let client_network = network(&mut self.own).since(&self.before.client);
        let host = read::host(&proc).since(&self.before.host);
        let client = observation::Client {
            outcome,
            network: client_network,
            settings: self.own.settings.clone(),
            cgroups: self.before.client_groups.as_deref().map(moved),
            busiest_thread: self.client.busiest(),
            ports: self.ports.seen(available_ports(&self.own.settings)),
            connections: self.load.connections,
            dropping_interface: dropping(&mut self.own, &self.before.client_drops),
        };
        let before = self.before;
        let (processes, drops, datagrams) = (self.service_processes, self.drops, self.datagrams);
        let last = self.last_of_service;
        let service = self.service.map(|mut service| {
            let after = network(&mut service.network);
            // Where the way into its namespace is gone, the last sample is the nearest to the end.
            let after = match last {
                Some(last) if after.get(Counter::PassiveOpens).is_err() => last,
                _ => after,
            };
            let listening = service.listeners.is_some();
            let interface = dropping(&mut service.network, &before.service_drops);
            observation::Service {
                died: service.pid.is_some_and(|pid| has_ended(&proc, pid)),
                pid: service.pid,
                name: service.name,
                network: after.since(before.service.as_ref().unwrap_or(&before.client)),
                settings: service.network.settings,
                cgroups: before.service_groups.as_deref().map(moved),
                busiest_thread: processes.busiest(),
                listener_drops: listening.then(|| drops.total()),
                datagram_drops: datagrams.total(),
                datagram_buffer: datagrams.buffer(),
                address: service.address,
                dropping_interface: interface,
            }
        });
        let transfer = self.transfers.result();
        Observation { duration, client, service, host, samples: self.samples, target, transfer }
    }

    /// The tested port, where it is on this machine and in our namespace.
    fn target(&mut self) -> Option<observation::Target> {
        let target = self.load.target.as_ref()?;
        let Target::Tcp(host, port) = target else { return None };
        if !is_local(host) {
            return None;
        }
        let elsewhere = self.service.as_ref().filter(|service| !service.network.is_ours);
        let there = elsewhere.is_some_and(|service| service.ports.contains(port));
        let listening = there || is_listening(&mut self.own, target)?;
        let taken = !listening && is_port_held(self.own.sockets.as_mut()?, *port).ok()?;
        Some(observation::Target { port: *port, listening, taken })
    }
}

/// Whether a process is gone, or a zombie that nobody has waited for.
fn has_ended(proc: &Path, pid: i32) -> bool {
    match ProcessDir::of(proc, pid).stat() {
        Ok(Some(stat)) => stat.has_ended(),
        Ok(None) => true,
        // Without procfs nothing is known.
        Err(_) => false,
    }
}

/// The counters of a network namespace, those of its queues among them.
fn network(network: &mut Network) -> Snapshot {
    let mut snapshot = read::network(&network.folder);
    if let Some(connection) = &mut network.queues {
        let drops = read::qdisc_drops(connection);
        snapshot.set(Counter::QdiscDrops, drops.as_ref().map(|drops| drops.values().sum()).map_err(|unknown| *unknown));
    }
    snapshot
}

/// What each interface dropped so far.
fn drops(network: &mut Network) -> BTreeMap<u32, u64> {
    network.queues.as_mut().and_then(|connection| read::qdisc_drops(connection).ok()).unwrap_or_default()
}

/// The interface that dropped most since, where one did.
fn dropping(network: &mut Network, before: &BTreeMap<u32, u64>) -> Option<String> {
    let moved = drops(network)
        .into_iter()
        .map(|(number, now)| (now.saturating_sub(before.get(&number).copied().unwrap_or(0)), number));
    let (_, number) = moved.max().filter(|(dropped, _)| *dropped > 0)?;
    read::interface_name(&network.folder, number)
}

fn counted(cgroups: &Cgroups) -> Vec<(Group, Snapshot)> {
    groups(cgroups).into_iter().map(|group| (group.clone(), group.counters())).collect()
}

fn moved(groups: &[(Group, Snapshot)]) -> Vec<Cgroup> {
    let cgroup = |(group, before): &(Group, Snapshot)| Cgroup {
        path: group.path().display().to_string(),
        unified: group.unified,
        counters: group.counters().since(before),
        tcp_memory_limit: group.tcp_memory_limit(),
        pids_max: group.pids_max(),
    };
    groups.iter().map(cgroup).collect()
}
