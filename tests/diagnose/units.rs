//! Lines for units of systemd and for launchd, which nothing here can start: read by systemd's own reader, and by one
//! for XML.

use std::process::Command;

use tunectl::environment::{Environment, EnvironmentDetails, Namespaces};
use tunectl::model::setting::System;

use crate::scene::DiagnosisContext;
use crate::support::kernel::put;
use crate::support::namespaces::{self, inside_of, skip, this_test};

#[test]
fn systemd_accepts_every_unit_line() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root sets the scenes");
    }
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skip(this_test!(), "systemd-analyze(1) is not installed");
    }
    inside_of(this_test!(), &["--net"], || {
        // A new namespace has it from the first one, which forwards where containers run.
        put("net/ipv4/ip_forward", "0");
        let read_only = "exec unshare --mount sh -euc 'mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec \"$@\"' sh \"$@\"";
        // A new namespace takes the machine's own value over.
        crate::support::kernel::put("net/ipv4/ip_forward", "0");
        let few = "exec prlimit --nofile=500:1000 setpriv --bounding-set=-sys_resource,-net_admin \"$@\"";
        let mut lines = Vec::new();
        for (enter, asked, setting) in [
            (read_only, "--set 'net.ipv4.ip_local_port_range=1024 65535'", "net.ipv4.ip_local_port_range"),
            (few, "--rlimit nofile=900:2000", "nofile (hard)"),
            (few, "--rlimit nofile=2000", "nofile (hard)"),
            (few, "--set net.ipv4.ip_forward=1", "net.ipv4.ip_forward"),
        ] {
            let said = DiagnosisContext::new(enter).says("check", asked, setting);
            lines.push(said.at("unit").to_owned());
            lines.extend(said.others.get("unit").cloned());
        }
        lines.push("TasksMax=500".to_owned());
        lines.push("SystemCallFilter=@resources".to_owned());
        assert_eq!(lines.len(), 7, "{lines:?}");

        let scene = DiagnosisContext::new("exec \"$@\"");
        let head = "[Service]
ExecStart=/bin/true
";
        let unit = scene.scratch.write("mended.service", format!("{head}{}\n", lines.join("\n")));
        // All that it has to say, but that tunectl is not installed on this machine.
        let complaints = |unit: &std::path::Path| {
            let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit).output().unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            let others = text.lines().filter(|line| !line.contains("Command tunectl is not executable"));
            others.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(complaints(&unit), [""; 0], "{lines:?}");
        // That reader does tell what it doesn't understand.
        let wrong = scene.scratch.write("wrong.service", format!("{head}LimitNOFILE=many\n"));
        assert_ne!(complaints(&wrong), [""; 0]);
    });
}

/// A daemon of launchd: what stands in the list has one element for each that it opens.
#[test]
fn launchd_remedy_is_a_valid_property_list() {
    let environment =
        Environment::known(System::MacOs, None, Namespaces::default(), 501, EnvironmentDetails::default());
    let text = crate::odd::remedies_of_a_limit(&environment).join("\n");
    let list = text.lines().find(|line| line.starts_with("<plist")).unwrap_or_else(|| panic!("{text}"));
    let mut open: Vec<&str> = Vec::new();
    for tag in list.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{list}"),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{list}");
    assert!(list.contains("<string>/bin/launchctl</string><string>limit</string><string>maxfiles</string>"), "{list}");
}
