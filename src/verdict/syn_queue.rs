//! `syn-queue`: connection requests were dropped because the SYN queue was full, with SYN cookies off.
//!
//! What the listener dropped beyond its overflows. A queue that is longer than the backlog has a counter of its own
//! (`TCPReqQFullDrop`); the last quarter of `net.ipv4.tcp_max_syn_backlog` has none.

use super::accept_queue::longer_queue;
use super::fix::generous;
use super::observation::{Observation, Side, moved};
use super::sign::{Measure, Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::counters::Counter;

/// So many requests, dropped for no overflow, hold a run back.
const DROPS: u64 = 10;
const MAX_SYN_BACKLOG: &str = "net.ipv4.tcp_max_syn_backlog";

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let service = match run.service() {
        Ok(service) => service,
        Err(judgement) => return judgement,
    };
    let read = |counter| moved(&service.network, counter, Side::Service);
    let counters = [Counter::ListenDrops, Counter::ListenOverflows, Counter::ReqQFullDrop].map(read);
    let (drops, overflows, full) = match counters {
        [Ok(drops), Ok(overflows), Ok(full)] => (drops, overflows, full),
        [Err(unseen), ..] | [_, Err(unseen), _] | [.., Err(unseen)] => return unseen,
    };
    let beyond = drops.saturating_sub(overflows);
    if beyond < DROPS && full == 0 {
        // Where cookies are always sent they say nothing, and where the accept queue is full they come with that.
        let cookies = service.network.get(Counter::ReqQFullDoCookies).unwrap_or(0);
        if cookies > 0 && overflows == 0 && service.settings.syncookies == Some(1) {
            notes.push(Note::SynCookies(cookies));
        }
        return Judgement::Clear;
    }
    match service.listener_drops {
        None => return Judgement::Unseen(Unseen::Listener),
        Some(0) => {
            notes.push(Note::OtherListener(drops));
            return Judgement::Clear;
        }
        Some(_) => {}
    }
    let mut because = vec![
        Sign::counter(Counter::ListenDrops, Side::Service, drops),
        Sign::counter(Counter::ListenOverflows, Side::Service, overflows),
        Sign::counter(Counter::ReqQFullDrop, Side::Service, full),
    ];
    because.extend(service.listener_drops.map(|drops| Sign::alone(Measure::ListenerDrops, Side::Service, drops)));
    let length = run.peak(|sample| sample.accept_queue).map(|queue| queue.limit);
    let (queue, mut fixes) = longer_queue(run, service, length);
    let max = service.settings.max_syn_backlog;
    let needed = generous(run.client.connections.unwrap_or(0).max(max.unwrap_or(0)), 4096);
    let raise = || Fix::raise(MAX_SYN_BACKLOG, needed, Side::Service);
    let bound = if full > 0 {
        fixes.extend(max.is_none_or(|max| max < needed).then(raise).flatten());
        queue
    } else {
        // The queue of the listener is another bound of the same; it counts only if it is shorter.
        if length.is_some_and(|length| length >= needed) {
            fixes.clear();
        }
        fixes.splice(..0, raise());
        Bound::sysctl(MAX_SYN_BACKLOG)
    };
    Judgement::Limit(Limit { code: Code::SynQueue, bound, fixes }, because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::observation::Use;
    use crate::verdict::tests::{healthy, limit_of, set};

    fn with(drops: u64, overflows: u64, full: u64) -> Observation {
        let mut run = healthy();
        let service = run.service.as_mut().unwrap();
        set(&mut service.network, Counter::ListenDrops, drops);
        set(&mut service.network, Counter::ListenOverflows, overflows);
        set(&mut service.network, Counter::ReqQFullDrop, full);
        service.listener_drops = Some(drops);
        run
    }

    #[test]
    fn drops_beyond_the_overflows() {
        for (drops, overflows, full, limit) in [
            (1287, 0, 0, Some(Code::SynQueue)),
            (1286, 0, 1286, Some(Code::SynQueue)),
            (594, 589, 0, None),
            (9, 0, 0, None),
            (9, 0, 1, Some(Code::SynQueue)),
            (0, 0, 0, None),
        ] {
            assert_eq!(limit_of(judge, &with(drops, overflows, full)), limit, "{drops} {overflows} {full}");
        }
    }

    #[test]
    fn another_listener_dropped_them() {
        let mut run = with(1287, 0, 0);
        run.service.as_mut().unwrap().listener_drops = Some(0);
        let mut notes = Vec::new();
        assert_eq!(judge(&run, &mut notes), Judgement::Clear);
        assert_eq!(notes, [Note::OtherListener(1287)]);
    }

    #[test]
    fn the_bound_is_the_backlog_where_the_kernel_counts_it() {
        let bound = |full: u64, length: u64| {
            let mut run = with(1287, 0, full);
            run.samples.iter_mut().for_each(|sample| sample.accept_queue = Some(Use { used: 0, limit: length }));
            let Judgement::Limit(limit, _) = judge(&run, &mut Vec::new()) else { panic!() };
            (limit.bound.to_string(), limit.fixes.len())
        };
        assert_eq!(bound(1287, 32), ("backlog".to_owned(), 2));
        assert_eq!(bound(1287, 4096), ("net.core.somaxconn".to_owned(), 3));
        assert_eq!(bound(0, 32), (MAX_SYN_BACKLOG.to_owned(), 2));
        assert_eq!(bound(0, 8192), (MAX_SYN_BACKLOG.to_owned(), 1));
    }

    #[test]
    fn cookies_alone_are_a_note_unless_they_are_always_sent() {
        for (syncookies, expected) in [(1, vec![Note::SynCookies(3053)]), (2, vec![])] {
            let mut run = with(0, 0, 0);
            let service = run.service.as_mut().unwrap();
            set(&mut service.network, Counter::ReqQFullDoCookies, 3053);
            service.settings.syncookies = Some(syncookies);
            let mut notes = Vec::new();
            assert_eq!(judge(&run, &mut notes), Judgement::Clear);
            assert_eq!(notes, expected);
        }
    }
}
