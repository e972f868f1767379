//! The yardstick: what the kernel and a static program cost, with nothing decided on the way.
//!
//! `bare LIST COMMAND` writes each `path=value` line of LIST beneath /proc/sys, reads it back, compares, and
//! becomes COMMAND. It parses no profile, knows no order, no type and no remedy.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (list, command) = (arguments.next().unwrap(), arguments.next().unwrap());
    for line in fs::read_to_string(list).unwrap().lines() {
        let (path, value) = line.split_once('=').unwrap();
        let path = format!("/proc/sys/{path}");
        OpenOptions::new().write(true).open(&path).unwrap().write_all(value.as_bytes()).unwrap();
        let mut found = [0; 256];
        let length = fs::File::open(&path).unwrap().read(&mut found).unwrap();
        let found = std::str::from_utf8(&found[..length]).unwrap();
        assert!(found.split_whitespace().eq(value.split_whitespace()), "{path}: wrote {value}, read {found}");
    }
    panic!("{command}: {}", Command::new(&command).exec());
}
