//! The rows as the program carries them: most of what a row could say is empty in most rows, so the compiler writes
//! them down as bytes, and what many have in common once. [`super::unpack`] reads them.

use super::row::{Access, Bounds, Docker, Kubernetes, Row};
use super::scope::{InNewNetns, Scope};
use super::version::{ByVersion, Changed, KernelVersion};
use crate::model::hashed::of_path;
use crate::model::setting::System;
use crate::model::value::Kind;

/// What a default became with later versions.
pub(super) type Changes = &'static [(KernelVersion, &'static str)];
/// What a setting belongs to, and what a new network namespace has of it.
pub(super) type Belonging = (Changed<Scope>, Changed<InNewNetns>);

/// Where a head's parts stand in it. Those of a byte are places in a list, `NONE` where there is nothing.
pub(super) mod head {
    /// The length of the name, which stands behind all others.
    pub(in super::super) const NAME_LENGTH: usize = 0;
    pub(in super::super) const KIND: usize = 1;
    /// What containers make of it, the access, the system, and whether there is a value that can't be undone.
    pub(in super::super) const CLASS: usize = 2;
    pub(in super::super) const BOUNDS: usize = 3;
    pub(in super::super) const RANGE: usize = 4;
    pub(in super::super) const BELONGING: usize = 5;
    pub(in super::super) const AFTER: usize = 6;
    pub(in super::super) const CHANGES: usize = 7;
    /// Where its texts begin, in three bytes.
    pub(in super::super) const TEXTS: usize = 8;
    pub(in super::super) const NAME: usize = 11;
    /// No place in a list.
    pub(in super::super) const NONE: u8 = u8::MAX;
}

/// The rows of some tables, and what they share.
pub(super) struct Packed {
    /// What parts the components of the rows' names.
    pub(super) separator: u8,
    /// Of each row what is asked for often.
    pub(super) heads: &'static [u8],
    /// What only people read.
    pub(super) texts: &'static [u8],
    pub(super) bounds: &'static [Bounds],
    pub(super) ranges: &'static [&'static ByVersion<Bounds>],
    pub(super) belongings: &'static [Belonging],
    pub(super) after: &'static [&'static [&'static str]],
    pub(super) changes: &'static [Changes],
}

/// Which of the texts and versions that most rows leave empty are there, in this order.
pub(super) mod flag {
    pub(in super::super) const USER_NETNS: u8 = 1;
    pub(in super::super) const SINCE: u8 = 1 << 1;
    pub(in super::super) const REMOVED: u8 = 1 << 2;
    pub(in super::super) const READ_BACK: u8 = 1 << 3;
    pub(in super::super) const MODULE: u8 = 1 << 4;
    pub(in super::super) const CAPABILITY: u8 = 1 << 5;
    pub(in super::super) const ONE_WAY: u8 = 1 << 6;
    pub(in super::super) const VARIES: u8 = 1 << 7;
}

/// A list that the compiler fills.
pub(super) struct Filled<T: 'static, const ROOM: usize> {
    items: [T; ROOM],
    pub(super) len: usize,
}

impl<T: Copy, const ROOM: usize> Filled<T, ROOM> {
    const fn new(filler: T) -> Self {
        Self { items: [filler; ROOM], len: 0 }
    }

    const fn push(&mut self, item: T) {
        self.items[self.len] = item;
        self.len += 1;
    }

    /// What was filled in, `N` items.
    pub(super) const fn exactly<const N: usize>(&self) -> [T; N] {
        let mut items = [self.items[0]; N];
        let mut at = 0;
        while at < N {
            items[at] = self.items[at];
            at += 1;
        }
        items
    }
}

/// [`Packed`] while it is made, with room to spare.
pub(super) struct Draft {
    pub(super) heads: Filled<u8, 0x8000>,
    pub(super) texts: Filled<u8, 0x18000>,
    pub(super) bounds: Filled<Bounds, { head::NONE as usize }>,
    pub(super) ranges: Filled<&'static ByVersion<Bounds>, { head::NONE as usize }>,
    pub(super) belongings: Filled<Belonging, { head::NONE as usize }>,
    pub(super) after: Filled<&'static [&'static str], { head::NONE as usize }>,
    pub(super) changes: Filled<Changes, { head::NONE as usize }>,
    /// Where the texts that are there already begin, by their hash.
    known: [u32; 0x1000],
}

/// The rows of some tables as bytes.
macro_rules! packed {
    ($separator:literal, $tables:expr) => {{
        const DRAFT: $crate::catalog::pack::Draft = $crate::catalog::pack::Draft::of($tables);
        $crate::catalog::pack::Packed {
            separator: $separator,
            heads: const { &DRAFT.heads.exactly::<{ DRAFT.heads.len }>() },
            texts: const { &DRAFT.texts.exactly::<{ DRAFT.texts.len }>() },
            bounds: const { &DRAFT.bounds.exactly::<{ DRAFT.bounds.len }>() },
            ranges: const { &DRAFT.ranges.exactly::<{ DRAFT.ranges.len }>() },
            belongings: const { &DRAFT.belongings.exactly::<{ DRAFT.belongings.len }>() },
            after: const { &DRAFT.after.exactly::<{ DRAFT.after.len }>() },
            changes: const { &DRAFT.changes.exactly::<{ DRAFT.changes.len }>() },
        }
    }};
}
pub(super) use packed;

#[expect(clippy::cast_possible_truncation, reason = "what has no room ends the compilation")]
impl Draft {
    pub(super) const fn of(tables: &[&[Row]]) -> Self {
        const NO_BOUNDS: Bounds = Bounds { min: 0, max: 0 };
        let shared = Changed { now: InNewNetns::Shared, before: None };
        let mut draft = Self {
            heads: Filled::new(0),
            texts: Filled::new(0),
            bounds: Filled::new(NO_BOUNDS),
            ranges: Filled::new(&ByVersion { first: NO_BOUNDS, then: &[] }),
            belongings: Filled::new((Changed { now: Scope::Host, before: None }, shared)),
            after: Filled::new(&[]),
            changes: Filled::new(&[]),
            known: [u32::MAX; 0x1000],
        };
        let mut table = 0;
        while table < tables.len() {
            let mut at = 0;
            while at < tables[table].len() {
                draft.row(&tables[table][at]);
                at += 1;
            }
            table += 1;
        }
        draft
    }

    const fn row(&mut self, row: &Row) {
        let start = self.heads.len;
        let texts = (self.texts.len as u32).to_le_bytes();
        let head = [
            row.name.len() as u8,
            kind(row.values.kind),
            class(row),
            self.place_of_bounds(row.values.bounds),
            self.place_of_range(row.kernel_range),
            self.place_of_belonging((row.scope, row.in_new_netns)),
            if row.after.is_empty() { head::NONE } else { pushed(&mut self.after, row.after) },
            if row.default.then.is_empty() { head::NONE } else { pushed(&mut self.changes, row.default.then) },
            texts[0],
            texts[1],
            texts[2],
        ];
        put(&mut self.heads, &head);
        assert!(self.heads.len - start == head::NAME && row.name.len() <= 0xff, "the head is as `head` says");
        put(&mut self.heads, row.name.as_bytes());
        self.texts(row);
    }

    /// At the end where it is not there yet, as in the two below.
    const fn place_of_bounds(&mut self, bounds: Option<Bounds>) -> u8 {
        let Some(bounds) = bounds else { return head::NONE };
        let mut at = 0;
        while at < self.bounds.len && !equal(self.bounds.items[at], bounds) {
            at += 1;
        }
        if at == self.bounds.len { pushed(&mut self.bounds, bounds) } else { at as u8 }
    }

    const fn place_of_range(&mut self, range: Option<&'static ByVersion<Bounds>>) -> u8 {
        let Some(range) = range else { return head::NONE };
        let mut at = 0;
        while at < self.ranges.len && !same(self.ranges.items[at], range) {
            at += 1;
        }
        if at == self.ranges.len { pushed(&mut self.ranges, range) } else { at as u8 }
    }

    const fn place_of_belonging(&mut self, belonging: Belonging) -> u8 {
        let wanted = codes(belonging);
        let mut at = 0;
        while at < self.belongings.len && codes(self.belongings.items[at]) != wanted {
            at += 1;
        }
        if at == self.belongings.len { pushed(&mut self.belongings, belonging) } else { at as u8 }
    }

    const fn texts(&mut self, row: &Row) {
        let versions = [row.in_user_netns_since, row.since, row.removed_in];
        let texts = [row.read_back, row.module, row.capability, row.one_way, row.range_varies];
        let flags = self.texts.len;
        self.texts.push(0);
        let (mut at, mut flag) = (0, flag::USER_NETNS);
        while at < versions.len() {
            if let Some(KernelVersion(major, minor)) = versions[at] {
                self.texts.items[flags] |= flag;
                put(&mut self.texts, &major.to_le_bytes());
                put(&mut self.texts, &minor.to_le_bytes());
            }
            (at, flag) = (at + 1, flag << 1);
        }
        at = 0;
        while at < texts.len() {
            if let Some(text) = texts[at] {
                self.texts.items[flags] |= flag;
                self.text(text);
            }
            (at, flag) = (at + 1, flag << 1);
        }
        if let Kubernetes::Safe { since } = row.kubernetes {
            self.text(since);
        }
        self.list(&[row.purpose, row.unit, row.default.first]);
        self.texts.push(row.notes.len() as u8);
        self.list(row.notes);
        self.texts.push(row.sources.len() as u8);
        self.list(row.sources);
    }

    const fn list(&mut self, mut texts: &[&str]) {
        while let [first, rest @ ..] = texts {
            self.text(first);
            texts = rest;
        }
    }

    /// Its length, doubled, and itself; where it stands already its place, doubled, plus 1.
    const fn text(&mut self, text: &str) {
        let mut slot = of_path(text.as_bytes()) as usize % self.known.len();
        while self.known[slot] != u32::MAX {
            let place = self.known[slot] as usize;
            if self.stands_at(text.as_bytes(), place) {
                return number(&mut self.texts, place << 1 | 1);
            }
            slot = (slot + 1) % self.known.len();
        }
        self.known[slot] = self.texts.len as u32;
        number(&mut self.texts, text.len() << 1);
        put(&mut self.texts, text.as_bytes());
    }

    /// Whether that text begins there.
    const fn stands_at(&self, text: &[u8], place: usize) -> bool {
        let (length, mut at) = match self.texts.items[place] {
            short @ 0..0x80 => (short as usize, place + 1),
            low => ((low & 0x7f) as usize | (self.texts.items[place + 1] as usize) << 7, place + 2),
        };
        let mut rest = text;
        while let [first, behind @ ..] = rest {
            if self.texts.items[at] != *first {
                return false;
            }
            (rest, at) = (behind, at + 1);
        }
        length == text.len() << 1
    }
}

/// Puts it at the end, and says where that is.
#[expect(clippy::cast_possible_truncation, reason = "asserted")]
const fn pushed<T: Copy, const ROOM: usize>(list: &mut Filled<T, ROOM>, item: T) -> u8 {
    list.push(item);
    assert!(list.len <= head::NONE as usize, "a place must fit into a byte");
    (list.len - 1) as u8
}

const fn equal(a: Bounds, b: Bounds) -> bool {
    a.min == b.min && a.max == b.max
}

const fn same(a: &ByVersion<Bounds>, b: &ByVersion<Bounds>) -> bool {
    let mut same = equal(a.first, b.first) && a.then.len() == b.then.len();
    let mut at = 0;
    while same && at < a.then.len() {
        let ((a_since, a), (b_since, b)) = (a.then[at], b.then[at]);
        same = a_since.0 == b_since.0 && a_since.1 == b_since.1 && equal(a, b);
        at += 1;
    }
    same
}

/// Equal for what is equal, and for nothing else.
const fn codes((scope, in_new_netns): Belonging) -> u128 {
    let (scope_before, presence_before) = match (scope.before, in_new_netns.before) {
        (None, None) => (0, 0),
        (Some((since, scope)), None) => (before(since, scope as u8), 0),
        (None, Some((since, presence))) => (0, before(since, presence as u8)),
        (Some((a, scope)), Some((b, presence))) => (before(a, scope as u8), before(b, presence as u8)),
    };
    scope_before | presence_before << 48 | (scope.now as u128) << 96 | (in_new_netns.now as u128) << 104
}

const fn before(KernelVersion(major, minor): KernelVersion, code: u8) -> u128 {
    1 | (code as u128) << 8 | (major as u128) << 16 | (minor as u128) << 32
}

const fn class(row: &Row) -> u8 {
    let kubernetes = match row.kubernetes {
        Kubernetes::Safe { .. } => 0,
        Kubernetes::Unsafe => 1,
        Kubernetes::NotPossible => 2,
    };
    let system = matches!(row.system, System::MacOs) as u8;
    kubernetes | (row.docker as u8) << 2 | (row.access as u8) << 4 | system << 6 | (row.one_way.is_some() as u8) << 7
}

/// In the order of their codes.
pub(super) const DOCKERS: [Docker; 3] = [Docker::Accepted, Docker::AcceptedButFails, Docker::Refused];
/// Likewise.
pub(super) const ACCESSES: [Access; 3] = [Access::ReadWrite, Access::ReadOnly, Access::WriteOnly];

/// How many numbers a list has stands above the kinds that have a code of their own.
const fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Number => 0,
        Kind::PortRange => 1,
        Kind::Ports => 2,
        Kind::Cpus => 3,
        Kind::Word => 4,
        Kind::Choice => 5,
        Kind::Text => 6,
        Kind::Limit => 7,
        Kind::Address => 8,
        Kind::Numbers(count) => 9 + count,
    }
}

const fn put<const ROOM: usize>(bytes: &mut Filled<u8, ROOM>, mut more: &[u8]) {
    while let [first, rest @ ..] = more {
        bytes.push(*first);
        more = rest;
    }
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
#[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is wanted")]
const fn number<const ROOM: usize>(bytes: &mut Filled<u8, ROOM>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
