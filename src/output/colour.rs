//! Colour, where a terminal shows it.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With the escape sequences of ECMA-48.
    On,
    /// No escape sequences.
    Off,
}

impl Colour {
    /// What to use on a stream: what was asked for, else colour on a terminal, unless `NO_COLOR` is set to
    /// something (no-color.org) or `TERM` is `dumb`.
    #[must_use]
    pub fn choose(asked: Option<bool>, terminal: bool, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let plain = || {
            variable("NO_COLOR").is_some_and(|value| !value.is_empty()) || variable("TERM").as_deref() == Some("dumb")
        };
        if asked.unwrap_or_else(|| terminal && !plain()) { Self::On } else { Self::Off }
    }

    pub(super) fn good<T: fmt::Display>(self, text: T) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn bad<T: fmt::Display>(self, text: T) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    pub(super) fn doubtful<T: fmt::Display>(self, text: T) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    pub(super) fn faint<T: fmt::Display>(self, text: T) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn paint<T: fmt::Display>(self, style: Style, text: T) -> String {
        match self {
            Self::On => format!("{style}{text}{style:#}"),
            Self::Off => text.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_goes_before_what_is_found() {
        let none = |_: &str| None;
        let no_color = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        assert_eq!(Colour::choose(None, true, &none), Colour::On);
        assert_eq!(Colour::choose(None, false, &none), Colour::Off);
        assert_eq!(Colour::choose(None, true, &no_color), Colour::Off);
        assert_eq!(Colour::choose(Some(true), false, &no_color), Colour::On);
    }
}
