//! The whole command line on a Mac in memory, which plays by the rules of XNU: it takes nearly every number, and
//! what it really enforces is not what it shows.

use serde_json::Value;
use tunectl::kernel::fake::Fake;
use tunectl::model::limit::{Limit, Limits, Resource};

use crate::support::world::Computer;

const PROFILE: &str = "\
[macos.sysctl]
kern.maxfilesperproc = { at_least = 65000 }
kern.maxfiles = { at_least = 200000 }
kern.ipc.somaxconn = 32767
[rlimit]
nofile = { soft = { at_least = 65000 } }
";

fn mac() -> Computer {
    Computer::macos(Fake::macos(), 0).file("p.toml", PROFILE)
}

#[test]
fn run_raises_the_enforced_limit() {
    let mut mac = mac();
    mac.types("run -p @/p.toml -- true").is(None, "", "");
    // The ceiling of the whole machine before that of one process, and the limit last.
    let changes =
        ["kern.maxfiles=200000", "kern.maxfilesperproc=65000", "kern.ipc.somaxconn=32767", "nofile=65000:unlimited"];
    assert_eq!(mac.kernel.changes.len(), 4);
    for change in changes {
        assert!(mac.kernel.changes.iter().any(|made| made == change), "{:?}", mac.kernel.changes);
    }
    let place = |name: &str| mac.kernel.changes.iter().position(|made| made.starts_with(name)).unwrap();
    assert!(place("kern.maxfiles=") < place("kern.maxfilesperproc="));
    assert_eq!(place("nofile="), 3);
    assert_eq!(mac.kernel.fake.enforced_nofile(), Limit::Value(65000));
    assert_eq!(mac.kernel.fake.enforced_backlog(), Some(32767));
}

/// getrlimit(2) shows 100000 there, and the 61441st open(2) fails.
#[test]
fn limit_above_maxfilesperproc_falls_short() {
    let limits = Limits { soft: Limit::Value(100_000), hard: Limit::Unlimited };
    let mut mac = Computer::macos(Fake::macos().limited(Resource::Nofile, limits), 0);
    mac.types("check --rlimit nofile=65000:unlimited").expected("cli/macos/limit_above_maxfilesperproc_falls_short");
}

#[test]
fn apply_sets_sysctls_and_prints_ulimit_commands() {
    let mut mac = mac();
    mac.types("apply -p @/p.toml").expected("cli/macos/apply_sets_sysctls_and_prints_ulimit_commands");
    assert!(!mac.kernel.changes.iter().any(|change| change.starts_with("nofile")), "{:?}", mac.kernel.changes);
    assert_eq!(mac.value("kern.maxfiles"), "200000");
    assert_eq!(mac.limits(Resource::Nofile), "256:unlimited");

    // After the line was typed, all of it holds.
    mac.kernel.fake =
        mac.kernel.fake.clone().limited(Resource::Nofile, Limits { soft: Limit::Value(65000), hard: Limit::Unlimited });
    mac.types("apply -p @/p.toml").is(Some(0), "nothing to change, 4 already match\n", "");
    let checked = mac.types("check -p @/p.toml");
    assert_eq!((checked.code, checked.stdout.lines().last()), (Some(0), Some("all 4 settings match")));
}

#[test]
fn apply_without_limits_succeeds_and_best_effort_keeps_the_rest() {
    assert_eq!(mac().types("apply -p @/p.toml --no-rlimits").code, Some(0));
    let ended = mac().types("apply -p @/p.toml --best-effort");
    assert_eq!(ended.code, Some(1), "the shell's limits are still to be typed");
    assert!(ended.stderr.contains("\n    type in this shell: ulimit -Sn 65000\n"), "{}", ended.stderr);
    assert!(ended.stdout.contains("\nthese values are lost at the next boot"), "{}", ended.stdout);
}

#[test]
fn apply_restores_keys_when_one_is_refused() {
    let mut mac = mac();
    let ended = mac.types("apply -p @/p.toml --set kern.nonsense=1");
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("; nothing was changed ("), "{}", ended.stderr);
    assert_eq!((mac.value("kern.maxfiles"), mac.value("kern.ipc.somaxconn")), ("122880", "128"));
}

#[test]
fn macos_has_no_limits_of_other_processes() {
    mac().types("apply -p @/p.toml --pid 7").is(
        Some(2),
        "",
        "tunectl: error: macOS has no system call that sets the limits of another process\n  = help: leave `--pid` \
         out: `tunectl apply` then prints the `ulimit` commands for your shell\n",
    );
    mac().types("limits --pid 7").is(
        Some(1),
        "",
        "tunectl: error: pid 7's limits could not be read: getrlimit: ENOSYS ([..])\n  = help: this system has no \
         system call that reads another process's limits\n",
    );
}

#[test]
fn macos_dry_run_changes_nothing() {
    let mut mac = mac();
    let ended = mac.types("apply --dry-run -p @/p.toml");
    assert!(ended.stdout.contains("3 settings would be changed"), "{}", ended.stdout);
    assert_eq!(mac.kernel.changes, [""; 0]);
}

/// An ordinary user raises the soft limit for the service, and is told who may do the rest.
#[test]
fn macos_unprivileged_user_is_diagnosed() {
    let mut mac = Computer::macos(Fake::macos().as_user(501), 501).file("p.toml", PROFILE);
    assert_eq!(mac.types("check -p @/p.toml").code, Some(1));
    mac.types("run --set kern.maxfiles=200000 -- true").expected("cli/macos/macos_unprivileged_user_is_diagnosed");
    mac.types("run --rlimit nofile=50000:unlimited -- true").is(None, "", "");
    assert_eq!(mac.limits(Resource::Nofile), "50000:unlimited");
}

/// The kernel itself would take every one of these.
#[test]
fn macos_invalid_values_change_nothing() {
    for set in [
        "kern.maxfiles=-1",
        "kern.maxfiles=0",
        "kern.maxfilesperproc=-5",
        "kern.ipc.somaxconn=60000",
        "kern.ipc.somaxconn=-1",
        "net.inet.ip.portrange.first=80",
        "net.inet.ip.portrange.last=70000",
        "kern.maxfiles=010",
        "kern.maxfiles=x",
    ] {
        let mut mac = mac();
        let ended = mac.types(&format!("apply -p @/p.toml --set {set}"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{set}: {}", ended.stderr);
        assert!(ended.stderr.contains("--> command line:1:"), "{set}: {}", ended.stderr);
        assert_eq!(mac.kernel.changes, [""; 0]);
    }
}

/// The kernel moves a port into its range without a word; here it does so for a key whose range nobody knows.
#[test]
fn silently_clamped_value_falls_short() {
    let clamping = Fake::macos().with("net.inet.odd", "5", tunectl::kernel::fake::Behaviour::clamped(1, 10));
    let mut mac = Computer::macos(clamping, 0);
    mac.types("apply --set net.inet.odd=99").expected("cli/macos/silently_clamped_value_falls_short");
    assert_eq!(mac.value("net.inet.odd"), "5");
}

#[test]
fn built_in_profiles_apply_on_macos() {
    for name in ["base", "production", "loadtest", "realtime"] {
        let mut mac = Computer::macos(Fake::macos(), 0);
        mac.types(&format!("run --best-effort -p {name} -- true"));
        let checked = mac.types(&format!("check -p {name}"));
        assert_eq!(checked.code, Some(0), "{name}\n{}", checked.stdout);
        assert!(mac.kernel.fake.enforced_backlog().unwrap() >= 1024);
    }
    let mut mac = Computer::macos(Fake::macos(), 0);
    mac.types("run -p loadtest -- true").is(
        None,
        "",
        "[..]\nnproc (soft, hard) [..] [1]\n[1] nproc (soft, hard)\n[..]\n[..]\n",
    );
    assert_eq!(mac.kernel.fake.enforced_nofile(), Limit::Value(50000));
}

#[test]
fn limits_lists_the_nine_of_macos() {
    let ended = mac().types("limits --format json");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let names: Vec<&str> =
        document["limits"].as_array().unwrap().iter().map(|entry| entry["limit"].as_str().unwrap()).collect();
    assert_eq!(names, ["cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as"]);
}

#[test]
fn tables_of_the_other_system_are_ignored() {
    let mut mac =
        mac().file("both.toml", "[linux.sysctl]\nvm.swappiness = 1\n[macos.sysctl]\nkern.maxfiles = 200000\n");
    assert_eq!(mac.types("apply -p @/both.toml").code, Some(0));
    assert_eq!(mac.kernel.changes, ["kern.maxfiles=200000"]);
    let mut mac = mac.file("wrong.toml", "[linux.sysctl]\nvm.swappiness = \"'1'\"\n");
    assert_eq!(mac.types("apply -p @/wrong.toml").code, Some(2));
}

/// Of the limits of Linux, XNU has nine: of the others it says EINVAL.
#[test]
fn limit_unknown_to_macos_is_diagnosed() {
    let ended = mac().types("check --format json --rlimit rtprio=1");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let finding = &document["findings"][0];
    assert_eq!((&finding["cause"], &finding["found"]), (&"no-such-limit".into(), &Value::Null), "{finding}");
    assert_eq!(finding["remedies"], Value::Null);
}
