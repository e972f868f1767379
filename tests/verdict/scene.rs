//! A service, a load tester, and what `bench` says of the two.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::evidence::{Need, Witness, really, wait_for_half_open};
use crate::support::example::example;
use crate::support::namespaces::{dies_with_us, is_inside};
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

/// The service and the load tester of these tests.
pub(crate) fn probe() -> PathBuf {
    example("load-probe", "tests/verdict/probe.rs")
}

/// A process of the probe that is killed when it is dropped.
pub(crate) struct Background(Child);

impl Background {
    pub(crate) fn start(words: &str) -> Self {
        let mut command = Command::new(probe());
        command.args(words.split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
        Self(dies_with_us(&mut command).spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Brings the loopback interface of our network namespace up.
pub(crate) fn loopback_up() {
    ip("link set lo up");
}

/// Calls ip(8) from iproute2.
pub(crate) fn ip(words: &str) {
    let done = Command::new("ip").args(words.split(' ')).output().unwrap();
    assert!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Whether a program is there.
pub(crate) fn has(program: &str, words: &str) -> bool {
    let tried = Command::new(program).args(words.split(' ')).output();
    tried.is_ok_and(|output| output.status.success())
}

/// A setting of our network namespace, as long as this lives.
pub(crate) struct Sysctl(String, String);

impl Sysctl {
    /// Sets a key below `net`.
    pub(crate) fn set(key: &str, value: &str) -> Self {
        assert!(is_inside(), "only in namespaces of our own");
        let path = format!("/proc/sys/net/{key}");
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, value).unwrap_or_else(|error| panic!("{path} = {value}: {error}"));
        Self(path, before)
    }
}

impl Drop for Sysctl {
    fn drop(&mut self) {
        // Only a newline clears a list.
        drop(fs::write(&self.0, format!("{}\n", self.1.trim())));
    }
}

/// Waits until something listens on `port` of this namespace, TCP or UDP, or at a path.
pub(crate) fn wait_for_listener(words: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    let port = words.split(' ').find_map(|word| word.strip_prefix("port=")).unwrap_or("8080");
    let path = words.split(' ').find_map(|word| word.strip_prefix("path="));
    let hex = format!(":{:04X} ", port.parse::<u16>().unwrap());
    let listens = |line: &str| line.contains(&hex) && (line.contains(" 0A ") || line.contains(" 07 "));
    let there = || match path {
        Some(path) => fs::read_to_string("/proc/net/unix").unwrap().lines().any(|line| line.ends_with(path)),
        None => ["tcp", "udp"]
            .iter()
            .any(|table| fs::read_to_string(format!("/proc/net/{table}")).unwrap().lines().any(&listens)),
    };
    while !there() {
        assert!(Instant::now() < until, "nothing listens: {words}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What `bench` says of one run of the probe as the load tester: the whole document.
pub(crate) fn bench(service: Option<u32>, load: &str) -> Value {
    let probe = probe();
    let command: Vec<&str> = std::iter::once(probe.to_str().unwrap()).chain(load.split(' ')).collect();
    bench_of(service, &[], &command)
}

/// The same with more options, and of any command.
pub(crate) fn bench_of(service: Option<u32>, options: &[&str], command: &[&str]) -> Value {
    let scratch = Scratch::new();
    let mut bench = tunectl();
    bench.args(["bench", "--runs", "1", "--warmup", "0", "--no-preflight", "--timeout", "60s", "--format", "json"]);
    bench.args(service.map(|pid| format!("--pid={pid}"))).args(options).arg("--").args(command);
    let output = bench.current_dir(scratch.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{said}"))
}

/// One scene: what the service and the load tester are told, what shows that it was set, and what limit there is, with
/// the setting that bounds it.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) settings: &'static [(&'static str, &'static str)],
    pub(crate) service: &'static str,
    pub(crate) load: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) limit: &'static str,
    pub(crate) setting: Option<&'static str>,
}

impl Scene {
    /// Plays it until it was what it is called, and compares the verdict with what it should be.
    pub(crate) fn play(&self) {
        let _set: Vec<Sysctl> = self.settings.iter().map(|(key, value)| Sysctl::set(key, value)).collect();
        let document = really(self.name, || {
            let service = Background::start(self.service);
            wait_for_listener(self.service);
            let document = witnessed(self.needs, &service, self.load)?;
            // Other programs may take the CPUs away, so that the service does not come to its limit.
            let is_contended = document["verdict"]["reason"] == "cpu-contention";
            if is_contended && self.limit != "none" {
                Err("other programs used the CPUs".to_owned())
            } else {
                Ok(document)
            }
        });
        self.compare(&document);
    }

    /// Compares the verdict of a run with what it should be. Why there is no limit depends on what else the machine does.
    pub(crate) fn compare(&self, document: &Value) {
        let verdict = &document["verdict"];
        let run = &document["runs"][0];
        let about = || format!("{}: {verdict:#}\n{:#}\n{}", self.name, run["counters"]["service"], run["error_output"]);
        assert_eq!(verdict["limit"], self.limit, "{}", about());
        assert_eq!(verdict["setting"].as_str(), self.setting, "{}", about());
        assert_eq!(verdict["reason"].is_null(), self.limit != "none", "{}", about());
        let because = verdict["because"].as_array().unwrap();
        assert!(self.limit == "none" || !because.is_empty(), "{}", about());
        assert_eq!(run["verdict"]["limit"], self.limit, "{}", about());
    }
}

/// What `bench` says of a run of the probe, if the run was what was needed; else the figures that say otherwise.
pub(crate) fn witnessed(needs: &[Need], service: &Background, load: &str) -> Result<Value, String> {
    let half_open = |need: &Need| if let Need::HalfOpen(count) = need { Some(*count) } else { None };
    needs.iter().filter_map(half_open).for_each(wait_for_half_open);
    let witness = Witness::begin(needs, service.pid());
    let document = bench(Some(service.pid()), load);
    witness.end(&document).map(|()| document)
}
