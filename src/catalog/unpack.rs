//! Reading what [`super::pack`] wrote: as much of a row as is asked for.

use std::fmt;

use super::pack::{ACCESSES, DOCKERS, Packed, flag, head};
use super::row::{Kubernetes, Row, Values};
use super::scope::{InNewNetns, Scope};
use super::version::{ByVersion, Changed, KernelVersion};
use crate::model::setting::{RowNumber, System, ValueSpec};
use crate::model::value::Kind;

/// A row as it stands in the program: for who asks for a part of it, and often. The others ask for a `Row`.
#[derive(Clone, Copy)]
pub struct Entry {
    rows: &'static Packed,
    /// Where its head begins.
    at: usize,
}

impl Entry {
    /// Every row, in the order of the tables.
    pub(super) fn all(rows: &'static Packed) -> impl Iterator<Item = Self> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let entry = (at < rows.heads.len()).then(|| Self::at(rows, at))?;
            at = entry.end();
            Some(entry)
        })
    }

    pub(super) const fn at(rows: &'static Packed, at: usize) -> Self {
        Self { rows, at }
    }

    /// Where the next row's begins.
    pub(super) const fn end(self) -> usize {
        self.at + head::NAME + self.part(head::NAME_LENGTH) as usize
    }

    #[inline]
    const fn part(self, part: usize) -> u8 {
        self.rows.heads[self.at + part]
    }

    pub(super) const fn name_bytes(self) -> &'static [u8] {
        let (_, from) = self.rows.heads.split_at(self.at + head::NAME);
        from.split_at(self.part(head::NAME_LENGTH) as usize).0
    }

    pub(super) fn name(self) -> &'static str {
        std::str::from_utf8(self.name_bytes()).unwrap_or_default()
    }

    pub(super) fn values(self) -> Values {
        Values {
            kind: kind(self.part(head::KIND)),
            bounds: self.rows.bounds.get(usize::from(self.part(head::BOUNDS))).copied(),
        }
    }

    /// The shape of its values, and the numbers that are sane on every supported kernel.
    #[must_use]
    pub fn spec(self) -> ValueSpec {
        self.values().spec(u16::try_from(self.at).ok().map(RowNumber))
    }

    /// What it belongs to.
    #[must_use]
    pub fn scope(self) -> Changed<Scope> {
        self.rows.belongings[usize::from(self.part(head::BELONGING))].0
    }

    /// What a freshly made network namespace has of it.
    #[must_use]
    pub fn in_new_netns(self) -> Changed<InNewNetns> {
        self.rows.belongings[usize::from(self.part(head::BELONGING))].1
    }

    /// The sysctls that have to be in place before it is written.
    #[must_use]
    pub fn after(self) -> &'static [&'static str] {
        self.rows.after.get(usize::from(self.part(head::AFTER))).copied().unwrap_or_default()
    }

    /// The value that can't be undone before the next boot.
    #[must_use]
    pub fn one_way(self) -> Option<&'static str> {
        if self.part(head::CLASS) >> 7 == 0 { None } else { self.row().one_way }
    }

    /// All of it.
    pub(super) fn row(self) -> Row<Texts> {
        let place = [0, 1, 2].map(|byte| self.part(head::TEXTS + byte));
        let at = u32::from_le_bytes([place[0], place[1], place[2], 0]) as usize;
        let mut texts = Reader { bytes: self.rows.texts, at };
        let flags = texts.byte();
        let mut version = |flag| (flags & flag != 0).then(|| texts.version());
        let in_user_netns_since = version(flag::USER_NETNS);
        let (since, removed_in) = (version(flag::SINCE), version(flag::REMOVED));
        let mut text = |flag| (flags & flag != 0).then(|| texts.text());
        let (read_back, module) = (text(flag::READ_BACK), text(flag::MODULE));
        let (capability, one_way) = (text(flag::CAPABILITY), text(flag::ONE_WAY));
        let range_varies = text(flag::VARIES);
        let class = self.part(head::CLASS);
        let kubernetes = match class & 3 {
            0 => Kubernetes::Safe { since: texts.text() },
            1 => Kubernetes::Unsafe,
            _ => Kubernetes::NotPossible,
        };
        let (purpose, unit, first) = (texts.text(), texts.text(), texts.text());
        let then = self.rows.changes.get(usize::from(self.part(head::CHANGES))).copied().unwrap_or_default();
        Row {
            name: self.name(),
            system: if class >> 6 & 1 == 0 { System::Linux } else { System::MacOs },
            values: self.values(),
            kernel_range: self.rows.ranges.get(usize::from(self.part(head::RANGE))).copied(),
            range_varies,
            unit,
            scope: self.scope(),
            default: ByVersion { first, then },
            purpose,
            notes: texts.list(),
            read_back,
            in_new_netns: self.in_new_netns(),
            in_user_netns_since,
            docker: DOCKERS[usize::from(class >> 2 & 3)],
            kubernetes,
            module,
            capability,
            after: self.after(),
            since,
            removed_in,
            one_way,
            access: ACCESSES[usize::from(class >> 4 & 3)],
            sources: texts.list(),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.name()).finish()
    }
}

fn kind(code: u8) -> Kind {
    match code {
        0 => Kind::Number,
        1 => Kind::PortRange,
        2 => Kind::Ports,
        3 => Kind::Cpus,
        4 => Kind::Word,
        5 => Kind::Choice,
        6 => Kind::Text,
        7 => Kind::Limit,
        8 => Kind::Address,
        more => Kind::Numbers(more - 9),
    }
}

#[derive(Clone, Copy)]
struct Reader {
    bytes: &'static [u8],
    at: usize,
}

impl Reader {
    fn byte(&mut self) -> u8 {
        let byte = self.bytes[self.at];
        self.at += 1;
        byte
    }

    fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    }

    fn version(&mut self) -> KernelVersion {
        let mut half = || u16::from_le_bytes([self.byte(), self.byte()]);
        KernelVersion(half(), half())
    }

    /// Here, or at the place that stands here.
    fn text(&mut self) -> &'static str {
        let code = self.number();
        if code & 1 == 1 {
            return Self { bytes: self.bytes, at: code >> 1 }.text();
        }
        let start = self.at;
        self.at += code >> 1;
        std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default()
    }

    fn list(&mut self) -> Texts {
        let texts = Texts { count: self.byte(), from: *self };
        for _ in texts.iter() {
            self.text();
        }
        texts
    }
}

/// Some texts, each read where it stands.
#[derive(Clone, Copy)]
pub struct Texts {
    count: u8,
    from: Reader,
}

impl Texts {
    /// The texts.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        let mut reader = self.from;
        (0..self.count).map(move |_| reader.text())
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
