//! Files of all kinds where a profile is expected, names, and whose files are trusted.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tunectl::catalog;
use tunectl::profile::load::{LookupError, load};
use tunectl::profile::{Profile, Source};
use tunectl::profile_store::ProfileStore;

use crate::support::scratch::Scratch;

/// A folder of profiles.
struct Folder(Scratch);

impl Folder {
    fn new() -> Self {
        Self(Scratch::new())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        self.0.write(name, content).to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// One that looks for names here, and trusts everyone.
    fn library(&self) -> ProfileStore {
        ProfileStore { directory: self.0.path().to_owned(), owners: None, invoker: None }
    }
}

fn refused(library: &ProfileStore, name: &str) -> LookupError {
    match library.find(name, None) {
        Ok(source) => panic!("{name} was taken: {source:?}"),
        Err(unfound) => unfound,
    }
}

fn load_with(library: &ProfileStore, name: &str) -> Result<Profile, String> {
    let mut find = |name: &str, named_by: Option<&Source>| library.find(name, named_by);
    load(&[name.to_owned()], &mut find, &catalog::spec).map_err(|problems| problems.to_string())
}

#[test]
fn unsuitable_files_are_named_by_their_kind() {
    let folder = Folder::new();
    let library = folder.library();
    fs::create_dir(folder.path("dir.toml")).unwrap();
    nix::unistd::mkfifo(Path::new(&folder.path("fifo.toml")), nix::sys::stat::Mode::S_IRUSR).unwrap();
    folder.file("nul.toml", b"a = 1\n\0\n");
    folder.file("latin1.toml", b"# \xe4\n");
    folder.file("large.toml", vec![b'#'; 10 << 20]);
    folder.file("plain", b"");
    symlink(folder.path("round.toml"), folder.path("round.toml")).unwrap();
    for (name, reason) in [
        ("missing.toml", "can't be read: no such file or directory"),
        ("dir.toml", "is a directory, not a file"),
        ("dir.toml/", "is a directory, not a file"),
        ("large.toml/", "can't be read: not a directory"),
        ("large.toml/.", "can't be read: not a directory"),
        ("fifo.toml", "is a fifo, not a file"),
        ("nul.toml", "is not a text file: byte 6 is not valid UTF-8"),
        ("latin1.toml", "is not a text file: byte 2 is not valid UTF-8"),
        ("large.toml", "is larger than 1 MiB"),
        ("plain/x.toml", "can't be read: not a directory"),
        ("round.toml", "can't be read: too many symbolic links encountered"),
    ] {
        let path = folder.path(name);
        let said = refused(&library, &path);
        assert_eq!(said, LookupError { message: format!("profile `{path}` {reason}"), help: None });
    }
    for here in ["./", "./."] {
        assert_eq!(refused(&library, here).message, format!("profile `{here}` is a directory, not a file"));
    }
    assert_eq!(refused(&library, "/dev/zero").message, "profile `/dev/zero` is a device, not a file");
    assert_eq!(refused(&library, "/proc/self/mem").message.split(' ').nth(2), Some("can't"));
}

/// A file that is rewritten in place has for a moment no text, or the beginning of one. Whoever reads it then gets one of
/// the two texts whole, or an error. Of a writer that is stopped in the middle for long, nobody can tell.
#[test]
fn a_file_that_is_rewritten_is_never_read_in_part() {
    let folder = Folder::new();
    let library = folder.library();
    let part = "[linux.sysctl]\n# ".to_owned() + &"x".repeat(20_000);
    let texts = [format!("{part}\nvm.swappiness = 1\n"), format!("{part}\nvm.overcommit_memory = 1\n# longer\n")];
    let path = folder.file("p.toml", &texts[0]);
    let (ended, rewrites, slow) = (AtomicBool::new(false), AtomicU32::new(0), AtomicBool::new(false));
    let wrong: Vec<usize> = thread::scope(|scope| {
        scope.spawn(|| {
            for text in texts.iter().cycle().take_while(|_| !ended.load(Ordering::SeqCst)) {
                let start = Instant::now();
                fs::write(&path, text).unwrap();
                slow.fetch_or(start.elapsed() > Duration::from_millis(5), Ordering::SeqCst);
                rewrites.fetch_add(1, Ordering::SeqCst);
            }
        });
        let read = |_| {
            slow.store(false, Ordering::SeqCst);
            let found = library.find(&path, None);
            // What was being written is complete after the next rewrite.
            let before = rewrites.load(Ordering::SeqCst);
            while rewrites.load(Ordering::SeqCst) < before + 2 {
                thread::yield_now();
            }
            let wrong = match found {
                Ok(source) => Some(source.text.len()).filter(|_| !texts.contains(&source.text)),
                Err(error) => {
                    (error.message != format!("profile `{path}` changed while it was read")).then_some(usize::MAX)
                }
            };
            wrong.filter(|_| !slow.load(Ordering::SeqCst))
        };
        let wrong = (0..30).filter_map(read).collect();
        ended.store(true, Ordering::SeqCst);
        wrong
    });
    assert_eq!(wrong, [0; 0], "bytes of what was read");
    fs::write(&path, &texts[1]).unwrap();
    assert_eq!(library.find(&path, None).unwrap().text, texts[1]);
}

#[test]
fn profiles_above_one_mebibyte_are_refused() {
    let folder = Folder::new();
    let most = folder.file("most.toml", vec![b'#'; 1 << 20]);
    assert_eq!(folder.library().find(&most, None).unwrap().text.len(), 1 << 20);
    let more = folder.file("more.toml", vec![b'#'; (1 << 20) + 1]);
    assert!(folder.library().find(&more, None).is_err());
}

#[test]
fn names_are_searched_in_the_directory_before_the_built_in_ones() {
    let folder = Folder::new();
    let library = folder.library();
    assert_eq!(library.find("loadtest", None).unwrap().label, "built-in profile loadtest");
    let own = folder.file("loadtest.toml", "extends = 'loadtest'\n[rlimit]\nnofile = 70000\n");
    assert_eq!(library.find("loadtest", None).unwrap().label, own);
    let profile = load_with(&library, "loadtest").unwrap();
    let asked: Vec<String> =
        profile.requirements.iter().map(|wish| format!("{}: {}", wish.setting, wish.wanted)).collect();
    assert!(asked.contains(&"nofile (soft): 70000".to_owned()), "{asked:?}");
    assert!(asked.contains(&"net.core.somaxconn: at least 32768".to_owned()), "{asked:?}");

    folder.file("mine.toml", "extends = ['./sub/other.toml', 'base']");
    folder.file("sub/other.toml", "extends = 'third.toml'");
    folder.file("sub/third.toml", "description = 'third'");
    assert_eq!(
        load_with(&library, "mine").unwrap().description.as_deref(),
        Some("A floor for any network service: no queue or limit below what a modern kernel starts with")
    );
    assert_eq!(library.names(), ["loadtest", "mine", "base", "production", "realtime"]);
    assert_eq!(
        refused(&library, "loadtst"),
        LookupError {
            message: "unknown profile `loadtst`, did you mean `loadtest`?".to_owned(),
            help: Some(
                "available: `loadtest`, `mine`, `base`, `production`, `realtime`; the path of a file \
                 contains a `/` or ends in `.toml`"
                    .to_owned()
            ),
        }
    );
    for odd in ["", ".", "..", ".toml", "a\0b", "x".repeat(300).as_str()] {
        assert!(library.find(odd, None).is_err(), "{odd:?}");
    }
}

#[test]
fn unreadable_file_does_not_fall_back_to_the_built_in_profile() {
    let folder = Folder::new();
    fs::create_dir(folder.path("base.toml")).unwrap();
    assert!(refused(&folder.library(), "base").message.ends_with("base.toml` is a directory, not a file"));
}

#[test]
fn extends_cycles_are_found_through_any_path() {
    let folder = Folder::new();
    let first = folder.file("a.toml", "extends = './././b.toml'");
    let second = folder.file("b.toml", "extends = 'a.toml'");
    let said = load_with(&folder.library(), &first).unwrap_err();
    let circle = format!("tunectl: error: profiles extend each other in a cycle: {first} → {second} → {first}");
    let found = said.lines().next().unwrap();
    // What is too long for a line ends earlier.
    assert!(found == circle || found.strip_suffix('…').is_some_and(|found| circle.starts_with(found)), "{found}");
    folder.file("sub/x.toml", "");
    let dots = folder.file("c.toml", "extends = 'sub/../c.toml'");
    let said = load_with(&folder.library(), &dots).unwrap_err();
    assert!(said.starts_with("tunectl: error: more than 16 profiles extend each other in a row\n"), "{said}");
}

#[test]
fn missing_extended_file_is_reported_at_its_reference() {
    let folder = Folder::new();
    let first = folder.file("a.toml", "extends = ['gone.toml']");
    let said = load_with(&folder.library(), &first).unwrap_err();
    let gone = folder.path("gone.toml");
    let expected = format!(
        "\
tunectl: error: profile `{gone}` can't be read: no such file or directory
 --> {first}:1:12
  |
1 | extends = ['gone.toml']
  |            ^^^^^^^^^^^"
    );
    assert_eq!(said, expected);
}

#[test]
fn privileged_runs_accept_only_trusted_files() {
    let folder = Folder::new();
    let path = folder.file("a.toml", "description = 'x'");
    let found = fs::metadata(&path).unwrap();
    let (own, group) = (found.uid(), found.gid());
    let trusting = |owners: &[u32]| ProfileStore {
        directory: folder.0.path().to_owned(),
        owners: Some(owners.to_vec()),
        invoker: None,
    };
    let mode = |mode: u32| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();

    assert!(trusting(&[own]).find(&path, None).is_ok());
    assert_eq!(
        refused(&trusting(&[own + 1]), &path),
        LookupError {
            message: format!(
                "profile `{path}` is owned by uid {own}, who could make tunectl set anything with our privileges"
            ),
            help: Some(format!("if you trust its contents: `chown root {path}`")),
        }
    );
    mode(0o646);
    assert_eq!(
        refused(&trusting(&[own]), &path),
        LookupError {
            message: format!(
                "profile `{path}` is writable by other users (mode 0646), who could make tunectl set \
                 anything with our privileges"
            ),
            help: Some(format!("`chmod go-w {path}`")),
        }
    );
    assert!(folder.library().find(&path, None).is_ok(), "without privileges nothing can be abused");
    mode(0o664);
    // Group 0 is root's own; any other may have members.
    assert_eq!(trusting(&[own]).find(&path, None).is_ok(), group == 0);
    if group == 0 && std::os::unix::fs::chown(&path, None, Some(4711)).is_ok() {
        assert!(refused(&trusting(&[own]), &path).message.contains("(mode 0664)"));
    }
    // Also by name, and where another profile extends it.
    mode(0o666);
    assert!(trusting(&[own]).find("a", None).is_err());
    let top = folder.file("top.toml", "extends = 'a.toml'");
    let said = load_with(&trusting(&[own]), &top).unwrap_err();
    assert!(said.contains("is writable by other users") && said.contains("extends = 'a.toml'"), "{said}");
}

/// The mode shows the mask of the list as the bits of the group, and group 0 is root's own.
#[cfg(target_os = "linux")]
#[test]
#[allow(unsafe_code, reason = "std has no call for attributes of files")]
fn access_control_lists_are_part_of_who_may_write() {
    let folder = Folder::new();
    let path = folder.file("a.toml", "[rlimit]\ncore = 0\n");
    let own = fs::metadata(&path).unwrap().uid();
    let store = ProfileStore { directory: folder.0.path().to_owned(), owners: Some(vec![own]), invoker: None };
    let entry = |tag: u16, permissions: u16, id: u32| {
        [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    for (tag, id, permissions, refusal) in [
        (2, 1000, 6, Some("uid 1000")),
        (2, 1000, 4, None),
        (2, own, 6, None),
        (8, 1000, 6, Some("gid 1000")),
        (8, 0, 6, None),
    ] {
        let (nobody, mask) = (u32::MAX, 6);
        let entries = [entry(1, 6, nobody), entry(tag, permissions, id), entry(4, 4, nobody), entry(16, mask, nobody)];
        let mut named = entries.to_vec();
        // In the order of their tags: a named group behind the owning one.
        named.sort_by_key(|entry| entry[0]);
        let list = [vec![2, 0, 0, 0], named.concat(), entry(32, 4, nobody)].concat();
        let (file, name) = (std::ffi::CString::new(path.as_str()).unwrap(), c"system.posix_acl_access");
        // SAFETY: both names end in NUL, and the list is as long as it is said to be.
        let set = unsafe { libc::setxattr(file.as_ptr(), name.as_ptr(), list.as_ptr().cast(), list.len(), 0) };
        if set != 0 {
            return crate::support::namespaces::skip("access control lists", "this file system has none");
        }
        if fs::metadata(&path).unwrap().gid() != 0 {
            return crate::support::namespaces::skip("access control lists", "the group of new files is not root's");
        }
        match refusal {
            None => drop(store.find(&path, None).unwrap()),
            Some(who) => {
                let error = refused(&store, &path);
                assert!(
                    error.message.contains(&format!("is writable by {who} (its access control list)")),
                    "{error:?}"
                );
                assert_eq!(error.help, Some(format!("`setfacl -b {path}`")));
            }
        }
    }
}

/// What is no profile may be a file of passwords: none of its text is in the error. Of a profile with a mistake the line is.
#[test]
fn files_that_are_no_profiles_are_not_quoted() {
    const SECRET: &str = "s3cr3t";
    let folder = Folder::new();
    let library = folder.library();
    for (number, text) in [
        "root:s3cr3t:19000:0:99999:7:::\n",
        "# comment\nPASSWORD=s3cr3t\n",
        "a = 1\nPASSWORD=s3cr3t\n",
        "[client]\npassword = s3cr3t\n",
        "-----BEGIN s3cr3t-----\n",
        "s3cr3t",
        "\"s3cr3t",
        "{\"auth\": \"s3cr3t\"}",
        "machine example.org login me password s3cr3t",
        "a = '''\n s3cr3t",
        "a = s3cr3t.s3cr3t.s3cr3t.\n",
        "a = 010 s3cr3t\n",
    ]
    .iter()
    .enumerate()
    {
        let path = folder.file(&format!("{number}.toml"), text);
        let error = load_with(&library, &path).unwrap_err();
        assert!(!error.contains(SECRET), "{text:?}: {error}");
        assert!(error.contains(".toml:") && error.contains("no line is shown"), "{error}");
    }
    for text in [
        "[linux.sysctl]\nnet.core.somaxconn = 4096 seen\n",
        "[linux.sysctl\nseen = 1\n",
        "description = seen\n",
        "description = \"x\"\nseen seen\n",
        "rlimit.nofile = seen\n",
    ] {
        let path = folder.file("profile.toml", text);
        let error = load_with(&library, &path).unwrap_err();
        assert!(error.contains(" | ") && error.contains('^'), "{text:?}: {error}");
    }
}

/// Under sudo(8), a file that its caller may not read gives away nothing, whatever is wrong with it.
#[test]
fn files_that_the_caller_of_sudo_may_not_read_are_not_quoted() {
    let folder = Folder::new();
    folder.file("open/s.toml", "");
    let own = fs::metadata(folder.path("open")).unwrap().uid();
    let other = own + 1000;
    let quotes = |path: &str, invoker| {
        let store = ProfileStore { directory: folder.0.path().to_owned(), owners: None, invoker: Some(invoker) };
        let error = load_with(&store, path).unwrap_err();
        let hidden = error.contains("who has called sudo, may not read it");
        assert!(!hidden || !error.contains("s3cr3t"), "{error}");
        assert_eq!(hidden, !error.contains(" | "), "{error}");
        !hidden
    };
    for text in ["[s3cr3t]\na = 1\n", "[linux.sysctl]\ns3cr3t = { s3cr3t = 1 }\n", "[rlimit]\ns3cr3t = 5\n"] {
        let path = folder.file("open/s.toml", text);
        for (mode, others) in [(0o644, true), (0o600, false), (0o640, false)] {
            folder.0.mode("open/s.toml", mode);
            assert_eq!(quotes(&path, (other, other)), others, "{mode:o}");
            assert!(quotes(&path, (own, other)), "{mode:o}");
        }
        folder.0.mode("open/s.toml", 0o644);
        folder.0.mode("open", 0o700);
        assert!(!quotes(&path, (other, other)));
        folder.0.mode("open", 0o755);
    }
}
