//! Remedies for one place, put together: flags of one command in one command line, each line once.

use std::collections::{HashMap, HashSet};

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
    let mut combined = Combined::default();
    let starts = remedies.iter().filter_map(|remedy| match &remedy.action {
        Action::ContainerStart(start) => Some(start),
        _ => None,
    });
    if let Some(start) = ContainerStart::combined(starts) {
        combined.push(containers::start_words(&start));
    }
    for remedy in remedies {
        match (&remedy.action, mergeable(&remedy.action)) {
            (Action::ContainerStart(_), _) => {}
            (_, Some((stem, argument, separator))) => combined.merge(stem, argument, separator),
            (Action::Apply(call), None) => combined.push(apply_words(call)),
            (_, None) => combined.push(vec![RemedyText::of(remedy).text]),
        }
    }
    combined.lines
}

/// The lines so far. Remedies can be thousands, so that each line and each argument is looked up, not searched for.
#[derive(Default)]
struct Combined {
    lines: Vec<CommandLine>,
    whole: HashSet<Vec<String>>,
    /// The index of each command by its beginning and what separates its arguments.
    commands: HashMap<(String, &'static str), usize>,
    arguments: HashSet<(usize, String)>,
}

impl Combined {
    /// Adds a line, once.
    fn push(&mut self, words: Vec<String>) {
        if self.whole.insert(words.clone()) {
            self.lines.push(CommandLine { words, separator: " " });
        }
    }

    /// Adds an argument, once, to the command with the same beginning, if there is one.
    fn merge(&mut self, stem: String, argument: String, separator: &'static str) {
        let at = *self.commands.entry((stem, separator)).or_insert_with_key(|(stem, _)| {
            self.lines.push(CommandLine { words: vec![stem.clone()], separator });
            self.lines.len() - 1
        });
        if self.arguments.insert((at, argument.clone())) {
            self.lines[at].words.push(argument);
        }
    }
}
