//! The limits that are to outlive the boot: what the profile asks for, applied to what services and logins get without
//! us, and not to the limits of the calling shell. So `at_least` lowers nothing.

use std::path::Path;

use crate::environment::config_files::{limits_conf, unit};
use crate::formats::limits_conf::LoginLimit;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::value::Value;

use super::contents::{LOGINS, drop_in};

/// What a profile asks of a resource.
#[derive(Clone, Debug)]
pub struct LimitRequest {
    /// The limit to persist.
    pub resource: Resource,
    /// What is asked of the soft and of the hard side, if anything is.
    pub sides: [Option<Expectation<Value>>; 2],
    /// Whether the soft limit is to be the hard one.
    pub as_hard: bool,
    /// What a service gets where no file gives it anything.
    pub default: Limits,
}

impl LimitRequest {
    /// A request for a resource. The default is what systemd gives (systemd-system.conf(5), `DefaultLimitNOFILE=`), else
    /// what the kernel does (`INIT_RLIMITS`); where that depends on the machine's memory, it is `of_first_process`.
    #[must_use]
    pub fn new(resource: Resource, sides: [Option<Expectation<Value>>; 2], of_first_process: Option<Limits>) -> Self {
        let limits = |soft, hard| Limits { soft: Limit::Value(soft), hard };
        let unlimited = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
        let default = match (resource, of_first_process) {
            (Resource::Nproc | Resource::Sigpending, Some(first)) => first,
            (Resource::Nofile, _) => limits(1024, Limit::Value(524_288)),
            (Resource::Memlock, _) => limits(8 << 20, Limit::Value(8 << 20)),
            (Resource::Stack, _) => limits(8 << 20, Limit::Unlimited),
            (Resource::Msgqueue, _) => limits(819_200, Limit::Value(819_200)),
            (Resource::Nice | Resource::Rtprio, _) => limits(0, Limit::Value(0)),
            _ => unlimited,
        };
        Self { resource, sides, as_hard: false, default }
    }

    /// The limit of one side; `given` is what the files give it.
    fn side(&self, side: Side, given: Option<Limit>) -> Limit {
        let without_us = given.unwrap_or(self.default.side(side));
        let wanted = self.sides[usize::from(side == Side::Hard)].as_ref();
        match wanted.map(|wanted| wanted.nearest(Some(&Value::Limit(without_us)))) {
            Some(Some(Value::Limit(limit))) => limit,
            _ => without_us,
        }
    }

    /// Both sides, the soft one not above the hard one: the side that is asked for decides, and a hard limit that may
    /// be higher is raised.
    fn both(&self, given: impl Fn(Side) -> Option<Limit>) -> Limits {
        let [soft, hard] = [Side::Soft, Side::Hard].map(|side| self.side(side, given(side)));
        if self.as_hard {
            return Limits { soft: hard, hard };
        }
        let hard = if soft > hard && self.sides[0].is_some() { self.side(Side::Hard, Some(soft)) } else { hard };
        Limits { soft: soft.min(hard), hard }
    }
}

/// The limits of a service. Both sides always, as systemd takes one number for both.
#[must_use]
pub fn unit_limits(root: &Path, name: &str, requests: &[LimitRequest]) -> Vec<(Resource, Limits)> {
    let ours = drop_in(name);
    let given = |resource, side| unit::configured_limit(root, name, resource, side, Path::new(&ours));
    requests.iter().map(|request| (request.resource, request.both(|side| given(request.resource, side)))).collect()
}

/// The limits of logins: the sides that are asked for, and a hard limit where the soft one would be cut without
/// (`pam_limits.c`). A wildcard does not apply to root, which needs lines of its own.
#[must_use]
pub fn login_limits(root: &Path, requests: &[LimitRequest]) -> Vec<LoginLimit> {
    let mut lines = Vec::new();
    for request in requests {
        let resource = request.resource;
        // Without systemd, the kernel's own hard limit of 4096 applies.
        let lowest_hard = if resource == Resource::Nofile { Limit::Value(4096) } else { request.default.hard };
        for side in [Side::Soft, Side::Hard] {
            for domain in ["*", "root"] {
                let given = |side| limits_conf::configured_limit(root, domain, resource, side, Path::new(LOGINS));
                let both = request.both(given);
                let [soft, hard] = request.sides.each_ref().map(Option::is_some);
                let is_cut = soft && both.soft > given(Side::Hard).unwrap_or(lowest_hard);
                if (side == Side::Soft && soft) || (side == Side::Hard && (hard || is_cut)) {
                    lines.push((domain, resource, side, both.side(side)));
                }
            }
        }
    }
    lines
}
