//! Files of other programs: those that would win over ours are told of, and who says what stands there.

use super::files::System;
use crate::support::kernel::put;
use crate::support::namespaces::{inside, lower_limit, this_test};

#[test]
fn overriding_sysctl_files_are_warned_of() {
    inside(this_test!(), || {
        let system = System::new();
        for (path, text) in [
            ("etc/sysctl.d/10-early.conf", "net.core.somaxconn = 1\n"),
            (
                "etc/sysctl.d/99-z-same.conf",
                "net.ipv4.tcp_rmem = 4096\t131072 8388608\nnet/ipv4/ip_local_reserved_ports = 9000-9009,9010,8080\n",
            ),
            ("etc/sysctl.d/99-z.conf", "# by hand\nnet/core/somaxconn=128\n"),
            ("usr/lib/sysctl.d/99-z.conf", "net.core.somaxconn = 2\n"),
            // No pattern wins over a name, wherever it stands.
            ("run/sysctl.d/99-zz.conf", "-net.ipv4.conf.*.rp_filter = 1\n"),
            ("etc/sysctl.conf", "net.core.somaxconn = 3\n"),
        ] {
            system.0.write(&format!("root/{path}"), text);
        }
        let ran = system.run(&["apply", "-p", "WEB", "--no-rlimits", "--persist", "--root", "ROOT"]);
        let said = ran.stdout_is_anything().run().stdout;
        let root = system.0.path().join("root");
        let warnings: Vec<String> = said
            .lines()
            .filter(|line| line.starts_with("tunectl: warning"))
            .map(|line| line.replace(root.to_str().unwrap(), ""))
            .collect();
        assert_eq!(
            warnings,
            [
                "tunectl: warning: /etc/sysctl.d/99-z.conf line 2 sets net.core.somaxconn to 128 instead of 5000, and everyone reads it later",
                "tunectl: warning: /etc/sysctl.conf line 1 sets net.core.somaxconn to 3 instead of 5000, and `sysctl --system` reads it later",
            ]
        );
    });
}

#[test]
fn overriding_limits_files_are_warned_of() {
    inside(this_test!(), || {
        lower_limit(rlimit::Resource::NOFILE, 1000, 1200);
        let system = System::new();
        for (path, text) in [
            ("etc/security/limits.d/50-early.conf", "* soft nofile 1\n"),
            (
                "etc/security/limits.d/99-z.conf",
                "# x\n* - nofile 550 # both\n@staff soft nofile 5\nroot soft nofile 500\n",
            ),
            ("run/systemd/system/web.service.d/99-u.conf", "[Service]\nLimitNOFILE = 7\nLimitAS=1\n"),
            ("etc/systemd/system/web.service.d/10-early.conf", "[Service]\nLimitNOFILE=8\n"),
        ] {
            system.0.write(&format!("root/{path}"), text);
        }
        let ran = system.run(&["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--unit", "web.service"]);
        let said = ran.stdout_is_anything().run().stdout.replace(system.0.path().join("root").to_str().unwrap(), "");
        let warnings: Vec<&str> = said.lines().filter(|line| line.starts_with("tunectl: warning")).collect();
        assert_eq!(
            warnings,
            [
                "tunectl: warning: /etc/security/limits.d/99-z.conf line 2 sets * soft nofile to 550 instead of 500, and everyone reads it later",
                "tunectl: warning: /etc/security/limits.d/99-z.conf line 2 sets * hard nofile to 550 instead of 600, and everyone reads it later",
                "tunectl: warning: /run/systemd/system/web.service.d/99-u.conf line 2 sets LimitNOFILE to 7 instead of 500:600, and everyone reads it later",
            ]
        );
    });
}

#[test]
fn revert_names_the_file_that_set_a_foreign_value() {
    inside(this_test!(), || {
        let system = System::new();
        system.run(&["apply", "--set", "net.core.somaxconn=5000"]).stdout_is_anything().run();
        system.0.write("root/usr/lib/sysctl.d/50-mine.conf", "\nnet.core.somaxconn = 77\n");
        put("net/core/somaxconn", "77\n");
        system
            .run(&["revert", "--persist", "--root", "ROOT"])
            .stdout("0 settings put back\n")
            .stderr(
                "tunectl: error: net.core.somaxconn is 77, not the 5000 that we wrote: changed by another program since (`[..]/root/usr/lib/sysctl.d/50-mine.conf` says so in line 2); not reverted
  = help: `tunectl revert --force` puts it back to 4096 anyway
",
            )
            .code(1)
            .run();
    });
}
