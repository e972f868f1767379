//! Listening sockets whose queues are shorter than they could be.

use std::fmt::Write;

use serde::Serialize;

use super::Colour;
use crate::linux::listeners::{ListenAddress, Listener};
use crate::snippet::visible;

/// The queues that are too short, and for what.
#[derive(Clone, Debug)]
pub struct Queues {
    /// The connections that a queue takes at most where the profile holds: `net.core.somaxconn`.
    pub allowed: u64,
    /// The sockets whose queues take fewer.
    pub listeners: Vec<Listener>,
}

impl Queues {
    /// A warning and a table, or nothing where no queue is too short.
    pub(super) fn table(&self, colour: Colour) -> String {
        let mut text = String::new();
        if self.listeners.is_empty() {
            return text;
        }
        let rows: Vec<[String; 4]> = self.listeners.iter().map(row).collect();
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
        let _ = writeln!(text, "    {} {REMEDY}", colour.faint("remedy:"));
        text
    }

    /// The same as data.
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
        ListenerEntry { address, allowed, backlog, family, port, process, remedy: REMEDY, waiting, why: WHY }
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
    remedy: &'static str,
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
const REMEDY: &str = "raise the service's own backlog where that is lower, then restart the service";

fn row(listener: &Listener) -> [String; 4] {
    let holder = match &listener.holder {
        Some(holder) => format!("{}, pid {}", visible(&holder.name), holder.pid),
        None => "?".to_owned(),
    };
    [visible(&listener.address.to_string()), listener.backlog.to_string(), listener.waiting.to_string(), holder]
}
