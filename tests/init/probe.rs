//! A service for the tests of `run --init`: says what signals reach it, dies as told, leaves orphans.
#![no_main]

use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use tunectl::sys::{self, Fork, Inherited};

tunectl::entry_point!(run);

#[allow(clippy::needless_pass_by_value, reason = "the entry point gives it away")]
fn run(arguments: Vec<OsString>, inherited: &Inherited) -> i32 {
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    match words.as_slice() {
        ["catch"] => catch(),
        ["die", signal] => {
            inherited.restore_signals();
            drop(sys::kill(sys::own_pid(), number(signal)));
            std::thread::sleep(Duration::from_secs(5));
            99
        }
        ["storm", count] => {
            if !storm(number(count)) {
                return 97;
            }
            say("done");
            // Its own children have left a SIGCHLD.
            while sys::wait_signal(None).is_none_or(|info| info.signal() != libc::SIGTERM) {}
            7
        }
        // Its own end is in the midst of it.
        ["storm", count, "end"] => {
            if storm(number(count)) {
                7
            } else {
                97
            }
        }
        // Every signal has its default action from the word on, as in no shell that is about to start a program.
        ["wait"] => {
            inherited.restore_signals();
            say("up");
            std::thread::sleep(Duration::from_secs(1000));
            99
        }
        ["stop"] => {
            inherited.restore_signals();
            say("stopping");
            drop(sys::kill(sys::own_pid(), libc::SIGSTOP));
            say("resumed");
            0
        }
        // As nobody would: ends everything in the group of its parent.
        ["parricide"] => {
            let group = sys::group_of(sys::parent()).unwrap_or(0);
            say(if group > 1 && sys::kill(-group, libc::SIGTERM).is_ok() { "sent" } else { "not sent" });
            3
        }
        _ => 98,
    }
}

fn number(text: &str) -> i32 {
    text.parse().unwrap_or(0)
}

fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// All signals are blocked, and each is said with its value, so that none is lost and none does harm.
fn catch() -> i32 {
    say("ready");
    loop {
        if let Some(info) = sys::wait_signal(None) {
            let value = if info.has_value() { info.value() } else { -1 };
            say(&format!("{} {value}", info.signal()));
        }
    }
}

/// Orphans, each the child of a child that ends at once; whether all could be made.
fn storm(count: i32) -> bool {
    for _ in 0..count {
        match sys::fork() {
            Ok(Fork::Child) => {
                drop(sys::fork());
                sys::exit_now(0);
            }
            Ok(Fork::Parent(child)) => drop(sys::wait_for(child)),
            Err(_) => return false,
        }
    }
    true
}
