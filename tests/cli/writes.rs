//! How the kernel sees it, by inotify(7): what holds is not written, what differs is written once, and `check`
//! opens nothing for writing.

use std::collections::BTreeMap;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use crate::support::kernel::put;
use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;

const DIFFERS: &str = "net/ipv4/tcp_fin_timeout";
const HOLDS: &str = "net/ipv4/tcp_keepalive_time";
const PROFILE: &str = "\
[linux.sysctl]
net.ipv4.tcp_fin_timeout = 31
net.ipv4.tcp_keepalive_time = { at_most = 300 }
";

struct Watch {
    inotify: Inotify,
    names: BTreeMap<WatchDescriptor, &'static str>,
}

impl Watch {
    fn begin() -> Self {
        put(DIFFERS, "60");
        put(HOLDS, "300");
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).unwrap();
        let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_CLOSE_NOWRITE;
        let add = |name| (inotify.add_watch(&Path::new("/proc/sys").join(name), flags).unwrap(), name);
        let names = [DIFFERS, HOLDS].map(add).into();
        Self { inotify, names }
    }

    /// How often that happened to that key since the last look.
    fn counts(&self) -> BTreeMap<(&'static str, &'static str), usize> {
        let mut counts = BTreeMap::new();
        let kinds = [
            (AddWatchFlags::IN_MODIFY, "written"),
            (AddWatchFlags::IN_CLOSE_WRITE, "open for writing"),
            (AddWatchFlags::IN_CLOSE_NOWRITE, "open for reading"),
        ];
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                for (_, what) in kinds.iter().filter(|(flag, _)| event.mask.contains(*flag)) {
                    *counts.entry((self.names[&event.wd], *what)).or_default() += 1;
                }
            }
        }
        counts
    }
}

#[test]
fn only_differing_settings_are_written_once() {
    inside(this_test!(), || {
        let watch = Watch::begin();
        Test::new(["run", "-p", "p.toml", "--", "true"]).file("p.toml", PROFILE).run();
        let counts = watch.counts();
        assert_eq!(
            (counts.get(&(DIFFERS, "written")), counts.get(&(HOLDS, "written"))),
            (Some(&1), None),
            "{counts:?}"
        );

        Test::new(["run", "-p", "p.toml", "--", "true"]).file("p.toml", PROFILE).run();
        let counts = watch.counts();
        assert!(!counts.keys().any(|(_, what)| *what == "written"), "{counts:?}");
    });
}

#[test]
fn check_and_dry_run_open_nothing_for_writing() {
    inside(this_test!(), || {
        let watch = Watch::begin();
        Test::new(["check", "-p", "p.toml"]).file("p.toml", PROFILE).stdout_is_anything().code(1).run();
        let counts = watch.counts();
        assert_eq!(counts.get(&(DIFFERS, "open for reading")), Some(&1), "{counts:?}");
        assert_eq!(counts.get(&(HOLDS, "open for reading")), Some(&1), "{counts:?}");
        assert_eq!(counts.len(), 2, "{counts:?}");
        Test::new(["apply", "--dry-run", "-p", "p.toml"]).file("p.toml", PROFILE).stdout_is_anything().run();
        let counts = watch.counts();
        assert!(!counts.keys().any(|(_, what)| *what != "open for reading"), "{counts:?}");
    });
}
