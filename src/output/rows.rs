//! The rows of the table: one for each setting, for each pattern, and for the two sides of a limit where they are alike.

use std::fmt::Display;
use std::rc::Rc;

use super::Detail;
use crate::diagnose::{Cause, Diagnosis};
use crate::model::expectation::Expectation;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::plan::Unreadable;
use crate::report::{Outcome, Shortfall, Verdict};
use crate::snippet::visible;

/// An outcome, and why it falls short where it does.
pub(super) type Diagnosed<'a> = (&'a Outcome, Option<&'a Diagnosis>);

/// The outcomes that are shown in one row; never empty.
pub(super) struct Group<'a> {
    /// In the order of the plan.
    pub(super) members: Vec<Diagnosed<'a>>,
}

/// The outcomes in groups, in the order of the first of each. With [`Detail::Full`] each has its own.
pub(super) fn groups<'a>(outcomes: impl Iterator<Item = Diagnosed<'a>>, detail: Detail) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for member in outcomes {
        let same = match detail {
            Detail::Full => None,
            Detail::Short => groups.iter_mut().rev().find(|group| group.takes(member)),
        };
        match same {
            Some(group) => group.members.push(member),
            None => groups.push(Group { members: vec![member] }),
        }
    }
    groups
}

impl<'a> Group<'a> {
    fn takes(&self, (outcome, diagnosis): Diagnosed<'a>) -> bool {
        let (first, its) = self.first();
        match (&first.requirement.setting, &outcome.requirement.setting) {
            (Setting::Limit(one, _), Setting::Limit(other, _)) => {
                one == other
                    && first.requirement.wanted == outcome.requirement.wanted
                    && first.requirement.required == outcome.requirement.required
                    && first.found == outcome.found
                    && word((first, its)) == word((outcome, diagnosis))
                    && its == diagnosis
            }
            _ => match (&first.requirement.pattern, &outcome.requirement.pattern) {
                (Some(one), Some(other)) => Rc::ptr_eq(one, other),
                _ => false,
            },
        }
    }

    pub(super) fn first(&self) -> Diagnosed<'a> {
        self.members[0]
    }

    /// The pattern that its members were found by, where there are several.
    fn pattern(&self) -> Option<&SysctlName> {
        self.first().0.requirement.pattern.as_deref().filter(|_| self.members.len() > 1)
    }

    /// The members that fall short.
    pub(super) fn short(&self) -> impl Iterator<Item = Diagnosed<'a>> {
        self.members.iter().copied().filter(|(outcome, _)| outcome.falls_short())
    }

    pub(super) fn falls_short(&self) -> bool {
        self.short().next().is_some()
    }

    pub(super) fn fails(&self) -> bool {
        self.members.iter().any(|(outcome, _)| outcome.fails())
    }

    /// `net.core.somaxconn`, `net.ipv4.conf.*.rp_filter`, `nproc (soft, hard)`.
    pub(super) fn name(&self) -> String {
        match (&self.first().0.requirement.setting, self.pattern()) {
            (Setting::Limit(resource, _), _) if self.members.len() > 1 => format!("{resource} (soft, hard)"),
            (_, Some(pattern)) => visible(&pattern.to_string()),
            (setting, None) => visible(&setting.to_string()),
        }
    }

    /// What is required, `>= 32768`.
    pub(super) fn required(&self) -> String {
        let wanted = &self.first().0.requirement.wanted;
        or_empty(&match wanted {
            Expectation::Bounds { at_least: Some(low), at_most: None } => format!(">= {low}"),
            Expectation::Bounds { at_least: None, at_most: Some(high) } => format!("<= {high}"),
            Expectation::Covers(range) => format!("covers {}", span(range)),
            Expectation::Includes(Value::Ranges(none)) if none.is_empty() => "none needed".to_owned(),
            _ => wanted.to_string(),
        })
    }

    /// The value that was found; of a pattern, the different values of those that fall short, else of all.
    pub(super) fn current(&self) -> String {
        let is_range = matches!(self.first().0.requirement.wanted, Expectation::Covers(_));
        let mut values: Vec<String> = Vec::new();
        let is_short = self.falls_short();
        for (outcome, _) in self.members.iter().filter(|(outcome, _)| outcome.falls_short() == is_short) {
            let value = match &outcome.found {
                Some(value) if is_range => visible(&span(value)),
                value => shown(value.as_ref()),
            };
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values.join(", ")
    }

    /// `ok`, `too low, optional`, `5 of 2002 differ`.
    pub(super) fn result(&self) -> String {
        let Some(_) = self.pattern() else { return result(self.first()) };
        let all = self.members.len();
        let short: Vec<_> = self.short().collect();
        let Some(first) = short.first() else {
            let changed = self.members.iter().filter(|(outcome, _)| outcome.verdict == Verdict::Changed).count();
            return if changed == 0 { format!("ok, all {all}") } else { format!("ok, {changed} of {all} changed") };
        };
        let word = word(*first);
        let word = if short.iter().all(|other| self::word(*other) == word) { word } else { "fall short" };
        let word = if word == "differs" { "differ" } else { word };
        format!("{} of {all} {word}{}", short.len(), optional(first.0))
    }

    /// What stands for the wildcards in the names of those that fall short, where a pattern has only some of them.
    pub(super) fn short_names(&self) -> Vec<String> {
        let Some(pattern) = self.pattern() else { return Vec::new() };
        let part = |(outcome, _): Diagnosed<'_>| match &outcome.requirement.setting {
            Setting::Key(Key::Sysctl(name)) => {
                let parts = name.components().zip(pattern.components()).filter(|(part, pattern)| part != pattern);
                visible(&parts.map(|(part, _)| part).collect::<Vec<_>>().join(" "))
            }
            setting => visible(&setting.to_string()),
        };
        self.short().map(part).collect()
    }
}

/// A range of two numbers with a hyphen: `1024-65535`.
fn span(value: &Value) -> String {
    match value {
        Value::Numbers(numbers) if numbers.len() == 2 => format!("{}-{}", numbers[0], numbers[1]),
        value => value.to_string(),
    }
}

fn result(member: Diagnosed<'_>) -> String {
    format!("{}{}", word(member), optional(member.0))
}

fn optional(outcome: &Outcome) -> &'static str {
    if outcome.falls_short() && !outcome.requirement.required { ", optional" } else { "" }
}

fn word((outcome, diagnosis): Diagnosed<'_>) -> &'static str {
    match (&outcome.verdict, diagnosis.map(|diagnosis| &diagnosis.cause)) {
        (Verdict::Holds, _) => "ok",
        (Verdict::Changed, _) => "ok, changed",
        (Verdict::WouldChange(_) | Verdict::MayChange(..), _) => "to be changed",
        (Verdict::Short(Shortfall::Unread(Unreadable::UnexpectedValue(_))), _) => "differs",
        (Verdict::Short(Shortfall::Unread(_)), Some(Cause::MissingKey(_))) => "not found",
        (Verdict::Short(Shortfall::Unread(_)), _) => "not readable",
        (Verdict::Short(Shortfall::Capped(_)), _) => "capped",
        (Verdict::Short(_), Some(cause)) if cause.is_not_applied() || matches!(cause, Cause::SetElsewhere(_)) => {
            "not applied"
        }
        (Verdict::Short(_), _) => comparison(&outcome.requirement.wanted, outcome.found.as_ref()),
    }
}

/// In what way a value does not satisfy what is wanted.
fn comparison(wanted: &Expectation<Value>, found: Option<&Value>) -> &'static str {
    match (wanted, found) {
        (_, None) => "not readable",
        (Expectation::Bounds { at_least: Some(low), .. }, Some(found))
            if !Expectation::Bounds { at_least: Some(low.clone()), at_most: None }.holds(found) =>
        {
            "too low"
        }
        (Expectation::Bounds { .. }, _) => "too high",
        (Expectation::Covers(_), _) => "too narrow",
        (Expectation::Includes(_), _) => "incomplete",
        (Expectation::Exactly(_) | Expectation::OneOf(_), _) => "differs",
    }
}

/// A value, or a question mark where it could not be read.
pub(super) fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "?".to_owned(), or_empty)
}

fn or_empty(value: &(impl Display + ?Sized)) -> String {
    let text = value.to_string();
    if text.is_empty() { "(empty)".to_owned() } else { visible(&text) }
}
