//! The tables of keys, `[linux.sysctl]`, `[linux.sysfs]` and `[macos.sysctl]` → requirements.
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
use super::document::{FileContext, Node, NodeName, entries};
use super::expectation_parser::{OPERATORS, parse_expectation};
use super::problem::ProfileError;
use super::value_expr::guess;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::{Key, NumberOrder, Setting, System, ValueSpec};
use crate::model::value::Kind;

/// The tree that the keys of a table are names in.
#[derive(Clone, Copy)]
pub(super) enum KeyTree {
    /// `/proc/sys`, or sysctl(3) of macOS.
    Sysctl,
    /// Attributes below `/sys`.
    Sysfs,
}

/// The most levels of tables: more than any name has components.
const DEEPEST: usize = 32;

/// Reads a table of keys.
pub(super) fn read(
    context: &mut FileContext<'_>,
    system: System,
    tree: KeyTree,
    table: &DeTable<'_>,
) -> Vec<RawRequirement> {
    let mut parser = KeyTableParser { context, system, tree, requirements: Vec::with_capacity(table.len()) };
    parser.table(table, &mut Vec::new());
    // `net.a`, `vm.b`, `net.c` are two tables to TOML, but three lines to their writer.
    let mut requirements = parser.requirements;
    requirements.sort_by_key(|requirement| requirement.origin.span.start);
    requirements
}

/// Walks a table of keys, which may nest.
struct KeyTableParser<'w, 'a> {
    context: &'w mut FileContext<'a>,
    system: System,
    tree: KeyTree,
    requirements: Vec<RawRequirement>,
}

impl KeyTableParser<'_, '_> {
    fn table<'t, 'i>(&mut self, table: &'t DeTable<'i>, path: &mut Vec<&'t NodeName<'i>>) {
        for (name, node) in entries(table) {
            path.push(name);
            match node.get_ref() {
                _ if path.len() > DEEPEST => {
                    self.context
                        .add(ProfileError::new(name.span(), format!("a name of more than {DEEPEST} components")));
                }
                DeValue::Table(inner) if !self.is_expectation(inner, node, path) => self.table(inner, path),
                _ => {
                    let requirement = self.requirement(path, node);
                    let requirement = self.context.keep(requirement);
                    self.requirements.extend(requirement);
                }
            }
            path.pop();
        }
    }

    fn is_expectation(&self, table: &DeTable<'_>, node: &Node<'_>, path: &[&NodeName<'_>]) -> bool {
        let braces = self.context.source.text.as_bytes().get(node.span().start) == Some(&b'{');
        let operator = || table.keys().any(|key| OPERATORS.contains(&key.get_ref().as_ref()));
        let known = || key(self.tree, path).is_ok_and(|key| (self.context.lookup)(self.system, &key).is_some());
        braces || operator() || (!table.is_empty() && known())
    }

    fn requirement(&self, path: &[&NodeName<'_>], node: &Node<'_>) -> Result<RawRequirement, ProfileError> {
        let span = name_span(&self.context.source.text, path.last().map_or(0..0, |name| name.span()));
        let key = key(self.tree, path).map_err(|message| ProfileError::new(span.clone(), message))?;
        let known = (self.context.lookup)(self.system, &key);
        let parsed =
            parse_expectation(node, &|operator, value| known.unwrap_or_else(|| unknown_spec(&key, operator, value)))?;
        let end = node.span().end.max(span.end);
        Ok(RawRequirement {
            setting: Setting::Key(key),
            system: Some(self.system),
            wanted: parsed.wanted,
            kind: parsed.kind,
            required: parsed.required,
            origin: self.context.origin(span.start..end),
        })
    }
}

/// The shape of the values of an unknown key, by its first operator and value.
pub(super) fn unknown_spec(key: &Key, operator: &str, value: &Node<'_>) -> ValueSpec {
    let kind = match operator {
        "covers" => Kind::Numbers(2),
        "includes" => Kind::Cpus,
        _ => guess(key, value),
    };
    ValueSpec { kind, min: None, max: None, order: NumberOrder::Any }
}

fn key(tree: KeyTree, path: &[&NodeName<'_>]) -> Result<Key, String> {
    if let ([name], KeyTree::Sysctl) = (path, tree) {
        return SysctlName::parse(name.get_ref()).map(Key::Sysctl);
    }
    let parts: Vec<&str> = path.iter().map(|name| name.get_ref().as_ref()).collect();
    match tree {
        KeyTree::Sysctl => sysctl(&parts).map(Key::Sysctl),
        KeyTree::Sysfs => {
            let name = SysfsName::parse(&parts.join("/"))?;
            if name.path().contains(['*', '?', '[']) {
                return Err(format!("`{name}` is a pattern: only sysctls can be given as patterns"));
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

/// The span of a name, as far as it is on the line of its last part. For a dotted name the parser keeps only where each
/// table is first mentioned, so the start is looked for in the line.
fn name_span(text: &str, last: Range<usize>) -> Range<usize> {
    let before = text.get(..last.start).unwrap_or_default();
    let line = &before[before.bytes().rposition(|byte| byte == b'\n').map_or(0, |at| at + 1)..];
    let alone = !line.contains(['{', '[', ',', '=']);
    let start = if alone { last.start - line.trim_start().len() } else { last.start };
    start..last.end
}
