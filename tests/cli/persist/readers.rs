//! The programs that read the files, each in namespaces of its own.

use std::path::Path;
use std::process::{Command, Output};

use tunectl::sys;

use super::files::{System, reset};
use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside, lower_limit, skip, this_test};

fn what_is_set() -> [String; 4] {
    ["net/core/somaxconn", "net/ipv4/tcp_rmem", "net/ipv4/conf/lo/rp_filter", "net/ipv4/ip_local_reserved_ports"]
        .map(sysctl)
}

const SET: [&str; 4] = ["5000", "4096 131072 8388608", "2", "8080,9000-9010"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A program, if it is there.
fn program(test: &str, paths: &[&'static str]) -> Option<&'static str> {
    let found = paths.iter().copied().find(|path| Path::new(path).exists());
    if found.is_none() {
        skip(test, &format!("there is no {}", paths[0]));
    }
    found
}

#[test]
fn procps_applies_the_persisted_file() {
    let Some(reader) = program(this_test!(), &["/usr/sbin/sysctl", "/sbin/sysctl"]) else { return };
    inside(this_test!(), || {
        let system = System::new();
        put("net/ipv4/ip_local_port_range", "8000 60999");
        system.persist();
        // By hand, so that only the reader can set it again.
        reset();
        let file = system.0.path().join("root/etc/sysctl.d/99-tunectl.conf");
        let output = Command::new(reader).arg("-p").arg(file).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
        assert_eq!(what_is_set(), SET);
    });
}

#[test]
fn systemd_sysctl_applies_the_persisted_file() {
    let paths = ["/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"];
    let Some(reader) = program(this_test!(), &paths) else { return };
    inside(this_test!(), || {
        let system = System::new();
        put("net/ipv4/ip_local_port_range", "8000 60999");
        system.persist();
        // By hand, so that only the reader can set it again.
        reset();
        let file = system.0.path().join("root/etc/sysctl.d/99-tunectl.conf");
        let output = Command::new(reader).arg("--strict").arg(file).output().unwrap();
        assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
        assert_eq!(what_is_set(), SET);
    });
}

/// More than the kernel takes of one write: whoever doesn't write on sets the beginning only.
#[test]
fn list_longer_than_one_write_is_warned_of() {
    let Some(procps) = program(this_test!(), &["/usr/sbin/sysctl", "/sbin/sysctl"]) else { return };
    let paths = ["/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"];
    let Some(systemd) = program(this_test!(), &paths) else { return };
    inside(this_test!(), || {
        let system = System::new();
        let ports = (0..2000).map(|port| (40_000 + 2 * port).to_string()).collect::<Vec<_>>().join(",");
        let words = ["apply", "--port", &ports, "--persist", "--root", "ROOT"];
        let said = system.run(&words).stdout_is_anything().run().stdout;
        let warning = "tunectl: warning: net.ipv4.ip_local_reserved_ports is longer than 4095 bytes: systemd-sysctl sets it \
                       whole, `sysctl --system` its beginning\n";
        assert!(said.contains(warning), "{said}");
        let file = system.0.path().join("root/etc/sysctl.d/99-tunectl.conf");
        let read = |reader: &mut Command| {
            reset();
            assert!(reader.arg(&file).output().unwrap().status.success());
            sysctl("net/ipv4/ip_local_reserved_ports")
        };
        assert_eq!(read(&mut Command::new(systemd)), ports);
        let beginning = read(Command::new(procps).arg("-p"));
        assert!(beginning.len() < ports.len() && ports.starts_with(&beginning), "{beginning}");
    });
}

#[test]
fn systemd_accepts_the_drop_in() {
    let Some(reader) = program(this_test!(), &["/usr/bin/systemd-analyze"]) else { return };
    inside(this_test!(), || {
        let system = System::new();
        // Every limit that there is, so that every word is one of systemd's.
        let limits: String = ALL.map(|name| format!("{name} = {{}}\n")).concat();
        let text = limits.replace("{}", "{ soft = { at_least = 0 } }");
        system.0.write("web.toml", format!("[rlimit]\n{text}"));
        system.persist();
        let folder = system.0.path().join("root/etc/systemd/system");
        let unit = system.0.write("root/etc/systemd/system/web.service", "[Service]\nExecStart=/bin/true\n");
        let verify = || {
            let output = Command::new(reader)
                .args(["verify", "--man=no", "--recursive-errors=no"])
                .arg(&unit)
                .env("SYSTEMD_UNIT_PATH", &folder)
                .output();
            said(&output.unwrap())
        };
        let text = system.text("etc/systemd/system/web.service.d/99-tunectl.conf");
        assert_eq!(text.matches("\nLimit").count(), 16, "{text}");
        assert_eq!(verify(), "");
        // It does read the file.
        system.0.write(
            "root/etc/systemd/system/web.service.d/99-tunectl.conf",
            text.replace("LimitNOFILE=", "LimitNOFILE=x"),
        );
        assert!(verify().contains("Failed to parse resource value"), "{}", verify());
    });
}

const ALL: [&str; 16] = [
    "cpu",
    "fsize",
    "data",
    "stack",
    "core",
    "rss",
    "nproc",
    "nofile",
    "memlock",
    "as",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
    "rttime",
];

#[test]
fn systemd_tmpfiles_applies_the_sysfs_attribute() {
    use tunectl::formats::Assignment;
    use tunectl::formats::systemd::tmpfiles_d;
    use tunectl::model::value::Value;

    let Some(reader) = program(this_test!(), &["/usr/bin/systemd-tmpfiles", "/bin/systemd-tmpfiles"]) else { return };
    let scratch = crate::support::scratch::Scratch::new();
    // A file of ours in the place of one of sysfs, which belongs to the whole machine.
    let attribute = scratch.write("100%/enabled", "always\n");
    let assignment = Assignment {
        name: attribute.to_str().unwrap().to_owned(),
        value: Value::text("madvise 5%"),
        comment: "one of madvise, never".to_owned(),
    };
    let file = scratch.write("tunectl.conf", tmpfiles_d(&[assignment]));
    let output = Command::new(reader).arg("--create").arg(file).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(attribute).unwrap(), "madvise 5%");
}

/// A login as root and one as somebody else, with our file as the only one that `pam_limits(8)` finds.
#[test]
fn pam_limits_applies_the_persisted_limits() {
    if sys::effective_ids().effective_uid != 0 {
        return skip(this_test!(), "only root can put a file in the place of another system's");
    }
    let Some(su) = program(this_test!(), &["/usr/bin/su", "/bin/su"]) else { return };
    inside(this_test!(), || {
        lower_limit(rlimit::Resource::NOFILE, 1000, 1200);
        let system = System::new();
        system.0.write("root/etc/security/limits.conf", "* hard nofile 1200\nroot hard nofile 1200\n");
        system.persist();
        let folder = system.0.path().join("root/etc/security/limits.d");
        for user in ["root", "nobody"] {
            let login = format!(
                "mount --bind {} /etc/security/limits.d && exec {su} -s /bin/sh {user} -c 'ulimit -Sn; ulimit -Hn; ulimit -Sc'",
                folder.display()
            );
            let output = Command::new("unshare").args(["--mount", "sh", "-c", &login]).output().unwrap();
            assert_eq!(said(&output), "500\n1200\n0\n", "{user}");
        }
    });
}
