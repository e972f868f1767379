//! Files that tunectl writes: in a directory of another user nothing that is prepared there makes it write anywhere else
//! or wait, and without space the old file is still whole.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside_of, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

/// Network, IPC and mounts of its own.
const KINDS: [&str; 3] = ["--net", "--ipc", "--mount"];

const PROFILE: &str = "[linux.sysctl]\n'net.core.somaxconn' = 777\n";

/// The commands that write a file: its directory, its name, and what is typed.
const WRITERS: [(&str, &str, &str); 4] = [
    ("metrics", "m.prom", "watch --once --metrics metrics/m.prom -p ./p.toml"),
    ("results", "r.json", "bench --runs 1 --warmup 0 -o results/r.json -p ./p.toml -- true"),
    ("root/etc/sysctl.d", "99-tunectl.conf", "apply --persist --root root -p ./p.toml --no-journal"),
    ("journal", "000001.journal", "apply -p ./p.toml"),
];

fn shell(scratch: &Scratch, script: &str) -> (Option<i32>, String) {
    let program = tunectl().get_program().to_owned();
    let mut command = Command::new("timeout");
    command.args(["60", "sh", "-c", script]).current_dir(scratch.path()).stdin(Stdio::null());
    command.env("T", program).env("TUNECTL_JOURNAL", scratch.path().join("journal"));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // The files that are to outlive the boot are told of on standard output.
    (output.status.code(), format!("{}{}", text(&output.stderr), text(&output.stdout)))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A directory of a writer. Those that belong to another user: what is only guessed to be there must do no harm.
fn folder(scratch: &Scratch, name: &str, is_others: bool) -> std::path::PathBuf {
    let folder = scratch.folder(name);
    let mode = if name == "journal" { 0o700 } else { 0o777 };
    fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    if is_others && name != "journal" {
        // In a user namespace there is no other user.
        drop(chown(&folder, Some(65534), Some(65534)));
    }
    folder
}

#[test]
fn names_of_unfinished_files_can_not_be_prepared() {
    inside_of(this_test!(), &KINDS, || {
        for (name, file, typed) in WRITERS {
            for prepare in ["ln -s \"$PWD/victim\" \"$name\"", "mkfifo \"$name\"", "ln \"$PWD/victim\" \"$name\""] {
                put("net/core/somaxconn", "128");
                let scratch = Scratch::new();
                scratch.write("p.toml", PROFILE);
                let victim = scratch.write("victim", "victim");
                fs::set_permissions(&victim, fs::Permissions::from_mode(0o604)).unwrap();
                let folder = folder(&scratch, name, true);
                // The names that version 0.1.0 wrote to, of the process that this shell becomes.
                let script = format!(
                    "for name in {file}.$$ .tunectl-new-$$ new; do name={name}/$name; {prepare}; done; exec \"$T\" {typed}"
                );
                let (_, told) = shell(&scratch, &script);
                let told = format!("{typed}, {prepare}: {told}");
                assert_eq!(fs::read_to_string(&victim).unwrap(), "victim", "{told}");
                assert_eq!(fs::metadata(&victim).unwrap().mode() & 0o7777, 0o604, "{told}");
                assert!(fs::symlink_metadata(folder.join(file)).is_ok_and(|found| found.is_file()), "{told}");
                assert!(!fs::read_to_string(folder.join(file)).unwrap().is_empty(), "{told}");
            }
        }
    });
}

/// rename(2) would put a regular file in its place: `/dev/null` would be gone.
#[test]
fn only_regular_files_are_replaced() {
    inside_of(this_test!(), &KINDS, || {
        for (name, file, typed) in &WRITERS[..3] {
            for kind in ["fifo", "link", "folder"] {
                put("net/core/somaxconn", "128");
                let scratch = Scratch::new();
                scratch.write("p.toml", PROFILE);
                let victim = scratch.write("victim", "victim");
                let path = folder(&scratch, name, true).join(file);
                match kind {
                    "fifo" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
                    "link" => symlink(&victim, &path).unwrap(),
                    _ => fs::create_dir(&path).unwrap(),
                }
                let before = fs::symlink_metadata(&path).unwrap().ino();
                let (_, told) = shell(&scratch, &format!("exec \"$T\" {typed}"));
                let told = format!("{typed}, {kind}: {told}");
                assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), before, "{told}");
                assert_eq!(fs::read_to_string(&victim).unwrap(), "victim", "{told}");
                assert!(told.contains(file), "{told}");
                assert_eq!(names(path.parent().unwrap()), [*file], "{told}");
            }
        }
    });
}

#[test]
fn without_space_the_old_file_stays_whole() {
    inside_of(this_test!(), &KINDS, || {
        for (name, file, typed) in WRITERS {
            put("net/core/somaxconn", "128");
            let scratch = Scratch::new();
            scratch.write("p.toml", PROFILE);
            let folder = folder(&scratch, name, false);
            let mount = format!("mount -t tmpfs -o size=64k,mode=700 none {name}");
            assert_eq!(shell(&scratch, &mount), (Some(0), String::new()));
            let (code, told) = shell(&scratch, &format!("exec \"$T\" {typed}"));
            assert!(matches!(code, Some(0 | 1)), "{typed}: {told}");
            let old = fs::read(folder.join(file)).unwrap();
            put("net/core/somaxconn", "129");
            scratch.write("p.toml", "[linux.sysctl]\n'net.core.somaxconn' = 778\n");
            // dd(1) fails when there is no space left.
            shell(&scratch, &format!("dd if=/dev/zero of={name}/fill bs=4k 2>/dev/null"));
            let before = names(&folder);
            let (code, told) = shell(&scratch, &format!("exec \"$T\" {typed}"));
            let told = format!("{typed}: {code:?} {told}");
            assert!(told.contains("no space left on device"), "{told}");
            assert_eq!(fs::read(folder.join(file)).unwrap(), old, "{told}");
            assert_eq!(names(&folder), before, "{told}");
            if name == "journal" {
                assert_eq!((code, sysctl("net/core/somaxconn").as_str()), (Some(1), "129"), "{told}");
            }
        }
    });
}
