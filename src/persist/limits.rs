//! Which limits last: what the profile asks for, seen from what services and logins get without us. So `at_least`
//! lowers nothing, whatever the shell has that this is typed in.

use std::path::Path;

use crate::environment::config_files::{limits_conf, unit as units};
use crate::formats::Login;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::value::Value;

use super::wanted::{LOGINS, drop_in};

/// What a profile asks of a resource.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which.
    pub resource: Resource,
    /// Of each side, if it asks for that.
    pub sides: [Option<Expectation<Value>>; 2],
    /// Whether the soft limit is to be the hard one.
    pub as_hard: bool,
    /// What a service gets that nobody gives anything.
    pub usual: Limits,
}

impl Asked {
    /// Of a resource. What systemd gives (systemd-system.conf(5), `DefaultLimitNOFILE=`), and of the rest what the
    /// kernel does (`INIT_RLIMITS`); what depends on the machine's memory, its first process has.
    #[must_use]
    pub fn of(resource: Resource, sides: [Option<Expectation<Value>>; 2], first: Option<Limits>) -> Self {
        let (soft, hard) = match resource {
            Resource::Nofile => (1024, Some(524_288)),
            Resource::Memlock => (8 << 20, Some(8 << 20)),
            Resource::Stack => (8 << 20, None),
            Resource::Msgqueue => (819_200, Some(819_200)),
            Resource::Nice | Resource::Rtprio => (0, Some(0)),
            _ => (u64::MAX, None),
        };
        let hard = hard.map_or(Limit::Unlimited, Limit::Value);
        let fixed = Limits { soft: if soft == u64::MAX { hard } else { Limit::Value(soft) }, hard };
        let usual = match (resource, first) {
            (Resource::Nproc | Resource::Sigpending, Some(first)) => first,
            _ => fixed,
        };
        Self { resource, sides, as_hard: false, usual }
    }

    fn side(&self, side: Side, gives: Option<Limit>) -> Limit {
        let without = gives.unwrap_or(self.usual.side(side));
        match self.sides[usize::from(side == Side::Hard)]
            .as_ref()
            .map(|asked| asked.nearest(Some(&Value::Limit(without))))
        {
            Some(Some(Value::Limit(limit))) => limit,
            _ => without,
        }
    }

    /// Both sides, the soft one not above the hard one: the side that is asked for counts, and a hard limit that may
    /// be higher goes up.
    fn both(&self, gives: impl Fn(Side) -> Option<Limit>) -> Limits {
        let [soft, hard] = [Side::Soft, Side::Hard].map(|side| self.side(side, gives(side)));
        if self.as_hard {
            return Limits { soft: hard, hard };
        }
        let hard = if soft > hard && self.sides[0].is_some() { self.side(Side::Hard, Some(soft)) } else { hard };
        Limits { soft: soft.min(hard), hard }
    }
}

/// What a service is to get. Both sides always, as systemd takes one number for both.
#[must_use]
pub fn unit(root: &Path, name: &str, asked: &[Asked]) -> Vec<(Resource, Limits)> {
    let ours = drop_in(name);
    let gives = |resource, side| units::gives(root, name, resource, side, Path::new(&ours));
    asked.iter().map(|asked| (asked.resource, asked.both(|side| gives(asked.resource, side)))).collect()
}

/// What logins are to get: the sides that are asked for, and a hard limit without which the soft one would be cut
/// (`pam_limits.c`). A wildcard does not stand for root, who needs lines of his own.
#[must_use]
pub fn logins(root: &Path, asked: &[Asked]) -> Vec<Login> {
    let mut lines = Vec::new();
    for asked in asked {
        // Where systemd does not reign, the kernel's own hard limit does.
        let least = if asked.resource == Resource::Nofile { Limit::Value(4096) } else { asked.usual.hard };
        for side in [Side::Soft, Side::Hard] {
            for domain in ["*", "root"] {
                let gives = |side| limits_conf::gives(root, domain, asked.resource, side, Path::new(LOGINS));
                let both = asked.both(gives);
                let [soft, hard] = asked.sides.each_ref().map(Option::is_some);
                let cut = soft && both.soft > gives(Side::Hard).unwrap_or(least);
                if (side == Side::Soft && soft) || (side == Side::Hard && (hard || cut)) {
                    lines.push((domain, asked.resource, side, both.side(side)));
                }
            }
        }
    }
    lines
}
