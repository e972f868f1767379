//! What a service manager hears: `sd_notify(3)`.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use super::watched::Daemon;
use crate::support::kernel::put;
use crate::support::namespaces::{inside, this_test};
use crate::support::scratch::Scratch;

const PROFILE: &str = "[linux.sysctl]\nnet.core.somaxconn = 4096\n";

struct ServiceManager(UnixDatagram);

impl ServiceManager {
    fn new(socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(socket)
    }

    /// The next message that holds this.
    #[track_caller]
    fn hears(&self, what: &str) -> String {
        loop {
            let mut buffer = [0; 4096];
            let length = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("no `{what}`: {error}"));
            let text = std::str::from_utf8(&buffer[..length]).unwrap();
            if text.contains(what) {
                return text.to_owned();
            }
        }
    }
}

#[test]
fn service_manager_is_notified_of_each_state() {
    inside(this_test!(), || {
        put("net/core/somaxconn", "4096");
        let scratch = Scratch::for_a_socket();
        let path = scratch.path().join("notify");
        let manager = ServiceManager::new(UnixDatagram::bind(&path).unwrap());
        let variables = [("NOTIFY_SOCKET", path.to_str().unwrap())];
        let daemon = Daemon::start_in(scratch, PROFILE, &["--interval", "1h"], &variables);
        assert_eq!(manager.hears("READY=1"), "READY=1");
        put("net/core/somaxconn", "1");
        let status = manager.hears("1 fall short");
        assert!(status.starts_with("STATUS=1 setting, 1 fall short, last read 2"), "{status}");
        daemon.signal(libc::SIGHUP);
        let reloading = manager.hears("RELOADING=1\nMONOTONIC_USEC=");
        assert!(reloading.rsplit_once('=').unwrap().1.parse::<u64>().unwrap() > 0);
        manager.hears("READY=1");
        assert_eq!(daemon.end(libc::SIGTERM), Some(0));
        manager.hears("STOPPING=1");
    });
}

#[test]
fn watchdog_is_notified_at_half_its_interval() {
    inside(this_test!(), || {
        put("net/core/somaxconn", "4096");
        let name = format!("tunectl-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let manager = ServiceManager::new(socket);
        let name = format!("@{name}");
        let variables = [("NOTIFY_SOCKET", name.as_str()), ("WATCHDOG_USEC", "400000")];
        let begin = Instant::now();
        let _daemon = Daemon::start_in(Scratch::new(), PROFILE, &["--interval", "1h"], &variables);
        manager.hears("READY=1");
        manager.hears("WATCHDOG=1");
        for _ in 0..5 {
            assert_eq!(manager.hears("WATCHDOG=1"), "WATCHDOG=1");
        }
        let six = begin.elapsed();
        assert!(six > Duration::from_secs(1), "{six:?}");
    });
}
