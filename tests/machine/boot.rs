//! One boot: an initramfs with tunectl and a script, the kernel, and what came back over its two serial lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cpio::Archive;
use crate::kernel::{Kernel, policies};

/// Software emulation gets to the script in three seconds on an idle machine: this is for a busy one.
const PATIENCE: Duration = Duration::from_secs(150);

/// What the machine does, told before it starts.
#[derive(Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is something that it may have besides, and none excludes another"
)]
pub(crate) struct Machine {
    files: Vec<(String, String)>,
    steps: Vec<String>,
    policies: bool,
    parameters: &'static str,
    modules: bool,
    systemd: bool,
    engine: bool,
}

/// What the machine said.
pub(crate) struct Outcome {
    kernel: Kernel,
    results: BTreeMap<String, String>,
    console: String,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Puts a profile where the command line below finds it: `/etc/NAME.toml`.
    pub(crate) fn profile(self, name: &str, text: &str) -> Self {
        self.file(&format!("etc/{name}.toml"), text)
    }

    /// Puts a file where its path says, in a folder that is there: every one in a system with systemd.
    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// Puts the kernel's modules where `guest modprobe` finds them.
    pub(crate) fn modules(self) -> Self {
        Self { modules: true, ..self }
    }

    /// Puts the compiled policies of `tests/machine/policies` below /etc.
    pub(crate) fn policies(self) -> Self {
        Self { policies: true, ..self }
    }

    /// A system with Docker's engine, which the script has to start, Podman and LXC.
    pub(crate) fn engine(self) -> Self {
        Self { engine: true, ..self }
    }

    /// Starts the kernel with these parameters besides.
    pub(crate) fn parameters(self, parameters: &'static str) -> Self {
        Self { parameters, ..self }
    }

    /// Adds a step to the script, see `guest/src/script.rs` for the words.
    pub(crate) fn step<const N: usize>(mut self, name: &str, words: [&str; N]) -> Self {
        // A step is a line: vertical tabs stand for the ends of lines within it.
        self.steps.push(format!("{name}\t{}", words.join("\t")).replace('\n', "\u{b}"));
        self
    }

    /// The same with words of several kinds.
    pub(crate) fn words(mut self, name: &str, words: &[&[&str]]) -> Self {
        self.steps.push(format!("{name}\t{}", words.concat().join("\t")));
        self
    }

    /// Starts the machine and waits for its end. `first` is the program that the kernel starts, `args` what it gets.
    pub(crate) fn boot(self, kernel: Kernel, first: &str, args: &str) -> Outcome {
        let folder = scratch();
        let (initramfs, console, results) = (folder.join("initramfs"), folder.join("console"), folder.join("results"));
        fs::write(&initramfs, self.initramfs(kernel)).expect("room for the initramfs");
        let append = format!("{} rdinit={first} -- {args}", self.parameters);
        let memory = if self.engine { "3072" } else { "512" };
        let status = wait(emulator(kernel, &initramfs, [&console, &results], &append, memory));

        let console = read(&console);
        let outcome = Outcome { kernel, results: parse(&read(&results)), console };
        fs::remove_dir_all(&folder).expect("a scratch folder of our own");
        let status = status.unwrap_or_else(|| panic!("still running after {PATIENCE:?}; {}", outcome.all()));
        assert!(status.success(), "qemu ended with {status}; {}", outcome.all());
        outcome
    }

    fn initramfs(&self, kernel: Kernel) -> Vec<u8> {
        let mut archive = Archive::default();
        if self.systemd {
            archive.tree(&kernel.systemd());
        }
        if self.engine {
            archive.tree(&kernel.engine());
        }
        for folder in ["bin", "dev", "etc", "proc", "sys", "tmp", "var", "var/lib", "run"] {
            if !self.systemd && !self.engine {
                archive.folder(folder);
            }
        }
        archive.device("dev/console", (5, 1));
        archive.device("dev/null", (1, 3));
        archive.device("dev/results", kernel.serial_lines().1);
        let tunectl = kernel.program("tunectl");
        if self.systemd {
            archive.folder("usr/local");
            archive.folder("usr/local/bin");
            archive.program("usr/local/bin/tunectl", &tunectl);
        } else {
            archive.program("init", &tunectl);
        }
        archive.program("bin/guest", &kernel.program("guest"));
        for (path, text) in &self.files {
            archive.text_in_folders(path, text);
        }
        if self.policies {
            for (name, bytes) in policies() {
                archive.program(&format!("etc/{name}"), &bytes);
            }
        }
        if self.modules {
            let (modules, order) = kernel.modules();
            // A system with systemd has it, as a link.
            if !self.systemd {
                archive.folder("lib");
            }
            archive.folder("lib/modules");
            archive.text("lib/modules/order", &order);
            for (name, bytes) in &modules {
                archive.program(&format!("lib/modules/{name}.ko"), bytes);
            }
        }
        archive.text("etc/script", &self.steps.join("\n"));
        archive.finish()
    }

    /// A boot of Debian's systemd, which starts the script as a service once everything else is up.
    pub(crate) fn boot_systemd(mut self, kernel: Kernel) -> Outcome {
        self.systemd = true;
        let results = "/dev/ttyS1";
        let script = format!("[Service]\nType=oneshot\nExecStart=/bin/guest shell /etc/script {results}\n");
        let accounts = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
        let machine = self
            .file("etc/systemd/system/script.service", &script)
            .file("etc/passwd", accounts)
            .file("etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n")
            .file("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        let outcome = machine.boot(kernel, "/usr/lib/systemd/systemd", "--unit=script.service");
        assert_eq!(outcome.results.get("end").map(String::as_str), Some("reached"), "{}", outcome.all());
        outcome
    }

    /// The usual boot: /proc and /sys are mounted, then tunectl becomes PID 1 with `args`, and at the end of its command
    /// line starts the script. Without `--`, of which the kernel takes no second one.
    pub(crate) fn tune_and_run(self, kernel: Kernel, args: &str) -> Outcome {
        let outcome = self.boot(kernel, "/bin/guest", &format!("mounts /init {args} /bin/guest drive /etc/script"));
        assert_eq!(outcome.results.get("end").map(String::as_str), Some("reached"), "{}", outcome.all());
        outcome
    }
}

impl Outcome {
    /// The value that the machine sent under `name`.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.results.get(name).unwrap_or_else(|| panic!("no result `{name}`; {}", self.all()))
    }

    /// Fails with everything that the machine said, unless `name` is exactly `wanted`.
    #[track_caller]
    pub(crate) fn is(&self, name: &str, wanted: &str) {
        assert_eq!(self.get(name), wanted, "`{name}` on {:?}; {}", self.kernel, self.all());
    }

    /// As `is`, for a part of what was said.
    #[track_caller]
    pub(crate) fn says(&self, name: &str, part: &str) {
        assert!(self.get(name).contains(part), "`{name}` doesn't hold `{part}`; {}", self.all());
    }

    /// As `is`, for one line of what was said, whatever the blanks between its words.
    #[track_caller]
    pub(crate) fn has_words(&self, name: &str, line: &str) {
        let found = self.get(name).lines().any(|said| said.split_whitespace().eq(line.split_whitespace()));
        assert!(found, "`{name}` has no line `{line}`; {}", self.all());
    }

    /// What the kernel, and PID 1 on its standard output and error, wrote to the console.
    pub(crate) fn console(&self) -> &str {
        &self.console
    }

    fn all(&self) -> String {
        let results: Vec<String> = self.results.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
        format!("{:?} said:\n{}\nconsole:\n{}", self.kernel, results.join("\n"), self.console)
    }
}

fn emulator(kernel: Kernel, initramfs: &Path, serial: [&Path; 2], append: &str, memory: &str) -> Child {
    let arguments = kernel.emulator();
    let (program, arguments) = arguments.split_first().expect("a program");
    let mut command = Command::new(program);
    command.args(arguments).args(["-accel", "tcg", "-m", memory, "-nodefaults", "-no-reboot", "-net", "none"]);
    command.args(["-display", "none", "-monitor", "none"]);
    command.arg("-serial").arg(format!("file:{}", serial[0].display()));
    command.arg("-chardev").arg(format!("file,id=results,path={}", serial[1].display()));
    command.arg("-kernel").arg(kernel.image()).arg("-initrd").arg(initramfs);
    // A panic ends the machine at once: PID 1 that ends is one.
    let console = kernel.serial_lines().0;
    command.arg("-append").arg(format!("console={console} panic=-1 loglevel=4 {append}"));
    command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| {
        panic!("the machine tier needs `{program}`, which doesn't start: {error}; `.ci/machine` installs it")
    })
}

fn wait(mut emulator: Child) -> Option<ExitStatus> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = emulator.try_wait().expect("our own child") {
            return Some(status);
        }
        sleep(Duration::from_millis(50));
    }
    emulator.kill().expect("our own child");
    emulator.wait().expect("our own child");
    None
}

/// Takes the lines `RESULT NAME VALUE` apart and gives the values their line ends back.
fn parse(results: &str) -> BTreeMap<String, String> {
    let mut parsed = BTreeMap::new();
    for line in results.lines() {
        let Some((name, value)) = line.strip_prefix("RESULT ").and_then(|rest| rest.split_once(' ')) else {
            panic!("not a result: `{line}`");
        };
        let twice = parsed.insert(name.to_owned(), unescape(value));
        assert_eq!(twice, None, "two results have the name `{name}`");
    }
    parsed
}

fn unescape(value: &str) -> String {
    let mut plain = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        plain.push(match (letter, letter == '\\') {
            (letter, false) => letter,
            (_, true) => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('\\') => '\\',
                other => panic!("no such escape: {other:?} in `{value}`"),
            },
        });
    }
    plain
}

/// Both serial lines end theirs with `\r\n`, as terminals do.
fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).replace("\r\n", "\n")
}

fn scratch() -> PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("tunectl-machine-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}
