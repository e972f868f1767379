//! `--root`: a system that is not the one we run on, and nothing outside of it.

use std::fs;

use super::files::System;
use crate::support::namespaces::{inside, this_test};

#[test]
fn missing_root_directory_is_refused() {
    inside(this_test!(), || {
        let system = System::new();
        let file = system.0.write("file", "");
        for wrong in [system.0.path().join("rot"), file] {
            let wrong = wrong.to_str().unwrap();
            let stderr = format!("tunectl: error: `--root {wrong}` is not a directory\n");
            system.run(&["apply", "-p", "WEB", "--persist", "--root", wrong]).stderr(&stderr).code(2).run();
            system.run(&["revert", "--persist", "--root", wrong]).stderr(&stderr).code(2).run();
        }
        assert!(!system.0.path().join("rot").exists());
        assert_eq!(crate::support::kernel::sysctl("net/core/somaxconn"), "4096");
    });
}

#[test]
fn symlinks_do_not_leave_the_root_directory() {
    inside(this_test!(), || {
        let system = System::new();
        let outside = system.0.path().join("outside");
        fs::create_dir(&outside).unwrap();
        for (link, to) in [
            ("sysctl.d", outside.clone()),
            ("security", "../../../../outside".into()),
            ("systemd", "/etc/loop".into()),
            ("loop", "loop".into()),
        ] {
            system.0.write("root/etc/x", "");
            std::os::unix::fs::symlink(to, system.0.path().join("root/etc").join(link)).unwrap();
        }
        system.run(&["apply", "-p", "WEB", "--persist", "--root", "ROOT"]).stdout_is_anything().run();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        let inner = outside.strip_prefix("/").unwrap().to_str().unwrap().to_owned();
        let mut expected = [
            "etc/loop".to_owned(),
            "etc/x".to_owned(),
            "etc/security".to_owned(),
            "etc/systemd".to_owned(),
            format!("{inner}/99-tunectl.conf"),
            "outside/limits.d/99-tunectl.conf".to_owned(),
        ];
        expected.sort();
        assert_eq!(system.files(), expected);
        let unit = ["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--unit", "web"];
        let said = system.run(&unit).stderr_is_anything().code(1).run().stderr;
        assert!(said.contains("could not be written") && !said.contains("sudo") && !said.contains('\0'), "{said}");
        system.run(&["revert", "--persist", "--root", "ROOT"]).stdout_is_anything().run();
        assert_eq!(system.files().len(), 4);
    });
}

#[test]
fn overriding_files_are_searched_in_the_root_directory() {
    inside(this_test!(), || {
        let system = System::new();
        let outside = system.0.write("outside.conf", "net.core.somaxconn = 3\n");
        system.0.write("root/etc/hand.conf", "net.core.somaxconn = 128\n");
        system.0.write("root/etc/sysctl.d/x", "");
        // Both are absolute; the first is there for whoever has the root for `/`, the second for us.
        for (link, to) in [("99-z.conf", "/etc/hand.conf"), ("99-zz.conf", outside.to_str().unwrap())] {
            let link = system.0.path().join("root/etc/sysctl.d").join(link);
            std::os::unix::fs::symlink(to, link).unwrap();
        }
        let ran = system.run(&["apply", "-p", "WEB", "--no-rlimits", "--persist", "--root", "ROOT"]);
        let said = ran.stdout_is_anything().run().stdout;
        let warnings: Vec<&str> = said.lines().filter(|line| line.starts_with("tunectl: warning")).collect();
        let [only] = warnings[..] else { panic!("{said}") };
        let expected = "/etc/sysctl.d/99-z.conf line 1 sets net.core.somaxconn to 128 instead of 5000, and ";
        assert!(only.contains(expected), "{only}");
    });
}
