//! `run` on a machine of its own can be undone by `revert`; in a container it leaves nothing behind.

use std::fs;

use tunectl::environment::Namespaces;
use tunectl::kernel::fake::Fake;
use tunectl::model::setting::System;

use super::memory::Machines;

/// What is set, and the settings that this changes.
const ROWS: [(&[&str], usize); 4] = [
    (&["--set", "net.core.somaxconn=9999"], 1),
    (&["--set", "net.core.somaxconn=9999", "--set", "vm.swappiness=10", "--rlimit", "nofile=2000"], 2),
    (&["-p", "loadtest", "--port", "8080"], 3),
    (&["--set", "vm.swappiness=60"], 0),
];

fn run(machine: &mut Machines, words: &[&str], more: &[&str]) -> (String, String, i32) {
    machine.run(&[&["run"], words, more, &["--", "true"]].concat())
}

fn values(machine: &Machines) -> Vec<String> {
    let names =
        ["net.core.somaxconn", "vm.swappiness", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports"];
    names.map(|name| machine.kernel.value(name).unwrap().to_owned()).to_vec()
}

fn entries(machine: &Machines) -> usize {
    fs::read_dir(machine.scratch.path().join("journal")).map_or(0, |files| {
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "journal")).count()
    })
}

#[test]
fn what_run_changes_on_a_machine_revert_undoes() {
    for (words, changed) in ROWS {
        let mut machine = Machines::new(Fake::linux(), System::Linux);
        let before = values(&machine);
        let (out, err, code) = run(&mut machine, words, &[]);
        assert_eq!((out.as_str(), code), ("", 0), "{words:?}: {err}");
        let told: Vec<&str> = err.lines().filter(|line| line.starts_with("tunectl: ")).collect();
        let expected = match changed {
            0 => vec![],
            1 => vec!["tunectl: 1 setting of this machine was changed; `tunectl revert` undoes that".to_owned()],
            count => {
                vec![format!("tunectl: {count} settings of this machine were changed; `tunectl revert` undoes that")]
            }
        };
        assert_eq!(
            (told, entries(&machine)),
            (expected.iter().map(String::as_str).collect(), changed.min(1)),
            "{words:?}"
        );
        assert_eq!(values(&machine) == before, changed == 0, "{words:?}");

        // Again: all of it is in place, and nothing to note.
        let (_, err, code) = run(&mut machine, words, &[]);
        assert_eq!((code, err.contains("note: "), entries(&machine)), (0, false, changed.min(1)), "{words:?}: {err}");
        assert_eq!(machine.run(&["revert"]).2, 0);
        assert_eq!((values(&machine), entries(&machine)), (before, 0), "{words:?}");
    }
}

#[test]
fn without_a_journal_or_in_a_container_nothing_is_noted() {
    for (words, _) in ROWS {
        let mut machine = Machines::new(Fake::linux(), System::Linux);
        let (_, err, code) = run(&mut machine, words, &["--no-journal"]);
        assert_eq!((code, err.contains("note: "), entries(&machine)), (0, false, 0), "{words:?}: {err}");

        let mut container = Machines::new(Fake::linux(), System::Linux);
        container.initial = Namespaces { net: Some(false), pid: Some(false), ..container.initial };
        let (_, err, _) = run(&mut container, words, &["--best-effort"]);
        assert!(!err.contains("note: ") && !container.scratch.path().join("journal").exists(), "{words:?}: {err}");
    }
}

#[test]
fn failed_start_leaves_neither_changes_nor_an_entry() {
    for (words, _) in ROWS {
        for words in [words.to_vec(), [words, &["--set", "net.ipv4.nonsense=1"]].concat()] {
            let mut machine = Machines::new(Fake::linux(), System::Linux);
            let before = values(&machine);
            machine.start_fails = Some(126);
            let (_, err, code) = run(&mut machine, &words, &[]);
            assert!([125, 126].contains(&code), "{words:?}: {err}");
            assert_eq!((values(&machine), entries(&machine)), (before, 0), "{words:?}: {err}");
        }
    }
}

/// What can't be noted can't be undone.
#[test]
fn without_a_place_for_the_journal_nothing_is_changed() {
    let words = ["--set", "net.core.somaxconn=9999"];
    let mut machine = Machines::new(Fake::linux(), System::Linux);
    machine.scratch.write("journal", "no directory");
    let before = values(&machine);
    let (_, err, code) = run(&mut machine, &words, &[]);
    assert_eq!((code, values(&machine)), (125, before.clone()), "{err}");
    assert!(err.contains("--no-journal"), "{err}");
    assert_eq!(run(&mut machine, &words, &["--no-journal"]).2, 0);
    assert_ne!(values(&machine), before);
    // What is in place already needs no journal.
    assert_eq!(run(&mut machine, &words, &[]).2, 0);
}
