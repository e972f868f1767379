//! A place in which a setting falls short for one reason, and what tunectl says of it there.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

/// A place: a command that ends with `"$@"`, which is run there, in the namespaces of the test itself.
pub(crate) struct DiagnosisContext {
    /// A script of sh(1).
    enter: String,
    pub(crate) scratch: Scratch,
}

/// A process in a place.
pub(crate) struct Inhabitant(Child);

impl Inhabitant {
    /// A remedy for the host with the process's number in it.
    pub(crate) fn named_in(&self, remedy: &str) -> String {
        assert!(remedy.contains(" PID "), "no process is meant: {remedy}");
        remedy.replace(" PID ", &format!(" {} ", self.0.id()))
    }
}

impl Drop for Inhabitant {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was said of one finding.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) cause: String,
    pub(crate) why: String,
    /// Their places, and the text of each, those that are only another way left out.
    pub(crate) remedies: Vec<(String, String)>,
    /// Other ways.
    pub(crate) others: BTreeMap<String, String>,
    /// Where those for files and profiles go.
    pub(crate) spots: BTreeMap<String, String>,
}

impl DiagnosisContext {
    /// `enter` sets the scene and runs `"$@"` in it.
    pub(crate) fn new(enter: &str) -> Self {
        let scratch = Scratch::new();
        let program = tunectl();
        let words: Vec<String> = std::iter::once(program.get_program())
            .chain(program.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        // Each user of a scene has a journal of its own, none of them the machine's.
        let journals = scratch.path().join("journal-").display().to_string();
        let script = format!(
            "#!/bin/sh\nfor TUNECTL_JOURNAL in {journals}*; do [ ! -O \"$TUNECTL_JOURNAL\" ] || break; done\n\
             export TUNECTL_JOURNAL\nexec {} \"$@\"\n",
            words.join(" ")
        );
        scratch.write("bin/tunectl", script);
        for user in [0, 1000, 100_000] {
            let owned = format!("{journals}{user}");
            std::fs::create_dir(&owned).unwrap();
            std::os::unix::fs::chown(&owned, Some(user), Some(user)).unwrap();
        }
        scratch.write("bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
        scratch.mode("bin/tunectl", 0o755);
        scratch.mode("bin/sudo", 0o755);
        Self { enter: enter.to_owned(), scratch }
    }

    fn sh(&self, script: &str, arguments: &[&str]) -> Output {
        self.command(script, arguments).output().unwrap()
    }

    fn command(&self, script: &str, arguments: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-euc", script, "sh"])
            .args(arguments)
            .env_clear()
            // Whatever the tests themselves run in.
            .env("container", "scene")
            .env("PATH", format!("{}:{path}:/usr/sbin:/sbin", self.scratch.path().join("bin").display()))
            .current_dir(self.scratch.path());
        command
    }

    /// Runs a command in the place, whatever comes of it.
    pub(crate) fn runs(&self, arguments: &[&str]) -> Output {
        self.sh(&self.enter, arguments)
    }

    /// Runs a script outside of the place, as whoever reads a remedy does. It has to succeed.
    #[track_caller]
    pub(crate) fn outside(&self, script: &str) {
        let output = self.sh(script, &[]);
        assert!(output.status.success(), "{script}: {}", text(&output));
    }

    /// The same inside of the place, and then `check` in that very place has to pass.
    #[track_caller]
    pub(crate) fn inside_then_check(&self, script: &str, asked: &str) {
        let output = self.runs(&["sh", "-euc", &format!("{script}\nexec tunectl check {asked}")]);
        assert!(output.status.success(), "{script}: {}", text(&output));
    }

    /// `tunectl COMMAND --format json` falls short of `asked` for one setting: what is said of that.
    #[track_caller]
    pub(crate) fn says(&self, command: &str, asked: &str, setting: &str) -> Said {
        let output = self.runs(&["sh", "-c", &format!("exec tunectl {command} --format json {asked}")]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let document: Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
        let findings = document["findings"].as_array().unwrap();
        let finding =
            findings.iter().find(|finding| finding["setting"] == setting).unwrap_or_else(|| panic!("{stdout}"));
        assert_eq!(finding["verdict"], "falls-short", "{stdout}");
        said(finding)
    }

    /// A process in the place, whose number is what `PID` in a remedy stands for. It is there as long as what is returned.
    pub(crate) fn process(&self) -> Inhabitant {
        let mut command = self.command(&self.enter, &["sh", "-c", "echo ready; exec sleep 1000 >&-"]);
        let mut process = Inhabitant(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut said = String::new();
        process.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "ready\n", "{} starts nothing", self.enter);
        process
    }

    /// `tunectl check` holds in the place.
    #[track_caller]
    pub(crate) fn passes(&self, asked: &str) {
        let output = self.runs(&["sh", "-c", &format!("exec tunectl check {asked}")]);
        assert!(output.status.success(), "{}", text(&output));
    }

    /// Puts the remedy's line into a profile of its own and gives the words that name it.
    pub(crate) fn profile(&self, said: &Said) -> String {
        let spot = &said.spots["profile"];
        let line = said.remedies.iter().find(|(place, _)| place == "profile").map(|(_, text)| text.as_str());
        self.scratch.write("mended.toml", format!("{spot}\n{}\n", line.unwrap_or_else(|| &said.others["profile"])));
        format!("-p {}", self.scratch.path().join("mended.toml").display())
    }

    pub(crate) fn path(&self) -> &Path {
        self.scratch.path()
    }
}

impl Said {
    /// The one remedy that is pasted at `place`.
    #[track_caller]
    pub(crate) fn at(&self, place: &str) -> &str {
        let found = self.remedies.iter().find(|(its, _)| its == place);
        found.map_or_else(|| panic!("no remedy for {place}: {self:?}"), |(_, text)| text.as_str())
    }

    /// Another way, pasted at `place`.
    #[track_caller]
    pub(crate) fn or_at(&self, place: &str) -> &str {
        self.others.get(place).unwrap_or_else(|| panic!("no other way for {place}: {self:?}"))
    }
}

fn said(finding: &Value) -> Said {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut said = Said {
        cause: word(&finding["cause"]),
        why: word(&finding["why"]),
        remedies: Vec::new(),
        others: BTreeMap::new(),
        spots: BTreeMap::new(),
    };
    for remedy in finding["remedies"].as_array().into_iter().flatten() {
        let (place, text) = (word(&remedy["place"]), word(&remedy["text"]));
        if let Some(spot) = remedy["spot"].as_str() {
            said.spots.insert(place.clone(), spot.to_owned());
        }
        if remedy["alternative"] == true {
            said.others.insert(place, text);
        } else {
            said.remedies.push((place, text));
        }
    }
    said
}

pub(crate) fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}
