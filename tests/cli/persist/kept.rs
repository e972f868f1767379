//! Whose files a run replaces and removes, and that it changes nothing else where only files are asked for.

use super::files::{SYSCTLS, System, UNITS};
use crate::support::namespaces::{inside, this_test};

/// What a run does not name stays, and what another profile set is replaced only where that is said.
#[test]
fn files_of_other_profiles_are_not_lost_untold() {
    inside(this_test!(), || {
        let system = System::new();
        system.persist();
        let all = system.files();
        let other = ["apply", "--set", "net.core.somaxconn=7000", "--persist", "--root", "ROOT"];
        let run = |more: &[&str]| system.run(&[&other[..], more].concat()).stdout_is_anything();
        for more in [&[][..], &["--dry-run"], &["--prune"]] {
            let said = run(more).stderr_is_anything().code(1).run().stderr;
            assert!(said.contains("web.toml, and would lose net.ipv4.tcp_rmem, net.ipv4.conf.lo.rp_filter;"), "{said}");
            assert!(said.contains("`--replace`") && said.contains("nothing was changed"), "{said}");
            assert_eq!((system.files(), system.text(SYSCTLS).contains("7000")), (all.clone(), false), "{more:?}");
        }
        let said = run(&["--replace"]).run().stdout;
        assert!(said.contains("it replaces the file written for /"), "{said}");
        assert_eq!(
            said.matches("kept: nothing that was asked for goes there; `--prune` removes it").count(),
            2,
            "{said}"
        );
        assert_eq!(system.files(), all);
        assert!(system.text(SYSCTLS).starts_with("# Written by tunectl for the command line;"), "{said}");
        let said = run(&["--prune"]).run().stdout;
        assert_eq!(said.matches("removed: the profile has no such setting").count(), 2, "{said}");
        assert_eq!(system.files(), [SYSCTLS]);
        // Of the same profile, and of more settings than before, nothing is lost.
        let more = ["--set", "net.ipv4.tcp_fin_timeout=31"];
        run(&more).run();
        system
            .run(&["apply", "-p", "WEB", "--set", "net.ipv4.tcp_fin_timeout=31", "--persist", "--root", "ROOT"])
            .stdout_is_anything()
            .run();
    });
}

/// Each of these runs names less than the one before it.
#[test]
fn what_a_run_does_not_name_stays() {
    inside(this_test!(), || {
        let system = System::new();
        let words = ["apply", "-p", "WEB", "--persist", "--root", "ROOT"];
        system.run(&[&words[..], &["--unit", "web", "--unit", "low"]].concat()).stdout_is_anything().run();
        let all = system.files();
        for more in [&["--unit", "web"][..], &[], &["--no-rlimits"], &["--no-rlimits", "--dry-run"]] {
            system.run(&[&words[..], more].concat()).stdout_is_anything().run();
            assert_eq!(system.files(), all, "{more:?}");
        }
        system.run(&[&words[..], &["--unit", "web", "--prune"]].concat()).stdout_is_anything().run();
        assert_eq!(system.files().len(), all.len() - 1);
        system.run(&[&words[..], &["--no-rlimits", "--prune"]].concat()).stdout_is_anything().run();
        assert_eq!(system.files(), [SYSCTLS]);
    });
}

#[test]
fn a_unit_that_does_not_exist_is_refused() {
    inside(this_test!(), || {
        let system = System::new();
        system.0.write(&format!("root/{UNITS}/redis@.service"), "[Service]\n");
        let words = ["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--unit"];
        for (unit, near) in [("wbe", ", did you mean `web.service`?"), ("nosuch", "")] {
            let stderr = format!(
                "tunectl: error: there is no unit `{unit}.service`{near}\n  = help: nothing was changed; install the unit first, or leave `--unit` out\n"
            );
            system.run(&[&words[..], &[unit]].concat()).stderr(&stderr).code(2).run();
            assert_eq!(system.files().len(), 0);
        }
        system.run(&[&words[..], &["redis@a"]].concat()).stdout_is_anything().run();
    });
}

#[test]
fn files_for_another_root_leave_the_running_machine_alone() {
    inside(this_test!(), || {
        for words in [["--persist", "--root", "ROOT"], ["--persist-only", "--root", "ROOT"]] {
            let system = System::new();
            system.run(&[&["apply", "-p", "WEB"][..], &words].concat()).stdout_is_anything().run();
            assert!(system.text(SYSCTLS).contains("net.core.somaxconn = 5000"));
            assert_eq!(crate::support::kernel::sysctl("net/core/somaxconn"), "4096", "{words:?}");
            assert!(!system.0.path().join("journal").exists(), "{words:?}");
        }
    });
}
