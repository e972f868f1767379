//! What is gathered over the samples of a run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::pace::Pace;
use crate::counters::processes::{descriptor_limit, open_descriptors, thread_times, with_descendants};
use crate::counters::sockets::{Flow, PortCount};
use crate::linux::sock_diag::TcpTiming;
use crate::verdict::observation::{NEARLY_FULL, PortUse, Receiver, Transfer, Use};

/// A side's processes: their descriptors, and the CPU time of their threads.
#[derive(Debug)]
pub(super) struct Processes {
    roots: Vec<i32>,
    pids: Vec<i32>,
    limits: BTreeMap<i32, u64>,
    threads: BTreeMap<i32, ThreadTime>,
    tree: Pace,
    cpu: Pace,
}

/// The CPU time of a thread in nanoseconds, and when it was read.
#[derive(Clone, Copy, Debug)]
struct ThreadTime {
    first: u64,
    first_at: Duration,
    last: u64,
    last_at: Duration,
}

impl Processes {
    /// These, and those that they start.
    pub(super) fn new(roots: Vec<i32>) -> Self {
        let start = Pace::from(Duration::ZERO);
        let pids = roots.clone();
        Self { roots, pids, limits: BTreeMap::new(), threads: BTreeMap::new(), tree: start, cpu: start }
    }

    /// Looks for new processes and at the CPU time of all, as far as it is time to.
    pub(super) fn look(&mut self, proc: &Path, at: Duration) {
        if self.roots.is_empty() {
            return;
        }
        if self.tree.is_due(at) {
            let from = Instant::now();
            self.pids = with_descendants(proc, &self.roots);
            // A process may change its own limit, as Go's runtime does.
            let limit = |pid: &i32| Some((*pid, descriptor_limit(proc, *pid)?));
            self.limits = self.pids.iter().filter_map(limit).collect();
            self.tree.took(at, from.elapsed());
        }
        if self.cpu.is_due(at) {
            let from = Instant::now();
            for pid in self.pids.clone() {
                for (thread, time) in thread_times(proc, pid) {
                    self.note(thread, time, at);
                }
            }
            self.cpu.took(at, from.elapsed());
        }
    }

    fn note(&mut self, thread: i32, time: u64, at: Duration) {
        // One that has begun since the start of the run has used all its time in it.
        let (first, first_at) = if at.is_zero() { (time, at) } else { (0, Duration::ZERO) };
        let seen = self.threads.entry(thread).or_insert(ThreadTime { first, first_at, last: time, last_at: at });
        (seen.last, seen.last_at) = (time, at);
    }

    /// The descriptors of the process that has the smallest part of its limit left.
    pub(super) fn descriptors(&self, proc: &Path) -> Option<Use> {
        let uses = self
            .pids
            .iter()
            .filter_map(|pid| Some(Use { used: open_descriptors(proc, *pid).ok()?, limit: *self.limits.get(pid)? }));
        uses.max_by_key(|its| u128::from(its.used) * 1_000_000 / u128::from(its.limit.max(1)))
    }

    /// The time of the busiest thread, in thousandths of a CPU.
    pub(super) fn busiest(&self) -> Option<u64> {
        let shares = self.threads.values().filter_map(|thread| {
            let time = thread.last_at.checked_sub(thread.first_at).filter(|time| !time.is_zero())?;
            let share = u128::from(thread.last.saturating_sub(thread.first)) * 1000 / time.as_nanos();
            u64::try_from(share).ok()
        });
        shares.max()
    }
}

/// What sockets dropped since they were first seen, by their inode numbers.
#[derive(Debug, Default)]
pub(super) struct Drops(BTreeMap<u32, (u32, u32)>);

impl Drops {
    /// What a socket has dropped so far.
    pub(super) fn note(&mut self, inode: u32, drops: u32) {
        let (first, last) = self.0.entry(inode).or_insert((drops, drops));
        // Another socket with the number of one that is gone starts anew.
        if drops < *last {
            *first = 0;
        }
        *last = drops;
    }

    /// What all of them dropped meanwhile.
    pub(super) fn total(&self) -> u64 {
        self.0.values().map(|(first, last)| u64::from(last.saturating_sub(*first))).sum()
    }
}

/// The UDP sockets of the service.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    drops: Drops,
    /// What each dropped in all when it was last seen, and its buffer.
    buffers: BTreeMap<u32, (u32, u32)>,
}

impl Datagrams {
    /// Inode numbers, drops and receive buffers.
    pub(super) fn note(&mut self, sockets: impl Iterator<Item = (u32, u32, u32)>) {
        for (inode, drops, buffer) in sockets {
            self.drops.note(inode, drops);
            self.buffers.insert(inode, (drops, buffer));
        }
    }

    /// What they dropped; nothing where there was none.
    pub(super) fn total(&self) -> Option<u64> {
        (!self.buffers.is_empty()).then(|| self.drops.total())
    }

    /// The buffer of the one that dropped most.
    pub(super) fn buffer(&self) -> Option<u64> {
        self.buffers.values().max_by_key(|(drops, _)| *drops).map(|(_, buffer)| (*buffer).into())
    }
}

/// Ports in use towards the fullest destination.
#[derive(Debug)]
pub(super) struct Ports {
    /// Before the run.
    pub(super) before: u64,
    peak: Option<PortCount>,
    /// When they are counted next.
    pub(super) pace: Pace,
}

impl Default for Ports {
    fn default() -> Self {
        Self { before: 0, peak: None, pace: Pace::from(Duration::ZERO) }
    }
}

impl Ports {
    /// What was counted; nothing where that could not be.
    pub(super) fn note(&mut self, count: Option<PortCount>) {
        self.peak = self.peak.into_iter().chain(count).max_by_key(|count| count.used);
    }

    /// The peak, with how many there are.
    pub(super) fn seen(&self, available: Option<u64>) -> Option<PortUse> {
        let PortCount { used, time_wait } = self.peak?;
        Some(PortUse { used, time_wait, before: self.before, available: available? })
    }
}

/// Bulk transfers, and what held them up.
#[derive(Debug)]
pub(super) struct Transfers {
    first: Option<BTreeMap<(SocketAddr, SocketAddr), TcpTiming>>,
    last: TcpTiming,
    /// Of the receiver of the busiest sender, at each look: what waits in its buffer, the buffer, and whether it is the
    /// service's end.
    receivers: Vec<(u32, u32, bool)>,
    /// When they are looked at next.
    pub(super) pace: Pace,
}

impl Default for Transfers {
    fn default() -> Self {
        let last = TcpTiming { busy: 0, window_limited: 0, buffer_limited: 0 };
        Self { first: None, last, receivers: Vec::new(), pace: Pace::from(Duration::ZERO) }
    }
}

/// So many of the busiest connections are summed up.
const BUSIEST: usize = 32;

impl Transfers {
    /// Both ends of the connections, as they are now. `ports` are those that the service listens on.
    pub(super) fn note(&mut self, flows: &[Flow], ports: &[u16]) {
        let first = self.first.get_or_insert_with(|| flows.iter().map(|flow| (flow.ends, flow.timing)).collect());
        let since = |flow: &Flow| {
            let before = first.get(&flow.ends);
            let less = |now: u64, of: fn(&TcpTiming) -> u64| now.saturating_sub(before.map_or(0, of));
            TcpTiming {
                busy: less(flow.timing.busy, |timing| timing.busy),
                window_limited: less(flow.timing.window_limited, |timing| timing.window_limited),
                buffer_limited: less(flow.timing.buffer_limited, |timing| timing.buffer_limited),
            }
        };
        let mut senders: Vec<(TcpTiming, &Flow)> = flows.iter().map(|flow| (since(flow), flow)).collect();
        senders.sort_by_key(|(timing, _)| std::cmp::Reverse(timing.busy));
        senders.truncate(BUSIEST);
        let Some((busiest, sender)) = senders.first().filter(|(timing, _)| timing.busy > 0) else { return };
        let sum = |of: fn(&TcpTiming) -> u64| senders.iter().map(|(timing, _)| of(timing)).sum();
        let now = TcpTiming {
            busy: sum(|timing| timing.busy),
            window_limited: sum(|timing| timing.window_limited),
            buffer_limited: sum(|timing| timing.buffer_limited),
        };
        // At the end of the run most connections are gone.
        if now.busy >= self.last.busy {
            self.last = now;
        }
        let peer = flows.iter().find(|flow| flow.ends == (sender.ends.1, sender.ends.0));
        if let Some((peer, memory)) = peer.and_then(|peer| Some((peer, peer.memory?))).filter(|_| busiest.busy > 0) {
            let is_service = ports.contains(&peer.ends.0.port());
            self.receivers.push((memory.receive_used, memory.receive_buffer, is_service));
        }
    }

    /// Sums over the busiest connections; nothing where nothing was sent.
    pub(super) fn result(mut self) -> Option<Transfer> {
        if self.last.busy == 0 {
            return None;
        }
        // The one in the middle by how full it was.
        self.receivers.sort_by_key(|(used, buffer, _)| u64::from(*used) * 1000 / u64::from(*buffer).max(1));
        let full = |(used, buffer, _): &&(u32, u32, bool)| u64::from(*used) * 100 >= u64::from(*buffer) * NEARLY_FULL;
        let full = self.receivers.iter().filter(full).count() * 1000 / self.receivers.len().max(1);
        let receiver = self.receivers.get(self.receivers.len() / 2).map(|(used, buffer, is_service)| Receiver {
            buffer: (*buffer).into(),
            waiting: (*used).into(),
            full: u64::try_from(full).unwrap_or(1000),
            is_service: *is_service,
        });
        let TcpTiming { busy, window_limited, buffer_limited } = self.last;
        Some(Transfer { busy, window_limited, buffer_limited, receiver })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::sock_diag::SocketMemory;

    #[test]
    fn drops_are_counted_from_when_a_socket_was_first_seen() {
        let mut drops = Drops::default();
        for (inode, count) in [(1, 100), (2, 0), (1, 150), (2, 7)] {
            drops.note(inode, count);
        }
        assert_eq!(drops.total(), 57);
        drops.note(1, 3);
        assert_eq!(drops.total(), 10, "another socket has the number now");
    }

    #[test]
    fn the_busiest_thread_is_that_of_the_run() {
        let mut processes = Processes::new(vec![1]);
        let at = Duration::from_millis;
        processes.note(10, 5_000_000_000, at(0));
        processes.note(10, 5_900_000_000, at(1000));
        processes.note(11, 300_000_000, at(1000));
        assert_eq!(processes.busiest(), Some(900));
        assert_eq!(Processes::new(vec![]).busiest(), None);
    }

    fn flow(from: u16, to: u16, busy: u64, window: u64, used: u32) -> Flow {
        let end = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Flow {
            ends: (end(from), end(to)),
            memory: Some(SocketMemory { receive_used: used, receive_buffer: 4608, drops: 0 }),
            timing: TcpTiming { busy, window_limited: window, buffer_limited: 0 },
        }
    }

    #[test]
    fn what_held_a_transfer_up_and_the_receiver_of_it() {
        let mut transfers = Transfers::default();
        transfers.note(&[flow(8080, 40_000, 1000, 1000, 0), flow(40_000, 8080, 5, 0, 0)], &[8080]);
        for (busy, window, used) in [(2000, 1200, 4608), (3000, 1500, 100), (4000, 1600, 200)] {
            transfers.note(&[flow(8080, 40_000, busy, window, 0), flow(40_000, 8080, 5, 0, used)], &[8080]);
        }
        transfers.note(&[], &[8080]);
        let result = transfers.result().unwrap();
        assert_eq!((result.busy, result.window_limited), (3000, 600), "since the first look");
        assert_eq!(result.receiver, Some(Receiver { buffer: 4608, waiting: 200, full: 333, is_service: false }));
    }

    #[test]
    fn where_nothing_was_sent_there_is_no_transfer() {
        let mut transfers = Transfers::default();
        transfers.note(&[flow(1, 2, 0, 0, 0)], &[]);
        assert_eq!(transfers.result(), None);
    }
}
