//! Values that a file of the system sets: the file is named, and its line, changed as the remedy says, read by the
//! system's own programs, makes `check` pass. All of it in a mount namespace whose configuration is the test's own:
//! these programs write whatever they find.

use tunectl::diagnose::{DiagnosisContext as Seen, diagnose};
use tunectl::environment::config_files::{ConfigLine, ConfigReader, LineScope};
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces};
use tunectl::model::setting::System;
use tunectl::model::value::Value;
use tunectl::output::why;
use tunectl::report::{Outcome, Report, Shortfall};

use crate::odd::{finding, setting};
use crate::scene::{DiagnosisContext, Said};
use crate::support::namespaces::{self, inside_of, skip, this_test};

/// Hides the machine's own files, and shows those below `etc`, `run` and `lib` of the scene.
const CONFIGURED: &str = r#"exec unshare --mount sh -euc '
for folder in etc run lib; do mkdir -p "$folder"; done
mkdir -p /run/sysctl.d
mount -t tmpfs none /usr/lib/sysctl.d && cp -R lib/. /usr/lib/sysctl.d
for folder in /lib/sysctl.d /usr/local/lib/sysctl.d; do
    [ ! -d "$folder" ] || [ "$folder" -ef /usr/lib/sysctl.d ] || mount -t tmpfs none "$folder"
done
mount --bind etc /etc/sysctl.d
mount --bind run /run/sysctl.d
[ ! -e /etc/sysctl.conf ] || mount --bind conf /etc/sysctl.conf
exec "$@"' sh "$@""#;

fn as_root(name: &str, body: impl FnOnce()) {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(name, "only root mounts over /etc");
    }
    inside_of(name, &["--net"], body);
}

/// systemd-sysctl(8), where systemd is installed.
fn systemd_sysctl() -> Option<&'static str> {
    ["/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"]
        .into_iter()
        .find(|path| std::fs::exists(path).unwrap())
}

/// Puts the remedy's line in the place of the line that it names, of the scene's copy of the file.
fn change_line(scene: &DiagnosisContext, said: &Said, folders: &[(&str, &str)]) {
    let (file, line) = said.spots["file"].rsplit_once(':').unwrap();
    let (shown, own) = folders.iter().find(|(shown, _)| file.starts_with(shown)).unwrap();
    let own = file.replacen(shown, own, 1);
    let text = std::fs::read_to_string(scene.path().join(&own)).unwrap();
    let at: usize = line.parse::<usize>().unwrap() - 1;
    let lines = text.lines().enumerate().map(|(i, line)| if i == at { said.at("file") } else { line });
    scene.scratch.write(&own, lines.collect::<Vec<_>>().join("\n") + "\n");
}

const FOLDERS: [(&str, &str); 4] =
    [("/etc/sysctl.d", "etc"), ("/run/sysctl.d", "run"), ("/usr/lib/sysctl.d", "lib"), ("/etc/sysctl.conf", "conf")];

#[test]
fn overriding_sysctl_file_and_line_are_named() {
    as_root(this_test!(), || {
        let systemd = systemd_sysctl();
        let tools = [Some("sysctl --system"), systemd];
        for reader in tools.into_iter().flatten() {
            let scene = DiagnosisContext::new(CONFIGURED);
            for (name, text) in [
                ("conf", "# nothing\n"),
                ("etc/10-early.conf", "net.core.somaxconn = 100\n"),
                ("run/50-queue.conf", "# a comment\nnet/core/somaxconn=200\n"),
                ("lib/50-queue.conf", "net.core.somaxconn = 300\n"),
                ("lib/20-vendor.conf", "-net.core.somaxconn = 400\n"),
                ("etc/99-note.txt", "net.core.somaxconn = 500\n"),
            ] {
                scene.scratch.write(name, text);
            }
            let asked = "--set net.core.somaxconn=9999";
            scene.runs(&["sh", "-euc", reader]);
            let said = scene.says("check", asked, "net.core.somaxconn");
            assert_eq!(said.cause, "set-elsewhere", "{reader}: {said:?}");
            assert_eq!(said.spots["file"], "/run/sysctl.d/50-queue.conf:2", "{reader}");
            assert_eq!(said.why, "/run/sysctl.d/50-queue.conf:2 sets it to 200");
            assert_eq!(said.at("shell"), "tunectl apply --set net.core.somaxconn=9999");
            change_line(&scene, &said, &FOLDERS);
            // At the next boot, that is.
            scene.inside_then_check(reader, asked);
        }
        if systemd.is_none() {
            skip(this_test!(), "systemd-sysctl(8) is not installed");
        }
    });
}

/// procps reads `/etc/sysctl.conf`, and last; systemd does not read it at all.
#[test]
fn overriding_sysctl_conf_is_named() {
    as_root(this_test!(), || {
        if !std::fs::exists("/etc/sysctl.conf").unwrap() {
            return skip(this_test!(), "there is no /etc/sysctl.conf to mount over");
        }
        let scene = DiagnosisContext::new(CONFIGURED);
        scene.scratch.write("conf", "net.ipv4.conf.*.rp_filter = 1\nnet.core.somaxconn = 777\n");
        scene.scratch.write("etc/99-zz.conf", "net.core.somaxconn = 888\n");
        let asked = "--set net.core.somaxconn=9999";
        scene.runs(&["sysctl", "--system"]);
        let said = scene.says("check", asked, "net.core.somaxconn");
        assert_eq!(said.spots["file"], "/etc/sysctl.conf:2", "{said:?}");
        change_line(&scene, &said, &FOLDERS);
        scene.inside_then_check("sysctl --system", asked);
    });
}

/// Where a file sets another value than the one that stands there, it is not the reason.
#[test]
fn file_changed_since_boot_is_not_blamed() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(CONFIGURED);
        scene.scratch.write("conf", "");
        scene.scratch.write("etc/50.conf", "net.core.somaxconn = 123\n");
        let said = scene.says("check", "--set net.core.somaxconn=9999", "net.core.somaxconn");
        assert_eq!(said.cause, "not-applied", "{said:?}");
    });
}

/// A network namespace starts with the kernel's values, and no reader of files sets any in it.
#[test]
fn namespace_defaults_are_not_blamed_on_files() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(CONFIGURED);
        scene.scratch.write("conf", "");
        scene.scratch.write("etc/50.conf", "net.core.somaxconn = 4096\nnet.ipv4.tcp_fin_timeout = 61\n");
        crate::support::kernel::put("net/ipv4/tcp_fin_timeout", "61");
        let asked = "--set net.core.somaxconn=9999 --set net.ipv4.tcp_fin_timeout=62";
        assert_eq!(scene.says("check", asked, "net.core.somaxconn").cause, "not-applied");
        assert_eq!(scene.says("check", asked, "net.ipv4.tcp_fin_timeout").cause, "set-elsewhere");
    });
}

/// A line for many keys stays as it is, and one for this key alone is read over it, wherever both stand.
#[test]
fn pattern_line_gets_an_additional_line() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(CONFIGURED);
        scene.scratch.write("conf", "");
        scene.scratch.write("etc/99-zzz.conf", "net.ipv4.conf.*.arp_ignore = 1\n");
        let reader = systemd_sysctl().unwrap_or("sysctl --system");
        scene.runs(&["sh", "-euc", reader]);
        let asked = "--set net.ipv4.conf.lo.arp_ignore=2";
        let said = scene.says("check", asked, "net.ipv4.conf.lo.arp_ignore");
        assert_eq!((&*said.cause, &*said.spots["file"]), ("set-elsewhere", "/etc/sysctl.d/99-zz-tunectl.conf"));
        assert_eq!(said.why, "/etc/sysctl.d/99-zzz.conf:1 sets it to 1");
        scene.scratch.write("etc/99-zz-tunectl.conf", said.at("file"));
        scene.inside_then_check(reader, asked);
        assert_eq!(crate::support::kernel::sysctl("net/ipv4/conf/default/arp_ignore"), "1");
    });
}

/// What a file asks for and what stands there, each as it is.
#[test]
fn file_is_blamed_only_for_its_own_value() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(CONFIGURED);
        scene.scratch.write("conf", "");
        for (file, now, line) in [
            ("net.core.somaxconn = 123", "9999", "in a file       /etc/sysctl.d/50.conf:1 (123)"),
            ("net.core.somaxconn =  9999 ", "9999", "set by          /etc/sysctl.d/50.conf:1 (9999)"),
            (
                "net.ipv4.tcp_rmem = 4096 8192  16384",
                "4096 8192 16384",
                "set by          /etc/sysctl.d/50.conf:1 (4096 8192 16384)",
            ),
            (
                "net.ipv4.ip_local_reserved_ports = 8081,8080",
                "8080,8081",
                "in a file       /etc/sysctl.d/50.conf:1 (8081,8080)",
            ),
            ("net.ipv4.ip_local_reserved_ports =", "", "set by          /etc/sysctl.d/50.conf:1 (empty)"),
        ] {
            scene.scratch.write("etc/50.conf", format!("{file}\n"));
            let key = file.split(' ').next().unwrap();
            crate::support::kernel::put(&key.replace('.', "/"), &format!("{now}\n"));
            let output = scene.runs(&["tunectl", "explain", key]);
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(said.ends_with(&format!("\n  {line}\n")), "{said}");
        }
    });
}

#[test]
fn line_with_an_empty_value_is_shown_as_empty() {
    let own = Namespaces { net: Some(true), ..Namespaces::default() };
    let environment = Environment::known(System::Linux, None, own, 0, EnvironmentDetails::default());
    let setting = setting("net.ipv4.ip_local_reserved_ports");
    let (file, reader) = ("/etc/sysctl.d/50.conf".to_owned(), ConfigReader::SystemdSysctl);
    let line = ConfigLine { setting, file, line: 1, value: String::new(), scope: LineScope::Setting, reader };
    let found = Some(Value::text(""));
    let finding =
        Outcome { found, ..finding(line.setting.clone(), Shortfall::Differs, tunectl::kernel::Evidence::default()) };
    let (report, around) = (Report { outcomes: vec![finding] }, environment.details(&[]));
    let lines = [line];
    let mut seen = Seen::new(&environment, &around, &report);
    seen.config_lines = &lines;
    let said = diagnose(&report.outcomes[0], &seen).unwrap();
    assert_eq!(why(&said.cause), "/etc/sysctl.d/50.conf:1 sets it to (empty)");
}

/// `pam_limits(8)` at a login by su(1), with a limits.d and a PAM stack of the test's own.
#[test]
fn overriding_limits_d_line_is_named() {
    as_root(this_test!(), || {
        let enter = r#"exec unshare --mount sh -euc '
mkdir -p pam limits
printf "%s\n" "auth sufficient pam_rootok.so" "account required pam_permit.so" "session required pam_limits.so" >pam/su
cp pam/su pam/su-l
mount --bind pam /etc/pam.d
mount --bind limits /etc/security/limits.d
exec su nobody -s /bin/sh -c "exec \"\$@\"" -- sh "$@"' sh "$@""#;
        let scene = DiagnosisContext::new(enter);
        scene.scratch.write(
            "limits/50-few.conf",
            "* - nofile 100\n# for one user\nnobody soft nofile 300\nnobody hard nofile 400\n",
        );
        let asked = "--rlimit nofile=900";
        if !scene.runs(&["true"]).status.success() {
            return skip(this_test!(), "su(1) with pam_limits(8) does not work here");
        }
        let said = scene.says("check", asked, "nofile (hard)");
        assert_eq!(said.cause, "set-elsewhere", "{said:?}");
        assert_eq!(said.why, "/etc/security/limits.d/50-few.conf:4 sets it to 400");
        for setting in ["nofile (soft)", "nofile (hard)"] {
            let said = scene.says("check", asked, setting);
            change_line(&scene, &said, &[("/etc/security/limits.d", "limits")]);
        }
        // At the next login, that is.
        scene.passes(asked);
    });
}
