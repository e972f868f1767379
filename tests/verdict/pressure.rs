//! The same counters in the metrics of `watch`: of its own network namespace, and of that of a process.

#![allow(clippy::float_cmp, reason = "whole numbers, as they were printed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::evidence::counters;
use crate::scene::{Background, loopback_up, probe, wait_for_listener};
use crate::support::namespaces::{dies_with_us, inside, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

/// Series with their values.
fn metrics(options: &[&str]) -> BTreeMap<String, f64> {
    let scratch = Scratch::new();
    scratch.write("p.toml", "[linux.sysctl]\nnet.core.somaxconn = { at_least = 1 }\n");
    let mut watch = tunectl();
    watch.args(["watch", "--once", "-p", "p.toml", "--metrics", "m.prom"]).args(options).current_dir(scratch.path());
    let output = watch.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(scratch.path().join("m.prom")).unwrap();
    let series = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    series.collect()
}

#[test]
fn overflows_queues_and_ports_are_metrics() {
    inside(this_test!(), || {
        loopback_up();
        // A listener that nobody accepts from, and connections that wait in its queue.
        let service = Background::start("serve port=8080 backlog=4096 beside=3");
        wait_for_listener("port=8081");
        wait_for_listener("port=8080");
        let before = metrics(&[]);
        assert_eq!(before["tunectl_listen_overflows_total{namespace=\"own\"}"], 0.0);
        let loading = Background::start("load port=8081 connections=8 patience=60000");
        crate::support::kernel::until("the queue does not overflow", || counters()["TcpExt.ListenOverflows"] >= 1);
        let now = metrics(&["--pid", &service.pid().to_string()]);
        let own = |name: &str| now[&format!("tunectl_{name}{{namespace=\"own\"}}")];
        assert!(own("listen_overflows_total") >= 1.0 && own("listen_drops_total") >= 1.0, "{now:?}");
        assert_eq!((own("accept_queue_used"), own("accept_queue_limit")), (4.0, 3.0), "{now:?}");
        assert!(own("local_ports_used") >= 8.0 && own("local_ports_available") > 1000.0, "{now:?}");
        assert_eq!(own("somaxconn").to_string(), fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim());
        assert!(now["tunectl_files_open{of=\"process\"}"] >= 4.0, "{now:?}");
        // It is in our own namespace: that is not there twice.
        assert!(!now.keys().any(|series| series.contains("namespace=\"process\"")), "{now:?}");
        drop(loading);
    });
}

/// A process in another network namespace, as of a container.
#[test]
fn another_namespace_has_series_of_its_own() {
    inside(this_test!(), || {
        loopback_up();
        let mut elsewhere = Command::new("unshare");
        elsewhere.arg("--net").arg(probe()).args(["serve", "port=8080"]);
        let mut service = dies_with_us(&mut elsewhere).spawn().unwrap();
        let net = format!("/proc/{}/net/tcp", service.id());
        crate::support::kernel::until("it does not listen", || {
            fs::read_to_string(&net).is_ok_and(|table| table.contains(":1F90 00000000:0000 0A"))
        });
        fs::write("/proc/sys/net/core/somaxconn", "555").unwrap();
        let now = metrics(&["--pid", &service.id().to_string()]);
        assert_eq!(now["tunectl_somaxconn{namespace=\"own\"}"], 555.0);
        assert_ne!(now["tunectl_somaxconn{namespace=\"process\"}"], 555.0, "{now:?}");
        assert!(now.contains_key("tunectl_listen_overflows_total{namespace=\"process\"}"), "{now:?}");
        assert_eq!(now["tunectl_accept_queue_limit{namespace=\"process\"}"], 4096.0, "{now:?}");
        drop((service.kill(), service.wait()));
    });
}

/// The rules of the examples name metrics that there are, and promtool finds nothing wrong with them.
#[test]
fn rules_of_the_examples() {
    inside(this_test!(), || {
        loopback_up();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/prometheus/tunectl.rules.yml");
        let rules = fs::read_to_string(&path).unwrap();
        let word = |c: char| c.is_ascii_lowercase() || c == '_';
        let exprs: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
        assert!(exprs.len() >= 10, "{exprs:?}");
        // The queue of a listener is there only where something listens.
        let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let there = metrics(&["--pid", &std::process::id().to_string()]);
        for name in exprs.iter().flat_map(|expr| expr.split(|c| !word(c))).filter(|name| name.starts_with("tunectl_")) {
            let is_there = there.keys().any(|series| series.split('{').next() == Some(name));
            // Only where connection tracking is loaded.
            assert!(is_there || name.contains("conntrack"), "{name}: {there:?}");
        }
        match Command::new("promtool").args(["check", "rules"]).arg(&path).output() {
            Ok(checked) => assert!(checked.status.success(), "{checked:?}"),
            Err(error) => eprintln!("promtool(1) does not run: {error}"),
        }
    });
}

/// Of a service in another network namespace the counters are read there.
#[test]
fn the_verdict_of_a_service_elsewhere() {
    inside(this_test!(), || {
        loopback_up();
        let mut elsewhere = Command::new("unshare");
        elsewhere
            .arg("--net")
            .arg("sh")
            .args(["-c", "ip link set lo up; exec \"$0\" serve port=8080 backlog=16 accept=3"]);
        elsewhere.arg(probe());
        let mut service = dies_with_us(&mut elsewhere).spawn().unwrap();
        let net = format!("/proc/{}/net", service.id());
        let read = |file: &str| fs::read_to_string(format!("{net}/{file}")).unwrap_or_default();
        crate::support::kernel::until("it does not listen", || read("tcp").contains(":1F90 00000000:0000 0A"));
        let before = counters()["TcpExt.ListenOverflows"];
        // The load tester enters the service's namespace; whoever watches stays outside.
        let pid = service.id();
        let load = "load port=8080 connections=200 requests=2 keep=0 patience=1500";
        let line = format!("nsenter --net=/proc/{pid}/ns/net {} {load}", probe().display());
        let document = crate::scene::bench_of(Some(pid), &[], &["sh", "-c", &line]);
        assert_eq!(counters()["TcpExt.ListenOverflows"], before, "nothing overflows here");
        let overflows = document["runs"][0]["counters"]["service"]["TcpExt.ListenOverflows"].as_u64();
        assert!(overflows >= Some(10), "{:#}", document["runs"][0]);
        assert_eq!(document["verdict"]["limit"], "accept-queue", "{:#}", document["verdict"]);
        drop((service.kill(), service.wait()));
    });
}
