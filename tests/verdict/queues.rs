//! Limits of queues and buffers.

use crate::evidence::{LISTENERS, Need, Witness, really};
use crate::scene::{Background, Scene, Sysctl, has, ip, loopback_up, wait_for_listener, witnessed};
use crate::support::namespaces::{inside, skip, this_test};
use crate::support::scratch::Scratch;

const SOMAXCONN: (&str, &str) = ("core/somaxconn", "4096");
const MANY: &str = "load port=8080 connections=200 requests=2 keep=0 patience=1500";

#[test]
fn accept_queues() {
    let scenes = [
        Scene {
            name: "the service asks for 16",
            settings: &[SOMAXCONN],
            service: "serve port=8080 backlog=16 accept=3",
            load: MANY,
            needs: &[Need::Rose(&["TcpExt.ListenOverflows"], 20)],
            limit: "accept-queue",
            setting: Some("backlog"),
        },
        Scene {
            name: "somaxconn cuts it to 24",
            settings: &[("core/somaxconn", "24")],
            service: "serve port=8080 backlog=4096 accept=3",
            load: MANY,
            needs: &[Need::Rose(&["TcpExt.ListenOverflows"], 20)],
            limit: "accept-queue",
            setting: Some("net.core.somaxconn"),
        },
        Scene {
            name: "a queue that is long enough",
            settings: &[SOMAXCONN],
            service: "serve port=8080 backlog=4096 accept=3",
            // On a busy machine the service may be slow all the same.
            load: "load port=8080 connections=200 requests=2 keep=0 patience=20000",
            needs: &[Need::Still(LISTENERS), Need::Answered(400)],
            limit: "none",
            setting: None,
        },
        Scene {
            name: "a fast service with 8 places",
            settings: &[SOMAXCONN],
            service: "serve port=8080 backlog=1 accept=1",
            load: "load port=8080 connections=64 requests=8 keep=0 patience=1500",
            needs: &[Need::Rose(&["TcpExt.ListenOverflows"], 20)],
            limit: "accept-queue",
            setting: Some("backlog"),
        },
    ];
    inside(this_test!(), || {
        loopback_up();
        scenes.iter().for_each(Scene::play);
    });
}

/// `ListenOverflows` is the namespace's, and moves for any listener.
#[test]
fn the_queue_of_another_listener() {
    inside(this_test!(), || {
        loopback_up();
        // Who finds the queue full gives up after 3 seconds, not after two minutes.
        let _soon = Sysctl::set("ipv4/tcp_syn_retries", "1");
        let service = Background::start("serve port=8080 backlog=4096 beside=1");
        wait_for_listener("port=8081");
        wait_for_listener("port=8080");
        let probe = crate::scene::probe();
        let line = format!(
            "{0} load port=8081 connections=30 patience=500; {0} load port=8080 connections=10",
            probe.display()
        );
        let document = really("another listener", || {
            let witness = Witness::begin(&[Need::Rose(&["TcpExt.ListenOverflows"], 10)], service.pid());
            let words = ["sh", "-c", &line, "http://127.0.0.1:8080/"];
            let document = crate::scene::bench_of(Some(service.pid()), &[], &words);
            witness.end(&document).map(|()| document)
        });
        assert_eq!(document["verdict"]["limit"], "none", "{:#}", document["verdict"]);
        let notes = document["verdict"]["notes"].as_array().unwrap();
        assert!(notes.iter().any(|note| note["code"] == "other-listener"), "{notes:?}");
    });
}

#[test]
fn queues_of_unix_sockets() {
    inside(this_test!(), || {
        loopback_up();
        for (name, backlog, needs, limit, setting) in [
            ("4 places", 4, &[Need::UnixQueueFull], "unix-accept-queue", Some("backlog")),
            ("enough places", 128, &[Need::Answered(400)], "none", None),
        ] {
            let scratch = Scratch::for_a_socket();
            let path = scratch.path().join("socket");
            let (path, leak) = (path.display(), |text: String| -> &'static str { Box::leak(text.into_boxed_str()) });
            let scene = Scene {
                name,
                settings: &[],
                service: leak(format!("serve path={path} backlog={backlog} accept=3")),
                load: leak(format!("load path={path} connections=50 requests=8")),
                needs,
                limit,
                setting,
            };
            scene.play();
        }
    });
}

#[test]
fn receive_buffers_of_datagrams() {
    let scenes = [
        Scene {
            name: "a small buffer that is read slowly",
            settings: &[],
            service: "sink port=9000 buffer=4608 delay=100",
            load: "burst port=9000 count=20000",
            needs: &[Need::Rose(&["Udp.RcvbufErrors"], 100)],
            limit: "udp-receive-buffer",
            setting: Some("SO_RCVBUF"),
        },
        Scene {
            name: "the buffer that sockets start with",
            settings: &[],
            service: "sink port=9000 delay=2000",
            load: "burst port=9000 count=3000",
            needs: &[Need::Rose(&["Udp.RcvbufErrors"], 100)],
            limit: "udp-receive-buffer",
            setting: Some("net.core.rmem_default"),
        },
        Scene {
            name: "datagrams that come one by one",
            settings: &[],
            service: "sink port=9000",
            load: "burst port=9000 count=80 pause=3000",
            needs: &[Need::Still(&["Udp.RcvbufErrors"])],
            limit: "none",
            setting: None,
        },
    ];
    inside(this_test!(), || {
        loopback_up();
        scenes.iter().for_each(Scene::play);
    });
}

#[test]
fn receive_buffers_of_streams() {
    const RMEM: &str = "ipv4/tcp_rmem";
    let scenes = [
        Scene {
            name: "buffers that can't grow",
            settings: &[(RMEM, "4096 4608 4608")],
            service: "serve port=8080 send=4096",
            load: "pull port=8080 send=4096 time=1500",
            needs: &[Need::WindowClosed],
            limit: "tcp-receive-buffer",
            setting: Some("net.ipv4.tcp_rmem"),
        },
        Scene {
            name: "buffers that can",
            settings: &[(RMEM, "4096 131072 33554432")],
            service: "serve port=8080 send=4096",
            load: "pull port=8080 send=4096 time=1500",
            needs: &[Need::Rose(&["IpExt.InOctets"], 50 << 20)],
            limit: "none",
            setting: None,
        },
        Scene {
            name: "an application that reads slowly",
            settings: &[(RMEM, "4096 131072 33554432")],
            service: "serve port=8080 send=4096",
            load: "pull port=8080 send=4096 time=1500 delay=3000",
            needs: &[Need::WindowClosed],
            limit: "none",
            setting: None,
        },
    ];
    inside(this_test!(), || {
        loopback_up();
        scenes.iter().for_each(Scene::play);
    });
}

/// A veth pair, its first end with the address 10.1.0.1; nothing where that can't be had.
fn veth() -> Option<()> {
    if !has("ip", "link add v0 type veth peer name v1") {
        return None;
    }
    for words in ["addr add 10.1.0.1/24 dev v0", "link set v0 up", "link set v1 up"] {
        ip(words);
    }
    Some(())
}

const COOKIES: &str = "ipv4/tcp_syncookies";
const BACKLOG: &str = "ipv4/tcp_max_syn_backlog";
const LOAD: &str = "load port=8080 connections=20 requests=3 keep=0 patience=1500 pause=500";
// A queue that is full by `tcp_max_syn_backlog` has no counter of its own.
const BEYOND_OVERFLOWS: &[&str] = &["TcpExt.ListenDrops", "TcpExt.ListenOverflows"];
const COOKIES_SENT: &[&str] = &["TcpExt.SyncookiesSent"];
const SYN_QUEUES: [Scene; 5] = [
    Scene {
        name: "tcp_max_syn_backlog is 64",
        settings: &[SOMAXCONN, (COOKIES, "0"), (BACKLOG, "64")],
        service: "serve port=8080 any=1",
        load: LOAD,
        needs: &[Need::HalfOpen(45), Need::Rose(BEYOND_OVERFLOWS, 20)],
        limit: "syn-queue",
        setting: Some("net.ipv4.tcp_max_syn_backlog"),
    },
    Scene {
        name: "the service asks for 32",
        settings: &[SOMAXCONN, (COOKIES, "0"), (BACKLOG, "8192")],
        service: "serve port=8080 any=1 backlog=32",
        load: LOAD,
        needs: &[Need::HalfOpen(30), Need::Rose(&["TcpExt.TCPReqQFullDrop"], 20)],
        limit: "syn-queue",
        setting: Some("backlog"),
    },
    Scene {
        name: "a queue that is long enough",
        settings: &[SOMAXCONN, (COOKIES, "0"), (BACKLOG, "65536")],
        service: "serve port=8080 any=1 backlog=4096",
        load: LOAD,
        needs: &[Need::HalfOpen(100), Need::Still(LISTENERS), Need::Answered(60)],
        limit: "none",
        setting: None,
    },
    Scene {
        name: "cookies instead of places",
        settings: &[SOMAXCONN, (COOKIES, "1"), (BACKLOG, "64")],
        service: "serve port=8080 any=1 backlog=32",
        load: LOAD,
        needs: &[Need::HalfOpen(30), Need::Rose(COOKIES_SENT, 20), Need::Still(LISTENERS), Need::Answered(60)],
        limit: "none",
        setting: None,
    },
    Scene {
        name: "cookies always",
        settings: &[SOMAXCONN, (COOKIES, "2"), (BACKLOG, "64")],
        service: "serve port=8080 any=1 backlog=32",
        load: LOAD,
        needs: &[Need::Rose(COOKIES_SENT, 20), Need::Still(LISTENERS), Need::Answered(60)],
        limit: "none",
        setting: None,
    },
];

/// Connection requests from addresses that answer nothing fill the queue, beside those of the load tester.
#[test]
fn syn_queues() {
    inside(this_test!(), || {
        loopback_up();
        if veth().is_none() {
            return skip("syn_queues", "there are no veth interfaces, or no ip(8)");
        }
        // Who finds the queue full gives up after 3 seconds, not after two minutes.
        let _soon = Sysctl::set("ipv4/tcp_syn_retries", "1");
        let _no_filter = crate::scene::Sysctl::set("ipv4/conf/all/rp_filter", "0");
        let _none = crate::scene::Sysctl::set("ipv4/conf/v0/rp_filter", "0");
        // Where the answers go: a host that takes them and says nothing. For one that does not resolve the kernel gives
        // the half-open connection up, and counts that in ListenDrops too (`tcp_req_err`).
        ip("neigh add 10.1.0.2 lladdr 02:00:00:00:00:09 dev v0");
        ip("route add 10.2.0.0/16 via 10.1.0.2");
        let (interface, mac) = (interface("v1"), address("v0"));
        for scene in SYN_QUEUES {
            // A slow one stays below 4096 half-open connections, each of which is kept for about a minute.
            let pause = if scene.name == "a queue that is long enough" { 20_000 } else { 500 };
            // Longer than all attempts take.
            let flood = format!("flood interface={interface} mac={mac} port=8080 time=600000 pause={pause}");
            let flood = Background::start(&flood);
            scene.play();
            drop(flood);
        }
    });
}

fn sysfs(name: &str, file: &str) -> String {
    let shown = std::process::Command::new("ip").args(["-o", "link", "show", name]).output().unwrap();
    let line = String::from_utf8_lossy(&shown.stdout).into_owned();
    match file {
        "ifindex" => line.split(':').next().unwrap().to_owned(),
        _ => line.split("link/ether ").nth(1).unwrap().split(' ').next().unwrap().to_owned(),
    }
}

fn interface(name: &str) -> u32 {
    sysfs(name, "ifindex").parse().unwrap()
}

/// The hardware address as a number.
fn address(name: &str) -> u64 {
    u64::from_str_radix(&sysfs(name, "address").replace(':', ""), 16).unwrap()
}

#[test]
fn queues_of_interfaces() {
    const TO: &str = "to=167837698 port=9000";
    inside(this_test!(), || {
        loopback_up();
        if veth().is_none() {
            return skip("queues_of_interfaces", "there are no veth interfaces, or no ip(8)");
        }
        ip("neigh add 10.1.0.2 lladdr 02:00:00:00:00:09 dev v0");
        if !has("tc", "qdisc add dev v0 root tbf rate 1mbit burst 5kb limit 5kb") {
            return skip("queues_of_interfaces", "there is no tc(8), or no token bucket filter");
        }
        let service = Background::start("sink port=9000");
        wait_for_listener("port=9000");
        let load = format!("burst {TO} count=3000");
        let lost = [Need::Rose(&["Ip.OutDiscards"], 100), Need::Rose(&["Udp.SndbufErrors"], 100)];
        let starved = really("a token bucket", || witnessed(&lost, &service, &load));
        assert_eq!(starved["verdict"]["limit"], "interface-queue", "{:#}", starved["verdict"]);
        assert_eq!(starved["verdict"]["setting"], "txqueuelen");
        let remedy = starved["verdict"]["remedies"][0]["text"].as_str().unwrap();
        assert!(remedy.contains("dev v0 "), "{remedy}");
        assert!(has("tc", "qdisc replace dev v0 root pfifo limit 10000"));
        let none_lost = [Need::Still(&["Ip.OutDiscards", "Udp.SndbufErrors"])];
        let control = really("a long queue", || witnessed(&none_lost, &service, &load));
        assert_eq!(control["verdict"]["limit"], "none", "{:#}", control["verdict"]);
    });
}
