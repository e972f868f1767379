//! Limits: hard ones, the control group's, other processes'.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::scene::{DiagnosisContext, text};
use crate::support::kernel::status;
use crate::support::namespaces::{self, inside_of, skip, this_test};

const FEW: &str = "exec prlimit --nofile=500:1000 setpriv --bounding-set=-sys_resource \"$@\"";

fn as_root(name: &str, body: impl FnOnce()) {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(name, "only root drops capabilities from its bounding set, and makes control groups");
    }
    inside_of(name, &["--net"], body);
}

/// `LimitNOFILE=900:2000`, carried out by what is here: prlimit(1) in the place of systemd(1).
fn as_the_unit(line: &str) -> String {
    let limits = line.strip_prefix("LimitNOFILE=").unwrap();
    let both = if limits.contains(':') { limits.to_owned() } else { format!("{limits}:{limits}") };
    format!("exec prlimit --nofile={both} setpriv --bounding-set=-sys_resource \"$@\"")
}

#[test]
fn soft_limit_can_be_raised_by_apply() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(FEW);
        // A bare number is the soft side of it, and of the hard one at least as much.
        scene.scratch.write("p.toml", "rlimit.nofile = { soft = { at_least = 900 } }\n");
        let asked = "-p p.toml";
        let said = scene.says("check", asked, "nofile (soft)");
        assert_eq!(said.cause, "not-applied", "{said:?}");
        scene.inside_then_check(said.at("shell"), asked);
        assert_eq!(said.or_at("shell"), "ulimit -Sn 900");
        scene.inside_then_check(said.or_at("shell"), asked);
    });
}

#[test]
fn hard_limit_is_raised_by_a_unit_line() {
    as_root(this_test!(), || {
        for command in ["check", "run --best-effort", "apply"] {
            let scene = DiagnosisContext::new(FEW);
            scene
                .scratch
                .write("p.toml", "rlimit.nofile = { soft = { at_least = 900 }, hard = { at_least = 2000 } }\n");
            if command == "check" {
                let said = scene.says(command, "-p p.toml", "nofile (hard)");
                assert_eq!(said.cause, "hard-limit", "{said:?}");
                assert_eq!(said.at("unit"), "LimitNOFILE=900:2000");
                let mended = DiagnosisContext::new(&as_the_unit(said.at("unit")));
                mended.scratch.write("p.toml", fs::read(scene.path().join("p.toml")).unwrap());
                mended.passes("-p p.toml");
            } else {
                // Not by exec: `apply` means the shell that it is typed in.
                let service = if command == "apply" { "" } else { " -- true" };
                let line = format!("tunectl {command} -p p.toml{service}; exit 0");
                let output = scene.runs(&["sh", "-c", &line]);
                let said = String::from_utf8(output.stderr).unwrap();
                assert!(
                    said.contains("the hard limit is 1000, and raising it to 2000 needs CAP_SYS_RESOURCE"),
                    "{said}"
                );
                assert!(said.contains("in the systemd unit: LimitNOFILE=900:2000"), "{said}");
            }
        }
    });
}

/// Whatever started it: no flag of an engine is guessed. What is said is not done here, where root may lack the right.
#[test]
fn a_hard_limit_of_an_unknown_container_is_raised_from_the_host() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(&FEW.replacen("exec", "exec unshare --uts", 1));
        let asked = "--rlimit nofile=900:2000";
        let said = scene.says("check", asked, "nofile (hard)");
        assert_eq!(said.cause, "hard-limit", "{said:?}");
        let remedy = if said.others.is_empty() { said.at("host-shell") } else { said.or_at("host-shell") };
        assert_eq!(remedy, "sudo tunectl apply --pid PID --rlimit nofile=900:2000");
    });
}

/// An amount that hangs on the machine: what the profile asks for shows to be impossible only there.
#[test]
fn soft_limit_above_the_hard_limit_of_the_profile_is_diagnosed() {
    as_root(this_test!(), || {
        for command in ["check", "apply --pid $$"] {
            let scene = DiagnosisContext::new("exec prlimit --nofile=500:1000 \"$@\"");
            scene.scratch.write("p.toml", "rlimit.nofile = { soft = { at_least = 700 }, hard = { one_of = [600] } }\n");
            let said = scene.says(command, "-p p.toml", "nofile (soft)");
            assert_eq!(said.cause, "contradiction", "{command}: {said:?}");
            assert_eq!(said.why, "the profile sets the hard limit to 600, and a soft limit can't be above it");
            let mended = scene.profile(&said);
            scene.inside_then_check(&format!("tunectl apply {mended}"), &mended);
        }
    });
}

/// sudo, where root has what it takes.
#[test]
fn unprivileged_user_is_advised_to_use_sudo() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(
            "exec prlimit --nofile=500:1000 setpriv --reuid=1000 --regid=1000 --clear-groups \"$@\"",
        );
        let asked = "--rlimit nofile=2000";
        let said = scene.says("check", asked, "nofile (hard)");
        assert_eq!(said.cause, "hard-limit");
        let capabilities = u64::from_str_radix(&status(std::process::id())["CapBnd"], 16).unwrap();
        // Where no program gets the capability, sudo's does not either (capabilities(7), the bounding set).
        if capabilities >> 24 & 1 == 0 {
            assert_eq!(said.remedies, [("unit".to_owned(), "LimitNOFILE=2000".to_owned())]);
        } else {
            assert_eq!(said.at("shell"), "sudo tunectl apply --rlimit nofile=2000");
            // The shell is the user's, and who raises its limits is root: the shell's pid takes the place of sudo.
            let script = format!("{} --pid", said.at("shell").trim_start_matches("sudo "));
            let place = DiagnosisContext::new(&format!(
                "exec prlimit --nofile=500:1000 sh -euc '{script} $$
exec setpriv --reuid=1000 --regid=1000 --clear-groups \"$@\"' sh \"$@\""
            ));
            place.passes(asked);
        }
        // Whom exec gives no rights, sudo gives none either.
        let bound =
            "exec prlimit --nofile=500:1000 setpriv --no-new-privs --reuid=1000 --regid=1000 --clear-groups \"$@\"";
        let said = DiagnosisContext::new(bound).says("check", asked, "nofile (hard)");
        assert_eq!(said.at("unit"), "LimitNOFILE=2000");
    });
}

#[test]
fn limit_above_nr_open_is_diagnosed() {
    as_root(this_test!(), || {
        let ceiling: u64 = fs::read_to_string("/proc/sys/fs/nr_open").unwrap().trim().parse().unwrap();
        if ceiling >= 2_147_483_584 {
            return;
        }
        let asked = format!("--rlimit nofile={}", ceiling + 1);
        let said = DiagnosisContext::new("exec \"$@\"").says("check", &asked, "nofile (hard)");
        assert_eq!(said.cause, "above-nr-open", "{said:?}");
        assert_eq!(said.at("shell"), format!("sudo sysctl -w fs.nr_open={}", ceiling + 1));
    });
}

/// A control group of our own, removed afterwards.
struct Group(PathBuf);

impl Group {
    /// Of either version, where the machine lets us.
    fn new() -> Option<Self> {
        let name = format!("tunectl-test-{}", std::process::id());
        ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].into_iter().find_map(|root| {
            let group = Self(PathBuf::from(root).join(&name));
            fs::create_dir(&group.0).ok()?;
            fs::exists(group.0.join("pids.max")).is_ok_and(|there| there).then_some(group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}

#[test]
fn pids_max_below_nproc_is_diagnosed() {
    as_root(this_test!(), || {
        let Some(group) = Group::new() else { return skip(this_test!(), "no control group with pids.max can be made") };
        fs::write(group.0.join("pids.max"), "100\n").unwrap();
        let scene = DiagnosisContext::new(&format!("echo $$ >'{}/cgroup.procs'\nexec \"$@\"", group.0.display()));
        scene.scratch.write("p.toml", "rlimit.nproc = { soft = { at_least = 500 } }\n");
        let said = scene.says("check", "-p p.toml", "nproc (soft)");
        assert_eq!(said.cause, "pids-max", "{said:?}");
        assert_eq!(said.why, "its control group allows only 100 processes and threads (pids.max)");
        // What systemd(1) does for it.
        let most = said.at("unit").strip_prefix("TasksMax=").unwrap();
        assert_eq!(most, "500");
        fs::write(group.0.join("pids.max"), most).unwrap();
        scene.passes("-p p.toml");
    });
}

#[test]
fn limits_of_other_users_processes_are_diagnosed() {
    as_root(this_test!(), || {
        let mut other = Command::new("sleep").arg("600").spawn().unwrap();
        let asked = format!("--rlimit nofile=100 --pid {}", other.id());
        let user = DiagnosisContext::new("exec setpriv --reuid=1000 --regid=1000 --clear-groups \"$@\"");
        let said = user.says("check", &asked, "nofile (soft)");
        assert_eq!(said.cause, "not-our-process", "{said:?}");
        // What it has is shown to everybody, and whether that is enough.
        let own = user.runs(&["sh", "-c", "ulimit -Sn; ulimit -Hn"]);
        let own = String::from_utf8(own.stdout).unwrap();
        let (soft, hard) = own.trim_end().split_once('\n').unwrap();
        let both = if soft == hard { "nofile (soft, hard)" } else { "nofile (soft)" };
        let row = format!("{both}  100       {soft:<7}  differs [1]\n");
        let checked = text(&user.runs(&["sh", "-c", &format!("exec tunectl check {asked}")]));
        assert!(checked.contains(&row), "{checked}");
        user.passes(&format!("--rlimit nofile={soft}:{hard} --pid {}", other.id()));
        let all = user.runs(&["tunectl", "limits", "--pid", &other.id().to_string()]);
        let words = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
        let table = text(&all);
        assert!(table.lines().any(|line| words(line) == ["nofile", soft, hard]), "{table}");
        assert_eq!(said.at("shell"), format!("sudo tunectl apply {asked}"));
        user.outside(said.at("shell"));
        let root = DiagnosisContext::new("exec \"$@\"");
        root.passes(&asked);
        other.kill().unwrap();
        other.wait().unwrap();
        let said = root.says("check", "--pid 2147483647 --rlimit nofile=100", "nofile (soft)");
        assert_eq!(said.cause, "process-gone", "{said:?}");
        assert!(said.remedies.is_empty(), "{said:?}");
    });
}
