//! The independent reader: the kernel's own files, read without any of tunectl's code.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process;
use std::time::{Duration, Instant};

/// What stands in a key, named by its path below /proc/sys, with single blanks between its words.
pub(crate) fn sysctl(path: &str) -> String {
    // In one read: a list that is longer than the buffer ends there, and the next read finds nothing
    // (`proc_do_large_bitmap`, kernel/sysctl.c). `read_to_string` begins with a small buffer.
    let mut buffer = vec![0; 1 << 20];
    let file = fs::File::open(format!("/proc/sys/{path}"));
    let length = file.and_then(|mut file| file.read(&mut buffer)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let text = std::str::from_utf8(&buffer[..length]).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Puts `text` into a key. Only keys that belong to a namespace, and only from inside a new one.
pub(crate) fn put(path: &str, text: &str) {
    assert!(path.starts_with("net/"), "{path} may be the whole machine's");
    assert!(!exists("net/core/netdev_max_backlog"), "this is the machine's own network namespace");
    fs::write(format!("/proc/sys/{path}"), text).unwrap_or_else(|error| panic!("{path}: {error}"));
}

pub(crate) fn exists(path: &str) -> bool {
    fs::exists(format!("/proc/sys/{path}")).unwrap()
}

/// A limit of a process, soft and hard, by its title in /proc/PID/limits.
pub(crate) fn limit(pid: u32, title: &str) -> (String, String) {
    limits(pid).remove(title).unwrap_or_else(|| panic!("no `{title}`"))
}

/// All limits of a process by their titles, such as `Max open files`.
pub(crate) fn limits(pid: u32) -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let row = |line: &str| {
        // Titles hold blanks; the columns start at fixed places (`proc_pid_limits`, fs/proc/base.c).
        let (title, values) = line.split_at(26);
        let mut values = values.split_whitespace().map(str::to_owned);
        (title.trim().to_owned(), (values.next().unwrap(), values.next().unwrap()))
    };
    text.lines().skip(1).map(row).collect()
}

/// Fields of /proc/PID/status by name.
pub(crate) fn status(pid: u32) -> BTreeMap<String, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    text.lines().filter_map(|line| line.split_once(":\t")).map(|(a, b)| (a.to_owned(), b.trim().to_owned())).collect()
}

/// The open descriptors of a process and what they lead to.
pub(crate) fn descriptors(pid: u32) -> BTreeMap<String, String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(Result::unwrap);
    let target = |entry: &fs::DirEntry| fs::read_link(entry.path()).unwrap().to_string_lossy().into_owned();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), target(&entry))).collect()
}

/// Waits until a process has become the program `name`.
pub(crate) fn wait_for_program(child: &mut process::Child, name: &str) {
    let file = format!("/proc/{}/comm", child.id());
    until(&format!("pid {} is not `{name}`", child.id()), || {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("it ended before it was `{name}`: {status}");
        }
        fs::read_to_string(&file).is_ok_and(|comm| comm.trim_end() == name)
    });
}

/// How long anything may take that is waited for, on a machine that is busy with other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so, for [`PATIENCE`] at most.
pub(crate) fn until(otherwise: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{otherwise} after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
