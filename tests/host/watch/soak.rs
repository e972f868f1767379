//! The daemon under constant rewriting, reloads and interfaces that come and go: it grows in nothing.
//!
//! `TUNECTL_SOAK_SECONDS` says how long; a few seconds without it. `TUNECTL_TEST_BINARY` names another program than
//! the one of this build, such as the static one: `.ci/run` has both run, that one for minutes.

use std::env;
use std::time::{Duration, Instant};

use super::watched::{Daemon, has_ip, ip};
use crate::support::kernel::{put, until};
use crate::support::namespaces::{inside, this_test};
use crate::support::scratch::Scratch;

/// glibc keeps what is freed for its next of the same size, seven of each (`mallopt(3)`, `glibc.malloc.tcache_count`),
/// and sizes go on to be met for minutes: 100 KiB that say nothing of what we hold. The static program has another
/// allocator, which doesn't.
const ALLOCATOR: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0");

/// Most that its memory may grow by after its first rounds, in KiB.
const SLACK_KIB: u64 = 64;

const PROFILE: &str = "[linux.sysctl]
net.core.somaxconn = 4096
\"net.ipv4.conf.*.arp_ignore\" = 1
\"net.ipv4.conf.*.log_martians\" = 0
\"net.ipv4.neigh.*.mcast_solicit\" = 3
\"net.ipv6.conf.*.hop_limit\" = { at_least = 1 }
";

#[test]
fn memory_and_descriptors_do_not_grow() {
    inside(this_test!(), || {
        if !has_ip(this_test!()) {
            return;
        }
        let seconds = env::var("TUNECTL_SOAK_SECONDS").map_or(10, |text| text.parse().unwrap());
        let end = Instant::now() + Duration::from_secs(seconds);
        put("net/core/somaxconn", "4096");
        let arguments = ["--interval", "200ms", "--repair", "--metrics", "@/tunectl.prom"];
        let daemon = Daemon::start_in(Scratch::new(), PROFILE, &arguments, &[ALLOCATOR]);
        daemon.line("watching [..]");
        for number in 0..3 {
            round(&daemon, 1_000_000 + number);
        }
        let (descriptors, held) = settle(&daemon);
        let mut rounds = 0;
        while Instant::now() < end || rounds < 3 {
            rounds += 1;
            round(&daemon, rounds);
        }
        let (descriptors_now, held_now) = settle(&daemon);
        eprintln!(
            "{rounds} rounds in {seconds} s: {held} KiB, then {held_now} KiB; {descriptors} descriptors, then {descriptors_now}"
        );
        assert!(descriptors_now <= descriptors, "from {descriptors} descriptors to {descriptors_now}");
        assert!(held_now <= held + SLACK_KIB, "from {held} KiB to {held_now} KiB in {rounds} rounds");
        assert_eq!(daemon.end(libc::SIGTERM), Some(0));
    });
}

/// Interfaces come, everything is rewritten, the profile changes and breaks, interfaces go.
fn round(daemon: &Daemon, number: u64) {
    // As the engines of containers do it, never the same name twice.
    let pair = format!("s{number}");
    ip(&["link", "add", &pair, "type", "veth", "peer", "name", &format!("{pair}p")]);
    for value in 0..200 {
        put("net/core/somaxconn", &(4096 + value % 2).to_string());
    }
    daemon.profile(&format!("{PROFILE}net.ipv4.tcp_fin_timeout = {}\n", 30 + number % 9));
    std::thread::sleep(Duration::from_millis(300));
    daemon.profile("broken");
    for value in 0..200 {
        put("net/core/somaxconn", &(4096 + value % 2).to_string());
    }
    ip(&["link", "delete", &pair]);
    daemon.profile(PROFILE);
    std::thread::sleep(Duration::from_millis(300));
    daemon.rest();
}

/// Waits until it has come to rest with the first profile, and gives its descriptors and pages.
fn settle(daemon: &Daemon) -> (usize, u64) {
    put("net/core/somaxconn", "4096");
    daemon.profile(PROFILE);
    daemon.line("reloaded: [..]");
    let mut last = 0;
    until("the number of descriptors does not come to rest", || {
        std::thread::sleep(Duration::from_millis(500));
        let (others, places) = daemon.descriptors();
        assert!(places < 40, "{places} directories are held");
        std::mem::replace(&mut last, others) == last
    });
    (last, daemon.anonymous_kib())
}
