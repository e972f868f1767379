//! A service that tells what it was started with.
//!
//! `probe report` prints everything a program finds at its start. `probe backlog N` listens, lets N clients
//! connect without accepting any, and prints how many the kernel took. `probe wait` stays until it is
//! killed, and `probe listen` listens meanwhile.
//!
//! There is no `main` of Rust's: its runtime would ignore SIGPIPE and open the standard descriptors that are
//! closed, and the report would be of that.
#![no_main]

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Nobody's address but this machine's, in a network namespace of the container's own.
const ADDRESS: &str = "127.0.0.1:7000";

// SAFETY: this program has no other function of that name, and the C runtime calls it as declared in C.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _values: *const *const u8) -> i32 {
    let line = fs::read("/proc/self/cmdline").unwrap();
    let line = String::from_utf8(line).unwrap();
    let arguments: Vec<&str> = line.split_terminator('\0').skip(1).collect();
    match arguments.as_slice() {
        ["report", keys @ ..] => report(&line, keys),
        ["backlog", count] => println!("taken {}", taken(count.parse().unwrap())),
        ["wait"] => wait(),
        ["listen"] => {
            let _listener = TcpListener::bind("0.0.0.0:7000").unwrap();
            wait();
        }
        ["exit", code] => return code.parse().unwrap(),
        other => panic!("expected `report`, `backlog N`, `wait`, `listen` or `exit CODE`, found {other:?}"),
    }
    0
}

/// One fact a line. `keys` are paths below /proc/sys to show, too.
fn report(line: &str, keys: &[&str]) {
    println!("command {}", line.replace('\0', " ").trim_end());
    println!("pid {}", std::process::id());
    println!("directory {}", std::env::current_dir().unwrap().display());
    let environment = String::from_utf8(fs::read("/proc/self/environ").unwrap()).unwrap();
    environment.split_terminator('\0').for_each(|variable| println!("environment {variable}"));
    let wanted = ["Umask", "Uid", "Gid", "Groups", "Sig", "Shd", "Cap", "NoNewPrivs", "Seccomp"];
    let status = fs::read_to_string("/proc/self/status").unwrap();
    // The number of queued signals is of the whole user, not of this process.
    let own = |line: &&str| wanted.iter().any(|name| line.starts_with(name)) && !line.starts_with("SigQ");
    status.lines().filter(own).for_each(|line| println!("status {}", line.replace('\t', " ")));
    for line in fs::read_to_string("/proc/self/limits").unwrap().lines().skip(1) {
        let (name, values) = line.split_at(26);
        let values: Vec<&str> = values.split_whitespace().take(2).collect();
        println!("limit {}: {}", name.trim_end(), values.join(" "));
    }
    descriptors().into_iter().for_each(|descriptor| println!("descriptor {descriptor}"));
    for key in keys {
        let value = fs::read_to_string(format!("/proc/sys/{key}")).unwrap();
        println!("sysctl {key} = {}", value.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

/// The numbers of the open descriptors, but for the one that lists them.
fn descriptors() -> Vec<u32> {
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let listing = |path: &std::path::PathBuf| fs::read_link(path).is_ok_and(|to| to.ends_with("fd"));
    let mut numbers: Vec<u32> = entries
        .filter(|path| !listing(path))
        .map(|path| path.file_name().unwrap().to_str().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

/// How many of `count` clients get a connection while nobody accepts: the length of the queue, and one more.
///
/// Rust's standard library asks for the longest queue there may be, so this is `net.core.somaxconn` at work.
fn taken(count: usize) -> usize {
    let listener = TcpListener::bind(ADDRESS).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let mut held = Vec::new();
    for _ in 0..count {
        match connect() {
            Some(stream) => held.push(stream),
            None => break,
        }
    }
    held.len()
}

fn wait() {
    println!("waiting");
    loop {
        std::thread::park();
    }
}
