//! Limits of the two ends: descriptors and ports.

use crate::evidence::{Need, Witness, really};
use crate::scene::{Background, Scene, bench, bench_of, loopback_up, wait_for_listener};
use crate::support::namespaces::{inside, this_test};

const DESCRIPTORS: Option<&str> = Some("nofile (soft)");
const RANGE: &str = "ipv4/ip_local_port_range";

#[test]
fn descriptors() {
    const FILES: Need = Need::Said("Too many open files");
    type Row<'a> = (&'a str, &'a str, &'a str, &'static [Need], &'static str, Option<&'static str>);
    let scenes: [Row<'static>; 6] = [
        (
            "the load tester has 64",
            "nofile=1024",
            "connections=100 nofile=64",
            &[FILES],
            "client-descriptors",
            DESCRIPTORS,
        ),
        (
            "the load tester has 50",
            "nofile=1024",
            "connections=200 nofile=50",
            &[FILES],
            "client-descriptors",
            DESCRIPTORS,
        ),
        (
            "the load tester has enough",
            "nofile=1024",
            "connections=100 nofile=1000",
            &[Need::Answered(300)],
            "none",
            None,
        ),
        (
            "the service has 40",
            "nofile=40",
            "connections=100",
            &[Need::Descriptors(40)],
            "service-descriptors",
            DESCRIPTORS,
        ),
        (
            "the service has 70",
            "nofile=70",
            "connections=150",
            &[Need::Descriptors(70)],
            "service-descriptors",
            DESCRIPTORS,
        ),
        ("the service has enough", "nofile=1000", "connections=100", &[Need::Answered(300)], "none", None),
    ];
    inside(this_test!(), || {
        loopback_up();
        for (name, service, load, needs, limit, setting) in scenes {
            let service = Box::leak(format!("serve port=8080 {service}").into_boxed_str());
            let load = Box::leak(format!("load port=8080 requests=3 hold=600 patience=1500 {load}").into_boxed_str());
            Scene { name, settings: &[], service, load, needs, limit, setting }.play();
        }
    });
}

#[test]
fn local_ports() {
    const NAME: Option<&str> = Some("net.ipv4.ip_local_port_range");
    let scenes = [
        Scene {
            name: "200 connections through 100 ports",
            settings: &[(RANGE, "40000 40099")],
            service: "serve port=8080",
            load: "load port=8080 connections=200 requests=2 hold=300",
            needs: &[Need::Said("Cannot assign requested address")],
            limit: "ephemeral-ports",
            setting: NAME,
        },
        Scene {
            name: "half of the range is reserved",
            settings: &[(RANGE, "40000 40199"), ("ipv4/ip_local_reserved_ports", "40000-40079")],
            service: "serve port=8085",
            load: "load port=8085 connections=200 requests=2 hold=300",
            needs: &[Need::Said("Cannot assign requested address")],
            limit: "ephemeral-ports",
            setting: NAME,
        },
        Scene {
            // Another port, towards which no connection of before is in TIME_WAIT.
            name: "90 connections through 100 ports",
            settings: &[(RANGE, "40000 40099")],
            service: "serve port=8090",
            load: "load port=8090 connections=90 requests=2 hold=300",
            needs: &[Need::Answered(180)],
            limit: "none",
            setting: None,
        },
        Scene {
            name: "many in TIME_WAIT of a wide range",
            settings: &[],
            service: "serve port=8095",
            load: "load port=8095 connections=20 requests=50 keep=0",
            needs: &[Need::TimeWait(900), Need::Answered(1000)],
            limit: "none",
            setting: None,
        },
    ];
    inside(this_test!(), || {
        loopback_up();
        scenes.iter().for_each(Scene::play);
    });
}

/// The load tester says which port it means only by a URL.
#[test]
fn a_port_that_an_outgoing_connection_has() {
    inside(this_test!(), || {
        loopback_up();
        let url = "http://127.0.0.1:41000/";
        let load = |port: &str| {
            let probe = crate::scene::probe();
            let line = format!("{} load port={port} connections=3; false", probe.display());
            vec!["sh".to_owned(), "-c".to_owned(), line, url.to_owned()]
        };
        let words = load("41000");
        let command: Vec<&str> = words.iter().map(String::as_str).collect();
        let refused = bench_of(None, &[], &command);
        let verdict = &refused["verdict"];
        assert_eq!(
            (verdict["limit"].as_str(), verdict["reason"].as_str()),
            (Some("none"), Some("refused")),
            "{verdict:#}"
        );
        let held = Background::start("hold local=41000");
        wait_for_local_port(41_000);
        let taken = bench_of(None, &[], &command);
        assert_eq!(taken["verdict"]["limit"], "port-taken", "{:#}", taken["verdict"]);
        assert_eq!(taken["verdict"]["setting"], "net.ipv4.ip_local_reserved_ports");
        drop(held);
    });
}

fn wait_for_local_port(port: u16) {
    let hex = format!(":{port:04X} ");
    crate::support::kernel::until("the port is not held", || {
        std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&hex)
    });
}

/// It is found by the port that the load tester is told.
#[test]
fn a_service_that_nobody_named() {
    inside(this_test!(), || {
        loopback_up();
        let service = Background::start("serve port=8080 nofile=40");
        wait_for_listener("port=8080");
        let probe = crate::scene::probe();
        let probe = probe.to_str().unwrap();
        let words =
            [probe, "load", "port=8080", "connections=100", "hold=600", "patience=1500", "http://localhost:8080/"];
        let document = really("descriptors of a service that nobody named", || {
            let witness = Witness::begin(&[Need::Descriptors(40)], service.pid());
            let document = bench_of(None, &[], &words);
            witness.end(&document).map(|()| document)
        });
        assert_eq!(document["verdict"]["limit"], "service-descriptors", "{:#}", document["verdict"]);
        let text = document["verdict"]["text"].as_str().unwrap();
        assert!(text.contains(&format!("load-probe (pid {})", service.pid())), "{text}");
        // Without a port, nobody knows what the service is: "none" is not claimed.
        let unknown = bench(None, "load port=8080 connections=1");
        assert_eq!(unknown["verdict"]["limit"], "unknown");
    });
}
