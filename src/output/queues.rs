//! Listening sockets whose queues are shorter than they could be.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use serde::Serialize;

use super::remedies::backlog_line;
use super::{Colour, Detail};
use crate::catalog;
use crate::linux::listeners::{ListenAddress, Listener};
use crate::linux::process::NamedProcess;
use crate::snippet::visible;

/// The queues that are too short, and for what.
#[derive(Clone, Debug)]
pub struct Queues {
    /// The connections that a queue takes at most where the profile holds: `net.core.somaxconn`.
    pub allowed: u64,
    /// The sockets whose queues take fewer.
    pub listeners: Vec<Listener>,
}

/// So many listeners of one process with queues of one length have a line each; more have one line together.
const SHOWN_ALONE: usize = 3;

impl Queues {
    /// A warning and a table, or nothing where no queue is too short.
    pub(super) fn table(&self, detail: Detail, colour: Colour) -> String {
        let mut text = String::new();
        if self.listeners.is_empty() {
            return text;
        }
        let groups = self.groups();
        let rows: Vec<[String; 4]> = groups.iter().flat_map(|group| folded(group, detail)).map(row).collect();
        let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0).max(HEADS[at].len());
        let (address, queue, waiting) = (width(0), width(1), width(2));
        let warning = format!("listen queues shorter than the {} connections that the kernel allows:", self.allowed);
        let _ = writeln!(text, "\n{}", colour.doubtful(warning));
        let line = |[a, q, w, holder]: [&str; 4]| format!("{a:<address$}  {q:<queue$}  {w:<waiting$}  {holder}");
        let _ = writeln!(text, "{}", colour.faint(line(HEADS)));
        for [a, q, w, holder] in &rows {
            let _ = writeln!(text, "{}", line([a, q, w, holder]));
        }
        let _ = writeln!(text, "    {} {WHY}", colour.faint("why:"));
        let mut told = HashSet::new();
        let shown = groups.iter().flat_map(|group| folded(group, Detail::Short)).filter_map(|sockets| sockets.first());
        for remedy in shown.map(|socket| self.remedy(socket)) {
            let line = format!("    {} {}\n", colour.faint("remedy:"), visible(&remedy));
            text += if told.insert(remedy) { &line } else { "" };
        }
        text
    }

    /// The listeners of one process with queues of one length together, in the order of the first of each.
    fn groups(&self) -> Vec<Vec<&Listener>> {
        let mut groups: Vec<Vec<&Listener>> = Vec::new();
        let mut places = HashMap::new();
        for listener in &self.listeners {
            let of = (listener.holder.as_ref().map(|holder| holder.pid), listener.backlog);
            let at = *places.entry(of).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[at].push(listener);
        }
        groups
    }

    /// Where and how the service is told the length of its queue.
    fn remedy(&self, listener: &Listener) -> String {
        let name = listener.holder.as_ref().map_or("", |holder| holder.name.as_str());
        let row = catalog::backlog(name);
        let address = match &listener.address {
            ListenAddress::Unix(path) => row.unix_prefix.to_owned() + path,
            address @ ListenAddress::Tcp(..) => address.to_string(),
        };
        let line = backlog_line(row, &address, self.allowed);
        let service = if name.is_empty() { "the service" } else { name };
        format!("in {}: `{line}`, then restart {service}", row.place)
    }

    /// The same as data, each listener by itself.
    pub(super) fn entries(&self) -> Vec<ListenerEntry<'_>> {
        self.listeners.iter().map(|listener| self.entry(listener)).collect()
    }

    fn entry<'a>(&self, listener: &'a Listener) -> ListenerEntry<'a> {
        let (family, address, port) = match &listener.address {
            ListenAddress::Tcp(port, ip) => ("tcp", ip.to_string(), Some(*port)),
            ListenAddress::Unix(name) => ("unix", name.clone(), None),
        };
        let process = listener.holder.as_ref().map(|holder| Holder { name: &holder.name, pid: holder.pid });
        let (allowed, backlog, waiting) = (self.allowed, listener.backlog, listener.waiting);
        let remedy = self.remedy(listener);
        ListenerEntry { address, allowed, backlog, family, port, process, remedy, waiting, why: WHY }
    }
}

/// A socket in the JSON output.
#[derive(Serialize)]
pub(super) struct ListenerEntry<'a> {
    address: String,
    allowed: u64,
    backlog: u32,
    family: &'static str,
    port: Option<u16>,
    process: Option<Holder<'a>>,
    remedy: String,
    waiting: u32,
    why: &'static str,
}

#[derive(Serialize)]
struct Holder<'a> {
    name: &'a str,
    pid: i32,
}

const HEADS: [&str; 4] = ["LISTENER", "QUEUE", "WAITING", "PROCESS"];
const WHY: &str = "a queue gets its length at listen(2): the service's own backlog, at most net.core.somaxconn";

/// The sockets of a group by line: those of one address, or all where there are many addresses.
fn folded<'s, 'l>(group: &'s [&'l Listener], detail: Detail) -> Vec<&'s [&'l Listener]> {
    // Sorted by address, so that sockets that share one (`SO_REUSEPORT`) are neighbours.
    let addresses: Vec<&[&Listener]> = group.chunk_by(|one, other| one.address == other.address).collect();
    if addresses.len() <= SHOWN_ALONE || detail == Detail::Full { addresses } else { vec![group] }
}

/// One line for these sockets: the first address, and how many sockets there are besides.
fn row(sockets: &[&Listener]) -> [String; 4] {
    let first = sockets.first();
    let address = first.map(|first| visible(&first.address.to_string())).unwrap_or_default();
    let address = match sockets.len() {
        0 | 1 => address,
        count => format!("{address} and {} more", count - 1),
    };
    let queue = first.map_or(0, |first| first.backlog);
    let waiting: u64 = sockets.iter().map(|socket| u64::from(socket.waiting)).sum();
    let holder = first.and_then(|first| first.holder.as_ref());
    let holder = holder.map_or_else(|| "?".to_owned(), shown);
    [address, queue.to_string(), waiting.to_string(), holder]
}

fn shown(NamedProcess { pid, name }: &NamedProcess) -> String {
    format!("{}, pid {pid}", visible(name))
}
