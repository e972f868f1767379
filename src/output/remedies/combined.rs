//! Remedies for one place, put together: flags of one command in one command line, each line once.

use super::{RemedyText, apply_words, containers, mergeable};
use crate::diagnose::{Action, ContainerStart, Remedy};

/// A line to paste, as a command with its flags, or as one word where it is no command.
#[derive(Debug)]
pub(in crate::output) struct CommandLine {
    /// What is not to be taken apart: the program, then each flag with its value.
    pub(in crate::output) words: Vec<String>,
    /// What the words are joined by.
    separator: &'static str,
}

impl CommandLine {
    pub(in crate::output) fn whole(&self) -> String {
        match self.words.split_first() {
            Some((first, rest)) if self.separator != " " => first.clone() + &rest.join(self.separator),
            _ => self.words.join(" "),
        }
    }
}

/// The lines of all of these, in their order.
pub(in crate::output) fn combined(remedies: &[&Remedy]) -> Vec<CommandLine> {
    let mut lines: Vec<CommandLine> = Vec::new();
    let starts = remedies.iter().filter_map(|remedy| match &remedy.action {
        Action::ContainerStart(start) => Some(start),
        _ => None,
    });
    if let Some(start) = ContainerStart::combined(starts) {
        lines.push(CommandLine { words: containers::start_words(&start), separator: " " });
    }
    for remedy in remedies {
        match (&remedy.action, mergeable(&remedy.action)) {
            (Action::ContainerStart(_), _) => {}
            (_, Some((stem, argument, separator))) => merge(&mut lines, stem, argument, separator),
            (Action::Apply(call), None) => push(&mut lines, apply_words(call)),
            (_, None) => push(&mut lines, vec![RemedyText::of(remedy).text]),
        }
    }
    lines
}

fn push(lines: &mut Vec<CommandLine>, words: Vec<String>) {
    if !lines.iter().any(|line| line.words == words) {
        lines.push(CommandLine { words, separator: " " });
    }
}

/// Adds an argument to the command with the same beginning, if there is one.
fn merge(lines: &mut Vec<CommandLine>, stem: String, argument: String, separator: &'static str) {
    match lines.iter_mut().find(|line| line.words[0] == stem && line.separator == separator) {
        Some(line) if line.words.contains(&argument) => {}
        Some(line) => line.words.push(argument),
        None => lines.push(CommandLine { words: vec![stem, argument], separator }),
    }
}
