//! `tunectl run`: the service finds what was asked for, and nothing else changed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};

use rlimit::Resource;
use tunectl::sys::{self, Disposition};

use crate::support::kernel::{self, descriptors, limit, limits, put, status, sysctl};
use crate::support::namespaces::{inside, lower_limit, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::{Test, tunectl};

const PROFILE: &str = r#"
[linux.sysctl]
"net.ipv4.tcp_fin_timeout" = 31
"net.ipv4.tcp_keepalive_time" = { at_most = 300 }
"net.ipv4.tcp_rmem" = [4096, 65536, 1048576]

[rlimit]
nofile = { soft = 500, hard = 600 }
core = 0
fsize = { soft = "64MiB" }
"#;

/// Takes down what a test has started, also when it fails.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn service_has_the_settings_of_the_profile() {
    inside(this_test!(), || {
        put("net/ipv4/tcp_fin_timeout", "60");
        put("net/ipv4/tcp_keepalive_time", "7200");
        lower_limit(Resource::NOFILE, 1000, 1200);
        let before = limits(std::process::id());

        let script = "cat /proc/sys/net/ipv4/tcp_fin_timeout /proc/sys/net/ipv4/tcp_keepalive_time \
                      /proc/sys/net/ipv4/tcp_rmem; ulimit -Sn; ulimit -Hn; exit 7";
        Test::new(["run", "-p", "web.toml", "--", "sh", "-c", script])
            .file("web.toml", PROFILE)
            .expected("cli/run/service_has_the_settings_of_the_profile");

        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "31");
        assert_eq!(sysctl("net/ipv4/tcp_keepalive_time"), "300");
        assert_eq!(sysctl("net/ipv4/tcp_rmem"), "4096 65536 1048576");
        assert_eq!(limits(std::process::id()), before, "the caller's own limits are not the service's");
    });
}

/// The same program started with and without tunectl, with odd signals, arguments and variables: all that /proc
/// shows of the two is the same, but for what was asked for.
#[test]
fn service_inherits_everything_else_unchanged() {
    inside(this_test!(), || {
        let scratch = Scratch::new();
        let profile = scratch.write("web.toml", PROFILE);
        // SIGHUP as nohup(1) does it, SIGPIPE by way of the shell below, and one signal blocked.
        sys::set_disposition(libc::SIGHUP, Disposition::Ignored);
        sys::restore_mask(sys::SignalMask(1 << (libc::SIGUSR2 - 1)));

        let direct = start(&scratch, None);
        let tuned = start(&scratch, Some(profile.as_os_str()));
        let (direct_pid, tuned_pid) = (direct.0.id(), tuned.0.id());

        let own = |pid| {
            let mut fields = status(pid);
            fields.retain(|name, _| kept(name));
            fields
        };
        assert_eq!(own(tuned_pid), own(direct_pid));
        assert_eq!(own(tuned_pid)["SigBlk"], format!("{:016x}", 1 << (libc::SIGUSR2 - 1)));
        let ignored = 1 << (libc::SIGHUP - 1) | 1 << (libc::SIGPIPE - 1);
        assert_eq!(u64::from_str_radix(&own(tuned_pid)["SigIgn"], 16).unwrap() & ignored, ignored);
        let open = |pid| {
            let mut open = descriptors(pid);
            assert!(open.remove("0").unwrap().starts_with("pipe:"), "each has a pipe of its own to read from");
            open
        };
        assert_eq!(open(tuned_pid), open(direct_pid));
        for file in ["environ", "cmdline", "oom_score_adj", "timerslack_ns"] {
            let read = |pid| fs::read(format!("/proc/{pid}/{file}")).unwrap();
            assert_eq!(read(tuned_pid).escape_ascii().to_string(), read(direct_pid).escape_ascii().to_string());
        }
        for link in ["cwd", "exe", "root"] {
            let read = |pid| fs::read_link(format!("/proc/{pid}/{link}")).unwrap();
            assert_eq!(read(tuned_pid), read(direct_pid));
        }
        assert_eq!(changed(&limits(direct_pid), &limits(tuned_pid)), ["Max file size", "Max open files"]);
        assert_eq!(limit(tuned_pid, "Max open files"), ("500".into(), "600".into()));
        assert_eq!(limit(tuned_pid, "Max file size").0, "67108864");
    });
}

/// A shell that waits for its input, started by another one that ignores SIGPIPE.
fn start(scratch: &Scratch, profile: Option<&OsStr>) -> Service {
    let mut command = Command::new("sh");
    command.arg("-c").arg("trap '' PIPE; exec \"$@\"").arg("-");
    if let Some(profile) = profile {
        let tunectl = tunectl();
        command.arg(tunectl.get_program()).args(tunectl.get_args()).args(["run", "-p"]).arg(profile).arg("--");
    }
    command.args(["sh", "-c", "read -r nothing; :", "-", "--", "-p", "", "a b"]).arg(OsStr::from_bytes(b"\xff\n"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("ODD", OsStr::from_bytes(b"\xfe=\n"));
    command.env("TUNECTL_LOG", "error").current_dir(scratch.path());
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let service = Service(child);
    kernel::until("the service has not started", || {
        let line = fs::read(format!("/proc/{}/cmdline", service.0.id())).unwrap();
        line.starts_with(b"sh\0-c\0read ") && status(service.0.id())["State"].starts_with('S')
    });
    service
}

fn kept(field: &str) -> bool {
    ["Umask", "Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "Cpus_allowed", "Threads", "CoreDumping"]
        .contains(&field)
        || (field.starts_with("Sig") && field != "SigQ")
        || field.starts_with("Cap")
        || field == "ShdPnd"
}

fn changed<'a>(
    before: &'a BTreeMap<String, (String, String)>,
    after: &BTreeMap<String, (String, String)>,
) -> Vec<&'a str> {
    before.iter().filter(|(title, limits)| after[*title] != **limits).map(|(title, _)| title.as_str()).collect()
}

/// What nobody would carry out is refused where it was typed, and told where a variable or a profile asks for it.
#[test]
fn supervisor_options_need_init() {
    for (flags, named) in [
        (&["--stop-timeout", "5s"][..], "--stop-timeout"),
        (&["-g"], "--signal-to"),
        (&["--init=false", "--session"], "--session"),
        (&["--rewrite", "TERM=QUIT"], "--rewrite"),
        (&["--die-with-supervisor=false"], "--die-with-supervisor"),
    ] {
        Test::new([&["run"], flags, &["--rlimit", "core=0", "--", "echo", "started"]].concat())
            .stderr(&format!(
                "tunectl: error: `{named}` needs `--init`: only a supervisor can carry it out\n  = help: add \
                 `--init`, or leave the option out\n"
            ))
            .code(2)
            .run();
    }
    Test::new(["run", "-p", "p.toml", "--", "echo", "started"])
        .file("p.toml", "[run]\nexpect_exit = [143]\numask = \"027\"\n")
        .env("TUNECTL_STOP_TIMEOUT", "5s")
        .stdout("started\n")
        .stderr("tunectl: warning: `stop_timeout` has no effect without `--init`\n")
        .run();
    // A profile may be used with `--init` elsewhere, so that this is told only where more is asked for.
    let profile = "[run]\nexpect_exit = [143]\nstop_timeout = '5s'\nrewrite = ['TERM=QUIT']\n";
    let quiet = Test::new(["run", "-p", "p.toml", "--", "echo", "started"]).file("p.toml", profile);
    quiet.stdout("started\n").stderr("").run();
    let verbose = Test::new(["run", "-v", "-p", "p.toml", "--", "echo", "started"]).file("p.toml", profile);
    let said = verbose.stdout("started\n").stderr_is_anything().run().stderr;
    for name in ["expect_exit", "stop_timeout", "rewrite"] {
        assert!(said.contains(&format!("`{name}` has no effect without `--init`")), "{said}");
    }
    // The signal at the death of our parent is the service's, who takes our place.
    Test::new(["run", "--parent-death-signal", "TERM", "--", "echo", "started"]).stdout("started\n").run();
}
