//! The tables of keys, `[linux.sysctl]`, `[linux.sysfs]` and `[macos.sysctl]` → wishes.
//!
//! `"net.core.somaxconn" = …`, `net.core.somaxconn = …` and `[linux.sysctl.net.core]` are the same. The first
//! key is read as sysctl.d(5) reads a name; each deeper one is one component, in which a dot (quoted) or a
//! slash stands for a dot of the name: `net.ipv4.conf."eth0.100".rp_filter`.
//!
//! A table in braces always holds operators. One that was opened by a header or by dots holds operators if one
//! of its keys is an operator or if its own name is a known key; else it nests. No component of a sysctl has an
//! operator's name.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::RawRequirement;
use super::expectation_parser::{OPERATORS, wanted};
use super::problem::ProfileError;
use super::reader::Reader;
use super::tree::{Name, Node, entries};
use super::value_expr::guess;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::order::by_place;
use crate::model::setting::{Key, Setting, System, ValueSpec};
use crate::model::value::Kind;

/// Which tree a table's keys are names in.
#[derive(Clone, Copy)]
pub(super) enum Tree {
    Sysctl,
    Sysfs,
}

/// More levels than any name has components.
const DEEPEST: usize = 32;

/// Reads a table of keys.
pub(super) fn read(reader: &mut Reader<'_>, system: System, tree: Tree, table: &DeTable<'_>) -> Vec<RawRequirement> {
    let mut walk = Walk { reader, system, tree, wishes: Vec::with_capacity(table.len()) };
    walk.table(table, &mut Vec::new());
    // `net.a`, `vm.b`, `net.c` are two tables to TOML, but three lines to their writer.
    by_place(walk.wishes, |wish| wish.origin.span.start)
}

struct Walk<'w, 'a> {
    reader: &'w mut Reader<'a>,
    system: System,
    tree: Tree,
    wishes: Vec<RawRequirement>,
}

impl Walk<'_, '_> {
    fn table<'t, 'i>(&mut self, table: &'t DeTable<'i>, path: &mut Vec<&'t Name<'i>>) {
        for (name, node) in entries(table) {
            path.push(name);
            match node.get_ref() {
                _ if path.len() > DEEPEST => {
                    self.reader
                        .note(ProfileError::new(name.span(), format!("a name of more than {DEEPEST} components")));
                }
                DeValue::Table(inner) if !self.is_expectation(inner, node, path) => self.table(inner, path),
                _ => {
                    let wish = self.wish(path, node);
                    let wish = self.reader.keep(wish);
                    self.wishes.extend(wish);
                }
            }
            path.pop();
        }
    }

    fn is_expectation(&self, table: &DeTable<'_>, node: &Node<'_>, path: &[&Name<'_>]) -> bool {
        let braces = self.reader.source.text.as_bytes().get(node.span().start) == Some(&b'{');
        let operator = || table.keys().any(|key| OPERATORS.contains(&key.get_ref().as_ref()));
        let known = || key(self.tree, path).is_ok_and(|key| (self.reader.lookup)(self.system, &key).is_some());
        braces || operator() || (!table.is_empty() && known())
    }

    fn wish(&self, path: &[&Name<'_>], node: &Node<'_>) -> Result<RawRequirement, ProfileError> {
        let span = name_span(&self.reader.source.text, path.last().map_or(0..0, |name| name.span()));
        let key = key(self.tree, path).map_err(|message| ProfileError::new(span.clone(), message))?;
        let known = (self.reader.lookup)(self.system, &key);
        let wanted = wanted(node, &|operator, value| known.unwrap_or_else(|| unknown_spec(&key, operator, value)))?;
        let end = node.span().end.max(span.end);
        Ok(RawRequirement {
            setting: Setting::Key(key),
            system: Some(self.system),
            asked: wanted.asked,
            kind: wanted.kind,
            required: wanted.required,
            origin: self.reader.origin(span.start..end),
        })
    }
}

/// What to take the values of an unknown key for.
pub(super) fn unknown_spec(key: &Key, operator: &str, value: &Node<'_>) -> ValueSpec {
    let kind = match operator {
        "covers" => Kind::Numbers(2),
        "includes" => Kind::Cpus,
        _ => guess(key, value),
    };
    ValueSpec { kind, min: None, max: None }
}

fn key(tree: Tree, path: &[&Name<'_>]) -> Result<Key, String> {
    if let ([name], Tree::Sysctl) = (path, tree) {
        return SysctlName::parse(name.get_ref()).map(Key::Sysctl);
    }
    let parts: Vec<&str> = path.iter().map(|name| name.get_ref().as_ref()).collect();
    match tree {
        Tree::Sysctl => sysctl(&parts).map(Key::Sysctl),
        Tree::Sysfs => {
            let name = SysfsName::parse(&parts.join("/"))?;
            if name.path().contains(['*', '?', '[']) {
                return Err(format!("`{name}` is a pattern: only sysctls can be named by one"));
            }
            Ok(Key::Sysfs(name))
        }
    }
}

fn sysctl(parts: &[&str]) -> Result<SysctlName, String> {
    let Some((first, deeper)) = parts.split_first() else { return SysctlName::parse("") };
    let first = SysctlName::parse(first)?;
    if deeper.is_empty() {
        return Ok(first);
    }
    // The components of a parsed name hold dots where they are meant, and no slash.
    SysctlName::from_components(first.components().chain(deeper.iter().copied()))
}

/// The name as far as it stands on the line of its last part. Of a dotted name the parser keeps the place of
/// each table's first mention only, so the start is looked for in the line.
fn name_span(text: &str, last: Range<usize>) -> Range<usize> {
    let before = text.get(..last.start).unwrap_or_default();
    let line = &before[before.bytes().rposition(|byte| byte == b'\n').map_or(0, |at| at + 1)..];
    let alone = !line.contains(['{', '[', ',', '=']);
    let start = if alone { last.start - line.trim_start().len() } else { last.start };
    start..last.end
}
