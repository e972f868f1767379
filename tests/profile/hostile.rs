//! Profiles that want to hurt: deep, large, wide. Each must be answered at once, in a few lines.

use std::fs;

use crate::files::{bad, good, load_files};

/// Runs on a stack as small as a thread's, and must not take long even in a debug build.
fn quickly(run: impl FnOnce() + Send + 'static) {
    let run = || {
        run();
        // Nanoseconds that this thread has run for, whatever else the machine does; only Linux says so.
        let statistics = fs::read_to_string("/proc/thread-self/schedstat").ok();
        let took: u64 = statistics.and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0);
        assert!(took < 20_000_000_000, "took {took} ns");
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn name_with_half_a_million_components_is_refused_quickly() {
    quickly(|| {
        let said = bad(&format!("{}a = 1\n", "a.".repeat(500_000)));
        assert!(
            said.starts_with("tunectl: error: a line with 500000 dots; no name of a setting has that many\n"),
            "{said}"
        );
        assert!(said.len() < 600, "{}", said.len());
    });
}

#[test]
fn deep_nesting_is_refused_quickly() {
    quickly(|| {
        let dotted = "a.".repeat(99);
        let nested = format!("{{ {dotted}a = \n").repeat(79);
        bad(&format!("[{dotted}a]\n{dotted}a = {nested}1{}\n", "}".repeat(79)));
        bad(&format!("a = {}1{}", "[".repeat(400_000), "]".repeat(400_000)));
        bad(&format!("a = {}", "{a=".repeat(300_000)));
        // A key that is not closed: the parser frees what it has, also on its way out.
        bad(&format!("[{dotted}a]\n{dotted}a = {nested}"));
    });
}

#[test]
fn dots_in_comments_are_ignored() {
    good(&format!("# {}\ndescription = \"x\"\n", ".".repeat(300)));
}

#[test]
fn a_megabyte_of_keys_loads_quickly() {
    quickly(|| {
        let many = (0..20_000).fold(String::new(), |text, n| text + &format!("vm.k{n} = {n}\n"));
        let text = format!("[linux.sysctl]\n{many}");
        let again = text.clone();
        let both = load_files(&[("a", &format!("extends = 'b'\n{text}")), ("b", &again)]).unwrap();
        assert_eq!(both.requirements.len(), 20_000);
        let twice = format!("[linux.sysctl]\n{many}[linux.sysctl.vm]\n");
        assert!(bad(&twice).starts_with("tunectl: error: not TOML: duplicate key\n"));
    });
}

#[test]
fn long_words_are_truncated_in_messages() {
    for text in [
        format!("{} = 1", "x".repeat(1 << 20)),
        format!("[linux.sysctl]\n\"{}\" = 1", "x".repeat(1 << 20)),
        format!("[linux.sysctl]\nnet.core.somaxconn = \"{}\"", "x".repeat(1 << 20)),
        format!("[rlimit]\n{} = 1", "x".repeat(1 << 20)),
        format!("extends = \"{}\"", "x".repeat(1 << 20)),
    ] {
        let said = bad(&text);
        assert!(said.len() < 1200, "{}", &said[..400]);
    }
}
