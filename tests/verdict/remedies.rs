//! The remedy that is printed, followed: then the limit is gone.

use std::process::Command;

use serde_json::Value;

use crate::evidence::{LISTENERS, Need, really};
use crate::scene::{Background, Sysctl, loopback_up, wait_for_listener, witnessed};
use crate::support::namespaces::{inside, this_test};
use crate::support::test::program;

/// Runs the first line that is for a shell, as whoever reads it would; `sudo` does nothing for root.
fn follow(verdict: &Value) -> String {
    let remedies = verdict["remedies"].as_array().unwrap();
    let line = remedies.iter().find(|remedy| remedy["place"] == "shell").unwrap_or_else(|| panic!("{verdict:#}"));
    let line = line["text"].as_str().unwrap().trim_start_matches("sudo ").to_owned();
    let (_, binary) = program();
    let state = std::env::temp_dir().join(format!("tunectl-verdict-state-{}", std::process::id()));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let done =
        Command::new("sh").args(["-c", &line]).env("PATH", path).env("TUNECTL_JOURNAL", &state).output().unwrap();
    drop(std::fs::remove_dir_all(&state));
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    line
}

fn limit(document: &Value) -> &str {
    document["verdict"]["limit"].as_str().unwrap()
}

#[test]
fn more_descriptors_for_the_service() {
    const LOAD: &str = "load port=8080 connections=100 requests=3 hold=600 patience=1500";
    inside(this_test!(), || {
        loopback_up();
        let service = Background::start("serve port=8080 nofile=40");
        wait_for_listener("port=8080");
        let starved = really("too few", || witnessed(&[Need::Descriptors(40)], &service, LOAD));
        assert_eq!(limit(&starved), "service-descriptors");
        let line = follow(&starved["verdict"]);
        assert!(line.contains(&format!("--pid {}", service.pid())), "{line}");
        let control = really("enough", || witnessed(&[Need::Answered(300)], &service, LOAD));
        assert_eq!(limit(&control), "none");
    });
}

#[test]
fn a_wider_range_of_ports() {
    const LOAD: &str = "load port=8080 connections=200 requests=2 hold=300";
    inside(this_test!(), || {
        loopback_up();
        let _narrow = Sysctl::set("ipv4/ip_local_port_range", "40000 40099");
        let service = Background::start("serve port=8080");
        wait_for_listener("port=8080");
        let none_left = [Need::Said("Cannot assign requested address")];
        let starved = really("too few", || witnessed(&none_left, &service, LOAD));
        assert_eq!(limit(&starved), "ephemeral-ports");
        follow(&starved["verdict"]);
        let control = really("enough", || witnessed(&[Need::Answered(400)], &service, LOAD));
        assert_eq!(limit(&control), "none");
    });
}

/// The setting by the command, the service's own queue by its configuration.
#[test]
fn a_longer_queue() {
    const LOAD: &str = "load port=8080 connections=200 requests=2 keep=0 patience=1500";
    // On a busy machine the queue may be long enough, and the service slow all the same.
    const PATIENT: &str = "load port=8080 connections=200 requests=2 keep=0 patience=20000";
    inside(this_test!(), || {
        loopback_up();
        let _short = Sysctl::set("core/somaxconn", "16");
        let service = Background::start("serve port=8080 backlog=64 accept=3");
        wait_for_listener("port=8080");
        let overflow = [Need::Rose(&["TcpExt.ListenOverflows"], 20)];
        let starved = really("too short", || witnessed(&overflow, &service, LOAD));
        assert_eq!(
            (limit(&starved), starved["verdict"]["setting"].as_str()),
            ("accept-queue", Some("net.core.somaxconn"))
        );
        follow(&starved["verdict"]);
        let remedies = starved["verdict"]["remedies"].as_array().unwrap();
        let own = remedies.iter().find(|remedy| remedy["place"] == "service").unwrap()["text"].as_str().unwrap();
        let length: u32 = own.trim_end_matches(')').rsplit(' ').next().unwrap().parse().unwrap();
        drop(service);
        let service = Background::start(&format!("serve port=8080 backlog={length} accept=3"));
        wait_for_listener("port=8080");
        let enough = [Need::Still(LISTENERS), Need::Answered(400)];
        let control = really("long enough", || witnessed(&enough, &service, PATIENT));
        assert_eq!(limit(&control), "none");
    });
}
